package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// lookout keeps the goroutine that asks what became of a write whose answer has not
// come: how to have it ask at once, and how to end it.
type lookout struct {
	seen  string        // marks of its workload when it was looked for last
	nudge chan struct{} // has an element when it is to be looked for at once; nil = it is not looked for yet
	stop  context.CancelFunc
}

// answerGrace is how long a write's answer may come after the board shows that
// something happened, before it is looked for.
const answerGrace = time.Second

// lookOut looks for what became of the writes without an answer, at once when the
// board shows something new of their workload, and gives up those that have one.
func (e *Engine) lookOut() {
	open := e.inc.Unanswered()
	for id, l := range e.lookouts {
		if !slices.ContainsFunc(open, func(s incident.Standing) bool { return s.WriteID == id }) {
			if l.stop != nil {
				l.stop()
			}
			delete(e.lookouts, id)
		}
	}
	for _, s := range open {
		now, l := marks(e.seen.Component(s.Write.Plan.Component)), e.lookouts[s.WriteID]
		switch {
		case l == nil: // of an earlier run
			e.lookouts[s.WriteID] = &lookout{seen: now}
			e.lookFor(s.WriteID, s.Write, 0)
		case l.seen == now:
		case l.nudge == nil:
			l.seen = now
			e.lookFor(s.WriteID, s.Write, answerGrace)
		default:
			l.seen = now
			raise(l.nudge)
		}
	}
}

// marks returns one string of all that shows on the board when a write of a workload
// has had an effect: its UID, its template's hash, its pods' UIDs. Another string, and
// it is worth to ask the cluster what became of the write.
func marks(c *model.Component) string {
	if c == nil {
		return ""
	}
	all := []string{c.UID, c.Missing, c.TemplateHash}
	for n := range c.Pods {
		all = append(all, c.Pods[n].UID)
	}
	slices.Sort(all[3:])
	return strings.Join(all, " ")
}

// look looks for a write whose answer is lost.
func (e *Engine) look(x incident.LookPlan) {
	if e.method(x.Plan.Method) == nil {
		e.post(func() {
			e.handle(incident.Input{At: time.Now(), Do: incident.CannotLook{WriteID: x.ID(), Why: noMethod(x.Plan.Method)}})
		})
		return
	}
	for _, s := range e.inc.Unanswered() {
		if s.WriteID != x.ID() {
			continue
		}
		l := e.lookouts[x.ID()]
		if l == nil {
			l = &lookout{seen: marks(e.seen.Component(x.Plan.Component))}
			e.lookouts[x.ID()] = l
		}
		if l.nudge != nil {
			raise(l.nudge)
			return
		}
		e.lookFor(x.ID(), s.Write, 0)
	}
}

// lookFor asks the method what became of a write until the lookout is given up:
// every few seconds for as long as the write may still arrive, and then each time
// that its workload changes. That it was not written is told only when two looks in
// a row say so.
func (e *Engine) lookFor(id incident.WriteID, w *incident.Write, grace time.Duration) {
	m, plan, until := e.method(w.Plan.Method), w.Plan, w.Arrives()
	if m == nil {
		return
	}
	l := e.lookouts[id]
	nudge := make(chan struct{}, 1)
	ctx, stop := context.WithCancel(e.ctx)
	l.nudge, l.stop = nudge, stop
	e.spawn(func() {
		defer stop()
		wait(ctx, grace, nil)
		for not := 0; ctx.Err() == nil; {
			begun := time.Now()
			try, cancel := context.WithTimeout(ctx, readDeadline)
			seen, err := m.Look(try, plan)
			cancel()
			if err == nil && seen.State == model.SettledNot {
				not++
			} else {
				not = 0
			}
			if ctx.Err() == nil && err == nil && seen.State != model.SettledUnknown && not != 1 {
				e.post(func() {
					e.handle(incident.Input{At: time.Now(), Do: incident.Settled{WriteID: id, State: seen.State, By: seen.By, Receipt: seen.Receipt}})
				})
			}
			if err == nil && not != 1 && !begun.Before(until) {
				wait(ctx, 0, nudge)
			} else {
				wait(ctx, lookEvery, nudge)
			}
		}
	})
}

// wait waits for so long, or until it is nudged; 0 with a nudge = for that alone.
func wait(ctx context.Context, d time.Duration, nudge <-chan struct{}) {
	var after <-chan time.Time
	if d > 0 || nudge == nil {
		after = time.After(d)
	}
	select {
	case <-ctx.Done():
	case <-after:
	case <-nudge:
	}
}

func raise(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
