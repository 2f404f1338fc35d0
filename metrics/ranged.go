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
	c           *Client
	from, to    time.Time // whole seconds
	g           grid      // the steps between them
	short, long time.Duration
	groups      []*rangedGroup
	targets     []*rangedTarget
}

// rangedGroup is targets that one query asks for together: they share their Match.
type rangedGroup struct {
	targets     []model.Target
	scope       scope
	short, long answers
	whole       answers // the window as one, counts alone
	up          map[string]values
	upErr       error
}

type rangedTarget struct {
	model.Target
	key string
	g   *rangedGroup
	own ownAnswers
}

// ranged asks for the past of all targets that are measured. whole also asks for
// what the window was in one, up for the targets that were up. The error is for
// when Prometheus could not be asked at all.
func (c *Client) ranged(ctx context.Context, targets []model.Target, from, to time.Time, whole, up bool) (*ranged, error) {
	if err := c.off(); err != nil {
		return nil, err
	}
	v, err := c.now(ctx, serverTime)
	if err != nil {
		return nil, err
	}
	if now := timeIn(v); !now.IsZero() && to.After(now) {
		to = now // this machine's clock may be ahead
	}
	r := &ranged{c: c, from: from.Truncate(time.Second), to: to.Truncate(time.Second)}
	byMatch := map[string]*rangedGroup{}
	for _, t := range targets {
		if t.NotMeasured || t.Workload.Name == "" && (t.Errors == "" || t.P95 == "") {
			continue
		}
		g := byMatch[t.Match]
		if g == nil {
			g = &rangedGroup{up: map[string]values{}}
			byMatch[t.Match] = g
			r.groups = append(r.groups, g)
		}
		g.targets = append(g.targets, t)
		r.targets = append(r.targets, &rangedTarget{Target: t, key: key(t.Workload), g: g})
	}
	for _, g := range r.groups {
		g.scope = c.opt.Preset.over(g.targets)
		if c.scrape() == 0 {
			c.interval.Store(int64(c.scrapeInterval(ctx, g.scope)))
		}
	}
	r.short = c.shortWindow()
	r.long = max(longWindow, r.short)
	r.g = stepped(r.from, r.to, max(leastStep, positive(c.scrape(), usual)))
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
		preset := slices.ContainsFunc(g.targets, func(t model.Target) bool { return t.Errors == "" || t.P95 == "" })
		if preset {
			work.run(func() { g.short = r.c.answers(ctx, g.scope, r.short, r.g) })
			if r.long != r.short {
				work.run(func() { g.long = r.c.answers(ctx, g.scope, r.long, r.g) })
			}
		}
		if whole && preset {
			work.run(func() { g.whole.counts, g.whole.cErr = r.c.counts(ctx, g.scope, r.window(), at(r.to)) })
		}
		if up {
			work.run(func() { g.upErr = r.askUp(ctx, g) })
		}
	}
	for _, t := range r.targets {
		o := &t.own
		work.run(func() { o.errors, o.eErr = r.c.single(ctx, t.Errors, r.g) })
		work.run(func() { o.p95, o.pErr = r.c.single(ctx, t.P95, r.g) })
		work.run(func() { o.requests, o.rErr = r.c.single(ctx, t.Requests, r.g) })
	}
	work.wait()
}

// window is how long it is.
func (r *ranged) window() time.Duration { return max(time.Second, r.to.Sub(r.from)) }

func (r *ranged) askUp(ctx context.Context, g *rangedGroup) error {
	for _, piece := range r.g.pieces(len(g.targets)) {
		m, err := r.c.over(ctx, g.scope.up(), piece)
		if err != nil {
			return err
		}
		for _, s := range m {
			k, ok := g.scope.keyOf(s.Metric)
			if !ok {
				continue
			}
			if g.up[k] == nil {
				g.up[k] = r.g.empty()
			}
			if s.Metric[upLabel] == "1" {
				g.up[k].add(r.g, s.Values)
				continue
			}
			for _, p := range s.Values { // down is no target that is up, and not unknown
				if i := r.g.index(p.Timestamp.Time()); i >= 0 && math.IsNaN(g.up[k][i]) {
					g.up[k][i] = 0
				}
			}
		}
	}
	return nil
}

// pick is the window that has requests enough at one step, as for the board; nil
// and the reason when neither has. Who was not scraped in the short window is
// unknown, whatever the long one still holds.
func (r *ranged) pick(t *rangedTarget, i int) (*answers, string) {
	least, why := r.c.opt.Limits.Requests, ""
	for _, w := range []struct {
		of *answers
		d  time.Duration
	}{{&t.g.short, r.short}, {&t.g.long, r.long}} {
		if w.of.cErr != nil {
			return nil, short(w.of.cErr)
		}
		n, ok := w.of.counts[t.key].total(i)
		if why = enough(n, ok, w.d, least); why == "" {
			return w.of, ""
		}
		if !ok || r.long == r.short {
			break
		}
	}
	return nil, why
}

// errorsAt is the error ratio at one step, or why it is not known.
func (r *ranged) errorsAt(t *rangedTarget, i int) (model.Sample, string) {
	if t.Errors != "" {
		if t.own.eErr != nil {
			return model.Sample{}, short(t.own.eErr)
		}
		return ownAt(t.own.errors, i, 1)
	}
	a, why := r.pick(t, i)
	if a == nil {
		return model.Sample{}, why
	}
	return model.Sample{V: a.counts[t.key].ratio(i)}, ""
}

// p95At is errorsAt for the latency.
func (r *ranged) p95At(t *rangedTarget, i int) (model.Sample, string) {
	if t.P95 != "" {
		if t.own.pErr != nil {
			return model.Sample{}, short(t.own.pErr)
		}
		return ownAt(t.own.p95, i, math.Inf(1))
	}
	a, why := r.pick(t, i)
	switch {
	case a == nil:
		return model.Sample{}, why
	case a.pErr != nil:
		return model.Sample{}, short(a.pErr)
	}
	v, least, ok := a.p95[t.key].at(i)
	return model.Sample{V: v, AtLeast: least}, absent(ok, r.c.noLatency(a.p95[t.key]))
}

// requestsAt are the requests per second at one step.
func (r *ranged) requestsAt(t *rangedTarget, i int) (model.Sample, string) {
	if t.Requests != "" || t.Errors != "" && t.P95 != "" {
		if t.own.rErr != nil {
			return model.Sample{}, short(t.own.rErr)
		}
		v, why := ownAt(t.own.requests, i, math.Inf(1))
		if t.Requests == "" {
			why = "own PromQL does not tell the requests"
		}
		return v, why
	}
	if err := t.g.short.cErr; err != nil {
		return model.Sample{}, short(err)
	}
	n, ok := t.g.short.counts[t.key].total(i)
	return model.Sample{V: n / r.short.Seconds()}, absent(ok, "no series "+r.c.opt.Preset.Requests)
}

// upAt are the targets that were up at one step.
func (r *ranged) upAt(t *rangedTarget, i int) (model.Sample, string) {
	if t.g.upErr != nil {
		return model.Sample{}, short(t.g.upErr)
	}
	v := t.g.up[t.key]
	if v == nil || math.IsNaN(v[i]) {
		return model.Sample{}, "no target"
	}
	return model.Sample{V: v[i]}, ""
}

// label is the one that says 5xx.
func (r *ranged) label(t *rangedTarget) string {
	for _, a := range []*answers{&t.g.whole, &t.g.short, &t.g.long} {
		if c := a.counts[t.key]; c != nil && c.label != "" {
			return c.label
		}
	}
	return ""
}
