// Package scale stops a component's traffic by scaling its workload to 0 replicas, and
// brings it back, to one pod or to as many as it had. What it had stands in the journal,
// and as a mark on the workload, so that it can be put back by whoever sees the cluster.
//
// An HPA does nothing while its target has 0 replicas; while fewer are wanted than it
// would have, it is held at that number. A ScaledObject of KEDA's is paused. What they
// were set to stands in an annotation of theirs.
package scale

import (
	"context"
	"fmt"
	"strconv"
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
	// Autoscalers returns what sets the number of a workload's replicas by itself.
	Autoscalers(ctx context.Context, w model.Workload) ([]model.Autoscaler, error)
}

// Options set what a Scale may do, and what it writes down.
type Options struct {
	ReadOnly bool // nothing is changed
	Now      func() time.Time
	By       string // who works with it, for the mark in the cluster
}

// Scale sets a workload's number of replicas. It is safe for concurrent use.
type Scale struct {
	cluster Cluster
	Options
}

// New returns the method for a cluster's workloads.
func New(c Cluster, o Options) Scale { return Scale{c, o} }

// Name returns model.MethodScale.
func (Scale) Name() model.Method { return model.MethodScale }

// Versions lists the numbers of replicas that a component can be brought to: as many as
// it had, if it is marked, one, and none.
func (s Scale) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	h := &model.History{Component: c.ID, Method: model.MethodScale}
	add := func(v model.Version) {
		if h.Candidate(v.Key) == nil {
			h.Candidates = append(h.Candidates, model.Candidate{Version: v, Current: v.Key == strconv.Itoa(c.Desired)})
		}
	}
	for n := range c.Marks {
		if c.Marks[n].Method == model.MethodScale {
			add(c.Marks[n].To)
		}
	}
	add(model.Replicas(c.Desired))
	add(model.Replicas(1))
	add(model.Replicas(0))
	return h, nil
}

// detail keeps in a plan what it rests on.
type detail struct {
	Replicas int            `json:"replicas"`
	Now      int            `json:"now"`            // when it was planned
	Had      int            `json:"had"`            // before it was stopped
	Free     bool           `json:"free,omitempty"` // others move the number afterwards
	Marked   bool           `json:"marked,omitempty"`
	Objects  []ways.Changed `json:"objects"` // in the order in which they are written
}

// number reads a version's key.
func number(v model.Version) (int, error) {
	n, err := strconv.Atoi(v.Key)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no number of replicas", v.Key)
	}
	return n, nil
}
