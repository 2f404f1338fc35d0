package model

import "time"

// Tri is an answer. The zero value is unknown.
type Tri int

// The answers.
const (
	TriUnknown Tri = iota
	TriNo
	TriYes
)

// Verdict is what the decision tree ends in. The zero value is "unknown, your
// call".
type Verdict int

// The verdicts. Their order of severity is Verdict.rank, not their value.
const (
	YourCall Verdict = iota
	WatchClosely
	Within10
	Now
)

// Question is something that the tree, or the operator beside it, answers.
type Question string

// The questions. D1 to D4 form the tree; W4 and W5 stand beside it. D3 is W3.
const (
	QErrors   Question = "D1" // error ratio over its limit
	QP95      Question = "D2" // P95 over its limit
	QCritical Question = "D3" // a critical feature broken, or no available pod
	QSLO      Question = "D4" // error budget, or the newest rollout is stuck
	QDataLoss Question = "W4"
	QSecurity Question = "W5"
)

// Answer is the operator's word, kept beside the figure that it overrules.
type Answer struct {
	Answer Tri       `json:"answer"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Figure string    `json:"figure,omitempty"` // what the tree said at that time
}

// VerdictRecord is the verdict as it stands.
type VerdictRecord struct {
	Verdict   Verdict
	Since     time.Time // of this verdict
	Text      string    // the one sentence
	Overruled bool
	Reason    string
	// Deadline is when "within 10 minutes" is over; zero for other verdicts or
	// before it was decided.
	Deadline time.Time
}

// TriggerKind is which limit was broken.
type TriggerKind string

// The kinds.
const (
	TErrors TriggerKind = "errors"
	TP95    TriggerKind = "p95"
	TNoPod  TriggerKind = "no pod"
	TStuck  TriggerKind = "stuck"
)

// Trigger is a broken limit of one component, latched.
type Trigger struct {
	Component string        `json:"component"`
	Kind      TriggerKind   `json:"kind"`
	Onset     time.Time     `json:"onset"` // first sample of the run
	At        time.Time     `json:"at"`    // when it had lasted long enough
	Value     float64       `json:"value"` // ratio or seconds; 0 for pods
	AtLeast   bool          `json:"atLeast,omitempty"`
	Limit     float64       `json:"limit"`
	For       time.Duration `json:"for"`
	Query     string        `json:"query,omitempty"`
	Text      string        `json:"text"` // in words
	// Under is since when it has been under its limit again; zero = it is not, or nobody knows.
	Under time.Time `json:"under,omitzero"`
}

// Node is one question of the tree as the screen shows it.
type Node struct {
	Question Question
	Title    string // "Errors over 5% for 5m?"
	Answer   Tri
	By       string // "" = a figure; else the operator who overruled or answered
	Text     string // the figure and for how long, or why it is unknown
	Query    string
	Lit      bool // on the path taken
	End      bool // the path ends here
	Beside   bool // W4, W5: stands beside the tree
	Asks     bool // only the operator can know
	Rising   bool // over its limit, but not for long enough yet
}
