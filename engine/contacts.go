package engine

import (
	"context"
	"time"
)

const (
	contactsEvery    = 5 * time.Minute
	contactsDeadline = 20 * time.Second
)

// contactsIfDue asks who is on call: at the start, and every few minutes while
// an incident is open.
func (e *Engine) contactsIfDue() {
	const name = "contacts"
	switch asked := e.errand(name).round > 0; {
	case e.cfg.Contacts == nil:
		e.seen.OnCallOff = notConfigured
		return
	case asked && (e.inc.ID == "" || !e.inc.Closed.IsZero()):
		return
	}
	e.every(name, contactsEvery, contactsDeadline, func(ctx context.Context, tell func(func())) {
		people, at, err := e.cfg.Contacts.OnCall(ctx)
		tell(func() {
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
