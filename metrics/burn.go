package metrics

import (
	"context"
	"fmt"
	"math"
	"time"

	"rollbook/model"
)

// The windows by which the burn of an error budget is judged, and how often what a long
// one says is asked for again: it changes slowly, and reads many samples.
var burnWindows = [4]struct{ window, every time.Duration }{
	{5 * time.Minute, 0}, {30 * time.Minute, 0}, {time.Hour, time.Minute}, {6 * time.Hour, time.Minute},
}

// budgetEvery is how often the whole period is asked for.
const budgetEvery = 10 * time.Minute

// slo is an objective and its period.
type slo struct {
	objective float64
	period    time.Duration
}

func (o slo) set() bool { return o.objective > 0 && o.objective < 1 && o.period > 0 }

// ratioAt is an error ratio with how many requests it rests on, or why it is not known.
type ratioAt struct {
	model.Sample // the ratio; At is when it was asked
	requests     float64
	why          string
}

// burnt is what is known of a target's errors over the windows of the SLO.
type burnt struct {
	windows [4]ratioAt
	period  ratioAt
	whole   bool // there are samples of the whole period
}

// due says whether something asked at a time is to be asked again.
func (r *round) due(at time.Time, every time.Duration) bool {
	return at.IsZero() || r.now.Sub(at) >= every
}

// askBurn asks for the error ratios of a group over the windows of the SLO.
func (r *round) askBurn(ctx context.Context, g *group) {
	var work tasks
	c := r.c
	for n, w := range burnWindows {
		if !r.anyDue(g, func(b *burnt) time.Time { return b.windows[n].At }, w.every) {
			continue
		}
		work.run(func() {
			counts, err := c.owned(ctx, g.scope.counts(w.window, at(r.now)))
			for _, a := range g.targets {
				if a.Errors == "" {
					a.burnt.windows[n] = r.ratio(counts[a.key], w.window, err)
				}
			}
		})
	}
	if r.anyDue(g, func(b *burnt) time.Time { return b.period.At }, budgetEvery) {
		work.run(func() {
			counts, err := c.owned(ctx, g.scope.counts(r.slo.period, at(r.now)))
			before := r.now.Add(-r.slo.period)
			there, _ := c.ask(ctx, question{promql: fmt.Sprintf("count %s (%s)", g.scope.by(), g.scope.mapped(g.scope.preset.Requests+"{"+g.scope.selector+"}")), at: at(before), of: &g.scope})
			for _, a := range g.targets {
				if a.Errors != "" {
					continue
				}
				a.burnt.period = r.ratio(counts[a.key], r.slo.period, err)
				a.burnt.whole = there != nil && len(there.by[a.key]) > 0
			}
		})
	}
	work.wait()
}

func (r *round) anyDue(g *group, at func(*burnt) time.Time, every time.Duration) bool {
	for _, a := range g.targets {
		if a.Errors == "" && r.due(at(&a.burnt), every) {
			return true
		}
	}
	return false
}

// ratio reads one window's answer for one owner.
func (r *round) ratio(p parts, window time.Duration, err error) ratioAt {
	const key = ""
	s := signals{window: window, least: r.c.opt.Limits.Requests, counts: map[string]parts{key: p}, cErr: err}
	out := ratioAt{}
	out.Sample, out.why = s.errors(key, 0)
	out.At = r.now
	if n, ok := p.total(0); ok && n != spoilt {
		out.requests = n
	}
	return out
}

// askOwnBurn is askBurn for a target whose error ratio PromQL of its own tells.
func (r *round) askOwnBurn(ctx context.Context, a *asked) {
	for n, w := range burnWindows {
		if !r.due(a.burnt.windows[n].At, w.every) {
			continue
		}
		a.burnt.windows[n] = r.ownRatio(ctx, a, w.window)
	}
	a.burnt.period = ratioAt{why: "own PromQL tells a ratio, not how many requests"}
}

func (r *round) ownRatio(ctx context.Context, a *asked, window time.Duration) ratioAt {
	l, err := r.c.single(ctx, fmt.Sprintf("avg_over_time((%s)[%s:1m])", a.Errors, dur(window)), at(r.now))
	out := ratioAt{}
	out.Sample, out.why = ownAt(l, err, 0, 1)
	out.At = r.now
	return out
}

// burn makes the readings of a target's error budget. present is why there is no
// present.
func (r *round) burn(a *asked, present string) model.Burn {
	spend := 1 - r.slo.objective
	of := func(n int) model.Reading {
		w := &a.burnt.windows[n]
		query := "(" + a.shown.errors(a.labels, burnWindows[n].window) + ") / " + number(spend)
		if a.Errors != "" {
			query = fmt.Sprintf("avg_over_time((%s)[%s:1m]) / %s", a.Errors, dur(burnWindows[n].window), number(spend))
		}
		why := w.why
		if present != "" {
			why = present
		}
		return r.dated(a, model.Sample{V: w.V / spend, AtLeast: w.AtLeast}, why, query)
	}
	out := model.Burn{FiveMinutes: of(0), HalfHour: of(1), Hour: of(2), SixHours: of(3)}
	p, hour := &a.burnt.period, &a.burnt.windows[2]
	all, why := p.requests, p.why
	if !a.burnt.whole {
		// What is kept is less than the period: its traffic is taken to be that of now.
		all = math.Max(all, hour.requests*r.slo.period.Hours())
	}
	if why == "" && present != "" {
		why = present
	}
	spent := 0.0
	if why == "" {
		spent = p.V * p.requests / all / spend
	}
	out.Left = r.dated(a, model.Sample{V: 1 - spent}, why, "1 - ("+a.shown.errors(a.labels, r.slo.period)+") / "+number(spend))
	return out
}
