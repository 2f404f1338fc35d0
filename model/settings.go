package model

import "time"

// Settings is what an incident is worked by: the configuration after defaults,
// as its first fact, so that a journal says by which limits it was decided.
type Settings struct {
	Namespace  string        `json:"namespace"`
	Context    string        `json:"context"`
	Server     string        `json:"server"`
	Production bool          `json:"production"` // everything is that was not declared otherwise
	Why        string        `json:"why"`        // by which rule it is (not) production
	ReadOnly   bool          `json:"readOnly,omitempty"`
	Operator   string        `json:"operator"` // the local user; the cluster's name for them is in Seen.Identity
	Limits     Limits        `json:"limits"`
	Verify     VerifyRules   `json:"verify"`
	Components []Target      `json:"components,omitempty"` // in the order they are rolled back; empty = the namespace's workloads
	Focus      string        `json:"focus,omitempty"`      // the component named on the command line
	Scrape     time.Duration `json:"scrape"`               // Prometheus' scrape interval
	Poll       time.Duration `json:"poll"`                 // how often the figures are asked for during an incident
	Recovery   Recovery      `json:"recovery,omitzero"`
	Contacts   []Contact     `json:"contacts,omitempty"`
	Links      []Link        `json:"links,omitempty"`
	Channels   []Channel     `json:"channels,omitempty"`
	Objective  float64       `json:"objective,omitempty"` // of the SLO, 0..1; 0 = none is set up
	Period     time.Duration `json:"period,omitempty"`    // over which its budget is counted
	ConfigHash string        `json:"configHash,omitempty"`
	ConfigFrom []string      `json:"configFrom,omitempty"` // files and commits
}

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

// VerifyRules are when a rollback counts as having worked.
type VerifyRules struct {
	Errors float64       `json:"errors"` // ratio
	P95    time.Duration `json:"p95"`
	Hold   time.Duration `json:"hold"`
	Ask    time.Duration `json:"ask"` // without green for so long, it asks what to do
}

// Fresh is how old a figure may be before it is stale: two scrape intervals and
// a poll.
func (s *Settings) Fresh() time.Duration { return 2*s.Scrape + s.Poll }

// DefaultLimits are the runbook's figures (W1, W2, D4, K3).
func DefaultLimits() Limits {
	return Limits{Errors: 0.05, P95: 2 * time.Second, For: 5 * time.Minute, P95For: 5 * time.Minute, NoPod: time.Minute,
		Rollout: 2 * time.Minute, Within: 10 * time.Minute, Requests: 50}
}

// DefaultVerify is row A1 of the runbook, held for two minutes.
func DefaultVerify() VerifyRules {
	return VerifyRules{Errors: 0.001, P95: 500 * time.Millisecond, Hold: 2 * time.Minute, Ask: 5 * time.Minute}
}

// Target is a component as it is configured: which workload, how measured, how
// checked.
type Target struct {
	ID          string   `json:"id"`
	Workload    Workload `json:"workload"`
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
}

// OwnCheck is a query of the team's own with a limit: just one of Max and Min.
type OwnCheck struct {
	Name  string   `json:"name"`
	Query string   `json:"query"`
	Max   *float64 `json:"max,omitempty"`
	Min   *float64 `json:"min,omitempty"`
}

// Health is one health URL of a component.
type Health struct {
	URL     string        `json:"url"`
	Status  int           `json:"status"`
	Timeout time.Duration `json:"timeout"`
}

// Recovery is what the commands of a failed rollback (F1–F5) are filled in with.
type Recovery struct {
	Maintenance string `json:"maintenance,omitempty"` // manifest
	Overlay     string `json:"overlay,omitempty"`     // kustomize folder of the last good tag
	Restore     string `json:"restore,omitempty"`     // link to the procedure
	Replicas    int    `json:"replicas,omitempty"`    // of a healthy component
}

// Contact is somebody to call, and when.
type Contact struct {
	Role string `json:"role"`
	Name string `json:"name"`
	How  string `json:"how"`
	When string `json:"when"`
}

// Link is a document of the team's.
type Link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}
