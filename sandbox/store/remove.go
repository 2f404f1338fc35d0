package store

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Removal says how to delete. The zero value deletes at once, with all that the
// object controls.
type Removal struct {
	UID     types.UID // preconditions; "" = none
	Version string
	Grace   int64 // seconds in which a pod may end: it gets a deletionTimestamp, and whoever plays the kubelet deletes it
	Orphan  bool  // what it owns stays
	DryRun  bool
}

// Delete removes an object, or marks it when it has finalizers or a grace. gone
// says whether it is no longer there.
func (s *Store) Delete(gr schema.GroupResource, namespace, name string, how Removal) (o *unstructured.Unstructured, gone bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[gr][key{namespace, name}]
	if old == nil {
		return nil, false, apierrors.NewNotFound(gr, name)
	}
	if how.UID != "" && how.UID != old.GetUID() {
		return nil, false, apierrors.NewConflict(gr, name,
			fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s). The object might have been deleted and then recreated", how.UID, old.GetUID()))
	}
	if how.Version != "" && how.Version != old.GetResourceVersion() {
		return nil, false, apierrors.NewConflict(gr, name,
			fmt.Errorf("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). The object might have been modified", how.Version, old.GetResourceVersion()))
	}
	if how.DryRun {
		return old, len(old.GetFinalizers()) == 0, nil
	}
	if how.Grace > 0 || len(old.GetFinalizers()) > 0 {
		return s.mark(gr, old, how.Grace), false, nil
	}
	last := s.drop(gr, old)
	if how.Orphan {
		s.orphan(old)
	} else {
		s.collect(old)
	}
	if gr == Namespaces {
		s.empty(name)
	}
	return last, true, nil
}

// mark notes that an object is to end.
func (s *Store) mark(gr schema.GroupResource, old *unstructured.Unstructured, grace int64) *unstructured.Unstructured {
	if old.GetDeletionTimestamp() != nil {
		return old
	}
	o := old.DeepCopy()
	at := metav1.NewTime(s.now()).Rfc3339Copy()
	at.Time = at.Add(secondsOf(grace))
	o.SetDeletionTimestamp(&at)
	o.SetDeletionGracePeriodSeconds(&grace)
	if g := o.GetGeneration(); g > 0 {
		o.SetGeneration(g + 1)
	}
	s.put(gr, o, old)
	return o
}

// ends says whether an object that is to end waits for nothing but its finalizers.
func ends(o *unstructured.Unstructured) bool {
	g := o.GetDeletionGracePeriodSeconds()
	return g == nil || *g == 0
}

// owned calls f for each object that names an owner.
func (s *Store) owned(owner types.UID, f func(gr schema.GroupResource, o *unstructured.Unstructured)) {
	for _, r := range Resources {
		for _, o := range sorted(s.objects[r.GR()], "") {
			for _, ref := range o.GetOwnerReferences() {
				if ref.UID == owner {
					f(r.GR(), o)
					break
				}
			}
		}
	}
}

// collect removes what no other owner keeps, as the garbage collector does.
func (s *Store) collect(owner *unstructured.Unstructured) {
	s.owned(owner.GetUID(), func(gr schema.GroupResource, o *unstructured.Unstructured) {
		for _, ref := range o.GetOwnerReferences() {
			if ref.UID != owner.GetUID() && s.lives(ref.UID) {
				s.release(gr, o, owner.GetUID())
				return
			}
		}
		if s.objects[gr][keyOf(o)] == nil {
			return // went with another one
		}
		if len(o.GetFinalizers()) > 0 {
			s.mark(gr, o, 0)
			return
		}
		s.drop(gr, o)
		s.collect(o)
	})
}

func (s *Store) orphan(owner *unstructured.Unstructured) {
	s.owned(owner.GetUID(), func(gr schema.GroupResource, o *unstructured.Unstructured) { s.release(gr, o, owner.GetUID()) })
}

func (s *Store) release(gr schema.GroupResource, old *unstructured.Unstructured, owner types.UID) {
	var rest []metav1.OwnerReference
	for _, ref := range old.GetOwnerReferences() {
		if ref.UID != owner {
			rest = append(rest, ref)
		}
	}
	o := old.DeepCopy()
	o.SetOwnerReferences(rest)
	s.put(gr, o, old)
}

func (s *Store) lives(uid types.UID) bool {
	for _, objects := range s.objects {
		for _, o := range objects {
			if o.GetUID() == uid {
				return true
			}
		}
	}
	return false
}

// empty removes what is in a namespace.
func (s *Store) empty(namespace string) {
	for _, r := range Resources {
		if r.Namespaced {
			for _, o := range sorted(s.objects[r.GR()], namespace) {
				s.drop(r.GR(), o)
			}
		}
	}
}
