package store

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

type typeConverter = managedfields.TypeConverter

type managerKey struct{ gr, sub string }

// manager keeps the managedFields of one kind's objects, written as a whole or
// by one of their parts.
type manager struct {
	r      *Resource
	fields *managedfields.FieldManager
}

// manager returns the one for a kind and a part. The caller holds the lock.
func (s *Store) manager(r *Resource, sub string) (*manager, error) {
	k := managerKey{r.GR().String(), sub}
	if m := s.managers[k]; m != nil {
		return m, nil
	}
	gv := r.GV()
	f, err := managedfields.NewDefaultFieldManager(converter(), asIs{}, asIs{}, asIs{}, r.GVK(), gv, sub, r.untouched(sub))
	if err != nil {
		return nil, err
	}
	m := &manager{r: r, fields: f}
	s.managers[k] = m
	return m, nil
}

// untouched are the fields that a write of a part cannot own.
func (r *Resource) untouched(sub string) map[fieldpath.APIVersion]fieldpath.Filter {
	var set *fieldpath.Set
	switch {
	case !r.Has("status"):
		return nil
	case sub == "status":
		set = fieldpath.NewSet(fieldpath.MakePathOrDie("spec"), fieldpath.MakePathOrDie("metadata", "labels"))
	default:
		set = fieldpath.NewSet(fieldpath.MakePathOrDie("status"))
	}
	return map[fieldpath.APIVersion]fieldpath.Filter{fieldpath.APIVersion(r.GV().String()): fieldpath.NewExcludeSetFilter(set)}
}

// empty is what the first write of an object is compared with.
func (m *manager) empty() *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(m.r.GVK())
	return o
}

// update returns o with managedFields that tell what by changed of old.
func (m *manager) update(old, o *unstructured.Unstructured, by string, now time.Time) *unstructured.Unstructured {
	out, ok := m.fields.UpdateNoErrors(old, o, by).(*unstructured.Unstructured)
	if !ok {
		return o
	}
	date(old, out, now)
	return out
}

// apply merges a configuration into old.
func (m *manager) apply(old, patch *unstructured.Unstructured, by string, force bool, now time.Time) (*unstructured.Unstructured, error) {
	merged, err := m.fields.Apply(old, patch, by, force)
	if err != nil {
		return nil, err
	}
	out, ok := merged.(*unstructured.Unstructured)
	if !ok {
		return old, nil
	}
	out = out.DeepCopy() // it shares parts with old
	date(old, out, now)
	return out, nil
}

// date puts the store's time in place of the wall's, which the field manager
// asks for by itself: in entries that this write made or renewed.
func date(old, o *unstructured.Unstructured, now time.Time) {
	before := old.GetManagedFields()
	after := o.GetManagedFields()
	at := metav1.NewTime(now.UTC()).Rfc3339Copy()
	for i := range after {
		if !known(before, &after[i]) {
			after[i].Time = &at
		}
	}
	slices.SortFunc(after, byTime)
	o.SetManagedFields(after)
}

// byTime is the order in which the field manager leaves the entries; the dates
// that it gave them were others.
func byTime(a, b metav1.ManagedFieldsEntry) int {
	return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(seconds(a.Time), seconds(b.Time)), cmp.Compare(a.Manager, b.Manager),
		cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Subresource, b.Subresource))
}

func seconds(t *metav1.Time) int64 {
	if t == nil {
		return 0
	}
	return t.Unix()
}

func known(entries []metav1.ManagedFieldsEntry, e *metav1.ManagedFieldsEntry) bool {
	for i := range entries {
		k := &entries[i]
		if k.Manager == e.Manager && k.Operation == e.Operation && k.Subresource == e.Subresource && k.Time.Equal(e.Time) {
			return true
		}
	}
	return false
}

// asIs converts, defaults and creates nothing: there is one version of each
// kind here, and the defaults were filled in before.
type asIs struct{}

func (asIs) Convert(_, _, _ any) error { return nil }
func (asIs) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}
func (asIs) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}
func (asIs) Default(runtime.Object) {}
func (asIs) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(kind)
	return o, nil
}
