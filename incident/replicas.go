package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// ReplicaCount is how many replicas a component was seen to ask for.
type ReplicaCount struct {
	Component string
	Now       int       // when it was seen last
	Since     time.Time // when it was first seen with so many
	// Before is what it asked for before it was scaled to 0, until it has as many
	// again; 0 = it was not scaled to 0 while it was watched.
	Before int
}

// ReplicasBefore returns how many replicas a component had before it was scaled to
// 0, until it has as many again; 0 = it was not, or it is not known.
func (i *Incident) ReplicasBefore(component string) int {
	if r := i.replicas(component); r != nil {
		return r.Before
	}
	return 0
}

func (i *Incident) replicas(component string) *ReplicaCount {
	for n := range i.Replicas {
		if i.Replicas[n].Component == component {
			return &i.Replicas[n]
		}
	}
	return nil
}

// countReplicas keeps how many replicas a component concerned asks for: whoever
// stops its traffic by scaling it to 0 needs the number again. A DaemonSet has as
// many as there are nodes.
func (d *decider) countReplicas(c *model.Component) {
	if c.Workload.Kind == model.DaemonSet {
		return
	}
	if r := d.inc().replicas(c.ID); r == nil || r.Now != c.Desired {
		d.fact(Scaled{Component: c.ID, Replicas: c.Desired})
	}
}

// Scaled is how many replicas a component concerned asks for, when it was first
// looked at and whenever that changed.
type Scaled struct {
	Component string `json:"component"`
	Replicas  int    `json:"replicas"`
}

func (b Scaled) apply(i *Incident, f Fact) {
	r := ReplicaCount{Component: b.Component, Now: b.Replicas, Since: f.At}
	was := i.replicas(b.Component)
	if was == nil {
		i.Replicas = with(i.Replicas, r)
		return
	}
	if r.Before = was.Before; b.Replicas == 0 {
		r.Before = max(was.Before, was.Now) // it may have been on its way back when it was stopped again
	} else if b.Replicas >= r.Before {
		r.Before = 0
	}
	i.Replicas = slices.Clone(i.Replicas)
	*i.replicas(b.Component) = r
}

// Only what stops or starts a component is told: an autoscaler changes the count
// all the time.
func (b Scaled) entry(before *Incident) (EntryKind, string) {
	was := before.replicas(b.Component)
	if was == nil || was.Now > 0 && b.Replicas > 0 {
		return EntryNone, ""
	}
	return EntrySeen, fmt.Sprintf("%s: replicas %d → %d", b.Component, was.Now, b.Replicas)
}
