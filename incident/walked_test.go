package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// What random walks found once, as a walk each.

// rollsBackNow reports whether the banner asks for a rollback.
func (w *world) rollsBackNow() bool {
	v, _ := VerdictOf(w.snap(), Tree(w.snap()))
	return v == Now || v == Within10
}

func TestBadStaysBadInTheDark(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	if k := w.inc.known("backend-python", owner(42)); k.bad() == "" {
		t.Fatalf("30%% fail, and known is %+v", k)
	}
	w.wait(5 * time.Second)
	w.figures("backend-python", nil, repeat(0.2, 21))
	w.do(Observed{})
	if k := w.inc.known("backend-python", owner(42)); !k.Over || k.good() {
		t.Errorf("nobody knows its errors any more, and known is %+v", k)
	}
	w.wait(5 * time.Second)
	w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
	w.do(Observed{})
	if k := w.inc.known("backend-python", owner(42)); k.Over {
		t.Errorf("it is seen to be well, and known is %+v", k)
	}
}

func TestProvenInTheDark(t *testing.T) {
	w := newWorld(t, nil)
	w.toHold()
	w.well(3 * time.Minute)
	if w.inc.Verified.IsZero() || w.rollsBackNow() {
		t.Fatalf("verified %s, %s", w.inc.Verified, w.inc.Verdict.Text)
	}
	w.wait(5 * time.Second)
	w.figures("backend-python", nil, nil)
	w.do(Observed{})
	if w.rollsBackNow() {
		t.Error("nobody knows its figures any more, and it is to be rolled back")
	}
	w.wait(5 * time.Second)
	w.figures("backend-python", join(repeat(0, 10), repeat(0.3, 21)), repeat(0.2, 21))
	w.do(Observed{})
	if a := w.snap().Afterwards(); !w.inc.Verified.IsZero() || a.State != AfterNoBetter {
		t.Errorf("it fails again, and it says %s: %s", a.Head, a.Text)
	}
}

func TestTriggersAfterTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	w.component("backend-python", func(c *model.Component) { c.NoneReady, c.Ready = w.now.Add(-2*time.Minute), 0 })
	w.wait(80 * time.Second)
	w.do(Observed{})
	w.do(EndIncident{Outcome: FixedOtherwise, Reason: "a node was put back"})
	if w.inc.End == nil || w.inc.Trigger("backend-python", TNoPod) == nil {
		t.Fatalf("ended %+v with %+v", w.inc.End, w.inc.Triggers)
	}
	w.component("backend-python", func(c *model.Component) { c.NoneReady, c.Ready = time.Time{}, 3 })
	w.well(4 * time.Minute)
	if w.inc.Verified.IsZero() || w.rollsBackNow() {
		t.Errorf("verified %s, and %s", w.inc.Verified, w.inc.Triggers[0].Text)
	}
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	if w.inc.Trigger("frontend", TErrors) != nil {
		t.Error("latched after the end")
	}
}

func TestReopenedIsNotOver(t *testing.T) {
	w := newWorld(t, nil)
	w.toHold()
	w.do(EndIncident{Outcome: FixedOtherwise, Reason: "a flag"})
	w.well(3 * time.Minute)
	if w.inc.Verified.IsZero() {
		t.Fatal("not verified")
	}
	w.do(Reopen{Reason: "they still complain"})
	if !w.inc.Verified.IsZero() || !w.inc.Recovered.IsZero() || Unresolved(w.snap()) == "" || Verify.Blocked(w.snap()) == "" {
		t.Errorf("reopened, and verified %s", w.inc.Verified)
	}
	w.well(3 * time.Minute)
	if w.inc.Verified.IsZero() {
		t.Error("well for three minutes after that, and not verified")
	}
}

func TestCausesFollowTheOnset(t *testing.T) {
	w := newWorld(t, nil)
	w.do(Next{}) // nothing fails so far
	w.wait(6 * time.Minute)
	w.component("frontend", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart = 4, owner(4), w.now.Add(-2*time.Minute)
	})
	w.do(Observed{})
	if causes := w.snap().Causes(); len(causes) != 2 || causes[0].Component != "frontend" {
		t.Fatalf("no onset is known, and suspected are %+v", causes)
	}
	w.do(EndIncident{Outcome: FalseAlarm})
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Reopen{})
	if w.inc.Onset.IsZero() {
		t.Fatal("no onset")
	}
	if causes := w.snap().Causes(); len(causes) != 1 || causes[0].Component != "backend-python" || !strings.HasSuffix(causes[0].Distance(&w.inc), "before the first bad sample") {
		t.Errorf("the onset is %s, and suspected are %+v", w.inc.Onset, causes)
	}
}

func TestBaselineIsKeptAfterTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	w.toHold()
	w.do(EndIncident{Outcome: FixedOtherwise, Reason: "a flag"})
	w.seen.Baseline = map[string]model.Baseline{"backend-python": {Errors: model.Reading{Known: true, Value: 0.02}}}
	w.do(Observed{})
	if b := w.inc.Baseline["backend-python"]; !b.Errors.Known || b.Errors.Value != 0.02 {
		t.Errorf("kept %+v", b)
	}
}

// A step back costs time before the write; after it, it is another attempt, a step of the
// recovery, or a look.
func TestStepsBackCountBeforeTheWrite(t *testing.T) {
	for _, tt := range []struct {
		way  []Step
		want int
	}{
		{[]Step{Decision, Choose, Confirm, RollBack, Verify, Close}, 0},
		{[]Step{Decision, Choose, Decision, Choose, Confirm, Choose}, 2},
		{[]Step{Decision, Choose, Confirm, RollBack, Choose, Confirm, RollBack, Confirm, RollBack}, 0},
	} {
		var i Incident
		for _, to := range tt.way {
			i = Apply(i, Fact{At: t0, By: "maria", Body: Moved{To: to}})
		}
		if i.Backs != tt.want {
			t.Errorf("%v: %d back, want %d", tt.way, i.Backs, tt.want)
		}
	}
}
