package store

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ErrModified are the API server's words for a write on a version that is no
// longer the newest.
var ErrModified = errors.New("the object has been modified; please apply your changes to the latest version and try again")

func (s *Store) resource(gr schema.GroupResource) (*Resource, error) {
	if r := Find(gr); r != nil {
		return r, nil
	}
	return nil, apierrors.NewNotFound(gr, "")
}

// Create keeps a new object, with defaults, a UID, a version and its
// managedFields. generateName is filled in. As with the API server a new object
// brings no status, but for nodes and namespaces: it comes by UpdateStatus.
func (s *Store) Create(gr schema.GroupResource, o *unstructured.Unstructured, by By) (*unstructured.Unstructured, error) {
	r, err := s.resource(gr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(r, o.DeepCopy(), by, nil)
}

func (s *Store) create(r *Resource, o *unstructured.Unstructured, by By, applied *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	gr := r.GR()
	if o.GetResourceVersion() != "" {
		return nil, apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
	}
	if o.GetName() == "" && o.GetGenerateName() != "" {
		for { // the API server tries eight times; here nobody would see why it failed
			o.SetName(GenerateName(o.GetGenerateName(), s.rand.IntN))
			if s.objects[gr][keyOf(o)] == nil {
				break
			}
		}
	}
	if err := s.room(r, o); err != nil {
		return nil, err
	}
	o, err := complete(r, o, nil, by.Sub)
	if err != nil {
		return nil, err
	}
	if old := s.objects[gr][keyOf(o)]; old != nil {
		return nil, apierrors.NewAlreadyExists(gr, o.GetName())
	}
	if applied == nil {
		m, err := s.manager(r, by.Sub)
		if err != nil {
			return nil, err
		}
		o = m.update(m.empty(), o, by.Manager, s.now())
	} else {
		o.SetManagedFields(applied.GetManagedFields())
	}
	o.SetUID(s.uid())
	o.SetCreationTimestamp(metav1.NewTime(s.now()).Rfc3339Copy())
	o.SetDeletionTimestamp(nil)
	o.SetDeletionGracePeriodSeconds(nil)
	unstructured.RemoveNestedField(o.Object, "metadata", "generation")
	if r.bumps != bumpsNever {
		o.SetGeneration(1)
	}
	if by.DryRun {
		return o, nil
	}
	s.put(gr, o, nil)
	return o, nil
}

// room checks that the namespace of a new object is there and stays.
func (s *Store) room(r *Resource, o *unstructured.Unstructured) error {
	ns := o.GetNamespace()
	switch {
	case !r.Namespaced && ns != "":
		return apierrors.NewBadRequest("namespace is not allowed on this type")
	case !r.Namespaced:
		return nil
	case ns == "":
		return apierrors.NewBadRequest("an empty namespace may not be set during creation")
	}
	home := s.objects[Namespaces][key{name: ns}]
	if home == nil {
		return apierrors.NewNotFound(Namespaces, ns)
	}
	if home.GetDeletionTimestamp() != nil {
		return apierrors.NewForbidden(r.GR(), o.GetName(), fmt.Errorf("unable to create new content in namespace %s because it is being terminated", ns))
	}
	return nil
}

// Update replaces an object. A resourceVersion or UID that it carries must be
// the newest one's, or it is a Conflict; without them it is unconditional. With
// Sub "status" only the status is taken, else everything but the status.
func (s *Store) Update(gr schema.GroupResource, o *unstructured.Unstructured, by By) (*unstructured.Unstructured, error) {
	return s.modify(gr, o.GetNamespace(), o.GetName(), by, func(*unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return o, nil // what is stored is made anew of it
	})
}

// UpdateStatus is Update with Sub "status".
func (s *Store) UpdateStatus(gr schema.GroupResource, o *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	return s.Update(gr, o, By{Manager: manager, Sub: "status"})
}

// Modify is Update with what change makes of the newest state, of which it gets
// a copy. Nothing is written in between.
func (s *Store) Modify(gr schema.GroupResource, namespace, name string, by By, change func(*unstructured.Unstructured) (*unstructured.Unstructured, error)) (*unstructured.Unstructured, error) {
	return s.modify(gr, namespace, name, by, func(old *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return change(old.DeepCopy())
	})
}

// modify is Modify with a change that gets the newest state itself.
func (s *Store) modify(gr schema.GroupResource, namespace, name string, by By, change func(old *unstructured.Unstructured) (*unstructured.Unstructured, error)) (*unstructured.Unstructured, error) {
	r, err := s.resource(gr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[gr][key{namespace, name}]
	if old == nil {
		return nil, apierrors.NewNotFound(gr, name)
	}
	o, err := change(old)
	if err != nil {
		return nil, err
	}
	return s.replace(r, old, o, by, false)
}

// replace makes o the successor of old. With applied its managedFields are
// made already.
func (s *Store) replace(r *Resource, old, o *unstructured.Unstructured, by By, applied bool) (*unstructured.Unstructured, error) {
	gr, name := r.GR(), old.GetName()
	if err := precondition(gr, old, o); err != nil {
		return nil, err
	}
	sent := o
	o, err := complete(r, o, old, by.Sub)
	if err != nil {
		return nil, err
	}
	if applied {
		o.SetManagedFields(sent.GetManagedFields())
	} else {
		m, err := s.manager(r, by.Sub)
		if err != nil {
			return nil, err
		}
		o = m.update(old, o, by.Manager, s.now())
	}
	meta := o.Object["metadata"].(map[string]any)
	for _, f := range []string{"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion", "selfLink"} {
		if v, ok, _ := unstructured.NestedFieldNoCopy(old.Object, "metadata", f); ok {
			meta[f] = v
		} else {
			delete(meta, f)
		}
	}
	if r.bumped(old, o, by.Sub) {
		o.SetGeneration(old.GetGeneration() + 1)
	}
	if same(old, o) {
		return old, nil
	}
	if by.DryRun {
		return o, nil
	}
	if old.GetDeletionTimestamp() != nil && len(o.GetFinalizers()) == 0 && ends(old) {
		s.drop(gr, o)
		s.collect(old)
		return o, nil
	}
	if name != o.GetName() {
		return nil, apierrors.NewBadRequest("the name of the object does not match")
	}
	s.put(gr, o, old)
	return o, nil
}

func (r *Resource) bumped(old, o *unstructured.Unstructured, sub string) bool {
	if r.bumps == bumpsNever || sub == "status" {
		return false
	}
	if !equality.Semantic.DeepEqual(old.Object["spec"], o.Object["spec"]) {
		return true
	}
	return r.bumps == bumpsSpecAndAnnotations && !equality.Semantic.DeepEqual(old.GetAnnotations(), o.GetAnnotations())
}

// precondition compares what a write says of the state that it was made from.
func precondition(gr schema.GroupResource, old, o *unstructured.Unstructured) error {
	if uid := o.GetUID(); uid != "" && uid != old.GetUID() {
		return apierrors.NewConflict(gr, old.GetName(),
			fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", uid, old.GetUID()))
	}
	// "0" means any version, as for the API server.
	if v := o.GetResourceVersion(); v != "" && v != "0" && v != old.GetResourceVersion() {
		return apierrors.NewConflict(gr, old.GetName(), ErrModified)
	}
	return nil
}

// same says whether nothing changed but the times of managedFields: such a
// write is none.
func same(old, o *unstructured.Unstructured) bool {
	if !equality.Semantic.DeepEqual(timeless(entriesOf(old)), timeless(entriesOf(o))) {
		return false
	}
	a, b := shallow(old), shallow(o)
	return equality.Semantic.DeepEqual(a, b)
}

// shallow is the object without its managedFields; the rest is shared.
func shallow(o *unstructured.Unstructured) map[string]any {
	out, meta := map[string]any{}, map[string]any{}
	for k, v := range o.Object {
		out[k] = v
	}
	if m, ok := o.Object["metadata"].(map[string]any); ok {
		for k, v := range m {
			if k != "managedFields" {
				meta[k] = v
			}
		}
	}
	out["metadata"] = meta
	return out
}
