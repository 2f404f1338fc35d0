package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// Request is what is to be gathered.
type Request struct {
	Moment   model.Moment
	Dir      string // the incident's folder, where its journal lies
	Incident string
	Onset    time.Time // zero = unknown: then now
	Subjects []Subject // those whose pods fail first
	Left     []string  // components over the bound of ten
	Marks    []Mark    // for the pictures
	Suspects []incident.Suspect
	Impact   incident.ImpactRecord // as the journal has it
	Limits   model.Limits
	Verify   incident.VerifyRules
	Config   Config
}

// Subject is one component that evidence is gathered of.
type Subject struct {
	Component *model.Component
	Target    model.Target
	Failed    model.Version // that is suspected
	Against   model.Version // that it is compared with; zero = not chosen yet
}

// Mark is a moment that is drawn on the pictures.
type Mark struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // onset, release, rollback, rolled out, recovery
	Text string    `json:"text"`
}

// Config is the version of the configuration that the incident is worked by.
type Config struct {
	Hash string   `json:"hash,omitempty"`
	From []string `json:"from,omitempty"`
}

// subjectsMost is of how many components evidence is gathered.
const subjectsMost = 10

// RequestOf asks for the evidence of a snapshot: of the components that have a
// trigger or are chosen, else of those that changed before the onset or have
// failing pods.
func RequestOf(m model.Moment, dir string, s *incident.Snapshot) Request {
	i := &s.Incident
	r := Request{Moment: m, Dir: dir, Incident: i.ID, Onset: i.Onset, Impact: i.Impact, Limits: i.Settings.Limits, Verify: i.Settings.Verify,
		Config: Config{Hash: i.Settings.ConfigHash, From: i.Settings.ConfigFrom}}
	r.Suspects = i.Suspects
	var ids []string
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, c := range i.Choices {
		add(c.Component)
	}
	for _, t := range i.Triggers {
		add(t.Component)
	}
	for _, a := range i.Attempts {
		for _, w := range a.Writes {
			add(w.Plan.Component)
		}
	}
	if len(ids) == 0 {
		for _, x := range r.Suspects {
			add(x.Component)
		}
		for _, c := range s.Seen.Board {
			if slices.ContainsFunc(c.Pods, func(p model.Pod) bool { return p.Failing }) {
				add(c.ID)
			}
		}
		add(i.Settings.Focus)
	}
	if len(ids) > subjectsMost {
		ids, r.Left = ids[:subjectsMost], ids[subjectsMost:]
	}
	for _, id := range ids {
		if c := s.Seen.Component(id); c != nil {
			r.Subjects = append(r.Subjects, subject(s, c))
		}
	}
	slices.SortStableFunc(r.Subjects, func(a, b Subject) int { return failing(b.Component) - failing(a.Component) })
	r.Marks = marks(i)
	return r
}

func failing(c *model.Component) (n int) {
	for _, p := range c.Pods {
		if p.Failing {
			n++
		}
	}
	return n
}

func subject(s *incident.Snapshot, c *model.Component) Subject {
	i := &s.Incident
	out := Subject{Component: c, Target: model.Target{ID: c.ID, Workload: c.Workload}, Failed: c.Running()}
	for _, t := range i.Settings.Components {
		if t.ID == c.ID {
			out.Target = t
		}
	}
	if ch := i.Choice(model.Release(c.ID)); ch != nil && !ch.From.IsZero() {
		out.Failed, out.Against = ch.From, ch.To
	}
	for _, a := range i.Attempts { // the first one names what failed; later ones may leave its successor
		for _, w := range a.Writes {
			if w.Plan.Slot() == model.Release(c.ID) {
				out.Failed, out.Against = w.Plan.From, w.Plan.To
				return out
			}
		}
	}
	return out
}

func marks(i *incident.Incident) []Mark {
	var out []Mark
	add := func(at time.Time, kind, format string, args ...any) {
		if !at.IsZero() {
			out = append(out, Mark{At: at, Kind: kind, Text: fmt.Sprintf(format, args...)})
		}
	}
	for _, x := range i.Suspects {
		add(x.At, "release", "%s %s", x.Component, cmp.Or(x.Version.Tag, x.Version.Short))
	}
	add(i.Onset, "onset", "onset")
	for _, a := range i.Attempts {
		for _, w := range a.Writes {
			if w.Plan.Role == model.RoleRelease {
				add(w.Receipt.At, "rollback", "%s %s → %s", w.Plan.Component,
					cmp.Or(w.Plan.From.Tag, w.Plan.From.Short), cmp.Or(w.Plan.To.Tag, w.Plan.To.Short))
			}
		}
	}
	add(i.RolledOut, "rolled out", "rolled out")
	add(i.Recovered, "recovery", "recovered")
	return out
}
