package model

import (
	"time"
)

// Preflight is the checks before a write, and the plan that they are about.
type Preflight struct {
	Component string
	To        int64
	Started   time.Time
	Done      bool  // every check has answered, or its time was up
	Plan      *Plan // nil while it could not be made
	Checks    []Check
	Err       string // why there is no plan
}

// CheckState is the outcome of a check. The zero value is unknown.
type CheckState int

// The outcomes, from the least to the most that stands against going on.
const (
	CheckUnknown CheckState = iota
	CheckOK
	CheckNote
	CheckWarning
	CheckBlocked
)

// Check is one line of the preflight.
type Check struct {
	ID    string // stable: "access.patch", "owner.argocd", "configmap.gone:api-env"
	State CheckState
	Text  string
	Do    string // what to do about it
	Hard  bool   // a blocked line that no override can lift, because the write cannot succeed
	// Component is whose line it is in a journal, which keeps those of an attempt
	// in one list. Seen.Preflight has a list for each.
	Component string `json:"component,omitempty"`
}

// Plan is exactly what is confirmed and written. It holds hashes, not values:
// before the write everything is read and built again, and written only when it
// comes out equal.
type Plan struct {
	ID        string    `json:"id"` // over all that follows
	Component string    `json:"component"`
	Workload  Workload  `json:"workload"`
	UID       string    `json:"uid"`
	From      int64     `json:"from"`
	To        int64     `json:"to"`
	FromHash  string    `json:"fromHash"` // running template
	ToHash    string    `json:"toHash"`   // template to be written
	Owner     string    `json:"owner"`    // the ReplicaSet that the template is taken from
	Guard     string    `json:"guard"`    // spec less replicas, annotations less deployment.kubernetes.io/*
	Patch     string    `json:"patch"`    // the patch less its resourceVersion
	Unpause   bool      `json:"unpause,omitempty"`
	Same      bool      `json:"same,omitempty"` // the templates are equal: there is nothing to write
	Changes   []Change  `json:"changes,omitempty"`
	Stays     []string  `json:"stays,omitempty"` // what a rollback does not bring back
	Command   string    `json:"command"`         // the equal kubectl command
	Before    time.Time `json:"before,omitzero"` // Progressing's lastUpdateTime before the write: an unchanged one is a leftover
}

// Written is the API server's answer to the patch.
type Written struct {
	ResourceVersion string    `json:"resourceVersion"`
	Generation      int64     `json:"generation"`
	Reads           int       `json:"reads"` // how often the object had to be read again because its resourceVersion had moved
	At              time.Time `json:"at"`
	// TemplateHash is of the template as the server stored it: admission may
	// have changed it on its way in, and then it is not the plan's ToHash.
	TemplateHash string `json:"templateHash,omitempty"`
}

// SettledState is what a look at the cluster says of a write whose answer never
// came. The zero value is unknown.
type SettledState string

// The ends of such a look.
const (
	SettledUnknown SettledState = ""
	SettledDone    SettledState = "done"    // the running template is the plan's target
	SettledNot     SettledState = "not"     // it is still the one from before
	SettledForeign SettledState = "foreign" // it is neither: somebody else changed it
)
