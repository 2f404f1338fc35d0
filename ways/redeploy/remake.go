package redeploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// How long a deleted object is waited for until it is gone, and how often it is looked at.
const (
	untilGone = 15 * time.Second
	lookEvery = 200 * time.Millisecond
)

// remake deletes an object and makes it anew. gone says that it was deleted, whatever became
// of the rest: what an earlier run or an error has left so is made like any that is not
// there.
func (r Redeploy) remake(ctx context.Context, o *object, m model.Manifest, ready model.Rehearsed, tell func(model.Progress)) (out model.AppliedObject, gone bool, err error) {
	for n := 1; ; n++ {
		how := model.Removal{UID: o.UID, Version: ready.Version, Orphan: o.Orphan}
		if n == tries {
			how.Version = ""
		}
		err := r.cluster.Delete(ctx, o.Object, how, tell)
		if err == nil {
			break
		}
		if !errors.Is(err, model.ErrChanged) || n == tries || ctx.Err() != nil {
			return out, false, err
		}
		if ready, err = r.rehearseAgain(ctx, o, m); err != nil {
			return out, false, err
		}
	}
	tell(model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf("%s is deleted: making it anew when it is gone", o.Object)})
	if err := r.awaitGone(ctx, o); err != nil {
		return out, true, err
	}
	ready.Live, ready.Version, ready.Manifest.UID, ready.Force = nil, "", "", false
	out, err = r.cluster.Apply(ctx, ready, tell)
	return out, true, err
}

// awaitGone waits until an object that was deleted is not there any more. The error is
// model.ErrChanged where somebody has made it anew, and ErrRefused where it stays.
func (r Redeploy) awaitGone(ctx context.Context, o *object) error {
	ctx, cancel := context.WithTimeout(ctx, untilGone)
	defer cancel()
	for {
		raw, writer, err := r.cluster.Read(ctx, o.Object)
		switch {
		case err == nil && raw == nil:
			return nil
		case err == nil && ways.UID(raw) != o.UID:
			return model.Told(model.ErrChanged, nil, "%s was deleted, and made anew by somebody else: %s", o.Object, text.Line(writer))
		}
		select {
		case <-ctx.Done():
			why := "something holds it"
			if err != nil {
				why = err.Error()
			}
			return model.Told(model.ErrRefused, err, "%s was deleted and was not gone in time: %s", o.Object, why)
		case <-time.After(lookEvery):
		}
	}
}
