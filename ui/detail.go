package ui

import (
	"fmt"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

// allLines is for detail that is not cut.
const allLines = 1 << 20

// detail is what is wrong with a component, the most important first, cut to h
// lines.
func (s *scope) detail(r *row, w, h int) []string {
	if r == nil {
		return nil
	}
	p, c, now := s.pen, r.c, s.snap.Now
	out := []string{" " + paint(p.Strong, p.middle(c.ID, w-2))}
	if name := c.Workload.String(); !strings.HasSuffix(name, "/"+c.ID) || len(c.ID) > 20 {
		out[0] = " " + paint(p.Strong, p.middle(c.ID, w*3/5)) + "  " + paint(p.Dim, p.middle(name, w*2/5-4))
	}
	add := func(name string, lines ...string) {
		for _, l := range lines {
			out = append(out, p.label(name, p.fit(l, w-10)))
			name = ""
		}
	}
	long := func(name, text string, n int) { add(name, p.wrap(text, w-11, n)...) }
	most := alertsShown
	if h == allLines {
		most = len(r.alerts())
	}
	if c.Missing != "" {
		long("missing", c.Missing, 3)
		s.alertLines(r, w, most, add)
		return out
	}
	s.podLines(r, w, add)
	add("why", s.whyLines(r, w-11)...)
	if r.stuck != "" {
		text := r.stuck + ", "
		if f := incident.FailingPods(c); len(f) > 0 && strings.Contains(text, f[0].State) {
			text = "stuck " // the pods above say why
		}
		if text += "for " + age(now, r.since); r.since.IsZero() {
			text = r.stuck
		}
		for n, l := range p.wrap(text, w-13, 3) {
			add([]string{"rollout", "", ""}[n], paint(p.Bad, p.say([]string{"✗ ", "  ", "  "}[n]))+l)
		}
	}
	if c.Paused {
		add("rollout", paint(p.Warn, p.say("⚠ "))+"paused")
	}
	s.suspectLines(r, w, add, long)
	for _, o := range c.Owners { // one that undoes a rollback matters more than that it is known by an alert
		if o.Reverts {
			long("owner", p.say("⚠ "+ownerName(o)+": may put its own version back after a rollback"), 2)
		}
	}
	s.alertLines(r, w, most, add)
	s.figureLines(r, add)
	for _, o := range c.Owners {
		if !o.Reverts {
			add("owner", p.say(ownerName(o)))
		}
	}
	for _, hint := range c.Hints {
		long("note", hint, 2)
	}
	return s.cut(out, h)
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
func (s *scope) podLines(r *row, w int, add func(string, ...string)) {
	p, c, now := s.pen, r.c, s.snap.Now
	if c.PodsNo != "" {
		for n, l := range p.wrap("? "+c.PodsNo, w-11, 3) {
			add([]string{"pods", "", ""}[n], paint(p.Warn, l))
		}
		return
	}
	if !c.NoneReady.IsZero() {
		add("pods", paint(p.Bad, p.say("✗ "))+fmt.Sprintf("0 of %d pods ready for %s", c.Desired, age(now, c.NoneReady)))
	}
	defer func() {
		for _, g := range incident.PodsBy(c, func(p *model.Pod) bool { return p.Leftover }) {
			add("", s.leftover(g))
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
		if c.Updated < c.Desired || c.Replicas > c.Updated {
			text += fmt.Sprintf("; rolling out: %d of %d updated", c.Updated, c.Desired)
		}
		add("pods", text)
		add("", servesStill(c)...)
		return
	}
	defer func() { add("", servesStill(c)...) }()
	for n, g := range list {
		text := g.Words(c)
		if !g.Last.IsZero() {
			text += ", last " + age(now, g.Last) + " ago"
		}
		name := ""
		if n == 0 {
			name = "pods"
		}
		for k, l := range p.wrap(text, w-13, 3) {
			add([]string{name, "", ""}[k], paint(p.Bad, p.say([]string{"✗ ", "  ", "  "}[k]))+l)
		}
		if said := s.inc().SaidNow(c); said != nil && len(said.Lines) > 0 && strings.Contains(g.Message, said.Lines[0].Text) {
			continue // it stands below, as what they say
		}
		for _, l := range lastLines(g.Message, 2) {
			add("", "  "+paint(p.Strong, p.fit(l, w-14)))
		}
	}
}

// servesStill says how many ready pods are not of the running version; nil where none is.
func servesStill(c *model.Component) []string {
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
	if old == 0 {
		return nil
	}
	return []string{"  still serving: " + plural(old, "pod") + " of " + name}
}

// notYet says that of so many ready pods some do not count as available yet.
func notYet(n, ready int) string {
	if n == ready {
		return "not yet available"
	}
	return fmt.Sprintf("%d not yet available", n)
}

// leftover says how many pods have ended and were replaced, and when the last did.
func (s *scope) leftover(g *incident.PodGroup) string {
	text := fmt.Sprintf("%d %s", len(g.Pods), g.State)
	if g.State == "Evicted" {
		text = fmt.Sprintf("%d evicted", len(g.Pods))
	}
	if !g.Last.IsZero() {
		text += " " + age(s.snap.Now, g.Last) + " ago"
	}
	text += ", replaced"
	if onset := s.inc().Onset; !onset.IsZero() && g.Last.After(onset) {
		return paint(s.pen.Warn, s.pen.say("⚠ ")) + text + ": since the onset; look at the nodes, it is not the release"
	}
	return text
}

// suspectLines say what changed before the onset, the likeliest first; then whether the
// component itself did, and what of it changed later.
func (s *scope) suspectLines(r *row, w int, add func(string, ...string), long func(name, text string, n int)) {
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
		for k, l := range p.wrap(text, w-11, 3) {
			add([]string{name, ""}[min(k, 1)], paint(style, l))
		}
	}
	if more := len(causes) - suspectsShown; more > 0 {
		add("", plural(more, "more suspect"))
	}
	if len(causes) > 0 && !mine && r.rank <= rankFailing && !s.inc().Onset.IsZero() {
		add("", c.ID+" did not change itself in the hour before")
	}
	for _, x := range s.d.suspects {
		if x.Component == c.ID && x.Later() && !s.inc().Onset.IsZero() {
			long("later", x.Version.Name()+", "+x.Distance(s.inc())+": not a suspect", 2)
		}
	}
}

// suspectsShown is how many suspects stand beside a component.
const suspectsShown = 3

// fullDetail is detail of the component in focus, and below it what else fits: what it
// runs, its pods, what it ran before.
func (s *scope) fullDetail(w, h int) []string {
	r := s.row()
	out := s.detail(r, w, h)
	if r == nil {
		return out
	}
	for _, more := range [][]string{s.runsLines(r, w), s.podList(r, w), s.pastLines(r, w)} {
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
