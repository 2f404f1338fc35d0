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

// present is the grid of one time that only the server knows.
var present = grid{n: 1}

func (g grid) time(i int) time.Time { return g.from.Add(time.Duration(i) * g.res) }

// index is where t stands on the grid, by the nearest step; -1 = nowhere. What
// stands between the steps was moved by a query frontend, which rounds what it is
// asked for; an instant has one value, whatever time it bears.
func (g grid) index(t time.Time) int {
	if g.n == 1 {
		return 0
	}
	d := t.Sub(g.from) + g.res/2
	if i := int(d / g.res); d >= 0 && i < g.n {
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

// add is put for sums of what cannot be less than nothing. What is there and is no
// such number spoils the sum: it must not pass for nothing.
func (v values) add(g grid, points []pmodel.SamplePair) {
	before := -1
	for _, p := range points {
		i := g.index(p.Timestamp.Time())
		if i < 0 || i == before {
			continue
		}
		before = i
		if math.IsNaN(v[i]) {
			v[i] = 0
		}
		if f := float64(p.Value); f >= 0 && f < most {
			v[i] += f
		} else {
			v[i] = spoilt
		}
	}
}

// spoilt is a sum in which something was no number of its kind.
var spoilt = math.Inf(1)

func usable(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// part is the series of one owner that bear the same mark, added up over a grid.
type part struct {
	mark string // the value of the label that the question names; "" = they have none
	v    values
}

// parts are all series of one owner.
type parts []part

// sum adds up at time i what bears a mark that is wanted; false = there is nothing.
func (p parts) sum(i int, wanted func(mark string) bool) (sum float64, ok bool) {
	for _, x := range p {
		if wanted(x.mark) && !math.IsNaN(x.v[i]) {
			sum, ok = sum+x.v[i], true
		}
	}
	return sum, ok
}

// total is the sum of all at time i; false = there is nothing.
func (p parts) total(i int) (float64, bool) {
	return p.sum(i, func(string) bool { return true })
}

// count is a total as a sample, or why there is none.
func (p parts) count(i int, none string) (model.Sample, string) {
	n, ok := p.total(i)
	switch {
	case !ok:
		return model.Sample{}, none
	case n == spoilt:
		return model.Sample{}, noCount
	}
	return model.Sample{V: n}, ""
}

const noCount = "a count is no number (NaN, negative or infinite)"

// failed is how many of the requests failed at time i, or why that is not known. It is
// a lower bound where the outcome of more than the odd one is unknown.
func (p parts) failed(i int) (s model.Sample, why string) {
	all, why := p.count(i, "")
	if why != "" {
		return s, why
	}
	told, _ := p.sum(i, isOutcome)
	s.V, _ = p.sum(i, isError)
	switch {
	case told == 0 && all.V > 0:
		return s, noOutcome
	case all.V-told > odd*all.V:
		s.AtLeast = true
	}
	return s, ""
}

// odd is the share of requests whose outcome may be unknown without a word: half of
// what Verify asks for, by default.
const odd = 0.0005

const noOutcome = "outcome unknown: no label tells the status of the requests"

// latency is a quantile of one owner over a grid.
type latency struct {
	v       values
	atLeast []bool // in the +Inf bucket: v is the last finite bound; nil = nowhere
}

// at is the value at time i; false = there is none.
func (l *latency) at(i int) (s model.Sample, ok bool) {
	if l == nil || math.IsNaN(l.v[i]) {
		return s, false
	}
	return model.Sample{V: l.v[i], AtLeast: l.atLeast != nil && l.atLeast[i]}, true
}

// mark sets atLeast wherever top, the 1-quantile, is the same number. Both are
// then the last finite bound: below it, 0.95 is interpolated to less than the
// bucket's end while 1 is that end (promql/quantile.go, BucketQuantile, v0.316).
// That needs no knowledge of the buckets, which differ between revisions.
func (l *latency) mark(top values) {
	for i, v := range l.v {
		if top != nil && v == top[i] {
			if l.atLeast == nil {
				l.atLeast = make([]bool, len(l.v))
			}
			l.atLeast[i] = true
		}
	}
}

// samples are what value knows at the whole steps of the grid.
func (g grid) samples(step time.Duration, value func(i int) (model.Sample, string)) []model.Sample {
	var out []model.Sample
	for i := range g.n {
		t := g.time(i)
		if t.UnixMilli()%step.Milliseconds() != 0 {
			continue
		}
		if s, why := value(i); why == "" {
			s.At = t
			out = append(out, s)
		}
	}
	return out
}

// named names a series for an error: its labels, safe and short.
func named(m pmodel.Metric) string {
	s := text.Line(m.String())
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}
