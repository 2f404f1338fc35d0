package engine

import (
	"context"
	"slices"
	"strconv"
	"time"

	"rollbook/model"
)

// checkDeadline ends a check that has no timeout of its own.
const checkDeadline = 10 * time.Second

// checkIfDue asks everything that is configured to be checked of the components
// that the incident covers, every few seconds while there is anything to verify. Each check is an
// errand of its own: a slow one holds no other back.
func (e *Engine) checkIfDue() {
	if !e.inc.Proving() || !e.inc.Closed.IsZero() {
		return
	}
	for _, id := range e.inc.Covered() {
		c, t := e.seen.Component(id), e.inc.Settings.Target(id)
		if t != nil && c != nil {
			e.check(*t, c)
		}
	}
}

func (e *Engine) check(t model.Target, c *model.Component) {
	if e.cfg.Checks == nil {
		e.checksOff(t)
		return
	}
	for n, h := range t.Health {
		wait := checkDeadline
		if h.Timeout > 0 {
			wait = h.Timeout + time.Second // the probe ends itself, and says at which step
		}
		e.oneCheck(t.ID+"/health/"+strconv.Itoa(n), wait, func(ctx context.Context) func() {
			p := e.cfg.Checks.Probe(ctx, h)
			p.URL = h.URL
			return func() { e.probed(t, n, p) }
		})
	}
	if t.Pods != "" {
		e.oneCheck(t.ID+"/pods", checkDeadline, func(ctx context.Context) func() {
			p := e.cfg.Checks.Selected(ctx, t.Workload.Namespace, t.Pods)
			return func() { e.seen.Selected = set(e.seen.Selected, t.ID, p) }
		})
	}
	if t.Logs > 0 {
		e.oneCheck(t.ID+"/log", checkDeadline, func(ctx context.Context) func() {
			p := e.cfg.Checks.Tail(ctx, c, t.Logs, t.LogsBad)
			return func() { e.seen.Tails = set(e.seen.Tails, t.ID, p) }
		})
	}
	if len(t.Promql) > 0 {
		e.oneCheck(t.ID+"/promql", checkDeadline, func(ctx context.Context) func() {
			own := e.cfg.Checks.Own(ctx, t)
			for n := range own {
				if own[n].Reading.Known {
					own[n].Reading.At = time.Now() // by our clock, as all else here
				}
			}
			return func() { e.seen.Own = set(e.seen.Own, t.ID, own) }
		})
	}
}

// oneCheck runs one check beside the others; what it saw is taken by the owner.
func (e *Engine) oneCheck(name string, wait time.Duration, look func(ctx context.Context) (see func())) {
	e.every("check/"+name, e.inc.Settings.Poll, wait, func(ctx context.Context, tell func(func())) { tell(look(ctx)) })
}

// probed keeps a health URL's answer, with the time since when it is the same.
func (e *Engine) probed(t model.Target, n int, p model.ProbeSeen) {
	all := slices.Clone(e.seen.Probes[t.ID])
	for len(all) < len(t.Health) {
		all = append(all, model.ProbeSeen{URL: t.Health[len(all)].URL})
	}
	p.Since = p.At
	if old := all[n]; old.URL == p.URL && old.State == p.State && !old.Since.IsZero() {
		p.Since = old.Since
	}
	all[n] = p
	e.seen.Probes = set(e.seen.Probes, t.ID, all)
}

// checksOff says that the checks cannot be made at all.
func (e *Engine) checksOff(t model.Target) {
	var probes []model.ProbeSeen
	for _, h := range t.Health {
		probes = append(probes, model.ProbeSeen{URL: h.URL, Text: notConfigured})
	}
	var own []model.OwnSeen
	for _, q := range t.Promql {
		own = append(own, model.OwnSeen{Name: q.Name, Reading: model.Unknown(q.Query, notConfigured)})
	}
	e.seen.Probes = set(e.seen.Probes, t.ID, probes)
	e.seen.Own = set(e.seen.Own, t.ID, own)
	e.seen.Selected = set(e.seen.Selected, t.ID, model.SelectedSeen{Err: notConfigured})
	e.seen.Tails = set(e.seen.Tails, t.ID, model.TailSeen{Err: notConfigured})
}
