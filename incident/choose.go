package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// Choice is what is to be changed, by which method, and to what.
type Choice struct {
	model.Slot
	Method model.Method  `json:"method"`
	From   model.Version `json:"from,omitzero"`
	To     model.Version `json:"to,omitzero"`   // zero = not chosen yet
	Why    string        `json:"why,omitempty"` // why it is proposed, or why nothing is
	Course Course        `json:"course,omitempty"`
	Step   string        `json:"step,omitempty"` // of the course's procedure
	Pays   string        `json:"pays,omitempty"` // ID of the plan whose debt it settles
	Own    bool          `json:"own,omitempty"`  // the operator chose it, it was not proposed
}

// beside reports whether both are confirmed at once: a step of a procedure is confirmed
// alone, and so is what puts something back.
func (c *Choice) beside(o *Choice) bool {
	same := c.Course == o.Course && c.Step == o.Step && (c.Course != CourseWalk || c.Pays == o.Pays)
	return same || c.Role == model.RoleAid || o.Role == model.RoleAid
}

// Choice returns the choice for a slot, or nil.
func (i *Incident) Choice(s model.Slot) *Choice {
	for n := range i.Choices {
		if i.Choices[n].Slot == s {
			return &i.Choices[n]
		}
	}
	return nil
}

// Chosen reports whether anything is chosen for a component.
func (i *Incident) Chosen(component string) bool {
	return slices.ContainsFunc(i.Choices, func(c Choice) bool { return c.Component == component })
}

// enterChoose preselects what fails and changed, and reads what is needed to propose
// a version for it. Where no figure says what fails, but an operator says that
// something does, it is what changed last before that and is not known to be well.
// What only changed is shown and not selected: what is well must not go back by
// default.
func (d *decider) enterChoose() {
	i := d.inc()
	if !slices.ContainsFunc(i.Choices, func(c Choice) bool { return c.Role == model.RoleRelease || c.Role == model.RoleSchema }) && !i.Onset.IsZero() {
		suspects, failing := changes(&d.s), false
		for _, x := range suspects {
			if d.s.fails(x.Component) && !i.Chosen(x.Component) {
				failing = true
				d.fact(Chosen{d.s.newChoice(d.s.Seen.Component(x.Component))})
			}
		}
		for _, x := range suspects {
			if !failing && len(i.Triggers) == 0 && d.s.wellness(x.Component) != model.TriYes {
				d.fact(Chosen{d.s.newChoice(d.s.Seen.Component(x.Component))})
				break
			}
		}
	}
	d.effect(ReadBaseline{Onset: d.onset()})
	d.readChoices()
}

// onset is the incident's, or now while nothing was found to have begun.
func (d *decider) onset() time.Time {
	if o := d.inc().Onset; !o.IsZero() {
		return o
	}
	return d.s.Now
}

// newChoice returns the choice of a component's release by the first method that
// is offered for it, nothing chosen yet. It belongs to the procedure's step that is being
// chosen for, if one is.
func (s *Snapshot) newChoice(c *model.Component) Choice {
	out := Choice{Slot: model.Release(c.ID), From: c.Running()}
	for _, o := range s.Incident.Choices {
		if o.Role == model.RoleRelease {
			out.Course, out.Step = o.Course, o.Step
		}
	}
	if ways := s.Ways(c.ID); len(ways) > 0 {
		out.Method = ways[0].Method
	}
	return out
}

// ReadHistory reads the versions that a choice's method can bring its component
// to, and how they behaved before Until.
type ReadHistory struct {
	Slot   model.Slot
	Method model.Method
	Until  time.Time
}

func (x ReadHistory) run(r Runner) { r.ReadHistory(x) }

func (d *decider) readChoices() {
	for _, c := range d.inc().Choices {
		d.effect(ReadHistory{Slot: c.Slot, Method: c.Method, Until: d.onset()})
		if c.Role == model.RoleRelease {
			d.readSchema(c.Component)
		}
	}
}

// Select puts a component's release into the rollback, or takes it out.
type Select struct {
	Component string
	On        bool
}

func (do Select) decide(d *decider) {
	slot := model.Release(do.Component)
	was := d.inc().Choice(slot)
	switch {
	case !do.On && was != nil:
		d.fact(Dropped{slot})
		LeaveSchema{do.Component}.decide(d)
	case do.On && was == nil:
		c := d.s.Seen.Component(do.Component)
		if c == nil {
			return
		}
		d.choose(d.s.newChoice(c))
		d.propose()
	}
}

// choose is the operator's choice of a component and a way; its versions are read.
func (d *decider) choose(c Choice) {
	c.Own = true
	d.fact(Chosen{c})
	d.effect(ReadHistory{Slot: c.Slot, Method: c.Method, Until: d.onset()})
	d.readSchema(c.Component)
}

// UseMethod chooses by which method a component's release goes back. What was chosen
// of another method is no choice of this one.
type UseMethod struct {
	Component string
	Method    model.Method
}

func (do UseMethod) decide(d *decider) {
	c, was := d.s.Seen.Component(do.Component), d.inc().Choice(model.Release(do.Component))
	offered := slices.ContainsFunc(d.s.Ways(do.Component), func(w Way) bool { return w.Method == do.Method })
	if c == nil || !offered || was != nil && was.Method == do.Method {
		return
	}
	choice := d.s.newChoice(c)
	choice.Method = do.Method
	d.choose(choice)
}

// Pick sets the version for a component. To is its key.
type Pick struct {
	Component string
	To        string
}

func (do Pick) decide(d *decider) {
	slot := model.Release(do.Component)
	h, c := d.s.Seen.History[slot], d.s.Seen.Component(do.Component)
	if h == nil || c == nil {
		return
	}
	if was := d.inc().Choice(slot); was != nil && was.Method != h.Method {
		return // what is shown is not what is chosen from any more
	}
	r := h.Candidate(do.To)
	if r == nil || r.Refused != "" {
		return
	}
	choice := d.s.newChoice(c)
	choice.Method, choice.To, choice.Own = h.Method, r.Version, true
	d.fact(Chosen{choice})
}

// Chosen puts a component into the rollback, or sets its version.
type Chosen struct {
	Choice Choice `json:"choice"`
}

func (b Chosen) apply(i *Incident, f Fact) {
	i.Choices = slices.DeleteFunc(slices.Clone(i.Choices), func(c Choice) bool { return !c.beside(&b.Choice) })
	if c := i.Choice(b.Choice.Slot); c != nil {
		*c = b.Choice
		return
	}
	i.Choices = append(i.Choices, b.Choice)
}

func (b Chosen) entry(*Incident) (EntryKind, string) {
	c := b.Choice
	if c.To.IsZero() {
		if c.Why == "" {
			return EntryChoice, "selected " + c.Component
		}
		return EntryChoice, c.Component + ": " + c.Why
	}
	verb := "proposed:"
	if c.Own {
		verb = "chose" // after the operator's name, also where that is "you"
	}
	of := c.Component
	if c.Role == model.RoleSchema {
		of = "the schema of " + of
	}
	text := fmt.Sprintf("%s %s of %s", verb, c.To.Full(), of)
	if c.Why != "" {
		text += ": " + c.Why
	}
	return EntryChoice, text
}

// Dropped takes it out again.
type Dropped struct {
	model.Slot
}

func (b Dropped) apply(i *Incident, f Fact) {
	i.Choices = slices.DeleteFunc(slices.Clone(i.Choices), func(c Choice) bool { return c.Slot == b.Slot })
}

func (b Dropped) entry(*Incident) (EntryKind, string) {
	if b.Role == model.RoleFault || b.Role == model.RoleAid {
		return EntryNone, ""
	}
	if b.Role == model.RoleSchema {
		return EntryChoice, "left the schema of " + b.Component + " as it is"
	}
	return EntryChoice, "deselected " + b.Component
}

// chooseBlocked says what is still missing before the plans can be made.
func chooseBlocked(i *Incident) string {
	if len(i.Choices) == 0 {
		return "nothing is selected"
	}
	for _, c := range i.Choices {
		if c.To.IsZero() {
			return "no version is chosen for " + c.Component
		}
	}
	return ""
}
