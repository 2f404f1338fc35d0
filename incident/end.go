package incident

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

// EndIncident ends the walk without a rollback, or closes it.
type EndIncident struct {
	Outcome Outcome
	Reason  string
}

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
	Outcome Outcome
	Reason  string // the operator's; may be empty
}

// Ended is how the incident ended.
type Ended struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
}

func (b Ended) apply(i *Incident, f Fact) {
	i.End = &End{Outcome: b.Outcome, Reason: b.Reason}
	i.Down.stop(f.At)
}

func (b Ended) entry(*Incident) (EntryKind, string) {
	return EntryOutcome, "ended: " + string(b.Outcome) + because(b.Reason)
}
