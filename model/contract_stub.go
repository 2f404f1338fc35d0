package model

import "time"

// Run is how long a figure has been over its limit.
type Run struct {
	State Tri       // over now (yes), under (no), unknown
	Since time.Time // first sample of the run over the limit; zero when not over
	For   time.Duration
	Held  bool   // over for as long as the trigger asks
	Why   string // why unknown
}

// Over judges a figure against a limit that it must exceed for `want`.
func Over(f Figure, limit float64, want time.Duration, now time.Time) Run { return Run{} }

// Tree is the decision tree with the path taken lit.
func Tree(s *Snapshot) []Node { return nil }

// Suspect is a workload that changed within the hour before the onset.
type Suspect struct {
	Component string
	Revision  int64
	At        time.Time
	Before    time.Duration // onset − At; negative = after the first bad sample
	By        string
	Text      string // "revision 42, released 11m ago, 38 s before the first bad sample"
}

// Suspects ranks what changed by how close to the onset it did.
func Suspects(s *Snapshot) []Suspect { return nil }

// Blocked says why the step cannot be left forward, in words for the operator;
// "" when it can.
func (s Step) Blocked(snap *Snapshot) string { return "" }

// ConfirmWord is what must be typed to confirm in production; "" where `y` and
// enter do.
func ConfirmWord(i *Incident) string { return "" }

// RolloutStatus is where a rollout stands, as kubectl rollout status judges it.
type RolloutStatus struct {
	Done     bool
	Failed   bool   // exceeded its progress deadline
	Reverted bool   // the template is no longer the plan's
	Text     string // "3 out of 6 new replicas have been updated"
	Known    bool
}

// Rollout judges a component's rollout after the plan was written.
func Rollout(c *Component, w *Write) RolloutStatus { return RolloutStatus{} }

// VerifyCheck is one line of Verify.
type VerifyCheck struct {
	Key       string // "backend-python/errors"
	Component string
	Name      string // "error ratio"
	State     Tri    // yes = good, no = bad, unknown
	Seen      string // "0.02%" or why it is unknown
	Limit     string // "≤ 0.2% (baseline 0.2%, configured 0.1%)"
	Since     time.Time
	Accepted  bool
}

// VerifyChecks are the checks of all components of the newest attempt.
func VerifyChecks(s *Snapshot) []VerifyCheck { return nil }

// CanStandDown says whether the triggers may fall by the operator's key (all
// under their limit for five minutes); else why not.
func CanStandDown(s *Snapshot) string { return "" }
