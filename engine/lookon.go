package engine

import (
	"context"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// LookOn follows a journal that another rollbook on this machine writes, from
// what was read of it on, until ctx ends. It calls show with what there is, and
// again whenever that has changed; show waits for nothing.
type LookOn func(ctx context.Context, c *journal.Content, show func(Theirs))

// Theirs is the incident of a journal that another rollbook writes.
type Theirs struct {
	Incident incident.Incident
	Left     bool  // nobody writes it any more
	Err      error // why it cannot be read further; nil = it can
}

// onlooker shows an incident that another rollbook on this machine works on.
// Nothing of it is decided or written here.
type onlooker struct {
	theirs incident.Step // where the other is
	mine   incident.Step // where the one who looks on is
}

// lookOn begins to show the incident of a journal that is locked.
func (e *Engine) lookOn(c *journal.Content) {
	if e.cfg.LookOn == nil {
		e.seen.JournalE = journal.ErrLocked.Error()
		return
	}
	e.cfg.Settings.ReadOnly = true
	e.looking = &onlooker{theirs: -1}
	e.seen.LookingOn = c.Header.ID
	e.seen.Journal = c.Path
	e.background(func(ctx context.Context) {
		e.cfg.LookOn(ctx, c, func(t Theirs) { e.post(func() { e.showTheirs(t) }) })
	})
}

// showTheirs makes the other's incident ours to look at, and reads what its
// pages show. The page stays where it is until the other goes on.
func (e *Engine) showTheirs(t Theirs) {
	e.seen.TheyLeft, e.seen.JournalE = t.Left, ""
	if t.Err != nil {
		e.seen.JournalE = t.Err.Error()
	}
	e.inc = t.Incident
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
		if h := e.seen.History[x.Slot]; h == nil || h.Method != x.Method {
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
