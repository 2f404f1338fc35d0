package metrics

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	prom "github.com/prometheus/client_golang/api/prometheus/v1"
	pmodel "github.com/prometheus/common/model"

	"rollbook/text"
)

// reader asks one Prometheus. Whatever this package wants to know it puts into a
// question and gives that to ask.
type reader struct {
	to       string // names Prometheus to the operator
	timeout  time.Duration
	largest  int64 // bytes of one answer
	redactor *text.Redactor
	api      prom.API
	slots    chan struct{} // bounds the queries under way
}

// atOnce is how many queries are under way at the same time: enough to hide a
// round trip through the API server, too few to be felt by a Prometheus that
// has an incident of its own.
const atOnce = 4

// question is one thing to ask.
type question struct {
	promql string
	at     grid             // the times that it is evaluated at; zero = the server's present
	raw    bool             // promql selects samples as they were scraped
	of     *scope           // tells whose a series of the answer is; nil = nobody's
	mark   pmodel.LabelName // the label that tells the series of one owner apart; "" = there is one
	each   bool             // the series of one owner are wanted as they are
}

// answer is what a question was answered with, whole.
type answer struct {
	by     map[string]parts // by the keys of the question's scope
	each   map[string][]*pmodel.SampleStream
	rest   []*pmodel.SampleStream // the series that are nobody's
	series int                    // how many series came
}

// ask asks a question, a long grid in pieces, and sorts the series by whose they
// are. What is late, incomplete or of another shape is an *Error, and no answer:
// the half of the series that is missing may be the sick one.
func (r *reader) ask(ctx context.Context, q question) (*answer, error) {
	if q.at.n == 0 {
		q.at = present
	}
	workloads := 1
	if q.of != nil {
		workloads = q.of.workloads
	}
	a := &answer{by: map[string]parts{}, each: map[string][]*pmodel.SampleStream{}}
	for _, piece := range q.at.pieces(workloads) {
		var v pmodel.Value
		err := r.call(ctx, q.promql, func(ctx context.Context) (warnings prom.Warnings, err error) {
			// An instant is asked for as one: a query frontend may round a range to its
			// steps, or answer none of a single time.
			if piece.n == 1 {
				v, warnings, _, err = r.api.Query(ctx, q.promql, piece.from, prom.WithTimeout(r.timeout))
			} else {
				v, warnings, _, err = r.api.QueryRange(ctx, q.promql, prom.Range{Start: piece.from, End: piece.time(piece.n - 1), Step: piece.res},
					prom.WithTimeout(r.timeout))
			}
			return warnings, err
		})
		if err != nil {
			return nil, err
		}
		series := q.raw || piece.n > 1
		if v == nil || (v.Type() == pmodel.ValMatrix) != series {
			return nil, &Error{Kind: ErrAnswer, To: r.to, Query: q.promql, Why: map[bool]string{true: "not a matrix", false: "not a vector"}[series]}
		}
		for _, s := range streams(v) {
			a.take(q, s)
		}
	}
	return a, nil
}

// owned asks a question of which the series count that are somebody's.
func (r *reader) owned(ctx context.Context, q question) (map[string]parts, error) {
	a, err := r.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	return a.by, nil
}

// call sends one request, in its turn and with its own time. what is the PromQL,
// for the error.
func (r *reader) call(ctx context.Context, what string, send func(context.Context) (prom.Warnings, error)) error {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return r.failed(ctx, context.Cause(ctx))
	}
	defer func() { <-r.slots }()
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout, errOurTimeout)
	defer cancel()
	warnings, err := send(ctx)
	var already *Error
	switch {
	case errors.As(err, &already):
		return err
	case err != nil && ctx.Err() != nil:
		return r.failed(ctx, err)
	case err != nil:
		return &Error{Kind: ErrAnswer, To: r.to, Query: what, Err: err, Why: "answer not understood: " + r.line(err.Error())}
	}
	for _, w := range warnings {
		if !strings.HasPrefix(w, "PromQL ") { // v3 marks remarks on the query so: they make no answer incomplete
			return &Error{Kind: ErrAnswer, To: r.to, Query: what, Why: "incomplete answer: " + r.line(w)}
		}
	}
	return nil
}

// streams are the series of any value.
func streams(v pmodel.Value) (all pmodel.Matrix) {
	one := func(labels pmodel.Metric, t pmodel.Time, value pmodel.SampleValue) {
		all = append(all, &pmodel.SampleStream{Metric: labels, Values: []pmodel.SamplePair{{Timestamp: t, Value: value}}})
	}
	switch v := v.(type) {
	case pmodel.Matrix:
		return v
	case pmodel.Vector:
		for _, s := range v {
			one(s.Metric, s.Timestamp, s.Value)
		}
	case *pmodel.Scalar:
		one(nil, v.Timestamp, v.Value)
	}
	return all
}

// take adds a series to what is its owner's, or to the rest.
func (a *answer) take(q question, s *pmodel.SampleStream) {
	a.series++
	key, owned := "", false
	if q.of != nil {
		key, owned = q.of.keyOf(s.Metric)
	}
	if !owned {
		a.rest = append(a.rest, s)
		return
	}
	if q.each {
		a.each[key] = append(a.each[key], s)
		return
	}
	mark := string(s.Metric[q.mark])
	i := slices.IndexFunc(a.by[key], func(p part) bool { return p.mark == mark })
	if i < 0 {
		i = len(a.by[key])
		a.by[key] = append(a.by[key], part{mark, q.at.empty()})
	}
	if q.mark == "" {
		a.by[key][i].v.put(q.at, s.Values)
		return
	}
	a.by[key][i].v.add(q.at, s.Values)
}

// time is the value of the series without labels; zero = there is none.
func (a *answer) time() time.Time {
	for _, s := range a.rest {
		if v := float64(s.Values[0].Value); len(s.Metric) == 0 && usable(v) && v > 0 {
			return unix(v)
		}
	}
	return time.Time{}
}

// unix is a PromQL time, with the milliseconds that Prometheus has.
func unix(seconds float64) time.Time { return time.UnixMilli(int64(seconds*1000 + 0.5)).UTC() }

// serverTime is a vector with one series without labels: the server's time.
const serverTime = "vector(time())"

// serverTime asks what time it is there.
func (r *reader) serverTime(ctx context.Context) (time.Time, error) {
	a, err := r.ask(ctx, question{promql: serverTime})
	if err != nil {
		return time.Time{}, err
	}
	if a.time().IsZero() {
		return time.Time{}, &Error{Kind: ErrAnswer, To: r.to, Query: serverTime, Why: "it does not say what time it is"}
	}
	return a.time(), nil
}
