package rescuetest

import (
	"fmt"

	"rollbook/incident"
	"rollbook/model"
)

// Rehearser holds a drill from its beginning to the closed incident: breaks the component,
// rolls it back by the walk, and puts back what was there.
type Rehearser struct{ Operator }

// Act does the next thing, and says whether the drill is closed.
func (o *Rehearser) Act() (closed bool) {
	s := o.Engine.Snapshot()
	i := &s.Incident
	p := i.Procedure(incident.CourseDrill)
	switch {
	case s.Seen.Searching || s.Seen.Resuming != "": // an earlier drill takes the place of what is begun now
	case !i.Closed.IsZero():
		return true
	case p == nil && incident.DrillBlocked(s) != "":
	case p == nil:
		o.once(fmt.Sprint("begin ", i.ID, len(i.Timeline)), incident.BeginDrill{})
	case i.Step == incident.Confirm && len(i.Open()) > 0:
		o.confirm(s)
	case p.Next() != nil && p.Next().ID == incident.StepAlert:
		o.once(fmt.Sprint("tick ", len(i.Timeline)), incident.SettleStep{Course: p.Course, ID: incident.StepAlert, Reason: "seen in the chat"})
	case p.Next() != nil && p.Next().ID != incident.StepWalk:
		o.step(s, p)
	case i.Step == incident.Assess && i.Verdict.Verdict != incident.Now && p.Open() > 0:
	default:
		o.walk(s)
	}
	return false
}

// walk goes one step on, and settles what is to be settled on the way.
func (o *Rehearser) walk(s *incident.Snapshot) {
	i, slot := &s.Incident, model.Release(o.Component)
	blocked := i.Step.Blocked(s)
	switch {
	case i.Step == incident.Choose && blocked != "":
		switch c, h := i.Choice(slot), s.Seen.History[slot]; {
		case c == nil:
			o.once(fmt.Sprint("select ", len(i.Timeline)), incident.Select{Component: o.Component, On: true})
		case c.To.IsZero() && h != nil && len(h.Candidates) > 0:
			o.once(fmt.Sprint("pick ", len(i.Timeline)), incident.Pick{Component: o.Component, To: h.Candidates[len(h.Candidates)-1].Key})
		}
	case i.Step == incident.Close && i.Report.At.IsZero():
		o.once("report", incident.WriteReport{})
	case i.Step == incident.Close:
		for _, it := range i.Items {
			if it.State == incident.ItemOpen {
				o.once("settle "+it.ID, incident.SettleItem{ID: it.ID, Reason: "by hand"})
				return
			}
		}
	case blocked == "":
		o.once(fmt.Sprint("next from ", i.Step.Name(), len(i.Attempts)), incident.Next{})
	case i.Asked == incident.AskNotGreen || i.Asked == incident.AskDeadline:
		o.once(fmt.Sprint("wait ", len(i.Timeline)), incident.Answered{With: incident.ReplyWait})
	}
}
