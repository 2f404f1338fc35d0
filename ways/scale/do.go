package scale

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"rollbook/model"
	"rollbook/ways"
)

// Do writes the plan, object by object, if all are still what it was made of: it reads
// them again, makes the plan again, and writes only when that comes out equal. It stops at
// the first that fails: with nothing written that is an error; else the receipt tells
// which are left.
func (s Scale) Do(ctx context.Context, plan model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	not := fmt.Sprintf("%s was not scaled", plan.Workload)
	if s.ReadOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "%s: rollbook runs read-only", not)
	}
	if _, err := ways.Detail[detail](plan.Detail); err != nil {
		return model.Receipt{}, err
	}
	p, err := s.make(ctx, plan.Component, plan.Workload, plan.To)
	switch {
	case errors.Is(err, model.ErrChanged):
		return model.Receipt{}, model.Told(model.ErrChanged, err, "%s: %s", not, err)
	case err != nil:
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s: it could not be read again before the write: %s", not, err)
	case p.ID != plan.ID:
		return model.Receipt{}, s.differs(plan, p)
	case p.Same:
		return model.Receipt{}, model.Told(model.ErrRefused, nil, "%s has %s already", plan.Workload, plan.To)
	}
	all, generation := make([]model.Object, len(p.changes)), int64(0)
	for n := range all {
		all[n] = p.changes[n].Object
	}
	got, err := ways.InOrder(all, func(n int) error {
		after, err := p.changes[n].Write(ctx, s.cluster, tell)
		if err == nil && all[n] == plan.Workload.Object() {
			generation = ways.Generation(after)
		}
		return err
	})
	if err != nil {
		return model.Receipt{}, err
	}
	got.Generation = generation
	return got.Receipt(s.Now(), plan.To, "changed")
}

// differs says what is no longer as it was confirmed.
func (s Scale) differs(plan model.Plan, p *planned) error {
	what := "what scales it changed"
	want, _ := ways.Detail[detail](plan.Detail)
	switch {
	case len(want.Objects) > 0 && len(p.Objects) > 0 && want.Objects[len(want.Objects)-1].UID != p.Objects[len(p.Objects)-1].UID:
		what = "it was deleted and made again"
	case p.Had != want.Had || p.Same || want.Had == p.Had && want.Marked == p.Marked:
		what = fmt.Sprintf("it has %s now", model.Replicas(p.Now))
	}
	return model.Told(model.ErrChanged, nil, "%s changed since it was confirmed: %s, last written by %s", plan.Workload, what, cmp.Or(p.writer, "somebody"))
}

// Look tells whether the plan was written, by what it changes. Where only a part was, it
// was, and its receipt tells what is left: what was begun is owed.
func (s Scale) Look(ctx context.Context, plan model.Plan) (model.Looked, error) {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	return ways.Looked(ctx, s.cluster, want.Objects, s.Now(), plan.To, "changed", "whether "+plan.Workload.String()+" was scaled")
}

// Judge tells how far the pods are: gone, or ready.
func (s Scale) Judge(c *model.Component, p *model.Plan, receipt *model.Receipt) model.Progress {
	want, err := ways.Detail[detail](p.Detail)
	if err != nil {
		return model.Progress{Text: err.Error()}
	}
	got, err := ways.WrittenOf(receipt)
	if err != nil {
		return model.Progress{Text: err.Error()}
	}
	running := func(share float64, format string, args ...any) model.Progress {
		return model.Progress{Phase: model.PhaseRunning, Share: share, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(got.Left) > 0:
		return model.Progress{Phase: model.PhaseFailed, Text: got.Short()}
	case c != nil && c.Missing == model.NotFound:
		return model.Progress{Phase: model.PhaseReverted, Text: p.Workload.String() + " was deleted"}
	case c == nil || c.Missing != "":
		return model.Progress{Text: "the workload cannot be seen"}
	case c.Generation < got.Generation:
		return model.Progress{Text: "waiting for the cluster to show what was written"}
	}
	n := want.Replicas
	switch {
	case got.Generation == 0 && c.Desired == want.Now && want.Now != n: // settled by looking: the board comes later
		return model.Progress{Text: "waiting for the cluster to show what was written"}
	case want.Free && !want.Marked, !want.Marked && c.Desired > n:
		n = c.Desired // others decide
	case c.Desired != n:
		return model.Progress{Phase: model.PhaseReverted, Text: fmt.Sprintf("somebody scaled %s to %s", p.Workload, model.Replicas(c.Desired))}
	}
	switch {
	case c.Generation > c.Observed:
		return running(0, "waiting for the controller to see what was written")
	case n == 0 && len(c.Pods) > 0:
		return running(0.5, "%s still terminating", model.Plural(len(c.Pods), "pod"))
	case n == 0 && c.Replicas > 0:
		return running(0.5, "%s still there", model.Plural(c.Replicas, "pod"))
	case n == 0:
		return model.Progress{Phase: model.PhaseFinished, Share: 1, Text: "no pod is left"}
	case c.Replicas > n:
		return running(0.9, "%s still there, %d wanted", model.Plural(c.Replicas, "pod"), n)
	case c.Available < n:
		return running(float64(c.Available)/float64(n), "%d of %d pods available", c.Available, n)
	}
	return model.Progress{Phase: model.PhaseFinished, Share: 1, Text: fmt.Sprintf("%d of %d pods available", c.Available, n)}
}
