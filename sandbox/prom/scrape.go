package prom

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
)

// A Target is what is scraped. It is one target for as long as it is the same
// pointer, and is not changed once scraped.
type Target struct {
	Pool       string // job_name of the configuration
	URL        string
	Labels     map[string]string // job, instance and the others that all its series have
	Discovered map[string]string // what discovery said, before relabelling
	Families   []Family
}

// Family is what a target says of the metrics of one name.
type Family struct{ Name, Type, Help string }

// Series is the set of labels of one of the target's series. Labels of its own
// win over the target's, as with honor_labels.
func (t *Target) Series(name string, pairs ...string) labels.Labels {
	b := labels.NewBuilder(labels.FromMap(t.Labels))
	for i := 0; i < len(pairs); i += 2 {
		b.Set(pairs[i], pairs[i+1])
	}
	return b.Set(model.MetricNameLabel, name).Labels()
}

// A Sample is a value of one of a target's series.
type Sample struct {
	Labels labels.Labels // as Series makes them; made once and kept, they cost nothing
	Value  float64
}

// A Scrape is what asking a target brought.
type Scrape struct {
	Target  *Target
	Samples []Sample
	Took    time.Duration
	Err     error // it did not answer
}

// targets are those that there are, with their last scrape.
type targets struct {
	mu    sync.Mutex
	round uint64
	all   []*scraped
}

// scraped is a target's state.
type scraped struct {
	Scrape
	at     time.Time
	series []*series // of its last answer
	report [3]labels.Labels
}

// Scrape takes in a whole round: what each target that there is answered. As
// with Prometheus itself, `up` is 1 or 0, and what a target no longer has, or a
// target that is gone, ends at once with a staleness marker.
func (s *Server) Scrape(at time.Time, round []Scrape) {
	s.targets.mu.Lock()
	defer s.targets.mu.Unlock()
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	t, before := timestamp.FromTime(at), map[*Target]*scraped{}
	for _, x := range s.targets.all {
		before[x.Target] = x
	}
	s.targets.round++
	s.targets.all = make([]*scraped, 0, len(round))
	for _, r := range round {
		x := before[r.Target]
		if x == nil {
			x = &scraped{report: [3]labels.Labels{r.Target.Series("up"), r.Target.Series("scrape_duration_seconds"), r.Target.Series("scrape_samples_scraped")}}
		}
		delete(before, r.Target)
		x.Scrape, x.at = r, at
		s.take(x, t)
		s.targets.all = append(s.targets.all, x)
	}
	for _, x := range before {
		s.end(x.series, t)
		for _, l := range x.report {
			s.end([]*series{s.db.get(l)}, t)
		}
	}
	s.db.trim(t)
}

// take stores one target's answer.
func (s *Server) take(x *scraped, t int64) {
	old := x.series
	x.series = make([]*series, 0, len(x.Samples))
	up := 1.0
	if x.Err != nil {
		up, x.Samples = 0, nil
	}
	for _, sample := range x.Samples {
		s.put(x, sample.Labels, t, sample.Value)
	}
	gone := slices.DeleteFunc(old, func(o *series) bool { return o.round == s.targets.round })
	s.end(gone, t)
	for i, v := range [...]float64{up, x.Took.Seconds(), float64(len(x.Samples))} {
		_ = s.db.get(x.report[i]).add(t, v)
	}
	x.Samples = nil // they are stored
}

// put stores a sample. One that is not newer than the last is dropped, as a
// scrape drops it.
func (s *Server) put(x *scraped, l labels.Labels, t int64, v float64) {
	in := s.db.get(l)
	in.round = s.targets.round
	_ = in.add(t, v)
	x.series = append(x.series, in)
}

// end marks series as gone.
func (s *Server) end(gone []*series, t int64) {
	for _, g := range gone {
		_ = g.add(t, math.Float64frombits(value.StaleNaN))
	}
}

// Bound writes the upper limit of a histogram's bucket as Prometheus 3 stores
// it: with a decimal point.
func Bound(le float64) string {
	if math.IsInf(le, 1) {
		return "+Inf"
	}
	s := strconv.FormatFloat(le, 'f', -1, 64)
	if !slices.Contains([]byte(s), '.') {
		s += ".0"
	}
	return s
}
