package incident

import (
	"time"

	"rollbook/model"
)

// Outcome is how an incident ended.
type Outcome string

// The outcomes.
const (
	RolledBack     Outcome = "rolled back"
	RecoveredAlone Outcome = "recovered on its own"
	FixedOtherwise Outcome = "fixed otherwise"
	FalseAlarm     Outcome = "false alarm"
	Abandoned      Outcome = "abandoned"
)

// EndAgainst returns what speaks against ending the incident: what is over its limit, or
// stopped, of the components that it is about; "" for nothing. It can be ended all the
// same, with a reason.
func EndAgainst(s *Snapshot) string {
	out := briefs(overNow(s, s.Incident.Concerned(), true))
	for _, o := range s.allStops() {
		if out != "" {
			out += ", "
		}
		out += o.Component + " is " + o.Words()
	}
	return out
}

// OverNow returns what is over its limit now, of any component: what the end of an
// incident did not end, or what began after it; "" for nothing.
func OverNow(s *Snapshot) string { return briefs(allOver(s)) }

// EndIncident ends the walk without a rollback, or closes it.
type EndIncident struct {
	Outcome Outcome
	Reason  string
}

func (do EndIncident) decide(d *decider) {
	against := EndAgainst(&d.s)
	if a := d.inc().Attempt(); a != nil && writing(a) || d.inc().End != nil || against != "" && do.Reason == "" {
		return
	}
	if d.inc().ID == "" {
		d.open()
	}
	d.fact(Ended{Outcome: do.Outcome, Reason: do.Reason, Against: against})
	d.moveTo(Close)
	d.verifyHold()
	d.clock()
}

// End is how an incident ended.
type End struct {
	Outcome Outcome
	Reason  string // the operator's; may be empty
	Against string // what was over its limit nevertheless
}

// Ended is how the incident ended.
type Ended struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	Against string  `json:"against,omitempty"`
}

func (b Ended) apply(i *Incident, f Fact) {
	i.End = &End{Outcome: b.Outcome, Reason: b.Reason, Against: b.Against}
	i.Down.stop(f.At)
}

func (b Ended) entry(*Incident) (EntryKind, string) {
	text := "ended: " + string(b.Outcome)
	if b.Against != "" {
		text += ", though " + b.Against
	}
	return EntryOutcome, text + because(b.Reason)
}

// Reopen goes on with an incident that has ended and is not closed.
type Reopen struct{ Reason string }

func (do Reopen) decide(d *decider) {
	if i := d.inc(); d.by == "" || i.End == nil || !i.Closed.IsZero() {
		return
	}
	d.fact(Reopened(do))
	d.triggers()
	d.verifyHold()
	d.clock()
}

// Reopened is an incident that had ended and goes on.
type Reopened struct {
	Reason string `json:"reason,omitempty"`
}

func (b Reopened) apply(i *Incident, f Fact) {
	i.End = nil
	i.Hold, i.Verified, i.Recovered = HoldRecord{Broke: f.At}, time.Time{}, time.Time{}
	i.AskFrom = f.At
}

func (b Reopened) entry(*Incident) (EntryKind, string) {
	return EntryAnswer, "reopened" + because(b.Reason)
}

// Unresolved says why nobody can be told that the incident is resolved; "" when they
// can: it was verified, or it was no incident, and nothing that it covers is over a
// limit.
func Unresolved(s *Snapshot) string {
	i := &s.Incident
	over := overNow(s, i.Covered(), false)
	switch {
	case len(over) > 0:
		return "still " + briefs(over)
	case !i.Verified.IsZero():
		return ""
	case i.End == nil:
		return "it is not verified yet"
	case !i.holds() || len(VerifyChecks(s)) == 0:
		return ""
	case !i.Closed.IsZero():
		return "it was closed before it was verified"
	}
	checks := stand(VerifyChecks(s))
	if why := checks.why(); why != "" {
		return "it is not verified: " + why
	}
	return "it is well for " + model.Short(s.Held().Truncate(5*time.Second)) + " of " + model.Short(i.Settings.Verify.Hold)
}

// endedBlocked says why nothing can be confirmed in an incident that has ended, but to
// put back what it switched off; "" while it has not.
func endedBlocked(i *Incident) string {
	switch {
	case !i.Closed.IsZero():
		return "this incident is closed: leave, and start rollbook again for a new one"
	case i.End != nil:
		return "this incident has ended (" + string(i.End.Outcome) + "): x reopens it"
	}
	return ""
}
