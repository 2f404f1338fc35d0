// Package traffic makes the figures that the shop's pods would export if they
// served customers: requests, errors and latencies, according to annotations of
// each pod's template. So a bad release really raises the error ratio, and a
// rollback really ends it.
package traffic

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"time"
)

// The annotations of a pod that say how it behaves.
const (
	AnnotationErrors  = "testbed/errors"  // share of requests that end in a 500, such as 0.3
	AnnotationLatency = "testbed/latency" // P95, a duration such as 2.5s, or inf
	AnnotationRPS     = "testbed/rps"     // requests a second, 0 for none
)

// Profile is how a pod behaves.
type Profile struct {
	RPS    float64
	Errors float64
	P95    time.Duration // Endless when no request ends within the last bucket
}

// Endless is the P95 of a pod all of whose requests are in the +Inf bucket.
const Endless = time.Duration(math.MaxInt64)

// Default is a pod that is well.
var Default = Profile{RPS: 20, Errors: 0.002, P95: 120 * time.Millisecond}

// ProfileOf reads the annotations; what is missing has its default. A value that
// cannot be read is an error, because a typing mistake would look like health.
func ProfileOf(annotations map[string]string) (Profile, error) {
	p := Default
	if s, ok := annotations[AnnotationErrors]; ok {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || v < 0 || v > 1 {
			return Default, fmt.Errorf("annotation %s: %q is not a share between 0 and 1", AnnotationErrors, s)
		}
		p.Errors = v
	}
	if s, ok := annotations[AnnotationRPS]; ok {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || v < 0 || v > 1e6 {
			return Default, fmt.Errorf("annotation %s: %q is not a number of requests a second", AnnotationRPS, s)
		}
		p.RPS = v
	}
	if s, ok := annotations[AnnotationLatency]; ok {
		if s == "inf" {
			p.P95 = Endless
			return p, nil
		}
		v, err := time.ParseDuration(s)
		if err != nil || v <= 0 {
			return Default, fmt.Errorf("annotation %s: %q is neither a duration nor inf", AnnotationLatency, s)
		}
		p.P95 = v
	}
	return p, nil
}

// Bounds are the buckets of the histogram in seconds, Prometheus' default ones,
// less +Inf.
var Bounds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// sigma is the spread of the latencies, which are log-normal: P50 is then 0.44
// of P95 and P99 1.4 times P95, about what web services show.
const sigma = 0.5

const z95 = 1.6448536269514722 // the normal distribution's 95th percentile

// below is the share of requests that take at most s seconds.
func (p Profile) below(s float64) float64 {
	if p.P95 == Endless {
		return 0
	}
	mu := math.Log(p.P95.Seconds()) - z95*sigma
	return 0.5 * math.Erfc(-(math.Log(s)-mu)/(sigma*math.Sqrt2))
}

// mean is the mean latency in seconds.
func (p Profile) mean() float64 {
	if p.P95 == Endless {
		return 30
	}
	return p.P95.Seconds() * math.Exp(sigma*sigma/2-z95*sigma)
}

var (
	methods  = []string{"GET", "POST"}
	share    = []float64{0.8, 0.2} // of the methods
	statuses = []string{"200", "404", "500"}
)

const notFound = 0.01 // share of 404s among what is not an error

// Counters are one pod's, in fractions of requests: rounding comes at the end,
// so that no rate is lost between two scrapes.
type Counters struct {
	requests [2][3]float64 // by method and status
	buckets  [11]float64   // cumulative, as Bounds
	count    float64
	sum      float64
	phase    float64 // of the load's slow waves, 0 to 2π
}

// NewCounters are a pod's counters at zero. The load of each pod goes up and down
// a little, at its own time, so that charts look alive.
func NewCounters(pod string) *Counters {
	h := fnv.New32a()
	_, _ = h.Write([]byte(pod))
	return &Counters{phase: float64(h.Sum32()) / math.MaxUint32 * 2 * math.Pi}
}

const (
	wave   = 0.1 // height of the waves
	period = 300 // seconds
)

// load is the integral of 1 + wave·sin(2πt/period + phase) from zero to t seconds.
func (c *Counters) load(t float64) float64 {
	w := 2 * math.Pi / period
	return t - wave/w*math.Cos(w*t+c.phase)
}

// Advance lets the pod serve from one time to another.
func (c *Counters) Advance(p Profile, from, to time.Time) {
	if !to.After(from) {
		return
	}
	// Seconds of the day keep enough digits; a wave has a whole number of periods a day.
	day := from.UTC().Truncate(24 * time.Hour)
	n := p.RPS * (c.load(to.Sub(day).Seconds()) - c.load(from.Sub(day).Seconds()))
	for m := range methods {
		k := n * share[m]
		c.requests[m][0] += k * (1 - p.Errors) * (1 - notFound)
		c.requests[m][1] += k * (1 - p.Errors) * notFound
		c.requests[m][2] += k * p.Errors
	}
	for i, b := range Bounds {
		c.buckets[i] += n * p.below(b)
	}
	c.count += n
	c.sum += n * p.mean()
}
