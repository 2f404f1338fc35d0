package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// scaled makes the watch show a count of replicas.
func (w *world) scaled(id string, replicas int) {
	w.t.Helper()
	w.wait(5 * time.Second)
	w.component(id, func(c *model.Component) {
		c.Desired, c.Replicas, c.Updated, c.Ready, c.Available = replicas, replicas, replicas, replicas, replicas
	})
	w.do(Observed{})
}

// The count from before the traffic was stopped is kept until it is reached again,
// however the operator goes there.
func TestReplicasFromBeforeTheScaleToZero(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.Desired = 6 })
	w.figures("backend-python", repeat(0.3, 40), repeat(0.2, 40))
	w.do(Observed{})
	for _, step := range []struct{ replicas, before int }{
		{6, 0}, {7, 0}, // an autoscaler
		{0, 7}, {1, 7}, {0, 7}, {3, 7}, {7, 0}, {8, 0}, {0, 8},
	} {
		w.scaled("backend-python", step.replicas)
		folded := Fold(w.facts)
		if got := w.inc.ReplicasBefore("backend-python"); got != step.before || folded.ReplicasBefore("backend-python") != got {
			t.Fatalf("at %d replicas: %d before (folded: %d), want %d", step.replicas, got, folded.ReplicasBefore("backend-python"), step.before)
		}
	}
	told := strings.Join(texts(w.inc, "seen"), "\n")
	if !strings.Contains(told, "backend-python: replicas 7 → 0") || !strings.Contains(told, "backend-python: replicas 0 → 1") ||
		strings.Contains(told, "6 → 7") {
		t.Errorf("the timeline tells\n%s", told)
	}
	if w.inc.ReplicasBefore("frontend") != 0 || w.inc.replicas("frontend") != nil {
		t.Error("a component that the incident is not about is counted")
	}
}

// What had no replicas from the beginning tells no count.
func TestReplicasThatNobodySaw(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.Desired = 0 })
	w.figures("backend-python", repeat(0.3, 40), repeat(0.2, 40))
	w.do(Observed{})
	if w.inc.replicas("backend-python") == nil {
		t.Fatal("it is not counted")
	}
	if n := w.inc.ReplicasBefore("backend-python"); n != 0 {
		t.Errorf("%d before", n)
	}
}
