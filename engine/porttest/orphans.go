package porttest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// Deleted with --cascade=orphan and made again, as an immutable selector is changed or
// a workload moved from Helm to Argo CD: the revisions of the first life are those of
// the new one, and can be gone back to; a plan for the old one writes nothing.
func undoOfOrphans(t *testing.T, b *Bed) {
	ns := b.released(t, 3)
	c := b.Connect(t, ns, nil)
	w := watch(t, c)
	first := w.until(time.Minute, "api", "is settled", settled)
	old := plan(t, c, ns, 1)
	made := map[string]string{}
	for _, s := range b.sets(t, ns, "api") {
		made[s.image()] = s.Metadata.UID
	}
	time.Sleep(2 * time.Second) // times have whole seconds: the first life must be older
	begun := time.Now().Truncate(time.Second)
	b.ask(t, http.MethodDelete, path(ns, "deployments", "api")+"?propagationPolicy=Orphan", "", "", nil)
	eventually(t, 30*time.Second, "it is gone, and leaves its ReplicaSets", func() string {
		if _, err := b.try(t, http.MethodGet, path(ns, "deployments", "api"), "", ""); err == nil {
			return "it is there"
		}
		return ""
	})
	if n := len(b.sets(t, ns, "api")); n != 3 {
		t.Fatalf("%d ReplicaSets are left", n)
	}
	b.ask(t, http.MethodPost, path(ns, "deployments", "")+"?fieldManager="+someone, "application/json", strings.ReplaceAll(api, "contract/api:1", "contract/api:4"), nil)
	b.taken(t, ns, "api")
	again := w.until(time.Minute, "api", "is settled again", func(c *model.Component) bool { return c.UID != first.UID && settled(c) })
	if len(again.Pods) != 2 || again.Pods[0].Revision != 4 {
		t.Errorf("pods %+v", again.Pods)
	}

	h := history(t, c, ns)
	if len(h.Candidates) != 4 {
		t.Fatalf("%+v", h)
	}
	for i, r := range h.Candidates {
		want := itoa(int64(4 - i))
		if r.Short != want || strings.Join(r.Images, " ") != "contract/api:"+want || r.Current != (i == 0) || r.Start.IsZero() || (i > 0) != r.Start.Before(begun) {
			t.Errorf("revision %+v, want %s; made again at %s", r, want, begun)
		}
	}
	if got, err := c.Look(limited(t), *old); err != nil || got.State != model.SettledForeign || !strings.Contains(got.By, "made it again") {
		t.Errorf("the old plan: %+v (%v)", got, err)
	}
	if _, err := c.Do(limited(t), *old, nil); !errors.Is(err, model.ErrChanged) || !strings.Contains(err.Error(), "deleted and made again") {
		t.Errorf("the old plan: %v", err)
	}
	p := plan(t, c, ns, 1)
	if _, err := c.Do(limited(t), *p, nil); err != nil {
		t.Fatal(err)
	}
	b.taken(t, ns, "api")
	if s := b.setOf(t, ns, "api", "5"); s.image() != "contract/api:1" || s.Metadata.UID != made["contract/api:1"] {
		t.Errorf("the ReplicaSet is %+v, was %s", s, made["contract/api:1"])
	}
}
