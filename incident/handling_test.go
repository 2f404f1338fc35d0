package incident

import (
	"slices"
	"testing"
	"time"

	"rollbook/model"
)

// What is told of each page adds up, and no snapshot of before is changed by it.
func TestHandlingAddsUp(t *testing.T) {
	enter := RefusedKey{Key: "enter", Name: "roll back", Why: "not typed", Times: 1}
	s := drilled()
	before := s.Incident
	tell := func(h Handled) {
		facts, _ := Decide(s.Incident, s.Seen, Input{At: s.Now, By: "maria", Do: TellHandled{h}})
		s.Incident = ApplyAll(s.Incident, facts)
	}
	tell(Handled{On: Confirm, Keys: 4, Refused: []RefusedKey{enter}, Pause: Pause{Took: 9 * time.Second, Before: "y"}})
	once := s.Incident
	tell(Handled{On: Assess, Keys: 7, Pause: Pause{Took: 40 * time.Second, Before: "enter"}, Refused: []RefusedKey{{Why: "it means nothing there", Times: 3}}})
	tell(Handled{On: Confirm, Keys: 2, Refused: []RefusedKey{enter}, Pause: Pause{Took: 5 * time.Second}})
	tell(Handled{On: Verify})
	if before.Hesitated() != nil || once.Hesitated().Keys != 4 || once.Hesitated().RefusedTimes() != 1 {
		t.Errorf("a snapshot of before was changed: %+v, %+v", before.Hesitated(), once.Hesitated())
	}
	h := s.Incident.Hesitated()
	want := "13 keys, 5 of them refused (an unknown key on Assess 3 times, enter roll back on Confirm 2 times). The longest pause was 40s, on Assess before enter."
	if h.Words() != want || len(s.Incident.Handling) != 2 {
		t.Errorf("%q of %+v", h.Words(), s.Incident.Handling)
	}
	if facts, _ := Decide(s.Incident, s.Seen, Input{At: s.Now, Do: TellHandled{Handled{Keys: 1}}}); len(facts) > 0 {
		t.Error("keys of nobody")
	}
	if facts, _ := Decide(Incident{}, s.Seen, Input{At: s.Now, By: "maria", Do: TellHandled{Handled{Keys: 1}}}); len(facts) > 0 {
		t.Error("keys before there is an incident")
	}
}

// Waiting for an alert, a check, a rollout or the hold is no hesitation.
func TestOperatorsTurn(t *testing.T) {
	change := func(f func(s *Snapshot)) *Snapshot {
		s := drilled()
		s.Incident.Attempts = slices.Clone(s.Incident.Attempts)
		f(s)
		return s
	}
	rolling := func(state AttemptState) func(*Snapshot) {
		return func(s *Snapshot) {
			s.Incident.Step = RollBack
			s.Incident.Attempts = append(s.Incident.Attempts, Attempt{N: 2, Writes: []Write{{Plan: model.Plan{ID: "back", Component: "backend-python", Role: model.RoleRelease}, State: state}}})
		}
	}
	for name, tt := range map[string]struct {
		s    *Snapshot
		want bool
	}{
		"nothing to be seen yet":  {change(func(*Snapshot) {}), false},
		"it was seen":             {change(func(s *Snapshot) { s.Incident.Shown = t0 }), true},
		"to be broken":            {change(func(s *Snapshot) { s.Incident.Attempts = nil }), true},
		"no drill, nothing shown": {&Snapshot{}, false},
		"checks under way": {change(func(s *Snapshot) {
			s.Incident.Step, s.Incident.Choices = Confirm, []Choice{{Slot: model.Slot{Component: "backend-python"}}}
		}), false},
		"checks are done": {change(func(s *Snapshot) {
			s.Incident.Step, s.Incident.Choices = Confirm, []Choice{{Slot: model.Slot{Component: "backend-python"}}}
			s.Seen.Preflight = map[model.Slot]*model.Preflight{{Component: "backend-python"}: {Done: true}}
		}), true},
		"rolling":                       {change(rolling(Rolling)), false},
		"rolled out":                    {change(rolling(Done)), true},
		"refused":                       {change(rolling(Refused)), true},
		"a question while it is rolled": {change(func(s *Snapshot) { rolling(Rolling)(s); s.Incident.Asked = AskFailed }), true},
		"the hold":                      {change(func(s *Snapshot) { s.Incident.Step = Verify }), false},
		"verified":                      {change(func(s *Snapshot) { s.Incident.Step, s.Incident.Verified = Close, t0 }), false},
	} {
		if got := tt.s.OperatorsTurn(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
