package prom

import (
	_ "embed" // the rules
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// DefaultRules is a rules file as Prometheus reads it: the alerts HighErrorRate,
// HighLatency and NoPodUp, which fire after a minute, and the series that lead
// from a pod to its workload, named as in kube-prometheus.
//
//go:embed rules.yaml
var DefaultRules []byte

// Options are what a Server needs.
type Options struct {
	Now   func() time.Time // nil = time.Now
	Rules []byte           // nil = DefaultRules

	// Interval is what the API says of the distance of scrapes and evaluations;
	// who calls Scrape and Eval keeps it. 0 = 5 s.
	Interval time.Duration
	// Keep is how long samples are kept; 0 = 2 h.
	Keep time.Duration
}

// Server is the sandbox's Prometheus.
type Server struct {
	now      func() time.Time
	interval time.Duration
	keep     time.Duration
	started  time.Time

	db      *database
	engine  *promql.Engine
	parser  parser.Parser
	targets targets

	ruling sync.RWMutex // what the groups and rules change
	groups []*group     // in the file's order: later ones use what earlier ones record
}

// The limits of a query, so that a mistyped one cannot take the sandbox along.
const (
	queryTimeout = 10 * time.Second
	querySamples = 5_000_000
)

// New is a Server without samples. An error says which rule is wrong, and where.
func New(o Options) (*Server, error) {
	s := &Server{now: o.Now, interval: o.Interval, keep: o.Keep}
	if s.now == nil {
		s.now = time.Now
	}
	if s.interval == 0 {
		s.interval = 5 * time.Second
	}
	if s.keep == 0 {
		s.keep = 2 * time.Hour
	}
	if o.Rules == nil {
		o.Rules = DefaultRules
	}
	s.started = s.now()
	s.db = newDatabase(s.keep.Milliseconds())
	s.parser = parser.NewParser(parser.Options{})
	s.engine = promql.NewEngine(promql.EngineOpts{
		Timeout: queryTimeout, MaxSamples: querySamples, LookbackDelta: 5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return s.interval.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true,
		Parser: s.parser,
	})
	var err error
	if s.groups, err = readRules(o.Rules, s.parser); err != nil {
		return nil, fmt.Errorf("read the rules %s: %w", rulesFile, err)
	}
	return s, nil
}

// Append adds one sample, beside those of Scrape. Samples of a series must
// come in the order of their times.
func (s *Server) Append(at time.Time, l map[string]string, v float64) error {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	ls := labels.FromMap(l)
	if err := s.db.get(ls).add(timestamp.FromTime(at), v); err != nil {
		return fmt.Errorf("append %s at %s: %w", ls, at.Format(time.RFC3339), err)
	}
	return nil
}
