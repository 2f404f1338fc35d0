package kube

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"rollbook/model"
	"rollbook/sandbox/api"
	"rollbook/sandbox/store"
)

// rehearsal is a cluster in memory, without controllers: nothing changes but what the
// test changes and what the client writes.
type rehearsal struct {
	*Client
	store *store.Store
	at    time.Time // what the cluster's clock says

	mu sync.Mutex // the client sends requests side by side
	// before is called with each request, one after the other, and reports whether it
	// answered it. It must not block.
	before  func(w http.ResponseWriter, r *http.Request) bool
	patches int // that were sent and were no dry run
}

const releasedTwice = `
{apiVersion: v1, kind: Namespace, metadata: {name: production}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: production, annotations: {deployment.kubernetes.io/revision: "2", team/owner: shop}}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: "shop/api:2"}]}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: api-1
  namespace: production
  labels: {app: api, pod-template-hash: "1"}
  annotations: {deployment.kubernetes.io/revision: "1", kubernetes.io/change-cause: the first}
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: api, uid: OWNER, controller: true}]
spec:
  replicas: 0
  selector: {matchLabels: {app: api, pod-template-hash: "1"}}
  template: {metadata: {labels: {app: api, pod-template-hash: "1"}}, spec: {containers: [{name: api, image: "shop/api:1"}]}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: api-2
  namespace: production
  labels: {app: api, pod-template-hash: "2"}
  annotations: {deployment.kubernetes.io/revision: "2", team/owner: shop}
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: api, uid: OWNER, controller: true}]
spec:
  replicas: 3
  selector: {matchLabels: {app: api, pod-template-hash: "2"}}
  template: {metadata: {labels: {app: api, pod-template-hash: "2"}}, spec: {containers: [{name: api, image: "shop/api:2"}]}}
`

// rehearse has production/api with the revisions 1 and 2, of which 2 runs.
func rehearse(t *testing.T) *rehearsal {
	t.Helper()
	c := &rehearsal{at: time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC), before: func(http.ResponseWriter, *http.Request) bool { return false }}
	c.store = store.New(func() time.Time { return c.at })
	owner := ""
	for _, doc := range strings.Split(releasedTwice, "---\n") {
		o := c.make(t, strings.ReplaceAll(doc, "OWNER", owner))
		if o.GetKind() == "Deployment" {
			owner = string(o.GetUID())
		}
	}
	c.at = c.at.Add(time.Hour)
	serve := api.Handler(api.Options{Store: c.store, Now: func() time.Time { return c.at }})
	c.Client = answering(t, func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		if r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == "" {
			c.patches++
		}
		answered := c.before(w, r)
		c.mu.Unlock()
		if !answered {
			serve.ServeHTTP(w, r)
		}
	})
	return c
}

// make puts an object into the cluster.
func (c *rehearsal) make(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	for _, r := range store.Resources {
		if r.GVK() != o.GroupVersionKind() {
			continue
		}
		if o, err = c.store.Create(r.GR(), o, store.By{Manager: "helm-of-the-test"}); err != nil {
			t.Fatal(err)
		}
		return o
	}
	t.Fatalf("%s is not served", o.GroupVersionKind())
	return nil
}

func apps(resource string) schema.GroupResource {
	return schema.GroupResource{Group: "apps", Resource: resource}
}

// set writes fields of an object, as a manager does; nil takes one away.
func (c *rehearsal) set(t *testing.T, manager, resource, name string, value any, path ...string) {
	t.Helper()
	_, err := c.store.Modify(apps(resource), "production", name, store.By{Manager: manager}, func(o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		o = o.DeepCopy()
		if value == nil {
			unstructured.RemoveNestedField(o.Object, path...)
			return o, nil
		}
		return o, unstructured.SetNestedField(o.Object, value, path...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// unsigned has the API server say of the Deployment that nobody wrote it.
func (c *rehearsal) unsigned(t *testing.T) {
	c.before = func(w http.ResponseWriter, r *http.Request) bool {
		o := c.deployment(t)
		o.SetManagedFields(nil)
		return strings.HasSuffix(r.URL.Path, "/deployments/api") && reply(w, o.Object)
	}
}

func (c *rehearsal) image(t *testing.T, manager, resource, name, image string) {
	t.Helper()
	c.set(t, manager, resource, name, []any{map[string]any{"name": "api", "image": image}}, "spec", "template", "spec", "containers")
}

func (c *rehearsal) remove(t *testing.T, resource, name string) {
	t.Helper()
	if _, _, err := c.store.Delete(apps(resource), "production", name, store.Removal{}); err != nil {
		t.Fatal(err)
	}
}

func (c *rehearsal) deployment(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	o, err := c.store.Get(apps("deployments"), "production", "api")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// preflight plans going to a revision, "" for kubectl's default, and waits for its checks.
func (c *rehearsal) preflight(t *testing.T, to string) model.Preflight {
	t.Helper()
	var last model.Preflight
	NewUndo(c.Client).Plan(context.Background(), &model.Component{ID: "api", Workload: apiWorkload, Desired: 3, Generation: 1, Observed: 1, Replicas: 3, Updated: 3, Ready: 3},
		model.Version{Key: to}, func(p model.Preflight) { last = p })
	if !last.Done {
		t.Fatalf("the preflight did not end: %+v", last)
	}
	return last
}

func (c *rehearsal) plan(t *testing.T) model.Plan {
	t.Helper()
	p := c.preflight(t, "api-1")
	if len(p.Plans) != 1 {
		t.Fatal(p.Err)
	}
	return p.Plans[0]
}

func (c *rehearsal) do(plan model.Plan) (model.Receipt, error) {
	return NewUndo(c.Client).Do(context.Background(), plan, nil)
}

// isWrite reports whether a request is the write, and not its dry run.
func isWrite(r *http.Request) bool {
	return r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == ""
}

func refuse(w http.ResponseWriter, code int, status string) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure",`+status+`}`)
	return true
}

const conflict = `"reason":"Conflict","code":409,"message":"the object has been modified"`

// What is planned is what is written, and nothing before it: the template and the
// annotations of the revision, under our name, with the replicas left alone.
func TestUndoWritesWhatWasPlanned(t *testing.T) {
	c := rehearse(t)
	before := c.deployment(t)
	pf := c.preflight(t, "api-1")
	if pf.Err != "" || pf.Started.IsZero() || pf.To != "api-1" || pf.Slot != model.Release("api") {
		t.Fatalf("%+v", pf)
	}
	plan := pf.Plans[0]
	if now := c.deployment(t); now.GetResourceVersion() != before.GetResourceVersion() || c.patches != 0 {
		t.Fatalf("planning it wrote it: %v", now)
	}
	if plan.Title != "Roll back api 2 → 1 (revision 2 → 1, runs as 3)" || !strings.HasSuffix(plan.Command, " -n production rollout undo deployment/api --to-revision=1") ||
		!strings.HasPrefix(plan.Command, "kubectl ") || strings.Join(plan.Stays, ", ") != "replicas 3, schema" || plan.Same ||
		plan.From.Key != "api-2" || plan.To.Key != "api-1" || plan.Role != model.RoleRelease || plan.Method != MethodUndo {
		t.Errorf("%+v", plan)
	}
	if len(plan.Changes) != 1 || plan.Changes[0] != (model.Change{Kind: "image", From: "shop/api:2", To: "shop/api:1"}) {
		t.Errorf("%+v", plan.Changes)
	}
	if again := c.plan(t); again.ID != plan.ID || plan.ID == "" {
		t.Errorf("an unchanged workload gives another plan: %q, %q", plan.ID, again.ID)
	}
	c.at = c.at.Add(time.Minute)
	c.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if n := c.writing.Load(); isWrite(r) && n != 1 {
			t.Errorf("%d writes are under way while this one is: its connection may be given up", n)
		}
		return false
	}
	got, err := c.do(plan)
	if n := c.writing.Load(); err != nil || n != 0 {
		t.Fatalf("%v; %d writes are under way after it", err, n)
	}
	now := c.deployment(t)
	list, _, _ := unstructured.NestedSlice(now.Object, "spec", "template", "spec", "containers")
	if list[0].(map[string]any)["image"] != "shop/api:1" {
		t.Errorf("it runs %v", list)
	}
	if n, _, _ := unstructured.NestedInt64(now.Object, "spec", "replicas"); n != 3 {
		t.Errorf("%d replicas", n)
	}
	if a := now.GetAnnotations(); a["kubernetes.io/change-cause"] != "the first" || a[annRevision] != "2" || a["team/owner"] != "" {
		t.Errorf("annotations %v", a)
	}
	if m := now.GetManagedFields(); m[len(m)-1].Manager != Manager {
		t.Errorf("written by %+v", m)
	}
	if got.Text != "resourceVersion "+now.GetResourceVersion()+", generation 2" || got.At.IsZero() || c.patches != 1 {
		t.Errorf("%q at %s after %d writes", got.Text, got.At, c.patches)
	}
	want, err := detail[undoDetail](plan.Detail)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := detail[undoReceipt](got.Detail); err != nil || d.Generation != 2 || d.TemplateHash != want.ToHash || d.Reads != 0 || d.Admitted != "" || d.Ending {
		t.Errorf("%+v (%v)", d, err)
	}
	if look, err := NewUndo(c.Client).Look(context.Background(), plan); err != nil || look.State != model.SettledDone || look.By != "" || look.Receipt == nil ||
		look.Receipt.Text != got.Text {
		t.Errorf("%+v (%v)", look, err)
	}
}

// A workload that is not what was confirmed is not written to, and what changed is
// named, with who did it.
func TestWhatChangedSinceIsNotOverwritten(t *testing.T) {
	const late = " at 04:05:00 UTC"
	deployments, sets := "deployments", "replicasets"
	annotated := func(names ...string) func(t *testing.T, c *rehearsal) {
		return func(t *testing.T, c *rehearsal) {
			for _, k := range names {
				c.set(t, "kubectl-annotate", deployments, "api", "y", "metadata", "annotations", "team/"+k)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, c *rehearsal)
		want   string
	}{
		{"another image", func(t *testing.T, c *rehearsal) { c.image(t, "kubectl-set", deployments, "api", "shop/api:3") },
			"deployment/api changed since it was confirmed: image shop/api:2 → shop/api:3 by kubectl-set" + late},
		{"another field of the template", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl-edit", deployments, "api", "High", "spec", "template", "spec", "priorityClassName")
		}, "deployment/api changed since it was confirmed: other priorityClassName by kubectl-edit" + late},
		{"the strategy", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl-patch", deployments, "api", int64(5), "spec", "minReadySeconds")
		}, "deployment/api changed since it was confirmed: spec.minReadySeconds by kubectl-patch" + late},
		{"paused", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl-rollout", deployments, "api", true, "spec", "paused")
		},
			"deployment/api changed since it was confirmed: spec.paused by kubectl-rollout" + late},
		{"an annotation more", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl-annotate", deployments, "api", "y", "metadata", "annotations", "team/x")
		}, "deployment/api changed since it was confirmed: annotation team/x by kubectl-annotate" + late},
		{"an annotation less", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl-annotate", deployments, "api", nil, "metadata", "annotations", "team/owner")
		}, "deployment/api changed since it was confirmed: annotation team/owner by"},
		{"another annotation", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl-annotate", deployments, "api", "pay", "metadata", "annotations", "team/owner")
		}, "deployment/api changed since it was confirmed: annotation team/owner by kubectl-annotate" + late},
		{"four things", annotated("a", "b", "c", "d"), "deployment/api changed since it was confirmed: annotation team/a, annotation team/b, annotation team/c, annotation team/d by kubectl-annotate" + late},
		{"five things", annotated("a", "b", "c", "d", "e"), "deployment/api changed since it was confirmed: annotation team/a, annotation team/b, annotation team/c, annotation team/d, and 1 more by kubectl-annotate" + late},
		{"many things", annotated("a", "b", "c", "d", "e", "f"), "deployment/api changed since it was confirmed: annotation team/a, annotation team/b, annotation team/c, annotation team/d, and 2 more by kubectl-annotate" + late},
		{"made again", func(t *testing.T, c *rehearsal) {
			o := c.deployment(t)
			c.remove(t, deployments, "api")
			c.make(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: production}, spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: "shop/api:2"}]}}}}`)
			for _, n := range []string{"1", "2"} { // as somebody does who restores all of it
				c.make(t, strings.NewReplacer("OWNER", string(o.GetUID()), "N", n).Replace(`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: api-N, namespace: production, annotations: {deployment.kubernetes.io/revision: "N"}}, spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: "shop/api:N"}]}}}}`))
			}
		}, "deployment/api was deleted and made again since it was confirmed"},
		{"deleted", func(t *testing.T, c *rehearsal) { c.remove(t, deployments, "api") }, "deployment/api is gone: it was deleted"},
		{"being deleted", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl", deployments, "api", []any{"shop/waits"}, "metadata", "finalizers")
			c.remove(t, deployments, "api")
		}, "deployment/api is being deleted"},
		{"the revision deleted", func(t *testing.T, c *rehearsal) { c.remove(t, sets, "api-1") },
			"revision 1 of deployment/api is gone: replicaset api-1 was deleted"},
		{"the revision written", func(t *testing.T, c *rehearsal) { c.image(t, "kubectl-edit", sets, "api-1", "shop/api:evil") },
			"revision 1 of deployment/api changed since it was confirmed: api-1 was written by kubectl-edit" + late},
		{"the revision's annotations written", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl-edit", sets, "api-1", "other", "metadata", "annotations", "team/owner")
		}, "revision 1 of deployment/api changed since it was confirmed: api-1 was written by kubectl-edit" + late},
		{"somebody went back to it", func(t *testing.T, c *rehearsal) {
			c.set(t, "kube-controller-manager", sets, "api-1", "3", "metadata", "annotations", annRevision)
			c.image(t, "kubectl-rollout", deployments, "api", "shop/api:1")
		}, "revision 1 of deployment/api is revision 3 now: it was rolled back to by kubectl-rollout" + late},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := rehearse(t)
			plan := c.plan(t)
			c.at = c.at.Add(5 * time.Minute)
			tt.change(t, c)
			_, err := c.do(plan)
			if !errors.Is(err, model.ErrChanged) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
			if c.patches != 0 {
				t.Errorf("%d writes", c.patches)
			}
		})
	}
	// Of a plan of an earlier run nothing is remembered but its hashes.
	c := rehearse(t)
	plan := c.plan(t)
	c.at = c.at.Add(5 * time.Minute)
	c.image(t, "kubectl-set", deployments, "api", "shop/api:3")
	c.plans = planMemory{}
	if _, err := c.do(plan); err == nil || err.Error() != "deployment/api changed since it was confirmed: its spec or its annotations, by kubectl-set"+late {
		t.Errorf("without a memory: %v", err)
	}
}

// What does not belong to the plan may change meanwhile.
func TestWhatIsNotOfThePlanMayChange(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, c *rehearsal){
		"scaled": func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl", "deployments", "api", int64(7), "spec", "replicas")
		},
		"the controller's annotations": func(t *testing.T, c *rehearsal) {
			c.set(t, "kube-controller-manager", "deployments", "api", "x", "metadata", "annotations", annRevision+"-history")
		},
		"a label": func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl-label", "deployments", "api", "x", "metadata", "labels", "team")
		},
		"the running revision's number": func(t *testing.T, c *rehearsal) {
			c.set(t, "kube-controller-manager", "replicasets", "api-2", "4", "metadata", "annotations", annRevision)
			c.set(t, "kube-controller-manager", "deployments", "api", "4", "metadata", "annotations", annRevision)
		},
	} {
		c := rehearse(t)
		plan := c.plan(t)
		change(t, c)
		if _, err := c.do(plan); err != nil || c.patches != 1 {
			t.Errorf("%s: %v after %d writes", name, err, c.patches)
		}
	}
}

// A clear no that leaves the plan as it was is tried again, five times; any other
// answer is the end of it.
func TestUndoIsTriedAgain(t *testing.T) {
	invalid := `"reason":"Invalid","code":422,"message":"the server rejected our request due to an error in our request"`
	for _, tt := range []struct {
		name    string
		refuse  int // so many writes
		code    int
		status  string
		want    error
		words   string
		patches int
	}{
		{"one conflict", 1, 409, conflict, nil, ", sent 2 times: it changed in between", 2},
		{"a failed test", 2, 422, invalid, nil, ", sent 3 times: it changed in between", 3},
		{"four conflicts", 4, 409, conflict, nil, ", sent 5 times: it changed in between", 5},
		{"always a conflict", 9, 409, conflict, model.ErrRefused, "deployment/api was not rolled back: each of 5 times it changed between the read and the write, and was as before again (the object has been modified): try again", 5},
		{"refused by validation", 9, 422, `"reason":"Invalid","code":422,"message":"bad","details":{"name":"api","causes":[{"message":"no"}]}`, model.ErrRefused, "deployment/api was not rolled back: bad", 1},
		{"refused for a field", 9, 422, `"reason":"Invalid","code":422,"message":"bad","details":{"causes":[{"message":"no"}]}`, model.ErrRefused, "deployment/api was not rolled back: bad", 1},
		{"forbidden", 9, 403, `"reason":"Forbidden","code":403,"message":"you may not"`, model.ErrRefused, "deployment/api was not rolled back: forbidden: you may not", 1},
		{"broken", 9, 500, `"code":500,"message":"etcdserver: request timed out"`, model.ErrLost, "it may or may not have been done", 1},
	} {
		c := rehearse(t)
		plan := c.plan(t)
		left := tt.refuse
		c.before = func(w http.ResponseWriter, r *http.Request) bool {
			if !isWrite(r) || left == 0 {
				return false
			}
			left--
			return refuse(w, tt.code, tt.status)
		}
		got, err := c.do(plan)
		said := got.Text
		if err != nil {
			said = err.Error()
		}
		if !errors.Is(err, tt.want) || !strings.Contains(said, tt.words) || c.patches != tt.patches {
			t.Errorf("%s: %q (%v) after %d writes", tt.name, said, err, c.patches)
		}
	}
}

// While the API server is overloaded it is waited for as it asks, and said so; the end
// of the time is the end of it.
func TestUndoWaitsForAnOverloadedServer(t *testing.T) {
	c := rehearse(t)
	plan := c.plan(t)
	left := 2
	c.before = func(w http.ResponseWriter, r *http.Request) bool {
		if left == 0 || left == 1 && !isWrite(r) || left == 2 && isWrite(r) {
			return false
		}
		if !isWrite(r) && !strings.HasSuffix(r.URL.Path, "/deployments/api") {
			return false
		}
		left--
		w.Header().Set("Retry-After", "1")
		return refuse(w, 429, `"reason":"TooManyRequests","code":429,"message":"slow down","details":{"retryAfterSeconds":1}`)
	}
	var told []string
	got, err := NewUndo(c.Client).Do(context.Background(), plan, func(p model.Progress) { told = append(told, p.Text) })
	if err != nil || got.Text == "" || left != 0 {
		t.Fatalf("%+v: %v, %d left", got, err, left)
	}
	if want := "the API server is overloaded (429): trying again in 1s"; len(told) != 2 || told[0] != want || told[1] != want {
		t.Errorf("told %q", told)
	}
	left = 1
	c.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/deployments/api") {
			return false
		}
		w.Header().Set("Retry-After", "60")
		return refuse(w, 429, `"reason":"TooManyRequests","code":429,"message":"slow down"`)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := NewUndo(c.Client).Do(ctx, plan, nil); err == nil || !strings.Contains(err.Error(), "it asks to wait 1m") {
		t.Errorf("%v", err)
	}
}

// What cannot be read again is not written, and the words say what was not to be read.
func TestUndoThatCannotReadAgain(t *testing.T) {
	forbidden := `"reason":"Forbidden","code":403,"message":"you may not"`
	for path, want := range map[string]string{
		"/deployments/api":   "deployment/api was not rolled back: it could not be read again before the write: forbidden: you may not",
		"/replicasets/api-1": "deployment/api was not rolled back: revision 1 could not be read again before the write: forbidden: you may not",
	} {
		c := rehearse(t)
		plan := c.plan(t)
		c.before = func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, path) && refuse(w, 403, forbidden)
		}
		if _, err := c.do(plan); !errors.Is(err, model.ErrRefused) || err.Error() != want || c.patches != 0 {
			t.Errorf("%s: %v after %d writes", path, err, c.patches)
		}
		look, err := NewUndo(c.Client).Look(context.Background(), plan)
		if path == "/deployments/api" && (err == nil || look.State != "" || err.Error() != "whether deployment/api was rolled back cannot be seen: forbidden: you may not") {
			t.Errorf("look: %+v (%v)", look, err)
		}
	}
	c := rehearse(t)
	plan := c.plan(t)
	plan.Detail = []byte(`{`)
	if _, err := c.do(plan); !errors.Is(err, model.ErrRefused) || !strings.Contains(err.Error(), "the plan's detail cannot be read") || c.patches != 0 {
		t.Errorf("%v", err)
	}
	if look, err := NewUndo(c.Client).Look(context.Background(), plan); err == nil || look.State != "" {
		t.Errorf("look: %+v (%v)", look, err)
	}
}

// Read-only, nothing leaves.
func TestUndoReadOnly(t *testing.T) {
	c := rehearse(t)
	plan := c.plan(t)
	c.readOnly = true
	if _, err := c.do(plan); !errors.Is(err, model.ErrReadOnly) || err.Error() != "deployment/api was not rolled back: rollbook runs read-only" || c.patches != 0 {
		t.Errorf("%v after %d writes", err, c.patches)
	}
}

// A rollback to what runs is none.
func TestUndoToWhatRuns(t *testing.T) {
	c := rehearse(t)
	pf := c.preflight(t, "api-2")
	if p := pf.Plans[0]; !p.Same || p.Title != "Roll back api from revision 2 to revision 2" {
		t.Errorf("%+v", p)
	}
	if _, err := c.do(pf.Plans[0]); !errors.Is(err, model.ErrRefused) || err.Error() != "skipped rollback (current template already matches revision 2)" || c.patches != 0 {
		t.Errorf("%v after %d writes", err, c.patches)
	}
}

// The receipt says what else is to be known about the write.
func TestWhatAdmissionMadeOfIt(t *testing.T) {
	for name, tt := range map[string]struct {
		admit func(body []byte) []byte
		want  error
		words string
	}{
		"another image": {func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("shop/api:1"), []byte("mirror/api:1")) }, nil,
			"resourceVersion 7, generation 2, admission changed the template: image shop/api:1 → mirror/api:1"},
		"as it was": {func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("shop/api:1"), []byte("shop/api:2")) }, model.ErrRefused,
			"deployment/api was not rolled back: admission put the template back that runs: the write had no effect"},
		"an answer about another": {func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"name":"api"`), []byte(`"name":"web"`)) }, model.ErrLost,
			"the answer is about production/web: it may or may not have been done"},
		"an answer that is cut off": {func(b []byte) []byte { return []byte(`{"kind":"Deployment","metadata":7}`) }, model.ErrLost, "the answer could not be read: "},
	} {
		c := rehearse(t)
		plan := c.plan(t)
		c.before = func(w http.ResponseWriter, r *http.Request) bool {
			if !isWrite(r) {
				return false
			}
			o := c.deployment(t)
			o.SetResourceVersion("7")
			o.SetGeneration(2)
			_ = unstructured.SetNestedField(o.Object, "api:1", "spec", "x")
			b, err := o.MarshalJSON()
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(tt.admit(bytes.ReplaceAll(b, []byte("shop/api:2"), []byte("shop/api:1"))))
			return true
		}
		got, err := c.do(plan)
		said := got.Text
		if err != nil {
			said = err.Error()
		}
		if !errors.Is(err, tt.want) || !strings.Contains(said, tt.words) {
			t.Errorf("%s: %q (%v)", name, said, err)
		}
	}
	c := rehearse(t)
	plan := c.plan(t)
	c.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v1/namespaces/production" {
			_, _ = io.WriteString(w, `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"production","deletionTimestamp":"2026-11-29T03:00:00Z"}}`)
			return true
		}
		return false
	}
	if got, err := c.do(plan); err != nil || !strings.HasSuffix(got.Text, ", in a namespace that is being deleted") {
		t.Errorf("%+v (%v)", got, err)
	}
}

// Whether it was written is told by what runs, and nothing is said where that cannot be
// seen.
func TestLookAfterwards(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, c *rehearsal)
		want   model.Settled
		by     string
		err    string
	}{
		{"not written", func(*testing.T, *rehearsal) {}, model.SettledNot, "", ""},
		{"scaled only", func(t *testing.T, c *rehearsal) {
			c.set(t, "kubectl", "deployments", "api", int64(7), "spec", "replicas")
		}, model.SettledNot, "", ""},
		{"deleted", func(t *testing.T, c *rehearsal) { c.remove(t, "deployments", "api") }, model.SettledForeign, "somebody who deleted it", ""},
		{"deleted and made again", func(t *testing.T, c *rehearsal) {
			c.remove(t, "deployments", "api")
			c.make(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: production}, spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: "shop/api:1"}]}}}}`)
		}, model.SettledForeign, "somebody who deleted it and made it again", ""},
		{"nobody says who wrote it", func(t *testing.T, c *rehearsal) {
			c.image(t, "kubectl-set", "deployments", "api", "shop/api:9")
			c.unsigned(t)
		}, model.SettledForeign, "somebody", ""},
		{"nobody says who wrote what was planned", func(t *testing.T, c *rehearsal) {
			c.image(t, "kubectl-set", "deployments", "api", "shop/api:1")
			c.unsigned(t)
		}, model.SettledDone, "", ""},
		{"a template that is none", func(t *testing.T, c *rehearsal) {
			uid := c.deployment(t).GetUID()
			c.before = func(w http.ResponseWriter, r *http.Request) bool {
				return reply(w, map[string]any{"kind": "Deployment", "metadata": map[string]any{"name": "api", "namespace": "production", "uid": uid}})
			}
		}, "", "", "pod template"},
		{"a revision that may not be listed", func(t *testing.T, c *rehearsal) {
			c.image(t, Manager, "deployments", "api", "shop/api:9")
			c.before = func(w http.ResponseWriter, r *http.Request) bool {
				return strings.HasSuffix(r.URL.Path, "/replicasets") && refuse(w, 403, `"reason":"Forbidden","code":403,"message":"you may not"`)
			}
		}, "", "", "whether deployment/api was rolled back cannot be seen: forbidden: you may not"},
	} {
		c := rehearse(t)
		plan := c.plan(t)
		tt.change(t, c)
		got, err := NewUndo(c.Client).Look(context.Background(), plan)
		if got.State != tt.want || got.By != tt.by || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %+v (%v)", tt.name, got, err)
		}
		if (got.Receipt != nil) != (tt.want == model.SettledDone) {
			t.Errorf("%s: receipt %+v", tt.name, got.Receipt)
		}
	}
}
