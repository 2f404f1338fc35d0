package model

import (
	"strconv"
	"time"
)

// Limits are the triggers. A figure exactly at its limit is not over.
type Limits struct {
	Errors   float64       `json:"errors"` // ratio, W1
	P95      time.Duration `json:"p95"`    // W2
	For      time.Duration `json:"for"`    // how long the errors must be over
	P95For   time.Duration `json:"p95For"` // how long P95 must be
	NoPod    time.Duration `json:"noPod"`  // how long without an available pod
	Rollout  time.Duration `json:"rollout"`
	Within   time.Duration `json:"within"`   // the countdown of "roll back within 10 minutes"
	Requests float64       `json:"requests"` // fewer in the window say nothing
}

// DefaultLimits are the runbook's figures (W1, W2, D4, K3).
func DefaultLimits() Limits {
	return Limits{Errors: 0.05, P95: 2 * time.Second, For: 5 * time.Minute, P95For: 5 * time.Minute, NoPod: time.Minute,
		Rollout: 2 * time.Minute, Within: 10 * time.Minute, Requests: 50}
}

// Target is a component as it is configured: which workload, how measured, how
// checked.
type Target struct {
	ID          string   `json:"id"`
	Workload    Workload `json:"workload"`
	Public      string   `json:"public,omitempty"` // what the public calls it; "" = it has no name for them
	NotMeasured bool     `json:"notMeasured,omitempty"`
	Match       string   `json:"match,omitempty"`  // further label matchers for the preset's queries: `app="x"`
	Errors      string   `json:"errors,omitempty"` // own PromQL for the error ratio; empty = the preset's
	P95         string   `json:"p95,omitempty"`    // own PromQL, seconds
	Requests    string   `json:"requests,omitempty"`
	Health      []Health `json:"health,omitempty"`

	Pods    string     `json:"pods,omitempty"`    // label selector whose pods must all be ready; "" = no such check
	Logs    int        `json:"logs,omitempty"`    // lines of the log's end that Verify shows
	LogsBad string     `json:"logsBad,omitempty"` // regular expression of a line that is bad; "" = the log is only shown
	NoUp    bool       `json:"noUp,omitempty"`    // the scrape targets are not looked at
	Promql  []OwnCheck `json:"promql,omitempty"`

	Methods []Method `json:"methods,omitempty"` // that Choose offers for it, in this order; none = all that serve it

	// Seen are the pods that the cluster showed to be this workload's, by name, each
	// with the name of its owner (ReplicaSet, ControllerRevision; "" = unknown). Those
	// that have gone lately are among them. Nil = its pods are not known.
	Seen map[string]string `json:"-"`
}

// OwnCheck is a query of the team's own with a limit: just one of Max and Min.
type OwnCheck struct {
	Name  string   `json:"name"`
	Query string   `json:"query"`
	Max   *float64 `json:"max,omitempty"`
	Min   *float64 `json:"min,omitempty"`
}

// Limit is the limit as it is shown: "≤ 0.5".
func (c OwnCheck) Limit() string {
	switch {
	case c.Max != nil:
		return "≤ " + strconv.FormatFloat(*c.Max, 'g', -1, 64)
	case c.Min != nil:
		return "≥ " + strconv.FormatFloat(*c.Min, 'g', -1, 64)
	}
	return ""
}

// Health is one health URL of a component.
type Health struct {
	URL     string        `json:"url"`
	Status  int           `json:"status"`
	Timeout time.Duration `json:"timeout"`
}
