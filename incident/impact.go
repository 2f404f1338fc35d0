package incident

import (
	"time"

	"rollbook/model"
)

// ImpactRecord is what the incident cost, as it was measured last: the one
// measurement that screen, report and evidence read.
type ImpactRecord struct {
	At     time.Time // zero = not measured yet
	Impact model.Impact
	Err    string // why the last measuring brought nothing
}

// MeasureImpact asks Prometheus what the incident cost, from the onset to the
// recovery or to now.
type MeasureImpact struct{}

func (x MeasureImpact) run(r Runner) { r.MeasureImpact(x) }

// Measured is the impact, or why it is not known.
type Measured struct {
	Impact model.Impact
	Err    string
}

func (do Measured) decide(d *decider) {
	switch {
	case !d.inc().Closed.IsZero():
	case do.Err != "" && do.Err == d.inc().Impact.Err: // told already
	case do.Err != "" && d.inc().Verified.IsZero() && d.inc().Step != Close: // it is measured again then
	case do.Err != "":
		d.fact(ImpactFailed{Err: do.Err})
	default:
		d.fact(ImpactMeasured{Impact: do.Impact})
	}
}

// ImpactMeasured is what the incident cost.
type ImpactMeasured struct {
	Impact model.Impact `json:"impact"`
}

func (b ImpactMeasured) apply(i *Incident, f Fact) {
	i.Impact = ImpactRecord{At: f.At, Impact: b.Impact}
}

func (b ImpactMeasured) entry(*Incident) (EntryKind, string) { return EntryNone, "" }

// ImpactFailed is why that is not known.
type ImpactFailed struct {
	Err string `json:"err"`
}

func (b ImpactFailed) apply(i *Incident, f Fact) { i.Impact.Err = b.Err }

func (b ImpactFailed) entry(*Incident) (EntryKind, string) {
	return EntryBad, "impact not measured: " + b.Err
}
