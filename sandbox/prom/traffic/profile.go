// Package traffic makes the figures that the sandbox's pods would export if they
// served customers: requests, errors and latencies, by what each of them is
// doing. So a bad release really raises the error ratio, and a rollback really
// ends it. Names, buckets and labels are those of the testbed's traffic.
package traffic

import (
	"hash/fnv"
	"math"
	"time"
)

// Profile is how a pod serves.
type Profile struct {
	RPS    float64 // requests a second, while all pods of its workload are ready
	Errors float64 // share that end in a 500
	P95    time.Duration
}

// Endless is the P95 of a pod all of whose requests are in the +Inf bucket.
const Endless = time.Duration(math.MaxInt64)

// Well is a pod that is well.
var Well = Profile{RPS: 20, Errors: 0.002, P95: 120 * time.Millisecond}

// bounds are the buckets of the histogram in seconds, Prometheus' default ones,
// less +Inf.
var bounds = [...]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

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

// shares are the shares of requests in the buckets, cumulative.
func (p Profile) shares() (out [len(bounds)]float64) {
	for i, b := range bounds {
		out[i] = p.below(b)
	}
	return out
}

// mean is the mean latency in seconds.
func (p Profile) mean() float64 {
	if p.P95 == Endless {
		return 30
	}
	return p.P95.Seconds() * math.Exp(sigma*sigma/2-z95*sigma)
}

var (
	methods  = [...]string{"GET", "POST"}
	share    = [...]float64{0.8, 0.2} // of the methods
	statuses = [...]string{"200", "404", "500"}
)

const notFound = 0.01 // share of 404s among what is not an error

// counters are one pod's, in fractions of requests: rounding comes at the end,
// so that no rate is lost between two scrapes.
type counters struct {
	requests [len(methods)][len(statuses)]float64
	buckets  [len(bounds)]float64 // cumulative
	count    float64
	sum      float64
}

// phase is when the waves of a pod's load come, 0 to 2π: each at its own time,
// so that charts look alive.
func phase(pod string) float64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(pod))
	return float64(h.Sum32()) / math.MaxUint32 * 2 * math.Pi
}

const (
	wave   = 0.1 // height of the waves
	period = 300 // seconds
)

// load is the integral of 1 + wave·sin(2πt/period + phase) from zero to t seconds.
func load(t, phase float64) float64 {
	w := 2 * math.Pi / period
	return t - wave/w*math.Cos(w*t+phase)
}

// advance lets a pod serve from one time to another; shares are the profile's,
// factor is what it has of the profile's load.
func (c *counters) advance(p Profile, shares *[len(bounds)]float64, factor, phase float64, from, to time.Time) {
	if !to.After(from) {
		return
	}
	// Seconds of the day keep enough digits; a wave has a whole number of periods a day.
	day := from.UTC().Truncate(24 * time.Hour)
	n := p.RPS * factor * (load(to.Sub(day).Seconds(), phase) - load(from.Sub(day).Seconds(), phase))
	for m := range methods {
		k := n * share[m]
		c.requests[m][0] += k * (1 - p.Errors) * (1 - notFound)
		c.requests[m][1] += k * (1 - p.Errors) * notFound
		c.requests[m][2] += k * p.Errors
	}
	for i, x := range shares {
		c.buckets[i] += n * x
	}
	c.count += n
	c.sum += n * p.mean()
}
