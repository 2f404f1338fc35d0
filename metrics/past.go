package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"rollbook/model"
)

// Behaviour reads how the owners of a Deployment's pods (its ReplicaSets, by
// name) did before until: the figures over all that their own pods served, at
// most Options.Lookback of it, less where Prometheus refuses so much. By owner;
// a figure that is not known says why. A zero until is the present. The error is
// for when Prometheus could not be asked at all.
//
// Not every preset tells revisions apart, and own PromQL never does.
func (c *Client) Behaviour(ctx context.Context, t model.Target, owners []string, until time.Time) (map[string]model.Behaviour, error) {
	out := map[string]model.Behaviour{}
	all := func(why string) map[string]model.Behaviour {
		for _, o := range owners {
			out[o] = nothing(why)
		}
		return out
	}
	_, why := c.preset().overOwners(t, owners)
	why = cmp.Or(c.mixedOf(t.ID), why)
	switch {
	case len(owners) == 0:
		return out, nil
	case c.off() != nil:
		return all(c.opt.Off), c.off()
	case t.NotMeasured:
		return all("not measured"), nil
	case why != "":
		return all(why), nil
	case t.Errors != "" && t.P95 != "":
		return all(oneForAll), nil
	}
	if until.IsZero() {
		var err error
		if until, err = c.serverTime(ctx); err != nil {
			return all(short(err)), err
		}
	}
	for some := range slices.Chunk(owners, explicitMost) {
		if err := c.behaviour(ctx, t, some, until, out); err != nil {
			return all(short(err)), err
		}
	}
	return out, nil
}

// lookbacks are the windows to try, the longest first.
func (c *Client) lookbacks() []time.Duration {
	ws := []time.Duration{c.opt.Lookback}
	for _, w := range []time.Duration{24 * time.Hour, 6 * time.Hour, time.Hour} {
		if w < c.opt.Lookback {
			ws = append(ws, w)
		}
	}
	return ws
}

// tooMuch says whether a shorter window may do: Prometheus refused to load so
// many samples, or took too long.
func tooMuch(err error) bool {
	return errors.Is(err, ErrQuery) || errors.Is(err, ErrTimeout) || errors.Is(err, ErrAnswer)
}

func (c *Client) behaviour(ctx context.Context, t model.Target, owners []string, until time.Time, out map[string]model.Behaviour) error {
	p := c.preset()
	of, _ := p.overOwners(t, owners)
	var s signals
	for _, window := range c.lookbacks() {
		s = c.signals(ctx, &of, window, at(until))
		err := first(s.cErr, s.pErr)
		if err == nil || ctx.Err() != nil || !tooMuch(err) {
			break
		}
	}
	if s.cErr != nil && s.pErr != nil && hopeless(s.cErr) {
		return s.cErr
	}
	for _, o := range owners {
		name, matcher := p.Owner.owner(t, o)
		out[o] = s.behaviourOf(t, t.Workload.Namespace+"/"+name, p.shown(p.Owner, t, matcher).until(until))
	}
	return nil
}

const oneForAll = "own PromQL does not tell revisions apart"

// behaviourOf is behaviour for some pods of a target.
func (s *signals) behaviourOf(t model.Target, key string, q shown) model.Behaviour {
	b := s.behaviour(key, q)
	if t.Errors != "" {
		b.Errors = model.Unknown(t.Errors, oneForAll)
	}
	if t.P95 != "" {
		b.P95 = model.Unknown(t.P95, oneForAll)
	}
	return b
}

// behaviour is what one long window says of one owner, at the first and only time
// of its grid. q is about the same; At is the end of the window.
func (s *signals) behaviour(key string, q shown) model.Behaviour {
	s.none = "no series in " + model.Short(s.window)
	v, why := s.counts[key].count(0, s.none)
	requests := reading(v, unless(s.cErr, why), q.requests(s.window), q.at)
	v, why = s.errors(key, 0)
	errs := reading(v, why, q.errors(q.preset.Outcome.told(key, s), s.window), q.at)
	v, why = s.latency(key, 0)
	return model.Behaviour{Requests: requests, Errors: errs, P95: reading(v, why, q.p95(s.window), q.at)}
}

// baselineHour is how long before the onset is looked at.
const baselineHour = time.Hour

// Baseline reads the hour before onset, by component ID. The hour ends one
// short window before the onset: the onset's own sample looks back on that
// window, and the errors in it belong to the incident. Components that are not
// measured are absent. The error is for when Prometheus could not be asked at
// all.
func (c *Client) Baseline(ctx context.Context, targets []model.Target, onset time.Time) (map[string]model.Baseline, error) {
	out := map[string]model.Baseline{}
	q := c.inquire(targets, c.apartFromOthers)
	if c.off() != nil || onset.IsZero() {
		u := model.Reading{Why: cmp.Or(c.opt.Off, "no onset")}
		for _, a := range q.targets {
			out[a.ID] = model.Baseline{Errors: u, P95: u}
		}
		return out, c.off()
	}
	end := onset.Add(-c.shortWindow())
	var work tasks
	for _, g := range q.groups {
		if g.preset() {
			work.run(func() { g.whole = c.signals(ctx, &g.scope, baselineHour, at(end)) })
		}
	}
	for _, a := range q.targets {
		work.run(func() {
			a.own = c.askOwn(ctx, model.Target{Errors: hourly(a.Errors), P95: hourly(a.P95)}, at(end), false)
		})
	}
	work.wait()
	var err error
	for _, a := range q.targets {
		s := &signals{window: baselineHour}
		if a.g != nil && a.g.preset() {
			s = &a.g.whole
		}
		if s.cErr != nil && hopeless(s.cErr) {
			err = s.cErr
		}
		f := s.behaviour(a.key, a.shown.until(end))
		if a.off != "" {
			f = nothing(a.off)
		}
		b := model.Baseline{Errors: f.Errors, P95: f.P95}
		if a.Errors != "" {
			v, why := ownAt(a.own.errors, a.own.eErr, 0, 1)
			b.Errors = reading(v, why, hourly(a.Errors), end)
		}
		if a.P95 != "" {
			v, why := ownAt(a.own.p95, a.own.pErr, 0, math.Inf(1))
			b.P95 = reading(v, why, hourly(a.P95), end)
		}
		out[a.ID] = b
	}
	return out, err
}

// hourly is the mean of what own PromQL said in the hour; "" of "".
func hourly(query string) string {
	if query == "" {
		return ""
	}
	return fmt.Sprintf("avg_over_time((%s)[%s:1m])", query, dur(baselineHour))
}
