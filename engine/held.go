package engine

import (
	"errors"
	"path/filepath"
)

// errGlance is why nothing is written by an engine that keeps nothing.
var errGlance = errors.New("this is a glance: nothing is kept, and nothing is changed")

// heldEffect waits until everything journaled before it, its intent above all,
// is on disk.
type heldEffect struct {
	seq    int
	run    func()
	refuse func(err error) // no disk takes it
}

// hold keeps an effect until what was journaled so far is on disk.
func (e *Engine) hold(run func(), refuse func(err error)) {
	if e.cfg.Glance {
		refuse(errGlance)
		return
	}
	if e.book == nil || e.inc.WithoutJournal {
		run()
		return
	}
	e.held = append(e.held, heldEffect{seq: e.book.Len(), run: run, refuse: refuse})
	e.startHeld()
}

func (e *Engine) startHeld() {
	rest := e.held[:0]
	var now []heldEffect
	for _, h := range e.held {
		if h.seq <= e.acked {
			now = append(now, h)
		} else {
			rest = append(rest, h)
		}
	}
	e.held = rest
	for _, h := range now {
		h.run()
	}
}

// refuseHeld gives up what no disk takes the intent of. The walk then shows why,
// and the operator may go on without a journal.
func (e *Engine) refuseHeld(err error) {
	held := e.held
	e.held = nil
	for _, h := range held {
		h.refuse(err)
	}
}

// holdOwed is hold for what is waited for on leaving: run in a goroutine of its
// own, it gets the incident's folder ("" = there is none) and returns what the
// owner does with its outcome. After a panic nobody waits.
func (e *Engine) holdOwed(run func(dir string) (done func()), refuse func(err error)) {
	e.owed.Add(1)
	e.hold(func() {
		dir := e.dir()
		e.spawn(func() {
			ended := false
			defer func() {
				if !ended {
					e.owed.Add(-1)
				}
			}()
			done := run(dir)
			ended = true
			e.post(func() {
				done()
				e.owed.Add(-1)
			})
		})
	}, func(err error) {
		e.owed.Add(-1)
		refuse(err)
	})
}

// dir is the incident's folder; "" while there is none.
func (e *Engine) dir() string {
	if e.seen.Journal == "" {
		return ""
	}
	return filepath.Dir(e.seen.Journal)
}
