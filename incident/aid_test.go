package incident

import (
	"testing"

	"rollbook/model"
)

// A rollout that stands still on a pod is helped on by a write of its own, which is
// chosen, checked and confirmed, and neither replaces the rollback nor counts as one.
func TestHelp(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.do(Help{Write: first})
	if w.inc.Step != RollBack {
		t.Fatalf("nothing is stuck, and the key leads to %s", w.inc.Step.Name())
	}
	to := model.Version{Key: "backend-python-1/uid-1", Label: "pod backend-python-1 made again", Short: "backend-python-1"}
	stuck := model.Progress{Phase: model.PhaseRunning, Text: "waits", Aid: &model.Aid{Method: "delete pod", To: to, Text: "delete it"}}
	w.seen.Progress = map[WriteID]model.Progress{first: stuck}
	help := func(do Act) []Effect { // with what is seen, not judged anew
		facts, effects := Decide(w.inc, w.seen, Input{At: w.now, By: "maria", Do: do})
		for _, f := range facts {
			w.fold(f)
		}
		return effects
	}
	effects := help(Help{Write: first})
	slot := model.Slot{Component: "backend-python", Role: model.RoleAid}
	if c := w.inc.Choice(slot); c == nil || c.To != to || c.Method != "delete pod" || w.inc.Step != Confirm {
		t.Fatalf("chosen %+v, at %s", c, w.inc.Step.Name())
	}
	if n := len(w.inc.Open()); n != 1 {
		t.Fatalf("%d choices are open: what was written is confirmed again", n)
	}
	asked := 0
	for _, e := range effects {
		if c, ok := e.(CheckPlan); ok && c.Choice.Slot == slot {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("checked %d times", asked)
	}
	w.seen.Preflight[slot] = &model.Preflight{Slot: slot, To: to.Key, Done: true, Plans: []model.Plan{{ID: "plan-2", Method: "delete pod",
		Role: model.RoleAid, Component: "backend-python", To: to, Title: "Delete pod backend-python-1"}}}
	if n := writes(help(ConfirmWrite{Word: "backend-python", Plans: []string{"plan-2"}})); n != 1 {
		t.Fatalf("%d writes: %s", n, w.inc.Step.Blocked(w.snap()))
	}
	w.do(Wrote{WriteID: WriteID{2, "plan-2"}, Receipt: &model.Receipt{At: w.now, Text: "deleted"}})
	if len(w.inc.Standing()) != 2 {
		t.Fatalf("standing %+v", w.inc.Standing())
	}
	w.do(Observed{})
	w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseRunning}, {2, "plan-2"}: {Phase: model.PhaseFinished}}
	help(Observed{})
	if !w.inc.RolledOut.IsZero() {
		t.Error("rolled out with the pod, though the rollback still goes on")
	}
	w.rolledOut()
	if w.inc.RolledOut.IsZero() {
		t.Fatal("never rolled out")
	}
	for _, v := range VerifyChecks(w.snap()) {
		if v.Key == "backend-python/pods" && v.Limit != "all, of the chosen version" {
			t.Errorf("verified is %q", v.Limit)
		}
	}
	for _, e := range w.inc.Escalations {
		t.Errorf("helping on counts as a second rollback: %s", e.Text)
	}
}

// What is written for a slot replaces what stood for it, and nothing of another slot.
func TestStanding(t *testing.T) {
	write := func(component string, role model.Role, plan string, state AttemptState) Write {
		return Write{Plan: model.Plan{ID: plan, Component: component, Role: role}, State: state}
	}
	i := Incident{Attempts: []Attempt{
		{N: 1, Writes: []Write{write("api", model.RoleRelease, "a", Done), write("api", model.RoleSchema, "s", Done), write("web", model.RoleRelease, "w", Done)}},
		{N: 2, Writes: []Write{write("api", model.RoleRelease, "b1", Done), write("api", model.RoleRelease, "b2", Failed)}},
		{N: 3, Writes: []Write{write("web", model.RoleRelease, "x", Refused)}},
		{N: 4, Writes: []Write{write("db", model.RoleRelease, "d", Refused)}},
	}}
	var got []string
	for _, s := range i.Standing() {
		got = append(got, s.Plan)
	}
	// Both objects of attempt 2 stand for api, the failed one too; what did not happen
	// to web leaves attempt 1's; nobody chose db any more.
	want := []string{"b1", "b2", "s", "w"}
	if len(got) != len(want) {
		t.Fatalf("standing %q, want %q", got, want)
	}
	for n := range want {
		if got[n] != want[n] {
			t.Fatalf("standing %q, want %q", got, want)
		}
	}
}
