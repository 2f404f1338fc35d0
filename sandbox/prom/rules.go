package prom

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
)

// group is rules that are evaluated one after the other.
type group struct {
	name  string
	rules []*rule
	took  time.Duration
	at    time.Time // of the last evaluation
}

// rule writes what its query finds: as a series of its own, or, if it is an
// alerting one, as alerts.
type rule struct {
	name     string
	query    string // as the parser prints it
	labels   labels.Labels
	alerting *alerting

	written map[*series]bool // by the last evaluation; gone from there, they end

	// of the last evaluation
	health string
	err    error
	took   time.Duration
	at     time.Time
}

// A rule's health.
const (
	healthUnknown = "unknown"
	healthGood    = "ok"
	healthBad     = "err"
)

// Eval evaluates the rules at a time: recorded series are written, alerts become
// pending, fire or end. Over a history it is called at each of its times.
func (s *Server) Eval(at time.Time) {
	for _, g := range s.groups {
		began := s.now()
		for _, r := range g.rules {
			s.eval(r, at)
		}
		s.ruling.Lock()
		g.at, g.took = at, s.now().Sub(began)
		s.ruling.Unlock()
	}
}

// eval evaluates one rule. After an error, what it found before stays.
func (s *Server) eval(r *rule, at time.Time) {
	began := s.now()
	found, err := s.vector(r.query, at)
	s.ruling.Lock()
	defer s.ruling.Unlock()
	if err == nil {
		if r.alerting != nil {
			found, err = r.alert(found, at)
		} else {
			err = r.record(found)
		}
	}
	if err == nil {
		err = s.write(r, at, found)
	}
	r.health, r.err, r.at, r.took = healthGood, err, at, s.now().Sub(began)
	if err != nil {
		r.health = healthBad
	}
}

// vector is what a query finds at a time.
func (s *Server) vector(query string, at time.Time) (promql.Vector, error) {
	ctx := context.Background() // the engine has its own deadline
	q, err := s.engine.NewInstantQuery(ctx, s.db, nil, query, at)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, res.Err
	}
	switch v := own(res.Value).(type) {
	case promql.Vector:
		return v, nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V}}, nil
	}
	return nil, errors.New("rule result is not a vector or scalar")
}

// record names what was found as the rule says.
func (r *rule) record(found promql.Vector) error {
	b := labels.NewBuilder(labels.EmptyLabels())
	for i := range found {
		b.Reset(found[i].Metric)
		b.Set(model.MetricNameLabel, r.name)
		r.labels.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
		found[i].Metric = b.Labels()
	}
	if found.ContainsSameLabelset() {
		return errors.New("vector contains metrics with the same labelset after applying rule labels")
	}
	return nil
}

// write stores the rule's series, and ends those that it wrote last time and now
// does not.
func (s *Server) write(r *rule, at time.Time, found promql.Vector) error {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	t, now := timestamp.FromTime(at), make(map[*series]bool, len(found))
	var refused error
	for _, x := range found {
		in := s.db.get(x.Metric)
		if err := in.add(t, x.F); err != nil {
			refused = err
			continue
		}
		now[in] = true
	}
	for in := range r.written {
		if !now[in] {
			// Refused where another rule goes on with the series, as it should be.
			_ = in.add(t, math.Float64frombits(value.StaleNaN))
		}
	}
	r.written = now
	return refused
}
