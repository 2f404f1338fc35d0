package metrics

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"rollbook/model"
)

// Poll reads the figures of all targets. When nothing could be read at all it
// returns an error, and still the figures as they were last, their Now unknown
// with the reason and the time of the newest sample. Without a target it asks whether
// Prometheus is there. Errors are *Error, or wrap
// ErrOff.
func (c *Client) Poll(ctx context.Context, p model.Poll) (map[string]*model.Figures, error) {
	if err := c.off(); err != nil {
		return unknown(p.Targets, c.opt.Off), err
	}
	if err := c.begin(ctx); err != nil {
		return unknown(p.Targets, err.Error()), err
	}
	defer c.end()
	r := &round{hold: p.Hold, sides: p.Apart, slo: slo{p.Objective, p.Period}}
	for again := false; ; again = true {
		r.inquiry = c.inquire(p.Targets, func(a *asked) string {
			a.track = c.track(a.Target)
			// What is new needs the whole past: it must not make the others ask for
			// theirs again.
			return fmt.Sprint(a.errors.until.IsZero() && a.p95.until.IsZero())
		})
		switch {
		case len(p.Targets) == 0:
			_, err := c.serverTime(ctx)
			return nil, err
		case len(r.targets) == 0:
			return unknown(p.Targets, ""), nil
		}
		if err := r.begin(ctx); err != nil {
			return r.asLast(p.Targets, err), err
		}
		if again || !r.nothing() || r.now.Sub(c.looked) < lookAgain {
			break
		}
		if c.looked = r.now; !c.findLabels(ctx, r.inquiry) {
			break
		}
	}
	r.keepTracks(p.Targets)
	r.keepMixed()
	r.ask(ctx)
	return r.result(p.Targets), nil
}

// round is one call of Poll.
type round struct {
	*inquiry
	hold  time.Duration
	sides map[string]model.Sides
	slo   slo
	now   time.Time // the server's
}

// begin asks for the server's time, the newest samples and, until it is known,
// the scrape interval. Its error is for when Prometheus answers nothing.
func (r *round) begin(ctx context.Context) error {
	c := r.c
	var work tasks
	if c.scrape() == 0 && len(r.groups) > 0 {
		// A few targets do; it is the raw samples that come back.
		some := plain(r.targets)
		few := c.preset().over(c.preset().Up, some[:min(len(some), 5)])
		if some[0].Match != "" || some[0].Workload.Name == "" {
			few = r.groups[0].upScope
		}
		work.run(func() { c.findInterval(ctx, few) })
	}
	times := make([]time.Time, len(r.groups))
	for i, g := range r.groups {
		work.run(func() { times[i], g.newestErr = r.newest(ctx, g) })
	}
	work.wait()
	for i, g := range r.groups {
		if g.newestErr != nil && hopeless(g.newestErr) {
			return g.newestErr
		}
		if times[i].After(r.now) {
			r.now = times[i]
		}
	}
	if r.now.IsZero() {
		var err error
		if r.now, err = c.serverTime(ctx); err != nil {
			return err
		}
	}
	r.paced()
	return nil
}

// newest asks when each workload of the group was really scraped last.
func (r *round) newest(ctx context.Context, g *group) (time.Time, error) {
	a, err := r.c.ask(ctx, g.scope.newest())
	if err != nil {
		return time.Time{}, err
	}
	g.takeNewest(a, positive(r.c.scrape(), usual))
	return a.time(), nil
}

// nothing says whether no target that the preset is asked for has any series, though
// Prometheus answered.
func (q *inquiry) nothing() bool {
	any := false
	for _, g := range q.groups {
		if g.newestErr != nil || len(g.newest) > 0 {
			return false
		}
		any = any || g.preset()
	}
	return any
}

// ask sends all questions but those of begin.
func (r *round) ask(ctx context.Context) {
	var work tasks
	for _, g := range r.groups {
		if g.preset() {
			g.at = r.window(len(g.targets), pasts(g.targets, false))
			work.run(func() { r.askGroup(ctx, g) })
			if r.slo.set() {
				work.run(func() { r.askBurn(ctx, g) })
			}
			if r.hold > 0 {
				work.run(func() { g.whole = r.c.signals(ctx, &g.scope, r.hold, at(r.now)) })
			}
		}
		work.run(func() { g.up, g.upErr = r.c.owned(ctx, g.upScope.up(present)) })
	}
	r.askSides(ctx, &work)
	work.run(func() { r.askAlerts(ctx) })
	for _, a := range r.targets {
		if r.slo.set() && a.Errors != "" {
			work.run(func() { r.askOwnBurn(ctx, a) })
		}
		work.run(func() { a.own = r.c.askOwn(ctx, a.Target, r.window(1, pasts([]*asked{a}, true)), true) })
	}
	work.wait()
}

// askGroup asks for the short window, and for the long one of those who had too
// few requests in the short one.
func (r *round) askGroup(ctx context.Context, g *group) {
	g.short = r.c.signals(ctx, &g.scope, r.short, g.at)
	if r.long == r.short || g.short.cErr != nil {
		return
	}
	var few []model.Target
	for _, a := range g.targets {
		// Who has no series at all has none in five minutes either, but for what
		// was scraped some minutes ago and is gone.
		if g.short.counts[a.key] == nil && g.newest != nil && g.newest[a.key].IsZero() && a.fresh.IsZero() {
			continue
		}
		if g.needsLong(a) {
			few = append(few, a.Target)
		}
	}
	if len(few) > 0 {
		of := r.c.preset().over(r.c.preset().Owner, few)
		g.long = r.c.signals(ctx, &of, r.long, g.at)
	}
}

// needsLong says whether a target had too few requests in the short window at
// any time.
func (g *group) needsLong(a *asked) bool {
	for i := range g.at.n {
		if g.short.why(a.key, i) != "" {
			return true
		}
	}
	return false
}

// unknown is figures without any, for want of why.
func unknown(targets []model.Target, why string) map[string]*model.Figures {
	out := map[string]*model.Figures{}
	for _, t := range targets {
		if t.NotMeasured {
			out[t.ID] = &model.Figures{NotMeasured: true}
			continue
		}
		u := model.Reading{Why: why}
		out[t.ID] = &model.Figures{Errors: model.Figure{Now: u}, P95: model.Figure{Now: u}, Requests: u, Up: u, Targets: u,
			HoldErrors: u, HoldP95: u, HoldRequests: u, AlertsNo: why}
	}
	return out
}

// result makes the figures.
func (r *round) result(targets []model.Target) map[string]*model.Figures {
	out := unknown(targets, "")
	for _, t := range targets {
		if f := out[t.ID]; t.NotMeasured {
			f.At = r.now
			f.Alerts, f.AlertsNo = r.alertsOf(&asked{Target: t})
		}
	}
	for _, a := range r.targets {
		f := out[a.ID]
		if a.g == nil {
			*f = *unknown([]model.Target{a.Target}, a.off)[a.ID]
		} else {
			r.preset(a, f)
		}
		f.At, f.Fresh = r.now, 2*r.interval+r.c.opt.Poll
		f.Alerts, f.AlertsNo = r.alertsOf(a)
		r.own(a, f)
		if r.slo.set() {
			present := a.off
			if a.g != nil && a.Errors == "" {
				present = r.present(a)
			}
			if f.Burn = r.burn(a, present); a.Errors != "" { // nobody knows what samples it rests on
				for _, x := range []*model.Reading{&f.Burn.FiveMinutes, &f.Burn.HalfHour, &f.Burn.Hour, &f.Burn.SixHours, &f.Burn.Left} {
					x.At = r.now
				}
			}
		}
	}
	return out
}

// asLast is the figures of the last round, their present unknown because of err.
func (r *round) asLast(targets []model.Target, err error) map[string]*model.Figures {
	why := short(err)
	out := unknown(targets, why)
	step := max(leastStep, positive(r.c.scrape(), usual))
	for _, a := range r.targets {
		f := out[a.ID]
		f.Errors = a.errors.figure(model.Reading{Why: why, At: cmp.Or(a.fresh, a.errors.last())}, step)
		f.P95 = a.p95.figure(model.Reading{Why: why, At: cmp.Or(a.fresh, a.p95.last())}, step)
	}
	return out
}
