package incident

import (
	"slices"
	"time"

	"rollbook/model"
)

// sampleEvery is how often the components concerned are sampled for the replay,
// and sampleMax how many of them.
const (
	sampleEvery = 15 * time.Second
	sampleMax   = 20
)

func (d *decider) sample() {
	i := d.inc()
	if i.ID == "" || d.s.Now.Sub(i.SampledAt) < sampleEvery {
		return
	}
	var b Sampled
	concerned := i.Concerned()
	for _, c := range d.s.Seen.Board {
		if !slices.Contains(concerned, c.ID) || len(b.Components) == sampleMax {
			continue
		}
		o := SampleOf{Component: c.ID, Revision: c.Revision, Ready: c.Ready, Desired: c.Desired,
			Replicas: c.Replicas, Updated: c.Updated, Available: c.Available}
		if f := d.s.FiguresOf(c.ID); f != nil {
			o.Errors, o.P95, o.Requests = pointer(f.Errors.Now), pointer(f.P95.Now), pointer(f.Requests)
			o.Up, o.Targets = pointer(f.Up), pointer(f.Targets)
			o.HoldErrors, o.HoldP95 = pointer(f.HoldErrors), pointer(f.HoldP95)
			o.OldErrors, o.OldP95 = pointer(f.Old.Errors), pointer(f.Old.P95)
			o.NewErrors, o.NewP95 = pointer(f.New.Errors), pointer(f.New.P95)
		}
		b.Components = append(b.Components, o)
	}
	for _, s := range i.Standing() {
		if p, ok := d.s.Seen.Progress[s.WriteID]; ok {
			b.Progress = append(b.Progress, ProgressOf{s.WriteID, p})
		}
	}
	if len(b.Components) > 0 {
		d.fact(b)
	}
}

func pointer(r model.Reading) *float64 {
	if !r.Known {
		return nil
	}
	return &r.Value
}

// Sampled is the components concerned, and the writes that stand, as they were, for
// the replay.
type Sampled struct {
	Components []SampleOf   `json:"components"`
	Progress   []ProgressOf `json:"progress,omitempty"`
}

// ProgressOf is how far one write had come.
type ProgressOf struct {
	WriteID
	model.Progress
}

func (b Sampled) apply(i *Incident, f Fact) { i.SampledAt = f.At }

func (b Sampled) entry(*Incident) (EntryKind, string) { return EntryNone, "" }

// SampleOf is one component of a Sampled. Ratios and seconds; nil = unknown.
type SampleOf struct {
	Component string   `json:"c"`
	Revision  int64    `json:"rev,omitempty"`
	Ready     int      `json:"ready"`
	Desired   int      `json:"desired"`
	Errors    *float64 `json:"errors,omitempty"`
	P95       *float64 `json:"p95,omitempty"`

	Replicas   int      `json:"replicas,omitempty"`
	Updated    int      `json:"updated,omitempty"`
	Available  int      `json:"available,omitempty"`
	Requests   *float64 `json:"requests,omitempty"`
	Up         *float64 `json:"up,omitempty"`
	Targets    *float64 `json:"targets,omitempty"`
	HoldErrors *float64 `json:"holdErrors,omitempty"` // over the whole of Verify's hold
	HoldP95    *float64 `json:"holdP95,omitempty"`
	OldErrors  *float64 `json:"oldErrors,omitempty"` // of the pods that a rollback replaces, by themselves
	OldP95     *float64 `json:"oldP95,omitempty"`
	NewErrors  *float64 `json:"newErrors,omitempty"` // and of those that it brings
	NewP95     *float64 `json:"newP95,omitempty"`
}
