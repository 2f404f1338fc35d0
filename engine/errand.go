package engine

import (
	"context"
	"time"
)

// errand is the state of one thing that the engine does beside the walk.
type errand struct {
	round int       // of its newest start: what an earlier one brings is dropped
	under bool      // it is under way
	due   time.Time // when it may start again
}

// errand returns the state of the errand of that name.
func (e *Engine) errand(name string) *errand {
	x := e.errands[name]
	if x == nil {
		x = &errand{}
		e.errands[name] = x
	}
	return x
}

// idle reports whether the errand of that name is not under way and is due.
func (e *Engine) idle(name string) bool {
	x := e.errand(name)
	return !x.under && !time.Now().Before(x.due)
}

// anew starts an errand, whether or not an earlier one of its name is still under
// way. f runs in a goroutine of its own, with a deadline; what it tells is done by the
// owner, but dropped once a later one of its name has started.
func (e *Engine) anew(name string, deadline time.Duration, f func(ctx context.Context, tell func(func()))) {
	x := e.errand(name)
	x.round++
	x.under = true
	round := x.round
	tell := func(do func()) {
		e.post(func() {
			if x.round == round {
				do()
				e.dirty = true
			}
		})
	}
	e.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		defer tell(func() { x.under = false })
		f(ctx, tell)
	})
}

// every starts an errand if it is idle, and makes it due again so long after its
// start. It reports whether it was started.
func (e *Engine) every(name string, interval, deadline time.Duration, f func(ctx context.Context, tell func(func()))) bool {
	if !e.idle(name) {
		return false
	}
	e.errand(name).due = time.Now().Add(interval)
	e.anew(name, deadline, f)
	return true
}

// forget drops what is under way of an errand and makes it due at once.
func (e *Engine) forget(name string) {
	x := e.errand(name)
	x.round++
	x.under, x.due = false, time.Time{}
}
