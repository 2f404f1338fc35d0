package metrics

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	prom "github.com/prometheus/client_golang/api/prometheus/v1"
	pmodel "github.com/prometheus/common/model"
)

// limited takes a slot and gives the query its own time.
func (c *Client) limited(ctx context.Context) (context.Context, func(), error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, c.failed(ctx, context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opt.Timeout, errOurTimeout)
	return ctx, func() { cancel(); <-c.slots }, nil
}

// filled is a query of the team's own with its window in it.
func (c *Client) filled(q string) string {
	return strings.ReplaceAll(q, "$window", dur(c.shortWindow()))
}

// now evaluates q at the server's present.
func (c *Client) now(ctx context.Context, q string) (pmodel.Vector, error) {
	q = c.filled(q)
	ctx, done, err := c.limited(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	v, warnings, _, err := c.api.Query(ctx, q, time.Time{}, prom.WithTimeout(c.opt.Timeout))
	if err = c.checked(ctx, q, warnings, err); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case pmodel.Vector:
		return v, nil
	case *pmodel.Scalar:
		return pmodel.Vector{{Value: v.Value, Timestamp: v.Timestamp}}, nil
	}
	return nil, &Error{Kind: ErrAnswer, To: c.to, Query: q, Why: "not a vector"}
}

// raw evaluates a range selector at the server's present.
func (c *Client) raw(ctx context.Context, q string) (pmodel.Matrix, error) {
	ctx, done, err := c.limited(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	v, warnings, _, err := c.api.Query(ctx, q, time.Time{}, prom.WithTimeout(c.opt.Timeout))
	if err = c.checked(ctx, q, warnings, err); err != nil {
		return nil, err
	}
	m, _ := v.(pmodel.Matrix)
	return m, nil
}

// over evaluates q at the times of a grid.
func (c *Client) over(ctx context.Context, q string, g grid) (pmodel.Matrix, error) {
	q = c.filled(q)
	ctx, done, err := c.limited(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	v, warnings, _, err := c.api.QueryRange(ctx, q, prom.Range{Start: g.from, End: g.time(g.n - 1), Step: g.res},
		prom.WithTimeout(c.opt.Timeout))
	if err = c.checked(ctx, q, warnings, err); err != nil {
		return nil, err
	}
	m, ok := v.(pmodel.Matrix)
	if !ok {
		return nil, &Error{Kind: ErrAnswer, To: c.to, Query: q, Why: "not a matrix"}
	}
	return m, nil
}

// checked is the error of a call, also for an answer that says of itself that
// it is not whole: half of the series may be the healthy half. Remarks on the
// PromQL (v3 marks them so) do not make an answer incomplete.
func (c *Client) checked(ctx context.Context, q string, warnings prom.Warnings, err error) error {
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return err
		}
		if ctx.Err() != nil {
			return c.failed(ctx, err)
		}
		return &Error{Kind: ErrAnswer, To: c.to, Query: q, Err: err, Why: "answer not understood: " + c.line(err.Error())}
	}
	for _, w := range warnings {
		if !strings.HasPrefix(w, "PromQL ") {
			return &Error{Kind: ErrAnswer, To: c.to, Query: q, Why: "incomplete answer: " + c.line(w)}
		}
	}
	return nil
}

// counts asks for the requests of a scope.
func (c *Client) counts(ctx context.Context, s scope, window time.Duration, g grid) (map[string]*counted, error) {
	out := map[string]*counted{}
	for _, piece := range g.pieces(s.workloads) {
		m, err := c.over(ctx, s.counts(window), piece)
		if err != nil {
			return nil, err
		}
		s.countsInto(out, m, g)
	}
	return out, nil
}

// p95 asks for the latency of a scope, and, only when a value is exactly some
// bucket's bound, whether it is so because it lies in the +Inf bucket.
func (c *Client) p95(ctx context.Context, s scope, window time.Duration, g grid) (map[string]*latency, error) {
	out, err := c.quantiles(ctx, s, 0.95, window, g)
	if err != nil || len(out) == 0 || !c.onBound(ctx, s, window, g, out) {
		return out, err
	}
	top, err := c.quantiles(ctx, s, 1, window, g)
	if err != nil { // without it a value may be a lower bound that looks like a value
		return nil, err
	}
	for k, l := range out {
		l.mark(top[k])
	}
	return out, nil
}

func (c *Client) quantiles(ctx context.Context, s scope, q float64, window time.Duration, g grid) (map[string]*latency, error) {
	out := map[string]*latency{}
	for _, piece := range g.pieces(s.workloads) {
		m, err := c.over(ctx, s.quantile(q, window), piece)
		if err != nil {
			return nil, err
		}
		s.quantilesInto(out, m, g)
	}
	return out, nil
}

// onBound says whether any value equals a bucket's bound. The bounds come from
// the index (label values), which costs next to nothing; when that cannot be
// had, everything may be one.
func (c *Client) onBound(ctx context.Context, s scope, window time.Duration, g grid, ls map[string]*latency) bool {
	ctx, done, err := c.limited(ctx)
	if err != nil {
		return true
	}
	defer done()
	names, warnings, _, err := c.api.LabelValues(ctx, "le", []string{s.preset.Latency + "{" + s.selector + "}"},
		g.from.Add(-window), g.time(g.n-1))
	if err != nil || len(warnings) > 0 || len(names) == 0 {
		return true
	}
	bounds := map[float64]bool{}
	for _, n := range names {
		if f, err := strconv.ParseFloat(string(n), 64); err == nil && !math.IsInf(f, 0) {
			bounds[f] = true
		}
	}
	for _, l := range ls {
		for _, v := range l.v {
			if bounds[v] {
				return true
			}
		}
	}
	return false
}
