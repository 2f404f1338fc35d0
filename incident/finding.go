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
	Over    bool      // broken now, for long enough or not
	Why     string    // why it is unknown
	Asked   bool      // false where there is nothing to measure, which is not an unknown
}

// kinds are all kinds of triggers, in the order in which they are told.
var kinds = []TriggerKind{TErrors, TP95, TNoPod, TStuck, TBurn}

// findings returns what is broken or unknown on the board, in its order. It looks
// at observations alone, not at what was latched.
func findings(s *Snapshot) []finding {
	var out []finding
	lost := s.clusterLost()
	for _, l := range s.Judgement().Lines {
		for _, kind := range kinds {
			if f := l.finding(s, kind, lost); f.Asked && f.State == model.TriUnknown || f.Over {
				out = append(out, f)
			}
		}
	}
	return out
}

// outage says whether what a kind of trigger is about is felt by users at once: the
// downtime counts by it.
func (k TriggerKind) outage() bool { return k != TStuck && k != TBurn }

// fine says that no trigger of the component can rise now.
func (l *Line) fine() bool {
	return l.Errors.State != model.TriYes && l.P95.State != model.TriYes && l.Component.NoneReady.IsZero() && l.Component.Stuck == "" && l.Component.Unmoved.IsZero() && !l.burns
}

// finding returns what is said of one kind of trigger. lost is why the cluster
// does not count any more; "" while it does.
func (l *Line) finding(s *Snapshot, kind TriggerKind, lost string) finding {
	var out finding
	switch kind {
	case TErrors, TP95:
		out = l.figureFinding(s, kind)
	case TNoPod:
		out = noPodFinding(s, l.Component, lost)
	case TBurn:
		out = l.burnFinding(s)
	default:
		out = stuckFinding(s, l.Component, lost)
	}
	if l.Component.Asleep() {
		if o := s.StopOf(l.Component.ID); o != nil {
			return finding{Trigger: Trigger{Component: out.Component, Kind: kind}, Why: o.Words()}
		}
		if !out.Over {
			return finding{Trigger: out.Trigger, Why: noReplicas}
		}
	}
	return out
}

// noReplicas is why nothing is known of a component of which no pod is wanted, and that
// fails nowhere all the same, as at an ingress: it is unknown, and not asked for.
const noReplicas = "0 replicas: nothing runs, so nothing is proven"

func (l *Line) figureFinding(s *Snapshot, kind TriggerKind) finding {
	c, limits := l.Component, s.Incident.Settings.Limits
	out := finding{Trigger: Trigger{Component: c.ID, Kind: kind}, Asked: true}
	run, limit, want, show, name := l.Errors, limits.Errors, limits.For, model.Percent, "errors"
	if kind == TP95 {
		run, limit, want, show, name = l.P95, limits.P95.Seconds(), limits.P95For, model.Seconds, "P95"
	}
	now := l.figure(kind)
	if l.Figures != nil && l.Figures.NotMeasured {
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
	case c.NoneReady.IsZero():
		out.State = model.TriNo
	default:
		since := s.Now.Sub(c.NoneReady)
		out.Onset, out.For, out.Query = c.NoneReady, since, "status.readyReplicas"
		out.Text = fmt.Sprintf("no ready pod of %d for %s on %s", c.Desired, model.Short(since), c.ID)
		out.State, out.Over = model.TriNo, true
		if since >= wait {
			out.State = model.TriYes
		}
	}
	return out
}

func stuckFinding(s *Snapshot, c *model.Component, lost string) finding {
	out := finding{Trigger: Trigger{Component: c.ID, Kind: TStuck}, Asked: true}
	switch {
	case lost != "":
		out.Why = lost
	case c.Missing != "":
		out.Why = c.Missing
	case c.Stuck == "" && c.Unmoved.IsZero():
		out.State = model.TriNo
	default:
		why, since := c.StuckAt(s.Now)
		out.Over, out.Query = true, "status.conditions, pod status"
		if why == "" {
			out.State, out.Onset = model.TriNo, c.Unmoved
			out.Text = fmt.Sprintf("newest rollout of %s: no new pod became ready for %s of %s", c.ID,
				model.Short(s.Now.Sub(c.Unmoved)), model.Short(c.StuckFrom().Sub(c.Unmoved)))
			break
		}
		out.State, out.Onset = model.TriYes, since
		out.Text = fmt.Sprintf("newest rollout of %s is stuck: %s", c.ID, why)
	}
	return out
}
