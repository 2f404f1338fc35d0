package incident

import (
	"time"

	"rollbook/model"
)

// jumpMost is by how much this machine's clock may differ between two looks from the
// one that nobody sets.
const jumpMost = 2 * time.Second

// gapMost returns the longest time between two looks, and since the cluster was heard,
// that still counts as watched: two polls, and no less than two heartbeats.
func (s *Settings) gapMost() time.Duration { return 2 * max(s.Poll, 5*time.Second) }

// Observed says that Seen is new; a tick is one too.
type Observed struct {
	// Passed is the time since the look before this one, by a clock that nobody sets;
	// 0 at the first.
	Passed time.Duration
	// Jump is by how much this machine's clock went further than that meanwhile;
	// negative = it went back.
	Jump time.Duration
}

// watched resets what counts time that was watched, when some was not.
func (d *decider) watched(o Observed) {
	i := d.inc()
	gap := o.Passed > i.Settings.gapMost()
	if i.ID == "" || !gap && o.Jump.Abs() <= jumpMost {
		return
	}
	b := Unwatched{Jump: o.Jump}
	if gap {
		b.For = o.Passed
		if !i.Down.Since.IsZero() && !i.Down.Unseen {
			since := d.s.Now.Add(-o.Passed)
			if since.Before(i.Down.Since) {
				since = i.Down.Since
			}
			d.fact(ClockRan{Running: true, Blind: true, Since: since})
		}
	}
	if b.Jump.Abs() <= jumpMost {
		b.Jump = 0
	}
	d.fact(b)
}

// Unwatched is time in which nobody looked, or a clock that was set. What was held
// before does not count, nor does it count towards the next question.
type Unwatched struct {
	For  time.Duration `json:"for,omitempty"`
	Jump time.Duration `json:"jump,omitempty"` // of this machine's clock; negative = back
	Off  bool          `json:"off,omitempty"`  // rollbook did not run
}

func (b Unwatched) apply(i *Incident, f Fact) {
	i.AskFrom = f.At
	if i.Verified.IsZero() {
		i.Hold = HoldRecord{Broke: f.At}
	}
}

func (b Unwatched) entry(i *Incident) (EntryKind, string) {
	var text string
	switch {
	case b.Jump > 0:
		text = "this machine's clock went " + model.Short(b.Jump) + " on (it was set, or the machine slept)"
	case b.Jump < 0:
		text = "this machine's clock went back by " + model.Short(-b.Jump)
	case b.Off:
		text = "not watched for " + model.Short(b.For) + ": rollbook did not run"
	default:
		text = "not watched for " + model.Short(b.For) + ": rollbook was held up"
	}
	if !i.Hold.Since.IsZero() && i.Verified.IsZero() {
		text += "; the hold starts again"
	}
	return EntryBad, text
}
