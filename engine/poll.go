package engine

import (
	"context"
	"slices"
	"time"

	"rollbook/model"
)

// pollDeadline ends a round of queries: the figures that it did not bring are
// shown with their age.
const pollDeadline = 10 * time.Second

// interval is 5 s during an incident, 15 s otherwise.
func (e *Engine) interval() time.Duration {
	if e.inc.ID != "" || len(e.inc.Triggers) > 0 {
		return e.inc.Settings.Poll
	}
	return e.cfg.IdlePoll
}

// pollIfDue starts a round of queries when none is under way and it is time.
func (e *Engine) pollIfDue() {
	to, off := e.cfg.Metrics.To()
	e.fresh = e.fresh || to != e.seen.Metrics.To || off != e.seen.Metrics.Off
	e.seen.Metrics.To, e.seen.Metrics.Off = to, off
	if off == "" && len(e.seen.Board) == 0 && (e.seen.Cluster.Err != "" || !e.seen.Cluster.Heard.IsZero() && !e.seen.Reading) {
		e.greet()
	}
	// Without its pods nobody knows which series are the board's.
	if off != "" || len(e.seen.Board) == 0 || e.seen.Reading || !e.idle("poll") {
		return
	}
	set := &e.inc.Settings
	p := model.Poll{Targets: e.targets(), Apart: e.sides(), Objective: set.Objective, Period: set.Period}
	if e.inc.Proving() { // on whatever page: a hold goes on
		p.Hold = e.inc.Settings.Verify.Hold
	}
	began := time.Now()
	if e.seen.Metrics.Trying.IsZero() {
		e.seen.Metrics.Trying, e.fresh = began, true
	}
	e.anew("poll", pollDeadline, func(ctx context.Context, tell func(func())) {
		figures, err := e.cfg.Metrics.Poll(ctx, p)
		tell(func() {
			e.errand("poll").due = began.Add(e.interval()) // which an incident shortens
			e.polled(figures, err)
		})
	})
}

// greet asks Prometheus whether it is there while there is nothing to ask it about: that
// a cluster is silent or empty says nothing of Prometheus.
func (e *Engine) greet() {
	began := time.Now()
	started := e.every("greet", e.cfg.IdlePoll, pollDeadline, func(ctx context.Context, tell func(func())) {
		_, err := e.cfg.Metrics.Poll(ctx, model.Poll{})
		tell(func() {
			m := &e.seen.Metrics
			if m.Err = ""; err != nil {
				m.Err = err.Error()
				return
			}
			m.Trying, m.Heard = time.Time{}, time.Now()
		})
	})
	if started && e.seen.Metrics.Trying.IsZero() {
		e.seen.Metrics.Trying, e.fresh = began, true
	}
}

func (e *Engine) polled(figures map[string]*model.Figures, err error) {
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

// targets are the configured components, or one for each workload of the board,
// each with its pods.
func (e *Engine) targets() []model.Target {
	out := slices.Clone(e.inc.Settings.Components)
	if len(out) == 0 {
		out = make([]model.Target, 0, len(e.seen.Board))
		for _, c := range e.seen.Board {
			out = append(out, model.Target{ID: c.ID, Workload: c.Workload})
		}
	}
	for n := range out {
		out[n].Seen = e.pods.of(out[n].ID)
	}
	return out
}

func (e *Engine) target(c *model.Component) model.Target {
	t := model.Target{ID: c.ID, Workload: c.Workload}
	if own := e.inc.Settings.Target(c.ID); own != nil {
		t = *own
	}
	t.Seen = e.pods.of(c.ID)
	return t
}
