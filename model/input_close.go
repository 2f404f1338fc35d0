package model

import "time"

// What the operator does beside the walk and after it.
type (
	// GatherAgain gathers all evidence again.
	GatherAgain struct{}
	// WriteReport writes the report, again when there is one.
	WriteReport struct{}
	// SendMessage sends one message to one channel, as it was edited. Again is the
	// operator's word that it may go out though one of the same kind did, or may
	// have.
	SendMessage struct {
		Channel     string
		Kind        MessageKind
		Title, Text string
		Status      string // of an update; "" = as drafted
		Again       bool
	}
	// AnswerEscalation takes an escalation from the screen. With is
	// EscalationCalled or EscalationNotNeeded.
	AnswerEscalation struct{ ID, With, Reason string }
	// TakeOver takes a workload's Lease from whoever holds it.
	TakeOver struct{ Component, Reason string }
	// TakeUp goes on with one of Seen.Open.
	TakeUp struct{ ID string }
	// Abandon closes one of Seen.Open without taking it up.
	Abandon struct{ ID, Reason string }
)

// What happens by itself.
type (
	// Gathered is the end of a gathering of evidence; Err is set when it kept
	// nothing.
	Gathered struct {
		Moment   Moment
		Evidence Evidence
		Err      string
	}
	// Measured is the impact, or why it is not known.
	Measured struct {
		Impact Impact
		Err    string
	}
	// Reported is the report on disk, or why it is not. Entries is how much of
	// the timeline it tells.
	Reported struct {
		Path    string
		Entries int
		Err     string
	}
	// Sent is what became of a message.
	Sent struct {
		N          int
		Receipt    *Receipt // set when it was sent
		Err        string   // surely not sent
		Lost       string   // it may have been sent
		RetryAfter time.Duration
	}
	// LeaseHeard is an answer about a workload's Lease. Was is the state before
	// it.
	LeaseHeard struct {
		Component string
		Was, Now  Lease
		Forced    bool
		Reason    string // of taking it over
	}
)

// The effects of closing an incident. SendOut is held until its intent is on
// disk, as WritePlan is.
type (
	GatherEvidence struct{ Moment Moment }
	MeasureImpact  struct{}
	MakeReport     struct{}
	SendOut        struct{ N int }
	// TakeLease takes a workload's Lease by force.
	TakeLease struct{ Component, Reason string }
	// TakeUpJournal and AbandonJournal are about journals of earlier runs.
	TakeUpJournal  struct{ ID string }
	AbandonJournal struct{ ID, Reason string }
)
