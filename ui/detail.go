package ui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"rollbook/model"
)

// allLines is for detail that is not cut.
const allLines = 1 << 20

// Where not all texts of a detail have room, each has at most so many lines, down to the
// least.
const textMost, textLeast = 20, 3

// sheet is a detail as it is written: names in a column of their own, and beside each
// what is to be said of it.
type sheet struct {
	p    *pen
	w    int
	most int // lines of a text; 0 = all of it
	out  []string
}

// add writes lines that are no longer than there is room for.
func (t *sheet) add(name string, lines ...string) {
	for _, l := range lines {
		t.out = append(t.out, t.p.label(name, t.p.fit(l, t.w-10)))
		name = ""
	}
}

// say writes a text behind its sign, further lines below the first.
func (t *sheet) say(name, sign string, signs, style ansi.Style, text string) {
	n := ansi.StringWidth(t.p.say(sign))
	for k, l := range t.p.wrap(text, t.w-11-n, t.most) {
		head := spaces(n)
		if k == 0 {
			head = paint(signs, t.p.say(sign))
		}
		t.add(name, head+paint(style, l))
		name = ""
	}
}

// detail is what is wrong with a component, the most important first: every sentence
// whole where h lines have room for it, else each as far as some lines go, and cut to h.
// What the board and a chart above tell too gives way first.
func (s *scope) detail(r *row, w, h int, charted bool) []string {
	if r == nil {
		return nil
	}
	whole := detailed{alerts: alertsShown, since: true}
	if h == allLines {
		whole.alerts = len(r.alerts())
	}
	tries := []detailed{whole, {since: true}, {since: !charted}, {since: !charted, brief: true}}
	for most := textMost; most >= textLeast; most-- {
		tries = append(tries, detailed{since: !charted, brief: true, most: most})
	}
	var out []string
	for _, as := range tries {
		if out = s.detailOf(r, w, as); len(out) <= h {
			break
		}
	}
	return s.cut(out, h)
}

// detailed is how much a detail tells.
type detailed struct {
	alerts int  // so many at most
	since  bool // when it began
	brief  bool // not how often the pods say what is not new, and doubts by their first words
	most   int  // lines of a text; 0 = all
}

// detailOf is detail as far as it is asked for.
func (s *scope) detailOf(r *row, w int, as detailed) []string {
	p, c := s.pen, r.c
	t := &sheet{p: p, w: w, most: as.most, out: []string{" " + paint(p.Strong, p.middle(c.ID, w-2))}}
	if name := c.Workload.String(); !strings.HasSuffix(name, "/"+c.ID) || len(c.ID) > 20 {
		t.out[0] = " " + paint(p.Strong, p.middle(c.ID, w*3/5)) + "  " + paint(p.Dim, p.middle(name, w*2/5-4))
	}
	if c.Missing != "" {
		t.say("missing", "", p.Plain, p.Plain, c.Missing)
		s.alertLines(r, t, as.alerts)
		return t.out
	}
	if as.since {
		s.sinceLine(t)
	}
	s.podLines(r, t)
	t.add("why", s.whyLines(r, w-11, as)...)
	s.stuckLine(r, t)
	if c.Paused {
		t.say("rollout", "⚠ ", p.Warn, p.Plain, "paused")
	}
	s.alsoLines(r, t)
	s.suspectLines(r, t)
	s.backLine(r, t, as)
	for _, x := range s.d.suspects {
		if x.Component == c.ID && x.Later() && !s.inc().Onset.IsZero() && !s.d.calm {
			t.say("later", "", p.Plain, p.Plain, x.Version.Name()+", "+x.Distance(s.inc())+": not a suspect")
		}
	}
	for _, o := range c.Owners { // one that undoes a rollback matters more than that it is known by an alert
		if o.Reverts {
			t.say("owner", "⚠ ", p.Plain, p.Plain, undoes(o))
		}
	}
	s.alertLines(r, t, as.alerts)
	s.figureLines(r, t)
	for _, o := range c.Owners {
		if !o.Reverts {
			t.say("owner", "", p.Plain, p.Plain, ownerName(o))
		}
	}
	for _, hint := range c.Hints {
		t.say("note", "", p.Plain, p.Plain, hint)
	}
	return t.out
}

// ownerName returns "Flux, kustomization flux-system/shop".
func ownerName(o model.Owner) string { return strings.TrimSpace(o.Manager + ", " + o.Name) }

// undoes says what to do about an owner that undoes a rollback.
func undoes(o model.Owner) string {
	name := o.Name[strings.LastIndexAny(o.Name, "/ ")+1:]
	switch {
	case o.Do == "":
		return ownerName(o) + ": puts its own version back"
	case strings.Contains(o.Do, name):
		return o.Manager + ": " + o.Do
	}
	return ownerName(o) + ": " + o.Do
}

// cut cuts a detail to h lines, and says that it did.
func (s *scope) cut(lines []string, h int) []string {
	if len(lines) > h && h > 2 {
		return append(lines[:h-1:h-1], paint(s.pen.Dim, s.pen.say("          … d shows the rest")))
	}
	return lines[:min(len(lines), max(0, h))]
}

// suspectLines say what changed before the onset, the likeliest first; then whether the
// component itself did.
func (s *scope) suspectLines(r *row, t *sheet) {
	if s.d.calm {
		return
	}
	p, c := s.pen, r.c
	causes, mine := s.snap.Causes(), false
	for n, x := range causes[:min(len(causes), suspectsShown)] {
		if x.Component != c.ID && s.inc().Onset.IsZero() {
			continue // nothing began: what changed elsewhere is not what this line is about
		}
		mine = mine || x.Component == c.ID
		name, style := "suspect", p.Plain
		if x.Component == c.ID {
			style = p.Warn
		}
		text := x.Component + " " + x.Version.Name() + ", "
		if s.inc().Onset.IsZero() {
			text += x.Words(s.snap)
		} else {
			text += x.Distance(s.inc())
		}
		if len(causes) > 1 {
			text = itoa(int64(n+1)) + " " + text
			if n > 0 {
				name = ""
			}
		}
		if x.By != "" {
			text += ", by " + x.By
		}
		if x.ChangeCause != "" {
			text += ": “" + x.ChangeCause + "”"
		}
		t.say(name, "", p.Plain, style, text)
	}
	if more := len(causes) - suspectsShown; more > 0 {
		t.add("", model.Plural(more, "more suspect"))
	}
	if len(causes) > 0 && !mine && r.rank <= rankFailing && !s.inc().Onset.IsZero() {
		t.say("", "", p.Plain, p.Plain, c.ID+" did not change itself in the hour before")
	}
}

// suspectsShown is how many suspects stand beside a component.
const suspectsShown = 3

// fullDetail is detail of the component in focus, and below it what else fits: what its
// release changed, what it runs, its pods, what it ran before.
func (s *scope) fullDetail(w, h int) []string {
	r := s.row()
	out := s.detail(r, w, h, true)
	if r == nil {
		return out
	}
	for _, more := range [][]string{s.releasedLines(r, w), s.runsLines(r, w), s.podList(r, w), s.pastLines(r, w)} {
		if len(more) > 0 && len(out) < h-2 {
			out = append(append(out, ""), more...)
		}
	}
	return s.cut(out, h)
}

// newDetails is everything about one component, with the queries.
func newDetails(s *scope, id string) overlay {
	return &pager{base: base{s}, title: "Details of " + id, lines: func(w int) []string {
		r := s.d.byID[id]
		if r == nil {
			return []string{"", " It is not on the board any more."}
		}
		out := append(s.detail(r, w, allLines, false), "")
		if changed := s.releasedLines(r, w); len(changed) > 0 {
			out = append(append(out, changed...), "")
		}
		out = append(out, s.runsLines(r, w)...)
		out = append(out, s.measured(r, w)...)
		out = append(append(out, ""), s.podList(r, w)...)
		if past := s.pastLines(r, w); len(past) > 0 {
			out = append(append(out, ""), past...)
		}
		return out
	}}
}

// lastLines are the last n lines of a message that are not empty.
func lastLines(s string, n int) []string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out[max(0, len(out)-n):]
}

func podState(pod *model.Pod) string {
	if pod.Exit != "" && pod.Failing {
		return pod.State + " (" + pod.Exit + ")"
	}
	return pod.State
}
