package model

import (
	"time"
)

// ProbeSeen is what a health URL answered.
type ProbeSeen struct {
	URL   string
	State Tri
	Text  string // "404 in 35ms, expected 200", or at which step it failed
	At    time.Time
	Since time.Time // of this state
}

// SelectedSeen is the pods of a label selector.
type SelectedSeen struct {
	Ready int
	Total int
	At    time.Time
	Err   string
	// Forbidden: Err says what right is missing, and not that anything failed.
	Forbidden bool
}

// TailSeen is the end of the log of a component's newest pod.
type TailSeen struct {
	Pod   string
	Lines []string
	Bad   []string // the lines that match Target.LogsBad
	At    time.Time
	Err   string
}

// OwnSeen is what one of the team's own queries says.
type OwnSeen struct {
	Name    string
	Reading Reading
}
