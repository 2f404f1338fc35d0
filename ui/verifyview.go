package ui

import (
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

func (v *verify) View(w, h int) []string {
	lw, last := v.proofSize(w, h)
	if w < wideWidth {
		return v.proof(lw, h, last)
	}
	cols := widths(w)
	r := v.row()
	if len(cols) > 2 {
		return v.pen.side([][]string{v.proof(lw, h, last), v.charts(r, cols[1], h, chartHigh), v.aside(cols[2], h)}, cols, h)
	}
	right := v.charts(r, cols[1], h*2/3, chartMost)
	return v.pen.side([][]string{v.proof(lw, h, last), append(right, v.lately(cols[1], h-len(right))...)}, cols, h)
}

// proofSize is the width of the proof in a body of w×h, and how many lines of the
// timeline may stand below it.
func (v *verify) proofSize(w, h int) (lw, last int) {
	if w < wideWidth {
		last = min(4, max(0, h/6))
	}
	return widths(w)[0], last
}

// Scroll keeps the marked check in view.
func (v *verify) Scroll(w, h int) {
	lw, last := v.proofSize(w, h)
	_, room, _ := v.below(lw, h, last)
	v.top, _ = v.visible(v.rows(), room)
}

// proof is the hold, the checks, the marked one in full, what is still open, and
// the last lines of the timeline.
func (v *verify) proof(w, h, last int) []string {
	p := v.pen
	done, of, share := v.held()
	bw := max(10, min(48, w-24))
	style := p.Note
	if !v.inc().Verified.IsZero() {
		style = p.Good
	}
	out := []string{" " + p.cell("hold", 5, p.Dim) + paint(style, p.say(bar(share, bw))) + "  " + done + " of " + of}
	if len(v.d.checks) == 0 {
		return append(out, "", "   nothing was rolled back, so there is nothing to prove")
	}
	foot, room, last := v.below(w, h, last)
	free := room - len(v.rows())
	if last > 0 && v.leading(v.row(), w, free) != nil {
		free -= chartLeast
	}
	out = append(out, v.table(v.rows(), w, room, free)...)
	out = append(out, foot...)
	if last == 0 {
		return out
	}
	out = append(out, v.leading(v.row(), w, h-last-len(out))...)
	for len(out) < h-last {
		out = append(out, "")
	}
	return append(out[:min(len(out), h-last)], v.timelineLines(w, last, false)...)
}

// below is what stands below the table, how many lines the table gets, and how
// many the timeline: the checks come first, its end gives way to them.
func (v *verify) below(w, h, last int) (foot []string, room, timeline int) {
	p := v.pen
	const hold = 1
	var open []string
	if why := v.unanswered(); why != "" {
		open = p.hang(paint(p.Warn, p.say(" ? ")), why, w, 0, p.Warn)
	}
	if m := v.marked(); m != nil {
		least := max(2, min(6, h/3))
		spare := h - hold - len(v.rows()) - len(open) - last
		if last > 0 && v.leading(v.row(), w, spare-least) != nil {
			spare -= chartLeast
		}
		foot = v.markedLines(m, w, least, spare)
	}
	foot = append(foot, open...)
	timeline = max(0, min(last, h-hold-len(foot)-len(v.rows())))
	return foot, max(1, h-hold-len(foot)-timeline), timeline
}

// visible says which rows a table of so many lines shows: from which on, and how
// many, less the line that counts the others.
func (v *verify) visible(rows []int, room int) (top, n int) {
	at := slices.Index(rows, v.at)
	if len(rows) > room {
		room = max(1, room-1)
	}
	top = window(v.top, at, len(rows), room)
	if top == at && at > 0 && rows[at-1] < 0 && room > 1 {
		top-- // with whose it is
	}
	return top, room
}

// rows are the lines of the table: a component's name (-1), or a check's number.
func (v *verify) rows() []int {
	var out []int
	for n := range v.d.checks {
		if n == 0 || v.d.checks[n-1].Component != v.d.checks[n].Component {
			out = append(out, -1-n)
		}
		out = append(out, n)
	}
	return out
}

// table is the checks below the name of their component, as many as there is room
// for; the rest is counted. What a check has seen may take so many more lines in all.
func (v *verify) table(rows []int, w, room, free int) []string {
	p := v.pen
	nw := 0
	for n := range v.d.checks {
		nw = max(nw, ansi.StringWidth(brief(v.d.checks[n].Name)))
	}
	nw = max(12, min(nw, max(17, w*3/10)))
	sw, lw := w-nw-24, 0 // the limit stands beside it where there is room
	if sw >= 56 {
		sw, lw = 28, sw-30
	}
	var out []string
	top, shown := v.visible(rows, room)
	end := min(len(rows), top+shown)
	for _, n := range rows[top:end] {
		if n < 0 {
			out = append(out, v.owner(&v.d.checks[-1-n], w))
			continue
		}
		c := &v.d.checks[n]
		mark := "   "
		if n == v.at {
			mark = paint(p.Note, p.say(" ▸ "))
		}
		word, look := checkWord(p, c)
		line := mark + p.name(brief(c.Name), nw, p.Plain) + " " + p.cell(word, 10, look) + " "
		seen, since := strings.TrimSuffix(v.seenOf(c), " since the rollout"), ""
		if !c.Since.IsZero() {
			since = lasted(v.snap.Now, c.Since)
		}
		parts := p.wrap(seen, sw, 1+max(0, free))
		free -= len(parts) - 1
		in := ansi.StringWidth(line)
		line += p.cell(parts[0], sw, p.Plain) + " " + p.right(since, 6, p.Dim)
		if lw > 0 {
			line += "  " + paint(p.Dim, p.fit(c.Limit, lw))
		}
		out = append(out, line)
		for _, part := range parts[1:] {
			out = append(out, spaces(in)+part)
		}
	}
	if above, below := top, len(rows)-end; above+below > 0 {
		text := "   "
		if above > 0 {
			text += "↑ " + itoa(int64(above)) + " more  "
		}
		if below > 0 {
			text += "↓ " + itoa(int64(below)) + " more"
		}
		out = append(out, paint(p.Dim, p.say(text)))
	}
	return out
}

// owner is the line above a component's checks.
func (v *verify) owner(c *incident.VerifyCheck, w int) string {
	p, note := v.pen, ""
	if c.Beside {
		note = "  failed since the onset, not rolled back"
		if slices.ContainsFunc(v.d.checks, func(o incident.VerifyCheck) bool { return o.Component == c.Component && o.State == model.TriNo }) {
			note = "  also failing since the onset, not rolled back"
		}
	}
	name := p.middle(c.Component, max(12, w-2-ansi.StringWidth(note)))
	return " " + paint(p.Strong, name) + paint(p.Warn, p.fit(note, max(0, w-2-ansi.StringWidth(name))))
}

// lasted is for how long a check has been as it is, in steps in which a table of
// them does not make the screen restless.
func lasted(now, since time.Time) string {
	d := now.Sub(since)
	if d < 10*time.Second {
		return "<10s"
	}
	return model.Short(coarse(d.Truncate(10 * time.Second)))
}

// brief leaves out of a URL what says nothing: below the table it stands whole.
func brief(name string) string {
	return strings.NewReplacer("https://", "", "http://", "").Replace(name)
}

// checkWord is a check's state, as a sign and a word.
func checkWord(p *pen, c *incident.VerifyCheck) (string, ansi.Style) {
	switch {
	case c.Shown:
		return "· shown", p.Dim
	case c.State == model.TriYes:
		return "✓ good", p.Good
	case c.State == model.TriNo:
		return "✗ bad", p.Bad
	case c.Accepted:
		return "? accepted", p.Warn
	case c.Wait == incident.WaitHold:
		return "… holding", p.Plain
	case c.Wait == incident.WaitWindow:
		return "… settling", p.Warn
	}
	return "? unknown", p.Warn
}

// markedLines are the marked check: what was seen, what it must be, since when, whole
// where the lines to spare are enough, else in some at least; of a log its last lines.
func (v *verify) markedLines(m *incident.VerifyCheck, w, least, spare int) []string {
	p := v.pen
	text := m.Name + ": " + v.seenOf(m)
	if m.Limit != "" {
		text += "; must be " + m.Limit
	}
	if !m.Since.IsZero() {
		text += "; for " + lasted(v.snap.Now, m.Since)
	}
	var out []string
	for n, l := range p.wrap(text, w-11, max(least, spare)) {
		out = append(out, p.label([]string{"marked", ""}[min(n, 1)], l))
	}
	tail := tailLines(v.scope, m, w-4)
	left := max(0, least+1-len(out))
	return append(out, tail[max(0, len(tail)-left):]...)
}

// tailLines are the end of a component's log, bad lines marked; nil for another
// check.
func tailLines(s *scope, m *incident.VerifyCheck, w int) []string {
	if !strings.HasSuffix(m.Key, "/log") {
		return nil
	}
	p, t := s.pen, s.snap.Seen.Tails[m.Component]
	var out []string
	for _, l := range t.Lines {
		sign, style := "  ", p.Plain
		if slices.Contains(t.Bad, l) {
			sign, style = "✗ ", p.Bad
		}
		out = append(out, "   "+paint(style, p.say(sign))+paint(style, p.fit(l, w-5)))
	}
	return out
}

// newCheckDetails is all that is known of one check.
func newCheckDetails(s *scope, key string) overlay {
	return &pager{base: base{s}, title: "Check", lines: func(w int) []string {
		p := s.pen
		n := slices.IndexFunc(s.d.checks, func(c incident.VerifyCheck) bool { return c.Key == key })
		if n < 0 {
			return []string{"", " This check is no longer asked: its component is not part of the rollback any more."}
		}
		c := &s.d.checks[n]
		word, look := checkWord(p, c)
		out := []string{"", " " + paint(p.Strong, p.middle(c.Component, w-2))}
		add := func(name, text string) {
			for k, l := range p.wrap(text, w-11, 0) {
				out = append(out, p.label([]string{name, ""}[min(k, 1)], l))
			}
		}
		add("check", c.Name)
		out = append(out, p.label("state", paint(look, p.say(word))))
		add("seen", s.seenOf(c))
		add("must be", nonEmpty(c.Limit, "anything: it is only shown, not judged"))
		if !c.Since.IsZero() {
			add("since", c.Since.UTC().Format("15:04:05 UTC")+", for "+age(s.snap.Now, c.Since))
		}
		if o, ok := s.inc().Accepted[c.Key]; ok {
			text := "though unknown, by " + nonEmpty(o.By, "nobody named") + " at " + o.At.UTC().Format("15:04:05 UTC")
			if o.Reason != "" {
				text += ": “" + o.Reason + "”"
			}
			add("accepted", text)
		}
		if !strings.HasSuffix(c.Key, "/log") {
			return out
		}
		out = append(out, "", p.heading("the log's end", w))
		for _, l := range s.snap.Seen.Tails[c.Component].Lines {
			sign, style := "  ", p.Plain
			if slices.Contains(s.snap.Seen.Tails[c.Component].Bad, l) {
				sign, style = "✗ ", p.Bad
			}
			for k, part := range p.wrap(l, w-5, 0) {
				if k > 0 {
					sign = "  "
				}
				out = append(out, " "+paint(style, p.say(sign)+part))
			}
		}
		return out
	}}
}
