package metrics

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

// Own PromQL is asked for each component by itself. It has a window of its own,
// and nobody knows what samples it rests on: its readings are as old as the step
// at which it had a value, and only an own query for the requests says whether
// there were enough of them.

// own is what the own PromQL of one target says.
type own struct {
	at                    grid
	errors, p95, requests *latency // nil = not asked, failed, or no series
	eErr, pErr, rErr      error
}

// quantileCall is a 0.95-quantile in somebody's PromQL.
var quantileCall = text.Pattern(`histogram_quantile\(\s*0?\.950*\s*,`)

// askOwn asks what own PromQL the target has. bounds also finds out where its P95
// is but the last bound of its buckets.
func (c *Client) askOwn(ctx context.Context, t model.Target, at grid, bounds bool) own {
	o := own{at: at}
	if t.Errors == "" && t.P95 == "" && t.Requests == "" {
		return o
	}
	var work tasks
	work.run(func() { o.errors, o.eErr = c.single(ctx, t.Errors, at) })
	work.run(func() { o.requests, o.rErr = c.single(ctx, t.Requests, at) })
	work.run(func() {
		if o.p95, o.pErr = c.single(ctx, t.P95, at); o.p95 == nil || !bounds || !quantileCall().MatchString(t.P95) {
			return
		}
		top, err := c.single(ctx, quantileCall().ReplaceAllLiteralString(t.P95, "histogram_quantile(1,"), at)
		switch {
		case err != nil:
			o.p95, o.pErr = nil, err
		case top != nil:
			o.p95.mark(top.v)
		}
	})
	work.wait()
	return o
}

// filled is a query of the team's own with its window in it.
func (c *Client) filled(q string) string {
	return strings.ReplaceAll(q, "$window", dur(c.shortWindow()))
}

// single asks for what must be one series, or a scalar; nil when it has no
// value anywhere. query may be "".
func (c *Client) single(ctx context.Context, query string, at grid) (*latency, error) {
	if query == "" {
		return nil, nil
	}
	a, err := c.ask(ctx, question{promql: c.filled(query), at: at})
	switch {
	case err != nil:
		return nil, err
	case a.series == 0:
		return nil, nil
	case a.series > 1:
		return nil, c.notOne(query, a)
	}
	l := &latency{v: at.empty()}
	l.v.put(at, a.rest[0].Values)
	return l, nil
}

// notOne is the error of a query that returned several series.
func (r *reader) notOne(query string, a *answer) error {
	names := []string{named(a.rest[0].Metric), named(a.rest[1].Metric)}
	slices.Sort(names) // Prometheus gives them in any order
	return &Error{Kind: ErrAnswer, To: r.to, Query: query, Why: fmt.Sprintf(
		"%d series where one is wanted (%s, %s …): aggregate them, as with sum(…)", a.series, names[0], names[1])}
}

// own fills in what own PromQL says of one target.
func (r *round) own(a *asked, f *model.Figures) {
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
		last := o.at.n - 1
		v, why := ownAt(o.requests, o.rErr, last, math.Inf(1))
		f.Requests = reading(v, why, a.Requests, o.at.time(last))
	}
	if r.hold > 0 && !a.preset() && f.HoldRequests.Why == "" && !f.HoldRequests.Known {
		f.HoldRequests = model.Unknown("", "own PromQL has a window of its own")
	}
}

// ownFigure brings a past up to date and reads the present.
func (r *round) ownFigure(a *asked, p *past, l *latency, err error, query string, most float64) model.Figure {
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
			n, why := ownAt(o.requests, nil, i, math.Inf(1))
			if why != "" {
				return model.Sample{}, "requests: " + why
			}
			if n.V < r.c.opt.Limits.Requests {
				return model.Sample{}, fmt.Sprintf("%.0f requests", n.V)
			}
		}
		return ownAt(l, nil, i, most)
	}
	p.merge(o.at, o.at.samples(r.step, value), r.stepOf(o.at))
	last := o.at.n - 1
	v, why := value(last)
	now := reading(v, why, query, o.at.time(last))
	if why != "" {
		now.At = p.last()
	}
	return p.figure(now, r.step)
}

// ownAt is a value between 0 and most, or why there is none.
func ownAt(l *latency, err error, i int, most float64) (model.Sample, string) {
	switch {
	case err != nil:
		return model.Sample{}, short(err)
	case l == nil:
		return model.Sample{}, "no series"
	case math.IsNaN(l.v[i]):
		return model.Sample{}, "no value (absent or NaN)"
	case l.v[i] < 0:
		return model.Sample{}, fmt.Sprintf("%g is less than nothing", l.v[i])
	case l.v[i] > most:
		return model.Sample{}, fmt.Sprintf("%g is no ratio from 0 to 1", l.v[i])
	}
	v, _ := l.at(i)
	return v, ""
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
