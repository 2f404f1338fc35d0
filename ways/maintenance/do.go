package maintenance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/ways"
)

// Do writes the plan, object by object, if manifest and cluster are still what it was made
// of: they are read again, the plan is made again, and written only when it comes out
// equal. It stops at the first that fails: with nothing written that is an error; else the
// receipt tells which are left.
func (m Maintenance) Do(ctx context.Context, plan model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	not := "the maintenance page was not changed"
	if m.ReadOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "%s: rollbook runs read-only", not)
	}
	if _, err := ways.Detail[detail](plan.Detail); err != nil {
		return model.Receipt{}, err
	}
	p, err := m.make(ctx, plan.Component, plan.Workload, plan.To)
	switch {
	case errors.Is(err, model.ErrChanged):
		return model.Receipt{}, model.Told(model.ErrChanged, err, "%s: %s", not, err)
	case err != nil:
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s: %s", not, err)
	case p.ID != plan.ID:
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "%s: %s", not, p.differs(plan))
	case p.Same:
		return model.Receipt{}, model.Told(model.ErrRefused, nil, "%s: there is nothing to do", not)
	}
	all := make([]model.Object, len(p.changes))
	for n := range all {
		all[n] = p.changes[n].Object
	}
	got, err := ways.InOrder(all, func(n int) error { return m.write(ctx, &p.changes[n], tell) })
	if err != nil {
		return model.Receipt{}, err
	}
	return got.Receipt(m.Now(), plan.To, "written")
}

func (m Maintenance) write(ctx context.Context, c *change, tell func(model.Progress)) error {
	var err error
	switch {
	case c.apply != nil:
		_, err = m.cluster.Apply(ctx, *c.apply, tell)
	case c.Gone:
		err = m.cluster.Delete(ctx, c.Object, model.Removal{UID: ways.UID(c.Raw)}, tell)
	default:
		_, err = c.Write(ctx, m.cluster, tell)
	}
	return err
}

// differs says what is no longer as it was confirmed.
func (p *planned) differs(plan model.Plan) string {
	want, _ := ways.Detail[detail](plan.Detail)
	if want.Manifest != p.Manifest {
		return "its manifest changed since it was confirmed"
	}
	for n := range p.Objects {
		if n >= len(want.Objects) || p.Objects[n].From != want.Objects[n].From || p.Objects[n].UID != want.Objects[n].UID {
			return p.Objects[n].Object.String() + " changed since it was confirmed"
		}
	}
	return fmt.Sprintf("its objects changed since it was confirmed; the workload was last written by %s", cmp.Or(p.writer, "somebody"))
}

// Look tells whether the plan was written, by its objects. Where only a part was, it was,
// and its receipt tells what is left: what was begun is owed.
func (m Maintenance) Look(ctx context.Context, plan model.Plan) (model.Looked, error) {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	return ways.Looked(ctx, m.cluster, want.Objects, m.Now(), plan.To, "written", "whether the maintenance page was changed")
}

// followEvery is how often the page's objects are read while they come up.
const followEvery = 2 * time.Second

// Follow tells how far the page is: its objects are there and its pods available, or gone.
func (m Maintenance) Follow(ctx context.Context, plan model.Plan, receipt model.Receipt, out func(model.Progress)) error {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return err
	}
	got, err := ways.WrittenOf(&receipt)
	if err != nil {
		return err
	}
	for {
		p, err := m.progress(ctx, &want, &got)
		if err != nil {
			return err
		}
		out(p)
		if p.Phase != model.PhaseRunning {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followEvery):
		}
	}
}

func (m Maintenance) progress(ctx context.Context, want *detail, got *ways.Written) (model.Progress, error) {
	if len(got.Left) > 0 {
		return model.Progress{Phase: model.PhaseFailed, Text: got.Short()}, nil
	}
	var missing, waits []string
	for n := range want.Objects {
		o := &want.Objects[n]
		raw, _, err := m.cluster.Read(ctx, o.Object)
		if err != nil {
			return model.Progress{}, fmt.Errorf("%s cannot be read: %w", o.Object, err)
		}
		state, err := o.Stands(raw)
		if err != nil {
			return model.Progress{}, err
		}
		switch {
		case state != model.SettledDone:
			missing = append(missing, o.Object.String())
		case o.Gone && raw != nil && ways.UID(raw) == o.UID:
			waits = append(waits, o.Object.String()+" is still being deleted")
		case !o.Gone && o.UID == "":
			if why := notUp(raw); why != "" {
				waits = append(waits, o.Object.String()+": "+why)
			}
		}
	}
	share := 1 - float64(len(missing)+len(waits))/float64(max(1, len(want.Objects)))
	switch {
	case len(missing) > 0 && len(got.Done) == 0:
		return model.Progress{Phase: model.PhaseFailed, Share: share, Text: "not as it was written: " + strings.Join(missing, ", ")}, nil
	case len(missing) > 0:
		return model.Progress{Phase: model.PhaseReverted, Share: share, Text: "somebody changed " + strings.Join(missing, ", ")}, nil
	case len(waits) > 0:
		return model.Progress{Phase: model.PhaseRunning, Share: share, Text: strings.Join(waits, ", ")}, nil
	case want.Manifest == "":
		return model.Progress{Phase: model.PhaseFinished, Share: 1, Text: "the maintenance page is gone"}, nil
	}
	return model.Progress{Phase: model.PhaseFinished, Share: 1, Text: "the maintenance page is on"}, nil
}

// notUp says what a workload of the page waits for; "" for one that is up, and for what
// has no pods.
func notUp(raw json.RawMessage) string {
	var o struct {
		Kind     string
		Metadata struct{ Generation int64 }
		Spec     struct{ Replicas *int }
		Status   struct {
			AvailableReplicas  int
			ObservedGeneration int64
		}
	}
	if json.Unmarshal(raw, &o) != nil || o.Kind != string(model.Deployment) && o.Kind != string(model.StatefulSet) {
		return ""
	}
	want := 1
	if o.Spec.Replicas != nil {
		want = *o.Spec.Replicas
	}
	if o.Status.ObservedGeneration < o.Metadata.Generation || o.Status.AvailableReplicas < want {
		return fmt.Sprintf("%d of %d pods available", o.Status.AvailableReplicas, want)
	}
	return ""
}
