package porttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

func history(t *testing.T, c Client, ns string) *model.History {
	t.Helper()
	h, err := c.Versions(limited(t), component(ns), time.Now())
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
	if len(h.Candidates) != 3 {
		t.Fatalf("%+v", h)
	}
	for i, want := range []struct {
		number int64
		cause  string
		image  string
	}{{3, "image 3", "contract/api:3"}, {2, "image 2", "contract/api:2"}, {1, "first", "contract/api:1"}} {
		r := h.Candidates[i]
		if r.Short != itoa(want.number) || r.Label != "revision "+itoa(want.number) || r.Cause != want.cause || r.CauseCopied || strings.Join(r.Images, " ") != want.image || r.Start.IsZero() ||
			r.Current != (i == 0) || r.Key != b.setOf(t, ns, "api", itoa(want.number)).Metadata.Name || r.Owner != r.Key || r.RestartOf != "" || r.Ambiguous != "" {
			t.Errorf("revision %+v, want %+v", r, want)
		}
		if len(r.Changes) == 0 != r.Current {
			t.Errorf("changes to %s: %+v", r.Label, r.Changes)
		}
		for _, ch := range r.Changes {
			if ch.Kind != "image" || ch.From != "contract/api:3" || ch.To != want.image {
				t.Errorf("change to %s: %+v", r.Label, ch)
			}
		}
	}
	if r := h.Candidates[0]; r.By != someone || r.Guessed {
		t.Errorf("the running one: %+v", r)
	}
}

// A ConfigMap that was written since a revision ran is not what that ran with. One that may
// not be read, or is not there, is not told of.
func historyRewritten(t *testing.T, b *Bed) {
	ns := b.namespace(t)
	configMap := func(name string) string {
		return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"` + name + `"},"data":{"a":"1"}}`
	}
	maps := "/api/v1/namespaces/" + ns + "/configmaps"
	for _, name := range []string{"kept", "changed"} {
		b.ask(t, http.MethodPost, maps+"?fieldManager="+someone, "application/json", configMap(name), nil)
	}
	time.Sleep(1100 * time.Millisecond) // times have whole seconds: the revision must be younger
	reads := strings.Replace(api, `"containers":[{`, `"containers":[{"envFrom":[{"configMapRef":{"name":"kept"}},{"configMapRef":{"name":"changed"}},{"configMapRef":{"name":"gone"}}],`, 1)
	b.ask(t, http.MethodPost, path(ns, "deployments", "")+"?fieldManager="+someone, "application/json", reads, nil)
	b.taken(t, ns, "api")
	time.Sleep(1100 * time.Millisecond)
	b.ask(t, http.MethodPatch, maps+"/changed?fieldManager="+someone, strategic, `{"data":{"a":"2"}}`, nil)
	b.patch(t, ns, "api", strategic, `{"spec":{"template":{"spec":{"containers":[{"name":"api","image":"contract/api:2"}]}}}}`)
	b.taken(t, ns, "api")
	h := history(t, b.Connect(t, ns, nil), ns)
	if len(h.Candidates) != 2 {
		t.Fatalf("%+v", h)
	}
	if x := h.Candidates[1].Rewritten; len(x) != 1 || x[0].Name != "changed" || x[0].By != someone || x[0].At.Before(h.Candidates[1].Start) {
		t.Errorf("%+v", x)
	}
}

// After an undo the ReplicaSet keeps its creation; the revision is young all
// the same.
func historyAfterUndo(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	c := b.Connect(t, ns, nil)
	time.Sleep(3 * time.Second) // times have whole seconds: the ReplicaSet must be older
	begun := time.Now().Truncate(time.Second)
	if _, err := c.Do(limited(t), *plan(t, c, ns, 1), nil); err != nil {
		t.Fatal(err)
	}
	b.taken(t, ns, "api")
	h := history(t, c, ns)
	if len(h.Candidates) != 2 || h.Candidates[0].Short != "3" || h.Candidates[1].Short != "2" {
		t.Fatalf("%+v", h)
	}
	r := h.Candidates[0]
	if !r.Current || r.Guessed || r.By != "rollbook" || r.Start.Before(begun) || r.Start.After(time.Now().Add(2*time.Second)) || r.Images[0] != "contract/api:1" {
		t.Errorf("since %s: %+v", begun, r)
	}
	if !h.Candidates[1].Start.Before(begun) {
		t.Errorf("the one before began at %s", h.Candidates[1].Start)
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
	h, err := c.Versions(limited(t), db, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Candidates) != 2 {
		t.Fatalf("%+v", h)
	}
	for i, want := range []struct {
		number int64
		image  string
	}{{2, "contract/db:2"}, {1, "contract/db:1"}} {
		if r := h.Candidates[i]; r.Short != itoa(want.number) || r.Images[0] != want.image || r.Current != (i == 0) || r.Start.IsZero() {
			t.Errorf("revision %+v, want %+v", r, want)
		}
	}
}

// preflight runs one to its end, which comes within three seconds.
func preflight(t *testing.T, c Client, ns string, to int64) model.Preflight {
	t.Helper()
	return preflightOf(t, c, component(ns), to)
}

func preflightOf(t *testing.T, c Client, comp *model.Component, to int64) model.Preflight {
	t.Helper()
	var last model.Preflight
	version := numbered(t, c, comp, to)
	for tries := 1; ; tries++ {
		begun := time.Now()
		c.Plan(limited(t), comp, version, func(p model.Preflight) { last = p })
		took := time.Since(begun)
		switch {
		case last.Done && took <= 3500*time.Millisecond:
			return last
		case !last.Done || tries == 3: // other programs on the machine only make it longer
			t.Fatalf("done %v after %s", last.Done, took)
		}
	}
}

// numbered is the revision of a number; zero, kubectl's default, for 0, and one that
// is not there for a number that nobody bears.
func numbered(t *testing.T, c Client, comp *model.Component, n int64) model.Version {
	t.Helper()
	if n == 0 {
		return model.Version{}
	}
	h, err := c.Versions(limited(t), comp, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range h.Candidates {
		if r.Short == itoa(n) {
			return r.Version
		}
	}
	return model.Version{Key: comp.Workload.Name + "-gone", Label: "revision " + itoa(n)}
}

func plan(t *testing.T, c Client, ns string, to int64) *model.Plan {
	t.Helper()
	return planIn(t, preflight(t, c, ns, to))
}

func planIn(t *testing.T, pf model.Preflight) *model.Plan {
	t.Helper()
	if len(pf.Plans) != 1 {
		t.Fatalf("%d plans: %s", len(pf.Plans), pf.Err)
	}
	return &pf.Plans[0]
}

// undone is what the undo keeps in a plan and in a receipt.
type undone struct {
	UID, FromHash, ToHash, ResourceVersion, TemplateHash string
	Unpause                                              bool
	Before                                               time.Time
	Generation                                           int64
	Reads                                                int
}

func detail(t *testing.T, raw json.RawMessage) (d undone) {
	t.Helper()
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return d
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
	p := planIn(t, pf)
	kept := detail(t, p.Detail)
	d := b.deployment(t, ns, "api")
	if p.From.Label != "revision 3" || p.To.Label != "revision 1" || p.To.Key != b.setOf(t, ns, "api", "1").Metadata.Name || p.Same ||
		p.Title != fmt.Sprintf("Roll back api %s → %s (revision 3 → 1, runs as 4)", p.From.Tag, p.To.Tag) || p.From.Tag == p.To.Tag || kept.UID != d.Metadata.UID || kept.Unpause || kept.FromHash == kept.ToHash || !strings.Contains(p.Command, "rollout undo deployment/api") || !strings.Contains(p.Command, "--to-revision=1") {
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
	if again := plan(t, c, ns, 0); again.To.Short != "2" {
		t.Errorf("kubectl's default is the second-highest number, the plan says %s", again.To)
	}
}

// Two ReplicaSets bear one number, as restored backups and edited annotations leave
// them: the one that is meant is planned, and its line blocks until somebody says so.
func preflightAmbiguous(t *testing.T, b *Bed) {
	ns := b.released(t, 3)
	c := b.Connect(t, ns, nil)
	one, two := b.setOf(t, ns, "api", "1").Metadata.Name, b.setOf(t, ns, "api", "2").Metadata.Name
	b.ask(t, http.MethodPatch, path(ns, "replicasets", one), merge, `{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"2"}}}`, nil)
	twins := 0
	for _, v := range history(t, c, ns).Candidates {
		other := map[string]string{one: two, two: one}[v.Key]
		if v.Ambiguous != other {
			t.Errorf("%s is also that of %q", v.Key, v.Ambiguous)
		}
		if other == "" {
			continue
		}
		twins++
		var pf model.Preflight
		c.Plan(limited(t), component(ns), v.Version, func(p model.Preflight) { pf = p })
		ch := check(t, pf, "revision.ambiguous")
		if ch.State != model.CheckBlocked || ch.Hard || !strings.Contains(ch.Text, "is also that of "+other+": what is written is the template of "+v.Key) {
			t.Errorf("%+v", ch)
		}
		if p := planIn(t, pf); p.To.Key != v.Key || p.Command != "" {
			t.Errorf("plan %+v", p)
		}
	}
	if twins != 2 {
		t.Errorf("%d of one number", twins)
	}
}

func preflightMissing(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	c := b.Connect(t, ns, nil)
	if pf := preflight(t, c, ns, 9); len(pf.Plans) != 0 || !strings.Contains(pf.Err, "is not in the history of api any more") {
		t.Errorf("revision 9: %+v", pf)
	}
	first := b.released(t, 1)
	if pf := preflight(t, b.Connect(t, first, nil), first, 0); len(pf.Plans) != 0 || !strings.Contains(pf.Err, `no rollout history found for deployment "api"`) {
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
