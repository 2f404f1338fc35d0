package metrics

import (
	"context"
	"errors"
	"time"

	"rollbook/model"
)

// Poll is one round of queries.
type Poll = model.Poll

// The windows (WALK.md, "Readings"). The short one holds at least four scrapes.
const (
	shortWindow = time.Minute
	longWindow  = 5 * time.Minute
	scrapes     = 4
	leastStep   = 15 * time.Second
	usual       = 15 * time.Second // the scrape interval until it is known
)

// Poll reads the figures of all targets. When nothing could be read at all it
// returns an error, and still the figures as they were last, their Now unknown
// with the reason and the time of the newest sample. Errors are *Error, or wrap
// ErrOff.
func (c *Client) Poll(ctx context.Context, p Poll) (map[string]*model.Figures, error) {
	if err := c.off(); err != nil {
		return unknown(p.Targets, c.opt.Off), err
	}
	if err := c.begin(ctx); err != nil {
		return unknown(p.Targets, err.Error()), err
	}
	defer c.end()
	r := &round{c: c, hold: p.Hold}
	r.plan(p.Targets)
	if len(r.targets) == 0 {
		return unknown(p.Targets, ""), nil
	}
	if err := r.begin(ctx); err != nil {
		return r.asLast(p.Targets, err), err
	}
	r.ask(ctx)
	return r.result(p.Targets), nil
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
			HoldErrors: u, HoldP95: u, HoldRequests: u}
	}
	return out
}

// result makes the figures.
func (r *round) result(targets []model.Target) map[string]*model.Figures {
	out := unknown(targets, "")
	for _, a := range r.targets {
		f := out[a.ID]
		if a.g == nil {
			*f = *unknown([]model.Target{a.Target}, "no workload to look for")[a.ID]
		} else {
			r.preset(a, f)
		}
		f.At, f.Fresh = r.now, 2*r.interval+r.c.opt.Poll
		r.own(a, f)
	}
	return out
}

// asLast is the figures of the last round, their present unknown because of err.
func (r *round) asLast(targets []model.Target, err error) map[string]*model.Figures {
	why := err.Error()
	var e *Error
	if errors.As(err, &e) {
		why = e.Why // where Prometheus is stands on the screen already
	}
	out := unknown(targets, why)
	step := max(leastStep, positive(r.c.scrape(), usual))
	for _, a := range r.targets {
		f := out[a.ID]
		f.Errors = a.errors.figure(model.Reading{Why: why, At: newer(a.fresh, a.errors.last())}, step)
		f.P95 = a.p95.figure(model.Reading{Why: why, At: newer(a.fresh, a.p95.last())}, step)
	}
	return out
}

// newer is a when it is known, else b.
func newer(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}
