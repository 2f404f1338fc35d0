package kube

import (
	"bytes"
	"slices"
	"strings"
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
		if e.Subresource != "" || e.Time == nil || e.FieldsV1 == nil || !ownsTemplate(e.FieldsV1.GetRawBytes()) {
			continue
		}
		manager, at = later(manager, at, e)
	}
	return manager, at
}

// later takes an entry over when it is newer. Times have whole seconds only: of
// two within one second both are named.
func later(manager string, at time.Time, e *metav1.ManagedFieldsEntry) (string, time.Time) {
	who := text.Line(e.Manager)
	switch {
	case manager == "" || e.Time.Time.After(at):
		return who, e.Time.Time
	case e.Time.Time.Equal(at) && !slices.Contains(strings.Split(manager, or), who):
		return manager + or + who, at
	}
	return manager, at
}

const or = " or "

// ownsTemplate reports whether f:template stands in f:spec. A parser would take
// longer for it than all else takes that is read of a Deployment.
func ownsTemplate(fields []byte) bool {
	if !bytes.Contains(fields, []byte(`"f:template"`)) {
		return false
	}
	depth, spec := 0, false
	for i := 0; i < len(fields); i++ {
		switch fields[i] {
		case '{':
			depth++
		case '}':
			depth--
		case '"': // a key: all values are objects
			begin := i + 1
			for i = begin; i < len(fields) && fields[i] != '"'; i++ {
				if fields[i] == '\\' {
					i++
				}
			}
			key := fields[begin:min(i, len(fields))]
			if depth == 1 {
				spec = string(key) == "f:spec"
			} else if depth == 2 && spec && string(key) == "f:template" {
				return true
			}
		}
	}
	return false
}

// lastWrite is who wrote an object last and when, status and scale left out.
func lastWrite(entries []metav1.ManagedFieldsEntry) (manager string, at time.Time) {
	for i := range entries {
		e := &entries[i]
		if e.Subresource == "" && e.Time != nil {
			manager, at = later(manager, at, e)
		}
	}
	return manager, at
}

// newWrites are the entries that somebody made or renewed since an older read.
// Times have whole seconds only, so that the newest entry alone may name the
// wrong one.
func newWrites(old, now []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	var out []metav1.ManagedFieldsEntry
	for i := range now {
		e := &now[i]
		known := false
		for j := range old {
			o := &old[j]
			known = known || (o.Manager == e.Manager && o.Operation == e.Operation && o.Subresource == e.Subresource && o.Time.Equal(e.Time))
		}
		if !known {
			out = append(out, *e)
		}
	}
	return out
}
