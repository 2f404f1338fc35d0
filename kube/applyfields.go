package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"rollbook/model"
	"rollbook/text"
)

func fieldsOf(e *metav1.ManagedFieldsEntry) *fieldpath.Set {
	set := &fieldpath.Set{}
	if e.FieldsV1 == nil || set.FromJSON(bytes.NewReader(e.FieldsV1.GetRawBytes())) != nil {
		return fieldpath.NewSet()
	}
	return set
}

// applied returns the fields that a manager owns by server-side apply.
func applied(entries []metav1.ManagedFieldsEntry, manager string) *fieldpath.Set {
	ours := fieldpath.NewSet()
	for i := range entries {
		if e := &entries[i]; e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			ours = ours.Union(fieldsOf(e))
		}
	}
	return ours
}

// owns reports whether a manager owns a field by server-side apply.
func owns(entries []metav1.ManagedFieldsEntry, manager string, field ...any) bool {
	p, err := fieldpath.MakePath(field...)
	return err == nil && applied(entries, manager).Has(p)
}

// clientSideApply is the manager of kubectl apply without --server-side.
const clientSideApply = "kubectl-client-side-apply"

// leftover returns the fields of an object that people and programs have set that deploy,
// and that a manager's apply does not have: a server-side apply removes no field of
// others. Labels and annotations are left out, which many set.
func leftover(entries []metav1.ManagedFieldsEntry, manager string) (out []model.Owned) {
	ours := applied(entries, manager)
	for i := range entries {
		e := &entries[i]
		if e.Subresource != "" || e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply || e.Manager == "kube-controller-manager" {
			continue
		}
		for _, p := range outside(fieldsOf(e), ours) {
			if f := p[0].FieldName; f == nil || *f == "metadata" || *f == "status" {
				continue
			}
			out = append(out, model.Owned{Manager: text.Line(e.Manager), Field: text.Line(p.String()),
				Applies: e.Operation == metav1.ManagedFieldsOperationApply || e.Manager == clientSideApply})
		}
	}
	return out
}

// outside returns the fields of a set that another one has nothing of. An element of a
// list of which it has nothing stands there as a whole.
func outside(of, ours *fieldpath.Set) (out []fieldpath.Path) {
	seen := map[string]bool{}
	of.Difference(ours).Leaves().Iterate(func(p fieldpath.Path) {
		if !below(ours, p).Empty() {
			return // it holds what is ours
		}
		for n := range p {
			if p[n].Key != nil && !ours.Has(p[:n+1]) && below(ours, p[:n+1]).Empty() {
				p = p[:n+1]
				break
			}
		}
		if s := p.String(); !seen[s] {
			seen[s] = true
			out = append(out, p.Copy())
		}
	})
	return out
}

// below returns the fields of a set that lie within a field.
func below(set *fieldpath.Set, p fieldpath.Path) *fieldpath.Set {
	for _, e := range p {
		set = set.WithPrefix(e)
	}
	return set
}

// changesOfObject says what an apply changes, values only where they are known not to be
// secret. live is nil for an object that is not there yet.
func changesOfObject(o model.Object, live, after *object, was, will json.RawMessage) ([]model.Change, error) {
	if live == nil {
		return []model.Change{{Kind: "object", What: o.String(), From: "not there", To: "new"}}, nil
	}
	var out []model.Change
	a, errA := tree(was)
	b, errB := tree(will)
	if errA != nil || errB != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", o, errA)
	}
	from, to := object2(a), object2(b)
	if live.template() != nil && after.template() != nil {
		var err error
		if out, err = diff(live.template(), after.template()); err != nil {
			return nil, err
		}
		delete(object2(from["spec"]), "template")
		delete(object2(to["spec"]), "template")
	}
	metaA, metaB := object2(from["metadata"]), object2(to["metadata"])
	d := &differ{}
	for _, kind := range []string{"label", "annotation"} {
		d.strings(kind, notControllers(metaA[kind+"s"]), notControllers(metaB[kind+"s"]), "")
	}
	secret := o.Kind == "Secret" || o.Kind == "ConfigMap"
	for _, x := range []map[string]any{from, to} {
		for _, key := range []string{"metadata", "status", "apiVersion", "kind"} {
			delete(x, key)
		}
	}
	d.values("", from, to, secret)
	return append(out, d.out...), nil
}

// notControllers returns labels or annotations without those of controllers.
func notControllers(v any) map[string]any {
	out := maps.Clone(object2(v))
	maps.DeleteFunc(out, func(k string, _ any) bool {
		return strings.HasPrefix(k, "deployment.kubernetes.io/") || k == annLastApplied
	})
	return out
}

// values compares two trees of values, key by key.
func (d *differ) values(at string, from, to map[string]any, secret bool) {
	for _, k := range union(from, to) {
		x, y := from[k], to[k]
		if reflect.DeepEqual(x, y) {
			continue
		}
		what := strings.TrimPrefix(at+"."+k, ".")
		mx, okx := x.(map[string]any)
		my, oky := y.(map[string]any)
		if okx && oky {
			d.values(what, mx, my, secret)
			continue
		}
		d.add("other", what, shownValue(x, secret, false), shownValue(y, secret, x != nil))
	}
}

// shownValue puts a value into words: plain ones only where they are no secret.
func shownValue(v any, secret, changed bool) string {
	switch v := v.(type) {
	case nil:
		return ""
	case map[string]any, []any:
	default:
		if !secret {
			return fmt.Sprint(v)
		}
	}
	if changed {
		return model.LiteralChanged
	}
	return model.Literal
}
