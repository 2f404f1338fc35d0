package engine

import (
	"context"
	"errors"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// Deadlines of the effects. A read that takes longer is shown as unknown; a
// write's outcome is then settled by looking.
const (
	readDeadline  = 10 * time.Second
	planDeadline  = 5 * time.Second // the preflight itself ends after three
	writeDeadline = 30 * time.Second
	eventDeadline = 5 * time.Second
	lookEvery     = 2 * time.Second
)

// runner starts effects. Reading effects of the same kind for the same component
// overtake each other: only the newest one's answer counts.
type runner struct{ *Engine }

var _ incident.Runner = runner{}

func (e runner) OpenJournal(incident.OpenJournal)         { e.openJournal() }
func (e runner) ReadHistory(x incident.ReadHistory)       { e.readHistory(x) }
func (e runner) ReadBaseline(x incident.ReadBaseline)     { e.readBaseline(x) }
func (e runner) CheckPlan(x incident.CheckPlan)           { e.checkPlan(x) }
func (e runner) WritePlan(x incident.WritePlan)           { e.holdWrite(x) }
func (e runner) LookPlan(x incident.LookPlan)             { e.look(x) }
func (e runner) PostEvent(x incident.PostEvent)           { e.postEvent(x) }
func (e runner) GatherEvidence(x incident.GatherEvidence) { e.gather(x.Moment) }
func (e runner) MeasureImpact(incident.MeasureImpact)     { e.measure() }
func (e runner) MakeReport(incident.MakeReport)           { e.report() }
func (e runner) SendOut(x incident.SendOut)               { e.send(x) }
func (e runner) TakeLease(x incident.TakeLease)           { e.takeLease(x) }
func (e runner) TakeUpJournal(x incident.TakeUpJournal)   { e.takeUpJournal(x) }
func (e runner) AbandonJournal(x incident.AbandonJournal) { e.abandonJournal(x) }

// postEvent leaves word on the workload. Who may not create events was told so by
// the preflight.
func (e *Engine) postEvent(x incident.PostEvent) {
	e.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, eventDeadline)
		defer cancel()
		_ = e.cfg.Cluster.PostEvent(ctx, x.Workload, x.UID, x.Text)
	})
}

func (e *Engine) background(f func(ctx context.Context)) {
	ctx := e.ctx
	e.spawn(func() { f(ctx) })
}

// newest begins a reading and returns a guard: posted work runs only while no
// later reading of the same name has begun.
func (e *Engine) newest(name string) func(func()) {
	e.round[name]++
	n := e.round[name]
	return func(f func()) {
		e.post(func() {
			if e.round[name] == n {
				f()
				e.dirty = true
			}
		})
	}
}

func (e *Engine) readHistory(x incident.ReadHistory) {
	c := e.seen.Component(x.Component)
	if c == nil {
		return
	}
	guard := e.newest("history/" + x.Component)
	e.seen.History = set(e.seen.History, x.Component, &model.History{Component: x.Component})
	target := e.target(c)
	e.background(func(ctx context.Context) {
		read, cancel := context.WithTimeout(ctx, readDeadline)
		defer cancel()
		h, err := e.cfg.Cluster.History(read, c)
		if err != nil {
			guard(func() {
				e.seen.History = set(e.seen.History, x.Component, &model.History{Component: x.Component, Err: err.Error()})
			})
			return
		}
		bare := *h
		bare.At = time.Time{}
		guard(func() { e.seen.History = set(e.seen.History, x.Component, &bare) })
		full := e.withBehaviour(ctx, *h, target, x.Until)
		guard(func() { e.seen.History = set(e.seen.History, x.Component, &full) })
	})
}

// withBehaviour adds how each revision did: over all that it served before the
// onset, and over all until now.
func (e *Engine) withBehaviour(ctx context.Context, h model.History, t model.Target, onset time.Time) model.History {
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	h.At = time.Now()
	if _, off := e.cfg.Metrics.To(); off != "" {
		h.FiguresErr = off
		return h
	}
	owners := make([]string, 0, len(h.Revisions))
	for _, r := range h.Revisions {
		owners = append(owners, r.Owner)
	}
	before, err := e.cfg.Metrics.Behaviour(ctx, t, owners, onset)
	if err != nil {
		h.FiguresErr = err.Error()
		return h
	}
	now, err := e.cfg.Metrics.Behaviour(ctx, t, owners, h.At)
	if err != nil {
		h.FiguresErr = err.Error()
	}
	revisions := make([]model.Revision, len(h.Revisions))
	for n, r := range h.Revisions {
		r.Behaviour, r.Now = before[r.Owner], now[r.Owner]
		revisions[n] = r
	}
	h.Revisions = revisions
	return h
}

func (e *Engine) readBaseline(x incident.ReadBaseline) {
	if _, off := e.cfg.Metrics.To(); off != "" {
		return
	}
	guard := e.newest("baseline")
	targets := e.targets()
	e.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, readDeadline)
		defer cancel()
		base, err := e.cfg.Metrics.Baseline(ctx, targets, x.Onset)
		if err == nil {
			guard(func() { e.seen.Baseline = base })
		}
	})
}

func (e *Engine) checkPlan(x incident.CheckPlan) {
	guard := e.newest("preflight/" + x.Component)
	show := func(p model.Preflight) {
		p.Component, p.To = x.Component, x.To
		e.seen.Preflight = set(e.seen.Preflight, x.Component, &p)
	}
	started := time.Now()
	c := e.seen.Component(x.Component)
	if c == nil {
		show(model.Preflight{Done: true, Started: started, Err: "the workload is not on the board any more"})
		return
	}
	show(model.Preflight{Started: started})
	e.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, planDeadline)
		defer cancel()
		e.cfg.Cluster.Preflight(ctx, c, x.To, func(p model.Preflight) {
			p.Started = started
			guard(func() { show(p) })
		})
	})
}

// holdWrite keeps a write until its intent is on disk.
func (e *Engine) holdWrite(x incident.WritePlan) {
	e.writes.Add(1)
	e.hold(func() { e.write(x) }, func(err error) {
		e.writes.Add(-1)
		e.handle(incident.Input{At: time.Now(), Do: incident.Wrote{Attempt: x.Attempt,
			Component: x.Plan.Component, Err: "the journal cannot be written: " + err.Error()}})
	})
}

// write is the one place where a workload is changed. It is not cut short when
// the program is left: its outcome is waited for.
func (e *Engine) write(x incident.WritePlan) {
	ctx := context.WithoutCancel(e.ctx)
	e.spawn(func() {
		ctx, cancel := context.WithTimeout(ctx, writeDeadline)
		defer cancel()
		answered := false
		defer func() {
			if !answered { // a panic: the intent stays open and is settled by looking
				e.writes.Add(-1)
			}
		}()
		out := incident.Wrote{Attempt: x.Attempt, Component: x.Plan.Component}
		written, err := e.cfg.Cluster.Undo(ctx, x.Plan)
		switch {
		case err == nil:
			out.Written = &written
		case errors.Is(err, model.ErrChanged):
			out.Changed = err.Error()
		case errors.Is(err, model.ErrLost):
			out.Lost = err.Error()
		default:
			out.Err = err.Error()
		}
		answered = true
		e.post(func() {
			e.handle(incident.Input{At: time.Now(), Do: out})
			e.writes.Add(-1)
		})
	})
}

// look asks the cluster what became of a write, until it answers. That it was
// not written is believed only when two looks say so: the first may have come
// before a request that was still on its way.
func (e *Engine) look(x incident.LookPlan) {
	e.background(func(ctx context.Context) {
		not := 0
		for ctx.Err() == nil {
			try, cancel := context.WithTimeout(ctx, readDeadline)
			state, by, err := e.cfg.Cluster.Look(try, x.Plan)
			cancel()
			if err == nil && state == model.SettledNot {
				not++
			}
			if err == nil && state != model.SettledUnknown && (state != model.SettledNot || not > 1) {
				e.post(func() {
					e.handle(incident.Input{At: time.Now(), Do: incident.Settled{Attempt: x.Attempt,
						Component: x.Plan.Component, State: state, By: by}})
				})
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(lookEvery):
			}
		}
	})
}
