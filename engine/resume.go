package engine

import (
	"context"
	"errors"
	"time"

	"rollbook/engine/journal"
	"rollbook/model"
)

// takeUp goes on with the newest open journal of the same cluster and namespace,
// once it is known which cluster this is. A journal of another cluster is never
// touched.
func (e *Engine) takeUp() {
	id := e.seen.Identity.Cluster
	if id == "" || e.taking || e.inc.ID != "" {
		return
	}
	e.taking = true
	for _, c := range e.cfg.Open {
		if c.Header.Cluster != id || c.Header.Namespace != e.inc.Settings.Namespace {
			continue
		}
		e.background(func(context.Context) {
			book, err := journal.Resume(c, e.cfg.Journals, e.ack)
			e.post(func() { e.tookUp(c, book, err) })
		})
		return
	}
}

// tookUp replaces what was gathered since the start by the incident of the
// journal; what is still so will be found again.
func (e *Engine) tookUp(c *journal.Content, book *journal.Writer, err error) {
	e.dirty = true
	switch {
	case errors.Is(err, journal.ErrLocked):
		e.lookOn(c)
		return
	case err != nil:
		e.seen.JournalE = err.Error()
		return
	case e.inc.ID != "":
		// The operator was quicker and has opened a new incident.
		book.Close()
		return
	}
	e.book, e.pending = book, nil
	e.acked = book.Len()
	e.inc = model.Fold(c.Facts)
	e.seen.Journal, e.seen.Resumed = c.Path, true
	e.begin()
	e.handle(model.Input{At: time.Now(), By: e.cfg.Settings.Operator, Do: model.TakenUp{Host: e.cfg.Host}})
}
