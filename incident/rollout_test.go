package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// What was rolled out stays so after an attempt of which nothing was written: it can be
// verified as before.
func TestRefusedAttemptTakesNothingBack(t *testing.T) {
	for name, outcome := range map[string]Wrote{
		"refused by the server":          {Err: "forbidden"},
		"changed after the confirmation": {Changed: "image by kubectl"},
		"lost, and not written":          {Lost: "connection reset"},
	} {
		w := newWorld(t, nil)
		w.toHold()
		rolled := w.inc.RolledOut
		w.do(Answered{With: ReplyAnother})
		w.do(Pick{Component: "backend-python", To: owner(42)})
		w.do(Next{})
		p := model.Plan{ID: "plan-2", Method: "undo", Role: model.RoleRelease, Component: "backend-python", From: revision(41), To: revision(42)}
		w.seen.Preflight = map[model.Slot]*model.Preflight{backend: {Slot: backend, To: owner(42), Done: true, Plans: []model.Plan{p}}}
		w.do(OverrideCheck{Slot: backend, Check: HelpID, Reason: "a flag was off"})
		w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
		if len(w.inc.Attempts) != 2 || !w.inc.RolledOut.IsZero() {
			t.Fatalf("%s: %d attempts, rolled out %s while one is under way", name, len(w.inc.Attempts), w.inc.RolledOut)
		}
		outcome.WriteID = WriteID{2, p.ID}
		w.do(outcome)
		if outcome.Lost != "" {
			w.wait(WriteDeadline + time.Hour)
			w.do(Settled{WriteID: outcome.WriteID, State: model.SettledNot})
		}
		if !w.inc.RolledOut.Equal(rolled) {
			t.Errorf("%s: rolled out %s, was %s", name, w.inc.RolledOut, rolled)
		}
		w.do(Goto{Verify})
		w.well(3 * time.Minute)
		if w.inc.Verified.IsZero() {
			t.Errorf("%s: it is never verified: %+v, %+v", name, w.inc.Hold, VerifyChecks(w.snap()))
		}
	}
}

// The end of one write is not that of all, nor is it lost when the last of them fails.
func TestRolledOutWhenAllIs(t *testing.T) {
	w := newWorld(t, nil)
	front := w.toConfirmBoth()
	w.do(OverrideCheck{Slot: front, Check: HelpID, Reason: "it calls the old API"})
	w.do(ConfirmWrite{Word: "rollback 2", Plans: []string{"plan-1", "plan-2"}})
	w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
	w.wait(30 * time.Second)
	w.rolledOut()
	if at := w.inc.write(first).RolledOut; !at.Equal(w.now) || !w.inc.RolledOut.IsZero() {
		t.Fatalf("one of two is rolled out at %s, and all at %s", at, w.inc.RolledOut)
	}
	at := w.now
	w.wait(time.Second)
	w.do(Wrote{WriteID: WriteID{1, "plan-2"}, Err: "forbidden"})
	if !w.inc.RolledOut.Equal(at) {
		t.Errorf("the other failed, and it was rolled out at %s, want %s", w.inc.RolledOut, at)
	}
	w.do(Select{Component: "frontend", On: false})
	w.do(Goto{RollBack})
	w.do(Next{})
	w.well(3 * time.Minute)
	if w.inc.Verified.IsZero() {
		t.Errorf("never verified at %s: %+v", w.inc.Step.Name(), w.inc.Hold)
	}
}

// A release of which a part was never written is planned anew, to the same version: what is
// left is confirmed, and only then it is rolled out.
func TestReleaseThatStopsHalfWay(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	half := model.Progress{Phase: model.PhaseFailed, Left: true, Text: "stopped after 1 of 2 objects: it was cut short; left: deployment/api"}
	w.cameTo(half)
	w.stands("half-way", Stopped, Confirm, AskFailed, "backend-python: "+half.Text+".")
	if got := w.told(2); !strings.Contains(got, "backend-python is not rolled out: "+half.Text) {
		t.Errorf("told %q", got)
	}
	p := w.preflight()
	p.ID = "plan-rest"
	w.seen.Preflight[backend].Plans = []model.Plan{*p}
	w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
	rest := WriteID{2, p.ID}
	w.do(Wrote{WriteID: rest, Receipt: &model.Receipt{At: w.now}})
	w.cameTo(model.Progress{Phase: model.PhaseFinished, Share: 1})
	if got := w.inc.write(rest); got == nil || got.State != Done || !w.inc.RolledOut.Equal(w.now) {
		t.Fatalf("%+v; rolled out %s", w.inc.Attempts, w.inc.RolledOut)
	}
	if why := RollBack.Blocked(w.snap()); why != "" {
		t.Error(why)
	}
}
