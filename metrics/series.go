package metrics

import (
	"context"
	"math"
	"slices"
	"time"

	"rollbook/model"
)

// stepsMost is how many steps of a window are read: six hours at 15 s. A longer
// window has longer steps.
const stepsMost = 1440

// ranged is how some targets did at each step of a window that lies behind.
// Impact and Window read it.
type ranged struct {
	*inquiry
	from, to time.Time // whole seconds
	at       grid      // the steps between them
}

// ranged asks for the past of all targets that are measured. whole also asks for
// what the window was in one, up for the targets that were up. The error is for
// when Prometheus could not be asked at all.
func (c *Client) ranged(ctx context.Context, targets []model.Target, from, to time.Time, whole, up bool) (*ranged, error) {
	if err := c.off(); err != nil {
		return nil, err
	}
	now, err := c.serverTime(ctx)
	if err != nil {
		return nil, err
	}
	if to.After(now) {
		to = now // this machine's clock may be ahead
	}
	r := &ranged{inquiry: c.inquire(targets, c.apartFromOthers), from: from.Truncate(time.Second), to: to.Truncate(time.Second)}
	r.targets = slices.DeleteFunc(r.targets, func(a *asked) bool { return a.Workload.Name == "" && a.preset() }) // nothing could be said of them
	for _, g := range r.groups {
		if c.scrape() == 0 {
			c.findInterval(ctx, g.upScope)
		}
	}
	r.paced()
	r.at = stepped(r.from, r.to, r.step)
	r.ask(ctx, whole, up)
	for _, g := range r.groups {
		if err := g.short.cErr; err != nil && hopeless(err) {
			return nil, err
		}
	}
	return r, nil
}

// stepped are the whole steps after from and up to to, at most stepsMost: those
// at which a subquery over the window is evaluated.
func stepped(from, to time.Time, step time.Duration) grid {
	for _, longer := range []time.Duration{30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour} {
		if to.Sub(from)/step < stepsMost {
			break
		}
		step = max(step, longer)
	}
	first := floor(from, step).Add(step)
	return grid{from: first, res: step, n: max(1, int(to.Sub(first)/step)+1)}
}

func (r *ranged) ask(ctx context.Context, whole, up bool) {
	var work tasks
	for _, g := range r.groups {
		if g.preset() {
			work.run(func() { g.short = r.c.signals(ctx, &g.scope, r.short, r.at) })
			if r.long != r.short {
				work.run(func() { g.long = r.c.signals(ctx, &g.scope, r.long, r.at) })
			}
			if whole {
				work.run(func() { g.whole.counts, g.whole.cErr = r.c.owned(ctx, g.scope.counts(r.window(), at(r.to))) })
			}
		}
		if up {
			work.run(func() { g.up, g.upErr = r.c.owned(ctx, g.upScope.up(r.at)) })
		}
	}
	for _, a := range r.targets {
		work.run(func() { a.own = r.c.askOwn(ctx, a.Target, r.at, false) })
	}
	work.wait()
}

// window is how long it is.
func (r *ranged) window() time.Duration { return max(time.Second, r.to.Sub(r.from)) }

// errorsAt is the error ratio of a target at one step, or why it is not known.
// Who was not scraped in the short window is unknown, whatever the long one
// still holds.
func (r *ranged) errorsAt(a *asked, i int) (model.Sample, string) {
	if a.Errors != "" {
		return ownAt(a.own.errors, a.own.eErr, i, 1)
	}
	return a.value((*signals).errors, i)
}

// p95At is errorsAt for the latency.
func (r *ranged) p95At(a *asked, i int) (model.Sample, string) {
	if a.P95 != "" {
		return ownAt(a.own.p95, a.own.pErr, i, math.Inf(1))
	}
	return a.value((*signals).latency, i)
}

// value is a figure of a preset's at one step.
func (a *asked) value(of signal, i int) (model.Sample, string) {
	if a.g == nil {
		return model.Sample{}, a.off
	}
	v, _, why := a.g.value(of, a.key, i, false)
	return v, why
}

// requestsAt are the requests per second at one step.
func (r *ranged) requestsAt(a *asked, i int) (model.Sample, string) {
	switch {
	case a.Requests != "":
		return ownAt(a.own.requests, a.own.rErr, i, math.Inf(1))
	case !a.preset():
		return model.Sample{}, "own PromQL does not tell the requests"
	case a.g == nil:
		return model.Sample{}, a.off
	}
	n, why := a.g.short.counts[a.key].count(i, "no series "+r.c.preset().Requests)
	n.V /= r.short.Seconds()
	return n, unless(a.g.short.cErr, why)
}

// upAt are the targets that were up at one step.
func (r *ranged) upAt(a *asked, i int) (model.Sample, string) {
	if a.g == nil {
		return model.Sample{}, a.off
	}
	p := a.g.up[a.upKey]
	_, none := p.count(i, "no target")
	up, _ := p.sum(i, isUp)
	return model.Sample{V: up}, unless(a.g.upErr, none)
}

// outcomes are the labels that tell the outcome.
func (r *ranged) outcomes(a *asked) []string {
	if a.g == nil {
		return nil
	}
	return r.c.preset().Outcome.told(a.key, &a.g.long, &a.g.short, &a.g.whole)
}

// errorsQuery is the PromQL of the error ratio.
func (r *ranged) errorsQuery(a *asked) string {
	if a.Errors != "" {
		return a.Errors
	}
	return a.shown.errors(r.outcomes(a), r.short)
}

func (r *ranged) p95Query(a *asked) string {
	if a.P95 != "" {
		return a.P95
	}
	return a.shown.p95(r.short)
}

func (r *ranged) requestsQuery(a *asked) string {
	if a.Requests != "" {
		return a.Requests
	}
	return a.shown.rate(r.short)
}

// Window reads the figures of a window that lies behind, for the post-mortem:
// error ratio, P95, requests and targets up, one series for each of them and
// each target that is measured, at steps of 15 s or the scrape interval (longer
// ones in a window of more than six hours). A series without samples says why.
// The error is for when Prometheus could not be asked at all.
func (c *Client) Window(ctx context.Context, targets []model.Target, from, to time.Time) ([]model.Series, error) {
	r, err := c.ranged(ctx, targets, from, to, false, true)
	if err != nil {
		return nil, err
	}
	var out []model.Series
	for _, f := range []struct {
		name, unit string
		limit      float64
		query      func(*asked) string
		at         func(*asked, int) (model.Sample, string)
	}{
		{"error-ratio", "ratio", c.opt.Limits.Errors, r.errorsQuery, r.errorsAt},
		{"p95", "seconds", c.opt.Limits.P95.Seconds(), r.p95Query, r.p95At},
		{"requests", "requests per second", 0, r.requestsQuery, r.requestsAt},
		{"up", "targets", 0, func(a *asked) string { return a.upOnly.up("sum") }, r.upAt},
	} {
		for _, a := range r.targets {
			s := model.Series{Component: a.ID, Figure: f.name, Unit: f.unit, Limit: f.limit, Query: f.query(a)}
			for i := range r.at.n {
				v, why := f.at(a, i)
				if why != "" {
					s.Why = why
					continue
				}
				v.At = r.at.time(i)
				s.Samples = append(s.Samples, v)
			}
			if len(s.Samples) > 0 {
				s.Why = ""
			}
			out = append(out, s)
		}
	}
	return out, nil
}
