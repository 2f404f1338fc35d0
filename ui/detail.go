package ui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// allLines is for detail that is not cut.
const allLines = 1 << 20

// textMost is how many lines a text of a detail has where not all have room.
const textMost = 3

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
func (s *scope) detail(r *row, w, h int) []string {
	if r == nil {
		return nil
	}
	most := alertsShown
	if h == allLines {
		most = len(r.alerts())
	}
	out := s.detailOf(r, w, most, 0)
	if len(out) > h {
		out = s.detailOf(r, w, most, textMost)
	}
	return s.cut(out, h)
}

// detailOf is detail with so many alerts at most, and texts of so many lines.
func (s *scope) detailOf(r *row, w, alerts, most int) []string {
	p, c, now := s.pen, r.c, s.snap.Now
	t := &sheet{p: p, w: w, most: most, out: []string{" " + paint(p.Strong, p.middle(c.ID, w-2))}}
	if name := c.Workload.String(); !strings.HasSuffix(name, "/"+c.ID) || len(c.ID) > 20 {
		t.out[0] = " " + paint(p.Strong, p.middle(c.ID, w*3/5)) + "  " + paint(p.Dim, p.middle(name, w*2/5-4))
	}
	if c.Missing != "" {
		t.say("missing", "", p.Plain, p.Plain, c.Missing)
		s.alertLines(r, t, alerts)
		return t.out
	}
	s.podLines(r, t)
	t.add("why", s.whyLines(r, w-11, most)...)
	if r.stuck != "" {
		text := r.stuck + ", "
		if c.StuckPods && len(incident.FailingPods(c)) > 0 {
			text = "stuck " // the pods above say why
		}
		if text += "for " + age(now, r.since); r.since.IsZero() {
			text = r.stuck
		}
		t.say("rollout", "✗ ", p.Bad, p.Plain, text)
	}
	if c.Paused {
		t.say("rollout", "⚠ ", p.Warn, p.Plain, "paused")
	}
	s.suspectLines(r, t)
	for _, o := range c.Owners { // one that undoes a rollback matters more than that it is known by an alert
		if o.Reverts {
			t.say("owner", "⚠ ", p.Plain, p.Plain, ownerName(o)+": may put its own version back after a rollback")
		}
	}
	s.alertLines(r, t, alerts)
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

// cut cuts a detail to h lines, and says that it did.
func (s *scope) cut(lines []string, h int) []string {
	if len(lines) > h && h > 2 {
		return append(lines[:h-1:h-1], paint(s.pen.Dim, s.pen.say("          … d shows the rest")))
	}
	return lines[:min(len(lines), max(0, h))]
}

// podLines say which pods fail and why, with the last words of the first of
// each kind.
func (s *scope) podLines(r *row, t *sheet) {
	p, c, now := s.pen, r.c, s.snap.Now
	if c.PodsNo != "" {
		t.say("pods", "? ", p.Warn, p.Warn, c.PodsNo)
		return
	}
	if !c.NoneReady.IsZero() {
		t.say("pods", "✗ ", p.Bad, p.Plain, fmt.Sprintf("0 of %d pods ready for %s", c.Desired, age(now, c.NoneReady)))
	}
	defer func() {
		for _, g := range incident.PodsBy(c, func(p *model.Pod) bool { return p.Leftover }) {
			s.leftover(g, t)
		}
	}()
	list := incident.FailingPods(c)
	if len(list) == 0 {
		if !c.NoneReady.IsZero() {
			return
		}
		text := fmt.Sprintf("%d of %d ready, %d available", c.Ready, c.Desired, c.Available)
		if n, until := c.Waiting(); n > 0 && !until.IsZero() {
			text = fmt.Sprintf("%d of %d ready, %s: %s to go", c.Ready, c.Desired, notYet(n, c.Ready), model.Short(max(0, until.Sub(now))))
		}
		if c.Desired == 0 {
			text = "0 replicas: nothing runs"
		}
		if stop := s.snap.StopOf(c.ID); stop != nil {
			text = "0 replicas: " + stop.Words()
		}
		if c.Updated < c.Desired || c.Replicas > c.Updated {
			text += fmt.Sprintf("; rolling out: %d of %d updated", c.Updated, c.Desired)
		}
		t.say("pods", "", p.Plain, p.Plain, text)
		servesStill(c, t)
		return
	}
	defer servesStill(c, t)
	for n, g := range list {
		text := g.Words(c)
		if !g.Last.IsZero() {
			text += ", last " + age(now, g.Last) + " ago"
		}
		name := ""
		if n == 0 {
			name = "pods"
		}
		t.say(name, "✗ ", p.Bad, p.Plain, text)
		if said := s.inc().SaidNow(c); said != nil && len(said.Lines) > 0 && strings.Contains(g.Message, said.Lines[0].Text) {
			continue // it stands below, as what they say
		}
		for _, l := range lastLines(g.Message, 2) {
			t.say("", "  ", p.Plain, p.Strong, l)
		}
	}
}

// servesStill says how many ready pods are not of the running version, where any is.
func servesStill(c *model.Component, t *sheet) {
	old, name := 0, "an earlier version"
	for n := range c.Pods {
		p := &c.Pods[n]
		if !p.Ready || p.Owner == "" || p.Owner == c.OwnerName || c.OwnerName == "" {
			continue
		}
		old++
		for k := range c.Past {
			if c.Past[k].Owner == p.Owner {
				name = c.Came(&c.Past[k]).Name()
			}
		}
	}
	if old > 0 {
		t.say("", "  ", t.p.Plain, t.p.Plain, "still serving: "+plural(old, "pod")+" of "+name)
	}
}

// notYet says that of so many ready pods some do not count as available yet.
func notYet(n, ready int) string {
	if n == ready {
		return "not yet available"
	}
	return fmt.Sprintf("%d not yet available", n)
}

// leftover says how many pods have ended and were replaced, and when the last did.
func (s *scope) leftover(g *incident.PodGroup, t *sheet) {
	text := fmt.Sprintf("%d %s", len(g.Pods), g.State)
	if g.State == "Evicted" {
		text = fmt.Sprintf("%d evicted", len(g.Pods))
	}
	if !g.Last.IsZero() {
		text += " " + age(s.snap.Now, g.Last) + " ago"
	}
	text += ", replaced"
	if onset := s.inc().Onset; !onset.IsZero() && g.Last.After(onset) {
		t.say("", "⚠ ", s.pen.Warn, s.pen.Plain, text+": since the onset; look at the nodes, it is not the release")
		return
	}
	t.say("", "", s.pen.Plain, s.pen.Plain, text)
}

// suspectLines say what changed before the onset, the likeliest first; then whether the
// component itself did, and what of it changed later.
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
		t.add("", plural(more, "more suspect"))
	}
	if len(causes) > 0 && !mine && r.rank <= rankFailing && !s.inc().Onset.IsZero() {
		t.say("", "", p.Plain, p.Plain, c.ID+" did not change itself in the hour before")
	}
	for _, x := range s.d.suspects {
		if x.Component == c.ID && x.Later() && !s.inc().Onset.IsZero() {
			t.say("later", "", p.Plain, p.Plain, x.Version.Name()+", "+x.Distance(s.inc())+": not a suspect")
		}
	}
}

// suspectsShown is how many suspects stand beside a component.
const suspectsShown = 3

// fullDetail is detail of the component in focus, and below it what else fits: what its
// release changed, what it runs, its pods, what it ran before.
func (s *scope) fullDetail(w, h int) []string {
	r := s.row()
	out := s.detail(r, w, h)
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
		out := append(s.detail(r, w, allLines), "")
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

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
