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
	// History lists the revisions of a component's workload, newest first,
	// without figures. Changes are from the running template to each revision.
	History(ctx context.Context, c *model.Component) (*model.History, error)
	// Preflight makes the plan for going to revision `to` (0 = kubectl's
	// default) and checks it. out is called with each new state, the last time
	// with Done set, at the latest after three seconds.
	Preflight(ctx context.Context, c *model.Component, to int64, out func(model.Preflight))
	// Undo writes the plan, if the workload is still what the plan was made of.
	// The error is ErrChanged, ErrRefused or ErrLost, wrapped with the details.
	Undo(ctx context.Context, plan model.Plan) (model.Written, error)
	// Look tells whether a plan was written; by names the manager of a foreign change.
	Look(ctx context.Context, plan model.Plan) (state model.SettledState, by string, err error)
	// PostEvent leaves an Event on the workload.
	PostEvent(ctx context.Context, w model.Workload, uid, text string) error
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
