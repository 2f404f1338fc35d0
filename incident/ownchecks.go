package incident

import (
	"fmt"
	"strconv"
	"time"

	"rollbook/model"
)

// ownChecks are the checks that are configured for a component: health URLs,
// pods by label, the end of the log, own queries.
func ownChecks(s *Snapshot, component string) []VerifyCheck {
	t := s.Incident.Settings.Target(component)
	if t == nil {
		return nil
	}
	var out []VerifyCheck
	for n, h := range t.Health {
		out = append(out, healthCheck(s, t.ID, n, h))
	}
	if t.Pods != "" {
		out = append(out, selectedCheck(s, t))
	}
	for n, q := range t.Promql {
		out = append(out, ownCheck(s, t.ID, n, q))
	}
	if t.Logs > 0 {
		out = append(out, tailCheck(s, t))
	}
	return out
}

// unasked says that the check was not asked for so far; for a while after the rollout it
// is waited for.
func (v *VerifyCheck) unasked(s *Snapshot) {
	v.Seen = "not asked yet"
	if s.Now.Before(s.Incident.RolledOut.Add(s.Incident.Settings.checksFresh())) {
		v.Wait = WaitWindow
	}
}

// counts reports whether what the check saw at a time does, and says why it does not.
func (v *VerifyCheck) counts(s *Snapshot, at time.Time, err string) bool {
	switch {
	case err != "":
		v.Seen = err
	case at.IsZero():
		v.unasked(s)
	case s.Now.Sub(at) > s.Incident.Settings.checksFresh():
		v.Seen = "stale since " + model.Short(s.Now.Sub(at))
	default:
		return true
	}
	return false
}

func healthCheck(s *Snapshot, id string, n int, h model.Health) VerifyCheck {
	v := VerifyCheck{Key: id + "/health:" + h.URL, Component: id, Name: "health " + h.URL, Limit: "any below 400"}
	if h.Status != 0 {
		v.Limit = strconv.Itoa(h.Status)
	}
	var p model.ProbeSeen
	if seen := s.Seen.Probes[id]; n < len(seen) && seen[n].URL == h.URL {
		p = seen[n]
	}
	why := ""
	if p.At.IsZero() {
		why = p.Text
	}
	if !v.counts(s, p.At, why) {
		return v
	}
	v.State, v.Seen, v.Since = p.State, p.Text, p.Since
	return v
}

func selectedCheck(s *Snapshot, t *model.Target) VerifyCheck {
	v := VerifyCheck{Key: t.ID + "/selected", Component: t.ID, Name: "pods " + t.Pods, Limit: "all ready"}
	p := s.Seen.Selected[t.ID]
	if !v.counts(s, p.At, p.Err) {
		return v
	}
	v.State, v.Seen = model.TriNo, fmt.Sprintf("%d of %d ready", p.Ready, p.Total)
	switch {
	case p.Total == 0:
		v.Seen = "no pod has these labels"
	case p.Ready >= p.Total:
		v.State = model.TriYes
	}
	return v
}

func ownCheck(s *Snapshot, id string, n int, q model.OwnCheck) VerifyCheck {
	v := VerifyCheck{Key: id + "/promql:" + q.Name, Component: id, Name: q.Name, Limit: q.Limit()}
	var r model.Reading
	if seen := s.Seen.Own[id]; n < len(seen) && seen[n].Name == q.Name {
		r = seen[n].Reading.Stale(s.Now, max(s.Incident.Settings.Fresh(), s.Incident.Settings.checksFresh()))
	}
	if !r.Known {
		if v.Seen = r.Why; r.Why == "" {
			v.unasked(s)
		}
		return v
	}
	v.State, v.Seen = model.TriYes, strconv.FormatFloat(r.Value, 'g', 4, 64)
	if q.Max != nil && r.Value > *q.Max || q.Min != nil && r.Value < *q.Min {
		v.State = model.TriNo
	}
	return v
}

// tailCheck judges a log only by what the configuration calls bad.
func tailCheck(s *Snapshot, t *model.Target) VerifyCheck {
	v := VerifyCheck{Key: t.ID + "/log", Component: t.ID, Name: checkLog, Shown: t.LogsBad == ""}
	if !v.Shown {
		v.Limit = "no line with " + t.LogsBad
	}
	p := s.Seen.Tails[t.ID]
	if !v.counts(s, p.At, p.Err) {
		return v
	}
	v.Seen = fmt.Sprintf("%d lines of %s", len(p.Lines), p.Pod)
	switch n := len(p.Bad); {
	case v.Shown:
	case n > 0:
		v.State, v.Seen = model.TriNo, fmt.Sprintf("%d bad of %d lines of %s", n, len(p.Lines), p.Pod)
	default:
		v.State = model.TriYes
	}
	return v
}
