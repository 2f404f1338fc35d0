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

// Procedure is an ordered list of steps, each settled by writes, by hand, or left out
// with a reason. Of those of one course the newest counts.
type Procedure struct {
	Course Course
	Began  time.Time
	By     string
	Steps  []ProcedureStep
}

// ProcedureStep is one of them. One that writes does so by its method, or, where that is
// a release, by the method that is chosen for it; one that does not is done by hand and
// ticked.
type ProcedureStep struct {
	ID     string        `json:"id"` // unique in its procedure
	Text   string        `json:"text"`
	Slot   model.Slot    `json:"slot,omitzero"`
	Method model.Method  `json:"method,omitempty"`
	To     model.Version `json:"to,omitzero"` // zero of one that undoes another: where that found it
	// Any says that the step may be taken before those that stand in front of it.
	Any bool `json:"any,omitempty"`
	// Components are those that the step writes to, in Slot's role, in the order in which
	// they are written; empty = Slot's own.
	Components []string `json:"components,omitempty"`
	Needs      []Need   `json:"needs,omitempty"`   // nil = all that stand in front of it
	Undoes     string   `json:"undoes,omitempty"`  // ID of the step that it goes back on, a part of the way or all of it
	Seen       bool     `json:"seen,omitempty"`    // it is ticked by what is seen, never by hand
	Untold     bool     `json:"untold,omitempty"`  // what it does is not told before the end
	Command    string   `json:"command,omitempty"` // of one by hand: to be run elsewhere

	State  ItemState `json:"-"`
	By     string    `json:"-"`
	At     time.Time `json:"-"`
	Reason string    `json:"-"`
}

// Need is a step that has to be settled before another one, and why.
type Need struct {
	ID  string `json:"id"`
	Why string `json:"why"` // what would be if it were not, in words for the operator
}

// ByHand reports whether the step is done outside of rollbook, and ticked.
func (s *ProcedureStep) ByHand() bool { return s.Method == "" && s.Slot.Role != model.RoleRelease }

// Of returns the components that the step writes to.
func (s *ProcedureStep) Of() []string {
	if len(s.Components) > 0 || s.Slot.Component == "" {
		return s.Components
	}
	return []string{s.Slot.Component}
}

// Procedure returns the newest one of a course, or nil.
func (i *Incident) Procedure(c Course) *Procedure {
	for n := len(i.Procedures) - 1; n >= 0; n-- {
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

// Blocked says why it is not a step's turn, in words for the operator; "" when it is.
func (p *Procedure) Blocked(id string) string {
	s := p.Step(id)
	switch {
	case s == nil:
		return "there is no such step"
	case s.State != ItemOpen:
		return fmt.Sprintf("it is %s already: %s", s.State, s.Text)
	}
	for _, need := range s.Needs {
		if before := p.Step(need.ID); before != nil && before.State == ItemOpen {
			return fmt.Sprintf("take “%s” first, or leave it out with a reason: else %s", before.Text, need.Why)
		}
	}
	if s.Any || len(s.Needs) > 0 {
		return ""
	}
	for n := range p.Steps {
		switch before := &p.Steps[n]; {
		case before.ID == id:
			return ""
		case before.State == ItemOpen:
			return fmt.Sprintf("take “%s” first, or leave it out with a reason", before.Text)
		}
	}
	return ""
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

// Next returns the first open step whose turn it is; nil when there is none.
func (p *Procedure) Next() *ProcedureStep {
	for n := range p.Steps {
		if p.Blocked(p.Steps[n].ID) == "" {
			return &p.Steps[n]
		}
	}
	return nil
}

// BeginProcedure begins a course; one that was begun and is not at its end goes on as it
// is.
type BeginProcedure struct {
	Course Course
	Steps  []ProcedureStep
}

func (do BeginProcedure) decide(d *decider) {
	was := d.inc().Procedure(do.Course)
	if d.by == "" || do.Course == CourseWalk || len(do.Steps) == 0 || was != nil && was.Open() > 0 || endedBlocked(d.inc()) != "" {
		return
	}
	switch {
	case d.inc().ID != "":
	case do.Course == CourseDrill:
		d.openAs(DrillPrefix)
	default:
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
	return EntryNote, fmt.Sprintf("%s begun: %s", b.Course, model.Plural(len(b.Steps), "step"))
}

// TakeStep takes a step that writes: it is checked and confirmed like any other write,
// alone. A release is chosen first.
type TakeStep struct {
	Course Course
	ID     string
}

func (do TakeStep) decide(d *decider) {
	choices, why := d.s.StepChoices(do.Course, do.ID)
	if d.by == "" || why != "" || endedBlocked(d.inc()) != "" && !slices.ContainsFunc(choices, func(c Choice) bool { return c.Pays != "" }) {
		return
	}
	to := Confirm
	for _, c := range choices {
		d.fact(Chosen{c})
		if c.To.IsZero() {
			to = Choose
		}
	}
	d.goTo(to)
}

// StepChoices returns what a step of a procedure would change now, in the order in which
// that is written, and why it cannot be taken; "" when it can.
func (s *Snapshot) StepChoices(course Course, id string) (out []Choice, why string) {
	p := s.Incident.Procedure(course)
	if p == nil {
		return nil, "it has not begun"
	}
	if why := p.Blocked(id); why != "" {
		return nil, why
	}
	step := p.Step(id)
	if step.ByHand() {
		return nil, "it is done by hand, and ticked then"
	}
	for _, component := range step.Of() {
		slot := model.Slot{Component: component, Role: step.Slot.Role}
		switch w := s.Incident.stepWrite(p, id, slot); {
		case w != nil && w.underWay():
			return nil, "it is under way: " + w.Plan.Title
		case w != nil && w.State == Done:
			continue
		}
		c := Choice{Slot: slot, Method: step.Method, To: step.To, Why: step.Text, Own: true, Course: course, Step: id}
		on := s.Seen.Component(component)
		switch {
		case on == nil || on.Missing != "":
			continue
		case step.Slot.Role == model.RoleRelease:
			c = s.newChoice(on)
			c.Course, c.Step = course, id
		case step.Undoes != "" && step.To.IsZero():
			if !s.putsBack(&c) {
				continue
			}
		case step.Method == model.MethodScale && (on.Desired == 0) == (step.To.Key == model.Replicas(0).Key):
			continue // it is stopped already, or was never
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, "there is nothing left of it to change: tick it, or leave it out"
	}
	return out, ""
}

// putsBack fills in what puts back what is switched off in a slot; false = nothing is.
func (s *Snapshot) putsBack(c *Choice) bool {
	for _, o := range s.Owed() {
		if o.Slot == c.Slot && o.Method == c.Method && !o.Unsure && !o.Paying {
			c.From, c.To, c.Pays = o.Now, o.Back, o.Plan
			return true
		}
	}
	on, n := s.Seen.Component(c.Component), 0
	if c.Method == model.MethodScale && on != nil && on.Desired <= 1 {
		if n, _ = s.ReplicasToGoBackTo(on); n > on.Desired { // somebody else stopped it
			c.From, c.To = model.Replicas(on.Desired), model.Replicas(n)
			return true
		}
	}
	return false
}

// stepWrite returns the newest write of a procedure's step to a slot; nil = there was
// none.
func (i *Incident) stepWrite(p *Procedure, id string, slot model.Slot) *Write {
	w, _ := i.stepWriteID(p, id, slot)
	return w
}

func (i *Incident) stepWriteID(p *Procedure, id string, slot model.Slot) (*Write, WriteID) {
	since := p.Began
	if at := p.Step(id).reopened(); at.After(since) {
		since = at
	}
	for n := len(i.Attempts) - 1; n >= 0; n-- {
		a := &i.Attempts[n]
		if a.Course != p.Course || a.Step != id || a.Confirmed.Before(since) {
			continue
		}
		for m := range a.Writes {
			if a.Writes[m].Plan.Slot() == slot {
				return &a.Writes[m], WriteID{a.N, a.Writes[m].Plan.ID}
			}
		}
	}
	return nil, WriteID{}
}

// reopened returns since when an open step is open once more; zero = it is for the first
// time.
func (s *ProcedureStep) reopened() time.Time {
	if s.State == ItemOpen {
		return s.At
	}
	return time.Time{}
}
