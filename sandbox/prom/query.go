package prom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"
)

// queryData is the answer to both queries.
type queryData struct {
	Type   parser.ValueType `json:"resultType"`
	Result parser.Value     `json:"result"`
	Stats  stats.QueryStats `json:"stats,omitempty"`
}

func (s *Server) query(r *http.Request) (any, annotations.Annotations, error) {
	at, err := timeParam(r, "time", s.now())
	if err != nil {
		return nil, nil, err
	}
	return s.run(r, func(ctx context.Context, o promql.QueryOpts) (promql.Query, error) {
		return s.engine.NewInstantQuery(ctx, s.db, o, r.Form.Get("query"), at)
	})
}

// pointsMost is how many steps a range may have: a week of minutes.
const pointsMost = 11000

func (s *Server) queryRange(r *http.Request) (any, annotations.Annotations, error) {
	start, err := parseTime(r.Form.Get("start"))
	if err != nil {
		return nil, nil, badParam("start", err)
	}
	end, err := parseTime(r.Form.Get("end"))
	if err != nil {
		return nil, nil, badParam("end", err)
	}
	if end.Before(start) {
		return nil, nil, badParam("end", errors.New("end timestamp must not be before start time"))
	}
	step, err := parseDuration(r.Form.Get("step"))
	if err != nil {
		return nil, nil, badParam("step", err)
	}
	if step <= 0 {
		return nil, nil, badParam("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	}
	if end.Sub(start)/step > pointsMost {
		return nil, nil, badData("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	return s.run(r, func(ctx context.Context, o promql.QueryOpts) (promql.Query, error) {
		return s.engine.NewRangeQuery(ctx, s.db, o, r.Form.Get("query"), start, end, step)
	})
}

// run runs a query with what the two have in common: timeout, lookback_delta,
// limit and stats.
func (s *Server) run(r *http.Request, build func(context.Context, promql.QueryOpts) (promql.Query, error)) (any, annotations.Annotations, error) {
	ctx := r.Context()
	if text := r.Form.Get("timeout"); text != "" {
		d, err := parseDuration(text)
		if err != nil {
			return nil, nil, badParam("timeout", err)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	limit, err := limitParam(r, "limit")
	if err != nil {
		return nil, nil, err
	}
	var lookback time.Duration
	if text := r.Form.Get("lookback_delta"); text != "" {
		if lookback, err = parseDuration(text); err != nil {
			return nil, nil, badData("error parsing lookback delta duration: %w", err)
		}
	}
	q, err := build(ctx, promql.NewPrometheusQueryOpts(false, lookback, nil))
	if err != nil {
		return nil, nil, badParam("query", err)
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, res.Warnings, res.Err
	}
	out := queryData{Type: res.Value.Type(), Result: own(res.Value)}
	if n := length(out.Result); limit > 0 && n > limit {
		out.Result = cut(out.Result, limit)
		res.Warnings = res.Warnings.Add(errTruncated)
	}
	if r.Form.Get("stats") != "" {
		out.Stats = stats.NewQueryStats(q.Stats())
	}
	return out, res.Warnings, nil
}

var errTruncated = errors.New("results truncated due to limit")

// own copies what Close gives back to the engine: the points of a range.
func own(v parser.Value) parser.Value {
	switch v := v.(type) {
	case promql.Matrix:
		out := make(promql.Matrix, len(v))
		for i, x := range v {
			x.Floats = append([]promql.FPoint(nil), x.Floats...)
			out[i] = x
		}
		return out
	case promql.Vector:
		return append(promql.Vector{}, v...)
	}
	return v
}

func length(v parser.Value) int {
	switch v := v.(type) {
	case promql.Matrix:
		return len(v)
	case promql.Vector:
		return len(v)
	}
	return 0
}

func cut(v parser.Value, n int) parser.Value {
	switch v := v.(type) {
	case promql.Matrix:
		return v[:n]
	case promql.Vector:
		return v[:n]
	}
	return v
}

func (s *Server) formatQuery(r *http.Request) (any, annotations.Annotations, error) {
	e, err := s.parser.ParseExpr(r.Form.Get("query"))
	if err != nil {
		return nil, nil, badParam("query", err)
	}
	return e.Pretty(0), nil, nil
}

func timeParam(r *http.Request, name string, otherwise time.Time) (time.Time, error) {
	text := r.Form.Get(name)
	if text == "" {
		return otherwise, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return t, badParam(name, fmt.Errorf("invalid time value for '%s': %w", name, err))
	}
	return t, nil
}

// parseTime reads seconds since 1970, with fractions, or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) && math.Abs(f) < math.MaxInt64/1000 {
		whole, part := math.Modf(f)
		return time.Unix(int64(whole), int64(math.Round(part*1000)/1000*float64(time.Second))).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", s)
}

// parseDuration reads seconds, with fractions, or a duration as PromQL has them.
func parseDuration(s string) (time.Duration, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if ns := f * float64(time.Second); !math.IsNaN(ns) && math.Abs(ns) < math.MaxInt64 {
			return time.Duration(ns), nil
		}
		return 0, fmt.Errorf("cannot parse %q to a valid duration. It overflows int64", s)
	}
	if d, err := model.ParseDuration(s); err == nil {
		return time.Duration(d), nil
	}
	return 0, fmt.Errorf("cannot parse %q to a valid duration", s)
}

// limitParam is how many results are wanted at most; 0 = all.
func limitParam(r *http.Request, name string) (int, error) {
	text := r.Form.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && n < 0 {
		err = errors.New("limit must be non-negative")
	}
	if err != nil {
		return 0, badParam(name, err)
	}
	return n, nil
}
