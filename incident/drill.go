package incident

import (
	"fmt"
	"strings"
	"time"

	"rollbook/model"
)

// Drill holds the settings of a rehearsal: what is broken, how, and how fast it is to recover.
type Drill struct {
	Component string        `json:"component,omitempty"` // "" = the one named on the command line, else the first that is healthy
	Fault     string        `json:"fault"`               // key of a fault
	Alert     string        `json:"alert,omitempty"`     // that is waited for; "" = any about the component
	Target    time.Duration `json:"target"`              // within which it is to recover
	Healthy   time.Duration `json:"healthy"`             // for how long the component must be healthy before it is broken
	Refused   string        `json:"refused,omitempty"`   // why nothing may be broken here, and what to do
	Surprise  bool          `json:"surprise,omitempty"`  // the operator is not told what is broken, nor how
	Chance    int64         `json:"chance,omitempty"`    // by which a surprise's component is picked: a number of the run's own, not negative
}

// The IDs of a drill's steps.
const (
	StepHealthy = "healthy"
	StepBreak   = "break"
	StepAlert   = "alert"
	StepWalk    = "walk"
	StepPutBack = "put back"
)

// DrillPrefix begins the ID of each drill, and no other incident's: a drill's journal is
// told by its name.
const DrillPrefix = "DRILL-"

// The items of a drill's checklist.
const (
	ItemBadly = "what went badly"
	ItemParty = "who took part"
)

// BeginDrill begins the rehearsal that the program was started for.
type BeginDrill struct{}

func (BeginDrill) decide(d *decider) {
	if DrillBlocked(&d.s) != "" {
		return
	}
	BeginProcedure{Course: CourseDrill, Steps: d.s.DrillSteps()}.decide(d)
}

// DrillBlocked says why the drill cannot be begun; "" when it can.
func DrillBlocked(s *Snapshot) string {
	x := s.Incident.Settings.Drill
	switch {
	case x == nil:
		return "this is no drill: start one with rollbook drill"
	case x.Refused != "":
		return "no drill here: " + x.Refused
	case s.Incident.Settings.ReadOnly:
		return "read-only: nothing may be broken; start again without --read-only"
	case s.Incident.Procedure(CourseDrill) != nil:
		return "it has begun"
	}
	if why := endedBlocked(&s.Incident); why != "" {
		return why
	}
	if why := Assess.Blocked(s); why != "" {
		return why
	}
	if x.Surprise && s.DrillOf() == "" {
		return "no component is known to do well yet: only such a one is broken"
	}
	if s.DrillOf() == "" {
		return "name what is to be broken: rollbook drill KIND/NAME"
	}
	if o := s.brokenBefore(s.DrillOf()); o != nil {
		return o.What + ", by an earlier drill: put it back first (P)"
	}
	if id := s.Incident.ID; len(s.Incident.Attempts) > 0 || id != "" && !strings.HasPrefix(id, DrillPrefix) {
		return "an incident is under way"
	}
	return ""
}

// brokenBefore returns what an earlier drill owes of a component; nil for nothing.
func (s *Snapshot) brokenBefore(component string) *Debt {
	for _, o := range s.Owed() {
		if o.Component == component && o.Method == model.MethodFault && o.Foreign {
			return &o
		}
	}
	return nil
}

// DrillOf returns the component that a drill breaks: the one that is set, that was named on
// the command line, or the only one there is; "" when nobody said.
func (s *Snapshot) DrillOf() string {
	set := &s.Incident.Settings
	for _, id := range []string{set.Drill.Component, set.Focus} {
		if s.Seen.Component(id) != nil {
			return id
		}
	}
	if set.Drill.Surprise && set.Drill.Component == "" && set.Focus == "" {
		return s.surprised()
	}
	if set.Drill.Component == "" && set.Focus == "" && len(s.Seen.Board) == 1 {
		return s.Seen.Board[0].ID
	}
	return ""
}

// DrillSteps returns the steps of the drill, in their order.
func (s *Snapshot) DrillSteps() []ProcedureStep {
	x, of := s.Incident.Settings.Drill, s.DrillOf()
	if x == nil || of == "" && !x.Surprise {
		return nil
	}
	if x.Surprise && of == "" {
		of = untoldComponent
	}
	alert := "an alert about " + of
	if x.Alert != "" {
		alert = "the alert " + x.Alert
	}
	slot := model.Slot{Component: of, Role: model.RoleFault}
	steps := []ProcedureStep{
		{ID: StepHealthy, Text: fmt.Sprintf("%s is healthy for %s", of, model.Short(x.Healthy)), Seen: true},
		{ID: StepBreak, Text: fmt.Sprintf("break %s on purpose: %s", of, model.Fault(x.Fault)), Slot: slot, Method: model.MethodFault, To: model.Fault(x.Fault),
			Needs: []Need{{StepHealthy, "nobody could tell what the drill broke from what was broken before"}}},
		{ID: StepAlert, Text: alert + " fires", Any: true},
		{ID: StepWalk, Text: "roll it back, by the walk, until it is verified", Seen: true,
			Needs: []Need{{StepBreak, "there is nothing to roll back"}}},
		{ID: StepPutBack, Text: "put " + of + " back to what was there before", Slot: slot, Method: model.MethodFault, Undoes: StepBreak,
			Needs: []Need{{StepWalk, "the drill would end before anybody rolled back"}}},
	}
	if x.Surprise {
		return surprise(steps, of)
	}
	return steps
}

// breaks reports whether a plan breaks a component on purpose.
func breaks(p *model.Plan) bool { return p.Role == model.RoleFault && p.Owes != "" }

// Broke returns when the drill broke its component; zero while it has not.
func (i *Incident) Broke() time.Time {
	for w := range i.writes() {
		if breaks(&w.Plan) && w.happened() {
			return w.since()
		}
	}
	return time.Time{}
}

// IsDrill reports whether the incident is a rehearsal.
func (i *Incident) IsDrill() bool { return i.Procedure(CourseDrill) != nil }

// drill goes on with the steps of a drill that nobody ticks: what they wait for is seen.
func (d *decider) drill() {
	p := d.inc().Procedure(CourseDrill)
	if p == nil || !d.inc().Closed.IsZero() {
		return
	}
	if s := p.Step(StepHealthy); s != nil && s.State == ItemOpen {
		switch why := d.s.Unwell(p.component()); {
		case why != d.inc().Unwell.Why || why == "" && d.inc().Unwell.At.IsZero():
			d.finds(BaselineSeen{Why: why})
		case why == "" && d.s.Now.Sub(d.inc().Unwell.At) >= d.inc().Settings.Drill.Healthy:
			d.finds(StepSettled{Course: CourseDrill, ID: StepHealthy})
		}
		return
	}
	if s := p.Step(StepAlert); s != nil && s.State == ItemOpen {
		if a := d.inc().drillAlert(p.component()); a != nil {
			d.finds(StepSettled{Course: CourseDrill, ID: StepAlert, Reason: a.Words()})
		}
	}
	if s := p.Step(StepWalk); s != nil && s.State == ItemOpen && !d.inc().Broke().IsZero() && (!d.inc().Verified.IsZero() || d.inc().End != nil) {
		why := ""
		if e := d.inc().End; e != nil {
			why = string(e.Outcome)
		}
		d.finds(StepSettled{Course: CourseDrill, ID: StepWalk, Reason: why})
	}
}

// component returns what a drill's procedure is of.
func (p *Procedure) component() string {
	if s := p.Step(StepBreak); s != nil {
		return s.Slot.Component
	}
	return ""
}

// drillAlert returns the alert that a drill waits for, since it broke its component; nil
// while it has not fired.
func (i *Incident) drillAlert(component string) *AlertFired {
	broke, want := i.Broke(), i.Settings.Drill.Alert
	for n := range i.Alerts {
		a := &i.Alerts[n]
		if a.Component == component && !broke.IsZero() && !a.Since.Before(broke) && (want == "" || a.Name == want) {
			return a
		}
	}
	return nil
}

// Unwell says what speaks against a component being healthy; "" when nothing does.
func (s *Snapshot) Unwell(component string) string {
	c := s.Seen.Component(component)
	switch {
	case c == nil || c.Missing != "":
		return "it is not to be seen"
	case s.clusterLost() != "":
		return s.clusterLost()
	case c.Desired == 0:
		return "it has 0 replicas"
	case c.Available < c.Desired || c.Updated < c.Desired:
		return fmt.Sprintf("%d of %d pods are available, %d of them new", c.Available, c.Desired, c.Updated)
	}
	if over := briefs(overNow(s, []string{component}, true)); over != "" {
		return over
	}
	if f := s.FiguresOf(component); f != nil && len(f.Alerts) > 0 {
		return "the alert " + f.Alerts[0].Name + " fires"
	}
	if s.wellness(component) != model.TriYes {
		return "how it does is not known"
	}
	return ""
}

// WellSince is since when the drill's component is as it is, before it is broken, and what
// speaks against its being healthy; "" = nothing.
type WellSince struct {
	At  time.Time
	Why string
}

// BaselineSeen is a change of what is seen of a component before a drill breaks it.
type BaselineSeen struct {
	Why string `json:"why,omitempty"` // what speaks against its being healthy; "" = nothing
}

func (b BaselineSeen) apply(i *Incident, f Fact) { i.Unwell = WellSince{At: f.At, Why: b.Why} }

func (b BaselineSeen) entry(*Incident) (EntryKind, string) {
	if b.Why == "" {
		return EntrySeen, "before the drill: healthy from here on"
	}
	return EntrySeen, "before the drill: not healthy: " + b.Why
}

// StepWait says what a drill's step waits for that nobody ticks; "" when it waits for
// nothing.
func (s *Snapshot) StepWait(p *Procedure, id string) string {
	if p.Course != CourseDrill || p.Step(id) == nil || p.Step(id).State != ItemOpen {
		return ""
	}
	set := s.Incident.Settings.Drill
	switch id {
	case StepHealthy:
		switch w := s.Incident.Unwell; {
		case w.Why != "":
			return "Not healthy: " + w.Why + ". It is not broken before it is; or leave this out, with a reason."
		case w.At.IsZero():
			return "Looking at it …"
		default:
			left := set.Healthy - s.Now.Sub(w.At)
			return fmt.Sprintf("Healthy for %s, %s to go.", model.Short(s.Now.Sub(w.At).Truncate(time.Second)), model.Short(max(0, left).Truncate(time.Second)))
		}
	case StepAlert:
		broke := s.Incident.Broke()
		if broke.IsZero() {
			return "It is waited for once the component is broken."
		}
		text := fmt.Sprintf("Nothing fires yet, %s after it was broken.", model.Short(s.Now.Sub(broke).Truncate(time.Second)))
		if s.Now.Sub(broke) >= set.Target {
			text += " Check that its rule is loaded and sees this namespace, its “for”, and that its labels name the component; then leave this out with what you found."
		}
		if f := s.FiguresOf(p.component()); f != nil && f.AlertsNo != "" {
			text += " Alerts cannot be seen here: " + f.AlertsNo + "."
		}
		return text
	case StepWalk:
		return "Go on with the walk as you would at night: 1 Assess. It is ticked when the rollback is verified."
	}
	return ""
}
