package kube

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rollbook/model"
)

// lines are those of a check with all that the page shows of them.
func lines(checks []model.Check) string {
	var out []string
	for _, k := range checks {
		s := k.State.String() + " " + k.ID + ": " + k.Text
		if k.Hard {
			s = "hard " + s
		}
		if k.Do != "" {
			s += " → " + k.Do
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

// A rollback that nothing stands against says so line by line, in this order.
func TestPreflightOfAHealthyCluster(t *testing.T) {
	c := rehearse(t)
	var states [][]model.Check
	NewUndo(c.Client).Plan(context.Background(), &model.Component{ID: "api", Workload: apiWorkload, Desired: 3, Generation: 1, Observed: 1, Replicas: 3, Updated: 3, Ready: 3},
		model.Version{}, func(p model.Preflight) {
			if p.Done && p.Plans[0].To.Key != "api-1" { // kubectl's default
				t.Errorf("to %+v", p.Plans[0].To)
			}
			states = append(states, p.Checks)
		})
	want := `ok access.patch: you may patch deployments, get replicasets, watch deployments, create events, list pods, update leases
ok revision: revision 1 is there and differs
ok dryrun: admission accepts it (server dry run)
ok paused: not paused
ok rollout: no other rollout under way
ok owner: no GitOps controller, package manager or operator owns it
ok refs: revision 1 needs no configmap, secret or claim
ok image.pull: no failed pull of its image in the events`
	if got := lines(states[len(states)-1]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := lines(states[0]); got != "unknown plan: reading deployment/api and its revisions …" {
		t.Errorf("first %q", got)
	}
	// One more line with each answer.
	if got := lines(states[1]); len(states) < 10 || len(states[1]) != 14 || strings.Count(got, ": asking …") != 14 || !strings.HasPrefix(got, "unknown access.patch: whether you may: asking …") {
		t.Errorf("%d states, then %s", len(states), got)
	}
}

// What goes away with its namespace is said on the same page.
func TestPreflightOfAnEndingNamespace(t *testing.T) {
	c := rehearse(t)
	c.before = func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Path == "/api/v1/namespaces/production" && reply(w, map[string]any{"kind": "PartialObjectMetadata", "metadata": map[string]any{"deletionTimestamp": "2026-11-29T03:00:00Z"}})
	}
	if got := lines(c.preflight(t, "api-1").Checks); !strings.Contains(got, "\nblocked ending: namespace production is being deleted") {
		t.Error(got)
	}
}

// Without a plan nothing is checked, and the reason is all that is said.
func TestPreflightWithoutAPlan(t *testing.T) {
	for _, tt := range []struct {
		name, to string
		comp     model.Component
		before   func(w http.ResponseWriter, r *http.Request) bool
		want     string
	}{
		{"nobody can watch it", "api-1", model.Component{Workload: apiWorkload, Missing: "forbidden: you may not"}, nil,
			"deployment/api is not to be seen (forbidden: you may not): nothing is written to what nobody can watch"},
		{"a kind without revisions", "", model.Component{Workload: model.Workload{Kind: "Job", Namespace: "production", Name: "api"}}, nil, "a Job has no rollout history: it cannot be undone"},
		{"it is gone", "", model.Component{Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "web"}}, nil, "deployment/web is not in namespace production: "},
		{"the revision is gone", "api-7", model.Component{Workload: apiWorkload}, nil, "api-7 is not in the history of api any more: choose another revision"},
		{"it may not be read", "", model.Component{Workload: apiWorkload}, func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/replicasets") && refuse(w, 403, `"reason":"Forbidden","code":403,"message":"you may not"`)
		}, "no plan for deployment/api: forbidden: you may not"},
	} {
		c := rehearse(t)
		if tt.before != nil {
			c.before = tt.before
		}
		var last model.Preflight
		NewUndo(c.Client).Plan(context.Background(), &tt.comp, model.Version{Key: tt.to}, func(p model.Preflight) { last = p })
		if !last.Done || len(last.Plans) != 0 || len(last.Checks) != 0 || !strings.HasPrefix(last.Err, tt.want) {
			t.Errorf("%s: %+v", tt.name, last)
		}
	}
}

// Each verb that the step needs is asked for. Without the write and the read before it
// there is no rollback; without the others something less is seen.
func TestAccess(t *testing.T) {
	all := []string{"patch deployments", "get replicasets", "watch deployments", "create events", "list pods", "update leases"}
	for _, tt := range []struct {
		not, asked string // what is not allowed, as the page has it and as it is asked
		code       int    // that the question is refused with
		want       string
	}{
		{"patch deployments", "patch apps deployments api", 0, "hard blocked access.patch: you may not patch deployments in production: the write would be refused → ask for the verb patch on deployments, or let somebody do it who has it"},
		{"get replicasets", "get apps replicasets api-1", 0, "hard blocked access.revisions: you may not get replicasets in production: the write would be refused → ask for the verb get on replicasets, or let somebody do it who has it"},
		{"watch deployments", "watch apps deployments ", 0, "warning access.watch: you may not watch deployments: the board is read every 5s instead"},
		{"create events", "create  events ", 0, "warning access.events: you may not create events: no Event will be left on the workload"},
		{"list pods", "list  pods ", 0, "warning access.pods: you may not list pods: the rollout is followed by its counts alone"},
		{"update leases", "update coordination.k8s.io leases rollbook-deployment-api", 0, "warning access.leases: you may not update leases: others cannot see that you are working on it"},
		{"list pods", "list  pods ", 403, "unknown access.pods: whether you may list pods: forbidden: you may not → ask for the right to read it, or look yourself"},
	} {
		c := rehearse(t)
		p := c.planned(t)
		asked := make(chan string, len(all))
		c.before = func(w http.ResponseWriter, r *http.Request) bool {
			var review struct {
				Spec struct {
					ResourceAttributes struct{ Namespace, Verb, Group, Resource, Name string }
				}
			}
			if err := json.NewDecoder(r.Body).Decode(&review); err != nil || r.URL.Path != "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" {
				t.Errorf("%s %+v (%v)", r.URL.Path, review, err)
			}
			a := review.Spec.ResourceAttributes
			what := strings.Join([]string{a.Verb, a.Group, a.Resource, a.Name}, " ")
			asked <- a.Namespace + " " + what
			if what == tt.asked && tt.code != 0 {
				return refuse(w, tt.code, `"reason":"Forbidden","code":403,"message":"you may not"`)
			}
			return reply(w, map[string]any{"kind": "SelfSubjectAccessReview", "status": map[string]any{"allowed": what != tt.asked}})
		}
		got := lines(c.checkAccess(context.Background(), p))
		id := "access.patch"
		if tt.not == all[0] {
			id = "access.rest"
		}
		may := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == tt.not })
		if want := "ok " + id + ": you may " + strings.Join(may, ", ") + "\n" + tt.want; got != want {
			t.Errorf("without %s:\n%s\nwant\n%s", tt.not, got, want)
		}
		close(asked)
		for a := range asked {
			if !strings.HasPrefix(a, "production ") {
				t.Errorf("asked about %q", a)
			}
		}
	}
	c := rehearse(t)
	p := c.planned(t)
	c.before = func(w http.ResponseWriter, _ *http.Request) bool {
		return reply(w, map[string]any{"kind": "SelfSubjectAccessReview", "status": map[string]any{"allowed": "who knows"}})
	}
	if got := lines(c.checkAccess(context.Background(), p)); strings.Count(got, "unknown access.") != len(all) || strings.Contains(got, "ok ") {
		t.Errorf("an answer that cannot be read: %s", got)
	}
}

func reply(w http.ResponseWriter, v any) bool {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
	return true
}

// planned is the plan of going back to revision 1, with what it is made of.
func (c *rehearsal) planned(t *testing.T) *planned {
	t.Helper()
	p, _, err := c.Client.plan(context.Background(), &model.Component{ID: "api", Workload: apiWorkload}, "api-1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What the dry run brings is told apart: a no of the API server's holds the rollback,
// and no answer holds nothing.
func TestDryRun(t *testing.T) {
	ok := "ok dryrun: admission accepts it (server dry run)"
	no := func(why string) string {
		return "hard blocked dryrun: the API server refuses it (server dry run): " + why + " → the words above are the API server's: the write would end the same"
	}
	unknown := "unknown dryrun: whether admission accepts it (server dry run): "
	for _, tt := range []struct {
		name   string
		refuse int
		code   int
		status string
		want   string
		tries  int
	}{
		{"accepted", 0, 0, "", ok, 1},
		{"overtaken once", 1, 409, conflict, ok, 2},
		{"overtaken four times", 4, 409, conflict, ok, 5},
		{"always overtaken", 9, 409, conflict, unknown + "the object has been modified", 5},
		{"denied", 9, 403, `"reason":"Forbidden","code":403,"message":"frozen until Monday"`, no("forbidden: frozen until Monday"), 1},
		{"invalid", 9, 422, `"reason":"Invalid","code":422,"message":"no such field","details":{"name":"api"}`, no("no such field"), 1},
		{"bad", 9, 400, `"reason":"BadRequest","code":400,"message":"not so"`, no("not so"), 1},
		{"overloaded", 9, 429, `"reason":"TooManyRequests","code":429,"message":"slow down"`, unknown + "the API server is overloaded (429)", 1},
		{"broken", 9, 500, `"code":500,"message":"etcdserver: request timed out"`, unknown + "etcdserver: request timed out", 1},
		{"a webhook that is gone", 9, 500, `"code":500,"message":"failed calling webhook \"gate\""`, no(`failed calling webhook "gate"`), 1},
		{"a webhook without dry run", 9, 400, `"code":400,"message":"admission webhook \"gate\" does not support dry run"`, unknown + `admission webhook "gate" does not support dry run`, 1},
		{"somebody else answers", 9, 302, `"code":302,"message":"log in"`, unknown + "log in", 1},
	} {
		c := rehearse(t)
		p := c.planned(t)
		tries := 0
		c.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPatch {
				return false
			}
			if r.URL.Query().Get("dryRun") != "All" {
				t.Errorf("%s: written by %s", tt.name, r.URL)
			}
			tries++
			return tries <= tt.refuse && refuse(w, tt.code, tt.status)
		}
		if got := lines(c.checkDryRun(context.Background(), p)); got != tt.want || tries != tt.tries {
			t.Errorf("%s: %s\nwant %s (%d tries)", tt.name, got, tt.want, tries)
		}
		if g := c.deployment(t).GetGeneration(); g != 1 {
			t.Errorf("%s: the dry run was kept", tt.name)
		}
	}
	c := rehearse(t)
	p := c.planned(t)
	c.before = func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodPatch && refuse(w, 409, conflict) || r.Method == http.MethodGet && refuse(w, 403, `"reason":"Forbidden","code":403,"message":"you may not"`)
	}
	if got := lines(c.checkDryRun(context.Background(), p)); !strings.HasPrefix(got, unknown+"forbidden: you may not") {
		t.Errorf("overtaken, and not to be read again: %s", got)
	}
	for image, want := range map[string]string{
		"mirror/api:1": "note dryrun: admission accepts it (server dry run), and changes the template on its way in: image shop/api:1 → mirror/api:1",
		"shop/api:1":   ok,
	} {
		c.before = func(w http.ResponseWriter, r *http.Request) bool {
			o := c.deployment(t)
			if err := unstructured.SetNestedSlice(o.Object, []any{map[string]any{"name": "api", "image": image}}, "spec", "template", "spec", "containers"); err != nil {
				t.Error(err)
			}
			var as object
			if b, _ := json.Marshal(o.Object); json.Unmarshal(b, &as) == nil {
				p.ToHash, _ = hashOf(as.template())
			}
			if image == "mirror/api:1" {
				p.ToHash = "another"
			}
			return reply(w, o.Object)
		}
		if got := lines(c.checkDryRun(context.Background(), p)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", image, got, want)
		}
	}
	c.before = func(_ http.ResponseWriter, r *http.Request) bool {
		t.Errorf("asked for nothing: %s", r.URL)
		return false
	}
	p.Same = true
	if got := lines(c.checkDryRun(context.Background(), p)); got != "note dryrun: server dry run: there is nothing to write" {
		t.Error(got)
	}
}

// What goes away is not written into.
func TestEnding(t *testing.T) {
	const path = "/api/v1/namespaces/shop"
	for _, tt := range []struct {
		name, metadata string
		objects        map[string]string
		want           string
	}{
		{"it stays", `{}`, map[string]string{path: `{"kind":"PartialObjectMetadata","metadata":{}}`}, ""},
		{"its namespace ends", `{}`, map[string]string{path: `{"kind":"PartialObjectMetadata","metadata":{"deletionTimestamp":"2026-11-29T03:00:00Z"}}`},
			"blocked ending: namespace shop is being deleted, with all that is in it: no new pod can be made → find out who deleted it before you write into it"},
		{"it ends", `{"deletionTimestamp":"2026-11-29T03:00:00Z"}`, map[string]string{path: `{"kind":"PartialObjectMetadata","metadata":{}}`},
			"hard blocked ending: deployment/edge is being deleted: nothing is written to it → find out who deleted it; what is deleted is made anew, not rolled back"},
		{"the namespace may not be seen", `{}`, map[string]string{path + "!": ""}, ""},
		{"the namespace is not found", `{}`, nil, "unknown ending: whether namespace shop stays: not found"},
		{"something else answers", `{}`, map[string]string{path: `{"kind":"PartialObjectMetadata","metadata":7}`}, "unknown ending: whether namespace shop stays: "},
	} {
		if got := lines(having(t, tt.objects).checkEnding(context.Background(), plannedFor(t, tt.metadata, `{}`, `{}`))); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// The revision that is gone to is there, is another than what runs, and is the one
// that its number means.
func TestRevisionLine(t *testing.T) {
	running := `{"template":{"metadata":{"labels":{"app":"edge"}},"spec":{"containers":[{"name":"a","image":"a:1"}]}}}`
	restarted := `{"template":{"metadata":{"labels":{"app":"edge"},"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}},"spec":{"containers":[{"name":"a","image":"a:1"}]}}}`
	another := `{"template":{"metadata":{"labels":{"app":"edge"}},"spec":{"containers":[{"name":"a","image":"a:2"}]}}}`
	for _, tt := range []struct {
		name, spec, twin string
		same             bool
		want             string
	}{
		{"another", another, "", false, "ok revision: revision 4 is there and differs"},
		{"the one that runs", running, "", true, "hard blocked revision: skipped rollback (current template already matches revision 4) → choose another revision"},
		{"a restart of it", restarted, "", false, "warning revision: revision 4 differs only by a restart: it runs the same → choose an older revision"},
		{"one of two", another, "edge-twin", false, "ok revision: revision 4 is there and differs\n" +
			"blocked revision.ambiguous: revision 4 is also that of edge-twin: what is written is the template of edge-4 → make sure by the diff that it is the one you mean: --to-revision=4 could mean either"},
	} {
		p := plannedFor(t, `{}`, running, `{}`)
		p.target = plannedFor(t, `{}`, tt.spec, `{}`).workload
		p.To, p.ToNumber, p.ambiguous, p.Same = model.Revision("edge-4", 4), 4, tt.twin, tt.same
		if got := lines(checkRevision(p)); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// A paused Deployment is resumed by the write, and that is said before.
func TestPausedLine(t *testing.T) {
	p := &planned{kind: kinds[model.Deployment]}
	if got := lines(checkPaused(p)); got != "ok paused: not paused" {
		t.Error(got)
	}
	p.Unpause = true
	if got := lines(checkPaused(p)); !strings.HasPrefix(got, "warning paused: paused: the rollback also resumes it in the same write") {
		t.Error(got)
	}
	p.kind = kinds[model.DaemonSet]
	if got := checkPaused(p); got != nil {
		t.Errorf("a DaemonSet cannot be paused: %v", got)
	}
}

// A rollout that goes on is said with how far it is, the most telling first.
func TestRolloutLine(t *testing.T) {
	now := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		change func(c *model.Component)
		want   string
	}{
		{"none", func(*model.Component) {}, "ok rollout: no other rollout under way"},
		{"scaled to nothing", func(c *model.Component) { c.Desired = 0 }, "note rollout: 0 replicas: the rollback changes what starts when it is scaled up; nothing runs it until then"},
		{"not taken up", func(c *model.Component) { c.Observed-- }, "note rollout: a change was just made, the controller has not taken it up yet"},
		{"stuck", func(c *model.Component) { c.Stuck, c.Updated = "ImagePullBackOff", 1 }, "note rollout: the newest rollout is stuck (ImagePullBackOff); the rollback ends it"},
		{"under way", func(c *model.Component) { c.Updated, c.Revision = 1, 7 }, "note rollout: a rollout is under way: 1 of 3 pods are on revision 7; the rollback ends it"},
		{"as far as its partition", func(c *model.Component) { c.Updated, c.Partition = 1, 2 }, "ok rollout: no other rollout under way"},
		{"short of its partition", func(c *model.Component) { c.Updated, c.Partition, c.Revision = 0, 2, 7 }, "note rollout: a rollout is under way: 0 of 3 pods are on revision 7; the rollback ends it"},
		{"old pods left", func(c *model.Component) { c.Replicas = 5 }, "note rollout: a rollout is under way: 2 old pods still there; the rollback ends it"},
		{"old pods below a partition", func(c *model.Component) { c.Updated, c.Partition = 2, 1 }, "ok rollout: no other rollout under way"},
		{"a pod is not ready", func(c *model.Component) { c.Ready = 2 }, "note rollout: 2 of 3 pods are ready: the newest rollout has not ended, or pods were lost since"},
	} {
		c := &model.Component{Workload: apiWorkload, Generation: 2, Observed: 2, Desired: 3, Replicas: 3, Updated: 3, Ready: 3}
		tt.change(c)
		if got := lines(checkRollout(c, now)); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// An autoscaler and a disruption budget are named where they are the workload's own.
func TestScalingLines(t *testing.T) {
	const hpas, pdbs = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers", "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"
	hpa := func(kind, name, min string) string {
		return `{"metadata":{"name":"h-` + name + `"},"spec":{"scaleTargetRef":{"kind":"` + kind + `","name":"` + name + `"},` + min + `"maxReplicas":7}}`
	}
	for _, tt := range []struct {
		name, items, want string
	}{
		{"none", "", ""},
		{"its own", hpa("Deployment", "edge", `"minReplicas":2,`), "note hpa:h-edge: HPA h-edge: 2..7 stays in charge of the replica count"},
		{"without a minimum", hpa("Deployment", "edge", ""), "note hpa:h-edge: HPA h-edge: 1..7 stays in charge of the replica count"},
		{"another's", hpa("Deployment", "web", "") + "," + hpa("StatefulSet", "edge", ""), ""},
	} {
		c := having(t, map[string]string{hpas: `{"items":[` + tt.items + `]}`})
		if got := lines(c.checkHPA(context.Background(), plannedFor(t, `{}`, `{}`, `{}`))); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	p := plannedFor(t, `{}`, `{}`, `{"metadata":{"labels":{"app":"edge"}}}`)
	if got := having(t, nil).checkHPA(context.Background(), p); got != nil {
		t.Errorf("a cluster without autoscalers: %v", got)
	}
	if got := lines(having(t, map[string]string{hpas + "!": ""}).checkHPA(context.Background(), p)); !strings.HasPrefix(got, "unknown hpa: whether an autoscaler is in charge: forbidden: you may not") {
		t.Errorf("autoscalers that may not be seen: %s", got)
	}
	if got := lines(having(t, map[string]string{hpas: `{"items":7}`}).checkHPA(context.Background(), p)); !strings.HasPrefix(got, "unknown hpa: ") {
		t.Errorf("autoscalers that cannot be read: %s", got)
	}
	c := having(t, map[string]string{pdbs: `{"items":[{"metadata":{"name":"b"},"spec":{"selector":{"matchLabels":{"app":"edge"}}}},{"metadata":{"name":"other"},"spec":{"selector":{"matchLabels":{"app":"web"}}}},
		{"metadata":{"name":"bad"},"spec":{"selector":{"matchExpressions":[{"key":"app","operator":"Guess"}]}}}]}`})
	if got := lines(c.checkPDB(context.Background(), p)); got != "note pdb:b: PodDisruptionBudget b does not limit a rollout: maxUnavailable does" {
		t.Error(got)
	}
}

// A quota is held against what the surge needs, no less and no more.
func TestQuotaLines(t *testing.T) {
	template := `{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"500m","memory":"1Gi"},"limits":{"cpu":"1"}}},{"name":"b","resources":{"requests":{"cpu":"250m"}}}]}}`
	surge := func(n string) string {
		return `{"replicas":4,"strategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":` + n + `}}}`
	}
	quota := func(name, hard, used string) string {
		return `{"metadata":{"name":"q"},"status":{"hard":{"` + name + `":"` + hard + `"},"used":{"` + name + `":"` + used + `"}}}`
	}
	tight := func(name, left, surge, needs string) string {
		return "warning quota:q/" + name + ": quota q leaves " + left + " of " + name + ", the surge of " + surge + " needs " + needs + ": the rollout goes on only as old pods end"
	}
	for _, tt := range []struct {
		name, spec, items, want string
	}{
		{"no quota", surge("2"), "", ""},
		{"just enough", surge("2"), quota("requests.cpu", "5", "3500m"), "ok quota: the quota leaves room for the surge of 2 pods"},
		{"a little less", surge("2"), quota("requests.cpu", "5", "3501m"), tight("requests.cpu", "1499m", "2 pods", "1500m")},
		{"one pod", surge("1"), quota("requests.cpu", "4", "3500m"), tight("requests.cpu", "500m", "1 pod", "750m")},
		{"one pod, and room", surge("1"), quota("requests.cpu", "5", "3500m"), "ok quota: the quota leaves room for the surge of 1 pod"},
		{"limits", surge("2"), quota("limits.cpu", "4", "3"), tight("limits.cpu", "1", "2 pods", "2")},
		{"by its short name", surge("2"), quota("cpu", "4", "3"), tight("cpu", "1", "2 pods", "1500m")},
		{"memory by its short name", surge("2"), quota("memory", "4Gi", "3Gi"), tight("memory", "1Gi", "2 pods", "2Gi")},
		{"pods", surge("2"), quota("pods", "5", "4"), tight("pods", "1", "2 pods", "2")},
		{"pods by their count", surge("2"), quota("count/pods", "5", "4"), tight("count/pods", "1", "2 pods", "2")},
		{"more used than there is", surge("2"), quota("pods", "2", "4"), tight("pods", "0", "2 pods", "2")},
		{"of what it does not take", surge("2"), quota("count/secrets", "1", "1"), "ok quota: the quota leaves room for the surge of 2 pods"},
		{"of what it asks nothing of", surge("2"), quota("limits.memory", "1", "1"), "ok quota: the quota leaves room for the surge of 2 pods"},
		{"no surge", surge("0"), quota("pods", "4", "4"), "ok quota: the quota leaves room for the surge of 0 pods"},
	} {
		c := having(t, map[string]string{"/api/v1/namespaces/shop/resourcequotas": `{"items":[` + tt.items + `]}`})
		if got := lines(c.checkQuota(context.Background(), &model.Component{Desired: 4}, plannedFor(t, `{}`, tt.spec, template))); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
	if got := lines(having(t, nil).checkQuota(context.Background(), &model.Component{}, plannedFor(t, `{}`, `{}`, template))); got != "unknown quota: whether the quota leaves room: not found" {
		t.Error(got)
	}
}

// Signs that the old image cannot be pulled, or is another by now.
func TestImageLines(t *testing.T) {
	const ok = "ok image.pull: no failed pull of its image in the events"
	moving := func(image string) string {
		return "warning image.tag:" + image + ": image " + image + " has a moving tag: it may not be what it was when revision 4 ran"
	}
	event := `{"involvedObject":{"kind":"Pod","name":"edge-4-x"},"message":"Failed to pull image: not found","lastTimestamp":"2026-11-29T03:00:00Z"}`
	now := time.Date(2026, 11, 29, 3, 5, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, image, events string
		pod                 model.Pod
		want                string
	}{
		{"a release", "shop/edge:1.2.3", "", model.Pod{}, ok},
		{"a digest", "shop/edge@sha256:4fca", "", model.Pod{}, ok},
		{"a tag and its digest", "shop/edge:latest@sha256:4fca", "", model.Pod{}, ok},
		{"latest", "shop/edge:latest", "", model.Pod{}, moving("shop/edge:latest") + "\n" + ok},
		{"a branch", "shop/edge:main", "", model.Pod{}, moving("shop/edge:main") + "\n" + ok},
		{"no tag", "registry:5000/shop/edge", "", model.Pod{}, moving("registry:5000/shop/edge") + "\n" + ok},
		{"failing now", "shop/edge:1", "", model.Pod{Name: "p", Owner: "edge-4", State: "ImagePullBackOff"}, "warning image.pull: its image cannot be pulled right now: pod p ImagePullBackOff → check the registry before going on"},
		{"no name of an image", "shop/edge:1", "", model.Pod{Name: "p", Owner: "edge-4", State: "InvalidImageName"}, "warning image.pull: its image cannot be pulled right now: pod p InvalidImageName → check the registry before going on"},
		{"failing otherwise", "shop/edge:1", "", model.Pod{Name: "p", Owner: "edge-4", State: "CrashLoopBackOff"}, ok},
		{"another revision's", "shop/edge:1", "", model.Pod{Name: "p", Owner: "edge-5", State: "ImagePullBackOff"}, ok},
		{"failed then", "shop/edge:1", event, model.Pod{}, "warning image.pull: its image could not be pulled 5m ago: Failed to pull image: not found → check the registry before going on"},
		{"another's failed then", "shop/edge:1", strings.ReplaceAll(event, "edge-4-x", "edge-5-x"), model.Pod{}, ok},
	} {
		c := having(t, map[string]string{"/api/v1/namespaces/shop/events": `{"items":[` + tt.events + `]}`})
		c.now = func() time.Time { return now }
		p := plannedFor(t, `{}`, `{}`, `{"spec":{"containers":[{"name":"a","image":"`+tt.image+`"}]}}`)
		p.To = model.Revision("edge-4", 4)
		if got := lines(c.checkImage(context.Background(), &model.Component{Pods: []model.Pod{tt.pod}}, p)); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
	var asked url.Values
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		_, _ = io.WriteString(w, `{}`)
	})
	p := plannedFor(t, `{}`, `{}`, `{"spec":{"containers":[{"name":"a","image":"a:1"}]}}`)
	if got := lines(c.checkImage(context.Background(), &model.Component{}, p)); got != ok || asked.Get("fieldSelector") != "type=Warning,reason=Failed,involvedObject.kind=Pod" || asked.Get("limit") != "500" {
		t.Errorf("%s, asked for %v", got, asked)
	}
	if got := lines(having(t, nil).checkImage(context.Background(), &model.Component{}, p)); got != "unknown image.pull: whether its image can be pulled: not found" {
		t.Error(got)
	}
}
