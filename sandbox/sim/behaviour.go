package sim

import (
	"math"
	"time"
)

// Behaviour is how the containers of an image behave: what no cluster says of
// an image, and what an incident is about. The zero value is an image that
// starts, gets ready and serves nobody.
type Behaviour struct {
	Errors float64       // share of the requests that end in a 500
	P95    time.Duration // Endless = no request ends within the last bucket
	RPS    float64       // requests a second and pod
	HTTP   bool          // it counts its requests, also while there are none
	Quiet  bool          // exports no figures at all

	Start      time.Duration // from the container's start to ready; 0 = about two seconds
	NeverReady bool          // runs, but its readiness probe fails
	PullFails  bool          // the registry does not have it
	Crash      *Crash        // nil = it does not

	Log  Log
	Then []Change // what it changes to by itself
}

// Behave says how a container of an image behaves, by the environment that it was
// started with: nil before its start. It is safe for concurrent use, and changes
// neither.
type Behave func(image string, env map[string]string) Behaviour

// Endless is the P95 of a container all of whose requests are in the +Inf
// bucket.
const Endless = time.Duration(math.MaxInt64)

// Crash is how a container ends by itself.
type Crash struct {
	Exit  int32
	After time.Duration // its start
	Lines []string      // its last words
}

// Log is what a container writes beside its access log.
type Log struct {
	Style  string   // of its lines: python, node, rust, postgres; "" = plain
	Start  []string // when it starts
	Failed []string // after a request that failed
	Slow   []string // now and then, while requests take over a second
	Paths  []string // that are asked for
}

// Change is another behaviour from a time on: the cause went away, or came.
type Change struct {
	From time.Time
	Behaviour
}

// at is the behaviour at a time.
func (b Behaviour) at(now time.Time) Behaviour {
	for _, c := range b.Then {
		if !now.Before(c.From) {
			then := b.Then
			b = c.Behaviour
			b.Then = then
		}
	}
	return b
}
