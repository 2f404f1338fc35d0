package metrics

import (
	"cmp"
	"context"
	"slices"

	"rollbook/model"
)

// askSides asks for both sides of the rollouts under way.
func (r *round) askSides(ctx context.Context, work *tasks) {
	for _, a := range r.targets {
		if s, wanted := r.sides[a.ID]; wanted {
			work.run(func() { a.old = r.side(ctx, a, s.Old) })
			work.run(func() { a.new = r.side(ctx, a, []string{s.New}) })
		}
	}
}

// side asks how the pods of some owners of a target do at the present, over the
// windows of the figures.
func (r *round) side(ctx context.Context, a *asked, owners []string) model.Behaviour {
	p := r.c.preset()
	of, why := p.overOwners(a.Target, owners)
	if len(owners) == 0 {
		why = "it is not known whose pods they are"
	}
	if why = cmp.Or(a.off, a.mixed, why); why != "" {
		return nothing(why)
	}
	for n := range of.patterns { // they are one together
		of.patterns[n].owner = "side"
	}
	of.workloads = 1
	key := a.Workload.Namespace + "/side"
	s := r.c.signals(ctx, &of, r.short, at(r.now))
	if s.why(key, 0) != "" && s.counts[key] != nil && r.long > r.short {
		if long := r.c.signals(ctx, &of, r.long, at(r.now)); long.cErr == nil {
			s = long
		}
	}
	return s.behaviourOf(a.Target, key, shown{preset: p, selector: of.selector})
}

// sideNow is a side as of the target's newest sample. present is why there is no
// present.
func (r *round) sideNow(b model.Behaviour, present string, a *asked) model.Behaviour {
	for _, x := range []*model.Reading{&b.Errors, &b.P95, &b.Requests} {
		x.At = a.fresh
		if present != "" {
			*x = model.Reading{At: a.fresh, Query: x.Query, Why: present}
		}
	}
	return b
}

// renewed is how the pods that replace others went, round by round. Its samples are
// shared with the figures that were handed out: they are only extended.
type renewed struct {
	owner       string
	errors, p95 []model.Sample
}

// add keeps what is known of them now, and returns all that is; other pods begin anew.
func (n *renewed) add(owner string, now model.Behaviour) (errors, p95 []model.Sample) {
	if n.owner != owner {
		*n = renewed{owner: owner}
	}
	for _, x := range []struct {
		all *[]model.Sample
		model.Reading
	}{{&n.errors, now.Errors}, {&n.p95, now.P95}} {
		all := *x.all
		if x.Known && (len(all) == 0 || x.At.After(all[len(all)-1].At)) {
			*x.all = append(all, model.Sample{At: x.At, V: x.Value, AtLeast: x.AtLeast})
		}
	}
	return slices.Clip(n.errors), slices.Clip(n.p95)
}

// nothing is a behaviour of which nothing is known.
func nothing(why string) model.Behaviour {
	u := model.Reading{Why: why}
	return model.Behaviour{Errors: u, P95: u, Requests: u}
}
