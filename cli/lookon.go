package cli

import (
	"context"
	"time"

	"rollbook/engine"
	"rollbook/engine/journal"
	"rollbook/replay"
)

// followEvery is how often a journal that another program may write is looked at.
const followEvery = time.Second

// lookOn reads the journal of another rollbook at its end, as it grows.
func lookOn(ctx context.Context, c *journal.Content, show func(engine.Theirs)) {
	r, err := replay.Open(journal.NewTail(c), c.Path)
	if err != nil {
		show(engine.Theirs{Err: err})
		return
	}
	r.Last()
	tell := func() {
		if _, of := r.At(); of > 0 {
			show(engine.Theirs{Incident: r.Snapshot().Incident, Left: r.Left(), Err: r.Err()})
		}
	}
	tell()
	r.Follow(ctx, followEvery, tell)
}
