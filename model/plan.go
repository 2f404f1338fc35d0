package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Plan is exactly what is confirmed and written: one change to the world, by one
// method, from a version to a version. Before the write the method makes it again
// from what it reads then, and writes only when it comes out equal.
type Plan struct {
	ID        string          `json:"id"` // over what it is, not over what is said of it
	Method    Method          `json:"method"`
	Role      Role            `json:"role"`
	Component string          `json:"component"`
	Workload  Workload        `json:"workload,omitzero"` // whose Lease and whose rollout; zero = none
	From      Version         `json:"from,omitzero"`
	To        Version         `json:"to"`
	Title     string          `json:"title"` // "Roll back api from revision 3 to revision 1"
	Changes   []Change        `json:"changes,omitempty"`
	Stays     []string        `json:"stays,omitempty"`    // what it does not bring back
	Command   string          `json:"command,omitempty"`  // the equal command
	Sentence  string          `json:"sentence,omitempty"` // must be typed too, such as that data will be lost; "" = none
	Waits     bool            `json:"waits,omitempty"`    // what goes before it must be finished, not only accepted
	Owes      string          `json:"owes,omitempty"`     // what has to be put back later, in words; "" = nothing
	Pays      string          `json:"pays,omitempty"`     // ID of the plan whose debt this one settles
	Same      bool            `json:"same,omitempty"`     // what is there is what is wanted: there is nothing to write
	Detail    json.RawMessage `json:"detail,omitempty"`   // the method's own; read by nobody else
}

// Slot returns the slot that the plan is for.
func (p *Plan) Slot() Slot { return Slot{p.Component, p.Role} }

// Digest returns a hash over values, such as a plan's ID, in 32 hexadecimal digits. It
// is the same whatever the order of their keys; a json.Number counts as it is written.
// Journals keep plans by it: it must never come out otherwise.
func Digest(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		b, err := json.Marshal(p) // sorts keys
		if err != nil {
			b = []byte("!" + err.Error())
		}
		h.Write(b)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Receipt is what a write left behind: the server's answer.
type Receipt struct {
	At     time.Time       `json:"at"`
	Text   string          `json:"text"`             // "resourceVersion 812, generation 9"; for the timeline
	URL    string          `json:"url,omitempty"`    // where people see it
	Detail json.RawMessage `json:"detail,omitempty"` // the method's own; read by nobody else
}

// Phase is how far a change has come after it was written. The zero value is
// unknown.
type Phase string

// The phases.
const (
	PhaseUnknown  Phase = ""
	PhaseRunning  Phase = "running"
	PhaseFinished Phase = "finished"
	PhaseFailed   Phase = "failed"   // it does not get on by itself any more
	PhaseReverted Phase = "reverted" // what was written is no longer there
)

// Progress is how far a change has come, as it was seen last. It is an
// observation: replaced, never folded.
type Progress struct {
	Phase Phase    `json:"phase,omitempty"`
	Text  string   `json:"text,omitempty"`  // "2 of 3 new pods are available"
	Share float64  `json:"share,omitempty"` // 0..1 of the way
	By    string   `json:"by,omitempty"`    // who reverted it; "" = unknown
	Owner string   `json:"owner,omitempty"` // ReplicaSet or ControllerRevision whose pods are the new ones; "" = unknown
	Lines []string `json:"-"`               // the end of its log, where it has one
	Aid   *Aid     `json:"aid,omitempty"`   // what would get it on; nil = nothing known
	// Left says of a change that failed that a part of it was never written: that is planned
	// anew.
	Left bool `json:"left,omitempty"`
}

// Aid is another write, by another method, that gets a change on which does not get
// on by itself, or takes it back while it goes on.
type Aid struct {
	Method Method  `json:"method"`
	To     Version `json:"to"`
	Text   string  `json:"text"`            // why it is wanted
	Name   string  `json:"name,omitempty"`  // of the key; "" = that of a stuck pod, which was the first
	Offer  bool    `json:"offer,omitempty"` // the change gets on without it
}

// Settled is what a look at the world says of a write whose answer never came.
// The zero value is unknown.
type Settled string

// The ends of such a look.
const (
	SettledUnknown Settled = ""
	SettledDone    Settled = "done"    // what was planned is there
	SettledNot     Settled = "not"     // it is still as it was before
	SettledForeign Settled = "foreign" // it is neither: somebody else changed it
)

// Looked is what a look at the world says of a write.
type Looked struct {
	State Settled
	// By is who changed it, when it is foreign, or who brought about what was planned,
	// when that was somebody else; "" = rollbook did.
	By string
	// Receipt is what the look knows of the write's answer; nil = nothing.
	Receipt *Receipt
}

// Preflight is the plans for one slot and the checks before they are written.
type Preflight struct {
	Slot
	To      string // key of the version that it is for
	Started time.Time
	Basis   string // Component.Basis of what it was made for
	Done    bool   // every check has answered, or its time was up
	Plans   []Plan // in the order in which they will be written; none while they could not be made
	Checks  []Check
	Err     string // why there is no plan
}

// ConfigMapChanged begins the ID of the line about a ConfigMap that was changed since the
// version of a plan ran; its name follows.
const ConfigMapChanged = "configmap.changed:"

// Check is one line of the preflight.
type Check struct {
	ID    string     `json:"id"` // stable: "access.patch", "owner.argocd", "configmap.gone:api-env"
	State CheckState `json:"state"`
	Text  string     `json:"text"`
	Do    string     `json:"do,omitempty"`   // what to do about it
	Hard  bool       `json:"hard,omitempty"` // a blocked line that no override can lift, because the write cannot succeed
	// Component and Role are whose line it is in a journal, which keeps those of an
	// attempt in one list. Seen.Preflight has a list for each slot.
	Component string `json:"component,omitempty"`
	Role      Role   `json:"role,omitempty"`
	// Owner is who sets the workload's version too, where the line is about that, and Does
	// what that does, as a sentence goes on: ": its next release puts its own version back".
	Owner string `json:"owner,omitempty"`
	Does  string `json:"does,omitempty"`
}

// OwnerCheck returns the line about another owner of a workload, which is known there by a
// name; more is what else is to be said.
func OwnerCheck(id string, state CheckState, owner, name, does, more, do string) Check {
	return Check{ID: id, State: state, Owner: owner, Does: does, Do: do, Text: owner + " owns it (" + name + ")" + does + more}
}

// CheckState is the outcome of a check. The zero value is unknown. Their order is
// that of what stands against going on.
type CheckState int

// The outcomes, from the least to the most that stands against going on.
const (
	CheckUnknown CheckState = iota
	CheckOK
	CheckNote
	CheckWarning
	CheckBlocked
)

var checkStates = Names{"unknown", "ok", "note", "warning", "blocked"}

// String returns the state's name, as it stands in a journal.
func (s CheckState) String() string { return checkStates.Of(int(s)) }

// MarshalText gives the state's name.
func (s CheckState) MarshalText() ([]byte, error) { return checkStates.Text(int(s)) }

// UnmarshalText reads the state's name; one that is not known is an error.
func (s *CheckState) UnmarshalText(b []byte) error {
	return checkStates.Parse("state of a check", b, (*int)(s))
}
