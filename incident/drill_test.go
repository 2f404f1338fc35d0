package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// drilled returns an incident whose drill has broken backend-python ten minutes ago, and
// what is seen of it.
func drilled() *Snapshot {
	fault := model.Plan{ID: "break", Method: model.MethodFault, Role: model.RoleFault, Component: "backend-python", From: model.Version{Key: "before"},
		To: model.Fault(model.FaultImage), Owes: "backend-python is broken on purpose", Title: "Break backend-python"}
	set := Settings{Drill: &Drill{Component: "backend-python", Fault: model.FaultImage, Target: 5 * time.Minute, Healthy: 30 * time.Second},
		Channels: []model.Channel{{ID: "slack/x", Kind: model.ChannelSlack}, {ID: "page/y", Kind: model.ChannelStatuspage}}}
	s := &Snapshot{Now: t0.Add(10 * time.Minute), Seen: Seen{Board: []*model.Component{{ID: "backend-python", Desired: 3}}}, Incident: Incident{Settings: set}}
	id := WriteID{1, fault.ID}
	s.Incident = Fold([]Fact{
		{At: t0, Body: Began{Settings: set}},
		{At: t0, By: "maria", Body: Opened{ID: "DRILL-20261123-0312-backend-python"}},
		{At: t0, By: "maria", Body: ProcedureBegan{Course: CourseDrill, Steps: s.DrillSteps()}},
		{At: t0, Body: StepSettled{Course: CourseDrill, ID: StepHealthy}},
		{At: t0, By: "maria", Body: Confirmed{N: 1, Course: CourseDrill, Step: StepBreak, Plans: []model.Plan{fault}}},
		{At: t0, Body: Intended{WriteID: id}},
		{At: t0, Body: WriteDone{WriteID: id, Receipt: model.Receipt{At: t0}}},
		{At: t0.Add(time.Second), Body: RolledOut{WriteID: id}},
		{At: t0.Add(time.Second), Body: StepSettled{Course: CourseDrill, ID: StepBreak}},
	})
	return s
}

// What a drill broke is to be found and proved like any other bad release: its own write is
// neither the rollback nor the proof of one.
func TestDrillsFaultIsNoRollback(t *testing.T) {
	s := drilled()
	i := &s.Incident
	if i.Broke() != t0 || !i.RolledOut.IsZero() || !i.ConfirmedAt().IsZero() || i.Proving() {
		t.Errorf("broke %s, rolled out %s, confirmed %s, proving %v", i.Broke(), i.RolledOut, i.ConfirmedAt(), i.Proving())
	}
	if i.ours("backend-python", "rs-9", t0.Add(time.Second)) {
		t.Error("the broken version is held to be a rollback's, and nobody suspects it")
	}
	if all := i.Owed(); len(all) != 1 || all[0].Role != model.RoleFault || all[0].Back.Key != "before" {
		t.Errorf("owed is %+v", all)
	}
	if c := stillOff(s, []string{"backend-python"}); len(c) > 0 {
		t.Errorf("Verify waits for the drill's end: %+v", c)
	}
	i.Verified = t0.Add(5 * time.Minute)
	back := model.Plan{ID: "back", Method: model.MethodFault, Role: model.RoleFault, Component: "backend-python"}
	if got := Apply(*i, Fact{At: s.Now, By: "maria", Body: Confirmed{N: 2, Course: CourseDrill, Step: StepPutBack, Plans: []model.Plan{back}}}); got.Verified.IsZero() {
		t.Error("putting it back takes the proof away")
	}
}

// Taken up again while the fault is on its way, the walk is still to begin: the page is
// not that of a rollback. What was not sent is confirmed again.
func TestDrillTakenUpWhileItBreaks(t *testing.T) {
	s := drilled()
	id := WriteID{1, "break"}
	plan := s.Incident.Attempts[0].Writes[0].Plan
	for name, facts := range map[string][]Body{
		"not sent":  {},
		"sent":      {Intended{WriteID: id}},
		"rolling":   {Intended{WriteID: id}, WriteDone{WriteID: id, Receipt: model.Receipt{At: t0}}},
		"it is out": {Intended{WriteID: id}, WriteDone{WriteID: id, Receipt: model.Receipt{At: t0}}, RolledOut{WriteID: id}},
	} {
		i := Fold([]Fact{
			{At: t0, Body: Began{Settings: s.Incident.Settings}},
			{At: t0, By: "maria", Body: Opened{ID: "DRILL-20261123-0312-backend-python"}},
			{At: t0, By: "maria", Body: ProcedureBegan{Course: CourseDrill, Steps: s.DrillSteps()}},
			{At: t0, Body: StepSettled{Course: CourseDrill, ID: StepHealthy}},
			{At: t0, By: "maria", Body: Confirmed{N: 1, Course: CourseDrill, Step: StepBreak, Plans: []model.Plan{plan}}},
			{At: t0, Body: Moved{To: Assess, Apart: true}},
		})
		for _, b := range facts {
			i = Apply(i, Fact{At: t0.Add(time.Second), Body: b})
		}
		found, _ := Decide(i, s.Seen, Input{At: s.Now, Do: TakenUp{ID: i.ID, Host: "other"}})
		got, want, asks := ApplyAll(i, found), Assess, AskNothing
		if len(facts) == 0 {
			want, asks = Confirm, AskFailed
		}
		if got.Step != want || got.Furthest != Assess || got.Asked != asks || len(openChoices(&got)) != int(want/Confirm) {
			t.Errorf("%s: taken up at %s, %s was reached, asked %q, chosen %+v", name, got.Step.Name(), got.Furthest.Name(), got.Asked, got.Choices)
		}
	}
}

// A fault that is left unconfirmed is not chosen any more, wherever one goes from there:
// the walk is the walk then, and can be closed.
func TestFaultLeftUnconfirmed(t *testing.T) {
	for name, do := range map[string]Act{"back": Back{}, "the board": Goto{Assess}, "ended": EndIncident{Outcome: FalseAlarm, Reason: "no drill today"}} {
		s := drilled()
		set := s.Incident.Settings
		i := Fold([]Fact{
			{At: t0, Body: Began{Settings: set}},
			{At: t0, By: "maria", Body: Opened{ID: "DRILL-20261123-0312-backend-python"}},
			{At: t0, By: "maria", Body: ProcedureBegan{Course: CourseDrill, Steps: s.DrillSteps()}},
			{At: t0, Body: StepSettled{Course: CourseDrill, ID: StepHealthy}},
		})
		step := func(do Act) {
			facts, _ := Decide(i, s.Seen, Input{At: s.Now, By: "maria", Do: do})
			i = ApplyAll(i, facts)
		}
		step(TakeStep{Course: CourseDrill, ID: StepBreak})
		if i.Step != Confirm || len(openChoices(&i)) != 1 {
			t.Fatalf("%s: at %s, chosen %+v", name, i.Step.Name(), i.Choices)
		}
		step(do)
		if len(openChoices(&i)) > 0 || i.Backs != 0 || name == "ended" && len(i.Items) == 0 || name != "ended" && (i.Step != Assess || i.Furthest != Assess) {
			t.Errorf("%s: at %s, so far %s, %d back, chosen %+v, items %+v", name, i.Step.Name(), i.Furthest.Name(), i.Backs, i.Choices, i.Items)
		}
	}
}

// The steps come in their order, and what is seen is not ticked by hand.
func TestDrillsSteps(t *testing.T) {
	s := drilled()
	for _, x := range []struct {
		id, reason, want string
	}{
		{StepHealthy, "looked", "done already"},
		{StepAlert, "", "say where you saw it"},
		{StepAlert, "in the chat", ""},
		{StepWalk, "trust me", "this is seen, and ticked then"},
		{StepPutBack, "", "the drill would end before anybody rolled back"},
	} {
		if got := s.TickBlocked(CourseDrill, x.id, x.reason); !strings.Contains(got, x.want) || (got == "") != (x.want == "") {
			t.Errorf("%s: %q, want %q", x.id, got, x.want)
		}
	}
	s.Seen.Figures = map[string]*model.Figures{"backend-python": {Alerts: []model.Alert{{Name: "HighErrorRate", Since: t0.Add(-time.Minute)}, {Name: "HighErrorRate", Since: t0.Add(time.Minute)}}}}
	facts, _ := Decide(s.Incident, s.Seen, Input{At: s.Now, Do: Observed{}})
	got := ApplyAll(s.Incident, facts)
	if p := got.Procedure(CourseDrill); p.Step(StepAlert).State != ItemDone || len(got.Alerts) != 1 {
		t.Errorf("%+v of %+v", p.Step(StepAlert), got.Alerts)
	}
}

// A drill is told as one, and not to the public.
func TestDrillsMessages(t *testing.T) {
	s := drilled()
	m := Draft(s, s.Incident.Settings.Channels[0], model.MessageStarted)
	if !strings.HasPrefix(m.Title, "DRILL: ") || !strings.Contains(m.Text, "This is a drill") {
		t.Errorf("%q: %q", m.Title, m.Text)
	}
	if why := SendBlocked(s, "page/y"); !strings.Contains(why, "this is a drill") {
		t.Errorf("to the public: %q", why)
	}
	if why := SendBlocked(s, "slack/x"); why != "" {
		t.Errorf("to the chat: %q", why)
	}
}

// What a drill came to is held against its target.
func TestRehearsed(t *testing.T) {
	s := drilled()
	i := &s.Incident
	if r := i.Rehearsed(); r == nil || r.Recovered || !strings.Contains(r.Words(), "not verified") || r.Fault.Key != model.FaultImage {
		t.Errorf("%+v", r)
	}
	i.Detected, i.Recovered, i.Verified = t0.Add(time.Minute), t0.Add(4*time.Minute), t0.Add(5*time.Minute)
	if r := i.Rehearsed(); !r.Recovered || r.Recover != 3*time.Minute || !strings.Contains(r.Words(), "3m to recover from its detection: within the target of 5m") {
		t.Errorf("%+v: %s", r, r.Words())
	}
	i.Recovered = t0.Add(8 * time.Minute)
	if r := i.Rehearsed(); !strings.Contains(r.Words(), "2m over the target of 5m") {
		t.Error(r.Words())
	}
	if (&Incident{}).Rehearsed() != nil {
		t.Error("an incident is no drill")
	}
}
