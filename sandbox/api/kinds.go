package api

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rollbook/sandbox/store"
)

var noResource = schema.GroupResource{}

// kind is a resource as it is served: mostly as it is stored, but events have a
// second face in a group of their own.
type kind struct {
	*store.Resource
	gr schema.GroupResource // where it is stored

	// Between the stored form and the served one; nil = they are the same.
	show func(stored *unstructured.Unstructured) (*unstructured.Unstructured, error)
	keep func(served *unstructured.Unstructured) (*unstructured.Unstructured, error)
}

var kinds = func() []*kind {
	var out []*kind
	for _, r := range store.Resources {
		out = append(out, &kind{Resource: r, gr: r.GR()})
	}
	return append(out, newEvents)
}()

func findKind(group, version, plural string) *kind {
	for _, k := range kinds {
		if k.Group == group && k.Version == version && k.Plural == plural {
			return k
		}
	}
	return nil
}

// served is an object as clients of this kind see it.
func (k *kind) served(o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if k.show == nil {
		return o, nil
	}
	return k.show(o)
}

func (k *kind) stored(o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if k.keep == nil {
		return o, nil
	}
	return k.keep(o)
}

// typed is an object in its Go type, for protobuf and for tables.
func typed(o *unstructured.Unstructured) (runtime.Object, error) {
	t, err := store.Scheme().New(o.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, t); err != nil {
		return nil, err
	}
	t.GetObjectKind().SetGroupVersionKind(o.GroupVersionKind())
	return t, nil
}

// loose is a typed object as the store keeps it.
func loose(o runtime.Object, gvk schema.GroupVersionKind) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(gvk)
	return u, nil
}

func asStatus(err error, to *apierrors.APIStatus) bool { return errors.As(err, to) }

func panicked(p any) error {
	if err, ok := p.(error); ok {
		return fmt.Errorf("panic: %w", err)
	}
	return fmt.Errorf("panic: %v", p)
}
