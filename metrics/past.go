package metrics

import (
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
// Only the names of a Deployment's pods say which revision they are of. Own
// PromQL says nothing of revisions either.
func (c *Client) Behaviour(ctx context.Context, t model.Target, owners []string, until time.Time) (map[string]model.Behaviour, error) {
	out := map[string]model.Behaviour{}
	all := func(why string) map[string]model.Behaviour {
		for _, o := range owners {
			u := model.Reading{Why: why}
			out[o] = model.Behaviour{Errors: u, P95: u, Requests: u}
		}
		return out
	}
	switch {
	case len(owners) == 0:
		return out, nil
	case c.off() != nil:
		return all(c.opt.Off), c.off()
	case t.NotMeasured:
		return all("not measured"), nil
	case t.Workload.Kind != model.Deployment:
		return all("the names of a " + string(t.Workload.Kind) + "'s pods do not say their revision"), nil
	case t.Errors != "" && t.P95 != "":
		return all("own PromQL does not tell revisions apart"), nil
	}
	if until.IsZero() {
		v, err := c.now(ctx, serverTime)
		if err != nil {
			return all(short(err)), err
		}
		until = timeIn(v)
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
	s := c.opt.Preset.overOwners(t, owners)
	var a answers
	var window time.Duration
	for _, window = range c.lookbacks() {
		a = c.answers(ctx, s, window, at(until))
		err := first(a.cErr, a.pErr)
		if err == nil || ctx.Err() != nil || !tooMuch(err) {
			break
		}
	}
	if a.cErr != nil && a.pErr != nil && hopeless(a.cErr) {
		return a.cErr
	}
	for _, o := range owners {
		q := c.opt.Preset.showPods(t, literal(ownerKey(o))+"-?.{5}")
		q.at = until
		k := t.Workload.Namespace + "/" + ownerKey(o)
		f := c.windowed(&a, k, q, window, until)
		if t.Errors != "" {
			f.Errors = model.Unknown(t.Errors, "own PromQL does not tell revisions apart")
		}
		if t.P95 != "" {
			f.P95 = model.Unknown(t.P95, "own PromQL does not tell revisions apart")
		}
		out[o] = f
	}
	return nil
}

// windowed is what one long window says of one key, at the first and only time
// of its grid. At is the end of the window.
func (c *Client) windowed(a *answers, k string, q shown, window time.Duration, end time.Time) model.Behaviour {
	n, ok := a.counts[k].total(0)
	label, few := "", enough(n, ok, window, c.opt.Limits.Requests)
	if !ok {
		few = "no series in " + dur(window)
	} else {
		label = a.counts[k].label
	}
	reading := func(query, why string, v model.Sample) model.Reading {
		if why != "" {
			return model.Reading{Query: query, Why: why}
		}
		return model.Reading{Known: true, Value: v.V, AtLeast: v.AtLeast, At: end, Query: query}
	}
	var f model.Behaviour
	f.Requests = reading(q.requests(window), unless(a.cErr, absent(ok, few)), model.Sample{V: n})
	f.Errors = model.Reading{Query: q.errors(label, window), Why: unless(a.cErr, few)}
	if f.Errors.Why == "" {
		f.Errors = reading(f.Errors.Query, "", model.Sample{V: a.counts[k].ratio(0)})
	}
	l := a.p95[k]
	v, least, known := l.at(0)
	why := unless(first(a.cErr, a.pErr), few)
	if why == "" && !known {
		why = c.noLatency(l)
	}
	f.P95 = reading(q.p95(window), why, model.Sample{V: v, AtLeast: least})
	return f
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
	byMatch := map[string][]model.Target{}
	for _, t := range targets {
		switch {
		case t.NotMeasured:
		case c.off() != nil || onset.IsZero():
			u := model.Reading{Why: "no onset"}
			if c.opt.Off != "" {
				u.Why = c.opt.Off
			}
			out[t.ID] = model.Baseline{Errors: u, P95: u}
		default:
			byMatch[t.Match] = append(byMatch[t.Match], t)
		}
	}
	if len(byMatch) == 0 {
		return out, c.off()
	}
	end := onset.Add(-c.shortWindow())
	var work tasks
	type part struct {
		targets []model.Target
		a       answers
		own     []model.Baseline
	}
	var parts []*part
	for _, ts := range byMatch {
		p := &part{targets: ts, own: make([]model.Baseline, len(ts))}
		parts = append(parts, p)
		preset := slices.ContainsFunc(ts, func(t model.Target) bool { return t.Workload.Name != "" && (t.Errors == "" || t.P95 == "") })
		if preset {
			work.run(func() { p.a = c.answers(ctx, c.opt.Preset.over(ts), baselineHour, at(end)) })
		}
		for i, t := range ts {
			if t.Errors != "" {
				work.run(func() { p.own[i].Errors = c.ownBaseline(ctx, t.Errors, end, 1) })
			}
			if t.P95 != "" {
				work.run(func() { p.own[i].P95 = c.ownBaseline(ctx, t.P95, end, math.Inf(1)) })
			}
		}
	}
	work.wait()
	var err error
	for _, p := range parts {
		if p.a.cErr != nil && hopeless(p.a.cErr) {
			err = p.a.cErr
		}
		for i, t := range p.targets {
			q := c.opt.Preset.show(t)
			q.at = end
			f := c.windowed(&p.a, key(t.Workload), q, baselineHour, end)
			b := model.Baseline{Errors: f.Errors, P95: f.P95}
			if t.Errors != "" {
				b.Errors = p.own[i].Errors
			}
			if t.P95 != "" {
				b.P95 = p.own[i].P95
			}
			out[t.ID] = b
		}
	}
	return out, err
}

// ownBaseline is the mean of what own PromQL said in the hour.
func (c *Client) ownBaseline(ctx context.Context, query string, end time.Time, most float64) model.Reading {
	q := fmt.Sprintf("avg_over_time((%s)[%s:1m])", query, dur(baselineHour))
	l, err := c.single(ctx, q, at(end))
	if err != nil {
		return model.Unknown(q, "%s", short(err))
	}
	v, why := ownAt(l, 0, most)
	if why != "" {
		return model.Unknown(q, "%s", why)
	}
	return model.Reading{Known: true, Value: v.V, At: end, Query: q}
}
