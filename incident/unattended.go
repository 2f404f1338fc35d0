package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// attemptsMost bounds how often an unattended drill confirms anew what was not written.
const attemptsMost = 12

// Unattended returns what comes next of a drill without a person: its own steps, between
// them the walk by Policy, and that it is put back, however it went. nil = it waits. over is
// why the drill is given up, in words that may end a sentence; "" = it goes on: what was
// broken is put back then too. end reports that there is nothing more to do, and owed that
// it is given up with the component still broken.
func Unattended(s *Snapshot, over string) (do Act, end bool) {
	i := &s.Incident
	p := i.Procedure(CourseDrill)
	switch {
	case !i.Closed.IsZero():
		return nil, true
	case p == nil:
		return s.beginAlone(over)
	case len(i.Attempts) >= attemptsMost:
		return nil, true
	}
	if over == "" {
		over = s.cannotBreak(p)
	}
	if over != "" {
		if do := s.givenUp(p, over); do != nil {
			return do, false
		}
	}
	step := p.Next()
	if step == nil {
		return s.closeAlone(over), false
	}
	switch step.ID {
	case StepHealthy:
		return nil, false
	case StepAlert:
		walks := Policy(s)
		if broke := i.Broke(); over == "" && walks != nil && !broke.IsZero() && s.Now.Sub(broke) >= i.Settings.Drill.Target {
			return SettleStep{Course: CourseDrill, ID: step.ID, Waive: true, Reason: fmt.Sprintf("it did not fire within %s, though the figures ask for a rollback", model.Short(i.Settings.Drill.Target))}, false
		}
		return nil, false
	case StepWalk:
		if do := Policy(s); do != nil {
			return do, false
		}
		return s.answerAlone(p), false
	}
	if slices.ContainsFunc(i.Open(), func(c Choice) bool { return c.Course == CourseDrill && c.Step == step.ID }) {
		if i.Step != Confirm {
			return Goto{Confirm}, false
		}
		return Policy(s), false
	}
	if s.StepBlocked(p, step.ID) != "" {
		return nil, false
	}
	return TakeStep{Course: CourseDrill, ID: step.ID}, false
}

// answerAlone answers what no figure says yet: that the drill's alert has fired is what a
// person would act on. It is an answer like a person's, so that both are kept, and names
// what is to be rolled back where the figures do not.
func (s *Snapshot) answerAlone(p *Procedure) Act {
	i := &s.Incident
	a := i.drillAlert(p.component())
	if a == nil || i.Asked != AskNothing || i.Step == Choose && len(i.Choices) > 0 {
		return nil
	}
	switch {
	case i.Step == Assess && i.Step.Blocked(s) == "":
		return Next{}
	case i.Step == Decision && Tree(s)[2].Answer != model.TriYes:
		return Say{Question: QCritical, Answer: model.TriYes, Reason: a.Words() + ", which the drill waited for"}
	case i.Step == Choose:
		return Select{Component: p.component(), On: true}
	}
	return nil
}

// beginAlone begins a drill. What an earlier one left broken is put back instead, and that
// is all: the next drill begins with what is healthy.
func (s *Snapshot) beginAlone(over string) (do Act, end bool) {
	i := &s.Incident
	debt := s.brokenBefore(s.DrillOf())
	switch {
	case debt != nil && slices.ContainsFunc(i.Open(), func(c Choice) bool { return c.Pays == debt.Plan }):
		return Policy(s), false
	case debt != nil && PayBlocked(s, *debt) == "" && Assess.Blocked(s) == "":
		return Pay{debt.WriteID}, false
	case debt != nil:
		return nil, over != ""
	case len(i.Attempts) > 0:
		return s.closeAlone("it only put back what an earlier one had left"), false
	case over != "":
		return nil, true
	case DrillBlocked(s) == "":
		return BeginDrill{}, false
	}
	// Nothing here can still come to be otherwise: what is named is not there.
	return nil, Assess.Blocked(s) == "" && !s.Seen.Reading && s.DrillOf() == ""
}

// cannotBreak says why an unattended drill cannot break its component, though it was
// checked to the end, or was given up before it did; "" = it can, or may come to, or has.
func (s *Snapshot) cannotBreak(p *Procedure) string {
	step := p.Step(StepBreak)
	switch {
	case step == nil:
		return ""
	case step.State == ItemWaived:
		return step.Reason
	}
	for _, c := range s.Incident.Open() {
		if c.Step != StepBreak || step.State != ItemOpen {
			continue
		}
		if pf := s.Seen.Preflight[c.Slot]; pf != nil && pf.Done && pf.Err != "" {
			return "it cannot be broken: " + pf.Err
		}
	}
	return ""
}

// givenUp leaves out what is open of a drill that is given up, but that it is put back; nil
// when that is done, or waits for a write that is under way.
func (s *Snapshot) givenUp(p *Procedure, over string) Act {
	for _, step := range p.Steps {
		if step.State == ItemOpen && step.Undoes == "" && s.Incident.stepUnderWay(p, step.ID) == nil {
			return SettleStep{Course: CourseDrill, ID: step.ID, Waive: true, Reason: over}
		}
	}
	for _, c := range s.Incident.Open() {
		if c.Course == CourseWalk && c.Role == model.RoleRelease {
			return Select{Component: c.Component} // it is not written any more
		}
	}
	return nil
}

// closeAlone goes on to Close and settles what is asked there: the evidence and the report
// by themselves, the rest left out, as nobody took part. nil = it waits.
func (s *Snapshot) closeAlone(over string) Act {
	i := &s.Incident
	if i.End == nil && i.Verified.IsZero() {
		if over == "" {
			over = "not verified"
		}
		outcome := FixedOtherwise
		if i.Broke().IsZero() {
			outcome = FalseAlarm
		}
		return EndIncident{Outcome: outcome, Reason: "the drill was given up: " + over}
	}
	if i.Step != Close {
		if i.Furthest >= Close {
			return Goto{Close}
		}
		if i.Step.Blocked(s) == "" {
			return Next{}
		}
		return Goto{i.Furthest}
	}
	for n := range i.Items {
		it := &i.Items[n]
		if it.State != ItemOpen {
			continue
		}
		why := "nobody took part: the drill ran unattended"
		switch it.ID {
		case "evidence":
			kept, last := i.Evidence[model.InFull], time.Time{}
			if r := i.Rehearsed(); r != nil {
				last = r.PutBack
			}
			switch {
			case kept.Err != "":
				why = "it could not be gathered: " + kept.Err
			case kept.At.Before(last) || kept.At.IsZero() || !s.Seen.Gathering[model.InFull].IsZero():
				return nil // that of the whole drill is on its way
			default:
				why = fmt.Sprintf("%d of it could not be had", len(kept.Missing))
			}
		case "report":
			switch {
			case !s.Seen.Reporting.IsZero():
				return nil
			case i.Report.Err == "":
				return WriteReport{}
			}
			why = "it could not be written: " + i.Report.Err
		}
		return SettleItem{ID: it.ID, Waive: true, Reason: why}
	}
	return nil
}

// UnattendedWaits says what an unattended drill waits for, in words that change when that
// does; "" = for nothing.
func UnattendedWaits(s *Snapshot) string {
	i := &s.Incident
	p := i.Procedure(CourseDrill)
	if p == nil {
		return DrillBlocked(s)
	}
	step := p.Next()
	if step == nil {
		return ""
	}
	why := i.Step.Blocked(s)
	switch {
	case step.ID == StepHealthy && i.Unwell.Why != "":
		why = i.Unwell.Why
	case step.ID == StepHealthy || step.ID == StepAlert:
		why = ""
	case step.ID == StepWalk && why == "" && i.Asked != AskNothing:
		why = i.AskText
	case step.ID == StepWalk && why == "" && Policy(s) == nil:
		why = "no figure asks for a rollback yet"
	}
	if why == "" {
		return step.Text
	}
	return step.Text + ": " + why
}
