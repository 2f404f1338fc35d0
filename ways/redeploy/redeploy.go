// Package redeploy goes back by deploying an earlier version once more: the manifests of
// a tag or commit of git are built, compared with the cluster by dry run, and applied.
//
// git, kubectl and the team's own command are programs that the operator has. They are
// run without a shell, a terminal or a question, with a deadline, and outside the
// operator's work tree: what they read is written to a folder of its own.
package redeploy

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"rollbook/model"
)

// MethodRedeploy applies the manifests of an earlier version.
const MethodRedeploy model.Method = "redeploy"

// Cluster reads and applies objects.
type Cluster interface {
	// Kubectl returns the kubectl command that does something in a namespace.
	Kubectl(namespace, what string) string
	// Namespaced reports whether objects of a kind are in a namespace.
	Namespaced(ctx context.Context, o model.Object) (bool, error)
	// May reports whether the user may do something with an object.
	May(ctx context.Context, verb string, o model.Object) (bool, error)
	// Read returns an object, and who wrote it last; nil when it is not there.
	Read(ctx context.Context, o model.Object) (raw json.RawMessage, writer string, err error)
	// Rehearse tries an apply by a dry run.
	Rehearse(ctx context.Context, m model.Manifest) (model.Rehearsed, error)
	// Adopt hands what kubectl has applied without the server over to the manager, where
	// that is needed: it is rehearsed again then. The error is as Apply's.
	Adopt(ctx context.Context, r model.Rehearsed, tell func(model.Progress)) error
	// Delete deletes an object, once, if it is still what the removal holds on to. The error
	// is as Apply's.
	Delete(ctx context.Context, o model.Object, how model.Removal, tell func(model.Progress)) error
	// Apply writes what was rehearsed, once. The error is model.ErrChanged, ErrRefused,
	// ErrReadOnly or ErrLost.
	Apply(ctx context.Context, r model.Rehearsed, tell func(model.Progress)) (model.AppliedObject, error)
}

// Target says where a component's manifests come from.
type Target struct {
	Repository string   // folder of a clone of the operator's, or the address of one that rollbook keeps
	Tags       string   // which tags are versions, as "v*"; "" = all
	Overlay    string   // folder that kustomize builds
	Manifests  string   // file, or folder of files, that are applied as they are
	Command    []string // prints the manifests; {tag} and {commit} stand for the version
	Manager    string   // field manager; "" = rollbook
	Remote     bool     // kustomize may read from other places than the repository
}

// Options set what a Redeploy may do, and what it knows beside git and the cluster.
type Options struct {
	ReadOnly bool // nothing is applied
	Now      func() time.Time
	// Rollout tells how far the rollout to an owner's pods is, as the board shows it.
	Rollout func(c *model.Component, owner string, before time.Time) model.Progress
	Home    string // what ~/ stands for in a repository's folder
	Kept    string // folder of the clones that rollbook keeps; "" = it keeps none
	Temp    string // where folders for a build are made; "" = the system's
}

// Redeploy goes back by applying an earlier version. It is safe for concurrent use.
type Redeploy struct {
	cluster Cluster
	targets map[string]Target // by component
	Options
	state *state
}

// state holds what is kept between calls.
type state struct {
	mu      sync.Mutex
	built   map[string]*build // by target and commit: the same commit is built the same
	fetched map[string]error  // by repository: why its newest state could not be fetched
	repos   map[string]*sync.Mutex
}

// New returns the way back for the components that have a target.
func New(c Cluster, targets map[string]Target, o Options) Redeploy {
	return Redeploy{cluster: c, targets: targets, Options: o,
		state: &state{built: map[string]*build{}, fetched: map[string]error{}, repos: map[string]*sync.Mutex{}}}
}

// Name returns MethodRedeploy.
func (Redeploy) Name() model.Method { return MethodRedeploy }

// Title names it on Choose.
func (Redeploy) Title() string { return "Redeploy" }

// Serves reports whether a component has a target.
func (r Redeploy) Serves(component string) bool {
	_, ok := r.targets[component]
	return ok
}

func (r Redeploy) target(component string) (Target, error) {
	t, ok := r.targets[component]
	if !ok {
		return t, model.Told(nil, nil, "%s: no repository is configured for it: set redeploy: {repository: …, overlay: …} of the component in your own rollbook.yaml", component)
	}
	if t.Manager == "" {
		t.Manager = ours
	}
	return t, nil
}

// ours is the field manager of what is applied, where none is configured.
const ours = "rollbook"

// detail keeps in a plan what it rests on.
type detail struct {
	Repository string    `json:"repository"`
	Tag        string    `json:"tag,omitempty"` // "" = a commit without one
	Commit     string    `json:"commit"`
	Manager    string    `json:"manager"`
	Objects    []object  `json:"objects"` // in the order in which they are written; those that are there already are left out
	Template   string    `json:"template,omitempty"`
	Before     time.Time `json:"before,omitzero"` // of the rollout's condition before
}

// object keeps what is written to one object: which values, and what they were, both as
// hashes.
type object struct {
	model.Object
	Paths []string      `json:"paths"`          // JSON pointers of what changes
	From  string        `json:"from,omitempty"` // hash of the values there; "" = the object is not there
	To    string        `json:"to"`
	Takes []model.Owned `json:"takes,omitempty"` // fields of other managers that it takes over
	// UID is that of an object which is deleted and made anew; "" = it is changed, or made.
	UID    string `json:"uid,omitempty"`
	Orphan bool   `json:"orphan,omitempty"` // what belongs to it stays then
}

// applied keeps in a receipt what was written.
type applied struct {
	Done       []string `json:"done"`                 // objects, as kubectl names them
	Left       []string `json:"left,omitempty"`       // that were not reached
	Deleted    []string `json:"deleted,omitempty"`    // of those left, that are not made anew yet
	Stopped    string   `json:"stopped,omitempty"`    // why
	Generation int64    `json:"generation,omitempty"` // of the workload; 0 = it was not written
	UID        string   `json:"uid,omitempty"`        // of the workload that was made; "" = it was there
	Template   string   `json:"template,omitempty"`   // hash of the workload's as the API server stored it
}
