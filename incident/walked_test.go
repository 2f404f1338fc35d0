package incident

import (
	"testing"
	"time"
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
