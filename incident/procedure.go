package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// Course says which procedure something belongs to. The zero value is the walk
// itself.
type Course string

// The courses.
const (
	CourseWalk     Course = ""
	CourseRecovery Course = "recovery" // a rollback failed, or made it worse
	CourseDrill    Course = "drill"    // the beginning and the end of a rehearsal
)

// Procedure is an ordered list of steps, each settled by a write, by hand, or left
// out with a reason. An incident has at most one for each course.
type Procedure struct {
	Course Course
	Began  time.Time
	By     string
	Steps  []ProcedureStep
}

// ProcedureStep is one of them. One with a method is a write; one without is done by
// hand and ticked.
type ProcedureStep struct {
	ID     string        `json:"id"` // unique in its procedure
	Text   string        `json:"text"`
	Slot   model.Slot    `json:"slot,omitzero"`
	Method model.Method  `json:"method,omitempty"` // "" = by hand
	To     model.Version `json:"to,omitzero"`
	// Any says that the step may be taken before those that stand in front of it.
	Any bool `json:"any,omitempty"`

	State  ItemState `json:"-"`
	By     string    `json:"-"`
	At     time.Time `json:"-"`
	Reason string    `json:"-"`
}

// Procedure returns the one of a course, or nil.
func (i *Incident) Procedure(c Course) *Procedure {
	for n := range i.Procedures {
		if i.Procedures[n].Course == c {
			return &i.Procedures[n]
		}
	}
	return nil
}

// Step returns the step of that ID, or nil.
func (p *Procedure) Step(id string) *ProcedureStep {
	for n := range p.Steps {
		if p.Steps[n].ID == id {
			return &p.Steps[n]
		}
	}
	return nil
}

// Blocked says why a step cannot be taken now, in words for the operator; "" when it
// can.
func (p *Procedure) Blocked(id string) string {
	for n := range p.Steps {
		s := &p.Steps[n]
		switch {
		case s.ID == id && s.State != ItemOpen:
			return fmt.Sprintf("“%s” is %s already", s.Text, s.State)
		case s.ID == id:
			return ""
		case s.State == ItemOpen && !p.any(id):
			return fmt.Sprintf("“%s” comes first: take it, or leave it out with a reason", s.Text)
		}
	}
	return "there is no such step"
}

func (p *Procedure) any(id string) bool {
	s := p.Step(id)
	return s != nil && s.Any
}

// Open returns how many steps are still to be settled.
func (p *Procedure) Open() (n int) {
	for _, s := range p.Steps {
		if s.State == ItemOpen {
			n++
		}
	}
	return n
}

// BeginProcedure begins a course; one that was begun goes on as it is.
type BeginProcedure struct {
	Course Course
	Steps  []ProcedureStep
}

func (do BeginProcedure) decide(d *decider) {
	if d.by == "" || do.Course == CourseWalk || len(do.Steps) == 0 || d.inc().Procedure(do.Course) != nil {
		return
	}
	if d.inc().ID == "" {
		d.open()
	}
	d.fact(ProcedureBegan{Course: do.Course, Steps: do.Steps})
}

// ProcedureBegan is its beginning, with all its steps.
type ProcedureBegan struct {
	Course Course          `json:"course"`
	Steps  []ProcedureStep `json:"steps"`
}

func (b ProcedureBegan) apply(i *Incident, f Fact) {
	i.Procedures = with(i.Procedures, Procedure{Course: b.Course, Began: f.At, By: f.By, Steps: slices.Clone(b.Steps)})
}

func (b ProcedureBegan) entry(*Incident) (EntryKind, string) {
	return EntryNote, fmt.Sprintf("%s begun: %d steps", b.Course, len(b.Steps))
}

// TakeStep takes a step that is a write: it is checked and confirmed like any other.
type TakeStep struct {
	Course Course
	ID     string
}

func (do TakeStep) decide(d *decider) {
	p := d.inc().Procedure(do.Course)
	if p == nil || p.Blocked(do.ID) != "" {
		return
	}
	s := p.Step(do.ID)
	if s.Method == "" {
		return
	}
	c := Choice{Slot: s.Slot, Method: s.Method, To: s.To, Why: s.Text, Own: true, Course: do.Course, Step: do.ID}
	if w := d.s.Seen.Component(s.Slot.Component); w != nil && s.Slot.Role == model.RoleRelease {
		c.From = w.Running()
	}
	d.fact(Chosen{c})
	d.moveTo(Confirm)
}

// SettleStep ticks a step that was done by hand, or leaves one out with a reason.
type SettleStep struct {
	Course Course
	ID     string
	Waive  bool
	Reason string
}

func (do SettleStep) decide(d *decider) {
	p := d.inc().Procedure(do.Course)
	if d.by == "" || p == nil || p.Step(do.ID) == nil || p.Step(do.ID).State != ItemOpen {
		return
	}
	if do.Waive && do.Reason == "" || !do.Waive && p.Blocked(do.ID) != "" {
		return
	}
	d.fact(StepSettled{Course: do.Course, ID: do.ID, Waived: do.Waive, Reason: do.Reason})
	d.closeIfDone()
}

// StepSettled is one step of a procedure.
type StepSettled struct {
	Course Course `json:"course"`
	ID     string `json:"id"`
	Waived bool   `json:"waived,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (b StepSettled) apply(i *Incident, f Fact) {
	i.Procedures = slices.Clone(i.Procedures)
	p := i.Procedure(b.Course)
	if p == nil {
		return
	}
	p.Steps = slices.Clone(p.Steps)
	if s := p.Step(b.ID); s != nil {
		s.State, s.By, s.At, s.Reason = ItemDone, f.By, f.At, b.Reason
		if b.Waived {
			s.State = ItemWaived
		}
	}
}

func (b StepSettled) entry(i *Incident) (EntryKind, string) {
	text := b.ID
	if p := i.Procedure(b.Course); p != nil && p.Step(b.ID) != nil {
		text = p.Step(b.ID).Text
	}
	if b.Waived {
		return EntryAnswer, fmt.Sprintf("%s, left out: %s%s", b.Course, text, because(b.Reason))
	}
	return EntryAnswer, fmt.Sprintf("%s, done: %s%s", b.Course, text, because(b.Reason))
}

// settleSteps settles the steps whose writes have come to their end.
func (d *decider) settleSteps() {
	for _, a := range d.inc().Attempts {
		if a.Course == CourseWalk {
			continue
		}
		p := d.inc().Procedure(a.Course)
		if p == nil {
			continue
		}
		if s := p.Step(a.Step); s != nil && s.State == ItemOpen && !slices.ContainsFunc(a.Writes, func(w Write) bool { return w.State != Done }) {
			d.fact(StepSettled{Course: a.Course, ID: a.Step})
		}
	}
}

// proceduresBlocked says why an incident with an unfinished procedure cannot be
// closed; "" when there is none.
func proceduresBlocked(i *Incident) string {
	for n := range i.Procedures {
		if p := &i.Procedures[n]; p.Open() > 0 {
			return fmt.Sprintf("%d steps of the %s are open: take them, or leave them out with a reason", p.Open(), p.Course)
		}
	}
	return ""
}
