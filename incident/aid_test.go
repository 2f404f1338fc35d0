package incident

import (
	"strings"
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
	effects := w.as(Help{Write: first})
	if c := w.inc.Choice(aid); c == nil || c.To != to || c.Method != "delete pod" || w.inc.Step != Confirm {
		t.Fatalf("chosen %+v, at %s", c, w.inc.Step.Name())
	}
	if n := len(w.inc.Open()); n != 1 {
		t.Fatalf("%d choices are open: what was written is confirmed again", n)
	}
	asked := 0
	for _, e := range effects {
		if c, ok := e.(CheckPlan); ok && c.Choice.Slot == aid {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("checked %d times", asked)
	}
	w.seen.Preflight[aid] = &model.Preflight{Slot: aid, To: to.Key, Done: true, Plans: []model.Plan{{ID: "plan-2", Method: "delete pod",
		Role: model.RoleAid, Component: "backend-python", To: to, Title: "Delete pod backend-python-1"}}}
	if n := writes(w.as(ConfirmWrite{Word: "backend-python", Plans: []string{"plan-2"}})); n != 1 {
		t.Fatalf("%d writes: %s", n, w.inc.Step.Blocked(w.snap()))
	}
	w.do(Wrote{WriteID: WriteID{2, "plan-2"}, Receipt: &model.Receipt{At: w.now, Text: "deleted"}})
	if len(w.inc.Standing()) != 2 {
		t.Fatalf("standing %+v", w.inc.Standing())
	}
	w.do(Observed{})
	w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseRunning}, {2, "plan-2"}: {Phase: model.PhaseFinished}}
	w.as(Observed{})
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

// cancelling is a rollback by a job, the cancelling of which is chosen and checked.
func cancelling(t *testing.T) (w *world, to ConfirmWrite) {
	t.Helper()
	w = newWorld(t, nil)
	w.toRolling()
	cancelled := model.Version{Key: "913", Label: "job 913 cancelled"}
	w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseRunning, Aid: &model.Aid{Method: "gitlab cancel", To: cancelled, Text: "cancel job 913", Offer: true}}}
	w.as(Help{Write: first})
	w.seen.Preflight[aid] = &model.Preflight{Slot: aid, To: cancelled.Key, Done: true, Plans: []model.Plan{{ID: "plan-2", Method: "gitlab cancel",
		Role: model.RoleAid, Component: "backend-python", To: cancelled, Title: "Cancel job 913"}}}
	return w, ConfirmWrite{Word: "backend-python", Plans: []string{"plan-2"}}
}

// as does something with what is seen of the writes, not judged anew.
func (w *world) as(do Act) []Effect {
	facts, effects := Decide(w.inc, w.seen, Input{At: w.now, By: "maria", Do: do})
	for _, f := range facts {
		w.fold(f)
	}
	return effects
}

var aid = model.Slot{Component: "backend-python", Role: model.RoleAid}

// A write that was to get another on, and came too late, is over: it asks nothing, and the
// release goes its own way.
func TestAidThatCameTooLate(t *testing.T) {
	w, confirm := cancelling(t)
	w.as(confirm)
	w.as(Wrote{WriteID: WriteID{2, "plan-2"}, Receipt: &model.Receipt{At: w.now}})
	w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseRunning},
		{2, "plan-2"}: {Phase: model.PhaseFailed, Text: "job 913 was not cancelled: it came to its end first: success"}}
	w.as(Observed{})
	if got := w.inc.write(WriteID{2, "plan-2"}); got.State != Stopped || w.inc.Asked != AskNothing || w.inc.Step != RollBack || w.inc.Choice(aid) != nil {
		t.Errorf("%s; asked %q at %s; chosen %+v", got.State, w.inc.Asked, w.inc.Step.Name(), w.inc.Choices)
	}
	if got, want := w.told(1), "backend-python: job 913 was not cancelled: it came to its end first: success"; !strings.Contains(got, want) {
		t.Errorf("told %q", got)
	}
	w.rolledOut()
	if why := RollBack.Blocked(w.snap()); why != "" || w.inc.RolledOut.IsZero() {
		t.Errorf("blocked: %q; rolled out %s", why, w.inc.RolledOut)
	}
}

// What would get a release on is chosen no more when that has come to its end, so that it
// is not confirmed with what comes next.
func TestAidEndsWithItsRelease(t *testing.T) {
	for _, tt := range []struct {
		name string
		came model.Progress
		step Step
		open []Choice
	}{
		{"rolled out", model.Progress{Phase: model.PhaseFinished}, RollBack, nil},
		{"stopped", model.Progress{Phase: model.PhaseFailed, Left: true, Text: "job 913 failed"}, Confirm, []Choice{{Slot: backend}}},
	} {
		w, _ := cancelling(t)
		w.seen.Progress = map[WriteID]model.Progress{first: tt.came}
		w.as(Observed{})
		open := w.inc.Open()
		if w.inc.Choice(aid) != nil || w.inc.Step != tt.step || len(open) != len(tt.open) || len(open) > 0 && open[0].Slot != tt.open[0].Slot {
			t.Errorf("%s: at %s, open %+v", tt.name, w.inc.Step.Name(), open)
		}
	}
}

// What got another write on is told as what it was, and not as a release.
func TestAidIsNoRelease(t *testing.T) {
	w, confirm := cancelling(t)
	w.as(confirm)
	w.as(Wrote{WriteID: WriteID{2, "plan-2"}, Receipt: &model.Receipt{At: w.now}})
	w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseRunning}, {2, "plan-2"}: {Phase: model.PhaseFinished}}
	w.as(Observed{})
	if got := w.told(1); !strings.Contains(got, "done: Cancel job 913") {
		t.Errorf("told %q", got)
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
