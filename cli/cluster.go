package cli

import (
	"context"
	"errors"
	"fmt"

	"rollbook/engine"
	"rollbook/kube"
	"rollbook/model"
)

// cluster is a kube.Client as the engine's port: only names differ, since the
// two rooms do not know each other.
type cluster struct{ *kube.Client }

var _ engine.Cluster = cluster{}

func (c cluster) Watch(ctx context.Context, out func(engine.Observation)) {
	c.Client.Watch(ctx, func(o kube.Observation) { out(engine.Observation(o)) })
}

func (c cluster) Preflight(ctx context.Context, w *model.Component, to int64, out func(model.Preflight)) {
	c.Client.Preflight(ctx, w, to, out)
}

func (c cluster) Undo(ctx context.Context, plan model.Plan) (model.Written, error) {
	w, err := c.Client.Undo(ctx, plan)
	return w, enginesError(err)
}

// enginesError gives kube's sentinels the engine's names and keeps the words.
func enginesError(err error) error {
	for kubes, engines := range map[error]error{
		kube.ErrChanged: engine.ErrChanged, kube.ErrRefused: engine.ErrRefused,
		kube.ErrLost: engine.ErrLost, kube.ErrReadOnly: engine.ErrReadOnly,
	} {
		if errors.Is(err, kubes) {
			return renamed{err, engines}
		}
	}
	return err
}

// renamed is an error with the words of one and the identity of both.
type renamed struct {
	error
	as error
}

func (r renamed) Unwrap() []error { return []error{r.error, r.as} }

func (r renamed) Error() string { return fmt.Sprint(r.error) }
