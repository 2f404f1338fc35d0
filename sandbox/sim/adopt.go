package sim

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// adopts says whether a controller takes an object for its own: one that has none, and
// that its selector finds. What was left by a deletion with --cascade=orphan belongs
// again to whoever is made in its place.
func adopts(owner metav1.Object, selector *metav1.LabelSelector, o metav1.Object) bool {
	if owner.GetDeletionTimestamp() != nil || o.GetDeletionTimestamp() != nil || metav1.GetControllerOf(o) != nil {
		return false
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && !s.Empty() && s.Matches(labels.Set(o.GetLabels()))
}

// adopted makes an object, which is a copy, one of an owner's.
func adopted[O metav1.Object](o O, owner metav1.Object, kind schema.GroupVersionKind) O {
	o.SetOwnerReferences(append(o.GetOwnerReferences(), *metav1.NewControllerRef(owner, kind)))
	return o
}
