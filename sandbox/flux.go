package sandbox

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rollbook/sandbox/store"
)

// Flux is a GitOps controller that puts a workload back to its newest release, until
// somebody suspends it for that workload.
type Flux struct {
	Workload string `yaml:"workload"` // as of a release
	Name     string `yaml:"name"`     // of its Kustomization
	Every    Span   `yaml:"every"`    // how often it looks
}

// The marks that Flux leaves on what it owns, and the one that suspends it there.
const (
	fluxName      = "kustomize.toolkit.fluxcd.io/name"
	fluxNamespace = "kustomize.toolkit.fluxcd.io/namespace"
	fluxReconcile = "kustomize.toolkit.fluxcd.io/reconcile"
	fluxManager   = "kustomize-controller"
)

// own marks a workload as Flux's, if it is.
func (s *Scenario) own(u *unstructured.Unstructured) {
	for _, f := range s.Flux {
		if (Release{Workload: f.Workload}).workload() != (workload{u.GetKind(), u.GetNamespace(), u.GetName()}) {
			continue
		}
		l := u.GetLabels()
		if l == nil {
			l = map[string]string{}
		}
		l[fluxName], l[fluxNamespace] = f.Name, "flux-system"
		u.SetLabels(l)
	}
}

// reconcile puts back what is no longer as it was released, where Flux is due: last is
// when it looked before.
func (w *world) reconcile(s *Scenario, last, now time.Time) error {
	for _, f := range s.Flux {
		if every := time.Duration(f.Every); every <= 0 || now.Truncate(every).Equal(last.Truncate(every)) {
			continue
		}
		if err := w.putBack(s, f); err != nil {
			return fmt.Errorf("flux on %s: %w", f.Workload, err)
		}
	}
	return nil
}

func (w *world) putBack(s *Scenario, f Flux) error {
	id := Release{Workload: f.Workload}.workload()
	u, err := w.store.Get(kinds[id.kind], id.namespace, id.name)
	if err != nil {
		return err
	}
	if u.GetAnnotations()[fluxReconcile] == "disabled" {
		return nil
	}
	var last *Release
	for n := range s.Releases {
		if s.Releases[n].workload() == id {
			last = &s.Releases[n]
		}
	}
	containers, err := containersOf(u)
	if err != nil || last == nil {
		return err
	}
	if c, _ := containers[0].(map[string]any); c["image"] == last.Image {
		return nil
	}
	again := *last
	again.By = fluxManager
	replicas, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
	_, err = w.store.Modify(kinds[id.kind], id.namespace, id.name, store.By{Manager: fluxManager}, func(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return u, again.change(u, replicas)
	})
	return err
}
