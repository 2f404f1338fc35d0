package incident

import (
	"fmt"
	"slices"
	"sync"

	"rollbook/model"
)

// finding is what the figures or the cluster say now about one kind of trigger
// on one component.
type finding struct {
	Trigger           // filled in while State is yes; Component and Kind always
	State   model.Tri // broken for long enough, not, or unknown
	Over    bool      // broken, but not for long enough yet
	Why     string    // why it is unknown
	Asked   bool      // false where there is nothing to measure, which is not an unknown
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

func figureFinding(s *Snapshot, c *model.Component, f *model.Figures, kind TriggerKind) finding {
	limits := s.Incident.Settings.Limits
	out := finding{Trigger: Trigger{Component: c.ID, Kind: kind}, Asked: true}
	fig, limit, want, show, name := model.Figure{}, limits.Errors, limits.For, model.Percent, "errors"
	if kind == TP95 {
		limit, want, show, name = limits.P95.Seconds(), limits.P95For, model.Seconds, "P95"
	}
	switch {
	case f == nil:
		fig.Now.Why = s.noFigures()
	case f.NotMeasured:
		out.State, out.Asked = model.TriNo, false
		return out
	case kind == TErrors:
		fig = f.Errors
	default:
		fig = f.P95
	}
	if c.Desired == 0 && c.Missing == "" && !fig.Now.Known {
		out.State, out.Asked = model.TriNo, false
		return out
	}
	run := Over(fig, limit, want)
	out.State, out.Why, out.Over = run.State, run.Why, run.State == model.TriYes
	out.Trigger.Query, out.Value, out.AtLeast = fig.Now.Query, fig.Now.Value, fig.Now.AtLeast
	if run.State != model.TriYes {
		return out
	}
	out.Onset, out.Limit, out.For = run.Since, limit, run.For
	if run.Held {
		out.Text = fmt.Sprintf("%s over %s for %s (limit %s) on %s", name, show(limit), model.Short(run.For), model.Short(want), c.ID)
		return out
	}
	out.State = model.TriNo
	out.Text = fmt.Sprintf("%s over %s for %s of %s on %s", name, show(limit), model.Short(run.For), model.Short(want), c.ID)
	return out
}

func noPodFinding(s *Snapshot, c *model.Component, lost string) finding {
	out := finding{Trigger: Trigger{Component: c.ID, Kind: TNoPod}, Asked: true}
	wait := s.Incident.Settings.Limits.NoPod
	switch {
	case lost != "":
		out.Why = lost
	case c.Missing != "":
		out.Why = c.Missing
	case c.Desired == 0 || c.NoneAvailable.IsZero():
		out.State = model.TriNo
	default:
		since := s.Now.Sub(c.NoneAvailable)
		out.Onset, out.For, out.Query = c.NoneAvailable, since, "status.availableReplicas"
		out.Text = fmt.Sprintf("no available pod of %d for %s on %s", c.Desired, model.Short(since), c.ID)
		out.State, out.Over = model.TriNo, true
		if since >= wait {
			out.State = model.TriYes
		}
	}
	return out
}

func stuckFinding(c *model.Component, lost string) finding {
	out := finding{Trigger: Trigger{Component: c.ID, Kind: TStuck}, Asked: true}
	switch {
	case lost != "":
		out.Why = lost
	case c.Missing != "":
		out.Why = c.Missing
	case c.Stuck == "":
		out.State = model.TriNo
	default:
		out.State, out.Over = model.TriYes, true
		out.Onset, out.Query = c.StuckSince, "status.conditions, pod status"
		out.Text = fmt.Sprintf("newest rollout of %s is stuck: %s", c.ID, c.Stuck)
	}
	return out
}
