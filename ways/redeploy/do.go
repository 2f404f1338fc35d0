package redeploy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// tries is how often an object is written again that changed between the dry run and the
// write, and was as confirmed all the same. The last time it may be another version of the
// object: the status of a workload whose pods crash moves faster than that can be read.
const tries = 10

// Do applies the objects of the plan, one after the other, if git and all of them are
// still what the plan was made of. Before the first is written all are compared again;
// each holds on to what it was compared with, so that it lands on nothing else. It stops
// at the first that fails: with nothing written that is an error; else the receipt tells
// which are done and which are left.
func (r Redeploy) Do(ctx context.Context, plan model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return model.Receipt{}, err
	}
	not := fmt.Sprintf("%s was not applied", plan.To)
	if r.ReadOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "%s: rollbook runs read-only", not)
	}
	if tell == nil {
		tell = func(model.Progress) {}
	}
	tell(model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf("building %s again and comparing it with the cluster", plan.To)})
	manifests, err := r.again(ctx, plan, &want)
	if err != nil {
		return model.Receipt{}, err
	}
	ready, errs := make([]model.Rehearsed, len(want.Objects)), make([]error, len(want.Objects))
	inTurn(len(want.Objects), func(n int) { ready[n], errs[n] = r.rehearseAgain(ctx, &want.Objects[n], manifests[n]) })
	for _, err := range errs {
		if err != nil {
			return model.Receipt{}, err
		}
	}
	var got applied
	for n := range want.Objects {
		o := &want.Objects[n]
		tell(model.Progress{Phase: model.PhaseRunning, Share: float64(n) / float64(len(want.Objects)), Lines: slices.Clone(got.Done),
			Text: fmt.Sprintf("applying %s (%d of %d)", o.Object, n+1, len(want.Objects))})
		out, gone, err := r.write(ctx, o, manifests[n], ready[n], tell)
		if gone && err != nil {
			got.Deleted = []string{o.Object.String()}
		}
		switch {
		case err == nil:
		case n == 0 && !gone && !errors.Is(err, model.ErrLost):
			return model.Receipt{}, err
		case errors.Is(err, model.ErrLost):
			return model.Receipt{}, model.Told(model.ErrLost, err, "%s; %d of %s applied before it%s", err, n, model.Plural(len(want.Objects), "object"), got.between())
		default:
			got.Stopped = text.Line(err.Error())
			for _, left := range want.Objects[n:] {
				got.Left = append(got.Left, left.Object.String())
			}
			return got.receipt(r.Now())
		}
		got.Done = append(got.Done, o.Object.String())
		if isWorkload(o.Object, plan.Workload) {
			got.Generation, got.Template = out.Generation, out.Template
			if o.makes() {
				got.UID = out.UID
			}
		}
	}
	return got.receipt(r.Now())
}

// between says which objects are deleted and not made anew; "" when none is.
func (a *applied) between() string {
	if len(a.Deleted) == 0 {
		return ""
	}
	return "; deleted and not made anew, it is not there: " + some(a.Deleted)
}

// again builds the plan's version anew. The error is ErrChanged when it is not what was
// confirmed.
func (r Redeploy) again(ctx context.Context, plan model.Plan, want *detail) ([]model.Manifest, error) {
	not := fmt.Sprintf("%s was not applied", plan.To)
	t, err := r.target(plan.Component)
	if err != nil {
		return nil, refused(err, "%s: %s", not, err)
	}
	if t.Repository != want.Repository || t.Manager != want.Manager {
		return nil, model.Told(model.ErrChanged, nil, "%s: redeploy of %s is configured otherwise than when this was confirmed", not, plan.Component)
	}
	g, err := r.repository(t)
	if err != nil {
		return nil, refused(err, "%s: %s", not, err)
	}
	why, err := g.moved(ctx, want.Tag, want.Commit)
	if err != nil {
		return nil, refused(err, "%s: %s", not, err)
	}
	if why != "" {
		return nil, model.Told(model.ErrChanged, nil, "%s: %s", not, why)
	}
	b, err := r.build(ctx, t, g, release{tag: want.Tag, commit: want.Commit}, plan.Workload.Namespace)
	if err != nil {
		return nil, refused(err, "%s: it cannot be built again: %s", not, err)
	}
	out := make([]model.Manifest, len(want.Objects))
	for n, o := range want.Objects {
		at := slices.IndexFunc(b.objects, func(m model.Manifest) bool { return m.Object == o.Object })
		if at < 0 {
			return nil, model.Told(model.ErrChanged, nil, "%s: %s is not in what is built of it now", not, o.Object)
		}
		out[n] = b.objects[at]
	}
	return out, nil
}

// rehearseAgain tries one object by dry run. The error is ErrChanged when another change
// comes of it than was confirmed.
func (r Redeploy) rehearseAgain(ctx context.Context, o *object, m model.Manifest) (model.Rehearsed, error) {
	not := fmt.Sprintf("%s was not applied", o.Object)
	t, err := r.cluster.Rehearse(ctx, m)
	if err != nil {
		return t, refused(err, "%s: it could not be compared again before the write: %s", not, err)
	}
	if t.Refused != "" && !t.Remade() {
		return t, model.Told(model.ErrRefused, nil, "%s: %s", not, t.Refused)
	}
	now, err := changed(t)
	switch {
	case err != nil:
		return t, refused(err, "%s: %s", not, err)
	case now == nil:
		return t, model.Told(model.ErrChanged, nil, "%s: it is as wanted already: by %s", not, cmp.Or(t.Writer, "somebody"))
	case t.Live == nil && o.From != "":
		return t, model.Told(model.ErrChanged, nil, "%s is gone: it was deleted", o.Object)
	case !o.covers(now):
		return t, model.Told(model.ErrChanged, nil, "%s changed since it was confirmed: by %s", o.Object, cmp.Or(t.Writer, "somebody"))
	}
	t.Force = len(o.Takes) > 0
	return t, nil
}

// covers reports whether a change is the one that was confirmed, and takes over no more.
// What kubectl has applied is the manager's own once it was handed over.
func (o *object) covers(now *object) bool {
	return o.UID == now.UID && o.Orphan == now.Orphan && o.From == now.From && o.To == now.To && slices.Equal(o.Paths, now.Paths) &&
		!slices.ContainsFunc(now.Takes, func(f model.Owned) bool { return !slices.Contains(o.Takes, f) })
}

// write applies one object, again where it changed in between and is still as confirmed.
// gone says that it was deleted, to be made anew.
func (r Redeploy) write(ctx context.Context, o *object, m model.Manifest, ready model.Rehearsed, tell func(model.Progress)) (out model.AppliedObject, gone bool, err error) {
	if o.UID != "" {
		return r.remake(ctx, o, m, ready, tell)
	}
	out, err = r.apply(ctx, o, m, ready, tell)
	return out, false, err
}

func (r Redeploy) apply(ctx context.Context, o *object, m model.Manifest, ready model.Rehearsed, tell func(model.Progress)) (model.AppliedObject, error) {
	for n := 1; ; n++ {
		var out model.AppliedObject
		var err error
		if len(ready.Adopts) > 0 {
			if err = r.cluster.Adopt(ctx, ready, tell); err == nil {
				if ready, err = r.rehearseAgain(ctx, o, m); err != nil {
					return out, err
				}
			}
		}
		if err == nil {
			out, err = r.cluster.Apply(ctx, ready, tell)
		}
		if err == nil || !errors.Is(err, model.ErrChanged) || n == tries || ctx.Err() != nil {
			return out, err
		}
		if ready, err = r.rehearseAgain(ctx, o, m); err != nil {
			return out, err
		}
		if n == tries-1 {
			ready.Version = ""
		}
	}
}

// receipt is what was applied, as the journal keeps it.
func (a *applied) receipt(at time.Time) (model.Receipt, error) {
	said := fmt.Sprintf("%d objects applied: %s", len(a.Done), some(a.Done))
	if len(a.Done) == 1 {
		said = a.Done[0] + " applied"
	}
	if len(a.Left) > 0 {
		said = fmt.Sprintf("%d of %d objects applied%s; %s%s; left: %s", len(a.Done), len(a.Done)+len(a.Left), strings.TrimSuffix(": "+some(a.Done), ": "), a.Stopped, a.between(), some(a.Left))
	}
	raw, err := json.Marshal(a)
	return model.Receipt{At: at, Text: said, Detail: raw}, err
}

// Look tells whether the plan was applied, by what it changes: as planned, as before, or
// neither. Where some objects are as planned and others are not, it was, and stopped
// there: its receipt says which are left.
func (r Redeploy) Look(ctx context.Context, plan model.Plan) (model.Looked, error) {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	states, errs := make([]model.Settled, len(want.Objects)), make([]error, len(want.Objects))
	raws, by := make([]json.RawMessage, len(want.Objects)), make([]string, len(want.Objects))
	inTurn(len(want.Objects), func(n int) {
		o := &want.Objects[n]
		if raws[n], by[n], errs[n] = r.cluster.Read(ctx, o.Object); errs[n] == nil {
			states[n], errs[n] = o.stands(raws[n])
		}
	})
	var got applied
	var foreign, doer string
	for n := range want.Objects {
		o := &want.Objects[n]
		switch {
		case errs[n] != nil:
			return model.Looked{}, model.Told(nil, errs[n], "whether %s was applied cannot be seen: %s: %s", plan.To, o.Object, errs[n])
		case o.between(raws[n]):
			got.Deleted = append(got.Deleted, o.Object.String())
		case states[n] == model.SettledDone:
			got.Done = append(got.Done, o.Object.String())
			if who, _, _ := strings.Cut(by[n], " at "); by[n] != "" && !slices.Contains(strings.Split(who, " or "), want.Manager) {
				doer = by[n]
			}
			if isWorkload(o.Object, plan.Workload) {
				got.Generation = ways.Generation(raws[n])
				if o.makes() {
					got.UID = ways.UID(raws[n])
				}
			}
			continue
		case states[n] == model.SettledForeign && raws[n] == nil:
			foreign = "somebody who deleted " + o.Object.String()
		case states[n] == model.SettledForeign:
			foreign = cmp.Or(by[n], "somebody")
		}
		got.Left = append(got.Left, o.Object.String())
	}
	switch {
	case len(got.Done)+len(got.Deleted) == 0 && foreign != "":
		return model.Looked{State: model.SettledForeign, By: foreign}, nil
	case len(got.Done)+len(got.Deleted) == 0:
		return model.Looked{State: model.SettledNot}, nil
	case len(got.Left) > 0:
		got.Stopped = "it was cut short"
	}
	receipt, err := got.receipt(r.Now())
	return model.Looked{State: model.SettledDone, By: doer, Receipt: &receipt}, err
}
