package incident

import (
	"fmt"
	"time"

	"rollbook/model"
)

// AfterState says how well a rollback has worked so far. The zero value: there was no
// rollback.
type AfterState int

// The states, from the calmest on.
const (
	AfterNothing  AfterState = iota
	AfterVerified            // proved
	AfterBetter              // under its limit, by what is seen now
	AfterUnknown             // nobody knows how it does
	AfterSettling            // its figures still rest on requests from before it
	AfterStopped             // its traffic is stopped on purpose: nothing is judged
	AfterNoBetter            // over its limit still
	AfterWorse               // clearly worse than before it
)

// After is a rollback that was written, as the banner tells it from then on: by an
// attempt of this incident, or by somebody else, as the cluster shows it.
type After struct {
	Component string
	State     AfterState
	Head      string // "ROLLED BACK 54s ago by maria (1.42.0 → 1.41.0)"
	Text      string // "errors 30% → 8.4%, falling"
	At        time.Time
}

// WasBefore are a component's figures right before a write; nil = unknown.
type WasBefore struct {
	Errors *float64 `json:"errors,omitempty"`
	P95    *float64 `json:"p95,omitempty"`
}

// was returns a component's figures as they are right before a write; nil when none
// is known.
func (s *Snapshot) was(component string) *WasBefore {
	f := s.FiguresOf(component)
	if f == nil || !f.Errors.Now.Known && !f.P95.Now.Known {
		return nil
	}
	e, p := f.Errors.Now, f.P95.Now
	if f.New.Errors.Known { // what the last rollback brought, while the whole still holds what it replaced
		e = f.New.Errors
	}
	if f.New.P95.Known {
		p = f.New.P95
	}
	return &WasBefore{pointer(e), pointer(p)}
}

// rollback holds what the banner says of one component that was rolled back: from what
// to what, by whom and when, and its figures before it.
type rollback struct {
	name     string // of the component
	from, to model.Version
	by       string
	at       time.Time // when it was written
	rolled   time.Time // when it was rolled out; zero = not yet
	was      WasBefore
	write    *Write // nil: somebody else's
	id       WriteID
}

// rollbacks returns the releases that were written and stand, one a component: those
// of this incident, and what somebody else went back to since it began.
func (s *Snapshot) rollbacks() []rollback {
	var out []rollback
	ours := map[string]bool{}
	for _, st := range s.Incident.Standing() {
		w := st.Write
		if w.Plan.Role != model.RoleRelease {
			continue
		}
		ours[w.Plan.Component] = true
		if !w.InPlace() {
			continue
		}
		r := rollback{name: w.Plan.Component, from: w.Plan.From, to: w.Plan.To, at: w.since(), rolled: w.RolledOut, write: w, id: st.WriteID}
		for a := range s.Incident.Attempts {
			if s.Incident.Attempts[a].N == st.N {
				r.by = s.Incident.Attempts[a].By
			}
		}
		if w.Was != nil {
			r.was = *w.Was
		}
		out = append(out, r)
	}
	for _, c := range s.Seen.Board {
		if ours[c.ID] {
			continue
		}
		if r := s.foreign(c); r != nil {
			out = append(out, *r)
		}
	}
	return out
}

// goneBack reports whether somebody else went back to what a component runs, because
// it was not well.
func (s *Snapshot) goneBack(c *model.Component) bool { return s.foreign(c) != nil }

// foreignFor is for how long a rollback by somebody else is what the banner is about.
const foreignFor = 15 * time.Minute

// foreign returns the rollback of a component by somebody else; nil where there was
// none, or it was well before it: then going back was a release like any other.
func (s *Snapshot) foreign(c *model.Component) *rollback {
	if c.StartGuessed || s.Now.Sub(c.RevisionStart) > foreignFor || c.Left() == nil {
		return nil
	}
	f, l := s.FiguresOf(c.ID), s.Incident.Settings.Limits
	if f == nil {
		return nil
	}
	r := &rollback{name: c.ID, from: c.Came(c.Left()), to: c.Running(), by: c.RevisionBy, at: c.RevisionStart}
	r.was.Errors, r.was.P95 = before(f.Errors, r.at), before(f.P95, r.at)
	if !(r.was.Errors != nil && *r.was.Errors > l.Errors) && !(r.was.P95 != nil && *r.was.P95 > l.P95.Seconds()) {
		return nil
	}
	if c.Updated >= c.Desired && c.Replicas <= c.Updated && c.Ready >= c.Desired {
		r.rolled = r.at
		for n := range c.Pods {
			if c.Pods[n].Started.After(r.rolled) {
				r.rolled = c.Pods[n].Started
			}
		}
	}
	return r
}

// before is the last sample of a figure before a time; nil = there is none.
func before(f model.Figure, at time.Time) *float64 {
	for n := len(f.Samples) - 1; n >= 0; n-- {
		if x := f.Samples[n]; !x.At.After(at) {
			return &x.V
		}
	}
	return nil
}

// Afterwards returns what the banner says once something was rolled back: of the one
// that stands worst. Its state is AfterNothing while nothing was.
func (s *Snapshot) Afterwards() After {
	var worst After
	more := 0
	for _, r := range s.rollbacks() {
		if s.StopOf(r.name) != nil {
			continue
		}
		a := s.after(r)
		if a.State > worst.State {
			worst, a = a, worst
		}
		if a.State != AfterNothing {
			more++
		}
	}
	if more > 0 {
		worst.Text += fmt.Sprintf("; and %d more", more)
	}
	if a := s.afterStop(); a.State > worst.State {
		return a
	}
	return worst
}

func (s *Snapshot) after(r rollback) After {
	a := After{Component: r.name, At: r.at}
	by := ""
	if r.by != "" {
		by = " by " + r.by
	}
	way := r.to.Name()
	switch {
	case r.from.IsZero():
	case r.from.Tag != "" && r.to.Tag != "" && r.from.Tag != r.to.Tag:
		way = r.from.Tag + " → " + r.to.Tag
	default:
		way = r.from.Label + " → " + r.to.Short
	}
	a.Head = fmt.Sprintf("ROLLED BACK %s%s (%s)", ago(s.Now, r.at), by, way)
	figure, trend, rise := s.compared(r)
	a.Text = r.name + " " + figure + trend
	switch {
	case s.NoneRuns(r.name):
		a.State, a.Text = AfterUnknown, r.name+" "+noReplicas
	case rise != nil || r.write != nil && r.write.Worse != "" && !s.known(r.name):
		a.State = AfterWorse
		a.Head = "WORSE THAN BEFORE"
		a.Text = fmt.Sprintf("%s %s since the rollback %s%s (%s)", r.name, figure, ago(s.Now, r.at), by, way)
	case r.rolled.IsZero():
		a.State = AfterSettling
		a.Head = fmt.Sprintf("ROLLING BACK since %s%s (%s)", model.Short(s.Now.Sub(r.at)), by, way)
	case r.write != nil && !s.Incident.Verified.IsZero():
		a.State = AfterVerified
		a.Head = fmt.Sprintf("VERIFIED %s%s (%s)", ago(s.Now, s.Incident.Verified), by, way)
	case !s.known(r.name):
		a.State = AfterUnknown
	case s.Now.Before(s.clears(r)):
		a.State = AfterSettling
		if d := s.clears(r).Sub(s.Now); d >= time.Second {
			a.Text += ", settling for " + model.Short(d.Round(time.Second))
		}
	case s.wellness(r.name) == model.TriNo:
		a.State = AfterNoBetter
		if a.Head = "NO BETTER"; trend == fell {
			a.Head = "STILL OVER ITS LIMIT"
		}
		a.Text = fmt.Sprintf("%s %s since the rollback %s%s (%s)", r.name, figure, ago(s.Now, r.at), by, way)
	default:
		a.State = AfterBetter
	}
	return a
}

// known reports whether a component's figures are known now, or are none by
// configuration.
func (s *Snapshot) known(component string) bool {
	f := s.FiguresOf(component)
	return f != nil && (f.NotMeasured || f.Errors.Now.Known || f.P95.Now.Known)
}

// clears is when the figures of a component rest on what was served after its
// rollback alone; far away while it is not rolled out.
func (s *Snapshot) clears(r rollback) time.Time {
	if r.rolled.IsZero() {
		return s.Now.Add(s.window(r.name))
	}
	return r.rolled.Add(s.window(r.name))
}

// How much worse a figure is that is clearly worse: by half, and over its limit.
const worseBy = 1.5

// newPods is how long after a write the figures that were read may still be about the
// pods of before it.
const newPods = 10 * time.Second

// compared says how the figure that matters went since a rollback. rise is that which is
// clearly worse now than before it, by the new pods, where they are told apart, else by
// its two newest samples; nil = none is.
func (s *Snapshot) compared(r rollback) (text, trend string, rise *Rise) {
	f, l := s.FiguresOf(r.name), s.Incident.Settings.Limits
	if f == nil {
		return "figures unknown: " + s.noFigures(), "", nil
	}
	if f.NotMeasured {
		return "has no figures, by configuration", "", nil
	}
	type side struct {
		kind  TriggerKind
		name  string
		f     model.Figure
		new   model.Reading
		was   *float64
		limit float64
		show  func(float64) string
	}
	sides := []side{{TErrors, "errors", f.Errors, f.New.Errors, r.was.Errors, l.Errors, model.Percent}, {TP95, "P95", f.P95, f.New.P95, r.was.P95, l.P95.Seconds(), model.Seconds}}
	for _, x := range sides {
		if x.was == nil {
			continue
		}
		over := func(v float64) bool { return v > x.limit && v > worseBy**x.was && v-*x.was > x.limit/2 }
		if x.new.Known && x.new.At.After(r.at.Add(newPods)) && over(x.new.Value) {
			rise = &Rise{x.kind, *x.was, x.new.Value, true}
			return rise.String(), "", rise
		}
		n := len(x.f.Samples)
		if x.f.Now.Known && n > 1 && over(x.f.Samples[n-1].V) && over(x.f.Samples[n-2].V) && x.f.Samples[n-2].At.After(r.at) {
			rise = &Rise{x.kind, *x.was, x.f.Now.Value, false}
			return rise.String(), "", rise
		}
	}
	at := 0 // errors, unless it is the latency that was too high
	if p := sides[1]; s.Incident.Trigger(r.name, TErrors) == nil && p.was != nil && *p.was > p.limit && (sides[0].was == nil || *sides[0].was <= sides[0].limit) {
		at = 1
	}
	x := sides[at]
	switch {
	case !x.f.Now.Known:
		return fmt.Sprintf("%s unknown: %s", x.name, x.f.Now.Why), "", nil
	case x.was == nil:
		return x.name + " " + x.show(x.f.Now.Value), "", nil
	}
	text, trend = fmt.Sprintf("%s %s → %s", x.name, x.show(*x.was), x.show(x.f.Now.Value)), heading(x.f)
	if s.Now.After(s.clears(r)) && x.f.Now.Value < muchLess**x.was {
		trend = fell
	}
	return text, trend, nil
}

// fell is the trend of a figure that is much lower than before the rollback, once it
// tells of what was served after it alone.
const (
	fell     = ", lower than before"
	muchLess = 0.7
)

// heading says where a figure goes, for the end of a sentence.
func heading(f model.Figure) string {
	if t := Trend(f); t != "" {
		return ", " + t
	}
	return ""
}

// covered reports whether a trigger of a component is what a rollback is about: the
// banner tells what came of that, and no verdict is drawn from it anew. Nor is one while
// the component is stopped on purpose. Once it was proved, a trigger counts again that is
// known to be over its limit again.
func (s *Snapshot) covered(back []rollback, t *Trigger) bool {
	if s.StopOf(t.Component) != nil {
		return true
	}
	for _, r := range back {
		if r.name == t.Component {
			return s.Incident.Verified.IsZero() || !s.over(t) || s.Now.Before(s.clears(r))
		}
	}
	return false
}

// over reports whether a latched trigger is known to be over its limit now.
func (s *Snapshot) over(t *Trigger) bool {
	for _, l := range s.Judgement().Lines {
		if l.Component.ID == t.Component {
			return l.finding(s, t.Kind, s.clusterLost()).Over
		}
	}
	return false
}

// unsettled returns the components whose figures still rest on what ran before a
// rollback, or that are stopped: they raise nothing by themselves.
func (s *Snapshot) unsettled() map[string]bool {
	out := map[string]bool{}
	for _, r := range s.rollbacks() {
		if s.Now.Before(s.clears(r)) {
			out[r.name] = true
		}
	}
	for _, o := range s.allStops() {
		out[o.Component] = true
	}
	if a := s.Incident.Attempt(); a != nil {
		for n := range a.Writes {
			if w := &a.Writes[n]; w.underWay() {
				out[w.Plan.Component] = true
			}
		}
	}
	return out
}

// wroteAt is when this incident last rolled something back; zero = it did not.
func (i *Incident) wroteAt() time.Time {
	var at time.Time
	for _, st := range i.Standing() {
		if w := st.Write; w.Plan.Role == model.RoleRelease && w.happened() && w.Intent.After(at) {
			at = w.Intent
		}
	}
	return at
}
