package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"rollbook/model"
	"rollbook/ways"
)

// Do writes the plan, if the workload is still what it was made of: it is read again, the
// plan is made again, and written only when it comes out equal.
func (f Fault) Do(ctx context.Context, plan model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return model.Receipt{}, err
	}
	not := fmt.Sprintf("%s was not put back", plan.Workload)
	if want.Broken {
		not = fmt.Sprintf("%s was not broken", plan.Workload)
		if err := f.refused(); err != nil {
			return model.Receipt{}, err
		}
	}
	if f.ReadOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "%s: rollbook runs read-only", not)
	}
	p, err := f.make(ctx, plan.Component, plan.Workload, plan.To)
	switch {
	case errors.Is(err, model.ErrChanged):
		return model.Receipt{}, model.Told(model.ErrChanged, err, "%s: %s", not, err)
	case err != nil:
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s: %s", not, err)
	case p.ID != plan.ID:
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "%s: it changed since it was confirmed, last written by %s", not, cmp.Or(p.writer, "somebody"))
	}
	after, err := p.change.Write(ctx, f.cluster, tell)
	if err != nil {
		return model.Receipt{}, err
	}
	got := ways.Written{Done: []string{plan.Workload.String()}, Generation: ways.Generation(after)}
	return got.Receipt(f.Now(), plan.To, "changed")
}

// Look tells whether the plan was written, by what it changes.
func (f Fault) Look(ctx context.Context, plan model.Plan) (model.Looked, error) {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	return ways.Looked(ctx, f.cluster, want.Objects, f.Now(), plan.To, "changed", "whether "+plan.Workload.String()+" was changed")
}

// Judge tells how far it is: a fault is at its end when the controller has taken it up, since
// its pods never get ready; what is put back when its pods are.
func (f Fault) Judge(c *model.Component, p *model.Plan, receipt *model.Receipt) model.Progress {
	want, err := ways.Detail[detail](p.Detail)
	if err != nil {
		return model.Progress{Text: err.Error()}
	}
	got, err := ways.WrittenOf(receipt)
	if err != nil {
		return model.Progress{Text: err.Error()}
	}
	running := func(text string) model.Progress {
		return model.Progress{Phase: model.PhaseRunning, Share: 0.5, Text: text}
	}
	switch {
	case c != nil && c.Missing == model.NotFound:
		return model.Progress{Phase: model.PhaseReverted, Text: p.Workload.String() + " was deleted"}
	case c == nil || c.Missing != "":
		return model.Progress{Text: "the workload cannot be seen"}
	case c.Generation < got.Generation:
		return running("waiting for the cluster to show what was written")
	case c.Generation > c.Observed:
		return running("waiting for the controller to see what was written")
	case want.Broken:
		return model.Progress{Phase: model.PhaseFinished, Share: 1, Text: "the broken version is on its way"}
	}
	return f.Rollout(c, "", time.Time{})
}
