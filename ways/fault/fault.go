// Package fault breaks a component on purpose, for a drill, and puts it back to exactly
// what was there. What was there stands as a mark on the workload, so that it can be put
// back by whoever sees the cluster, from any machine.
//
// A fault is a strategic merge patch of the workload's pod template, as for kubectl patch:
// nothing but the template is ever broken.
package fault

import (
	"context"
	"fmt"
	"time"

	"rollbook/model"
	"rollbook/ways"
)

// Cluster reads and changes objects.
type Cluster interface {
	ways.Objects
	ways.Trier
	// Kubectl returns the kubectl command that does something in a namespace.
	Kubectl(namespace, what string) string
}

// Options set what a Fault may do, and what it writes down.
type Options struct {
	ReadOnly bool   // nothing is changed
	Refused  string // why nothing may be broken here, and what to do; "" = it may. What is broken is put back all the same
	Env      string // NAME=VALUE of the variable that makes a component fail; "" = none is configured
	Patch    string // file with a strategic merge patch of the workload; "" = none is configured
	Now      func() time.Time
	By       string // who works with it, for the mark in the cluster
	// Rollout tells how far the rollout to an owner's pods is, as the board shows it.
	Rollout func(c *model.Component, owner string, before time.Time) model.Progress
}

// Fault breaks a workload, and puts it back. It is safe for concurrent use.
type Fault struct {
	cluster Cluster
	Options
}

// New returns the method for a cluster's workloads.
func New(c Cluster, o Options) Fault { return Fault{c, o} }

// Name returns model.MethodFault.
func (Fault) Name() model.Method { return model.MethodFault }

// Versions lists what a component was before it was broken, if it is, and the faults.
func (f Fault) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	h := &model.History{Component: c.ID, Method: model.MethodFault}
	for n := range c.Marks {
		if c.Marks[n].Method == model.MethodFault {
			h.Candidates = append(h.Candidates, model.Candidate{Version: c.Marks[n].To})
		}
	}
	for _, key := range model.Faults() {
		x := model.Candidate{Version: model.Fault(key)}
		if _, err := f.patchOf(key, &container{Name: "app", Image: "app"}); err != nil {
			x.Refused = err.Error()
		}
		h.Candidates = append(h.Candidates, x)
	}
	return h, nil
}

// was is a value that the fault changed.
type was struct {
	Path string `json:"path"` // JSON pointer
	Was  any    `json:"was"`  // nil = there was none
	Set  any    `json:"set"`
}

// detail keeps in a plan what it rests on.
type detail struct {
	Broken  bool           `json:"broken"` // by it; else it is put back
	Objects []ways.Changed `json:"objects"`
}

// The mark's keys. The second annotation is a rollbook/owes one as the first, so that an
// undo leaves it where it is.
const (
	key    = model.MarkKey + string(model.MethodFault)
	before = key + ".before"
)

var labelPath = ways.Pointer("metadata", "labels", key)

// asBefore returns what a workload was before it was broken, as a version: its key is of
// the template.
func asBefore(template any) model.Version {
	return model.Version{Key: model.Digest(template)[:12], Label: "what was there before the drill", Short: "before"}
}

// refused returns why nothing may be broken here.
func (f Fault) refused() error {
	if f.Refused == "" {
		return nil
	}
	return model.Told(model.ErrRefused, nil, "nothing may be broken here: %s", f.Refused)
}

// noFault is what a component that is not broken is told with.
func noFault(w model.Workload) error {
	return fmt.Errorf("%s is not broken by a drill: there is nothing to put back", w)
}
