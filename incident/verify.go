package incident

import (
	"fmt"
	"time"

	"rollbook/model"
)

// VerifyCheck is one line of Verify.
type VerifyCheck struct {
	Key       string // "backend-python/errors": what AcceptUnknown names
	Component string
	Name      string    // "error ratio"
	State     model.Tri // yes = good, no = bad, unknown
	Seen      string    // "0.02%", or why it is unknown
	Limit     string    // "≤ 0.2% (baseline)"
	Since     time.Time
	Accepted  bool
	Shown     bool // only shown, not judged
}

// VerifyChecks are the checks of all components that were rolled back: each good
// only when it is known to be.
func VerifyChecks(s *Snapshot) []VerifyCheck {
	var out []VerifyCheck
	for _, st := range s.Incident.Standing() {
		w := st.Write
		if w.Plan.Role != model.RoleRelease || w.State != Rolling && w.State != Done {
			continue
		}
		out = append(out, podsCheck(s, st.WriteID, w))
		out = append(out, figureChecks(s, w)...)
		out = append(out, ownChecks(s, w.Plan.Component)...)
	}
	for n := range out {
		_, out[n].Accepted = s.Incident.Accepted[out[n].Key]
		if out[n].State == model.TriYes && out[n].Since.IsZero() {
			out[n].Since = s.Incident.Hold.Since
		}
	}
	return out
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

func podsCheck(s *Snapshot, id WriteID, w *Write) VerifyCheck {
	v := VerifyCheck{Key: w.Plan.Component + "/pods", Component: w.Plan.Component, Name: "pods running"}
	if why := s.clusterLost(); why != "" {
		v.Seen = why
		return v
	}
	c := s.Seen.Component(w.Plan.Component)
	p := s.ProgressOf(id)
	v.Seen, v.Limit = p.Text, "all, of the chosen version"
	switch {
	case p.Phase == model.PhaseUnknown || c == nil:
	case p.Phase == model.PhaseFinished && c.Ready >= c.Desired:
		v.State, v.Seen = model.TriYes, fmt.Sprintf("%d of %d ready", c.Ready, c.Desired)
	default:
		v.State = model.TriNo
	}
	return v
}

// figureChecks are those by Prometheus.
func figureChecks(s *Snapshot, w *Write) (out []VerifyCheck) {
	f := s.FiguresOf(w.Plan.Component)
	if f != nil && f.NotMeasured {
		return nil
	}
	if f == nil {
		f = &model.Figures{}
		why := s.noFigures()
		for _, r := range []*model.Reading{&f.Up, &f.HoldErrors, &f.HoldP95, &f.Errors.Now, &f.P95.Now} {
			r.Why = why
		}
	}
	if t := s.Incident.Settings.Target(w.Plan.Component); t == nil || !t.NoUp {
		out = append(out, upCheck(w, f))
	}
	return append(out, holdCheck(s, w, f, TErrors), holdCheck(s, w, f, TP95))
}

func upCheck(w *Write, f *model.Figures) VerifyCheck {
	v := VerifyCheck{Key: w.Plan.Component + "/up", Component: w.Plan.Component, Name: "scrape targets up", Limit: "all"}
	switch {
	case !f.Up.Known || !f.Targets.Known:
		v.Seen = f.Up.Why
	case f.Targets.Value == 0:
		v.Seen = "no target is scraped"
	default:
		v.Seen = fmt.Sprintf("%.0f of %.0f", f.Up.Value, f.Targets.Value)
		v.State = model.TriNo
		if f.Up.Value >= f.Targets.Value {
			v.State = model.TriYes
		}
	}
	return v
}

// holdCheck judges a figure over the whole hold. Until the hold's window lies
// behind the rollout it would judge the bad pods too: then it says so and is
// unknown, unless the newest step alone is bad already.
func holdCheck(s *Snapshot, w *Write, f *model.Figures, kind TriggerKind) VerifyCheck {
	set := &s.Incident.Settings
	base := s.baseline(w.Plan.Component)
	v := VerifyCheck{Key: w.Plan.Component + "/errors", Component: w.Plan.Component, Name: "error ratio"}
	hold, now, show := f.HoldErrors, f.Errors, model.Percent
	limit, why := limitOf(set.Verify.Errors, base.Errors, set.Limits.Errors)
	top := set.Limits.Errors / 2
	if kind == TP95 {
		v.Key, v.Name = w.Plan.Component+"/p95", "P95"
		hold, now, show = f.HoldP95, f.P95, model.Seconds
		limit, why = limitOf(set.Verify.P95.Seconds(), base.P95, set.Limits.P95.Seconds())
		top = set.Limits.P95.Seconds() / 2
	}
	v.Limit = fmt.Sprintf("≤ %s over %s (%s)", show(limit), model.Short(set.Verify.Hold), why)
	if n := len(now.Samples); n > 0 && now.Now.Known && overLimit(now.Samples[n-1], top) == model.TriYes {
		v.State, v.Seen = model.TriNo, show(now.Samples[n-1].V)+" in the last minute"
		return v
	}
	if behind := s.Now.Sub(w.RolledOut); w.RolledOut.IsZero() || behind < set.Verify.Hold {
		v.Seen = "not rolled out yet"
		if !w.RolledOut.IsZero() {
			// In steps, so that a page of checks does not change every second.
			v.Seen = fmt.Sprintf("measuring: %s of %s since the rollout", model.Short(behind.Truncate(5*time.Second)), model.Short(set.Verify.Hold))
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
		v.State, v.Seen = model.TriYes, show(hold.Value)
	default:
		v.State, v.Seen = model.TriNo, show(hold.Value)
	}
	return v
}
