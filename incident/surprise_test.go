package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// aSurprise returns a drill by chance, whose fault is confirmed and, or not, written.
func aSurprise(written bool) *Snapshot {
	s := drilled()
	set := s.Incident.Settings
	set.Drill = &Drill{Fault: model.FaultImage, Target: 5 * time.Minute, Surprise: true}
	s.Incident.Settings = set
	steps := surprise(drilled().DrillSteps(), "backend-python")
	fault := model.Plan{ID: "break", Method: model.MethodFault, Role: model.RoleFault, Component: "backend-python", From: model.Version{Key: "before"},
		To: model.Fault(model.FaultImage), Owes: "backend-python is broken on purpose: an image that does not exist", Title: "Break backend-python on purpose: an image that does not exist",
		Workload: model.Workload{Kind: model.Deployment, Name: "backend-python"}, Command: "kubectl patch deployment/backend-python"}
	facts := []Fact{
		{At: t0, Body: Began{Settings: set}},
		{At: t0, By: "maria", Body: Opened{ID: "DRILL-20261123-0312-surprise"}},
		{At: t0, By: "maria", Body: ProcedureBegan{Course: CourseDrill, Steps: steps}},
		{At: t0, Body: StepSettled{Course: CourseDrill, ID: StepHealthy}},
		{At: t0, By: "maria", Body: Chosen{Choice{Slot: fault.Slot(), Method: fault.Method, To: fault.To, Why: steps[1].Text, Course: CourseDrill, Step: StepBreak, Own: true}}},
	}
	if written {
		id := WriteID{1, fault.ID}
		facts = append(facts, Fact{At: t0, By: "maria", Body: Confirmed{N: 1, Course: CourseDrill, Step: StepBreak, Plans: []model.Plan{fault}}},
			Fact{At: t0, Body: Intended{WriteID: id}}, Fact{At: t0, Body: WriteDone{WriteID: id, Receipt: model.Receipt{At: t0}}},
			Fact{At: t0.Add(time.Second), Body: RolledOut{WriteID: id}}, Fact{At: t0.Add(time.Second), Body: StepSettled{Course: CourseDrill, ID: StepBreak}})
	}
	s.Incident = Fold(facts)
	s.Seen.Preflight = map[model.Slot]*model.Preflight{fault.Slot(): {Slot: fault.Slot(), To: fault.To.Key, Done: true, Plans: []model.Plan{fault}, Checks: []model.Check{
		{ID: "access", State: model.CheckOK, Text: "you may patch deployment/backend-python"}, {ID: "lease", State: model.CheckOK, Text: "nobody else is working on backend-python"},
		{ID: "argo", State: model.CheckWarning, Text: "Argo CD owns deployment/backend-python", Do: "suspend it on backend-python"}}}}
	return s
}

// said gathers what the drill itself says on the screen.
func (s *Snapshot) said() string {
	var all []string
	add := func(p *model.Plan) {
		all = append(all, p.Title, p.Owes, p.Command, p.To.Label, p.To.Short)
		for _, c := range p.Changes {
			all = append(all, c.What, c.From, c.To)
		}
	}
	for _, a := range s.Incident.Attempts {
		for n := range a.Writes {
			add(&a.Writes[n].Plan)
		}
	}
	for _, c := range s.Incident.Choices {
		all = append(all, c.Why, c.To.Label)
	}
	for _, f := range s.Seen.Preflight {
		for n := range f.Plans {
			add(&f.Plans[n])
		}
		for _, k := range f.Checks {
			all = append(all, k.Text, k.Do)
		}
	}
	for _, e := range s.Incident.Timeline {
		all = append(all, e.Text)
	}
	for _, o := range s.Owed() {
		all = append(all, o.Words())
	}
	for _, p := range s.Incident.Procedure(CourseDrill).Steps {
		all = append(all, p.Text)
	}
	return strings.Join(all, "\n")
}

// Of a surprise the screen tells neither component nor fault before the walk has come to its
// end; the checks stand, and so do the IDs that a confirmation names.
func TestASurpriseIsNotTold(t *testing.T) {
	for _, written := range []bool{false, true} {
		s := aSurprise(written)
		before := s.said()
		b := s.Blindfolded()
		for _, word := range []string{"backend-python", "image"} {
			if got := b.said(); strings.Contains(got, word) || !strings.Contains(before, word) {
				t.Errorf("written %v: it tells %q:\n%s", written, word, got)
			}
		}
		f := b.Seen.Preflight[model.Slot{Component: "backend-python", Role: model.RoleFault}]
		if f.Plans[0].ID != "break" || len(f.Checks) != 2 || f.Checks[0].Text != "2 checks of it are well" || f.Checks[1].State != model.CheckWarning {
			t.Errorf("written %v: %+v", written, f)
		}
		if s.said() != before {
			t.Error("what all others see was changed")
		}
	}
	s := aSurprise(true)
	s.Incident = Apply(s.Incident, Fact{At: s.Now, Body: StepSettled{Course: CourseDrill, ID: StepWalk}})
	if got := s.Blindfolded(); got != s || !s.Incident.Surprised() {
		t.Error("it is not told at the end")
	}
	if d := drilled(); d.Blindfolded() != d || d.Incident.Surprised() {
		t.Error("a drill that is none is blindfolded")
	}
}

// What is checked beside the preflight does not name it either.
func TestASurprisesLeaseIsNotNamed(t *testing.T) {
	s := aSurprise(false)
	s.Seen.Leases = map[string]model.Lease{"backend-python": {Mine: true, At: t0}}
	if k := LeaseCheck(s.Blindfolded(), "backend-python"); k == nil || strings.Contains(k.Text, "backend-python") || k.State != model.CheckOK {
		t.Errorf("%+v", k)
	}
	if k := LeaseCheck(drilled(), "backend-python"); k != nil {
		t.Errorf("%+v", k)
	}
}

// Chance picks one of those that do well, whatever their order on the board, and none while
// none is known to.
func TestChancePicksWhatDoesWell(t *testing.T) {
	s := &Snapshot{Now: t0, Seen: Seen{Cluster: model.Connection{Heard: t0}, Metrics: model.Connection{Heard: t0}, Figures: map[string]*model.Figures{}},
		Incident: Incident{Settings: Settings{Limits: model.Limits{Errors: 0.05, For: 5 * time.Minute, P95: 2 * time.Second, P95For: 5 * time.Minute}, Drill: &Drill{Fault: model.FaultImage, Surprise: true}, Scrape: 15 * time.Second}}}
	known := model.Reading{Known: true, Value: 0.001, At: t0}
	well := model.Figure{Now: known, Step: 15 * time.Second}
	for n := 40; n >= 0; n-- {
		well.Samples = append(well.Samples, model.Sample{At: t0.Add(-time.Duration(n) * well.Step), V: 0.001})
	}
	for _, id := range []string{"db", "api", "web", "ill"} {
		c := &model.Component{ID: id, Desired: 2, Replicas: 2, Updated: 2, Ready: 2, Available: 2}
		if id == "ill" {
			c.Available = 1
		}
		s.Seen.Board = append(s.Seen.Board, c)
		s.Seen.Figures[id] = &model.Figures{At: t0, Errors: well, P95: well}
	}
	picked := map[string]bool{}
	for n := range int64(6) {
		s.Incident.Settings.Drill.Chance = n
		picked[s.DrillOf()] = true
	}
	if len(picked) != 3 || picked["ill"] || picked[""] {
		t.Errorf("picked %v: %s", picked, s.Unwell("api"))
	}
	s.Incident.Settings.Focus = "db"
	if got := s.DrillOf(); got != "db" {
		t.Errorf("named db, picked %s", got)
	}
	s.Incident.Settings.Focus, s.Seen.Board = "", nil
	if why := DrillBlocked(s); s.DrillOf() != "" || why == "" {
		t.Error("nothing does well, and it can be begun")
	}
}
