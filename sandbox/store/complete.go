package store

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// complete makes of what a client sent what is kept: fields that the kind has
// not are dropped, defaults are filled in, and the part that this write may not
// change is old's. The errors are the API server's.
func complete(r *Resource, o, old *unstructured.Unstructured, sub string) (*unstructured.Unstructured, error) {
	if o.GetKind() != r.Kind && o.GetKind() != "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the kind of the object (%s) does not match the expected kind (%s)", o.GetKind(), r.Kind))
	}
	if _, ok := o.Object["metadata"].(map[string]any); !ok {
		return nil, apierrors.NewBadRequest("metadata is missing")
	}
	typed, err := Scheme().New(r.GVK())
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, typed); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", r.Kind, r.Version, r.Kind, err))
	}
	setDefaults(typed)
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return nil, err
	}
	out := &unstructured.Unstructured{Object: content}
	out.SetGroupVersionKind(r.GVK())
	out.SetManagedFields(o.GetManagedFields())
	if old == nil {
		if r.Has("status") && sub == "" && !keepsStatus(r) {
			delete(out.Object, "status")
			if v, ok := blank(r); ok {
				out.Object["status"] = v
			}
		}
		return out, validate(r, typed, nil)
	}
	if r.Has("status") {
		if sub == "status" {
			keep(out, old, "spec")
			keepMeta(out, old)
		} else {
			keep(out, old, "status")
		}
	}
	if sub == "status" || equality.Semantic.DeepEqual(out.Object["spec"], old.Object["spec"]) && equality.Semantic.DeepEqual(out.GetLabels(), old.GetLabels()) {
		return out, nil
	}
	before, err := Scheme().New(r.GVK())
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(old.Object, before); err != nil {
		return nil, err
	}
	return out, validate(r, typed, before)
}

// keepsStatus says whether a new object's status is taken: of nodes and
// namespaces, whose makers are the only ones that know it.
func keepsStatus(r *Resource) bool { return r.Kind == "Node" || r.Kind == "Namespace" }

// blank is the status of an object that has none yet.
func blank(r *Resource) (any, bool) {
	switch r.Kind {
	case "Pod":
		return map[string]any{"phase": "Pending"}, true
	case "ReplicaSet", "ReplicationController", "StatefulSet":
		return map[string]any{"replicas": int64(0)}, true
	case "Service":
		return map[string]any{"loadBalancer": map[string]any{}}, true
	case "Deployment", "Job", "CronJob", "ResourceQuota":
		return map[string]any{}, true
	case "PersistentVolumeClaim":
		return map[string]any{"phase": "Pending"}, true
	case "DaemonSet":
		return map[string]any{"currentNumberScheduled": int64(0), "numberMisscheduled": int64(0), "desiredNumberScheduled": int64(0), "numberReady": int64(0)}, true
	}
	return nil, false
}

func keep(o, old *unstructured.Unstructured, field string) {
	if v, ok := old.Object[field]; ok {
		o.Object[field] = v
	} else {
		delete(o.Object, field)
	}
}

// keepMeta: a write of the status changes no labels.
func keepMeta(o, old *unstructured.Unstructured) {
	if l := old.GetLabels(); len(l) > 0 {
		o.SetLabels(l)
	} else {
		unstructured.RemoveNestedField(o.Object, "metadata", "labels")
	}
}

func secondsOf(n int64) time.Duration { return time.Duration(n) * time.Second }
