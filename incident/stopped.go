package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Stop is that a component's traffic was stopped on purpose: no pod of it is wanted until
// it is put back. How its version does is not judged meanwhile.
type Stop struct {
	Component string
	Had       int       // replicas, before it was stopped; 0 = not known
	Since     time.Time // zero = not known
	By        string    // "" = not known
	Incident  string    // another one that stopped it, as the cluster remembers; "" = this one
}

// Words says of the component that it is stopped, since when and by whom.
func (o *Stop) Words() string {
	text := "stopped on purpose"
	if !o.Since.IsZero() {
		text += " at " + clockTime(o.Since)
	}
	if o.By != "" {
		text += " by " + o.By
	}
	if o.Incident != "" {
		text += " (" + o.Incident + ")"
	}
	return text
}

// StopOf returns by whom a component was stopped on purpose: by a write of this
// incident, by hand for a step of its recovery, or by another incident, as the cluster
// remembers. It is nil while pods of it are wanted, and where nobody says that it was
// on purpose.
func (s *Snapshot) StopOf(component string) *Stop {
	c := s.Seen.Component(component)
	if c == nil || !c.Asleep() {
		return nil
	}
	out := &Stop{Component: component, Had: s.Incident.ReplicasBefore(component)}
	if w, by := s.Incident.scaled(component); w != nil && w.Plan.To.Key == model.Replicas(0).Key {
		out.Since, out.By = w.since(), by
		return out
	}
	if p := s.Incident.Procedure(CourseRecovery); p != nil {
		stop, all := p.Step(StepStop), p.Step(StepAll)
		if stop != nil && stop.State == ItemDone && slices.Contains(stop.Of(), component) && all != nil && all.State == ItemOpen {
			out.Since, out.By = stop.At, stop.By
			return out
		}
	}
	for _, m := range c.Marks {
		if m.Method == model.MethodScale {
			out.Since, out.By = m.Since, m.By
			if m.Incident != s.Incident.ID {
				out.Incident = m.Incident
			}
			return out
		}
	}
	return nil
}

// scaled returns the newest write that set a component's replicas, as far as is known, and
// who confirmed it; nil = there is none.
func (i *Incident) scaled(component string) (*Write, string) {
	for a := len(i.Attempts) - 1; a >= 0; a-- {
		for n := range i.Attempts[a].Writes {
			w := &i.Attempts[a].Writes[n]
			if w.Plan.Component == component && w.Plan.Method == model.MethodScale && w.State != Pending && !w.refused() {
				return w, i.Attempts[a].By
			}
		}
	}
	return nil, ""
}

// allStops returns the components of this incident that are stopped on purpose, in the
// board's order.
func (s *Snapshot) allStops() (out []*Stop) {
	var concerned []string
	for _, c := range s.Seen.Board {
		if !c.Asleep() {
			continue
		}
		if concerned == nil {
			concerned = append(s.Incident.Concerned(), s.recovered()...)
		}
		if !slices.Contains(concerned, c.ID) {
			continue
		}
		if o := s.StopOf(c.ID); o != nil {
			out = append(out, o)
		}
	}
	return out
}

func namesOfStops(all []*Stop) (out []string) {
	for _, o := range all {
		out = append(out, o.Component)
	}
	return out
}

// recovered returns the components that the incident's recovery is of.
func (s *Snapshot) recovered() (out []string) {
	if p := s.Incident.Procedure(CourseRecovery); p != nil {
		for n := range p.Steps {
			out = append(out, p.Steps[n].Of()...)
		}
	}
	return out
}

// nothingServes reports whether all that the incident covers is stopped on purpose: then
// nothing of it can be judged.
func (s *Snapshot) nothingServes() bool {
	covered := s.Incident.Covered()
	return len(covered) > 0 && !slices.ContainsFunc(covered, func(id string) bool { return s.StopOf(id) == nil })
}

// afterStop returns what the banner says while something is stopped on purpose, and what
// comes next; of AfterNothing while nothing is.
func (s *Snapshot) afterStop() After {
	all := s.allStops()
	if len(all) == 0 {
		return After{}
	}
	first := all[0]
	a := After{Component: first.Component, State: AfterStopped, At: first.Since, Head: "STOPPED ON PURPOSE"}
	if !first.Since.IsZero() {
		a.Head += " " + ago(s.Now, first.Since)
	}
	if first.By != "" {
		a.Head += " by " + first.By
	}
	if first.Incident != "" {
		a.Head += " (" + first.Incident + ")"
	}
	names := namesOfStops(all)
	a.Text = strings.Join(names, ", ") + " has no pod"
	if len(all) > 1 {
		a.Text = strings.Join(names, ", ") + " have no pods"
	}
	if p := s.Incident.Procedure(CourseRecovery); p != nil && p.Next() != nil {
		a.Text += "; next of the recovery: " + p.Next().Text
	}
	return a
}

// stoppedSince returns since when a component has no pod that is wanted, though it had
// some when it was first looked at, or was stopped on purpose; zero while it has.
func (s *Snapshot) stoppedSince(component string) time.Time {
	c := s.Seen.Component(component)
	if c == nil || !c.Asleep() {
		return time.Time{}
	}
	r := s.Incident.replicas(component)
	if o := s.StopOf(component); o != nil && !o.Since.IsZero() && (r == nil || r.Since.IsZero() || o.Since.Before(r.Since)) {
		return o.Since
	}
	if r != nil && r.Before > 0 {
		return r.Since
	}
	return time.Time{}
}

// stops returns sentences for a message: what is stopped on purpose, and what its users
// see meanwhile.
func (s *Snapshot) stops(public bool) (out []string) {
	all := s.allStops()
	if len(all) == 0 {
		return nil
	}
	page := slices.ContainsFunc(s.Incident.Owed(), func(o Debt) bool { return o.Role == model.RoleMaintenance && !o.Unsure })
	if public {
		text := "We stopped " + s.namesOf(namesOfStops(all), true) + " on purpose"
		if at := all[0].Since; !at.IsZero() {
			text += " at " + clockTime(at)
		}
		out = append(out, text+", while we repair it.")
	} else {
		for _, o := range all {
			had := ""
			if o.Had > 0 {
				had = fmt.Sprintf(", it had %d", o.Had)
			}
			out = append(out, fmt.Sprintf("%s is %s: 0 replicas%s.", o.Component, o.Words(), had))
		}
	}
	if page {
		out = append(out, "Users see the maintenance page.")
	}
	return out
}
