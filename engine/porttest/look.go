package porttest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

func lookTells(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	c := b.Connect(t, ns, nil)
	p := plan(t, c, ns, 1)
	look := func(want model.Settled, by string) {
		t.Helper()
		got, err := c.Look(limited(t), *p)
		if err != nil || got.State != want || !strings.Contains(got.By, by) {
			t.Errorf("%+v (%v), want %q by %q", got, err, want, by)
		}
	}
	look(model.SettledNot, "")
	if _, err := c.Do(limited(t), *p, nil); err != nil {
		t.Fatal(err)
	}
	look(model.SettledDone, "")
	time.Sleep(1100 * time.Millisecond) // times have whole seconds, and who wrote last is told by them
	b.patch(t, ns, "api", strategic, `{"spec":{"template":{"spec":{"containers":[{"name":"api","image":"contract/api:9"}]}}}}`)
	look(model.SettledForeign, someone)
	if _, err := b.try(t, http.MethodDelete, path(ns, "deployments", "api"), "", ""); err != nil {
		t.Fatal(err)
	}
	look(model.SettledForeign, "deleted")
}

// Somebody else's identical write is what was wanted, and a board that has not seen it
// yet does not call it reverted.
func lookTellsAlike(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	cluster := b.Connect(t, ns, nil)
	w := watch(t, cluster)
	before := w.until(time.Minute, "api", "is settled", settled)
	p := plan(t, cluster, ns, 1)
	b.patch(t, ns, "api", strategic, `{"spec":{"template":{"spec":{"containers":[{"name":"api","image":"contract/api:1"}]}}}}`)
	got, err := cluster.Look(limited(t), *p)
	if err != nil || got.State != model.SettledDone || !strings.Contains(got.By, someone) || got.Receipt == nil {
		t.Fatalf("%+v (%v)", got, err)
	}
	if j := cluster.Judge(before, p, got.Receipt); j.Phase != model.PhaseUnknown || !strings.Contains(j.Text, "waiting for the cluster to show the patch") {
		t.Errorf("on the board from before: %+v", j)
	}
	w.until(time.Minute, "api", "is rolled out", func(c *model.Component) bool {
		return cluster.Judge(c, p, got.Receipt).Phase == model.PhaseFinished
	})
}
