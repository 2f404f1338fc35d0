package incident

import (
	"fmt"

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

// kinds are all kinds of triggers, in the order in which they are told.
var kinds = []TriggerKind{TErrors, TP95, TNoPod, TStuck}

// findings returns what is broken or unknown on the board, in its order. It looks
// at observations alone, not at what was latched.
func findings(s *Snapshot) []finding {
	var out []finding
	lost := s.clusterLost()
	for _, l := range s.Judgement().Lines {
		for _, kind := range kinds {
			if f := l.finding(s, kind, lost); f.Asked && f.State == model.TriUnknown || f.State == model.TriYes || f.Over {
				out = append(out, f)
			}
		}
	}
	return out
}

// fine says that no trigger of the component can rise now.
func (l *Line) fine() bool {
	return l.Errors.State != model.TriYes && l.P95.State != model.TriYes && l.Component.NoneAvailable.IsZero() && l.Component.Stuck == ""
}

// finding returns what is said of one kind of trigger. lost is why the cluster
// does not count any more; "" while it does.
func (l *Line) finding(s *Snapshot, kind TriggerKind, lost string) finding {
	switch kind {
	case TErrors, TP95:
		return l.figureFinding(s, kind)
	case TNoPod:
		return noPodFinding(s, l.Component, lost)
	}
	return stuckFinding(l.Component, lost)
}

func (l *Line) figureFinding(s *Snapshot, kind TriggerKind) finding {
	c, limits := l.Component, s.Incident.Settings.Limits
	out := finding{Trigger: Trigger{Component: c.ID, Kind: kind}, Asked: true}
	run, limit, want, show, name := l.Errors, limits.Errors, limits.For, model.Percent, "errors"
	if kind == TP95 {
		run, limit, want, show, name = l.P95, limits.P95.Seconds(), limits.P95For, model.Seconds, "P95"
	}
	now := l.figure(kind)
	if l.Figures != nil && l.Figures.NotMeasured || c.Desired == 0 && c.Missing == "" && (now == nil || !now.Known) {
		out.State, out.Asked = model.TriNo, false
		return out
	}
	if now == nil {
		out.Why = s.noFigures()
		return out
	}
	out.State, out.Why, out.Over = run.State, run.Why, run.State == model.TriYes
	out.Trigger.Query, out.Value, out.AtLeast = now.Query, now.Value, now.AtLeast
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
