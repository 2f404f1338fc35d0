package metrics

import (
	"cmp"
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
	Name   string // "Prometheus", "requests and errors", "own error ratio of shop"
	State  model.CheckState
	Text   string // what was found, or what failed and why
	Query  string // the PromQL as it is really asked
	Series int    // how many series it returned
	Took   time.Duration
	Err    error // the failure; nil = none
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
	for _, g := range q.groups {
		lines = append(lines, c.checkGroup(ctx, g)...)
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
	l.Series = 1
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
	ask := func(name string, q question, wanted func(*asked) bool, key func(*asked) string, found func(parts) bool) Line {
		return c.timed(Line{Name: name, Query: q.promql}, func(l *Line) error {
			a, err := c.ask(ctx, q)
			if err != nil {
				return err
			}
			l.Series, now = a.series, cmp.Or(now, a.time())
			n, missing := 0, []string(nil)
			for _, t := range g.targets {
				if wanted(t) {
					n++
					if !found(a.by[key(t)]) {
						missing = append(missing, t.ID)
					}
				}
			}
			l.Text = fmt.Sprintf("%d of %d components", n-len(missing), n)
			if len(missing) > 0 {
				l.State = model.CheckWarning
				l.Text += ", not " + some(missing)
			}
			return nil
		})
	}
	counted := func(p parts) bool { _, ok := p.total(0); return ok }
	series := func(a *asked) string { return a.key }
	lines := []Line{
		ask("newest samples", g.scope.newest(), (*asked).preset, series, counted),
		ask("targets up", g.upScope.up(present), func(*asked) bool { return true }, func(a *asked) string { return a.upKey }, counted),
	}
	if now.IsZero() {
		return lines
	}
	window := c.shortWindow()
	return append(lines,
		ask("requests and errors", g.scope.counts(window, at(now)), (*asked).preset, series, counted),
		// Without requests it has no value, and that is no fault.
		ask("P95", g.scope.quantile(0.95, window, at(now)), func(a *asked) bool { return a.P95 == "" }, series, func(p parts) bool { return p != nil }))
}

func (c *Client) checkOwn(ctx context.Context, l *Line, name string) error {
	a, err := c.ask(ctx, question{promql: c.filled(l.Query)})
	if err != nil {
		return err
	}
	if l.Series = a.series; a.series > 1 {
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
