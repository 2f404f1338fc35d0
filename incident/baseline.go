package incident

import (
	"maps"
	"time"

	"rollbook/model"
)

// ReadBaseline reads how the components did in the hour before Onset.
type ReadBaseline struct{ Onset time.Time }

func (x ReadBaseline) run(r Runner) { r.ReadBaseline(x) }

// baseline is a component's as this run has read it; what it has not is as the
// journal has it: a later run may find no Prometheus, and a replay has none.
func (s *Snapshot) baseline(component string) model.Baseline {
	b, kept := s.Seen.Baseline[component], s.Incident.Baseline[component]
	if !b.Errors.Known {
		b.Errors = kept.Errors
	}
	if !b.P95.Known {
		b.P95 = kept.P95
	}
	return b
}

// baselines keeps what is newly known of the components concerned.
func (d *decider) baselines() {
	if d.inc().ID == "" {
		return
	}
	same := func(a, b model.Reading) bool { return a.Known == b.Known && a.Value == b.Value }
	for _, id := range d.inc().Concerned() {
		b, kept := d.s.baseline(id), d.inc().Baseline[id]
		if !same(b.Errors, kept.Errors) || !same(b.P95, kept.P95) {
			d.fact(BaselineRead{Component: id, Errors: pointer(b.Errors), P95: pointer(b.P95)})
		}
	}
}

// BaselineRead is how a component concerned did in the hour before the onset, by
// which Verify's limits were set. A ratio and seconds; nil = unknown.
type BaselineRead struct {
	Component string   `json:"component"`
	Errors    *float64 `json:"errors,omitempty"`
	P95       *float64 `json:"p95,omitempty"`
}

func (b BaselineRead) apply(i *Incident, f Fact) {
	read := func(v *float64) model.Reading {
		if v == nil {
			return model.Reading{}
		}
		return model.Reading{Known: true, Value: *v}
	}
	all := maps.Clone(i.Baseline)
	if all == nil {
		all = map[string]model.Baseline{}
	}
	all[b.Component] = model.Baseline{Errors: read(b.Errors), P95: read(b.P95)}
	i.Baseline = all
}

func (b BaselineRead) entry(*Incident) (EntryKind, string) { return EntryNone, "" }
