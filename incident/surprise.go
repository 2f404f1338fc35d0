package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// What is said of a surprise while it is one.
const (
	untoldFault     = "a fault that is not told"
	untoldComponent = "some component"
)

// surprised returns the component that a surprise breaks: one of those that do well now, by
// chance; "" while none is known to.
func (s *Snapshot) surprised() string {
	var well []string
	for _, c := range s.Seen.Board {
		if s.Unwell(c.ID) == "" && s.brokenBefore(c.ID) == nil {
			well = append(well, c.ID)
		}
	}
	if len(well) == 0 {
		return ""
	}
	slices.Sort(well)
	return well[int(s.Incident.Settings.Drill.Chance%int64(len(well)))]
}

// surprise makes the drill's steps tell neither component nor fault.
func surprise(steps []ProcedureStep, of string) []ProcedureStep {
	for n := range steps {
		steps[n].Text = strings.ReplaceAll(steps[n].Text, of, untoldComponent)
		if steps[n].ID == StepBreak {
			steps[n].Text, steps[n].Untold = "break "+untoldComponent+" on purpose: "+untoldFault, true
		}
	}
	return steps
}

// Untold returns the component that a drill's operator is not told of, and whether there is
// one: until the walk has come to its end.
func (i *Incident) Untold() (component string, untold bool) {
	p := i.Procedure(CourseDrill)
	if p == nil || p.Step(StepBreak) == nil || !p.Step(StepBreak).Untold || p.Step(StepWalk).State != ItemOpen || !i.Closed.IsZero() {
		return "", false
	}
	return p.component(), true
}

// ConfirmsSurprise reports whether a surprise is to be confirmed: nothing that names its
// component is shown beside it.
func (i *Incident) ConfirmsSurprise() bool {
	of, untold := i.Untold()
	return untold && i.Choice(model.Slot{Component: of, Role: model.RoleFault}) != nil
}

// Surprised reports whether the drill was a surprise.
func (i *Incident) Surprised() bool {
	p := i.Procedure(CourseDrill)
	return p != nil && p.Step(StepBreak) != nil && p.Step(StepBreak).Untold
}

// Blindfolded returns what the operator of a surprise is shown: the same, in which no text
// that is the drill's own tells component or fault. What is seen of the component is as on
// any night. It is for the screen alone: journal, report and whoever looks on have all of it.
func (s *Snapshot) Blindfolded() *Snapshot {
	of, untold := s.Incident.Untold()
	if !untold {
		return s
	}
	out := *s
	i := &out.Incident
	plan := func(p *model.Plan) {
		p.Title, p.Changes, p.Stays, p.Command = "Put "+untoldComponent+" back to what was there before the drill", nil, nil, ""
		if p.Owes != "" {
			p.Title, p.Owes = "Break "+untoldComponent+" on purpose: "+untoldFault, untoldComponent+" is broken on purpose"
			p.To.Label, p.To.Short = untoldFault, "?"
		}
		p.From.Label, p.From.Short = "", ""
	}
	i.Attempts = slices.Clone(i.Attempts)
	for n := range i.Attempts {
		if !i.Attempts[n].OfDrill() {
			continue
		}
		i.Attempts[n].Writes = slices.Clone(i.Attempts[n].Writes)
		for m := range i.Attempts[n].Writes {
			plan(&i.Attempts[n].Writes[m].Plan)
		}
	}
	i.Choices = slices.Clone(i.Choices)
	for n := range i.Choices {
		if c := &i.Choices[n]; c.Role == model.RoleFault && c.Pays == "" {
			c.From, c.To.Label, c.To.Short = model.Version{}, untoldFault, "?"
		}
	}
	slot := model.Slot{Component: of, Role: model.RoleFault}
	if f := s.Seen.Preflight[slot]; f != nil {
		g := *f
		g.Plans, g.Checks = slices.Clone(f.Plans), blindfolded(f, of)
		for n := range g.Plans {
			plan(&g.Plans[n])
		}
		out.Seen.Preflight = maps.Clone(s.Seen.Preflight)
		out.Seen.Preflight[slot] = &g
	}
	i.Timeline = untoldEntries(i.Timeline, of, i.Procedure(CourseDrill).Began, i.Broke())
	return &out
}

// blindfolded returns a preflight's checks without the names: what is well in one line, and
// what is not in its own.
func blindfolded(f *model.Preflight, of string) (out []model.Check) {
	names := []string{of, untoldComponent}
	for _, p := range f.Plans {
		if p.Workload.Name != "" {
			names = append([]string{p.Workload.String(), untoldComponent}, append(names, p.Workload.Name, untoldComponent)...)
		}
	}
	hide, well := strings.NewReplacer(names...), 0
	for _, k := range f.Checks {
		if k.State == model.CheckOK {
			well++
			continue
		}
		k.Text, k.Do = hide.Replace(k.Text), hide.Replace(k.Do)
		out = append(out, k)
	}
	if well > 0 {
		text := fmt.Sprintf("%d checks of it are well", well)
		if well == 1 {
			text = "1 check of it is well"
		}
		out = append([]model.Check{{ID: "untold", State: model.CheckOK, Text: text}}, out...)
	}
	return out
}

// untoldEntries returns the timeline without what the drill's own write says, and without
// the component from its beginning until it is broken; broke is zero while it is not.
func untoldEntries(all []Entry, of string, began, broke time.Time) []Entry {
	out := slices.Clone(all)
	for n := range out {
		e := &out[n]
		before := !e.At.Before(began) && (broke.IsZero() || !e.At.After(broke.Add(time.Second)))
		if strings.Contains(e.Text, "on purpose") || before && strings.Contains(e.Text, of) {
			e.Text = "the drill: what is not told yet"
		}
	}
	return out
}
