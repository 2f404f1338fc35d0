package model

import (
	"time"
)

// History is the revisions of one workload, newest first.
type History struct {
	Component string
	At        time.Time
	Revisions []Revision
	Err       string // why there is none
	// FiguresErr says why the revisions have no figures; "" when they were asked for.
	FiguresErr string
}

// Revision returns the entry with that number, or nil.
func (h *History) Revision(n int64) *Revision {
	for i := range h.Revisions {
		if h.Revisions[i].Number == n {
			return &h.Revisions[i]
		}
	}
	return nil
}

// Revision is one entry of a rollout history.
type Revision struct {
	Number       int64
	Owner        string    // the ReplicaSet's or ControllerRevision's name
	Start        time.Time // when it last became the running one; zero = unknown
	Guessed      bool      // Start is the ReplicaSet's creation
	By           string    // who set it; "" = unknown
	ChangeCause  string
	CauseCopied  bool // the same words stand on an older revision: most likely inherited
	Images       []string
	Replicas     int // pods now
	Current      bool
	RestartOf    int64 // the revision that it differs from only by a restart; 0 = a change of its own
	Behaviour    Behaviour
	Changes      []Change // what changes when going from the running template to this one
	Now          Behaviour
	TemplateHash string
}

// Change is one difference between two templates, already redacted: literal
// values of env are only ever "changed".
type Change struct {
	Kind string // image, env, resources, probe, volume, configmap, annotation, other …
	What string // where: container and field
	From string // "" = was not there
	To   string // "" = is no longer there
}
