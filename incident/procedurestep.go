package incident

import (
	"fmt"
	"slices"

	"rollbook/model"
)

// SettleStep ticks a step that was done, or leaves one out with a reason.
type SettleStep struct {
	Course Course
	ID     string
	Waive  bool
	Reason string
}

func (do SettleStep) decide(d *decider) {
	p := d.inc().Procedure(do.Course)
	if d.by == "" || p == nil || p.Step(do.ID) == nil || p.Step(do.ID).State != ItemOpen || !d.inc().Closed.IsZero() {
		return
	}
	if do.Waive && do.Reason == "" || !do.Waive && d.s.TickBlocked(do.Course, do.ID, do.Reason) != "" {
		return
	}
	if w := d.inc().stepUnderWay(p, do.ID); w != nil {
		return
	}
	d.fact(StepSettled{Course: do.Course, ID: do.ID, Waived: do.Waive, Reason: do.Reason})
	if do.Waive {
		d.leaveWith(p.Course, do.ID)
	}
	d.settleSteps()
	d.closeIfDone()
}

// TickBlocked says why a step cannot be ticked by hand with that reason; "" when it can.
func (s *Snapshot) TickBlocked(course Course, id, reason string) string {
	p := s.Incident.Procedure(course)
	if p == nil {
		return "it has not begun"
	}
	if why := p.Blocked(id); why != "" {
		return why
	}
	step := p.Step(id)
	if w := s.Incident.stepUnderWay(p, id); w != nil {
		return "it is under way: " + w.Plan.Title
	}
	for _, o := range s.Incident.Owed() {
		if step.Undoes != "" && step.To.IsZero() && o.Method == step.Method && slices.Contains(step.Of(), o.Component) {
			return "it is still switched off: " + o.What + ". Put it back, or say that it was (P)"
		}
	}
	switch {
	case id == StepProve:
		return s.proveBlocked(step, reason)
	case step.Seen:
		return "this is seen, and ticked then: leave it out with a reason if it is to be passed over"
	case id == StepAlert && reason == "":
		return "it was not seen to fire: say where you saw it"
	}
	return ""
}

// stepUnderWay returns a write of a step that is not at its end; nil = there is none.
func (i *Incident) stepUnderWay(p *Procedure, id string) *Write {
	step := p.Step(id)
	for _, c := range step.Of() {
		if w := i.stepWrite(p, id, model.Slot{Component: c, Role: step.Slot.Role}); w != nil && w.underWay() {
			return w
		}
	}
	return nil
}

// leaveWith leaves out what goes back on a step that was left out, if nothing is
// switched off that it could put back.
func (d *decider) leaveWith(course Course, id string) {
	p := d.inc().Procedure(course)
	root := p.Step(id)
	if d.s.switchedOff(root) {
		return
	}
	for _, s := range p.Steps {
		if s.Undoes == id && s.State == ItemOpen {
			d.finds(StepSettled{Course: course, ID: s.ID, Waived: true, Reason: fmt.Sprintf("“%s” was left out", root.Text)})
		}
	}
}

// switchedOff reports whether anything is switched off that a step would switch off.
func (s *Snapshot) switchedOff(step *ProcedureStep) bool {
	for _, c := range step.Of() {
		if slices.ContainsFunc(s.Owed(), func(o Debt) bool { return o.Component == c && o.Method == step.Method }) {
			return true
		}
		if on := s.Seen.Component(c); on != nil && on.Asleep() && step.Slot.Role == model.RoleSwitch {
			return true
		}
	}
	return false
}

// StepSettled is one step of a procedure.
type StepSettled struct {
	Course Course `json:"course"`
	ID     string `json:"id"`
	Waived bool   `json:"waived,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (b StepSettled) apply(i *Incident, f Fact) {
	by := f.By
	if by == "" && !b.Waived {
		by = i.stepConfirmedBy(b.Course, b.ID)
	}
	i.onStep(b.Course, b.ID, func(s *ProcedureStep) {
		s.State, s.By, s.At, s.Reason = ItemDone, by, f.At, b.Reason
		if b.Waived {
			s.State = ItemWaived
		}
	})
}

// stepConfirmedBy returns who confirmed the newest writes of a step; "" = it has none.
func (i *Incident) stepConfirmedBy(c Course, id string) string {
	p := i.Procedure(c)
	if p == nil || p.Step(id) == nil {
		return ""
	}
	step := p.Step(id)
	for _, component := range step.Of() {
		if _, of := i.stepWriteID(p, id, model.Slot{Component: component, Role: step.Slot.Role}); of.N > 0 {
			return i.Attempts[of.N-1].By
		}
	}
	return ""
}

// onStep changes one step of the newest procedure of a course, in a copy.
func (i *Incident) onStep(c Course, id string, change func(*ProcedureStep)) {
	i.Procedures = slices.Clone(i.Procedures)
	p := i.Procedure(c)
	if p == nil {
		return
	}
	p.Steps = slices.Clone(p.Steps)
	if s := p.Step(id); s != nil {
		change(s)
	}
}

func (b StepSettled) entry(i *Incident) (EntryKind, string) {
	if b.Waived {
		return EntryAnswer, fmt.Sprintf("%s, left out: %s%s", b.Course, i.StepText(b.Course, b.ID), because(b.Reason))
	}
	return EntryAnswer, fmt.Sprintf("%s, done: %s%s", b.Course, i.StepText(b.Course, b.ID), because(b.Reason))
}

// StepText returns the words of a step of the newest procedure of a course.
func (i *Incident) StepText(c Course, id string) string {
	if p := i.Procedure(c); p != nil && p.Step(id) != nil {
		return p.Step(id).Text
	}
	return id
}

// ReopenStep takes back that a step is settled, and with it what goes back on it: it is
// taken once more.
type ReopenStep struct {
	Course Course
	ID     string
}

func (do ReopenStep) decide(d *decider) {
	p := d.inc().Procedure(do.Course)
	if d.by == "" || p == nil || p.Step(do.ID) == nil || p.Step(do.ID).State == ItemOpen || endedBlocked(d.inc()) != "" {
		return
	}
	step, passed := *p.Step(do.ID), false
	for _, s := range p.Steps {
		again := s.ID == do.ID || s.Undoes == do.ID || passed && s.Undoes != "" && s.Undoes == step.Undoes
		passed = passed || s.ID == do.ID
		if again && s.State != ItemOpen {
			d.fact(StepReopened{Course: do.Course, ID: s.ID})
		}
	}
}

// StepReopened is a step of a procedure that is open once more.
type StepReopened struct {
	Course Course `json:"course"`
	ID     string `json:"id"`
}

func (b StepReopened) apply(i *Incident, f Fact) {
	i.onStep(b.Course, b.ID, func(s *ProcedureStep) { s.State, s.By, s.At, s.Reason = ItemOpen, "", f.At, "" })
}

func (b StepReopened) entry(i *Incident) (EntryKind, string) {
	return EntryAnswer, fmt.Sprintf("%s, open again: %s", b.Course, i.StepText(b.Course, b.ID))
}

// settleSteps settles the open steps of procedures whose writes have come to their end,
// and those that go back on something that was put back, or is to stay, by another key.
func (d *decider) settleSteps() {
	for _, c := range []Course{CourseRecovery, CourseDrill} {
		p := d.inc().Procedure(c)
		if p == nil {
			continue
		}
		for _, s := range p.Steps {
			if s.State != ItemOpen {
				continue
			}
			if done, waived := d.inc().stepDone(d.inc().Procedure(c), &s); done {
				d.fact(StepSettled{Course: c, ID: s.ID, Waived: waived != "", Reason: waived})
			}
		}
	}
}

// stepDone reports whether what an open step writes was written to its end, or what it
// would put back was put back otherwise. waived is why that is to stay switched off, or was
// not done on the way back.
func (i *Incident) stepDone(p *Procedure, s *ProcedureStep) (done bool, waived string) {
	wrote := false
	for _, c := range s.Of() {
		w := i.stepWrite(p, s.ID, model.Slot{Component: c, Role: s.Slot.Role})
		if w != nil && w.State != Done {
			return false, ""
		}
		wrote = wrote || w != nil
	}
	off := p.Step(s.Undoes)
	if off == nil || off.Method == "" || wrote && !s.To.IsZero() {
		return wrote, ""
	}
	owed := false
	for _, c := range off.Of() {
		slot := model.Slot{Component: c, Role: off.Slot.Role}
		if slices.ContainsFunc(i.Owed(), func(o Debt) bool { return o.Slot == slot && o.Method == off.Method }) {
			return false, ""
		}
		w, id := i.stepWriteID(p, off.ID, slot)
		if w == nil || w.Plan.Owes == "" || w.refused() {
			continue
		}
		owed = true
		if o, ok := i.Waived[id]; ok {
			waived = o.Reason
		}
	}
	if done = wrote || owed && off.State == ItemDone; done && !wrote && waived == "" && (s.ByHand() || !s.To.IsZero()) {
		waived = "put back without it" // nobody looked at one pod
	}
	return done, waived
}

// CloseBlocked says what beside the checklist keeps an incident from being closed: a debt,
// or an unfinished procedure; "" when nothing does.
func CloseBlocked(i *Incident) string {
	if why := owedBlocked(i); why != "" {
		return why
	}
	return proceduresBlocked(i)
}

// proceduresBlocked says why an incident with an unfinished procedure cannot be
// closed; "" when there is none.
func proceduresBlocked(i *Incident) string {
	for n := range i.Procedures {
		if p := &i.Procedures[n]; p.Open() == 1 {
			return fmt.Sprintf("1 step of the %s is open: take it, or leave it out with a reason", p.Course)
		} else if p.Open() > 0 {
			return fmt.Sprintf("%d steps of the %s are open: take them, or leave them out with a reason", p.Open(), p.Course)
		}
	}
	return ""
}
