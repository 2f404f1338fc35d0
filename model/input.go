package model

import "time"

// Input is something that happened: a key, an observation, an outcome. The
// engine stamps it with the time and hands it to Decide.
type Input struct {
	At time.Time
	By string // the operator for keys; "" for what happened by itself
	Do any    // one of the types below
}

// What the operator does.
type (
	// Next goes forward one step. Step.Blocked says why it cannot.
	Next struct{}
	// Back goes back one step; no answer is lost.
	Back struct{}
	// Goto goes to a step that was reached before.
	Goto struct{ Step Step }
	// Say answers a question of the tree, or overrules its figure.
	Say struct {
		Question Question
		Answer   Tri
		Reason   string
	}
	// Overrule sets the verdict against the tree's.
	Overrule struct {
		Verdict Verdict
		Reason  string
	}
	// StandDown lets the triggers fall that have been under their limit for five minutes.
	StandDown struct{}
	// Select puts a component into the rollback, or takes it out.
	Select struct {
		Component string
		On        bool
	}
	// Pick sets the revision for a component.
	Pick struct {
		Component string
		To        int64
	}
	// Recheck runs the preflight again.
	Recheck struct{}
	// OverrideCheck lifts a blocked line of the preflight.
	OverrideCheck struct {
		Component, Check string
		Reason           string
	}
	// ConfirmWrite is the last key of the confirmation. Word is what was typed
	// (in production ConfirmWord(…)); Plans are the IDs that the screen showed.
	ConfirmWrite struct {
		Word  string
		Plans []string
	}
	// Answered settles Incident.Asked: "wait", "another", "recovery", "undo".
	Answered struct{ With string }
	// AcceptUnknown accepts one of Verify's unknown checks by name.
	AcceptUnknown struct{ Key, Reason string }
	// Settle ticks or waives an item of the checklist.
	SettleItem struct {
		ID     string
		Waive  bool
		Reason string
	}
	// EndIncident ends the walk without a rollback, or closes it.
	EndIncident struct{ Outcome, Reason string }
	// NoJournal lets the walk go on though the journal cannot be written.
	NoJournal struct{}
)

// What happens by itself.
type (
	// Observed says that Seen is new; a tick is one too.
	Observed struct{}
	// Wrote is the outcome of a write.
	Wrote struct {
		Attempt   int
		Component string
		Written   *Written // set when it was written
		Changed   string   // what changed and by whom: nothing was written
		Err       string   // the server refused: nothing was written
		Lost      string   // no answer: it may or may not have been written
		Again     int      // how often the resourceVersion had moved
	}
	// Settled is what a look at the cluster says of a write without an outcome.
	Settled struct {
		Attempt   int
		Component string
		State     SettledState
		By        string // who changed it, when foreign
		Err       string // why the look failed
	}
)

// Effect is something that the engine has to do. It never changes the incident
// but by the input that it comes back as.
type Effect any

// The effects. Write alone changes the cluster's workloads, and starts only
// when the facts that it came with are on disk.
type (
	// ReadHistory reads a workload's revisions and how they behaved before Until.
	ReadHistory struct {
		Component string
		Until     time.Time
	}
	// ReadBaseline reads how the components did in the hour before Onset.
	ReadBaseline struct{ Onset time.Time }
	// CheckPlan makes the plan for a component and runs its preflight.
	CheckPlan struct {
		Component string
		To        int64
	}
	// WritePlan is the rollback itself.
	WritePlan struct {
		Attempt int
		Plan    Plan
	}
	// LookPlan finds out whether a write happened.
	LookPlan struct {
		Attempt int
		Plan    Plan
	}
	// PostEvent leaves word on the workload for those who look with kubectl.
	PostEvent struct {
		Workload Workload
		UID      string
		Text     string
	}
	// OpenJournal begins the journal; the facts kept so far are written first.
	OpenJournal struct{}
)
