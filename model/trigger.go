package model

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// finding is what the figures or the cluster say now about one kind of trigger
// on one component.
type finding struct {
	Trigger        // filled in while State is yes; Component and Kind always
	State   Tri    // broken for long enough, not, or unknown
	Over    bool   // broken, but not for long enough yet
	Why     string // why it is unknown
	Asked   bool   // false where there is nothing to measure, which is not an unknown
}

// findings judges every component of the board, in the board's order, for every
// kind of trigger. It looks at observations alone, not at what was latched.
func findings(s *Snapshot) []finding {
	out, _ := spare.Get().([]finding)
	out = slices.Grow(out, 4*len(s.Seen.Board)) // grown step by step it costs as much again
	lost := s.clusterLost()
	for _, c := range s.Seen.Board {
		f := s.FiguresOf(c.ID)
		out = append(out,
			figureFinding(s, c, f, TErrors), figureFinding(s, c, f, TP95),
			noPodFinding(s, c, lost), stuckFinding(c, lost))
	}
	return out
}

// spare keeps the findings' array from one look at a board to the next: of a
// thousand components it has a megabyte, and was half of all that an idle screen
// left to the garbage collector.
var spare sync.Pool

// forget ends the use of findings.
func forget(found []finding) {
	if found == nil {
		return
	}
	clear(found)
	spare.Put(found[:0]) //nolint:staticcheck // 24 bytes for the header
}

// clusterLost says why what the cluster showed last does not count any more; ""
// while it does. A watch notices a dead peer late, so that the heartbeat counts.
func (s *Snapshot) clusterLost() string {
	c := s.Seen.Cluster
	switch {
	case c.Heard.IsZero():
		return "the cluster has not answered yet"
	case c.Lost(s.Now, ClusterFresh):
		return "cluster not heard for " + Short(s.Now.Sub(c.Heard))
	}
	return ""
}

// ClusterFresh is how long after the last answer the board still counts: three
// heartbeats of five seconds.
const ClusterFresh = 15 * time.Second

func figureFinding(s *Snapshot, c *Component, f *Figures, kind TriggerKind) finding {
	limits := s.Incident.Settings.Limits
	out := finding{Trigger: Trigger{Component: c.ID, Kind: kind}, Asked: true}
	fig, limit, want, show, name := Figure{}, limits.Errors, limits.For, Percent, "errors"
	if kind == TP95 {
		limit, want, show, name = limits.P95.Seconds(), limits.P95For, Seconds, "P95"
	}
	switch {
	case f == nil:
		fig.Now.Why = s.noFigures()
	case f.NotMeasured:
		out.State, out.Asked = TriNo, false
		return out
	case kind == TErrors:
		fig = f.Errors
	default:
		fig = f.P95
	}
	if c.Desired == 0 && c.Missing == "" && !fig.Now.Known {
		out.State, out.Asked = TriNo, false
		return out
	}
	run := Over(fig, limit, want)
	out.State, out.Why, out.Over = run.State, run.Why, run.State == TriYes
	out.Trigger.Query, out.Value, out.AtLeast = fig.Now.Query, fig.Now.Value, fig.Now.AtLeast
	if run.State != TriYes {
		return out
	}
	out.Onset, out.Limit, out.For = run.Since, limit, run.For
	if run.Held {
		out.Text = fmt.Sprintf("%s over %s for %s (limit %s) on %s", name, show(limit), Short(run.For), Short(want), c.ID)
		return out
	}
	out.State = TriNo
	out.Text = fmt.Sprintf("%s over %s for %s of %s on %s", name, show(limit), Short(run.For), Short(want), c.ID)
	return out
}

// noFigures says why there are no figures at all.
func (s *Snapshot) noFigures() string {
	m := s.Seen.Metrics
	switch {
	case m.Off != "":
		return m.Off
	case m.Err != "":
		return m.Err
	case !m.Trying.IsZero():
		return "asking Prometheus for " + Short(s.Now.Sub(m.Trying))
	}
	return "not measured yet"
}

func noPodFinding(s *Snapshot, c *Component, lost string) finding {
	out := finding{Trigger: Trigger{Component: c.ID, Kind: TNoPod}, Asked: true}
	wait := s.Incident.Settings.Limits.NoPod
	switch {
	case lost != "":
		out.Why = lost
	case c.Missing != "":
		out.Why = c.Missing
	case c.Desired == 0 || c.NoneAvailable.IsZero():
		out.State = TriNo
	default:
		since := s.Now.Sub(c.NoneAvailable)
		out.Onset, out.For, out.Query = c.NoneAvailable, since, "status.availableReplicas"
		out.Text = fmt.Sprintf("no available pod of %d for %s on %s", c.Desired, Short(since), c.ID)
		out.State, out.Over = TriNo, true
		if since >= wait {
			out.State = TriYes
		}
	}
	return out
}

func stuckFinding(c *Component, lost string) finding {
	out := finding{Trigger: Trigger{Component: c.ID, Kind: TStuck}, Asked: true}
	switch {
	case lost != "":
		out.Why = lost
	case c.Missing != "":
		out.Why = c.Missing
	case c.Stuck == "":
		out.State = TriNo
	default:
		out.State, out.Over = TriYes, true
		out.Onset, out.Query = c.StuckSince, "status.conditions, pod status"
		out.Text = fmt.Sprintf("newest rollout of %s is stuck: %s", c.ID, c.Stuck)
	}
	return out
}

// trigger returns the latched one of that kind, or nil.
func (i *Incident) trigger(component string, kind TriggerKind) *Trigger {
	for n := range i.Triggers {
		if t := &i.Triggers[n]; t.Component == component && t.Kind == kind {
			return t
		}
	}
	return nil
}

// fallAfter is how long a trigger must be under its limit before the operator
// may let it fall.
const fallAfter = 5 * time.Minute

// CanStandDown says why the triggers may not fall yet; "" when the operator may
// let them: all have been under their limits for five minutes.
func CanStandDown(s *Snapshot) string {
	if len(s.Incident.Triggers) == 0 && !s.Incident.Verdict.Overruled {
		return "there is no trigger to take back"
	}
	for _, t := range s.Incident.Triggers {
		switch {
		case t.Under.IsZero():
			return fmt.Sprintf("%s of %s is not known to be under its limit", t.Kind, t.Component)
		case s.Now.Sub(t.Under) < fallAfter:
			return fmt.Sprintf("%s of %s has been under its limit for %s of %s", t.Kind, t.Component,
				Short(s.Now.Sub(t.Under)), Short(fallAfter))
		}
	}
	return ""
}
