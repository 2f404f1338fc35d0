package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// Covered returns the components that the incident is not over without, each once:
// those that had a trigger since it began, also one that the operator let fall, then
// those that another version was written to.
func (i *Incident) Covered() []string {
	out := slices.Clip(i.Failed)
	for _, t := range i.Triggers {
		if !slices.Contains(out, t.Component) {
			out = append(out, t.Component)
		}
	}
	for w := range i.writes() {
		if w.Plan.Role == model.RoleRelease && w.happened() && !slices.Contains(out, w.Plan.Component) {
			out = append(out, w.Plan.Component)
		}
	}
	return out
}

// Concerned returns the components that the incident is about, each once: those that
// it covers, then those written to in another way, then those chosen. Empty while it
// is about none in particular.
func (i *Incident) Concerned() []string {
	out := i.Covered()
	add := func(component string) {
		if component != "" && !slices.Contains(out, component) {
			out = append(out, component)
		}
	}
	for w := range i.writes() {
		add(w.Plan.Component)
	}
	for _, c := range i.Choices {
		add(c.Component)
	}
	return out
}

// overNow returns what is over a trigger's limit now, or fails otherwise by the
// cluster, on the components named: also what has not lasted long enough to be a
// trigger. Stuck says whether a rollout that does not get on counts.
func overNow(s *Snapshot, components []string, stuck bool) []finding {
	return slices.DeleteFunc(allOver(s), func(f finding) bool {
		return !stuck && !f.Kind.outage() || !slices.Contains(components, f.Component)
	})
}

// allOver is overNow of all components, with what is stuck.
func allOver(s *Snapshot) []finding {
	return slices.DeleteFunc(findings(s), func(f finding) bool { return !f.Over })
}

// brief returns what a finding is about with its figure: "backend-python errors 17%".
func (f *finding) brief() string {
	switch f.Kind {
	case TErrors:
		return f.Component + " errors " + model.Percent(f.Value)
	case TP95:
		return f.Component + " P95 " + model.Seconds(f.Value)
	case TNoPod:
		return f.Component + " has no available pod"
	case TBurn:
		return fmt.Sprintf("%s burns its error budget %.0f times too fast", f.Component, f.Value)
	}
	return f.Component + "'s rollout is stuck"
}

// briefs returns what findings are about, for a sentence; "" for none.
func briefs(all []finding) string {
	var out []string
	for n := range all {
		out = append(out, all[n].brief())
	}
	return nameSome(out, len(out))
}

// steadySince returns when the last of the pods of the components that the incident
// covers became ready or had a container started, by the cluster's clock, and whose it
// is; zero where no pod tells.
func steadySince(s *Snapshot) (at time.Time, component string) {
	for _, id := range s.Incident.Covered() {
		c := s.Seen.Component(id)
		if c == nil {
			continue
		}
		for n := range c.Pods {
			if p := &c.Pods[n]; p.Ready && !p.Deleting && p.Steady.After(at) {
				at, component = p.Steady, id
			}
		}
	}
	return at, component
}
