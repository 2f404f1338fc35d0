package store

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/yaml"
)

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: production}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "shop/web:1"}]
`

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = o.UnmarshalJSON(raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// fill makes a store with a namespace and a Deployment, and a clock that the
// test moves.
func fill(t *testing.T) (*Store, *time.Time) {
	t.Helper()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := New(func() time.Time { return at })
	create(t, s, "{apiVersion: v1, kind: Namespace, metadata: {name: production}}")
	create(t, s, web)
	return s, &at
}

func create(t *testing.T, s *Store, text string) *unstructured.Unstructured {
	t.Helper()
	o := object(t, text)
	for _, r := range Resources {
		if r.GVK() == o.GroupVersionKind() {
			out, err := s.Create(r.GR(), o, By{Manager: "test"})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
	}
	t.Fatalf("no resource for %s", o.GroupVersionKind())
	return nil
}

func get(t *testing.T, s *Store) *unstructured.Unstructured {
	t.Helper()
	o, err := s.Get(Deployments, "production", "web")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func valueAt(t *testing.T, o *unstructured.Unstructured, path ...string) any {
	t.Helper()
	v, _, err := unstructured.NestedFieldNoCopy(o.Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func set(t *testing.T, o *unstructured.Unstructured, v any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(o.Object, v, path...); err != nil {
		t.Fatal(err)
	}
}

func TestCreateFillsInWhatTheServerFillsIn(t *testing.T) {
	s, at := fill(t)
	o := get(t, s)
	for path, want := range map[string]any{
		"spec.replicas": int64(1), "spec.strategy.rollingUpdate.maxSurge": "25%", "spec.progressDeadlineSeconds": int64(600),
		"spec.template.spec.dnsPolicy": "ClusterFirst", "metadata.generation": int64(1), "metadata.creationTimestamp": "2026-11-24T12:00:00Z",
	} {
		if got := valueAt(t, o, strings.Split(path, ".")...); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if o.GetUID() == "" || o.GetResourceVersion() == "" {
		t.Error("no UID or no version")
	}
	if m := o.GetManagedFields(); len(m) != 1 || m[0].Manager != "test" || !m[0].Time.Time.Equal(*at) || !strings.Contains(m[0].FieldsV1.String(), "f:template") {
		t.Errorf("managedFields are %v", m)
	}
	for _, tc := range []struct {
		name, text string
		is         func(error) bool
		words      string
	}{
		{"twice", web, apierrors.IsAlreadyExists, `deployments.apps "web" already exists`},
		{"no namespace", strings.ReplaceAll(web, "production", "elsewhere"), apierrors.IsNotFound, `namespaces "elsewhere" not found`},
		{"selector", strings.Replace(web, "labels: {app: web}", "labels: {app: other}", 1), apierrors.IsInvalid, "`selector` does not match template `labels`"},
		{"no image", strings.Replace(web, `, image: "shop/web:1"`, "", 1), apierrors.IsInvalid, "spec.template.spec.containers[0].image: Required value"},
		{"name", strings.Replace(web, "name: web, namespace", "name: We_b, namespace", 1), apierrors.IsInvalid, "metadata.name"},
		{"type", strings.Replace(web, "spec:", "spec:\n  replicas: many", 1), apierrors.IsBadRequest, "cannot be handled as a Deployment"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := s.Create(Deployments, object(t, tc.text), By{Manager: "test"})
			if !tc.is(err) || !strings.Contains(err.Error(), tc.words) {
				t.Errorf("the error is %v, want one with %q", err, tc.words)
			}
		})
	}
}

func TestGenerationFollowsWhatIsWanted(t *testing.T) {
	s, _ := fill(t)
	for _, tc := range []struct {
		name   string
		sub    string
		change func(o *unstructured.Unstructured)
		rises  bool
	}{
		{"nothing", "", func(*unstructured.Unstructured) {}, false},
		{"label", "", func(o *unstructured.Unstructured) { o.SetLabels(map[string]string{"a": "b"}) }, false},
		{"annotation", "", func(o *unstructured.Unstructured) { o.SetAnnotations(map[string]string{"a": "b"}) }, true},
		{"replicas", "", func(o *unstructured.Unstructured) { set(t, o, int64(3), "spec", "replicas") }, true},
		{"status", "status", func(o *unstructured.Unstructured) { set(t, o, int64(3), "status", "replicas") }, false},
		{"spec by way of the status", "status", func(o *unstructured.Unstructured) { set(t, o, int64(9), "spec", "replicas") }, false},
		{"status by way of the spec", "", func(o *unstructured.Unstructured) { set(t, o, int64(9), "status", "replicas") }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old := get(t, s)
			o := old.DeepCopy()
			tc.change(o)
			got, err := s.Update(Deployments, o, By{Manager: "test", Sub: tc.sub})
			if err != nil {
				t.Fatal(err)
			}
			if rose := got.GetGeneration() > old.GetGeneration(); rose != tc.rises {
				t.Errorf("the generation went from %d to %d", old.GetGeneration(), got.GetGeneration())
			}
			through := strings.Contains(tc.name, "by way") || tc.name == "nothing"
			if moved := got.GetResourceVersion() != old.GetResourceVersion(); moved == through {
				t.Errorf("the version went from %s to %s", old.GetResourceVersion(), got.GetResourceVersion())
			}
		})
	}
}

func TestStaleWritesAreRefused(t *testing.T) {
	s, _ := fill(t)
	stale := get(t, s).DeepCopy()
	o := stale.DeepCopy()
	set(t, o, int64(2), "spec", "replicas")
	if _, err := s.Update(Deployments, o, By{Manager: "test"}); err != nil {
		t.Fatal(err)
	}
	set(t, stale, int64(3), "spec", "replicas")
	_, err := s.Update(Deployments, stale, By{Manager: "test"})
	want := `Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again`
	if !apierrors.IsConflict(err) || err.Error() != want {
		t.Errorf("the error is %v", err)
	}
	stale.SetResourceVersion("")
	stale.SetUID("0000")
	if _, err := s.Update(Deployments, stale, By{Manager: "test"}); !apierrors.IsConflict(err) {
		t.Errorf("with another UID the error is %v", err)
	}
	stale.SetUID("")
	if _, err := s.Update(Deployments, stale, By{Manager: "test"}); err != nil {
		t.Errorf("without a precondition: %v", err)
	}
}

func TestManagedFieldsTellWhoAndWhen(t *testing.T) {
	s, at := fill(t)
	*at = at.Add(time.Hour)
	o := get(t, s).DeepCopy()
	o.Object["status"] = map[string]any{"replicas": int64(1)}
	if _, err := s.UpdateStatus(Deployments, o, "kube-controller-manager"); err != nil {
		t.Fatal(err)
	}
	*at = at.Add(time.Hour)
	o = get(t, s).DeepCopy()
	list := valueAt(t, o, "spec", "template", "spec", "containers").([]any)
	list[0].(map[string]any)["image"] = "shop/web:2"
	if _, err := s.Update(Deployments, o, By{Manager: "ci"}); err != nil {
		t.Fatal(err)
	}
	same := get(t, s)
	if got, err := s.Update(Deployments, same.DeepCopy(), By{Manager: "nobody"}); err != nil || got != same {
		t.Errorf("a write of the same is one: %v", err)
	}
	want := []struct {
		manager, sub string
		at           string
	}{{"test", "", "12:00"}, {"kube-controller-manager", "status", "13:00"}, {"ci", "", "14:00"}}
	for _, w := range want {
		found := false
		for _, e := range get(t, s).GetManagedFields() {
			if e.Manager == w.manager && e.Subresource == w.sub {
				found = true
				if got := e.Time.UTC().Format("15:04"); got != w.at {
					t.Errorf("%s wrote at %s, want %s", w.manager, got, w.at)
				}
				if w.manager == "ci" && e.FieldsV1.String() != `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{}}}}}}}` {
					t.Errorf("ci owns %s", e.FieldsV1.String())
				}
			}
		}
		if !found {
			t.Errorf("%s is not named", w.manager)
		}
	}
}

func TestApply(t *testing.T) {
	s, _ := fill(t)
	patch := object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: production}, spec: {replicas: 4}}")
	_, _, err := s.Apply(Deployments, patch, By{Manager: "me"}, false)
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "test"`) {
		// Replicas was filled in by a default, which its creator owns.
		t.Errorf("the error is %v, want a conflict with test", err)
	}
	o, created, err := s.Apply(Deployments, patch, By{Manager: "me"}, true)
	if err != nil || created || valueAt(t, o, "spec", "replicas") != int64(4) {
		t.Errorf("forced: %v, created %v, replicas %v", err, created, valueAt(t, o, "spec", "replicas"))
	}
	again, _, err := s.Apply(Deployments, patch, By{Manager: "me"}, true)
	if err != nil || again.GetResourceVersion() != o.GetResourceVersion() {
		t.Errorf("the same again: %v, version %s → %s", err, o.GetResourceVersion(), again.GetResourceVersion())
	}
	fresh := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: production}, data: {a: b}}")
	if _, created, err = s.Apply(ConfigMaps, fresh, By{Manager: "me"}, false); err != nil || !created {
		t.Errorf("a new one: %v, created %v", err, created)
	}
	odd := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: production}, date: {a: b}}")
	if _, _, err = s.Apply(ConfigMaps, odd, By{Manager: "me"}, false); err == nil || !strings.Contains(err.Error(), ".date: field not declared in schema") {
		t.Errorf("an undeclared field: %v", err)
	}
}

func TestDeleteTakesWhatIsControlled(t *testing.T) {
	s, _ := fill(t)
	rs := strings.ReplaceAll(strings.ReplaceAll(web, "kind: Deployment", "kind: ReplicaSet"), "name: web, namespace: production", "name: web-1, namespace: production, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: UID, controller: true}]")
	create(t, s, strings.Replace(rs, "UID", string(get(t, s).GetUID()), 1))
	before := s.Version()
	if _, gone, err := s.Delete(Deployments, "production", "web", Removal{}); err != nil || !gone {
		t.Fatal(err, gone)
	}
	if left, _ := s.List(ReplicaSets, ""); len(left) != 0 {
		t.Errorf("%d ReplicaSets are left", len(left))
	}
	changes, _, err := s.Since(ReplicaSets, before)
	if err != nil || len(changes) != 1 || changes[0].Type != watch.Deleted {
		t.Errorf("the log tells %v (%v)", changes, err)
	}
	pod := create(t, s, `{apiVersion: v1, kind: Pod, metadata: {generateName: p-, namespace: production}, spec: {containers: [{name: a, image: b}]}}`)
	if _, gone, err := s.Delete(Pods, "production", pod.GetName(), Removal{Grace: 30}); err != nil || gone {
		t.Fatal(err, gone)
	}
	if o, err := s.Get(Pods, "production", pod.GetName()); err != nil || o.GetDeletionTimestamp() == nil {
		t.Errorf("a pod with a grace is not marked: %v", err)
	}
	if _, gone, err := s.Delete(Pods, "production", pod.GetName(), Removal{}); err != nil || !gone {
		t.Error("a marked pod does not go", err)
	}
}

func TestLogGoesBackAndIsCut(t *testing.T) {
	s, _ := fill(t)
	then := s.Version()
	create(t, s, "{apiVersion: v1, kind: ConfigMap, metadata: {name: later, namespace: production}}")
	if _, _, err := s.Delete(Deployments, "production", "web", Removal{}); err != nil {
		t.Fatal(err)
	}
	if old, err := s.At(Deployments, "production", then); err != nil || len(old) != 1 {
		t.Errorf("then there were %d (%v)", len(old), err)
	}
	if old, err := s.At(ConfigMaps, "production", then); err != nil || len(old) != 0 {
		t.Errorf("then there were %d ConfigMaps (%v)", len(old), err)
	}
	s.Compact()
	if _, _, err := s.Since(Deployments, then); !apierrors.IsResourceExpired(err) {
		t.Errorf("the error is %v", err)
	}
	if _, _, err := s.Since(Deployments, s.Version()); err != nil {
		t.Error(err)
	}
	for range logLimit + 10 {
		_, err := s.Modify(ConfigMaps, "production", "later", By{Manager: "test"}, func(o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
			o.Object["data"] = map[string]any{"n": time.Duration(s.version).String()}
			return o, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(s.log) > logLimit {
		t.Errorf("the log has %d changes", len(s.log))
	}
}

func TestChangedTellsEachWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := fill(t)
		var n atomic.Int32
		for range 3 {
			c := s.Changed()
			go func() { <-c; n.Add(1) }()
			synctest.Wait()
		}
		create(t, s, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: production}}")
		synctest.Wait()
		if n.Load() != 3 {
			t.Errorf("%d of 3 were told", n.Load())
		}
	})
}

func TestDryRunKeepsNothing(t *testing.T) {
	s, _ := fill(t)
	v := s.Version()
	o := get(t, s).DeepCopy()
	set(t, o, int64(7), "spec", "replicas")
	got, err := s.Update(Deployments, o, By{Manager: "test", DryRun: true})
	if err != nil || valueAt(t, got, "spec", "replicas") != int64(7) {
		t.Errorf("%v: %v", err, got)
	}
	if _, err := s.Create(ConfigMaps, object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: production}}"), By{DryRun: true}); err != nil {
		t.Error(err)
	}
	if s.Version() != v {
		t.Error("something was kept")
	}
}

func TestUnknownFieldsAreDropped(t *testing.T) {
	s, _ := fill(t)
	o := get(t, s).DeepCopy()
	set(t, o, "x", "spec", "template", "spec", "nobodyKnows")
	got, err := s.Update(Deployments, o, By{Manager: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if raw, _ := json.Marshal(got); strings.Contains(string(raw), "nobodyKnows") {
		t.Error("it is still there")
	}
}

func BenchmarkUpdate(b *testing.B) {
	s := New(time.Now)
	t := &testing.T{}
	create(t, s, "{apiVersion: v1, kind: Namespace, metadata: {name: production}}")
	create(t, s, web)
	o := get(t, s).DeepCopy()
	n := int64(0)
	for b.Loop() {
		n++
		o.Object["status"] = map[string]any{"replicas": n}
		o.SetResourceVersion("")
		if _, err := s.UpdateStatus(Deployments, o, "x"); err != nil {
			b.Fatal(err)
		}
	}
}
