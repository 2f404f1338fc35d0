package incident

import (
	"fmt"
	"time"

	"rollbook/model"
)

// Rehearsed holds the outcome of a drill: what was broken and when, and how long it took to recover.
type Rehearsed struct {
	Component string
	Fault     model.Version
	Broke     time.Time
	Alert     *AlertFired // the one that was waited for; nil = it was not seen to fire
	Recover   time.Duration
	Target    time.Duration // within which it was to recover; 0 = not known
	Recovered bool          // it was detected and recovered: Recover is from the one to the other
	PutBack   time.Time     // zero = it is owed still
}

// Rehearsed returns the outcome of the incident's drill; nil where it is none, or nothing
// was broken.
func (i *Incident) Rehearsed() *Rehearsed {
	p := i.Procedure(CourseDrill)
	if p == nil || i.Broke().IsZero() {
		return nil
	}
	out := &Rehearsed{Component: p.component(), Broke: i.Broke()}
	if s := p.Step(StepBreak); s != nil {
		out.Fault = s.To
	}
	if i.Settings.Drill != nil {
		out.Target, out.Alert = i.Settings.Drill.Target, i.drillAlert(out.Component)
	}
	if !i.Detected.IsZero() && !i.Recovered.IsZero() && !i.Verified.IsZero() {
		out.Recovered, out.Recover = true, max(0, i.Recovered.Sub(i.Detected))
	}
	for w := range i.writes() {
		if w.Plan.Role == model.RoleFault && w.Plan.Owes == "" && w.State == Done {
			out.PutBack = w.RolledOut
		}
	}
	return out
}

// Words says in a sentence what a drill came to, against its target.
func (r *Rehearsed) Words() string {
	switch {
	case !r.Recovered:
		return "It was not verified that it recovered, so that there is no time to hold against " + model.Short(r.Target) + "."
	case r.Recover > r.Target:
		return fmt.Sprintf("It took %s to recover from its detection: %s over the target of %s.", model.Short(r.Recover), model.Short(r.Recover-r.Target), model.Short(r.Target))
	}
	return fmt.Sprintf("It took %s to recover from its detection: within the target of %s.", model.Short(r.Recover), model.Short(r.Target))
}

// DrillMissed says why a drill has not shown that the team recovers within its target; ""
// when it has.
func (i *Incident) DrillMissed() string {
	r := i.Rehearsed()
	if r == nil {
		return "nothing was broken"
	}
	for _, id := range []string{StepAlert, StepWalk} {
		switch s := i.Procedure(CourseDrill).Step(id); {
		case s != nil && s.State == ItemOpen:
			return s.Text + ": it was not come to"
		case s != nil && s.State == ItemWaived:
			return s.Text + ": left out: " + s.Reason
		}
	}
	if !r.Recovered || r.Target > 0 && r.Recover > r.Target {
		return r.Words()
	}
	return ""
}
