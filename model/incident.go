package model

import "time"

// Step is one of the seven of the walk.
type Step int

// The steps in their order.
const (
	Assess Step = iota
	Decision
	Choose
	Confirm
	RollBack
	Verify
	Close
)

// Name is what the rail shows.
func (s Step) Name() string {
	return pick([]string{"Assess", "Decide", "Choose", "Confirm", "Roll back", "Verify", "Close"}, int(s))
}

// Incident is the fold of its facts. Only Apply changes it, and Apply never
// changes a slice or a map in place: a snapshot may hold on to an old one.
type Incident struct {
	ID       string // INC-20261123-0312-backend-python; "" before the journal begins
	Opened   time.Time
	Operator string
	Cluster  string // Identity.Cluster that it belongs to
	Settings Settings
	Step     Step // where the operator is
	Furthest Step // how far they were

	Onset, Detected, Decided, RolledOut, Recovered, Verified, Closed time.Time

	Triggers []Trigger // latched: they rise by themselves and fall by the operator's key
	Answers  map[Question]Answer
	Verdict  VerdictRecord

	Choices  []Choice
	Override map[string]Override // preflight lines overridden, by component + "/" + check ID
	Attempts []Attempt
	Accepted map[string]Override // Verify's unknown checks that were accepted, by key
	Hold     HoldRecord
	Baseline map[string]Baseline // by component, as it was read: known or not, and the value
	Asked    Asked               // the question that stands open, if any
	AskText  string
	AskFrom  time.Time // when the clock of the next question began

	Items    []Item // the checklist
	End      *End   // how it ended without, or after, a rollback
	Timeline []Entry

	Evidence    map[Moment]EvidenceRecord
	Impact      ImpactRecord
	Report      ReportRecord
	Messages    []MessageRecord
	Down        DownRecord
	Escalations []Escalation     // latched: they stay until they are answered
	LeaseLost   map[string]Lease // by component: who took it from us, until it is ours again
	// LeaseOver is, by component, whose Lease the operator overruled without being
	// able to take it.
	LeaseOver map[string]string

	Noted     map[string]string // what was last noticed, by component + "/" + what
	SampledAt time.Time

	WithoutJournal bool // the operator typed it

	// ownNoted says that Noted is the copy of the folding under way, which may
	// write into it. It is never set on an incident that anybody is given.
	ownNoted bool
}

// Attempt returns the newest attempt, or nil.
func (i *Incident) Attempt() *Attempt {
	if len(i.Attempts) == 0 {
		return nil
	}
	return &i.Attempts[len(i.Attempts)-1]
}

// Choice returns the choice for a component, or nil.
func (i *Incident) Choice(component string) *Choice {
	for n := range i.Choices {
		if i.Choices[n].Component == component {
			return &i.Choices[n]
		}
	}
	return nil
}

// Standing is the write that counts for a component.
type Standing struct {
	N     int // of the attempt
	Write *Write
}

// Standing are the writes that count, one for each component: the newest, but
// one that did not happen takes no earlier one's place, and counts only while
// its component is still chosen.
func (i *Incident) Standing() []Standing {
	var out []Standing
	at := map[string]int{}
	for a := range i.Attempts {
		for w := range i.Attempts[a].Writes {
			s := Standing{N: i.Attempts[a].N, Write: &i.Attempts[a].Writes[w]}
			id, not := s.Write.Plan.Component, s.Write.State == Refused || s.Write.State == Failed
			n, had := at[id]
			switch {
			case not && (had || i.Choice(id) == nil):
			case had:
				out[n] = s
			default:
				at[id] = len(out)
				out = append(out, s)
			}
		}
	}
	return out
}

// Entry is one line of the timeline.
type Entry struct {
	At   time.Time
	By   string // operator, manager, or "" for what was observed
	Kind string // seen, answer, choice, check, write, outcome, note, bad
	Text string
}

// Choice is what is to be rolled back, and to what.
type Choice struct {
	Component string `json:"component"`
	From      int64  `json:"from,omitempty"`
	To        int64  `json:"to,omitempty"`  // 0 = not chosen yet
	Why       string `json:"why,omitempty"` // why it is proposed, or why nothing is
	Own       bool   `json:"own,omitempty"` // the operator chose it, it was not proposed
}

// Override is the operator's word against a check's, with the reason.
type Override struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Text   string    `json:"text"` // the line as it was
	Reason string    `json:"reason,omitempty"`
}

// AttemptState is where one workload of an attempt stands.
type AttemptState string

// The states of one workload of an attempt. The zero value is: not begun.
const (
	Pending   AttemptState = ""
	Writing   AttemptState = "writing"    // the intent is journaled, the answer is not there
	Unsettled AttemptState = "unsettled"  // the answer never came: a look at the cluster will tell
	Rolling   AttemptState = "rolling"    // written, the rollout goes on
	Done      AttemptState = "rolled out" //
	Refused   AttemptState = "refused"    // not written: it was no longer what was confirmed
	Failed    AttemptState = "failed"     // not written: the API server said no
	Reverted  AttemptState = "reverted"   // written, and changed again by somebody else
)

// Attempt is one confirmed rollback.
type Attempt struct {
	N         int
	Confirmed time.Time
	By        string
	Writes    []Write // in the order of the configuration
}

// Active says whether any of its writes is under way or rolling out.
func (a *Attempt) Active() bool {
	for _, w := range a.Writes {
		switch w.State {
		case Pending, Writing, Unsettled, Rolling:
			return true
		}
	}
	return false
}

// Write is one workload of an attempt.
type Write struct {
	Plan      Plan
	State     AttemptState
	Intent    time.Time
	Written   Written
	RolledOut time.Time
	Err       string // the server's words, or what changed and by whom
	Waited    bool   // the operator chose to wait beyond the deadline
}

// HoldRecord is Verify's good run.
type HoldRecord struct {
	Since time.Time // first good sample; zero = none yet
	Green bool      // it held
	With  int       // unknown checks that were accepted
}

// Asked is a question of the walk's own that waits for an answer.
type Asked string

// The questions. The zero value is none.
const (
	AskNothing  Asked = ""
	AskDeadline Asked = "deadline" // the rollout took longer than its bar: wait, another revision, recovery
	AskNotGreen Asked = "not green"
	AskChanged  Asked = "changed"  // nothing was written, because the workload changed after the confirmation
	AskReverted Asked = "reverted" // somebody put another template in place
	AskFailed   Asked = "failed"
	AskSettle   Asked = "settle" // a write's outcome is unknown and the cluster cannot be asked
)

// Item is one line of Close's checklist.
type Item struct {
	ID     string
	Text   string
	State  string // "", "done", "waived"
	By     string
	At     time.Time
	Reason string
}

// End is how an incident ended.
type End struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Outcome string    `json:"outcome"` // rolled back, healed, fixed otherwise, false alarm, abandoned
	Reason  string    `json:"reason,omitempty"`
}
