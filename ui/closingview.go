package ui

import (
	"fmt"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

func (c *closing) View(w, h int) []string {
	if cols := widths(w); len(cols) > 2 {
		var item []string
		if it := c.item(); it != nil {
			item = append([]string{c.pen.heading(it.Text, cols[1]), ""}, c.itemLines(it, cols[1])...)
		}
		left := append(c.list(cols[0], h), "")
		left = append(left, c.charts(c.subject(), cols[0], h-len(left), chartMost)...)
		if room := h - len(item) - 1; room > 2 {
			item = append(append(item, ""), c.fullDetail(cols[1], room)...)
		}
		return c.pen.side([][]string{left, item, c.aside(cols[2], h)}, cols, h)
	}
	if w >= wideWidth {
		lw := listW(w)
		var right []string
		if it := c.item(); it != nil {
			right = append([]string{c.pen.heading(it.Text, w-lw-3), ""}, c.itemLines(it, w-lw-3)...)
		}
		left := append(c.list(lw, h), "")
		left = append(left, c.charts(c.subject(), lw, h-len(left), chartMost)...)
		right = append(right, "")
		return c.pen.beside(left, append(right, c.lately(w-lw-3, h-len(right))...), lw, w, h)
	}
	out := c.list(w, h)
	it := c.item()
	room := h - len(out)
	if it == nil || room < 1 {
		return out
	}
	lines := c.itemLines(it, w)
	if len(lines) < room {
		out, room = append(out, ""), room-1
	}
	if len(lines) > room {
		lines = append(lines[:room-1:room-1], paint(c.pen.Dim, c.pen.say(fmt.Sprintf(" … %d more lines: d", len(lines)-room+1))))
	}
	out = append(out, lines...)
	if chart := c.leading(c.subject(), w, h-len(out)-1); chart != nil {
		out = append(append(out, ""), chart...)
	}
	return out
}

// listW is the width of the checklist on a screen of w cells.
func listW(w int) int {
	if cols := widths(w); len(cols) > 2 {
		return cols[0]
	}
	if w >= wideWidth {
		return w * 5 / 8
	}
	return w
}

// Scroll keeps the marked item in view.
func (c *closing) Scroll(w, h int) {
	c.top = window(c.top, c.at, len(c.inc().Items), max(1, h-len(c.summary(listW(w)))))
}

// list is the summary, and below it the checklist.
func (c *closing) list(w, h int) []string {
	out, items := c.summary(w), c.inc().Items
	room := max(1, h-len(out))
	top := window(c.top, c.at, len(items), room)
	for n := top; n < min(len(items), top+room); n++ {
		out = append(out, c.line(n, w))
	}
	return out
}

// summary is how it ended, the times, what it cost, and where the journal lies.
func (c *closing) summary(w int) []string {
	p, i := c.pen, c.inc()
	out := []string{" " + paint(p.Strong, p.fit(outcome(i), w-2))}
	if down := c.down(); down != "" {
		if n := ansi.StringWidth(out[0]); n+ansi.StringWidth(down)+3 <= w {
			out[0] = p.pad(out[0], w-ansi.StringWidth(p.say(down))-1) + p.say(down)
		}
	}
	for n, l := range p.wrap(times(i), w-11, 2) {
		out = append(out, p.label([]string{"times", ""}[n], l))
	}
	if text := c.cost(); text != "" {
		for n, l := range p.wrap(text, w-11, 2) {
			out = append(out, p.label([]string{"impact", ""}[n], l))
		}
	}
	journal := c.snap.Seen.Journal
	switch {
	case i.WithoutJournal:
		journal = "none: you went on without one"
	case journal == "":
		journal = "not written yet"
	}
	return append(out, p.label("journal", p.middle(journal, w-12)))
}

// line is one item: its state, its text, and the key that does it, or who settled
// it.
func (c *closing) line(n, w int) string {
	p, it := c.pen, &c.inc().Items[n]
	mark, look := "   ", p.Plain
	if n == c.at {
		mark, look = paint(p.Note, p.say(" ▸ ")), p.Note
	}
	box, style := "[ ] open", p.Warn
	switch it.State {
	case incident.ItemDone:
		box, style = "[x] done", p.Good
	case incident.ItemToDo:
		box, style = "[>] to do", p.Note
	case incident.ItemWaived:
		box, style = "[-] waived", p.Dim
	}
	line := mark + p.cell(box, 11, style) + p.cell(it.Text, 36, look)
	left := w - ansi.StringWidth(line) - 2
	if left <= 8 {
		return line
	}
	if it.State != incident.ItemOpen {
		by := it.By
		if it.State == incident.ItemToDo {
			by = it.Task.Words()
		}
		if it.Reason != "" {
			if by != "" {
				by += ": "
			}
			by += "“" + it.Reason + "”"
		}
		return line + " " + paint(p.Dim, p.fit(by, left))
	}
	text := "enter " + c.workOf(it).name
	if c.looks() {
		return line
	}
	if c.busy(it) != "" {
		return line + " " + paint(p.Warn, p.fit("… "+c.busy(it), left))
	}
	return line + " " + paint(p.Dim, p.fit(text, left))
}

// busy is what is under way for an item; "" when nothing is.
func (c *closing) busy(it *incident.Item) string {
	seen, now := &c.snap.Seen, c.snap.Now
	switch it.ID {
	case "evidence":
		for _, since := range seen.Gathering {
			if !since.IsZero() {
				return "gathering, " + age(now, since)
			}
		}
	case "report":
		if !seen.Reporting.IsZero() {
			return "writing, " + age(now, seen.Reporting)
		}
	}
	return ""
}

// cost is the impact in a line; "" when it is not known and nobody asked.
func (c *closing) cost() string {
	i := c.inc()
	a := &i.Impact.Impact.All
	text := ""
	add := func(s string) {
		if text != "" {
			text += " · "
		}
		text += s
	}
	if a.Failed.Known {
		s := model.Count(a.Failed.Value) + " requests failed"
		if a.Requests.Known && a.Requests.Value > 0 {
			s = fmt.Sprintf("%s of %s requests failed (%s)", model.Count(a.Failed.Value), model.Count(a.Requests.Value), model.Percent(a.Failed.Value/a.Requests.Value))
		}
		add(s)
	}
	if a.MinutesOver.Known {
		add(model.Short(time.Duration(a.MinutesOver.Value*float64(time.Minute))) + " over")
	}
	if a.NoData.Known && a.NoData.Value > 0 {
		add(model.Short(time.Duration(a.NoData.Value*float64(time.Minute))) + " without data")
	}
	if a.BudgetShare.Known {
		add(model.Percent(a.BudgetShare.Value) + " of the budget")
	}
	switch {
	case !c.snap.Seen.Measuring.IsZero():
		return "being measured" // what was measured before is of a shorter time
	case text != "":
		return text
	case i.Impact.Err != "":
		return "not measured: " + i.Impact.Err
	case !i.Impact.At.IsZero():
		return "nothing of it is known: no figures"
	}
	return ""
}

// outcome says how it ended.
func outcome(i *incident.Incident) string {
	switch {
	case i.End != nil && i.End.Reason != "":
		return "Ended: " + string(i.End.Outcome) + ": “" + i.End.Reason + "”"
	case i.End != nil:
		return "Ended: " + string(i.End.Outcome)
	case !i.Verified.IsZero():
		return "Rolled back and verified"
	}
	return "Not ended"
}

// times are the four that are measured, as far as both their ends are known.
func times(i *incident.Incident) string {
	text := ""
	add := func(name string, from, to time.Time) {
		if from.IsZero() || to.IsZero() || to.Before(from) {
			return
		}
		if text != "" {
			text += " · "
		}
		text += name + " " + model.Short(to.Sub(from))
	}
	add("detect", i.BeganAt(), i.Detected)
	add("decide", i.Detected, i.Decided)
	add("roll back", i.ConfirmedAt(), i.RolledOut)
	add("recover", i.Detected, i.Recovered)
	add("since onset", i.BeganAt(), i.Recovered)
	if text == "" {
		return "no times were measured"
	}
	return text
}
