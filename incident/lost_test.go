package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// toWriting begins the write of backend-python.
func (w *world) toWriting() {
	w.t.Helper()
	p := w.toConfirm()
	w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
	if st := w.inc.Attempt().Writes[0].State; st != Writing {
		w.t.Fatalf("it is %q", st)
	}
}

// events counts what was left on workloads.
func (w *world) events() (n int) {
	for _, e := range w.effects {
		if _, ok := e.(PostEvent); ok {
			n++
		}
	}
	return n
}

func (w *world) stands(what string, state AttemptState, step Step, asked Asked, text string) {
	w.t.Helper()
	got := w.inc.Attempts[0].Writes[0]
	if got.State != state || w.inc.Step != step || w.inc.Asked != asked || !strings.Contains(w.inc.AskText, text) {
		w.t.Errorf("%s: %q (%s) at %s, asked %q: %s", what, got.State, got.Err, w.inc.Step.Name(), w.inc.Asked, w.inc.AskText)
	}
}

// What was not done so far may still arrive. It is done then, whatever was said, and
// only then there is an Event.
func TestLostWriteMayStillArrive(t *testing.T) {
	for _, after := range []time.Duration{6 * time.Second, 45 * time.Second, 5 * time.Minute} {
		w := newWorld(t, nil)
		w.toWriting()
		w.do(Wrote{WriteID: first, Lost: "connection reset"})
		w.stands("lost", Unsettled, RollBack, AskNothing, "")
		w.wait(3 * time.Second)
		w.do(Settled{WriteID: first, State: model.SettledNot})
		w.stands("not so far", Failed, Confirm, AskFailed, "may still arrive until ")
		if why := w.inc.Attempts[0].Writes[0].Err; strings.Contains(w.inc.AskText, "Nothing") || !strings.Contains(why, "not written so far") {
			t.Errorf("said is %q and %q", w.inc.AskText, why)
		}
		if n := len(w.inc.Unanswered()); n != 1 {
			t.Errorf("%d writes are looked for", n)
		}
		w.wait(after)
		if w.do(Settled{WriteID: first, State: model.SettledNot}); after > 90*time.Second {
			w.stands("for good", Failed, Confirm, AskFailed, "Nothing was written")
		} else {
			w.stands("still not", Failed, Confirm, AskFailed, "may still arrive until ")
		}
		facts := len(w.facts)
		w.do(Settled{WriteID: first, State: model.SettledNot})
		if len(w.facts) != facts {
			t.Error("each look is journaled")
		}
		if w.events() != 0 {
			t.Error("an event for what did not happen")
		}
		w.do(Settled{WriteID: first, State: model.SettledDone, Receipt: &model.Receipt{At: w.now, Text: "resourceVersion 9"}})
		w.stands("arrived", Rolling, RollBack, AskNothing, "")
		if w.events() != 1 || w.inc.Attempts[0].Writes[0].Receipt.Text != "resourceVersion 9" {
			t.Errorf("%d events, %+v", w.events(), w.inc.Attempts[0].Writes[0])
		}
		if again := Fold(w.facts); again.Attempts[0].Writes[0].State != Rolling || again.Step != RollBack {
			t.Error("the journal tells another end")
		}
	}
}

// The cluster shows the write before its answer comes, if it ever does.
func TestWriteIsSettledBeforeItsAnswer(t *testing.T) {
	settled := func() *world {
		w := newWorld(t, nil)
		w.toWriting()
		w.do(Settled{WriteID: first, State: model.SettledNot})
		w.stands("a look before the answer", Writing, RollBack, AskNothing, "")
		w.do(Settled{WriteID: first, State: model.SettledDone})
		w.stands("shown", Rolling, RollBack, AskNothing, "")
		return w
	}
	w := settled()
	w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
	w.do(Wrote{WriteID: first, Lost: "no answer within 30s"})
	if w.stands("answered after all", Rolling, RollBack, AskNothing, ""); w.events() != 1 {
		t.Errorf("%d events", w.events())
	}
	w = settled()
	w.do(Wrote{WriteID: first, Changed: "another rollbook was faster"})
	w.stands("a clear no", Refused, Confirm, AskChanged, "another rollbook was faster")
}

// What somebody else brought about is not ours to tell of.
func TestDoneBySomebodyElse(t *testing.T) {
	w := newWorld(t, nil)
	w.toWriting()
	w.do(Wrote{WriteID: first, Lost: "reset"})
	w.do(Settled{WriteID: first, State: model.SettledDone, By: "kubectl-rollout at 12:00:00 UTC"})
	w.stands("as wanted", Rolling, RollBack, AskNothing, "")
	if last := w.inc.Timeline[len(w.inc.Timeline)-1]; w.events() != 0 || !strings.Contains(last.Text, "by kubectl-rollout") {
		t.Errorf("%d events, %+v", w.events(), last)
	}
}

// Once a later write to the same slot happened, an earlier one can do nothing more,
// and is not taken for the later one's work.
func TestOnlyTheNewestIsLookedFor(t *testing.T) {
	w := newWorld(t, nil)
	w.toWriting()
	w.do(Wrote{WriteID: first, Lost: "reset"})
	w.do(Settled{WriteID: first, State: model.SettledNot})
	p := w.preflight(model.Check{ID: "access.patch", State: model.CheckOK})
	w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
	second := WriteID{2, p.ID}
	if all := w.inc.Unanswered(); len(all) != 1 || all[0].WriteID != second {
		t.Errorf("looked for: %+v", all)
	}
	w.do(Wrote{WriteID: second, Err: "skipped: it matches already"})
	if all := w.inc.Unanswered(); len(all) != 1 || all[0].WriteID != first {
		t.Errorf("the second was refused, and looked for: %+v", all)
	}
	w.do(Settled{WriteID: first, State: model.SettledDone})
	if all := w.inc.Unanswered(); len(all) != 0 || w.inc.Standing()[0].WriteID != first {
		t.Errorf("done, and looked for: %+v", all)
	}
}

// After one that did not succeed nothing more is written: not at once, and not when
// it arrives after all.
func TestNothingIsWrittenAfterAFailure(t *testing.T) {
	for name, out := range map[string][]Act{
		"refused":      {Wrote{WriteID: first, Changed: "image"}},
		"failed":       {Wrote{WriteID: first, Err: "forbidden"}},
		"lost":         {Wrote{WriteID: first, Lost: "reset"}},
		"not so far":   {Wrote{WriteID: first, Lost: "reset"}, Settled{WriteID: first, State: model.SettledNot}},
		"arrived late": {Wrote{WriteID: first, Lost: "reset"}, Settled{WriteID: first, State: model.SettledNot}, Settled{WriteID: first, State: model.SettledDone}},
		"foreign":      {Wrote{WriteID: first, Lost: "reset"}, Settled{WriteID: first, State: model.SettledForeign, By: "jonas"}},
	} {
		w := newWorld(t, nil)
		w.do(OverrideCheck{Slot: w.toConfirmBoth(), Check: HelpID, Reason: "it calls the old API"})
		w.do(ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: []string{"plan-1", "plan-2"}})
		if a := w.inc.Attempt(); a == nil || len(a.Writes) != 2 || a.Writes[0].State != Writing {
			t.Fatalf("%s: %+v; %s", name, a, w.inc.Step.Blocked(w.snap()))
		}
		for _, act := range out {
			w.do(act)
			w.do(Observed{})
		}
		if st := w.inc.Attempt().Writes[1].State; st != Pending {
			t.Errorf("%s: the next is %q", name, st)
		}
	}
}
