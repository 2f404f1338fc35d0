package incident

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// figures are the checks by Prometheus.
func (p *proving) figures() (out []VerifyCheck) {
	f := p.s.FiguresOf(p.id)
	unread := f == nil && p.unread()
	if f != nil && f.NotMeasured {
		return nil
	}
	if f == nil {
		f = &model.Figures{}
		why := p.s.noFigures()
		for _, r := range []*model.Reading{&f.Up, &f.HoldErrors, &f.HoldP95, &f.Errors.Now, &f.P95.Now} {
			r.Why = why
		}
	}
	if t := p.s.Incident.Settings.Target(p.id); t == nil || !t.NoUp {
		out = append(out, p.up(f))
	}
	out = append(out, p.figure(f, TErrors), p.figure(f, TP95))
	for n := range out {
		if unread {
			out[n].Wait = WaitWindow
		}
	}
	return out
}

// unread reports whether the first figures after the rollout are only still to come.
func (p *proving) unread() bool {
	m := &p.s.Seen.Metrics
	return p.release != nil && m.Off == "" && m.Err == "" && !m.Heard.After(p.release.Write.RolledOut)
}

// up judges the scrape targets. Those of pods that have ended stay listed for a while.
func (p *proving) up(f *model.Figures) VerifyCheck {
	v := p.check("up", checkUp)
	v.Limit = "all"
	switch {
	case !f.Up.Known || !f.Targets.Known:
		v.Seen = f.Up.Why
		return v
	case f.Targets.Value == 0:
		v.Seen = "no target is scraped"
		return v
	}
	v.Seen = fmt.Sprintf("%.0f of %.0f", f.Up.Value, f.Targets.Value)
	c := p.s.Seen.Component(p.id)
	switch clears := p.clears(p.s.Incident.Settings.Scrape); {
	case f.Up.Value >= f.Targets.Value:
		v.State = model.TriYes
	case c != nil && f.Up.Value >= float64(c.Desired) && (c.Terminating > 0 || p.s.Now.Before(clears)):
		v.Wait, v.Clears = WaitWindow, clears
		v.Seen += ": of pods that have ended"
	default:
		v.State = model.TriNo
	}
	return v
}

// clears returns when what looks back on so much time has nothing in it any more from
// before the rollout had ended, seen in the next scrape and the next poll; zero where
// nothing was rolled out. Old pods that still end go on until then.
func (p *proving) clears(window time.Duration) time.Time {
	if p.release == nil || p.release.Write.RolledOut.IsZero() {
		return time.Time{}
	}
	from := p.release.Write.RolledOut
	if c := p.s.Seen.Component(p.id); c != nil && c.Terminating > 0 && p.s.Now.Sub(from) < 2*time.Minute {
		from = p.s.Now
	}
	set := &p.s.Incident.Settings
	return from.Add(window + set.Scrape + set.Poll)
}

// limitOf is Verify's limit for a figure: the larger of the configured one and
// the baseline, at most half the trigger's.
func limitOf(configured float64, base model.Reading, trigger float64) (limit float64, why string) {
	limit, why = configured, "configured"
	if base.Known && base.Value > limit {
		limit, why = base.Value, "baseline, above the configured"
	}
	if limit > trigger/2 {
		limit, why = trigger/2, "half the trigger's limit"
	}
	return limit, why
}

// measured is one figure with its limits, for a check.
type measured struct {
	hold  model.Reading // over the whole hold
	now   model.Figure
	show  func(float64) string
	limit float64       // of the hold
	why   string        // where that comes from
	top   float64       // the highest that Verify may ask for: one step is bad above it
	fresh model.Reading // of the new pods alone
}

func (p *proving) measured(f *model.Figures, kind TriggerKind) measured {
	set, base := &p.s.Incident.Settings, p.s.baseline(p.id)
	if kind == TP95 {
		m := measured{hold: f.HoldP95, now: f.P95, show: model.Seconds, top: set.Limits.P95.Seconds() / 2, fresh: f.New.P95}
		m.limit, m.why = limitOf(set.Verify.P95.Seconds(), base.P95, set.Limits.P95.Seconds())
		return m
	}
	m := measured{hold: f.HoldErrors, now: f.Errors, show: model.Percent, top: set.Limits.Errors / 2, fresh: f.New.Errors}
	m.limit, m.why = limitOf(set.Verify.Errors, base.Errors, set.Limits.Errors)
	return m
}

// figure judges a figure over the whole hold, and by its newest step before that. While
// a window still holds samples from before the rollout, or before a component that was
// not rolled back recovered, it would judge the bad pods too: then it is unknown.
func (p *proving) figure(f *model.Figures, kind TriggerKind) VerifyCheck {
	v := p.check("errors", checkErrors)
	if kind == TP95 {
		v = p.check("p95", checkP95)
	}
	set, m := &p.s.Incident.Settings, p.measured(f, kind)
	v.Limit = fmt.Sprintf("≤ %s over %s (%s)", m.show(m.limit), model.Short(set.Verify.Hold), m.why)
	n := len(m.now.Samples)
	if n > 0 && m.now.Now.Known && OverLimit(m.now.Samples[n-1], m.top) == model.TriYes {
		p.stepOver(&v, &m) // by half the trigger's limit, whatever the baseline was
		return v
	}
	v.Baseline = true
	// From when on what the hold looks back on is what it is about.
	from := UnderSince(m.now, m.top)
	if p.release != nil {
		if from = p.release.Write.RolledOut; from.IsZero() {
			v.Wait, v.Seen = WaitWindow, "not rolled out yet"
			return v
		}
	}
	behind, ready := p.s.Now.Sub(from), set.Verify.Hold+set.Scrape+set.Poll
	switch {
	case p.release != nil && behind < set.Verify.Hold:
		v.Wait = WaitHold
		// In steps, so that a page of checks does not change every second.
		v.Seen = fmt.Sprintf("%s of %s since the rollout", model.Short(behind.Truncate(5*time.Second)), model.Short(set.Verify.Hold))
		if !m.now.Now.Known {
			v.Wait, v.Seen = WaitNothing, m.now.Now.Why
		}
	case !m.hold.Known && m.hold.Why == "" && m.now.Now.Known:
		v.Wait = WaitHold // the hold's own figures come with the next poll
	case !m.hold.Known:
		v.Seen = m.hold.Why
	case m.hold.AtLeast && m.hold.Value <= m.limit:
		v.Seen = lowerBound(kind, m.hold.Value)
	case m.hold.Value <= m.limit:
		v.State, v.Seen = model.TriYes, m.show(m.hold.Value)
	case behind < ready:
		v.Wait, v.Clears = WaitHold, from.Add(ready)
		v.Seen = m.show(m.hold.Value) + ", from before"
	default:
		v.State, v.Seen = model.TriNo, m.show(m.hold.Value)
	}
	return v
}

// stepOver judges a newest step that is too high: bad, unless it looks back on the time
// before the rollout and the new pods are not known to be bad themselves.
func (p *proving) stepOver(v *VerifyCheck, m *measured) {
	set := &p.s.Incident.Settings
	newest := m.show(m.now.Samples[len(m.now.Samples)-1].V)
	window := cmp.Or(m.now.Window, max(time.Minute, 4*set.Scrape)) // the default: a minute, at least four scrapes
	v.State, v.Seen = model.TriNo, newest+" in the last "+lengthOf(window)
	if m.fresh.Known && m.fresh.Value > m.top {
		v.Seen += ", new pods " + m.show(m.fresh.Value)
		return
	}
	clears := p.clears(window)
	if !p.s.Now.Before(clears) || overFrom(m.now.Samples, m.top).After(p.release.Write.RolledOut.Add(set.Scrape)) {
		return
	}
	v.State, v.Wait, v.Clears = model.TriUnknown, WaitWindow, clears
	v.Seen = newest + heading(m.now)
	if m.fresh.Known {
		v.Seen += ", new pods " + m.show(m.fresh.Value)
	}
}

// overFrom returns the first sample of the run over a limit that lasts to the newest.
func overFrom(samples []model.Sample, limit float64) (since time.Time) {
	for _, x := range slices.Backward(samples) {
		if OverLimit(x, limit) != model.TriYes {
			break
		}
		since = x.At
	}
	return since
}

// lengthOf is a window in words: "minute", "5m".
func lengthOf(window time.Duration) string {
	if window == time.Minute {
		return "minute"
	}
	return model.Short(window)
}
