package ui

import (
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/model"
)

// closing is the seventh page: how it ended, the times, the checklist, and where
// the journal lies.
type closing struct {
	base
	at    int
	moved bool // it has been to the first open item
	top   int
}

func newClosing(s *scope) *closing { return &closing{base: base{s}} }

func (c *closing) Title() string { return "7 Close" }

// Follow keeps the mark on an item; it begins at the first that is open.
func (c *closing) Follow() {
	if c.inc().Step != model.Close {
		c.moved = false
	} else if !c.moved && len(c.inc().Items) > 0 {
		c.moved = true
		c.at = max(0, slices.IndexFunc(c.inc().Items, func(it model.Item) bool { return it.State == "" }))
	}
	c.at = max(0, min(len(c.inc().Items)-1, c.at))
}

func (c *closing) item() *model.Item {
	if c.at >= len(c.inc().Items) {
		return nil
	}
	return &c.inc().Items[c.at]
}

func (c *closing) Keys() []Key {
	settled := func(*model.Snapshot) string {
		switch it := c.item(); {
		case it == nil:
			return "there is no checklist"
		case it.State != "":
			return "it is " + it.State + " already"
		}
		return ""
	}
	keys := []Key{
		{Keys: []string{"space"}, Name: "done", Help: "tick the marked item: it is done", Main: true, Disabled: settled, do: func() tea.Cmd {
			id := c.item().ID
			c.move(1)
			return c.send(model.SettleItem{ID: id})
		}},
		{Keys: []string{"w"}, Name: "waive", Help: "waive the marked item, with a reason", Disabled: settled, do: func() tea.Cmd {
			it := *c.item()
			return c.reason("Waive: "+it.Text, []string{"The reason goes into the journal."}, "waive", func(reason string) tea.Cmd {
				return c.send(model.SettleItem{ID: it.ID, Waive: true, Reason: reason})
			})
		}},
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the item above", Hide: true, do: func() tea.Cmd { return c.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the item below", Hide: true, do: func() tea.Cmd { return c.move(1) }},
	}
	if c.inc().Closed.IsZero() {
		keys = append(keys, c.backKey())
	}
	return append(keys, c.componentKeys()...)
}

func (c *closing) move(by int) tea.Cmd {
	c.at += by
	c.Follow()
	return nil
}

func (c *closing) Says() sentence {
	i := c.inc()
	open := 0
	for _, it := range i.Items {
		if it.State == "" {
			open++
		}
	}
	switch {
	case i.Asked == model.AskReverted:
		return sentence{bad, i.AskText}
	case !i.Closed.IsZero():
		return sentence{fine, "Closed. q leaves."}
	case open == 1:
		return sentence{calm, "One item is open; the incident closes with it."}
	}
	return sentence{calm, fmt.Sprintf("%d items are open: space ticks the marked one, w waives it. The incident closes with the last.", open)}
}

func (c *closing) View(w, h int) []string {
	p, i := c.pen, c.inc()
	out := []string{" " + paint(p.Strong, p.fit(outcome(i), w-2))}
	for n, l := range p.wrap(times(i), w-11, 2) {
		out = append(out, p.label([]string{"times", ""}[n], l))
	}
	journal := c.snap.Seen.Journal
	switch {
	case i.WithoutJournal:
		journal = "none: you went on without one"
	case journal == "":
		journal = "not written yet"
	}
	out = append(out, p.label("journal", p.middle(journal, w-12)), "")
	room := max(1, h-len(out))
	c.top = window(c.top, c.at, len(i.Items), room)
	for n := c.top; n < min(len(i.Items), c.top+room); n++ {
		it := i.Items[n]
		mark, look := "   ", p.Plain
		if n == c.at {
			mark, look = paint(p.Note, p.say(" ▸ ")), p.Note
		}
		box, style := "[ ] open", p.Warn
		switch it.State {
		case "done":
			box, style = "[x] done", p.Good
		case "waived":
			box, style = "[-] waived", p.Dim
		}
		line := mark + p.cell(box, 11, style) + paint(look, p.fit(it.Text, 44))
		if it.State != "" {
			by := it.By
			if it.Reason != "" {
				by += ": “" + it.Reason + "”"
			}
			if left := w - ansi.StringWidth(line) - 3; left > 8 {
				line += "  " + paint(p.Dim, p.fit(by, left))
			}
		}
		out = append(out, line)
	}
	return out
}

// outcome says how it ended.
func outcome(i *model.Incident) string {
	switch {
	case i.End != nil && i.End.Reason != "":
		return "Ended: " + i.End.Outcome + ": “" + i.End.Reason + "”"
	case i.End != nil:
		return "Ended: " + i.End.Outcome
	case !i.Verified.IsZero():
		return "Rolled back and verified"
	}
	return "Not ended"
}

// times are the four that are measured, as far as both their ends are known.
func times(i *model.Incident) string {
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
	confirmed := time.Time{}
	if a := i.Attempt(); a != nil {
		confirmed = a.Confirmed
	}
	add("detect", i.Onset, i.Detected)
	add("decide", i.Detected, i.Decided)
	add("roll back", confirmed, i.RolledOut)
	add("recover", i.Detected, i.Recovered)
	add("since onset", i.Onset, i.Recovered)
	if text == "" {
		return "no times were measured"
	}
	return text
}
