package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// Practice is what the screen says of a sandbox, beside the incident in it.
type Practice struct {
	Name  string // of the scenario
	Learn string // what is to be learnt; "" = that is not told
	Hint  func(incident.Step) string
	// Where the walk should end: which image each component should run, or, where
	// there are none, why nothing should be rolled back.
	Images map[string]string
	None   string
	Schema string // at which migration the schema should be; "" = that is not said
	// Where a second terminal and a browser find it.
	Kubeconfig, Prometheus string
	Config                 string // the configuration of its ways back; "" = there is none
	// Building reports that the incident is not there yet; nil = it is.
	Building func() bool
	// JournalStays: the journal is not in the sandbox's own folder.
	JournalStays bool
}

// sandboxMark stands before everything else on line 1 of a sandbox, so that no picture
// of it passes for a real cluster, nor a real cluster for it.
const sandboxMark = " SANDBOX "

// Sandbox is the session of somebody who practises.
func Sandbox(p Practice) Session {
	return Session{of: func(snap *incident.Snapshot) session {
		s := working(snap)
		s.mark, s.alone, s.measured = func(int) string { return sandboxMark }, true, !s.guest
		own := s.beside
		s.beside = func(s *scope) []Key {
			keys := []Key{p.hintKey(s)}
			if own != nil {
				keys = append(own(s), keys...)
			}
			return keys
		}
		s.about, s.notices = p.about, p.notices
		if snap.Seen.Cluster.Heard.IsZero() && p.Building != nil && p.Building() {
			// Nobody is late: what does not answer yet is still being made.
			snap.Seen.Cluster.Err, snap.Seen.Metrics.Err = "", ""
			s.says = func(a *App, _ sentence) sentence {
				return sentence{calm, "The incident is being built: an hour of releases and traffic, " + model.Short(a.trying(a.snap.Seen.Cluster)) + " so far."}
			}
		}
		s.ends, s.parting = "The sandbox ends with this screen, and its incident with it.", p.parting
		return s
	}}
}

// hintKey shows the hint of the present step; it is hidden until then, so that
// one can try without.
func (p *Practice) hintKey(s *scope) Key {
	return Key{Keys: []string{"H"}, Name: "hint", Main: true, Help: "in the sandbox: what to look at and do in this step",
		Disabled: func(snap *incident.Snapshot) string {
			if p.hint(snap.Incident.Step) == "" {
				return "there is no hint for this step of " + p.Name
			}
			return ""
		},
		do: func() tea.Cmd {
			for _, o := range s.over {
				if _, open := o.(*hintBox); open {
					return nil
				}
			}
			h := &hintBox{pager{base: base{s}, title: "Hint for " + s.inc().Step.Name()}}
			h.lines = func(w int) []string { return h.pen.indent(p.hint(s.inc().Step), w, " ") }
			return s.open(h)
		}}
}

func (p *Practice) hint(at incident.Step) string {
	if p.Hint == nil {
		return ""
	}
	return p.Hint(at)
}

// hintBox is as high as its text. The keys that it names are those of the page
// beneath, so any that is not its own closes it and does there what it does.
type hintBox struct{ pager }

// Keys leaves space, home and end to the page.
func (h *hintBox) Keys() []Key {
	return append([]Key{h.closeKey("close", "close")}, h.scrollKeys()[:2]...)
}

func (h *hintBox) takes(msg tea.KeyPressMsg) bool {
	return slices.ContainsFunc(h.Keys(), func(k Key) bool { return k.matches(msg) })
}

func (h *hintBox) Size(w, most int) (int, int) {
	w = min(w, 76)
	return w, min(most, len(h.lines(w-2))+2)
}

// indent wraps text to lines that begin with in.
func (p *pen) indent(text string, w int, in string) []string {
	lines := p.wrap(text, w-ansi.StringWidth(in)-1, 0)
	for i, l := range lines {
		lines[i] = in + l
	}
	return lines
}

// about is the sandbox's part of the help.
func (p *Practice) about(s *scope, w int) []string {
	n := s.pen
	out := []string{" " + paint(n.Strong, "This is the sandbox: "+n.say(p.Name)), ""}
	out = append(out, n.indent(nonEmpty(p.Learn, "What there is to learn is not told."), w, "  ")...)
	out = append(out, n.indent("H shows a hint for the present step. Nothing here is real; it ends with this screen.", w, "  ")...)
	out = append(out, "", "  For kubectl in another terminal:", "   export KUBECONFIG="+p.Kubeconfig,
		"  Prometheus, for curl or Grafana:", "   "+p.Prometheus)
	if p.Config != "" {
		out = append(out, "  Its other ways back, with their tokens and repositories:", "   "+p.Config)
	}
	out = append(out, "")
	for i, l := range out {
		out[i] = n.fit(l, w)
	}
	return out
}

// parting replaces what a cluster's incident is left with: the sandbox does not
// stay. It says whether the walk was right, how long it took, and what a better one had
// been.
func (p *Practice) parting(s *scope) string {
	i := s.inc()
	var out []string
	add := func(text string) {
		if text != "" {
			out = append(out, text)
		}
	}
	right, text := p.judge(s)
	if text == "" {
		text = p.gaveUp(i)
	}
	if text != "" {
		add(text)
		add(debrief(i))
		if h := s.hesitated(); h != nil && !i.Shown.IsZero() {
			add(h.Words())
		}
		saved := p.saved(i)
		switch {
		case len(saved) > 0:
			add("A better walk had saved: " + strings.Join(saved, "; ") + ".")
		case right:
			add("It was the straight way.")
		}
		if !right || len(saved) > 0 {
			add(p.straight())
		}
	} else if i.IsDrill() { // of a surprise the scenario knows no end
		add(debrief(i))
		if h := s.hesitated(); h != nil && !i.Shown.IsZero() {
			add(h.Words())
		}
	}
	if p.JournalStays && s.snap.Seen.Journal != "" {
		out = append(out, "The sandbox is gone; the journal stays: "+s.snap.Seen.Journal)
	}
	return strings.Join(out, "\n")
}

// gaveUp says where a walk was left before its end, and what the right one had been; ""
// when none was begun, or the scenario names no end.
func (p *Practice) gaveUp(i *incident.Incident) string {
	var should []string
	for _, id := range slices.Sorted(maps.Keys(p.Images)) {
		should = append(should, id+" should run "+p.Images[id])
	}
	if p.None != "" {
		should = append(should, "nothing should be rolled back: "+p.None)
	}
	if i.ID == "" || len(should) == 0 {
		return ""
	}
	return fmt.Sprintf("Sandbox: given up at %d %s. At the right end %s.", i.Step+1, i.Step.Name(), strings.Join(should, "; "))
}

// practiceGoal is within what the incident should be over, as in a drill, and
// practiceSlow from when on the time to decide could have been saved.
const (
	practiceGoal = 5 * time.Minute
	practiceSlow = 30 * time.Second
)

// debrief says how long the walk took from when the first sign was shown, against five
// minutes; "" where nothing was shown.
func debrief(i *incident.Incident) string {
	if i.Shown.IsZero() {
		return ""
	}
	var times []string
	last := i.Shown
	for _, x := range []struct {
		what string
		at   time.Time
	}{{"decided", i.Decided}, {"confirmed", i.ConfirmedAt()}, {"rolled out", i.RolledOut}, {"verified", i.Verified}} {
		if !x.at.IsZero() {
			times, last = append(times, x.what+" after "+model.Short(x.at.Sub(i.Shown))), x.at
		}
	}
	if len(times) == 0 {
		return ""
	}
	took := "within five minutes"
	switch over := last.Sub(i.Shown) - practiceGoal; {
	case i.Verified.IsZero():
		took = "not verified"
	case over > 0:
		took = model.Short(over) + " over five minutes"
	}
	return "From the first sign: " + strings.Join(times, ", ") + ": " + took + "."
}

// straight tells the walk that the scenario is made for, a step a line; "" where it has no
// hints.
func (p *Practice) straight() string {
	var out []string
	for step := incident.Assess; step <= incident.Close; step++ {
		if hint := p.hint(step); hint != "" {
			out = append(out, fmt.Sprintf("  %d %s: %s", step+1, step.Name(), hint))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "The straight walk:\n" + strings.Join(out, "\n")
}

// saved says what a better walk would have saved, as far as the incident tells.
func (p *Practice) saved(i *incident.Incident) []string {
	var saved []string
	if late := i.Decided.Sub(i.Verdict.First); !i.Verdict.First.IsZero() && late >= practiceSlow {
		saved = append(saved, "the verdict stood "+model.Short(late)+" before it was decided")
	}
	if text := p.firstChoice(i); text != "" {
		saved = append(saved, text)
	}
	if i.Backs > 0 {
		saved = append(saved, model.Plural(i.Backs, "step")+" back")
	}
	if n := len(i.Override); n > 0 {
		saved = append(saved, model.Plural(n, "line")+" of the checks overridden")
	}
	if i.Verdict.Overruled {
		saved = append(saved, "the verdict overruled")
	}
	return saved
}

// firstChoice says how many rollbacks came before the last, and what the first one should
// have gone to, if that was another version; "" when there was one at most.
func (p *Practice) firstChoice(i *incident.Incident) string {
	n := 0
	for _, a := range i.Attempts { // what a recovery switched off and on is none
		if slices.ContainsFunc(a.Writes, func(w incident.Write) bool { return w.Plan.Role == model.RoleRelease }) {
			n++
		}
	}
	if n < 2 {
		return ""
	}
	text := model.Plural(n-1, "rollback")
	for _, w := range i.Attempts[0].Writes {
		id := w.Plan.Component
		to := p.Images[id]
		switch {
		case w.Plan.Role != model.RoleRelease:
		case to == "" && len(p.Images) > 0:
			return text + " (the first was of " + id + ", which is not the cause)"
		case to != "" && w.Plan.To.Tag != "" && w.Plan.To.Tag != version(to):
			return text + " (the first, to " + w.Plan.To.Tag + " of " + id + ", should have gone to " + version(to) + ")"
		}
	}
	return text
}

// notices say whether the walk was right, once it has come to an end.
func (p *Practice) notices(s *scope) []sentence {
	right, text := p.judge(s)
	switch {
	case text == "":
		return nil
	case right:
		return []sentence{{fine, text}}
	}
	return []sentence{{warn, text}}
}

// judge compares the end of the walk with the right one; it says nothing before
// the end.
func (p *Practice) judge(s *scope) (right bool, text string) {
	i := s.inc()
	if len(p.Images) == 0 && p.None == "" || i.Verified.IsZero() && i.End == nil && i.Closed.IsZero() {
		return false, ""
	}
	var wrong []string
	for _, id := range slices.Sorted(maps.Keys(p.Images)) {
		runs := "cannot be seen"
		if r := s.d.byID[id]; r != nil && len(r.c.Images) > 0 {
			if slices.Contains(r.c.Images, p.Images[id]) {
				continue
			}
			runs = "runs " + strings.Join(r.c.Images, ", ")
		}
		wrong = append(wrong, id+" should run "+p.Images[id]+" and "+runs)
	}
	if p.Schema != "" && !slices.ContainsFunc(i.Standing(), func(st incident.Standing) bool {
		return st.Write.Plan.Role == model.RoleSchema && st.Write.State == incident.Done && st.Write.Plan.To.Key == p.Schema
	}) {
		wrong = append(wrong, "the schema should be taken back to "+p.Schema+" and was not")
	}
	if len(wrong) == 0 && len(p.Images) > 0 && i.Verified.IsZero() {
		wrong = append(wrong, "what runs is what should, and nothing proved that it works")
	}
	for _, st := range i.Standing() {
		id := st.Write.Plan.Component
		if _, meant := p.Images[id]; meant || st.Write.State != incident.Done && st.Write.State != incident.Rolling {
			continue
		}
		if p.None != "" {
			wrong = append(wrong, id+" was rolled back, and nothing should be: "+p.None)
		} else {
			wrong = append(wrong, id+" was rolled back, and is not the cause")
		}
	}
	if len(wrong) > 0 {
		return false, "Sandbox: not the right end. " + s.upper(strings.Join(wrong, "; ")) + "."
	}
	return true, "Sandbox: this is the right end."
}
