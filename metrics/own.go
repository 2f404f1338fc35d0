package metrics

import (
	"context"
	"fmt"
	"math"
	"regexp"

	"rollbook/model"
)

// Own PromQL is asked for each component by itself. It has a window of its own,
// and nobody knows what samples it rests on: its readings are as old as the step
// at which it had a value, and only an own query for the requests says whether
// there were enough of them.

// ownAnswers is what the own PromQL of one target says.
type ownAnswers struct {
	grid                  grid
	errors, p95, requests *latency // nil = not asked, or failed
	eErr, pErr, rErr      error
}

// quantileCall is a 0.95-quantile in somebody's PromQL.
var quantileCall = regexp.MustCompile(`histogram_quantile\(\s*0?\.950*\s*,`)

func (r *round) askOwn(ctx context.Context, a *asking) {
	if a.Errors == "" && a.P95 == "" && a.Requests == "" {
		return
	}
	o := &a.own
	var pasts []*past
	if a.Errors != "" {
		pasts = append(pasts, &a.errors)
	}
	if a.P95 != "" {
		pasts = append(pasts, &a.p95)
	}
	o.grid = r.window(1, pasts...)
	if len(pasts) == 0 {
		o.grid = at(r.now)
	}
	var work tasks
	work.run(func() { o.errors, o.eErr = r.c.single(ctx, a.Errors, o.grid) })
	work.run(func() { o.requests, o.rErr = r.c.single(ctx, a.Requests, o.grid) })
	work.run(func() {
		if o.p95, o.pErr = r.c.single(ctx, a.P95, o.grid); o.p95 == nil || !quantileCall.MatchString(a.P95) {
			return
		}
		top, err := r.c.single(ctx, quantileCall.ReplaceAllLiteralString(a.P95, "histogram_quantile(1,"), o.grid)
		if err != nil {
			o.p95, o.pErr = nil, err
			return
		}
		o.p95.mark(top)
	})
	work.wait()
}

// single asks for what must be one series, or a scalar; nil when it has no
// value anywhere. query may be "".
func (c *Client) single(ctx context.Context, query string, g grid) (*latency, error) {
	if query == "" {
		return nil, nil
	}
	m, err := c.over(ctx, query, g)
	switch {
	case err != nil:
		return nil, err
	case len(m) == 0:
		return nil, nil
	case len(m) > 1:
		return nil, &Error{Kind: ErrAnswer, To: c.to, Query: query, Why: fmt.Sprintf(
			"%d series where one is wanted (%s, %s …): aggregate them, as with sum(…)", len(m), series(m[0].Metric), series(m[1].Metric))}
	}
	l := &latency{v: g.empty()}
	l.v.put(g, m[0].Values)
	return l, nil
}

// own fills in what own PromQL says of one target.
func (r *round) own(a *asking, f *model.Figures) {
	o := &a.own
	if a.Errors != "" {
		f.Errors = r.ownFigure(a, &a.errors, o.errors, o.eErr, a.Errors, 1)
		f.HoldErrors = r.ownHold(f.Errors, "avg", func(vs []model.Sample) (s model.Sample) {
			for _, v := range vs {
				s.V += v.V / float64(len(vs))
			}
			return s
		})
	}
	if a.P95 != "" {
		f.P95 = r.ownFigure(a, &a.p95, o.p95, o.pErr, a.P95, math.Inf(1))
		f.HoldP95 = r.ownHold(f.P95, "max", func(vs []model.Sample) (s model.Sample) {
			for _, v := range vs {
				if v.V > s.V || v.V == s.V && v.AtLeast {
					s = v
				}
			}
			return s
		})
	}
	if a.Requests != "" {
		v, why := ownAt(o.requests, o.grid.n-1, math.Inf(1))
		f.Requests = model.Reading{Query: a.Requests, Why: unless(o.rErr, why)}
		if f.Requests.Why == "" {
			f.Requests = model.Reading{Known: true, Value: v.V, At: o.grid.time(o.grid.n - 1), Query: a.Requests}
		}
	}
	if r.hold > 0 && a.Errors != "" && a.P95 != "" && f.HoldRequests.Why == "" && !f.HoldRequests.Known {
		f.HoldRequests = model.Unknown("", "own PromQL has a window of its own")
	}
}

// ownFigure brings a past up to date and reads the present.
func (r *round) ownFigure(a *asking, p *past, l *latency, err error, query string, most float64) model.Figure {
	o := &a.own
	if err == nil && a.Requests != "" {
		err = o.rErr // without it nobody knows whether the figure says anything
	}
	if err != nil {
		p.failed++
		return p.figure(model.Reading{Query: query, At: p.last(), Why: short(err)}, r.step)
	}
	value := func(i int) (model.Sample, string) {
		if a.Requests != "" {
			n, why := ownAt(o.requests, i, math.Inf(1))
			if why != "" {
				return model.Sample{}, "requests: " + why
			}
			if n.V < r.c.opt.Limits.Requests {
				return model.Sample{}, fmt.Sprintf("%.0f requests", n.V)
			}
		}
		return ownAt(l, i, most)
	}
	p.merge(o.grid, o.grid.samples(r.step, func(i int) (model.Sample, bool) {
		v, why := value(i)
		return v, why == ""
	}), r.stepOf(o.grid))
	v, why := value(o.grid.n - 1)
	now := model.Reading{Query: query, At: p.last(), Why: why}
	if why == "" {
		now = model.Reading{Known: true, Value: v.V, AtLeast: v.AtLeast, At: o.grid.time(o.grid.n - 1), Query: query}
	}
	return p.figure(now, r.step)
}

// ownAt is a value between 0 and most, or why there is none.
func ownAt(l *latency, i int, most float64) (model.Sample, string) {
	switch {
	case l == nil:
		return model.Sample{}, "no series"
	case math.IsNaN(l.v[i]):
		return model.Sample{}, "no value (absent or NaN)"
	case l.v[i] < 0:
		return model.Sample{}, fmt.Sprintf("%g is less than nothing", l.v[i])
	case l.v[i] > most:
		return model.Sample{}, fmt.Sprintf("%g is no ratio from 0 to 1", l.v[i])
	}
	return model.Sample{V: l.v[i], AtLeast: l.atLeast != nil && l.atLeast[i]}, ""
}

// ownHold is a figure over the hold, from its samples: own PromQL has a window
// of its own, so the steps in the hold are put together, all but a tenth of which
// must be there (as for a trigger).
func (r *round) ownHold(f model.Figure, how string, together func([]model.Sample) model.Sample) model.Reading {
	if r.hold <= 0 {
		return model.Reading{}
	}
	out := model.Reading{Query: fmt.Sprintf("%s_over_time((%s)[%s:%s])", how, f.Now.Query, dur(r.hold), dur(r.step)), At: f.Now.At}
	begin := r.now.Add(-r.hold)
	var in []model.Sample
	for _, s := range f.Samples {
		if s.At.After(begin) {
			in = append(in, s)
		}
	}
	want := float64(r.hold/r.step) * 0.9
	switch {
	case !f.Now.Known:
		out.Why = f.Now.Why
	case len(in) == 0 || float64(len(in)) < want:
		out.Why = fmt.Sprintf("%d of %d steps known", len(in), int(r.hold/r.step))
	default:
		s := together(in)
		out.Known, out.Value, out.AtLeast = true, s.V, s.AtLeast
	}
	return out
}
