package store

import (
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Apply merges a configuration into an object as server-side apply does, and
// makes the object when it is not there. Without force, fields of others are a
// Conflict that names them.
func (s *Store) Apply(gr schema.GroupResource, patch *unstructured.Unstructured, by By, force bool) (o *unstructured.Unstructured, created bool, err error) {
	r, err := s.resource(gr)
	if err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[gr][keyOf(patch)]
	if old == nil && by.Sub != "" {
		return nil, false, apierrors.NewNotFound(gr, patch.GetName())
	}
	m, err := s.manager(r, by.Sub)
	if err != nil {
		return nil, false, err
	}
	live := old
	if old == nil {
		if patch.GetResourceVersion() != "" || patch.GetUID() != "" {
			return nil, false, apierrors.NewConflict(gr, patch.GetName(), ErrModified)
		}
		live = m.empty()
	} else if err := precondition(gr, old, patch); err != nil {
		return nil, false, err
	}
	merged, err := m.apply(live, patch, by.Manager, force, s.now())
	if err != nil {
		if apierrors.ReasonForError(err) != metav1.StatusReasonUnknown {
			return nil, false, err
		}
		// A field that the kind has not, or one of the wrong type: the API server
		// takes that for an error of its own.
		return nil, false, &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Message: err.Error()}}
	}
	if old == nil {
		o, err = s.create(r, merged, by, merged)
		return o, true, err
	}
	merged.SetResourceVersion("")
	o, err = s.replace(r, old, merged, by, true)
	return o, false, err
}
