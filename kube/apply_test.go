package kube

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"rollbook/model"
)

// toApply is a manifest of production/api or another object, as a manager applies it.
func toApply(t *testing.T, manager, text string) model.Manifest {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		APIVersion, Kind string
		Metadata         struct{ Name string }
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return model.Manifest{Raw: raw, Manager: manager, Object: model.Object{APIVersion: o.APIVersion, Kind: o.Kind, Namespace: "production", Name: o.Metadata.Name}}
}

const apiOne = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "shop/api:1"}]}
`

// What is others' is named by owner and field, and taken over by force alone.
func TestRehearseConflict(t *testing.T) {
	c := rehearse(t)
	a := NewApplier(c.Client)
	m := toApply(t, "rollbook", apiOne)
	r, err := a.Rehearse(t.Context(), m)
	if err != nil || r.Refused != "" {
		t.Fatalf("%+v (%v)", r, err)
	}
	if len(r.Conflicts) == 0 || r.Conflicts[0].Manager != "helm-of-the-test" || !slices.ContainsFunc(r.Conflicts, func(o model.Owned) bool { return o.Field == `.spec.template.spec.containers[name="api"].image` }) {
		t.Errorf("conflicts %+v", r.Conflicts)
	}
	if !slices.ContainsFunc(r.Changes, func(x model.Change) bool { return x.Kind == "image" && x.From == "shop/api:2" && x.To == "shop/api:1" }) {
		t.Errorf("changes %+v", r.Changes)
	}
	if c.patches != 0 {
		t.Errorf("%d patches were sent", c.patches)
	}
	if _, err := a.Apply(t.Context(), r, nil); !errors.Is(err, model.ErrChanged) {
		t.Errorf("without force: %v", err)
	}
	r.Force = true
	got, err := a.Apply(t.Context(), r, nil)
	if err != nil || got.Template != r.Template || got.Generation == 0 {
		t.Fatalf("%+v (%v)", got, err)
	}
	if image := c.deployment(t); !strings.Contains(toText(t, image.Object), "shop/api:1") {
		t.Error("it was not written")
	}
	// What was read before that write is not written a second time.
	if _, err := a.Apply(t.Context(), r, nil); !errors.Is(err, model.ErrChanged) {
		t.Errorf("on another resourceVersion: %v", err)
	}
}

func toText(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// What another manager has applied, and the manifest does not have, stays; what the same
// manager applied before goes.
func TestRehearseLeftover(t *testing.T) {
	c := rehearse(t)
	a := NewApplier(c.Client)
	newer := strings.Replace(apiOne, `image: "shop/api:1"`, `image: "shop/api:2", env: [{name: TIMEOUT, value: "0"}]`, 1)
	first, err := a.Rehearse(t.Context(), toApply(t, "kubectl", newer))
	if err != nil {
		t.Fatal(err)
	}
	first.Force = true
	if _, err := a.Apply(t.Context(), first, nil); err != nil {
		t.Fatal(err)
	}
	for manager, stays := range map[string]bool{"rollbook": true, "kubectl": false} {
		r, err := a.Rehearse(t.Context(), toApply(t, manager, apiOne))
		if err != nil {
			t.Fatal(err)
		}
		left := slices.ContainsFunc(r.Left, func(o model.Owned) bool {
			return o.Manager == "kubectl" && o.Applies && o.Field == `.spec.template.spec.containers[name="api"].env[name="TIMEOUT"]`
		})
		if left != stays || strings.Contains(string(r.After), "TIMEOUT") != stays {
			t.Errorf("as %s: left %+v, after %s", manager, r.Left, r.After)
		}
	}
}

// Values of ConfigMaps and Secrets are not shown.
func TestRehearseHidesValues(t *testing.T) {
	c := rehearse(t)
	a := NewApplier(c.Client)
	c.make(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: flags, namespace: production}, data: {a: canary-one, b: canary-two}}`)
	r, err := a.Rehearse(t.Context(), toApply(t, "rollbook", `{apiVersion: v1, kind: ConfigMap, metadata: {name: flags}, data: {a: canary-three, c: canary-four}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []model.Change{{Kind: "other", What: "data.a", From: model.Literal, To: model.LiteralChanged}, {Kind: "other", What: "data.c", To: model.Literal}}
	if !slices.Equal(r.Changes, want) || strings.Contains(toText(t, r.Changes), "canary") {
		t.Errorf("%+v", r.Changes)
	}
	r, err = a.Rehearse(t.Context(), toApply(t, "rollbook", `{apiVersion: v1, kind: ConfigMap, metadata: {name: more}, data: {a: canary}}`))
	if err != nil || r.Live != nil || len(r.Changes) != 1 || r.Changes[0].To != "new" {
		t.Errorf("%+v (%v)", r, err)
	}
}

// The number of replicas is left to an autoscaler, and to whoever set it where nobody
// knows whether there is one. A manager that set it before keeps it as it is: left out,
// it would go back to one.
func TestRehearseLeavesReplicas(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter) bool
		owned  bool
		want   string // spec.replicas that is sent
		mark   bool   // it is scaled down for a time
	}{
		"no autoscaler": {func(w http.ResponseWriter) bool { return reply(w, map[string]any{"items": []any{}}) }, false, "3", false},
		"stopped":       {func(w http.ResponseWriter) bool { return reply(w, map[string]any{"items": []any{}}) }, false, "", true},
		"autoscaler": {func(w http.ResponseWriter) bool {
			return reply(w, map[string]any{"items": []any{map[string]any{"metadata": map[string]any{"name": "api"}, "spec": map[string]any{"scaleTargetRef": map[string]any{"kind": "Deployment", "name": "api"}}}}})
		}, false, "", false},
		"autoscaler, and it is ours": {func(w http.ResponseWriter) bool {
			return reply(w, map[string]any{"items": []any{map[string]any{"metadata": map[string]any{"name": "api"}, "spec": map[string]any{"scaleTargetRef": map[string]any{"kind": "Deployment", "name": "api"}}}}})
		}, true, "7", false},
		"not known": {func(w http.ResponseWriter) bool {
			return refuse(w, 403, `"reason":"Forbidden","code":403,"message":"you may not"`)
		}, false, "", false},
	} {
		c := rehearse(t)
		a := NewApplier(c.Client)
		if tt.owned {
			r, err := a.Rehearse(t.Context(), toApply(t, "rollbook", strings.Replace(apiOne, "replicas: 3", "replicas: 7", 1)))
			if err != nil {
				t.Fatal(err)
			}
			r.Force = true
			if _, err := a.Apply(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
		if tt.mark {
			c.set(t, "rollbook", "deployments", "api", map[string]any{"rollbook/owes.scale": "7"}, "metadata", "labels")
		}
		c.before = func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/horizontalpodautoscalers") && tt.answer(w)
		}
		r, err := a.Rehearse(t.Context(), toApply(t, "rollbook", apiOne))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := replicasOf(t, r.Raw); got != tt.want {
			t.Errorf("%s: replicas %q are sent, want %q", name, got, tt.want)
		}
		// Made anew, it begins with as many as there are.
		anew, err := a.Rehearse(t.Context(), toApply(t, "rollbook", strings.ReplaceAll(apiOne, "app: api", "app: other")))
		if want := map[string]string{"no autoscaler": "3"}[name]; err != nil || anew.Remade() == tt.mark || want != "" && !strings.Contains(string(anew.Raw), `"replicas":`+want) {
			t.Errorf("%s: anew %+v, %s (%v)", name, anew.Anew, anew.Raw, err)
		} else if live := replicasOf(t, anew.Live); want == "" && !tt.mark && replicasOf(t, anew.Raw) != live {
			t.Errorf("%s: %s replicas anew, and there are %s", name, replicasOf(t, anew.Raw), live)
		}
		if (r.Scaler != "") != strings.HasPrefix(name, "autoscaler") || (r.ScalerErr != "") != (name == "not known") {
			t.Errorf("%s: %q %q", name, r.Scaler, r.ScalerErr)
		}
	}
}

func replicasOf(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var o struct {
		Spec struct{ Replicas json.Number }
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return string(o.Spec.Replicas)
}

// What the API server refuses is told in its words; what cannot be asked is an error.
func TestRehearseRefused(t *testing.T) {
	c := rehearse(t)
	a := NewApplier(c.Client)
	r, err := a.Rehearse(t.Context(), toApply(t, "rollbook", strings.ReplaceAll(apiOne, "app: api", "app: other")))
	if err != nil || !r.Immutable || !strings.Contains(r.Refused, "immutable") || !r.Remade() || r.Anew.Orphan || !strings.Contains(string(r.After), `"name":"api"`) || len(r.Conflicts) > 0 {
		t.Errorf("%+v %+v (%v)", r, r.Anew, err)
	}
	if _, err := a.Rehearse(t.Context(), toApply(t, "rollbook", "{apiVersion: shop/v1, kind: Till, metadata: {name: a}}")); err == nil || !strings.Contains(err.Error(), "the cluster does not have shop/v1") {
		t.Error(err)
	}
	c.before = func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Get("dryRun") != "" && refuse(w, 403, `"reason":"Forbidden","code":403,"message":"you may not"`)
	}
	if _, err := a.Rehearse(t.Context(), toApply(t, "rollbook", apiOne)); err == nil || !strings.Contains(err.Error(), "forbidden: you may not") {
		t.Error(err)
	}
}

// An object is read whatever its kind, and so is that it is not there.
func TestApplierReads(t *testing.T) {
	c := rehearse(t)
	a := NewApplier(c.Client)
	o := model.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "production", Name: "api"}
	if raw, by, err := a.Read(context.Background(), o); err != nil || raw == nil || !strings.HasPrefix(by, "helm-of-the-test at ") {
		t.Errorf("%s %q %v", raw, by, err)
	}
	o.Name = "none"
	if raw, _, err := a.Read(context.Background(), o); err != nil || raw != nil {
		t.Errorf("%s %v", raw, err)
	}
	if in, err := a.Namespaced(t.Context(), model.Object{APIVersion: "v1", Kind: "Namespace"}); in || err != nil {
		t.Errorf("%v %v", in, err)
	}
}

// What kubectl has applied without --server-side is handed over to the manager, so that it
// goes where the manifest does not have it; what kubectl goes by the next time is kept up
// to date.
func TestAdopt(t *testing.T) {
	c := rehearse(t)
	a := NewApplier(c.Client)
	newer := strings.Replace(apiOne, `image: "shop/api:1"`, `image: "shop/api:2", env: [{name: TIMEOUT, value: "0"}]`, 1)
	raw, err := withLastApplied(toApply(t, "", newer))
	if err != nil {
		t.Fatal(err)
	}
	said, err := tree(raw)
	if err != nil {
		t.Fatal(err)
	}
	c.remove(t, "deployments", "api")
	c.make(t, strings.Replace(newer, "{name: api}", "{name: api, namespace: production}", 1))
	c.set(t, clientSideApply, "deployments", "api", object2(object2(said)["metadata"])["annotations"], "metadata", "annotations")
	c.set(t, clientSideApply, "deployments", "api", object2(object2(said)["spec"])["template"], "spec", "template")
	r, err := a.Rehearse(t.Context(), toApply(t, "rollbook", apiOne))
	if err != nil || len(r.Adopts) == 0 {
		t.Fatalf("nothing is handed over: %+v (%v)", r, err)
	}
	if strings.Contains(string(r.After), `"TIMEOUT"`) != strings.Contains(toText(t, r.Left), "TIMEOUT") {
		t.Errorf("what stays is %+v of %s", r.Left, r.After)
	}
	before := c.patches
	if err := a.Adopt(t.Context(), r, nil); err != nil || c.patches != before+1 {
		t.Fatal(err)
	}
	if image := toText(t, c.deployment(t).Object["spec"]); !strings.Contains(image, "shop/api:2") {
		t.Errorf("the handing over changed it: %s", image)
	}
	again, err := a.Rehearse(t.Context(), toApply(t, "rollbook", apiOne))
	if err != nil || len(again.Adopts) != 0 || again.Template != r.Template {
		t.Errorf("%+v (%v)", again, err)
	}
	again.Force = true
	if _, err := a.Apply(t.Context(), again, nil); err != nil {
		t.Fatal(err)
	}
	if kept := c.deployment(t).GetAnnotations()[annLastApplied]; !strings.Contains(kept, "shop/api:1") || strings.Contains(kept, "resourceVersion") || !strings.HasSuffix(kept, "}\n") {
		t.Errorf("kubectl goes by %q", kept)
	}
	if err := a.Adopt(t.Context(), r, nil); !errors.Is(err, model.ErrChanged) {
		t.Errorf("a second time: %v", err)
	}
}
