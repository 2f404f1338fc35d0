package incident

import (
	"fmt"
	"slices"
	"strings"
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
	Shown     bool      // only shown, not judged
	Beside    bool      // its component was not rolled back: it has failed since the onset
	Baseline  bool      // judged by a limit that the baseline may have raised
	Wait      Wait      // an unknown one that only needs time
	Clears    time.Time // with WaitWindow: when it will tell; zero = not known
}

// Wait is what a check waits for that is unknown and needs only time.
type Wait string

// What is waited for.
const (
	WaitNothing Wait = ""
	WaitHold    Wait = "measuring" // it is good so far, and can only be judged when the hold is over
	WaitWindow  Wait = "settling"  // what it looks back on began before the rollout had ended, or is not read yet
)

// Acceptable reports whether the operator may take the check as it is.
func (v *VerifyCheck) Acceptable() bool {
	return v.State == model.TriUnknown && v.Wait == WaitNothing && !v.Accepted && !v.Shown
}

// VerifyChecks returns the checks of all components that the incident covers, those
// that were rolled back first: each good only when it is known to be. None while
// nothing was written and the incident has not ended.
func VerifyChecks(s *Snapshot) []VerifyCheck {
	if !s.Incident.Proving() {
		return nil
	}
	var out []VerifyCheck
	covered := s.Incident.Covered()
	for _, beside := range []bool{false, true} {
		for _, id := range covered {
			p := proving{s, id, s.Incident.released(id)}
			if (p.release == nil) != beside {
				continue
			}
			from := len(out)
			out = append(out, p.pods())
			if s.StopOf(id) == nil { // of what does not run on purpose there is nothing to measure
				out = append(out, p.figures()...)
				out = append(out, ownChecks(s, id)...)
			}
			for n := from; n < len(out); n++ {
				out[n].Beside = !s.Incident.wroteRelease(id)
			}
		}
	}
	if len(out) > 0 {
		out = append(out, stillOff(s, covered)...)
	}
	for n := range out {
		_, out[n].Accepted = s.Incident.Accepted[out[n].Key]
		if out[n].State == model.TriUnknown && out[n].Seen == "" {
			out[n].Seen = unmeasured
		}
		if out[n].State == model.TriYes && out[n].Since.IsZero() {
			out[n].Since = s.Incident.Hold.Since
		}
	}
	return out
}

// stillOff are lines for what is switched off of what the incident covers: while users
// see a maintenance page, or replicas are missing, nothing is well again.
func stillOff(s *Snapshot, covered []string) (out []VerifyCheck) {
	for _, o := range s.Incident.Owed() {
		if o.Role == model.RoleFault {
			continue // what went back is proved first, and then the drill's mark is taken off
		}
		if o.Role == model.RoleMaintenance || slices.Contains(covered, o.Component) {
			out = append(out, VerifyCheck{Key: o.Component + "/owed:" + string(o.Method), Component: o.Component, Name: checkOwed,
				State: model.TriNo, Seen: o.Words(), Limit: "put back"})
		}
	}
	return out
}

// Proving reports whether there is anything for Verify to judge: something was
// confirmed that is no drill's own, or the incident ended. It stays so whatever page is
// looked at.
func (i *Incident) Proving() bool {
	return i.End != nil || slices.ContainsFunc(i.Attempts, func(a Attempt) bool { return !a.OfDrill() })
}

// released returns the release of a component that counts and is written; nil where
// there is none.
func (i *Incident) released(component string) *Standing {
	for _, st := range i.Standing() {
		if st.Write.InPlace() && st.Write.Plan.Component == component {
			return &st
		}
	}
	return nil
}

// wroteRelease reports whether another version was written to a component, whatever
// became of it.
func (i *Incident) wroteRelease(component string) bool {
	for w := range i.writes() {
		if w.Plan.Slot() == model.Release(component) && w.happened() {
			return true
		}
	}
	return false
}

// CheckName returns what a check is called by its key: "backend-python scrape targets
// up" for "backend-python/up".
func CheckName(key string) string {
	component, check, _ := strings.Cut(key, "/")
	name := map[string]string{"pods": checkPods, "up": checkUp, "errors": checkErrors, "p95": checkP95, "log": checkLog, "selected": "pods by label"}[check]
	if kind, what, ok := strings.Cut(check, ":"); ok {
		name = map[string]string{"health": "health ", "promql": ""}[kind] + what
	}
	if name == "" {
		return key
	}
	return component + " " + name
}

// The names of checks.
const (
	checkPods   = "pods running"
	checkUp     = "scrape targets up"
	checkErrors = "error ratio"
	checkP95    = "P95"
	checkLog    = "log"
	checkOwed   = "switched off"
)

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

// proving is one component that is to be proven well.
type proving struct {
	s       *Snapshot
	id      string
	release *Standing // what was rolled back on it; nil = nothing
}

func (p *proving) check(key, name string) VerifyCheck {
	return VerifyCheck{Key: p.id + "/" + key, Component: p.id, Name: name}
}

// unheard says why nothing that the cluster showed counts for the hold.
func (p *proving) unheard() string {
	if why := p.s.clusterLost(); why != "" {
		return why
	}
	if since := p.s.Now.Sub(p.s.Seen.Cluster.Heard); since > p.s.Incident.Settings.gapMost() {
		return "cluster not heard for " + model.Short(since)
	}
	return ""
}

// pods judges whether the pods are all there. A workload of which nothing runs, or
// that is gone, proves nothing.
func (p *proving) pods() VerifyCheck {
	v := p.check("pods", checkPods)
	v.Limit = "all ready"
	if p.release != nil {
		v.Limit = "all, of the chosen version"
	}
	if why := p.unheard(); why != "" {
		v.Seen = why
		return v
	}
	c := p.s.Seen.Component(p.id)
	switch {
	case c == nil && (p.s.Seen.Reading || len(p.s.Seen.Board) == 0):
		v.Seen = "the board is not read yet"
		return v
	case p.s.StopOf(p.id) != nil:
		v.State, v.Seen = model.TriNo, p.s.StopOf(p.id).Words()
		return v
	case p.away() != "":
		v.State, v.Seen = model.TriNo, p.away()
		return v
	case c.Missing != "":
		v.Seen = c.Missing
		return v
	case c.Desired == 0:
		v.Seen = noReplicas
		return v
	}
	v.State, v.Seen = model.TriNo, fmt.Sprintf("%d of %d ready", c.Ready, c.Desired)
	switch {
	case p.release != nil:
		how := p.s.ProgressOf(p.release.WriteID)
		switch {
		case how.Phase == model.PhaseUnknown:
			v.State, v.Seen = model.TriUnknown, how.Text
			return v
		case how.Phase != model.PhaseFinished:
			v.Seen = how.Text
			return v
		}
	default:
		if why, _ := c.StuckAt(p.s.Now); why != "" {
			v.Seen = "rollout stuck: " + why
			return v
		}
	}
	switch {
	case c.Ready < c.Desired:
	case c.PodsNo == "" && len(c.Pods) > 0 && readyPods(c) < c.Desired:
		v.State, v.Wait, v.Seen = model.TriUnknown, WaitWindow, "its pods are not all shown yet"
	default:
		v.State = model.TriYes
	}
	return v
}

// away says that the workload was taken away: deleted, or scaled to 0 while it was
// watched; "" while it is there, or nobody knows.
func (p *proving) away() string {
	if p.unheard() != "" || p.s.Seen.Reading || len(p.s.Seen.Board) == 0 {
		return ""
	}
	c, before := p.s.Seen.Component(p.id), p.s.Incident.ReplicasBefore(p.id)
	switch {
	case c == nil, c.Missing == model.NotFound:
		return "the workload is gone: it is not in the cluster any more"
	case c.Asleep() && before > 0:
		return fmt.Sprintf("0 replicas: it had %d", before)
	}
	return ""
}

func readyPods(c *model.Component) (n int) {
	for k := range c.Pods {
		if c.Pods[k].Ready && !c.Pods[k].Deleting {
			n++
		}
	}
	return n
}
