package engine

import (
	"context"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// pollDeadline ends a round of queries: the figures that it did not bring are
// shown with their age.
const pollDeadline = 10 * time.Second

// polling is the state of asking for the figures.
type polling struct {
	under bool
	due   time.Time
	round int // what an earlier one brings is about other components
}

// interval is 5 s during an incident, 15 s otherwise.
func (e *Engine) interval() time.Duration {
	if e.inc.ID != "" || len(e.inc.Triggers) > 0 {
		return e.inc.Settings.Poll
	}
	return e.cfg.IdlePoll
}

// pollIfDue starts a round of queries when none is under way and it is time.
func (e *Engine) pollIfDue() {
	now := time.Now()
	to, off := e.cfg.Metrics.To()
	e.fresh = e.fresh || to != e.seen.Metrics.To || off != e.seen.Metrics.Off
	e.seen.Metrics.To, e.seen.Metrics.Off = to, off
	if off != "" || e.poll.under || now.Before(e.poll.due) || len(e.seen.Board) == 0 {
		return
	}
	e.poll.under = true
	round := e.poll.round
	p := model.Poll{Targets: e.targets()}
	if e.inc.Step >= incident.RollBack {
		p.Hold = e.inc.Settings.Verify.Hold
	}
	if e.seen.Metrics.Trying.IsZero() {
		e.seen.Metrics.Trying, e.fresh = now, true
	}
	e.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, pollDeadline)
		defer cancel()
		figures, err := e.cfg.Metrics.Poll(ctx, p)
		e.post(func() {
			if round == e.poll.round {
				e.polled(now, figures, err)
			}
		})
	})
}

func (e *Engine) polled(began time.Time, figures map[string]*model.Figures, err error) {
	e.poll.under, e.dirty = false, true
	e.poll.due = began.Add(e.interval())
	if err != nil {
		// What was read last goes stale by itself, with its age; it is replaced
		// only when there is nothing yet.
		e.seen.Metrics.Err = err.Error()
		if e.seen.Figures == nil {
			e.seen.Figures = figures
		}
		return
	}
	e.seen.Figures = figures
	e.seen.Metrics.Err = ""
	e.seen.Metrics.Trying = time.Time{}
	e.seen.Metrics.Heard = time.Now()
}

// targets are the configured components, or one for each workload of the board.
func (e *Engine) targets() []model.Target {
	if t := e.inc.Settings.Components; len(t) > 0 {
		return t
	}
	out := make([]model.Target, 0, len(e.seen.Board))
	for _, c := range e.seen.Board {
		out = append(out, model.Target{ID: c.ID, Workload: c.Workload})
	}
	return out
}

func (e *Engine) target(c *model.Component) model.Target {
	for _, t := range e.inc.Settings.Components {
		if t.ID == c.ID {
			return t
		}
	}
	return model.Target{ID: c.ID, Workload: c.Workload}
}
