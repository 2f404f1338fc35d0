package kube

import (
	"bytes"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/text"
)

// templateOwner is the manager who wrote the pod template last, and when: the
// newest time among the managedFields entries that own spec.template. After an
// undo the ReplicaSet keeps its old creation, so this is the only trace of when
// the running template was set. A later change of other fields by the same
// manager moves it.
func templateOwner(entries []metav1.ManagedFieldsEntry) (manager string, at time.Time) {
	for i := range entries {
		e := &entries[i]
		if e.Subresource != "" || e.Time == nil || e.FieldsV1 == nil || !ownsTemplate(e.FieldsV1.Raw) {
			continue
		}
		if manager == "" || e.Time.Time.After(at) {
			manager, at = text.Line(e.Manager), e.Time.Time
		}
	}
	return manager, at
}

func ownsTemplate(fields []byte) bool {
	if !bytes.Contains(fields, []byte(`"f:template"`)) {
		return false
	}
	var f struct {
		Spec struct {
			Template json.RawMessage `json:"f:template"`
		} `json:"f:spec"`
	}
	return json.Unmarshal(fields, &f) == nil && len(f.Spec.Template) > 0
}

// lastWrite is who wrote an object last and when, status and scale left out.
func lastWrite(entries []metav1.ManagedFieldsEntry) (manager string, at time.Time) {
	for i := range entries {
		e := &entries[i]
		if e.Subresource == "" && e.Time != nil && (manager == "" || e.Time.Time.After(at)) {
			manager, at = text.Line(e.Manager), e.Time.Time
		}
	}
	return manager, at
}
