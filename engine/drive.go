package engine

import (
	"context"
	"time"

	"rollbook/incident"
)

// driveEvery is how often the walk without a screen looks what is next.
const driveEvery = 200 * time.Millisecond

// Drive walks without a screen: it does what next says of the newest snapshot, again and
// again, and returns when next says that it is at its end, or with the error of ctx. It
// runs beside Run. Between what next saw and what is done of it nothing else happens, so
// that nothing is done twice, or on a word that is old.
func (e *Engine) Drive(ctx context.Context, next func(*incident.Snapshot) (do incident.Act, end bool)) error {
	ended := make(chan struct{})
	step := func() {
		select {
		case <-ended: // this turn was queued before it was known
			return
		default:
		}
		do, end := next(&incident.Snapshot{Incident: e.inc, Seen: e.seen, Now: time.Now()})
		switch {
		case end:
			close(ended)
		case do != nil:
			e.handle(incident.Input{At: time.Now(), By: e.operator(), Do: do})
		}
	}
	tick := time.NewTicker(driveEvery)
	defer tick.Stop()
	for {
		e.post(step)
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
