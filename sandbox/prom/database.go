package prom

import (
	"context"
	"slices"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// database keeps the samples of the last while. tsdb would write into the
// working folder even for its head alone.
type database struct {
	keep int64 // milliseconds

	mu      sync.RWMutex
	byHash  map[uint64][]*series
	byName  map[string][]*series
	trimmed int64 // when old samples were last dropped
}

// series is what one set of labels was. Its samples are only ever appended to;
// trimming makes new slices, so that a query may read its part without the lock.
type series struct {
	labels labels.Labels
	points points
	round  uint64 // of scrapes, in which it was last seen
}

func newDatabase(keep int64) *database {
	return &database{keep: keep, byHash: map[uint64][]*series{}, byName: map[string][]*series{}}
}

// get returns the series of labels, made if need be. The lock is held.
func (d *database) get(l labels.Labels) *series {
	h := l.Hash()
	for _, s := range d.byHash[h] {
		if labels.Equal(s.labels, l) {
			return s
		}
	}
	s := &series{labels: l}
	name := l.Get(model.MetricNameLabel)
	d.byHash[h] = append(d.byHash[h], s)
	d.byName[name] = append(d.byName[name], s)
	return s
}

// trim drops what is older than the retention at t, but not each time that a
// sample becomes so. The lock is held.
func (d *database) trim(t int64) {
	const pause = 60_000
	if t-d.trimmed < pause {
		return
	}
	d.trimmed = t
	oldest := t - d.keep
	kept := func(s *series) bool { return s.points[len(s.points)-1].t >= oldest }
	for name, all := range d.byName {
		all = slices.DeleteFunc(slices.Clone(all), func(s *series) bool { return !kept(s) })
		if len(all) == 0 {
			delete(d.byName, name)
			continue
		}
		d.byName[name] = all
		for _, s := range all {
			// A tenth of slack, or each turn would copy nearly all.
			if i := s.points.after(oldest - 1); i > len(s.points)/10 {
				s.points = slices.Clone(s.points[i:])
			}
		}
	}
	for h, all := range d.byHash {
		if all = slices.DeleteFunc(all, func(s *series) bool { return !kept(s) }); len(all) == 0 {
			delete(d.byHash, h)
		} else {
			d.byHash[h] = all
		}
	}
}

// Querier implements storage.Queryable.
func (d *database) Querier(from, to int64) (storage.Querier, error) {
	return &querier{d, from, to}, nil
}

// querier reads the samples from one time to another, both included.
type querier struct {
	d        *database
	from, to int64
}

// matching returns the series with samples in the querier's time, these alone.
func (q *querier) matching(matchers []*labels.Matcher) []storage.Series {
	q.d.mu.RLock()
	defer q.d.mu.RUnlock()
	var out []storage.Series
	look := func(all []*series) {
		for _, s := range all {
			if !matches(s.labels, matchers) {
				continue
			}
			if p := s.points.within(q.from, q.to); len(p) > 0 {
				out = append(out, &storage.SeriesEntry{Lset: s.labels, SampleIteratorFn: func(chunkenc.Iterator) chunkenc.Iterator {
					return storage.NewListSeriesIterator(p)
				}})
			}
		}
	}
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			look(q.d.byName[m.Value])
			return out
		}
	}
	for _, all := range q.d.byName {
		look(all)
	}
	return out
}

func matches(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// Select implements storage.Querier. The order is always that of the labels:
// then answers without an order of their own are the same each time.
func (q *querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	all := q.matching(matchers)
	slices.SortFunc(all, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &seriesSet{all: all, i: -1}
}

// LabelValues implements storage.LabelQuerier.
func (q *querier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.distinct(matchers, func(l labels.Labels, found func(string)) {
		if v := l.Get(name); v != "" {
			found(v)
		}
	}), nil, nil
}

// LabelNames implements storage.LabelQuerier.
func (q *querier) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.distinct(matchers, func(l labels.Labels, found func(string)) {
		l.Range(func(l labels.Label) { found(l.Name) })
	}), nil, nil
}

func (q *querier) distinct(matchers []*labels.Matcher, of func(labels.Labels, func(string))) []string {
	seen := map[string]bool{}
	for _, s := range q.matching(matchers) {
		of(s.Labels(), func(v string) { seen[v] = true })
	}
	out := make([]string, 0, len(seen))
	for v := range seen {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// Close implements storage.LabelQuerier.
func (*querier) Close() error { return nil }

type seriesSet struct {
	all []storage.Series
	i   int
}

func (s *seriesSet) Next() bool                        { s.i++; return s.i < len(s.all) }
func (s *seriesSet) At() storage.Series                { return s.all[s.i] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
