package incident

import (
	"time"

	"rollbook/model"
)

// Settings is what an incident is worked by: the configuration after defaults,
// as its first fact, so that a journal says by which limits it was decided.
type Settings struct {
	Namespace  string          `json:"namespace"`
	Context    string          `json:"context"`
	Server     string          `json:"server"`
	Production bool            `json:"production"` // everything is that was not declared otherwise
	Why        string          `json:"why"`        // by which rule it is (not) production
	ReadOnly   bool            `json:"readOnly,omitempty"`
	Operator   string          `json:"operator"` // the local user; the cluster's name for them is in Seen.Identity
	Limits     model.Limits    `json:"limits"`
	Verify     VerifyRules     `json:"verify"`
	Components []model.Target  `json:"components,omitempty"` // in the order they are rolled back; empty = the namespace's workloads
	Focus      string          `json:"focus,omitempty"`      // the component named on the command line
	Scrape     time.Duration   `json:"scrape"`               // Prometheus' scrape interval
	Poll       time.Duration   `json:"poll"`                 // how often the figures are asked for during an incident
	Recovery   Recovery        `json:"recovery,omitzero"`
	Drill      *Drill          `json:"drill,omitempty"` // nil = the program was not started for one
	Contacts   []Contact       `json:"contacts,omitempty"`
	Links      []Link          `json:"links,omitempty"`
	Channels   []model.Channel `json:"channels,omitempty"`
	Objective  float64         `json:"objective,omitempty"` // of the SLO, 0..1; 0 = none is set up
	Period     time.Duration   `json:"period,omitempty"`    // over which its budget is counted
	ConfigHash string          `json:"configHash,omitempty"`
	ConfigFrom []string        `json:"configFrom,omitempty"` // files and commits
}

// Fresh is how old a figure may be before it is stale: two scrape intervals and
// a poll.
func (s *Settings) Fresh() time.Duration { return 2*s.Scrape + s.Poll }

// Target is how a component is configured; nil when it is not.
func (s *Settings) Target(component string) *model.Target {
	for n := range s.Components {
		if s.Components[n].ID == component {
			return &s.Components[n]
		}
	}
	return nil
}

// Channel returns the channel of that ID, or nil.
func (s *Settings) Channel(id string) *model.Channel {
	for n := range s.Channels {
		if s.Channels[n].ID == id {
			return &s.Channels[n]
		}
	}
	return nil
}

// checksFresh is how old what a check saw may be.
func (s *Settings) checksFresh() time.Duration { return max(30*time.Second, 3*s.Poll) }

// VerifyRules are when a rollback counts as having worked.
type VerifyRules struct {
	Errors float64       `json:"errors"` // ratio
	P95    time.Duration `json:"p95"`
	Hold   time.Duration `json:"hold"`
	Ask    time.Duration `json:"ask"` // without green for so long, it asks what to do
}

// DefaultVerify is row A1 of the runbook, held for two minutes.
func DefaultVerify() VerifyRules {
	return VerifyRules{Errors: 0.001, P95: 500 * time.Millisecond, Hold: 2 * time.Minute, Ask: 5 * time.Minute}
}

// Recovery is what the commands of a failed rollback (F1–F5) are filled in with.
type Recovery struct {
	Maintenance string `json:"maintenance,omitempty"` // manifest
	Overlay     string `json:"overlay,omitempty"`     // kustomize folder of the last good tag
	Restore     string `json:"restore,omitempty"`     // link to the procedure
	Replicas    int    `json:"replicas,omitempty"`    // of a healthy component, where nobody saw how many it had; 0 = not set
	// Steps are those of the restore, each of which is ticked.
	Steps []RestoreStep `json:"steps,omitempty"`
}

// RestoreStep is one of them.
type RestoreStep struct {
	Text    string `json:"text"`
	Command string `json:"command,omitempty"` // to copy; "" = none
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
