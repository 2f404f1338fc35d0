package engine

import (
	"context"
	"time"

	"rollbook/model"
)

// Cluster is what the engine needs of Kubernetes. Text that it returns has
// passed the sanitiser. Every call honours its context's deadline; errors say
// what failed, on what, why and what to do next.
type Cluster interface {
	// Watch keeps the board up to date until ctx ends and hands over a whole new
	// observation at most four times a second; unchanged components keep their
	// pointers. It outlives outages and expired watches; it returns only when
	// ctx ends.
	Watch(ctx context.Context, out func(model.Observation))
	// PostEvent leaves an Event on the workload.
	PostEvent(ctx context.Context, w model.Workload, uid, text string) error
}

// Method is one way of changing the world. Text that it returns has passed the
// sanitiser. Every call honours its context's deadline; errors say what failed, on
// what, why and what to do next.
//
// What was written is watched by what else the method is: a Judge or a Follower,
// one of which it must be. One that is both is followed, and judged when that has
// finished: a job ends, and then the workload has to be there.
type Method interface {
	// Name stands in journals.
	Name() model.Method
	// Versions lists what a component can be brought to, newest first, without
	// figures. until is the onset, before which the good one served. Beside an error
	// it may return what is known all the same.
	Versions(ctx context.Context, c *model.Component, until time.Time) (*model.History, error)
	// Plan makes the plans for going to a version and checks them. It writes
	// nothing. A zero version means the method's own default. out is called with
	// each new state, the last time with Done set.
	Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight))
	// Do writes the plan, once, if the world is still what the plan was made of.
	// tell may be called with how far it is. The error is model.ErrChanged,
	// ErrRefused, ErrReadOnly (nothing was written) or ErrLost (nobody knows; Look
	// tells), wrapped with the details.
	Do(ctx context.Context, p model.Plan, tell func(model.Progress)) (model.Receipt, error)
	// Look tells whether a plan was written. It writes nothing.
	Look(ctx context.Context, p model.Plan) (model.Looked, error)
}

// Offered is a Method that Choose offers as a way back. What it returns does not
// change while the program runs.
type Offered interface {
	// Title names it on Choose: "Kubernetes undo", "GitLab job".
	Title() string
	// Serves reports whether it is configured for a component.
	Serves(component string) bool
}

// Near is an Offered whose versions are read from the cluster alone: nobody has to
// ask for them, as for what is fetched from elsewhere.
type Near interface {
	Offered
	Near()
}

// Before is an Offered that goes before a way back, in a role of its own, and is none.
type Before interface {
	Offered
	Role() model.Role
}

// Judge is a Method whose progress is seen on the board. It is pure.
type Judge interface {
	Judge(c *model.Component, p *model.Plan, r *model.Receipt) model.Progress
}

// Follower is a Method whose progress is seen elsewhere: in a job's log, in a
// running command.
type Follower interface {
	// Follow calls out with each new state until it is finished, failed or
	// reverted, or ctx ends; also for a plan that an earlier run wrote.
	Follow(ctx context.Context, p model.Plan, r model.Receipt, out func(model.Progress)) error
}

// Metrics is what the engine needs of Prometheus.
type Metrics interface {
	// Poll reads the figures of all targets, one query for a figure over all
	// that use the preset. A target that cannot be read has unknown figures with
	// the reason; the error is for when nothing could be read at all.
	Poll(ctx context.Context, p model.Poll) (map[string]*model.Figures, error)
	// Behaviour reads how the owners (ReplicaSets, by name) did before until,
	// by owner.
	Behaviour(ctx context.Context, t model.Target, owners []string, until time.Time) (map[string]model.Behaviour, error)
	// Baseline reads the hour before onset, by component ID.
	Baseline(ctx context.Context, targets []model.Target, onset time.Time) (map[string]model.Baseline, error)
	// To names where the queries go; off says why there are none ("" = there are).
	To() (to, off string)
}
