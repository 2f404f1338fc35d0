package engine

import (
	"context"
	"os"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// How often the other's journal is looked at, and after how long without a line
// it is asked whether anybody still writes it: an open incident is sampled every
// quarter of a minute.
const (
	lookOnEvery = time.Second
	lookOnQuiet = 20 * time.Second
)

// onlooker shows an incident that another rollbook on this machine works on. It
// is the fold of the other's journal; nothing of it is decided or written here.
type onlooker struct {
	theirs incident.Step // where the other is
	mine   incident.Step // where the one who looks on is
}

// lookOn begins to show the incident of a journal that is locked.
func (e *Engine) lookOn(c *journal.Content) {
	e.cfg.Settings.ReadOnly = true
	e.looking = &onlooker{theirs: -1}
	e.seen.LookingOn = c.Header.ID
	e.seen.Journal = c.Path
	e.showTheirs(c)
	e.background(func(ctx context.Context) { e.follow(ctx, c.Path) })
}

// follow reads the journal again whenever it has grown.
func (e *Engine) follow(ctx context.Context, path string) {
	var size int64
	grew := time.Now()
	for ctx.Err() == nil {
		st, err := os.Stat(path)
		switch {
		case err == nil && st.Size() != size:
			// A line that is half written is left for the next look.
			if c, err := journal.Read(path); err == nil {
				size, grew = c.Good, time.Now()
				e.post(func() { e.seen.TheyLeft = false; e.showTheirs(c) })
			}
		case time.Since(grew) > lookOnQuiet && (err != nil || !journal.Locked(path)):
			grew = time.Now()
			e.post(func() { e.seen.TheyLeft = true })
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookOnEvery):
		}
	}
}

// showTheirs makes the other's incident ours to look at, and reads what its
// pages show. The page stays where it is until the other goes on.
func (e *Engine) showTheirs(c *journal.Content) {
	e.inc = incident.Fold(c.Facts)
	e.inc.Settings.ReadOnly = true
	if e.looking.theirs != e.inc.Step {
		e.looking.theirs, e.looking.mine = e.inc.Step, e.inc.Step
	}
	e.inc.Step = min(e.looking.mine, e.inc.Furthest)
	if e.inc.Furthest < incident.Choose {
		return
	}
	onset := e.inc.Onset
	if onset.IsZero() {
		onset = e.inc.Opened
	}
	if e.seen.Baseline == nil {
		e.seen.Baseline = map[string]model.Baseline{}
		e.readBaseline(incident.ReadBaseline{Onset: onset})
	}
	for _, x := range e.inc.Choices {
		if e.seen.History[x.Slot] == nil {
			e.readHistory(incident.ReadHistory{Slot: x.Slot, Method: x.Method, Until: onset})
		}
	}
}

// turn takes the only keys of one who looks on: to other pages.
func (e *Engine) turn(do incident.Act) {
	to := e.inc.Step
	switch do := do.(type) {
	case incident.Next:
		to++
	case incident.Back:
		to--
	case incident.Goto:
		to = do.Step
	}
	if to < incident.Assess || to > e.inc.Furthest {
		return
	}
	e.looking.mine, e.inc.Step = to, to
}
