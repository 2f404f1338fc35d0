package model

import (
	"time"
)

// LeaseLife is how long a Lease counts after it was renewed, and LeaseRenew how
// often it is.
const (
	LeaseLife  = 60 * time.Second
	LeaseRenew = 15 * time.Second
)

// LeaseAsk is what is wanted of a workload's Lease. Without Force, Release or
// Look it is taken when it is free, expired or ours already, and renewed.
type LeaseAsk struct {
	Workload Workload
	Holder   string // "maria on laptop (INC-…, run 3f9a21c4)"
	Incident string
	Step     string   // where its holder is
	Force    bool     // take it from whoever has it
	Release  bool     // give it back, if it is ours
	Owes     []string // what is switched off and not put back; it stays when the Lease is given back
	Look     bool     // write nothing
}

// Lease tells others who works on a workload. It is a courtesy, not a lock: what
// keeps two writes apart is the plan.
type Lease struct {
	Holder   string    `json:"holder,omitempty"` // "" = nobody
	Incident string    `json:"incident,omitempty"`
	Step     string    `json:"step,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Renewed  time.Time `json:"renewed,omitzero"` // on its holder's clock
	// Owes is what its holder, or who had it last, switched off and did not put back.
	Owes []string `json:"owes,omitempty"`
	// From is who had it before it was taken by force.
	From string `json:"from,omitempty"`

	Mine    bool      `json:"-"`
	Expired bool      `json:"-"` // its holder has not renewed it for longer than it lasts
	At      time.Time `json:"-"` // of the last answer; zero = none yet
	Asking  time.Time `json:"-"` // since when the first answer is waited for; zero = it is there, or none is wanted
	Err     string    `json:"-"` // why it could not be taken or read; "" after a success
}

// Other says whether somebody else is known to be on it.
func (l Lease) Other() bool { return l.Holder != "" && !l.Mine && !l.Expired }
