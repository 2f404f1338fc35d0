package model

import (
	"errors"
	"fmt"
	"time"
)

// Observation is one state of the cluster as its watch sees it.
type Observation struct {
	Board      []*Component
	Reading    bool    // what the board is made of has not all been read yet
	Events     []Event // newest last
	Connection Connection
	Identity   Identity
}

// Poll asks Prometheus for one round of figures.
type Poll struct {
	Targets []Target
	Hold    time.Duration // the window of HoldErrors and HoldP95; 0 = not wanted
	// Objective of the SLO, 0..1, and the period over which its budget is counted; 0 =
	// none is set up, and Figures.Burn is not wanted.
	Objective float64
	Period    time.Duration
	Apart     map[string]Sides // by component ID: of whom Figures.Old and New are wanted
}

// Sides names the owners (ReplicaSets) whose pods a rollout replaces, and the one
// whose pods replace them.
type Sides struct {
	Old []string
	New string
}

// ImpactOf says of what the impact is wanted.
type ImpactOf struct {
	Targets  []Target
	From, To time.Time
	Limits   Limits
	// Objective of the SLO, 0..1, and the period over which its budget is counted;
	// 0 = none is set up.
	Objective float64
	Period    time.Duration
}

// How a write ends that did not succeed. They are sentinels: match them with
// errors.Is; the wrapping error carries the details for the operator.
var (
	// ErrChanged: what was to be written to is no longer what was confirmed.
	// Nothing was written.
	ErrChanged = errors.New("changed since it was confirmed")
	// ErrRefused: the server said no, or was not reached at all. Nothing was
	// written.
	ErrRefused = errors.New("refused by the API server")
	// ErrLost: no answer came. It may or may not have been written.
	ErrLost = errors.New("no answer to the write")
	// ErrReadOnly: the transport lets no request that changes anything leave.
	ErrReadOnly = errors.New("read-only: no request that changes anything may leave")
)

// Told makes an error that reads exactly as the text and matches its kind and its cause,
// either of which may be nil.
func Told(kind, cause error, format string, args ...any) error {
	return &told{kind: kind, cause: cause, text: fmt.Sprintf(format, args...)}
}

type told struct {
	kind, cause error
	text        string
}

func (e *told) Error() string { return e.text }

func (e *told) Unwrap() (out []error) {
	for _, err := range []error{e.kind, e.cause} {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}
