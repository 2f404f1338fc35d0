package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// answer returns the node of a question as the tree has it now.
func (w *world) answer(q Question) Node {
	for _, n := range Tree(w.snap()) {
		if n.Question == q {
			return n
		}
	}
	w.t.Fatalf("no question %s", q)
	return Node{}
}

// Of what has no replicas nothing is known: neither that it is well, nor that a
// limit which it had passed is no longer passed.
func TestNoReplicasProveNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.figures("frontend", nil, nil)
	w.component("frontend", func(c *model.Component) { c.Desired, c.Replicas, c.Updated, c.Ready, c.Available = 0, 0, 0, 0, 0 })
	w.wait(6 * time.Minute)
	w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
	w.do(Observed{})
	if tr := w.inc.Trigger("frontend", TErrors); tr == nil || !tr.Under.IsZero() {
		t.Errorf("the trigger eased when nothing ran any more: %+v", tr)
	}
	w = newWorld(t, nil)
	for _, id := range []string{"frontend", "backend-python"} {
		w.figures(id, nil, nil)
		w.component(id, func(c *model.Component) { c.Desired, c.Replicas, c.Updated, c.Ready, c.Available = 0, 0, 0, 0, 0 })
	}
	w.do(Observed{})
	for _, q := range []Question{QErrors, QP95, QCritical, QSLO} {
		if n := w.answer(q); n.Answer != model.TriUnknown || !strings.Contains(n.Text, "0 replicas") {
			t.Errorf("%s: %s %q", q, n.Answer, n.Text)
		}
	}
	// What fails without a pod, as at the ingress, fails all the same.
	w.figures("frontend", repeat(0.9, 21), nil)
	w.do(Observed{})
	if n := w.answer(QErrors); n.Answer != model.TriYes {
		t.Errorf("errors at the ingress: %s %q", n.Answer, n.Text)
	}
	// One of several does not make the others unknown, and is named.
	w = newWorld(t, nil)
	w.component("frontend", func(c *model.Component) { c.Desired, c.Replicas, c.Updated, c.Ready, c.Available = 0, 0, 0, 0, 0 })
	w.figures("frontend", nil, nil)
	w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
	w.do(Observed{})
	if n := w.answer(QErrors); n.Answer != model.TriNo || !strings.Contains(n.Text, "not counted, with 0 replicas: frontend") {
		t.Errorf("beside one that runs: %s %q", n.Answer, n.Text)
	}
}

// Where the cluster does not tell whether a rollout gets on, ten minutes without a new
// ready pod do, also when nothing is seen to change meanwhile.
func TestRolloutThatNobodyTimes(t *testing.T) {
	w := newWorld(t, nil)
	w.seen.Memory = &Memory{}
	w.component("frontend", func(c *model.Component) { c.Unmoved = w.now.Add(-9 * time.Minute) })
	w.do(Observed{})
	if n := w.answer(QSLO); n.Answer != model.TriNo || !strings.Contains(n.Text, "no new pod became ready for 9m of 10m") {
		t.Errorf("after nine minutes: %s %q", n.Answer, n.Text)
	}
	w.wait(90 * time.Second)
	w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
	if j := w.snap().Judgement(); j.kinds[TStuck].over[0].finding(w.snap(), TStuck, "").State != model.TriYes {
		t.Error("the judgement is that of before")
	}
	w.do(Observed{})
	if n := w.answer(QSLO); n.Answer != model.TriYes || !strings.Contains(n.Text, "by rollbook's clock") {
		t.Errorf("after ten and a half: %s %q", n.Answer, n.Text)
	}
	if tr := w.inc.Trigger("frontend", TStuck); tr == nil || !tr.Onset.Equal(w.now.Add(-9*time.Minute-90*time.Second)) {
		t.Errorf("%+v", tr)
	}
}

// The time that ready pods have to stay ready is no delay of the rollout.
func TestRolloutWaitsForAvailable(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.component("backend-python", func(c *model.Component) {
		c.MinReady, c.Available, c.Ready = 5*time.Minute, 0, c.Desired
		c.Pods = []model.Pod{{Ready: true, ReadySince: w.now}}
	})
	for range 28 {
		w.wait(10 * time.Second)
		w.do(Observed{})
	}
	if w.inc.Asked != AskNothing {
		t.Fatalf("asked after 4m40s: %s", w.inc.AskText)
	}
	w.wait(30 * time.Second)
	w.do(Observed{})
	if w.inc.Asked != AskDeadline {
		t.Errorf("asked %v when they ought to be available", w.inc.Asked)
	}
}

// A rollback of what is scaled to 0 sets the version and no more: the journal says so,
// and so does what is told to others.
func TestRolledOutWithNoReplicas(t *testing.T) {
	for _, replicas := range []int{0, 3} {
		w := newWorld(t, nil)
		w.toRolling()
		w.component("backend-python", func(c *model.Component) {
			if replicas == 0 {
				c.Desired, c.Replicas, c.Updated, c.Ready, c.Available = 0, 0, 0, 0, 0
			}
		})
		w.wait(40 * time.Second)
		w.rolledOut()
		kind, entry, draft := EntryOutcome, "rolled out: backend-python", "; rolled out at "
		if replicas == 0 {
			kind, entry, draft = EntrySeen, "version set: backend-python; 0 replicas run it", "; it does not run: it is scaled to 0."
		}
		if got := w.inc.Timeline[len(w.inc.Timeline)-1]; got.Kind != kind || got.Text != entry {
			t.Errorf("%d replicas: %s %q", replicas, got.Kind, got.Text)
		}
		if wr := w.inc.Attempts[0].Writes[0]; wr.State != Done || wr.Asleep != (replicas == 0) {
			t.Errorf("%d replicas: %+v", replicas, wr)
		}
		for _, public := range []bool{true, false} {
			if got := strings.Join(updated(w.snap(), public), "\n"); !strings.Contains(got, draft) {
				t.Errorf("%d replicas: %q", replicas, got)
			}
		}
	}
}
