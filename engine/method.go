package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// method returns the method of that name; nil when it is not configured.
func (e *Engine) method(name model.Method) Method {
	for _, m := range e.cfg.Methods {
		if m.Name() == name {
			return m
		}
	}
	return nil
}

// noMethod says that a method is not there, as in a journal that was written with
// another configuration.
func noMethod(name model.Method) string {
	return fmt.Sprintf("the method %q is not configured here", name)
}

func (e *Engine) readHistory(x incident.ReadHistory) {
	c, m := e.seen.Component(x.Slot.Component), e.method(x.Method)
	if c == nil {
		return
	}
	bare := model.History{Component: c.ID, Method: x.Method}
	show := func(h model.History) { e.seen.History = set(e.seen.History, x.Slot, &h) }
	if m == nil {
		bare.Err = noMethod(x.Method)
		show(bare)
		return
	}
	show(bare)
	target := e.target(c)
	e.anew(historyOf(x.Slot), slowDeadline+readDeadline, func(ctx context.Context, tell func(func())) {
		read, cancel := context.WithTimeout(ctx, slowDeadline)
		defer cancel()
		h, err := m.Versions(read, c, x.Until)
		if err != nil {
			if h != nil {
				bare.Psql = h.Psql
			}
			bare.Err = err.Error()
			tell(func() { show(bare) })
			return
		}
		if x.Slot.Role == model.RoleSchema { // it has no pods of its own, and no figures
			tell(func() { show(*h) })
			return
		}
		unmeasured := *h
		unmeasured.At = time.Time{}
		tell(func() { show(unmeasured) })
		full := e.withBehaviour(ctx, *h, target, x.Until)
		tell(func() { show(full) })
	})
}

func historyOf(s model.Slot) string { return "history/" + key(s) }

// historyAgain is after how long a history is read again that failed to be read, or
// does not show yet what runs.
const historyAgain = time.Minute

// readHistories reads the histories that nobody asks for: what the releases of failing
// components changed, before anybody goes to choose from them, and what could not be read.
func (e *Engine) readHistories() {
	if e.looking != nil {
		return
	}
	for _, x := range incident.HistoriesWanted(&incident.Snapshot{Incident: e.inc, Seen: e.seen, Now: time.Now()}) {
		if name := historyOf(x.Slot); e.idle(name) {
			e.readHistory(x)
			e.errand(name).due = time.Now().Add(historyAgain)
		}
	}
}

func key(s model.Slot) string { return s.Component + "/" + string(s.Role) }

// withBehaviour adds how each version did: over all that it served before the
// onset, and over all until now.
func (e *Engine) withBehaviour(ctx context.Context, h model.History, t model.Target, onset time.Time) model.History {
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	h.At = time.Now()
	if _, off := e.cfg.Metrics.To(); off != "" {
		h.FiguresErr = off
		return h
	}
	owners := make([]string, 0, len(h.Candidates))
	for _, r := range h.Candidates {
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
	all := make([]model.Candidate, len(h.Candidates))
	for n, r := range h.Candidates {
		r.Behaviour, r.Now = before[r.Owner], now[r.Owner]
		all[n] = r
	}
	h.Candidates = all
	return h
}

func (e *Engine) checkPlan(x incident.CheckPlan) {
	slot, to := x.Choice.Slot, x.Choice.To
	started, basis := time.Now(), e.seen.Component(slot.Component).Basis()
	show := func(p model.Preflight) {
		p.Slot, p.To, p.Started, p.Basis = slot, to.Key, started, basis
		e.seen.Preflight = set(e.seen.Preflight, slot, &p)
	}
	c, m := e.seen.Component(slot.Component), e.method(x.Choice.Method)
	switch {
	case c == nil:
		show(model.Preflight{Done: true, Err: "the workload is not on the board any more"})
		return
	case m == nil:
		show(model.Preflight{Done: true, Err: noMethod(x.Choice.Method)})
		return
	}
	show(model.Preflight{})
	e.anew("preflight/"+key(slot), planDeadline, func(ctx context.Context, tell func(func())) {
		m.Plan(ctx, c, to, func(p model.Preflight) { tell(func() { show(p) }) })
	})
}

// holdWrite keeps a write until its intent is on disk.
func (e *Engine) holdWrite(x incident.WritePlan) {
	e.lookouts[x.ID()] = &lookout{seen: marks(e.seen.Component(x.Plan.Component))}
	e.writes.Add(1)
	e.hold(func() { e.write(x) }, func(err error) {
		e.writes.Add(-1)
		e.handle(incident.Input{At: time.Now(), Do: incident.Wrote{WriteID: x.ID(), Err: "the journal cannot be written: " + err.Error()}})
	})
}

// write is the one place where the world is changed. It is not cut short when the
// program is left: its outcome is waited for.
func (e *Engine) write(x incident.WritePlan) {
	ctx, m := model.ForIncident(context.WithoutCancel(e.ctx), e.inc.ID), e.method(x.Plan.Method)
	e.spawn(func() {
		ctx, cancel := context.WithTimeout(ctx, writeDeadline)
		defer cancel()
		answered := false
		defer func() {
			if !answered { // a panic: the intent stays open and is settled by looking
				e.writes.Add(-1)
			}
		}()
		out := incident.Wrote{WriteID: x.ID()}
		if m == nil {
			out.Err = noMethod(x.Plan.Method)
		} else {
			receipt, err := m.Do(ctx, x.Plan, func(p model.Progress) { e.post(func() { e.progressed(x.ID(), p) }) })
			switch {
			case err == nil:
				out.Receipt = &receipt
			case errors.Is(err, model.ErrChanged):
				out.Changed = err.Error()
			case errors.Is(err, model.ErrLost):
				out.Lost = err.Error()
			default:
				out.Err = err.Error()
			}
		}
		answered = true
		e.post(func() {
			e.handle(incident.Input{At: time.Now(), Do: out})
			e.writes.Add(-1)
		})
	})
}

// watchWrites keeps Seen.Progress of the writes that stand: judged from the board,
// or followed where the method sees it elsewhere.
func (e *Engine) watchWrites() {
	var seen map[incident.WriteID]model.Progress
	for _, s := range e.inc.Standing() {
		w := s.Write
		told, has := e.told[s.WriteID]
		if w.State != incident.Rolling && w.State != incident.Done && (w.State != incident.Writing || !has) {
			continue
		}
		if seen == nil {
			seen = map[incident.WriteID]model.Progress{}
		}
		if w.State == incident.Writing { // told while it is being done
			seen[s.WriteID] = told
			continue
		}
		switch m := e.method(w.Plan.Method).(type) {
		case nil:
			seen[s.WriteID] = model.Progress{Text: noMethod(w.Plan.Method)}
		case judgedFollower:
			seen[s.WriteID] = e.followedThenJudged(s.WriteID, *w, m)
		case Judge:
			seen[s.WriteID] = m.Judge(e.shown(&w.Plan), &w.Plan, &w.Receipt)
		case Follower:
			seen[s.WriteID] = told
			e.followWrite(s.WriteID, *w, m)
		}
	}
	e.seen.Progress = seen
}

// judgedFollower is a method that is seen elsewhere first, and then on the board.
type judgedFollower interface {
	Follower
	Judge
}

// followedThenJudged returns how far a write is whose one half is what was followed,
// and the other what the board shows after that.
func (e *Engine) followedThenJudged(id incident.WriteID, w incident.Write, m judgedFollower) model.Progress {
	e.followWrite(id, w, m)
	told := e.told[id]
	if told.Phase != model.PhaseFinished {
		told.Share /= 2
		return told
	}
	out := m.Judge(e.shown(&w.Plan), &w.Plan, &w.Receipt)
	out.Share, out.Lines = 0.5+out.Share/2, told.Lines
	return out
}

// shown returns what the board shows of a plan's component. A workload that went away
// has no line any more, where the board shows whatever there is.
func (e *Engine) shown(p *model.Plan) *model.Component {
	c := e.seen.Component(p.Component)
	if c == nil && len(e.seen.Board) > 0 && !e.seen.Reading && p.Workload.Name != "" {
		c = &model.Component{ID: p.Component, Workload: p.Workload, Missing: model.NotFound}
	}
	return c
}

// followWrite starts following a write, once in a run. Where following ends without
// an end of the write it begins again.
func (e *Engine) followWrite(id incident.WriteID, w incident.Write, m Follower) {
	if e.following[id] {
		return
	}
	e.following[id] = true
	e.background(func(ctx context.Context) {
		for ctx.Err() == nil {
			ended := false
			err := m.Follow(ctx, w.Plan, w.Receipt, func(p model.Progress) {
				ended = p.Phase != model.PhaseUnknown && p.Phase != model.PhaseRunning
				e.post(func() { e.progressed(id, p) })
			})
			if ended {
				return
			}
			if err != nil && ctx.Err() == nil {
				e.post(func() { e.progressed(id, model.Progress{Text: err.Error()}) })
			}
			select {
			case <-ctx.Done():
			case <-time.After(lookEvery):
			}
		}
	})
}

// progressed takes how far a write is from the method itself.
func (e *Engine) progressed(id incident.WriteID, p model.Progress) {
	e.told = set(e.told, id, p)
	e.dirty = true
}
