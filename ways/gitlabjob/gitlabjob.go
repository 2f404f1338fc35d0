// Package gitlabjob goes back by GitLab CI: the job that deployed an earlier version is
// run once more, or the manual job that its pipeline has for that is started.
//
// https://docs.gitlab.com/api/deployments/, https://docs.gitlab.com/api/jobs/
package gitlabjob

import (
	"context"
	"net/http"
	"time"

	"rollbook/model"
)

// MethodJob runs the job of an earlier deployment.
const MethodJob model.Method = "gitlab job"

// GitLab sends requests to one server, with one token.
type GitLab interface {
	// Do sends one request, once; path is below /api/v4. Its error is a
	// *model.SendError.
	Do(ctx context.Context, method, path string, header http.Header, body []byte) (status int, answered http.Header, answer []byte, err error)
	// Said puts an answer that is no success into words; of a token that is not known it
	// says so.
	Said(status int, answer []byte) string
	// URL returns the address of a path.
	URL(path string) string
	String() string
}

// Target says where in GitLab a component is deployed from.
type Target struct {
	Project     string // "group/project" or its number
	Environment string
	Job         string // the manual job that goes back; "" = the job that deployed
}

// Options set what a Job may do, and what it knows beside GitLab.
type Options struct {
	ReadOnly bool // no job is started or cancelled
	Now      func() time.Time
	// Rollout tells how far the rollout to an owner's pods is, as the board shows it.
	// before is the time of the condition that the workload had before the job; zero =
	// it had none.
	Rollout func(c *model.Component, owner string, before time.Time) model.Progress
	// Every sets how long it waits between two looks at a job; 0 = 3 s.
	Every time.Duration
}

// Job goes back by running a job of GitLab. It is safe for concurrent use.
type Job struct {
	gitlab  GitLab
	targets map[string]Target // by component
	Options
}

// New returns the way back for the components that have a target.
func New(g GitLab, targets map[string]Target, o Options) Job {
	if o.Every == 0 {
		o.Every = 3 * time.Second
	}
	return Job{gitlab: g, targets: targets, Options: o}
}

// Name returns MethodJob.
func (Job) Name() model.Method { return MethodJob }

// Title names it on Choose.
func (Job) Title() string { return "GitLab job" }

// Serves reports whether a component has a target.
func (j Job) Serves(component string) bool {
	_, ok := j.targets[component]
	return ok
}

func (j Job) target(component string) (Target, error) {
	t, ok := j.targets[component]
	if !ok {
		return t, model.Told(nil, nil, "%s: no GitLab project is configured for it: set gitlab: {project: …, environment: …} of the component in your own rollbook.yaml", component)
	}
	return t, nil
}

// detail keeps in a plan what it rests on.
type detail struct {
	Project     string `json:"project"`
	Environment string `json:"environment"`
	Action      string `json:"action"` // play or retry
	Job         int64  `json:"job"`
	Name        string `json:"name"`
	Status      string `json:"status"` // of the job, when it was confirmed
	Pipeline    int64  `json:"pipeline"`
	SHA         string `json:"sha"`
	Tag         string `json:"tag,omitempty"` // of git, where one was deployed
	// Last is the newest deployment to the environment that succeeded or runs.
	Last     int64         `json:"last"`
	Template string        `json:"template,omitempty"` // hash of the pods' template before
	There    bool          `json:"there,omitempty"`    // what runs was of that commit already
	Named    bool          `json:"named,omitempty"`    // the images that ran name their commit or tag
	Took     time.Duration `json:"took,omitempty"`     // the job, last time; 0 = unknown
	Before   time.Time     `json:"before,omitzero"`    // of the rollout's condition before
}

// ran keeps in a receipt which job was started.
type ran struct {
	Job int64 `json:"job"`
}

// clock puts the time of what others did into words.
func clock(t time.Time) string { return t.UTC().Format("15:04:05 MST") }
