package metrics

import (
	"math"
	"time"

	pmodel "github.com/prometheus/common/model"

	"rollbook/model"
	"rollbook/text"
)

// grid is the times that a range query is evaluated at.
type grid struct {
	from time.Time
	res  time.Duration // at least a millisecond
	n    int
}

// at is a grid of one time: an instant.
func at(t time.Time) grid { return grid{from: t, res: time.Second, n: 1} }

func (g grid) time(i int) time.Time { return g.from.Add(time.Duration(i) * g.res) }

// index is where t stands on the grid; -1 = nowhere. Prometheus' times are whole
// milliseconds.
func (g grid) index(t time.Time) int {
	d := t.Sub(g.from) + time.Millisecond/2
	if d < 0 || d%g.res >= time.Millisecond {
		return -1
	}
	if i := int(d / g.res); i < g.n {
		return i
	}
	return -1
}

// points is the most of one answer: some three megabytes of JSON, which takes
// four times that while it is read.
const points = 100_000

// pieces are the grid in parts, so that half an hour of 1,000 Deployments is read
// in bounded memory: in one piece the heap's peak was 45 MB, in pieces of 40,000
// points 35 MB and a third slower.
func (g grid) pieces(workloads int) (out []grid) {
	n := max(4, points/(2*max(1, workloads))) // two series: with errors and without
	for i := 0; i < g.n; i += n {
		out = append(out, grid{from: g.time(i), res: g.res, n: min(n, g.n-i)})
	}
	return out
}

// values are one per time of a grid; NaN is: absent.
type values []float64

func (g grid) empty() values {
	v := make(values, g.n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}

// put sets the points that are on the grid and are numbers.
func (v values) put(g grid, points []pmodel.SamplePair) {
	for _, p := range points {
		if i := g.index(p.Timestamp.Time()); i >= 0 && usable(float64(p.Value)) {
			v[i] = float64(p.Value)
		}
	}
}

// most is beyond any count; what is over it would make a sum infinite.
const most = 1e300

// add is put for sums of what cannot be less than nothing.
func (v values) add(g grid, points []pmodel.SamplePair) {
	for _, p := range points {
		if i := g.index(p.Timestamp.Time()); i >= 0 && usable(float64(p.Value)) && p.Value >= 0 && p.Value < most {
			if math.IsNaN(v[i]) {
				v[i] = 0
			}
			v[i] += float64(p.Value)
		}
	}
}

func usable(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// counted is the requests of one workload over a grid.
type counted struct {
	all, errs values // errs is 0, not absent, where there are requests and no errors
	label     string // which label says 5xx: status, code, or both; "" = none did
}

// total is the number of requests at i; false = no series had two samples there.
func (c *counted) total(i int) (float64, bool) {
	if c == nil || math.IsNaN(c.all[i]) {
		return 0, false
	}
	return c.all[i], true
}

// ratio is the error ratio at i; the caller has seen that total is over zero.
func (c *counted) ratio(i int) float64 {
	if math.IsNaN(c.errs[i]) {
		return 0
	}
	return c.errs[i] / c.all[i]
}

// countsInto adds the answer to scope.counts to out, by workload.
func (s scope) countsInto(out map[string]*counted, m pmodel.Matrix, g grid) {
	for _, stream := range m {
		k, ok := s.keyOf(stream.Metric)
		if !ok {
			continue
		}
		c := out[k]
		if c == nil {
			c = &counted{all: g.empty(), errs: g.empty()}
			out[k] = c
		}
		c.all.add(g, stream.Values)
		if l := string(stream.Metric[errLabel]); l != "" {
			c.errs.add(g, stream.Values)
			if c.label != "" && c.label != l {
				l = bothLabels
			}
			c.label = l
		}
	}
}

// latency is a quantile of one workload over a grid.
type latency struct {
	v       values
	atLeast []bool // in the +Inf bucket: v is the last finite bound; nil = nowhere
}

func (l *latency) at(i int) (v float64, atLeast, ok bool) {
	if l == nil || math.IsNaN(l.v[i]) || l.v[i] < 0 {
		return 0, false, false
	}
	return l.v[i], l.atLeast != nil && l.atLeast[i], true
}

// quantilesInto puts the answer to scope.quantile into out, by workload.
func (s scope) quantilesInto(out map[string]*latency, m pmodel.Matrix, g grid) {
	for _, stream := range m {
		if k, ok := s.keyOf(stream.Metric); ok {
			if out[k] == nil {
				out[k] = &latency{v: g.empty()}
			}
			out[k].v.put(g, stream.Values)
		}
	}
}

// mark sets atLeast wherever top, the 1-quantile, is the same number. Both are
// then the last finite bound: below it, 0.95 is interpolated to less than the
// bucket's end while 1 is that end (promql/quantile.go, BucketQuantile, v0.316).
// That needs no knowledge of the buckets, which differ between revisions.
func (l *latency) mark(top *latency) {
	if top == nil {
		return
	}
	for i, v := range l.v {
		if !math.IsNaN(v) && v == top.v[i] {
			if l.atLeast == nil {
				l.atLeast = make([]bool, len(l.v))
			}
			l.atLeast[i] = true
		}
	}
}

// keyOf is the workload's key of a series that a scope's query returned; false
// = a pod of something else.
func (s scope) keyOf(m pmodel.Metric) (string, bool) {
	w := string(m[byLabel])
	return string(m[pmodel.LabelName(s.preset.Namespace)]) + "/" + w, w != ""
}

// toSamples are the values that keep allows, at the whole steps of the grid.
func (g grid) samples(step time.Duration, value func(i int) (model.Sample, bool)) []model.Sample {
	var out []model.Sample
	for i := range g.n {
		t := g.time(i)
		if t.UnixMilli()%step.Milliseconds() != 0 {
			continue
		}
		if s, ok := value(i); ok {
			s.At = t
			out = append(out, s)
		}
	}
	return out
}

// series names a series for an error: its labels, safe and short.
func series(m pmodel.Metric) string {
	s := text.Line(m.String())
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}
