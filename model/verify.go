package model

import (
	"fmt"
	"strings"
	"time"
)

// VerifyCheck is one line of Verify.
type VerifyCheck struct {
	Key       string // "backend-python/errors": what AcceptUnknown names
	Component string
	Name      string // "error ratio"
	State     Tri    // yes = good, no = bad, unknown
	Seen      string // "0.02%", or why it is unknown
	Limit     string // "≤ 0.2% (baseline)"
	Since     time.Time
	Accepted  bool
	Shown     bool // only shown, not judged
}

// limitOf is Verify's limit for a figure: the larger of the configured one and
// the baseline, at most half the trigger's.
func limitOf(configured float64, base Reading, trigger float64) (limit float64, why string) {
	limit, why = configured, "configured"
	if base.Known && base.Value > limit {
		limit, why = base.Value, "baseline, above the configured"
	}
	if limit > trigger/2 {
		limit, why = trigger/2, "half the trigger's limit"
	}
	return limit, why
}

// VerifyChecks are the checks of all components that were rolled back: each good
// only when it is known to be.
func VerifyChecks(s *Snapshot) []VerifyCheck {
	var out []VerifyCheck
	for _, st := range s.Incident.Standing() {
		w := st.Write
		if w.State != Rolling && w.State != Done {
			continue
		}
		out = append(out, podsCheck(s, w))
		out = append(out, figureChecks(s, w)...)
		out = append(out, ownChecks(s, w.Plan.Component)...)
	}
	for n := range out {
		_, out[n].Accepted = s.Incident.Accepted[out[n].Key]
		if out[n].State == TriYes && out[n].Since.IsZero() {
			out[n].Since = s.Incident.Hold.Since
		}
	}
	return out
}

// figureChecks are those by Prometheus.
func figureChecks(s *Snapshot, w *Write) (out []VerifyCheck) {
	f := s.FiguresOf(w.Plan.Component)
	if f != nil && f.NotMeasured {
		return nil
	}
	if f == nil {
		f = &Figures{}
		why := s.noFigures()
		for _, r := range []*Reading{&f.Up, &f.HoldErrors, &f.HoldP95, &f.Errors.Now, &f.P95.Now} {
			r.Why = why
		}
	}
	if t := s.Incident.Settings.Target(w.Plan.Component); t == nil || !t.NoUp {
		out = append(out, upCheck(w, f))
	}
	return append(out, holdCheck(s, w, f, TErrors), holdCheck(s, w, f, TP95))
}

func podsCheck(s *Snapshot, w *Write) VerifyCheck {
	v := VerifyCheck{Key: w.Plan.Component + "/pods", Component: w.Plan.Component, Name: "pods running"}
	if why := s.clusterLost(); why != "" {
		v.Seen = why
		return v
	}
	c := s.Seen.Component(w.Plan.Component)
	st := Rollout(c, w)
	v.Seen, v.Limit = st.Text, "all, of the chosen revision"
	switch {
	case !st.Known:
	case st.Done && c.Ready >= c.Desired:
		v.State, v.Seen = TriYes, fmt.Sprintf("%d of %d ready", c.Ready, c.Desired)
	default:
		v.State = TriNo
	}
	return v
}

func upCheck(w *Write, f *Figures) VerifyCheck {
	v := VerifyCheck{Key: w.Plan.Component + "/up", Component: w.Plan.Component, Name: "scrape targets up", Limit: "all"}
	switch {
	case !f.Up.Known || !f.Targets.Known:
		v.Seen = f.Up.Why
	case f.Targets.Value == 0:
		v.Seen = "no target is scraped"
	default:
		v.Seen = fmt.Sprintf("%.0f of %.0f", f.Up.Value, f.Targets.Value)
		v.State = TriNo
		if f.Up.Value >= f.Targets.Value {
			v.State = TriYes
		}
	}
	return v
}

// holdCheck judges a figure over the whole hold. Until the hold's window lies
// behind the rollout it would judge the bad pods too: then it says so and is
// unknown, unless the newest step alone is bad already.
func holdCheck(s *Snapshot, w *Write, f *Figures, kind TriggerKind) VerifyCheck {
	set := &s.Incident.Settings
	base := s.baseline(w.Plan.Component)
	v := VerifyCheck{Key: w.Plan.Component + "/errors", Component: w.Plan.Component, Name: "error ratio"}
	hold, now, show := f.HoldErrors, f.Errors, Percent
	limit, why := limitOf(set.Verify.Errors, base.Errors, set.Limits.Errors)
	top := set.Limits.Errors / 2
	if kind == TP95 {
		v.Key, v.Name = w.Plan.Component+"/p95", "P95"
		hold, now, show = f.HoldP95, f.P95, Seconds
		limit, why = limitOf(set.Verify.P95.Seconds(), base.P95, set.Limits.P95.Seconds())
		top = set.Limits.P95.Seconds() / 2
	}
	v.Limit = fmt.Sprintf("≤ %s over %s (%s)", show(limit), Short(set.Verify.Hold), why)
	if n := len(now.Samples); n > 0 && now.Now.Known && now.Samples[n-1].over(top) == TriYes {
		v.State, v.Seen = TriNo, show(now.Samples[n-1].V)+" in the last minute"
		return v
	}
	if behind := s.Now.Sub(w.RolledOut); w.RolledOut.IsZero() || behind < set.Verify.Hold {
		v.Seen = "not rolled out yet"
		if !w.RolledOut.IsZero() {
			// In steps, so that a page of checks does not change every second.
			v.Seen = fmt.Sprintf("measuring: %s of %s since the rollout", Short(behind.Truncate(5*time.Second)), Short(set.Verify.Hold))
		}
		if !now.Now.Known {
			v.Seen = now.Now.Why
		}
		return v
	}
	switch {
	case !hold.Known:
		v.Seen = hold.Why
	case hold.AtLeast && hold.Value <= limit:
		v.Seen = "at least " + show(hold.Value) + ": beyond the histogram's last bucket"
	case hold.Value <= limit:
		v.State, v.Seen = TriYes, show(hold.Value)
	default:
		v.State, v.Seen = TriNo, show(hold.Value)
	}
	return v
}

// proof is the check in a line, for the journal: what was seen, and by which limit
// it was judged.
func (v *VerifyCheck) proof() string {
	text := fmt.Sprintf("%s %s: %s", v.Component, v.Name, v.Seen)
	switch {
	case v.Shown:
		text += "; only shown"
	case v.Limit != "":
		text += "; must be " + v.Limit
	}
	return text
}

// verify keeps the hold: it begins with the rollout's end, breaks when something
// is known to be bad, and is green when it has lasted and every check is good or
// accepted.
func (d *decider) verify() {
	i := d.inc()
	if !i.Verified.IsZero() || i.RolledOut.IsZero() || rollBlocked(i) != "" {
		return
	}
	var bad, unknown []string
	accepted := 0
	var figures []string
	checks := VerifyChecks(&d.s)
	for _, v := range checks {
		figures = append(figures, v.proof())
		switch {
		case v.Shown:
		case v.State == TriNo:
			bad = append(bad, v.Component+" "+v.Name+" "+v.Seen)
		case v.State == TriUnknown && v.Accepted:
			accepted++
		case v.State == TriUnknown:
			unknown = append(unknown, v.Key)
		}
	}
	switch hold := i.Settings.Verify.Hold; {
	case len(bad) > 0 && !i.Hold.Since.IsZero():
		d.fact(HoldBroke{Why: strings.Join(bad, "; ")})
	case len(bad) > 0:
	case i.Hold.Since.IsZero():
		d.fact(HoldBegan{Since: d.goodSince()})
	case len(unknown) == 0 && d.s.Now.Sub(i.Hold.Since) >= hold:
		d.fact(WasVerified{Recovered: i.Hold.Since, Unknown: accepted, Figures: figures})
		d.effect(MeasureImpact{})
	}
	if i.Verified.IsZero() && i.Asked == AskNothing && i.Step >= RollBack && d.asking(i.Settings.Verify.Ask) {
		why := append(bad, unknown...)
		d.fact(AskedFor{What: AskNotGreen, Text: fmt.Sprintf("not green %s after the rollout: %s",
			Short(d.s.Now.Sub(i.RolledOut)), strings.Join(why, "; "))})
	}
}

// goodSince is the beginning of the good run: the first sample, not before the
// last rollout's end, of the run at no more than half the trigger's limit (the
// highest that Verify may ask for: a single step of a minute is too few requests
// for the limit itself, by which the whole hold is judged). Without samples it
// is now.
func (d *decider) goodSince() time.Time {
	limits := d.inc().Settings.Limits
	since := d.inc().RolledOut
	measured := false
	for _, s := range d.inc().Standing() {
		f := d.s.FiguresOf(s.Write.Plan.Component)
		if f == nil || f.NotMeasured {
			continue
		}
		for _, t := range []time.Time{UnderSince(f.Errors, limits.Errors/2), UnderSince(f.P95, limits.P95.Seconds()/2)} {
			if !t.IsZero() {
				measured = true
				if t.After(since) {
					since = t
				}
			}
		}
	}
	if measured && !since.After(d.s.Now) {
		return since
	}
	return d.s.Now
}

// accept takes an unknown check as it is, by name.
func (d *decider) accept(do AcceptUnknown) {
	for _, v := range VerifyChecks(&d.s) {
		if v.Key == do.Key && v.State == TriUnknown && !v.Accepted && !v.Shown {
			d.fact(UnknownAccepted{Key: v.Key, Text: v.Seen, Reason: do.Reason})
			d.verify()
		}
	}
}
