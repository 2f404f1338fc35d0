package prom

import (
	"math"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// point is a sample of a series. Its pointer is a chunks.Sample.
type point struct {
	t int64 // milliseconds
	v float64
}

func (p *point) T() int64                    { return p.t }
func (p *point) F() float64                  { return p.v }
func (*point) ST() int64                     { return 0 }
func (*point) H() *histogram.Histogram       { return nil }
func (*point) FH() *histogram.FloatHistogram { return nil }
func (*point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p *point) Copy() chunks.Sample         { c := *p; return &c }

// points are in the order of their times, no two at one. They implement
// storage.Samples.
type points []point

func (p points) Get(i int) chunks.Sample { return &p[i] }
func (p points) Len() int                { return len(p) }

// after is the index of the first that is later than t.
func (p points) after(t int64) int {
	return sort.Search(len(p), func(i int) bool { return p[i].t > t })
}

// within are those from one time to another, both included.
func (p points) within(from, to int64) points {
	first := sort.Search(len(p), func(i int) bool { return p[i].t >= from })
	return p[first:max(first, p.after(to))]
}

// add appends a sample, by Prometheus' rules of what may follow. The lock of
// the database is held.
func (s *series) add(t int64, v float64) error {
	if n := len(s.points); n > 0 && s.points[n-1].t >= t {
		switch last := s.points[n-1]; {
		case last.t > t:
			return storage.ErrOutOfOrderSample
		case math.Float64bits(last.v) != math.Float64bits(v):
			return storage.ErrDuplicateSampleForTimestamp
		}
		return nil
	}
	s.points = append(s.points, point{t, v})
	return nil
}
