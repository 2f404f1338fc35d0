package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rollbook/sandbox/store"
)

// workload names a workload of the scenario.
type workload struct{ kind, namespace, name string }

// production is the namespace of a workload that is named without one.
const production = "production"

var kinds = map[string]schema.GroupResource{"Deployment": store.Deployments, "StatefulSet": store.StatefulSets, "DaemonSet": store.DaemonSets}

func (w workload) String() string {
	return strings.ToLower(w.kind) + "/" + w.namespace + "/" + w.name
}

// workload reads NAME, or KIND/NAMESPACE/NAME.
func (r Release) workload() workload {
	parts := strings.Split(r.Workload, "/")
	if len(parts) != 3 {
		return workload{"Deployment", production, r.Workload}
	}
	for k := range kinds {
		if strings.EqualFold(k, parts[0]) {
			return workload{k, parts[1], parts[2]}
		}
	}
	return workload{parts[0], parts[1], parts[2]}
}

// workloadOf is the workload that an object is, if it is one.
func workloadOf(o Object) (workload, bool) {
	u := unstructured.Unstructured{Object: o}
	_, ok := kinds[u.GetKind()]
	return workload{u.GetKind(), u.GetNamespace(), u.GetName()}, ok
}

// by is the field manager of a release.
func (r Release) by() string {
	if r.By == "" {
		return "gitlab-ci"
	}
	return r.By
}

// create makes a workload, as its first release.
func (r Release) create(of *Scenario, s *store.Store, o Object, replicas int64) error {
	u := o.copy()
	of.own(u)
	if err := r.change(u, replicas); err != nil {
		return err
	}
	_, err := s.Create(kinds[u.GetKind()], u, store.By{Manager: r.by()})
	return err
}

// apply releases a new version of a workload.
func (r Release) apply(s *store.Store, replicas int64) error {
	w := r.workload()
	_, err := s.Modify(kinds[w.kind], w.namespace, w.name, store.By{Manager: r.by()}, func(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return u, r.change(u, replicas)
	})
	return err
}

// replicas are those that a manifest asks for.
func (o Object) replicas() int64 {
	if n, ok, _ := unstructured.NestedInt64(o.copy().Object, "spec", "replicas"); ok {
		return n
	}
	return 1
}

// change sets the image and the environment of the first container, and the
// replicas.
func (r Release) change(u *unstructured.Unstructured, replicas int64) error {
	if u.GetKind() != "DaemonSet" {
		if err := unstructured.SetNestedField(u.Object, replicas, "spec", "replicas"); err != nil {
			return err
		}
	}
	containers, err := containersOf(u)
	if err != nil {
		return err
	}
	c := containers[0].(map[string]any)
	if r.Image != "" {
		c["image"] = r.Image
	}
	if env := r.environment(c["env"]); env != nil {
		c["env"] = env
	}
	if r.Cause != "" {
		a := u.GetAnnotations()
		if a == nil {
			a = map[string]string{}
		}
		a["kubernetes.io/change-cause"] = r.Cause
		u.SetAnnotations(a)
	}
	return unstructured.SetNestedSlice(u.Object, containers, "spec", "template", "spec", "containers")
}

// containersOf returns a copy of a workload's containers, of which the first is
// there, and is a mapping.
func containersOf(u *unstructured.Unstructured) ([]any, error) {
	containers, _, err := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) == 0 {
		return nil, fmt.Errorf("%s %s/%s has no container in its template", u.GetKind(), u.GetNamespace(), u.GetName())
	}
	if _, ok := containers[0].(map[string]any); !ok {
		return nil, fmt.Errorf("%s %s/%s: its first container is no mapping", u.GetKind(), u.GetNamespace(), u.GetName())
	}
	return containers, nil
}

// environment is the old one with what is set and without what is removed.
func (r Release) environment(old any) []any {
	list, _ := old.([]any)
	named := func(x any) string {
		m, _ := x.(map[string]any)
		s, _ := m["name"].(string)
		return s
	}
	var out []any
	for _, x := range list {
		n := named(x)
		_, set := r.Env[n]
		if !set && !slices.Contains(r.Unset, n) {
			out = append(out, x)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(r.Env)) {
		out = append(out, map[string]any{"name": k, "value": r.Env[k]})
	}
	return out
}
