package incident

import (
	"slices"
	"time"

	"rollbook/model"
)

// Incident is the fold of its facts. Only Apply changes it, and Apply never
// changes a slice or a map in place: a snapshot may hold on to an old one.
type Incident struct {
	ID       string // INC-20261123-0312-backend-python; "" before the journal begins
	Opened   time.Time
	Operator string // who works on it, or did last
	Run      string // of the run that opened it: what its Lease tells it by; "" = of an older version
	Cluster  string // Identity.Cluster that it belongs to
	Settings Settings
	Step     Step // where the operator is
	Furthest Step // how far they were
	Backs    int  // how often they went back to an earlier one before it was written

	Onset, Detected, Decided, Recovered, Verified, Closed time.Time
	// RolledOut is when all that stands was rolled out. An attempt of which nothing was
	// written leaves it as it was.
	RolledOut time.Time

	Triggers []Trigger // latched: they rise by themselves and fall by the operator's key
	Failed   []string  // components that had a trigger since it began, in the order in which they failed
	Answers  map[Question]Answer
	Verdict  VerdictRecord

	Choices    []Choice
	Histories  []HistoryRead       // what could be chosen from, as it was read last
	Override   map[string]Override // preflight lines overridden, by component + "/" + check ID
	Attempts   []Attempt
	Accepted   map[string]Override // Verify's unknown checks that were accepted, by key
	Hold       HoldRecord
	Procedures []Procedure
	Waived     map[WriteID]Override      // debts that are not put back, on the operator's word
	Baseline   map[string]model.Baseline // by component, as it was read: known or not, and the value
	Asked      Asked                     // the question that stands open, if any
	AskText    string
	AskFrom    time.Time // when the clock of the next question began

	Items    []Item // the checklist
	End      *End   // how it ended without, or after, a rollback
	Timeline []Entry

	// Reported says that Onset is when an operator first said that it fails: when it
	// began is not known.
	Reported   bool
	DetectedBy Detector
	Shown      time.Time // when the first trigger was shown, or a question answered with yes
	ShownBy    Detector
	Alerts     []AlertFired  // about the components concerned
	Told       DetectionTold // by ToldBy; zero = nobody said
	ToldBy     string
	Severity   SeverityTold // zero = nobody said

	Evidence    map[model.Moment]EvidenceRecord
	Impact      ImpactRecord
	Report      ReportRecord
	Messages    []MessageRecord
	Shells      []Shell
	Down        DownRecord
	Escalations []Escalation           // latched: they stay until they are answered
	LeaseLost   map[string]model.Lease // by component: who took it from us, until it is ours again
	// LeaseOver is, by component, whose Lease the operator overruled without being
	// able to take it.
	LeaseOver map[string]string

	Suspects  []Suspect         // the likeliest first, from the opening on
	Said      []model.Said      // by the pods of failing components, a version each, in the order in which they were read first
	Known     map[string]Known  // what was seen of each version, by component + "/" + its key
	Replicas  []ReplicaCount    // of the components concerned
	Noted     map[string]string // what was last noticed, by component + "/" + what
	SampledAt time.Time

	Unwell   WellSince // before a drill breaks its component
	Handling []Handled // each page that was handled, where somebody practises; empty = it was not counted

	WithoutJournal bool // the operator typed it

	// ownNoted says that Noted is the copy of the folding under way, which may
	// write into it. It is never set on an incident that anybody is given.
	ownNoted bool
}

// Entry is one line of the timeline.
type Entry struct {
	At   time.Time
	By   string // operator, manager, or "" for what was observed
	Kind EntryKind
	Text string
}

// lend begins a copy of an incident that facts are folded into: its arrays are
// still those of snapshots.
func (i *Incident) lend() {
	i.Timeline = slices.Clip(i.Timeline)
	i.ownNoted = false
}

// take folds a fact into a copy that lend began.
func (i *Incident) take(f Fact) {
	kind, text := f.Body.entry(i)
	f.Body.apply(i, f)
	if kind != EntryNone {
		i.Timeline = append(i.Timeline, Entry{At: f.At, By: f.By, Kind: kind, Text: text})
	}
}

// with is append that never writes into the array of a slice that a snapshot
// may still hold.
func with[T any](s []T, v T) []T { return append(s[:len(s):len(s)], v) }

// EntryKind is what a line of the timeline tells of.
type EntryKind string

// The kinds of entries.
const (
	EntryNone    EntryKind = ""        // it is not told
	EntrySeen    EntryKind = "seen"    // what was observed
	EntryAnswer  EntryKind = "answer"  // what the operator said
	EntryChoice  EntryKind = "choice"  // what is to be changed
	EntryWrite   EntryKind = "write"   // what was confirmed or sent
	EntryOutcome EntryKind = "outcome" // what came of it
	EntryNote    EntryKind = "note"
	EntryBad     EntryKind = "bad" // what a person should look at
)
