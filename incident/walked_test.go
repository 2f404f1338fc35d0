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
