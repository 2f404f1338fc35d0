package shop

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestNext(t *testing.T) {
	for in, want := range map[string]string{
		"1.42.0": "1.43.0", "1.43.7": "1.44.0", "15.8": "15.9", "latest": "latest.1", "v1.x": "v1.x.1",
	} {
		if got := next(in); got != want {
			t.Errorf("next(%q) = %q, want %q", in, got, want)
		}
	}
}

// A release sets and removes annotations and env, and nothing of the last
// release's behaviour stays.
func TestPatchOfARelease(t *testing.T) {
	r := kinds["crash"]
	env := r.envPatch([]corev1.EnvVar{{Name: "PAYMENT_URL", Value: "x"}})
	if want := []any{map[string]any{"name": "PAYMENT_URL", "$patch": "delete"}}; !reflect.DeepEqual(env, want) {
		t.Errorf("env %v", env)
	}
	if env := r.envPatch(nil); len(env) != 0 {
		t.Errorf("a variable that is not there is removed: %v", env)
	}
	b, err := json.Marshal(r.annotations())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"testbed/behaviour":"crash","testbed/errors":null,"testbed/latency":null,"testbed/rps":null,"testbed/start":null}`
	if string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
}

func TestKindsUseKnownAnnotations(t *testing.T) {
	for name, r := range kinds {
		for a := range r.behave {
			if !slices.Contains(behaviours, a) {
				t.Errorf("%s: %s would stay for ever", name, a)
			}
		}
	}
}

func TestManifests(t *testing.T) {
	for _, ns := range []string{Namespace, "other"} {
		objs, err := objects(ns)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, o := range objs {
			m := o.(metav1.Object)
			if !slices.Contains(Namespaces(ns), m.GetNamespace()) {
				t.Errorf("%s is in %s", m.GetName(), m.GetNamespace())
			}
			switch o.(type) {
			case *appsv1.Deployment, *appsv1.StatefulSet:
				found[m.GetName()] = true
			}
		}
		for _, h := range history {
			if !found[h.workload] {
				t.Errorf("the history has %s, the manifests do not", h.workload)
			}
		}
	}
}
