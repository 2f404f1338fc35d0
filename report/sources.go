package report

import (
	"context"
	"iter"
	"time"

	"rollbook/model"
)

// Sources are what evidence is read from. One that is nil is told as missing.
// Each honours its context at once, and its errors say why something cannot be
// had (gone, forbidden), in words for a person.
type Sources struct {
	Logs    Logs
	Events  Events
	Objects Objects
	Figures Figures
	Diff    Diff
}

// Logs reads the log of one container, oldest line first, as a stream. An error
// is the last element.
type Logs interface {
	Log(ctx context.Context, of LogOf) iter.Seq2[string, error]
}

// LogOf names a log, or the part of it that is wanted.
type LogOf struct {
	Namespace, Pod, Container string
	Previous                  bool      // of the container before the last restart
	Tail                      int64     // the last so many lines; 0 = all since Since
	Since                     time.Time // with Tail = 0
}

// Events are the newest limit events of a component and its pods.
type Events interface {
	Events(ctx context.Context, c *model.Component, limit int) (model.Events, error)
}

// Objects are a component's workload and what belongs to it, as YAML; Secrets
// without their data.
type Objects interface {
	Objects(ctx context.Context, c *model.Component) []Object
}

// Object is one of them; Err says why it could not be had.
type Object struct {
	Kind, Name string
	YAML       string
	Err        error
}

// Figures are what Prometheus says of a window that lies behind.
type Figures interface {
	Window(ctx context.Context, targets []model.Target, from, to time.Time) ([]model.Series, error)
}

// Diff is the difference between what a component runs and the version of that key.
type Diff interface {
	Diff(ctx context.Context, c *model.Component, to string) (string, error)
}

// Bounds keep evidence from filling a disk, the memory, or the operator's time.
// A zero field is its default.
type Bounds struct {
	Tail    int64         // lines of a failing pod's log that are taken at once; 1,000
	Before  time.Duration // of the onset, from where on logs and figures are kept; 30 minutes
	File    int64         // bytes of one file; of a longer log the oldest lines are cut; 5 MB
	Total   int64         // bytes of the folder; 50 MB
	Events  int           // of one component, the newest; 1,000
	Workers int           // sources asked at the same time; 6
	// How long a gathering may take: at the opening 20 s, before a write 1 s, in
	// full 3 minutes.
	Opened, Confirm, Full time.Duration
}

func (b Bounds) orDefault() Bounds {
	def(&b.Tail, 1000)
	def(&b.Before, 30*time.Minute)
	def(&b.File, 5<<20)
	def(&b.Total, 50<<20)
	def(&b.Events, 1000)
	def(&b.Workers, 6)
	def(&b.Opened, 20*time.Second)
	def(&b.Confirm, time.Second)
	def(&b.Full, 3*time.Minute)
	return b
}

func def[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// of is how long a gathering may take.
func (b Bounds) of(m model.Moment) time.Duration {
	switch m {
	case model.AtConfirm:
		return b.Confirm
	case model.InFull:
		return b.Full
	}
	return b.Opened
}
