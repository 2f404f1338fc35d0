package engine

import (
	"context"
	"time"
)

const (
	contactsEvery    = 5 * time.Minute
	contactsDeadline = 20 * time.Second
)

// contacting is the state of asking who is on call.
type contacting struct {
	under bool
	due   time.Time
}

// contactsIfDue asks who is on call: at the start, and every few minutes while
// an incident is open.
func (e *Engine) contactsIfDue() {
	now := time.Now()
	switch {
	case e.cfg.Contacts == nil:
		e.seen.OnCallOff = notConfigured
		return
	case e.contacting.under || now.Before(e.contacting.due),
		!e.contacting.due.IsZero() && (e.inc.ID == "" || !e.inc.Closed.IsZero()):
		return
	}
	e.contacting.under = true
	e.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, contactsDeadline)
		defer cancel()
		people, at, err := e.cfg.Contacts.OnCall(ctx)
		e.post(func() {
			e.contacting.under, e.contacting.due, e.dirty = false, now.Add(contactsEvery), true
			e.seen.OnCallErr = ""
			if err != nil {
				e.seen.OnCallErr = err.Error()
			}
			if err == nil || len(people) > 0 {
				e.seen.OnCall, e.seen.OnCallAt = people, at
			}
		})
	})
}
