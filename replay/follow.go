package replay

import (
	"context"
	"time"
)

// leftAfter is after how long without a fact it is asked whether anybody still
// writes the journal: an open incident is sampled every quarter of a minute.
const leftAfter = 20 * time.Second

// Follow takes over what is written to the journal, looking every so often, until
// ctx ends. A position at the newest fact goes on with it; any other stays. When
// something is new, changed is called, if it is not nil, and Changed is told:
// there are more facts, the writer has left or is back, or it cannot be read.
func (r *Reader) Follow(ctx context.Context, every time.Duration, changed func()) {
	look := time.NewTicker(every)
	defer look.Stop()
	var quiet time.Duration
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		quiet += every
		grew, failed := r.grow()
		gone := false
		switch {
		case grew:
			quiet = 0
		case quiet >= leftAfter:
			quiet = 0
			gone = r.leave(!r.source.Held())
		}
		if !grew && !failed && !gone {
			continue
		}
		select {
		case r.tell <- struct{}{}:
		default:
		}
		if changed != nil {
			changed()
		}
	}
}

// grow takes over new facts, and says whether there were any, and whether reading
// fails now and did not before, or the other way round.
func (r *Reader) grow() (grew, failed bool) {
	facts, err := r.source.More()
	r.mu.Lock()
	defer r.mu.Unlock()
	failed = (err == nil) != (r.err == nil)
	r.err = err
	if len(facts) == 0 {
		return false, failed
	}
	r.left = false
	follows := r.at == len(r.facts)
	r.add(facts)
	if follows {
		r.seek(len(r.facts))
	}
	return true, failed
}

// leave keeps whether the writer has left, and says whether that is new.
func (r *Reader) leave(left bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.left
	r.left = left
	return left != was
}
