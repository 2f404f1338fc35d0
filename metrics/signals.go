package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	prom "github.com/prometheus/client_golang/api/prometheus/v1"
	pmodel "github.com/prometheus/common/model"

	"rollbook/model"
)

// signals are the requests and the latencies of a scope in one window, as they
// are at each time of a grid. All figures of a preset are read off them.
type signals struct {
	scope  *scope
	window time.Duration
	least  float64 // requests in the window; fewer say nothing
	asked  bool
	counts map[string]parts // by owner; what bears a mark is errors
	p95    map[string]*latency
	cErr   error  // of the question for counts
	pErr   error  // of those for p95
	none   string // why nothing was counted; "" = too few samples
}

// signals asks for them. What failed stands in them.
func (c *Client) signals(ctx context.Context, of *scope, window time.Duration, at grid) signals {
	s := signals{scope: of, window: window, least: c.opt.Limits.Requests, asked: true}
	var work tasks
	work.run(func() { s.counts, s.cErr = c.owned(ctx, of.counts(window, at)) })
	work.run(func() { s.p95, s.pErr = c.p95(ctx, of, window, at) })
	work.wait()
	return s
}

// p95 asks for the latency of a scope, and, only when a value is exactly some
// bucket's bound, whether it is so because it lies in the +Inf bucket.
func (c *Client) p95(ctx context.Context, of *scope, window time.Duration, at grid) (map[string]*latency, error) {
	by, err := c.owned(ctx, of.quantile(0.95, window, at))
	if err != nil {
		return nil, err
	}
	out := make(map[string]*latency, len(by))
	for k, p := range by {
		out[k] = &latency{v: p[0].v}
	}
	if len(out) == 0 || !c.onBound(ctx, of, window, at, out) {
		return out, nil
	}
	top, err := c.owned(ctx, of.quantile(1, window, at))
	if err != nil { // without it a value may be a lower bound that looks like a value
		return nil, err
	}
	for k, p := range top {
		if l := out[k]; l != nil {
			l.mark(p[0].v)
		}
	}
	return out, nil
}

// onBound says whether any value equals a bucket's bound. The bounds come from
// the index (label values), which costs next to nothing; when that cannot be
// had, everything may be one.
func (c *Client) onBound(ctx context.Context, of *scope, window time.Duration, at grid, ls map[string]*latency) bool {
	var bounds pmodel.LabelValues
	if err := c.call(ctx, "", func(ctx context.Context) (warnings prom.Warnings, err error) {
		bounds, warnings, _, err = c.api.LabelValues(ctx, "le", []string{of.preset.Latency + "{" + of.selector + "}"}, at.from.Add(-window), at.time(at.n-1))
		return warnings, err
	}); err != nil || len(bounds) == 0 {
		return true
	}
	is := map[float64]bool{}
	for _, b := range bounds {
		if f, err := strconv.ParseFloat(string(b), 64); err == nil && !math.IsInf(f, 0) {
			is[f*of.preset.unit()] = true
		}
	}
	for _, l := range ls {
		for _, v := range l.v {
			if is[v] {
				return true
			}
		}
	}
	return false
}

// why says why there is no figure of an owner at time i; "" = there were
// requests enough.
func (s *signals) why(key string, i int) string {
	if s.cErr != nil {
		return short(s.cErr)
	}
	n, why := s.counts[key].count(i, cmp.Or(s.none, "too few samples yet"))
	switch {
	case why != "":
		return why
	case n.V == 0:
		return "no traffic in " + dur(s.window)
	case n.V < s.least:
		// Prometheus extrapolates to the window's ends, so that n is no whole number.
		return fmt.Sprintf("%.0f requests in %s", math.Max(1, n.V), dur(s.window))
	}
	return ""
}

// errors is the error ratio of an owner at time i, or why it is not known.
func (s *signals) errors(key string, i int) (model.Sample, string) {
	if why := s.why(key, i); why != "" {
		return model.Sample{}, why
	}
	failed, why := s.counts[key].failed(i)
	if why != "" {
		return model.Sample{}, why
	}
	all, _ := s.counts[key].total(i)
	failed.V /= all
	return failed, ""
}

// latency is the 95th percentile of an owner at time i, or why it is not known.
func (s *signals) latency(key string, i int) (model.Sample, string) {
	if why := unless(first(s.cErr, s.pErr), s.why(key, i)); why != "" {
		return model.Sample{}, why
	}
	l := s.p95[key]
	v, ok := l.at(i)
	if l == nil {
		return v, "no series " + s.scope.preset.Latency
	}
	return v, absent(ok, "no latency was observed (NaN)")
}

// told returns the labels that tell of an owner's failed requests, else those that
// tell any outcome: what the windows together show of them.
func (o Outcome) told(key string, of ...*signals) (labels []string) {
	for _, tells := range []func(string) bool{isError, isOutcome} {
		for _, s := range of {
			for _, p := range s.counts[key] {
				if l := o.label(p.mark); tells(p.mark) && !slices.Contains(labels, l) {
					labels = append(labels, l)
				}
			}
		}
		if len(labels) > 0 {
			break
		}
	}
	return labels
}

// reading is a value of a time, or unknown when why says so.
func reading(v model.Sample, why, query string, at time.Time) model.Reading {
	if why != "" {
		return model.Reading{Why: why, Query: query}
	}
	return model.Reading{Known: true, Value: v.V, AtLeast: v.AtLeast, At: at, Query: query}
}

// absent is why, unless ok.
func absent(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// unless is what an error says, else otherwise.
func unless(err error, otherwise string) string {
	if err != nil {
		return short(err)
	}
	return otherwise
}

// short returns an error's reason without the address, which the screen shows
// elsewhere.
func short(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Why
	}
	return err.Error()
}

// first is the first that is an error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
