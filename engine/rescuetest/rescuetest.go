// Package rescuetest has an operator who recovers a component from its beginning to the
// closed incident, whatever is in the way: for tests of what is resumed after a kill.
package rescuetest

import (
	"fmt"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

// Engine takes what the operator does, and shows what came of it.
type Engine interface {
	Snapshot() *incident.Snapshot
	Send(incident.Act)
}

// Operator takes the steps of a recovery one after the other, and closes the incident.
type Operator struct {
	Engine    Engine
	Component string
	// To picks the version that the redeploy goes to; by default what Choose proposes.
	To func(*model.History) model.Version

	last string
}

// once sends what was not sent last: nothing is done twice before it shows.
func (o *Operator) once(what string, do incident.Act) {
	if o.last != what {
		o.last = what
		o.Engine.Send(do)
	}
}

// Act does the next thing, and says whether the incident is closed.
func (o *Operator) Act() (closed bool) {
	s := o.Engine.Snapshot()
	i := &s.Incident
	p := i.Procedure(incident.CourseRecovery)
	switch {
	case s.Seen.Searching || s.Seen.Resuming != "": // an earlier incident takes the place of what is begun now
	case i.ID == "" && i.Verdict.Verdict != incident.Now || !i.Closed.IsZero():
		return !i.Closed.IsZero()
	case p == nil && incident.RecoverBlocked(s) != "": // it would be refused, and is sent once
	case p == nil:
		o.once(fmt.Sprint("begin ", i.ID, len(i.Timeline)), incident.Recover{Components: []string{o.Component}})
	case i.Step == incident.Confirm && len(i.Open()) > 0:
		o.confirm(s)
	case p.Open() > 0:
		o.step(s, p)
	case i.Step == incident.Close:
		for _, it := range i.Items {
			if it.State == incident.ItemOpen {
				o.once("settle "+it.ID, incident.SettleItem{ID: it.ID, Reason: "by hand"})
				break
			}
		}
	case i.Step.Blocked(s) == "":
		o.once("next from "+i.Step.Name(), incident.Next{})
	case i.Asked == incident.AskNotGreen || i.Asked == incident.AskDeadline:
		o.once(fmt.Sprint("wait ", len(i.Timeline)), incident.Answered{With: incident.ReplyWait})
	}
	return false
}

// confirm gives the confirmation when it is open, and has it looked at again when
// something stands against it.
func (o *Operator) confirm(s *incident.Snapshot) {
	i := &s.Incident
	do, known := incident.ConfirmWrite{Word: incident.ConfirmWord(i)}, true
	for _, c := range i.Open() {
		pf := s.Seen.Preflight[c.Slot]
		if known = known && pf != nil && pf.Done; !known {
			return
		}
		for _, p := range pf.Plans {
			do.Plans = append(do.Plans, p.ID)
		}
	}
	switch why := i.Step.Blocked(s); {
	case why == "":
		o.once(fmt.Sprint("confirm ", len(i.Attempts), do.Plans), do)
	case !strings.HasPrefix(why, "asking"):
		o.once(fmt.Sprint("recheck ", len(i.Timeline), why), incident.Recheck{})
	}
}

// step takes the next step of the recovery, or waits for the one that is under way.
func (o *Operator) step(s *incident.Snapshot, p *incident.Procedure) {
	i, next := &s.Incident, p.Next()
	if next == nil || i.Asked == incident.AskSettle {
		return
	}
	key := fmt.Sprint(next.ID, " ", len(i.Attempts), " ", len(i.Timeline))
	if next.ByHand() {
		if why := s.TickBlocked(p.Course, next.ID, "looked by hand"); why == "" {
			o.once("tick "+key, incident.SettleStep{Course: p.Course, ID: next.ID, Reason: "looked by hand"})
		}
		return
	}
	if slot := (model.Slot{Component: o.Component, Role: next.Slot.Role}); i.Step == incident.Choose && next.Slot.Role == model.RoleRelease && i.Choice(slot) != nil && i.Choice(slot).Step == next.ID {
		o.choose(s, slot)
		return
	}
	choices, why := s.StepChoices(p.Course, next.ID)
	switch {
	case len(choices) > 0:
		o.once("take "+key, incident.TakeStep{Course: p.Course, ID: next.ID})
	case i.Asked == incident.AskDeadline:
		o.once("wait "+key, incident.Answered{With: incident.ReplyWait})
	case strings.HasPrefix(why, "there is nothing left of it"):
		o.once("tick "+key, incident.SettleStep{Course: p.Course, ID: next.ID, Reason: "it is so already"})
	}
}

// choose picks the version of the redeploy, and goes on to its confirmation.
func (o *Operator) choose(s *incident.Snapshot, slot model.Slot) {
	c, h := s.Incident.Choice(slot), s.Seen.History[slot]
	if o.To != nil && h != nil && !h.At.IsZero() {
		if to := o.To(h); !to.IsZero() && c.To.Key != to.Key {
			o.once("pick "+to.Key, incident.Pick{Component: slot.Component, To: to.Key})
			return
		}
	}
	if s.Incident.Step.Blocked(s) == "" {
		o.once("choose "+c.To.Key, incident.Next{})
	}
}
