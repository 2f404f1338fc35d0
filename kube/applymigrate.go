package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"rollbook/model"
	"rollbook/text"
)

// What kubectl apply without --server-side has set, a server-side apply would leave
// where the manifest no longer has it. kubectl apply --server-side hands such fields over
// to its own manager first, by a write of managedFields alone; so do we. The annotation
// that kubectl goes by the next time is kept up to date, as kubectl does; for a manager
// called kubectl the API server does so itself.

var lastApplied = fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "annotations", annLastApplied))

// clientSide returns the managers that have applied an object as kubectl does without
// --server-side.
func clientSide(entries []metav1.ManagedFieldsEntry) sets.Set[string] {
	out := sets.New[string]()
	for _, e := range csaupgrade.FindFieldsOwners(entries, metav1.ManagedFieldsOperationUpdate, lastApplied) {
		out.Insert(e.Manager)
	}
	return out
}

// adopt prepares the handing over of what was applied without --server-side.
func (r *rehearsing) adopt(live *object) error {
	said, is := live.Metadata.Annotations[annLastApplied]
	if !is {
		return nil
	}
	r.clients, r.said = clientSide(live.Metadata.ManagedFields), []byte(said)
	if r.Manager == "kubectl" {
		// All that is sent comes to stand in the annotation, with what it would hold on to.
		r.Version, r.UID = "", ""
	}
	var err error
	if r.Raw, err = withLastApplied(r.Manifest); err != nil {
		return err
	}
	of := &metav1.PartialObjectMetadata{ObjectMeta: live.Metadata}
	if r.Adopts, err = csaupgrade.UpgradeManagedFieldsPatch(of, r.clients, r.Manager); err != nil {
		return fmt.Errorf("what kubectl has applied to %s cannot be taken over: %w", r.Object, err)
	}
	return nil
}

// withLastApplied returns a manifest with the annotation by which kubectl apply knows what
// it applied last.
func withLastApplied(m model.Manifest) (json.RawMessage, error) {
	v, err := tree(m.Raw)
	if err != nil {
		return nil, fmt.Errorf("%s is no object: %w", m.Object, err)
	}
	o := object2(v)
	meta := object2(o["metadata"])
	if meta == nil {
		meta = map[string]any{}
		o["metadata"] = meta
	}
	if m.Namespace != "" {
		meta["namespace"] = m.Namespace
	}
	notes := object2(meta["annotations"])
	if notes == nil {
		notes = map[string]any{}
		meta["annotations"] = notes
	}
	delete(notes, annLastApplied)
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	notes[annLastApplied] = string(raw) + "\n"
	return json.Marshal(o)
}

// drop takes out of what a dry run gave what the handing over lets go: the fields that
// kubectl alone has set, and the manifest does not have. What the API server has filled in
// is kubectl's too, and comes back.
func (r *rehearsing) drop(after *object, body []byte) ([]byte, error) {
	if len(r.Adopts) == 0 {
		return body, nil
	}
	v, err := tree(body)
	if err != nil {
		return nil, err
	}
	kept := applied(after.Metadata.ManagedFields, r.Manager)
	gone := fieldpath.NewSet()
	for i := range after.Metadata.ManagedFields {
		switch e := &after.Metadata.ManagedFields[i]; {
		case e.Operation == metav1.ManagedFieldsOperationUpdate && e.Subresource == "" && r.clients.Has(e.Manager):
			gone = gone.Union(fieldsOf(e))
		default:
			kept = kept.Union(fieldsOf(e))
		}
	}
	said, err := tree(r.said)
	if err != nil {
		said = nil // whatever stands there: nothing of it is known to be let go
	}
	for _, p := range outside(gone, kept) {
		if isThere(said, p) {
			removeAt(v, p)
		}
	}
	return json.Marshal(v)
}

// removeAt removes a field from a tree, and what is empty then.
func removeAt(v any, p fieldpath.Path) any {
	if len(p) == 0 {
		return nil
	}
	switch x := v.(type) {
	case map[string]any:
		if p[0].FieldName == nil {
			return v
		}
		k := *p[0].FieldName
		if now := removeAt(x[k], p[1:]); now == nil {
			delete(x, k)
		} else {
			x[k] = now
		}
		if len(x) == 0 {
			return nil
		}
	case []any:
		n := slices.IndexFunc(x, func(e any) bool { return isAt(e, p[0]) })
		if n < 0 {
			return v
		}
		if now := removeAt(x[n], p[1:]); now == nil {
			x = slices.Delete(x, n, n+1)
		} else {
			x[n] = now
		}
		if len(x) == 0 {
			return nil
		}
		return x
	}
	return v
}

// isThere reports whether a tree has a field. A key that the API server fills in may be
// missing in an element of a list.
func isThere(v any, p fieldpath.Path) bool {
	for _, at := range p {
		switch x := v.(type) {
		case map[string]any:
			if at.FieldName == nil {
				return false
			}
			v = x[*at.FieldName]
		case []any:
			n := slices.IndexFunc(x, func(e any) bool { return isAt(e, at) })
			if n < 0 {
				return false
			}
			v = x[n]
		default:
			return false
		}
	}
	return v != nil
}

// isAt reports whether an element of a list is the one that a step of a path means.
func isAt(e any, at fieldpath.PathElement) bool {
	switch {
	case at.Value != nil:
		return fmt.Sprint(e) == fmt.Sprint((*at.Value).Unstructured())
	case at.Key == nil:
		return false
	}
	m := object2(e)
	for _, k := range *at.Key {
		if v, is := m[k.Name]; is && fmt.Sprint(v) != fmt.Sprint(k.Value.Unstructured()) {
			return false
		}
	}
	return m != nil
}

// Adopt hands what kubectl has applied over to the manager of what was rehearsed. Only
// managedFields is written, and only if the object is as it was rehearsed: it has to be
// rehearsed again then. The error is as Apply's.
func (a Applier) Adopt(ctx context.Context, r model.Rehearsed, tell func(model.Progress)) error {
	c := a.c
	to, err := c.resourceOf(ctx, r.Object)
	if err != nil {
		return c.refusal(r.Object.String(), "applied", notSent{err})
	}
	c.writing.Add(1)
	defer c.writing.Add(-1)
	err = c.patiently(ctx, tell, func() error {
		_, err := c.sendWrite(ctx, call{method: http.MethodPatch, path: to.path(r.Object), query: url.Values{"fieldManager": {r.Manager}},
			body: r.Adopts, kind: "application/json-patch+json", want: r.Kind, limit: writeLimit})
		return err
	})
	switch {
	case err == nil:
		return nil
	case apierrors.IsConflict(err), gone(err, r.Name):
		return model.Told(model.ErrChanged, err, "%s was not applied: %s", r.Object, text.Line(words(err)))
	}
	return c.refusal(r.Object.String(), "applied", err)
}
