package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"rollbook/engine/journal"
)

// searchAfter leaves the processor to the first frame: with a thousand journals the
// search takes some 50 ms of it, and nothing can begin before the cluster's answer.
const searchAfter = 50 * time.Millisecond

// diskPatience is how long one journal of an earlier run may take to be read
// before the walk goes on without what the search has found.
const diskPatience = 10 * time.Second

// searchEarlier looks for what earlier runs left unfinished. Nothing waits for it
// but the beginning of an incident, and that not for a disk that hangs.
func (e *Engine) searchEarlier() {
	dirs := e.cfg.Journals
	if len(dirs) == 0 {
		return
	}
	e.background(func(ctx context.Context) {
		type place struct {
			path string
			at   time.Time
		}
		var now atomic.Pointer[place]
		turnsTo := func(path string) { now.Store(&place{path, time.Now()}) }
		select {
		case <-ctx.Done():
			return
		case <-time.After(searchAfter):
		}
		turnsTo(dirs[0])
		found := make(chan journal.Unfinished, 1)
		e.leave(func() { found <- e.search(ctx, dirs, turnsTo) })
		look := time.NewTicker(time.Second)
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case u := <-found:
				e.post(func() { e.searched(u) })
				return
			case <-look.C:
				if p := now.Load(); time.Since(p.at) > diskPatience {
					e.post(func() { e.searchHangs(p.path) })
					look.Stop()
				}
			}
		}
	})
}

// searched takes up, offers and finishes what was found, even if it comes after
// the walk was let go on without it.
func (e *Engine) searched(u journal.Unfinished) {
	e.dirty = true
	e.seen.Searching, e.seen.Trouble = false, nil
	for _, err := range u.Errs {
		e.seen.Trouble = append(e.seen.Trouble, err.Error())
	}
	e.earlier = u.Open
	e.taking = false
	e.takeUp()
	e.finishReports(u.Unreported)
}

// searchHangs lets the walk go on without what the search would have found.
func (e *Engine) searchHangs(path string) {
	e.seen.Searching = false
	e.trouble(fmt.Errorf("%s cannot be read: its disk has not answered for %s; whether an incident of an earlier run is open is not known: look there before a new one begins",
		path, diskPatience))
	e.takeUp()
}
