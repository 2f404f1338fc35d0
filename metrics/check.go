package metrics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	prom "github.com/prometheus/client_golang/api/prometheus/v1"

	"rollbook/model"
	"rollbook/text"
)

// Line is one line of Check.
type Line struct {
	Name  string // "Prometheus", "requests and errors", "own error ratio of shop"
	State model.CheckState
	Text  string // what was found, or what failed and why
	Query string // the PromQL as it is really asked
	Took  time.Duration
	Err   error // the failure; nil = none
}

// Check asks all that Poll would ask of these targets once, for `rollbook
// doctor`: what answers, with how much, and how fast. A query that fails is
// CheckBlocked; one that works and finds nothing of a component is CheckWarning,
// since then its figures are unknown.
func (c *Client) Check(ctx context.Context, targets []model.Target) []Line {
	if err := c.off(); err != nil {
		return []Line{{Name: "Prometheus", State: model.CheckWarning, Text: c.opt.Off, Err: err}}
	}
	lines := []Line{c.timed(Line{Name: "Prometheus", Query: serverTime}, func(l *Line) error { return c.checkServer(ctx, l) })}
	if lines[0].Err != nil {
		return lines
	}
	q := c.inquire(targets, together)
	if c.findsNothing(ctx, q) && c.findLabels(ctx, q) {
		q = c.inquire(targets, together)
	}
	for _, g := range q.groups {
		lines = append(lines, c.checkGroup(ctx, g)...)
	}
	for _, a := range q.targets {
		if a.off != "" && a.preset() {
			lines = append(lines, Line{Name: "figures of " + a.ID, State: model.CheckWarning, Text: a.off})
		}
	}
	for _, a := range q.targets {
		for _, own := range []struct{ name, promql string }{{"error ratio", a.Errors}, {"P95", a.P95}, {"requests", a.Requests}} {
			if own.promql != "" {
				lines = append(lines, c.timed(Line{Name: "own " + own.name + " of " + a.ID, Query: own.promql},
					func(l *Line) error { return c.checkOwn(ctx, l, own.name) }))
			}
		}
	}
	return lines
}

// timed runs f and fills in how long it took and how it failed.
func (c *Client) timed(l Line, f func(*Line) error) Line {
	l.State = model.CheckOK
	var start time.Time
	if c.opt.Now != nil {
		start = c.opt.Now()
	}
	if err := f(&l); err != nil {
		l.State, l.Err, l.Text = model.CheckBlocked, err, err.Error()
	}
	if c.opt.Now != nil {
		l.Took = c.opt.Now().Sub(start)
	}
	return l
}

func (c *Client) checkServer(ctx context.Context, l *Line) error {
	now, err := c.serverTime(ctx)
	if err != nil {
		return err
	}
	l.Text = "answers at " + c.to
	if c.opt.Now != nil {
		if skew := now.Sub(c.opt.Now()).Round(time.Second); skew.Abs() > 5*time.Second {
			l.Text += fmt.Sprintf(", its clock is %s off this machine's", skew)
		}
	}
	// Others that speak PromQL may not have this; the figures do not need it.
	_ = c.call(ctx, "", func(ctx context.Context) (prom.Warnings, error) {
		info, err := c.api.Buildinfo(ctx)
		if err == nil && info.Version != "" {
			l.Text += ", version " + text.Line(info.Version)
		}
		return nil, err
	})
	return nil
}

// checkGroup asks the preset's questions about targets of the same Match.
func (c *Client) checkGroup(ctx context.Context, g *group) []Line {
	var now time.Time
	ask := func(name string, q question, judge func(l *Line, a *answer)) Line {
		return c.timed(Line{Name: name, Query: q.promql}, func(l *Line) error {
			a, err := c.ask(ctx, q)
			if err == nil {
				judge(l, a)
			}
			return err
		})
	}
	counted := func(p parts) bool { _, ok := p.total(0); return ok }
	all := func(*asked) bool { return true }
	lines := []Line{
		ask("newest samples", g.scope.newest(), func(l *Line, a *answer) {
			now = a.time()
			g.takeNewest(a, positive(c.scrape(), usual))
			l.of(g, (*asked).preset, func(t *asked) bool { return !g.newest[t.key].IsZero() })
			c.foundLabels(l)
			if why := c.lacking.Load(); why != nil {
				l.Text += ": " + *why
			}
			c.foundCounters(ctx, l, g)
			for _, t := range g.targets {
				if t.mixed != "" {
					l.State, l.Text = model.CheckWarning, l.Text+"; "+t.ID+": "+t.mixed
				}
			}
		}),
		ask("targets up", g.upScope.up(present), func(l *Line, a *answer) {
			l.of(g, all, func(t *asked) bool { return counted(a.by[t.upKey]) })
		}),
	}
	if now.IsZero() {
		return lines
	}
	window := c.shortWindow()
	return append(lines,
		ask("requests and errors", g.scope.counts(window, at(now)), func(l *Line, a *answer) {
			l.of(g, (*asked).preset, func(t *asked) bool { return counted(a.by[t.key]) })
			c.checkOutcome(ctx, l, g, a)
		}),
		// Without requests it has no value, and that is no fault.
		ask("P95", g.scope.quantile(0.95, window, at(now)), func(l *Line, a *answer) {
			l.of(g, func(t *asked) bool { return t.P95 == "" }, func(t *asked) bool { return a.by[t.key] != nil })
		}))
}

// of says of how many of the wanted targets something was found.
func (l *Line) of(g *group, wanted, found func(*asked) bool) {
	n, missing := 0, []string(nil)
	for _, t := range g.targets {
		if wanted(t) {
			n++
			if !found(t) {
				missing = append(missing, t.ID)
			}
		}
	}
	l.Text = fmt.Sprintf("%d of %d components", n-len(missing), n)
	if len(missing) > 0 {
		l.State = model.CheckWarning
		l.Text += ", not " + some(missing)
	}
}

// foundLabels says which labels name the pods, where they are not the usual ones.
func (c *Client) foundLabels(l *Line) {
	if namespace, pod := c.preset().Owner.labels(); c.preset().Owner != c.opt.Preset.Owner {
		l.Text += fmt.Sprintf(", by the labels %s and %s", namespace, pod)
	}
}

// checkOutcome says of whose requests no label tells how they ended, and which labels
// there are.
func (c *Client) checkOutcome(ctx context.Context, l *Line, g *group, a *answer) {
	var untold []string
	for _, t := range g.targets {
		if _, why := a.by[t.key].failed(0); t.Errors == "" && why == noOutcome {
			untold = append(untold, t.ID)
		}
	}
	if len(untold) == 0 {
		return
	}
	l.State = model.CheckWarning
	l.Text += fmt.Sprintf("; outcome unknown of %s: no label with a status such as 200 or 5xx", some(untold))
	if names, err := c.labelNames(ctx, g.scope.selector); err == nil {
		l.Text += " (" + c.preset().Requests + " has " + strings.Join(names, ", ") + ")"
	}
	l.Text += ": set metrics.errors of these components"
}

func (c *Client) checkOwn(ctx context.Context, l *Line, name string) error {
	a, err := c.ask(ctx, question{promql: c.filled(l.Query)})
	if err != nil {
		return err
	}
	if a.series > 1 {
		return c.notOne(l.Query, a)
	}
	if a.series == 0 {
		l.State, l.Text = model.CheckWarning, "no series"
		return nil
	}
	switch v := float64(a.rest[0].Values[0].Value); {
	case !usable(v):
		l.State, l.Text = model.CheckWarning, fmt.Sprintf("no number: %v", v)
	case name == "error ratio" && (v > 1 || v < 0):
		return &Error{Kind: ErrAnswer, To: c.to, Query: l.Query, Err: errors.New("out of range"), Why: fmt.Sprintf("%g is no ratio from 0 to 1", v)}
	default:
		l.Text = fmt.Sprintf("%g", v)
	}
	return nil
}

// some names a few.
func some(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}
