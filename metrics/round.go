package metrics

import (
	"context"
	"fmt"
	"slices"
	"time"

	pmodel "github.com/prometheus/common/model"

	"rollbook/model"
)

// round is one call of Poll.
type round struct {
	c                     *Client
	hold                  time.Duration
	now                   time.Time // the server's
	interval, short, long time.Duration
	step                  time.Duration
	targets               []*asking
	groups                []*group
}

// asking is one target in a round, with what came back for it.
type asking struct {
	model.Target
	*track
	key string
	g   *group // nil = no figure of it is a preset's
	own ownAnswers
	up  readings
}

// group is targets that one query asks for together.
type group struct {
	targets []*asking
	scope   scope
	newest  map[string]time.Time // by workload; nil = not known
	grid    grid
	short   answers
	long    answers
	hold    answers // on a grid of one
	err     error   // of the question for the newest samples
}

// answers is what one window says, by workload.
type answers struct {
	asked  bool
	counts map[string]*counted
	p95    map[string]*latency
	cErr   error
	pErr   error
}

// plan finds out what is to be asked together.
func (r *round) plan(targets []model.Target) {
	seen := map[string]bool{}
	byMatch := map[string]*group{}
	for _, t := range targets {
		seen[t.ID] = true
		if t.NotMeasured {
			continue
		}
		tr := r.c.tracks[t.ID]
		if p := fingerprint(t); tr == nil || tr.print != p {
			tr = &track{print: p}
			r.c.tracks[t.ID] = tr
		}
		a := &asking{Target: t, track: tr, key: key(t.Workload)}
		r.targets = append(r.targets, a)
		if t.Workload.Name == "" {
			continue
		}
		// What is new needs the whole past: it must not make the others ask for
		// theirs again.
		id := fmt.Sprintf("%t %s", tr.errors.until.IsZero() && tr.p95.until.IsZero(), t.Match)
		g := byMatch[id]
		if g == nil {
			g = &group{}
			byMatch[id] = g
			r.groups = append(r.groups, g)
		}
		a.g = g
		g.targets = append(g.targets, a)
	}
	for id := range r.c.tracks {
		if !seen[id] {
			delete(r.c.tracks, id)
		}
	}
	for _, g := range r.groups {
		g.scope = r.c.opt.Preset.over(plain(g.targets))
	}
}

func plain(as []*asking) []model.Target {
	ts := make([]model.Target, len(as))
	for i, a := range as {
		ts[i] = a.Target
	}
	return ts
}

// fingerprint is what a figure's past depends on, beside the windows.
func fingerprint(t model.Target) string {
	return fmt.Sprintf("%v %q %q %q %q", t.Workload, t.Match, t.Errors, t.P95, t.Requests)
}

// begin asks for the server's time, the newest samples and, until it is known,
// the scrape interval. Its error is for when Prometheus answers nothing.
func (r *round) begin(ctx context.Context) error {
	c := r.c
	var work tasks
	if c.scrape() == 0 && len(r.groups) > 0 {
		// A few targets do; it is the raw samples that come back.
		some := plain(r.targets)
		few := c.opt.Preset.over(some[:min(len(some), 5)])
		if some[0].Match != "" || some[0].Workload.Name == "" {
			few = r.groups[0].scope
		}
		work.run(func() { c.interval.Store(int64(c.scrapeInterval(ctx, few))) })
	}
	times := make([]time.Time, len(r.groups))
	for i, g := range r.groups {
		work.run(func() { times[i], g.err = r.newest(ctx, g) })
	}
	work.wait()
	for i, g := range r.groups {
		if g.err != nil && hopeless(g.err) {
			return g.err
		}
		if times[i].After(r.now) {
			r.now = times[i]
		}
	}
	if r.now.IsZero() {
		v, err := c.now(ctx, serverTime)
		if err != nil {
			return err
		}
		if r.now = timeIn(v); r.now.IsZero() {
			return &Error{Kind: ErrAnswer, To: c.to, Query: serverTime, Why: "it does not say what time it is"}
		}
	}
	r.interval = positive(c.scrape(), usual)
	r.short = c.shortWindow()
	r.long = max(longWindow, r.short)
	r.step = max(leastStep, r.interval)
	if c.step != r.step || c.short != r.short {
		// Another interval: other steps and windows, which do not go together.
		for _, t := range c.tracks {
			t.errors, t.p95 = past{}, past{}
		}
		c.step, c.short = r.step, r.short
	}
	return nil
}

// newest asks when each workload of the group was really scraped last.
func (r *round) newest(ctx context.Context, g *group) (time.Time, error) {
	v, err := r.c.now(ctx, g.scope.newest())
	if err != nil {
		return time.Time{}, err
	}
	g.newest = map[string]time.Time{}
	for _, s := range v {
		if k, ok := g.scope.keyOf(s.Metric); ok && usable(float64(s.Value)) {
			g.newest[k] = unix(float64(s.Value))
		}
	}
	return timeIn(v), nil
}

// timeIn is the value of the series without labels; zero = there is none.
func timeIn(v pmodel.Vector) time.Time {
	for _, s := range v {
		if len(s.Metric) == 0 && usable(float64(s.Value)) && s.Value > 0 {
			return unix(float64(s.Value))
		}
	}
	return time.Time{}
}

// unix is a PromQL time, with the milliseconds that Prometheus has.
func unix(seconds float64) time.Time { return time.UnixMilli(int64(seconds*1000 + 0.5)).UTC() }

// ask sends all queries but those of begin.
func (r *round) ask(ctx context.Context) {
	var work tasks
	for _, g := range r.groups {
		var pasts []*past
		for _, a := range g.targets {
			if a.Errors == "" {
				pasts = append(pasts, &a.errors)
			}
			if a.P95 == "" {
				pasts = append(pasts, &a.p95)
			}
		}
		if len(pasts) > 0 {
			g.grid = r.window(len(g.targets), pasts...)
			work.run(func() { r.askGroup(ctx, g) })
			if r.hold > 0 {
				work.run(func() { g.hold = r.c.answers(ctx, g.scope, r.hold, at(r.now)) })
			}
		}
		work.run(func() { r.askUp(ctx, g) })
	}
	for _, a := range r.targets {
		work.run(func() { r.askOwn(ctx, a) })
	}
	work.wait()
}

// answers asks for counts and latency of a scope in one window.
func (c *Client) answers(ctx context.Context, s scope, window time.Duration, g grid) answers {
	a := answers{asked: true}
	var work tasks
	work.run(func() { a.counts, a.cErr = c.counts(ctx, s, window, g) })
	work.run(func() { a.p95, a.pErr = c.p95(ctx, s, window, g) })
	work.wait()
	return a
}

// askGroup asks for the short window, and for the long one of those who had too
// few requests in the short one.
func (r *round) askGroup(ctx context.Context, g *group) {
	g.short = r.c.answers(ctx, g.scope, r.short, g.grid)
	if r.long == r.short || g.short.cErr != nil {
		return
	}
	var few []model.Target
	for _, a := range g.targets {
		c := g.short.counts[a.key]
		// Who has no series at all has none in five minutes either, but for what
		// was scraped some minutes ago and is gone.
		if c == nil && g.newest != nil && g.newest[a.key].IsZero() && a.fresh.IsZero() {
			continue
		}
		for i := range g.grid.n {
			if n, ok := c.total(i); !ok || n < r.c.opt.Limits.Requests {
				few = append(few, a.Target)
				break
			}
		}
	}
	if len(few) == 0 {
		return
	}
	g.long = r.c.answers(ctx, r.c.opt.Preset.over(few), r.long, g.grid)
}

// askUp asks for the targets of the group.
func (r *round) askUp(ctx context.Context, g *group) {
	v, err := r.c.now(ctx, g.scope.up())
	up, all := map[string]float64{}, map[string]float64{}
	for _, s := range v {
		if k, ok := g.scope.keyOf(s.Metric); ok && s.Value >= 0 && s.Value < most {
			all[k] += float64(s.Value)
			if s.Metric[upLabel] == "1" {
				up[k] += float64(s.Value)
			}
		}
	}
	for _, a := range g.targets {
		q := r.c.opt.Preset.show(a.Target)
		a.up = readings{q.up("sum"), q.up("count"), err, up[a.key], all[a.key]}
	}
}

// readings is what `up` says of one target.
type readings struct {
	upQuery, allQuery string
	err               error
	up, all           float64
}

// scrapeInterval is the median distance of the raw samples of `up`; 0 = there
// are not two of them. To ask /api/v1/targets would be exact, and megabytes.
func (c *Client) scrapeInterval(ctx context.Context, s scope) time.Duration {
	m, err := c.raw(ctx, "up{"+s.selector+"}[5m]")
	if err != nil {
		return 0
	}
	var gaps []time.Duration
	for _, stream := range m {
		for i := 1; i < len(stream.Values); i++ {
			gaps = append(gaps, stream.Values[i].Timestamp.Time().Sub(stream.Values[i-1].Timestamp.Time()))
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return max(time.Second, gaps[len(gaps)/2].Round(time.Second))
}
