package porttest

import (
	"strings"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

func podLogsTell(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	c := b.Connect(t, ns, nil)
	w := watch(t, c)
	w.until(30*time.Second, "backend-python", "is settled", settled)
	b.Release(t, ns, Crash)
	w.until(2*time.Minute, "backend-python", "crashes", func(c *model.Component) bool {
		return len(c.Pods) > 0 && c.Pods[0].Failing && c.Pods[0].Restarts > 0 && c.Pods[0].Exit != ""
	})
	s := &incident.Snapshot{Now: time.Now()}
	s.Seen.Board, s.Seen.Cluster = w.now().Board, model.Connection{Heard: s.Now}
	wanted := incident.PodLogsWanted(s)
	if len(wanted) != 1 || len(wanted[0].New) != 1 || len(wanted[0].Old) != 3 {
		t.Fatalf("wanted are %+v", wanted)
	}
	said := c.PodLogs(t.Context(), wanted[0])
	if said.Err != "" || said.Pods != 1 || said.OldPods != 3 || said.Read == 0 || said.OldRead == 0 || len(said.Lines) == 0 {
		t.Fatalf("%+v", said)
	}
	if l := said.Lines[0]; l.Text != "KeyError: 'PAYMENT_URL'" || !l.New {
		t.Errorf("first %+v of %+v", l, said.Lines)
	}
	// What both say is none of it, and neither is what old pods said at their start.
	for _, l := range said.Lines {
		if strings.Contains(strings.ToLower(l.Text), "started server") {
			t.Errorf("an old pod said this, too: %+v", l)
		}
	}
	gone := wanted[0]
	gone.New = []model.PodLog{{Pod: "no-such-pod", Container: gone.New[0].Container}}
	if said := c.PodLogs(t.Context(), gone); said.Pods != 0 || len(said.Lines) != 0 || !strings.Contains(said.Err, "no-such-pod") {
		t.Errorf("of a pod that has gone: %+v", said)
	}
}
