package metrics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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
	var measured []model.Target
	byMatch := map[string][]model.Target{}
	var order []string
	for _, t := range targets {
		if t.NotMeasured {
			continue
		}
		measured = append(measured, t)
		if t.Workload.Name == "" {
			continue
		}
		if byMatch[t.Match] == nil {
			order = append(order, t.Match)
		}
		byMatch[t.Match] = append(byMatch[t.Match], t)
	}
	for _, m := range order {
		lines = append(lines, c.checkGroup(ctx, byMatch[m])...)
	}
	for _, t := range measured {
		for _, q := range []struct{ name, promql string }{{"error ratio", t.Errors}, {"P95", t.P95}, {"requests", t.Requests}} {
			if q.promql != "" {
				lines = append(lines, c.timed(Line{Name: "own " + q.name + " of " + t.ID, Query: q.promql},
					func(l *Line) error { return c.checkOwn(ctx, l, q.name) }))
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
	v, err := c.now(ctx, serverTime)
	if err != nil {
		return err
	}
	l.Series = len(v)
	l.Text = "answers at " + c.to
	if t := timeIn(v); c.opt.Now != nil && !t.IsZero() {
		if skew := t.Sub(c.opt.Now()).Round(time.Second); skew.Abs() > 5*time.Second {
			l.Text += fmt.Sprintf(", its clock is %s off this machine's", skew)
		}
	}
	ctx, done, err := c.limited(ctx)
	if err != nil {
		return err
	}
	defer done()
	// Others that speak PromQL may not have this; the figures do not need it.
	if info, err := c.api.Buildinfo(ctx); err == nil && info.Version != "" {
		l.Text += ", version " + text.Line(info.Version)
	}
	return nil
}

// checkGroup asks the preset's queries over targets of the same Match.
func (c *Client) checkGroup(ctx context.Context, targets []model.Target) []Line {
	s := c.opt.Preset.over(targets)
	var now time.Time
	window := c.shortWindow()
	found := func(l *Line, has func(key string) bool, want func(model.Target) bool) {
		var missing []string
		n := 0
		for _, t := range targets {
			if !want(t) {
				continue
			}
			n++
			if !has(key(t.Workload)) {
				missing = append(missing, t.ID)
			}
		}
		l.Text = fmt.Sprintf("%d of %d components", n-len(missing), n)
		if len(missing) > 0 {
			l.State = model.CheckWarning
			l.Text += ", not " + some(missing)
		}
	}
	errs := func(t model.Target) bool { return t.Errors == "" || t.P95 == "" }
	lines := []Line{
		c.timed(Line{Name: "newest samples", Query: s.newest()}, func(l *Line) error {
			v, err := c.now(ctx, l.Query)
			if err != nil {
				return err
			}
			l.Series, now = len(v), timeIn(v)
			has := map[string]bool{}
			for _, e := range v {
				if k, ok := s.keyOf(e.Metric); ok {
					has[k] = true
				}
			}
			found(l, func(k string) bool { return has[k] }, errs)
			return nil
		}),
		c.timed(Line{Name: "targets up", Query: s.up()}, func(l *Line) error {
			v, err := c.now(ctx, l.Query)
			if err != nil {
				return err
			}
			l.Series = len(v)
			has := map[string]bool{}
			for _, e := range v {
				if k, ok := s.keyOf(e.Metric); ok {
					has[k] = true
				}
			}
			found(l, func(k string) bool { return has[k] }, func(model.Target) bool { return true })
			return nil
		}),
	}
	if now.IsZero() {
		return lines
	}
	return append(lines,
		c.timed(Line{Name: "requests and errors", Query: s.counts(window)}, func(l *Line) error {
			m, err := c.over(ctx, l.Query, at(now))
			if err != nil {
				return err
			}
			counts := map[string]*counted{}
			s.countsInto(counts, m, at(now))
			l.Series = len(m)
			found(l, func(k string) bool { _, ok := counts[k].total(0); return ok }, errs)
			return nil
		}),
		c.timed(Line{Name: "P95", Query: s.quantile(0.95, window)}, func(l *Line) error {
			m, err := c.over(ctx, l.Query, at(now))
			if err != nil {
				return err
			}
			l.Series = len(m)
			ls := map[string]*latency{}
			s.quantilesInto(ls, m, at(now))
			// Without requests there is none, and that is no fault.
			found(l, func(k string) bool { return ls[k] != nil }, func(t model.Target) bool { return t.P95 == "" })
			return nil
		}))
}

func (c *Client) checkOwn(ctx context.Context, l *Line, name string) error {
	v, err := c.now(ctx, l.Query)
	if err != nil {
		return err
	}
	l.Series = len(v)
	switch {
	case len(v) > 1:
		return &Error{Kind: ErrAnswer, To: c.to, Query: l.Query, Why: fmt.Sprintf("%d series where one is wanted: aggregate them, as with sum(…)", len(v))}
	case len(v) == 0:
		l.State, l.Text = model.CheckWarning, "no series"
	case !usable(float64(v[0].Value)):
		l.State, l.Text = model.CheckWarning, fmt.Sprintf("no number: %s", v[0].Value)
	case name == "error ratio" && (v[0].Value > 1 || v[0].Value < 0):
		return &Error{Kind: ErrAnswer, To: c.to, Query: l.Query, Err: errors.New("out of range"),
			Why: fmt.Sprintf("%g is no ratio from 0 to 1", float64(v[0].Value))}
	default:
		l.Text = fmt.Sprintf("%g", float64(v[0].Value))
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
