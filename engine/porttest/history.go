package porttest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

func history(t *testing.T, c engine.Cluster, ns string) *model.History {
	t.Helper()
	h, err := c.History(limited(t), component(ns))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func component(ns string) *model.Component {
	return &model.Component{ID: "api", Workload: workload(ns, "api")}
}

func historyTells(t *testing.T, b *Bed) {
	ns := b.released(t, 3)
	h := history(t, b.Connect(t, ns, nil), ns)
	if len(h.Revisions) != 3 {
		t.Fatalf("%+v", h)
	}
	for i, want := range []struct {
		number int64
		cause  string
		image  string
	}{{3, "image 3", "contract/api:3"}, {2, "image 2", "contract/api:2"}, {1, "first", "contract/api:1"}} {
		r := h.Revisions[i]
		if r.Number != want.number || r.ChangeCause != want.cause || r.CauseCopied || strings.Join(r.Images, " ") != want.image || r.Start.IsZero() ||
			r.Current != (i == 0) || r.Owner != b.setOf(t, ns, "api", itoa(want.number)).Metadata.Name || r.TemplateHash == "" || r.RestartOf != 0 {
			t.Errorf("revision %+v, want %+v", r, want)
		}
		if len(r.Changes) == 0 != r.Current {
			t.Errorf("changes to revision %d: %+v", r.Number, r.Changes)
		}
		for _, ch := range r.Changes {
			if ch.Kind != "image" || ch.From != "contract/api:3" || ch.To != want.image {
				t.Errorf("change to revision %d: %+v", r.Number, ch)
			}
		}
	}
	if r := h.Revisions[0]; r.By != someone || r.Guessed {
		t.Errorf("the running one: %+v", r)
	}
}

// After an undo the ReplicaSet keeps its creation; the revision is young all
// the same.
func historyAfterUndo(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	c := b.Connect(t, ns, nil)
	time.Sleep(3 * time.Second) // times have whole seconds: the ReplicaSet must be older
	begun := time.Now().Truncate(time.Second)
	if _, err := c.Undo(limited(t), *plan(t, c, ns, 1)); err != nil {
		t.Fatal(err)
	}
	b.taken(t, ns, "api")
	h := history(t, c, ns)
	if len(h.Revisions) != 2 || h.Revisions[0].Number != 3 || h.Revisions[1].Number != 2 {
		t.Fatalf("%+v", h)
	}
	r := h.Revisions[0]
	if !r.Current || r.Guessed || r.By != "rollbook" || r.Start.Before(begun) || r.Start.After(time.Now().Add(2*time.Second)) || r.Images[0] != "contract/api:1" {
		t.Errorf("since %s: %+v", begun, r)
	}
	if !h.Revisions[1].Start.Before(begun) {
		t.Errorf("the one before began at %s", h.Revisions[1].Start)
	}
}

func historyOfStatefulSet(t *testing.T, b *Bed) {
	ns := b.namespace(t)
	b.ask(t, http.MethodPost, path(ns, "statefulsets", "")+"?fieldManager="+someone, "application/json",
		`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{"serviceName":"db","replicas":1,"selector":{"matchLabels":{"app":"db"}},
		"template":{"metadata":{"labels":{"app":"db"}},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"db","image":"contract/db:1"}]}}}}`, nil)
	c := b.Connect(t, ns, nil)
	w := watch(t, c)
	at := func(revision int64) func(*model.Component) bool {
		return func(c *model.Component) bool { return c.Revision == revision && c.Ready == 1 && c.Updated == 1 }
	}
	w.until(time.Minute, "db", "runs", at(1))
	b.ask(t, http.MethodPatch, path(ns, "statefulsets", "db")+"?fieldManager="+someone, strategic,
		`{"spec":{"template":{"spec":{"containers":[{"name":"db","image":"contract/db:2"}]}}}}`, nil)
	db := w.until(time.Minute, "db", "is released", at(2))
	h, err := c.History(limited(t), db)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Revisions) != 2 {
		t.Fatalf("%+v", h)
	}
	for i, want := range []struct {
		number int64
		image  string
	}{{2, "contract/db:2"}, {1, "contract/db:1"}} {
		if r := h.Revisions[i]; r.Number != want.number || r.Images[0] != want.image || r.Current != (i == 0) || r.Start.IsZero() {
			t.Errorf("revision %+v, want %+v", r, want)
		}
	}
}

// preflight runs one to its end, which comes within three seconds.
func preflight(t *testing.T, c engine.Cluster, ns string, to int64) model.Preflight {
	t.Helper()
	var last model.Preflight
	begun := time.Now()
	c.Preflight(limited(t), component(ns), to, func(p model.Preflight) { last = p })
	if took := time.Since(begun); !last.Done || took > 3500*time.Millisecond {
		t.Fatalf("done %v after %s", last.Done, took)
	}
	return last
}

func plan(t *testing.T, c engine.Cluster, ns string, to int64) *model.Plan {
	t.Helper()
	pf := preflight(t, c, ns, to)
	if pf.Plan == nil {
		t.Fatalf("no plan: %s", pf.Err)
	}
	return pf.Plan
}

func check(t *testing.T, pf model.Preflight, id string) model.Check {
	t.Helper()
	for _, ch := range pf.Checks {
		if ch.ID == id {
			return ch
		}
	}
	t.Fatalf("no line %s in %+v", id, pf.Checks)
	return model.Check{}
}

func preflightPlans(t *testing.T, b *Bed) {
	ns := b.released(t, 3)
	c := b.Connect(t, ns, nil)
	pf := preflight(t, c, ns, 1)
	p := pf.Plan
	if p == nil {
		t.Fatal(pf.Err)
	}
	d := b.deployment(t, ns, "api")
	if p.From != 3 || p.To != 1 || p.UID != d.Metadata.UID || p.Owner != b.setOf(t, ns, "api", "1").Metadata.Name || p.Same || p.Unpause ||
		p.FromHash == p.ToHash || !strings.Contains(p.Command, "rollout undo deployment/api") || !strings.Contains(p.Command, "--to-revision=1") {
		t.Errorf("plan %+v", p)
	}
	if len(p.Changes) == 0 || p.Changes[0].Kind != "image" {
		t.Errorf("changes %+v", p.Changes)
	}
	for _, id := range []string{"dryrun", "access", "paused", "owner", "refs", "image"} {
		found := false
		for _, ch := range pf.Checks {
			if ch.ID == id || strings.HasPrefix(ch.ID, id+".") {
				found = true
				if ch.State != model.CheckOK {
					t.Errorf("%s: %+v", id, ch)
				}
			}
		}
		if !found {
			t.Errorf("no line %s in %+v", id, pf.Checks)
		}
	}
	if after := b.deployment(t, ns, "api"); after.Metadata.Generation != d.Metadata.Generation {
		t.Error("the dry run wrote something")
	}
	if again := plan(t, c, ns, 0); again.To != 2 {
		t.Errorf("kubectl's default is the second-highest number, the plan says %d", again.To)
	}
}

func preflightMissing(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	c := b.Connect(t, ns, nil)
	if pf := preflight(t, c, ns, 9); pf.Plan != nil || !strings.Contains(pf.Err, "unable to find specified revision 9 in history") {
		t.Errorf("revision 9: %+v", pf)
	}
	first := b.released(t, 1)
	if pf := preflight(t, b.Connect(t, first, nil), first, 0); pf.Plan != nil || !strings.Contains(pf.Err, `no rollout history found for deployment "api"`) {
		t.Errorf("no history: %+v", pf)
	}
	// What the target needs and is gone, blocks.
	b.patch(t, ns, "api", strategic, `{"spec":{"template":{"spec":{"containers":[{"name":"api","envFrom":[{"configMapRef":{"name":"lost"}}]}]}}}}`)
	b.taken(t, ns, "api")
	b.patch(t, ns, "api", strategic, `{"spec":{"template":{"spec":{"containers":[{"name":"api","envFrom":null}]}}}}`)
	b.taken(t, ns, "api")
	if ch := check(t, preflight(t, c, ns, 3), "configmap.gone:lost"); ch.State != model.CheckBlocked {
		t.Errorf("%+v", ch)
	}
}
