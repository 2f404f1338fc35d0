package sandbox

import (
	"strings"
	"time"

	"rollbook/sandbox/sim"
)

// An Image says how the containers of an image behave. What it leaves out it
// has from the image's name without the tag, and from good health.
type Image struct {
	Errors     *Share
	P95        *Latency
	RPS        *float64
	Quiet      *bool // exports no figures
	Start      *Span // until it is ready
	NeverReady *bool `yaml:"never_ready"`
	PullFails  *bool `yaml:"pull_fails"`
	Crash      *Crash
	Log        *Log
	Then       []Then
	When       []When
}

// When is another behaviour of containers with certain variables, or while the schema of
// the database is at a migration. What it leaves out stays as it is.
type When struct {
	Env    map[string]string // that it was started with
	Schema string            // newest migration that is applied
	Image  `yaml:",inline"`
}

// Crash is how a container ends by itself.
type Crash struct {
	Exit  int32
	After Span
	Log   []string // its last lines
}

// Log is what a container writes.
type Log struct {
	Style  string // python, node, rust, postgres
	Start  []string
	Failed []string // after a request that failed
	Slow   []string // now and then while requests are slow
	Paths  []string
}

// Then is another behaviour from a moment on. What it leaves out it has from
// good health.
type Then struct {
	At    Moment
	Image `yaml:",inline"`
}

// behaviours answers what the simulation asks of images.
type behaviours struct {
	images  map[string]Image
	opening time.Time
	schema  func() string // newest migration that is applied; nil = there is no schema
}

// of is safe for concurrent use: nothing changes any more.
func (b *behaviours) of(image string, env map[string]string) sim.Behaviour {
	repo, _, _ := strings.Cut(image, ":")
	healthy := sim.Behaviour{Errors: 0.002, P95: 120 * time.Millisecond}
	b.apply(b.images[repo], env, &healthy)
	// A version that nobody asks still counts that nobody does.
	healthy.HTTP = healthy.RPS > 0
	out := healthy
	own := b.images[image]
	if repo != image {
		b.apply(own, env, &out)
	}
	out.HTTP = out.HTTP || out.RPS > 0
	for _, t := range own.Then {
		c := sim.Change{From: b.opening.Add(time.Duration(t.At)), Behaviour: healthy}
		t.apply(&c.Behaviour)
		c.HTTP = c.HTTP || c.RPS > 0
		out.Then = append(out.Then, c)
	}
	return out
}

// apply gives a behaviour what an image says, as things are.
func (b *behaviours) apply(i Image, env map[string]string, to *sim.Behaviour) {
	i.apply(to)
	for _, w := range i.When {
		is := w.Schema == "" || b.schema != nil && b.schema() == w.Schema
		for k, v := range w.Env {
			is = is && env[k] == v
		}
		if is {
			w.apply(to)
		}
	}
}

func (i Image) apply(b *sim.Behaviour) {
	set(&b.RPS, i.RPS)
	set(&b.Quiet, i.Quiet)
	set(&b.NeverReady, i.NeverReady)
	set(&b.PullFails, i.PullFails)
	if i.Errors != nil {
		b.Errors = float64(*i.Errors)
	}
	if i.P95 != nil {
		b.P95 = time.Duration(*i.P95)
	}
	if i.Start != nil {
		b.Start = time.Duration(*i.Start)
	}
	if c := i.Crash; c != nil {
		b.Crash = &sim.Crash{Exit: c.Exit, After: time.Duration(c.After), Lines: c.Log}
	}
	if l := i.Log; l != nil {
		if l.Style != "" {
			b.Log.Style = l.Style
		}
		for _, x := range []struct {
			to   *[]string
			from []string
		}{{&b.Log.Start, l.Start}, {&b.Log.Failed, l.Failed}, {&b.Log.Slow, l.Slow}, {&b.Log.Paths, l.Paths}} {
			if x.from != nil {
				*x.to = x.from
			}
		}
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
