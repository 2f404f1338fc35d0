package incident

import (
	"time"
)

// EndIncident ends the walk without a rollback, or closes it.
type EndIncident struct{ Outcome, Reason string }

func (do EndIncident) decide(d *decider) {
	if a := d.inc().Attempt(); a != nil && writing(a) {
		return
	}
	if d.inc().ID == "" {
		d.open()
	}
	d.fact(Ended{Outcome: do.Outcome, Reason: do.Reason})
	d.moveTo(Close)
}

// End is how an incident ended.
type End struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Outcome string    `json:"outcome"` // rolled back, healed, fixed otherwise, false alarm, abandoned
	Reason  string    `json:"reason,omitempty"`
}

// Ended is how the incident ended.
type Ended struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
}

func (b Ended) apply(i *Incident, f Fact) {
	i.End = &End{At: f.At, By: f.By, Outcome: b.Outcome, Reason: b.Reason}
	i.Down.stop(f.At)
}

func (b Ended) entry() (string, string) { return "outcome", "ended: " + b.Outcome + because(b.Reason) }
