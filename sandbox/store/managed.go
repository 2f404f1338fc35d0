package store

import (
	"cmp"
	"maps"
	"slices"
	"time"

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
	before, after := entriesOf(old), entriesOf(o)
	at := now.UTC().Format(time.RFC3339)
	for _, e := range after {
		if !known(before, e) {
			e["time"] = at
		}
	}
	slices.SortFunc(after, byTime)
	if len(after) == 0 {
		return
	}
	all := make([]any, len(after))
	for i, e := range after {
		all[i] = map[string]any(e)
	}
	o.Object["metadata"].(map[string]any)["managedFields"] = all
}

// entry is one of an object's managedFields as it is stored: made into Go's type
// and back, its field set would be encoded anew each time.
type entry map[string]any

// entriesOf returns an object's managedFields; they are the object's own.
func entriesOf(o *unstructured.Unstructured) []entry {
	meta, _ := o.Object["metadata"].(map[string]any)
	all, _ := meta["managedFields"].([]any)
	out := make([]entry, 0, len(all))
	for _, e := range all {
		if e, ok := e.(map[string]any); ok {
			out = append(out, e)
		}
	}
	return out
}

func (e entry) text(key string) string {
	s, _ := e[key].(string)
	return s
}

// byTime is the order in which the field manager leaves the entries; the dates
// that it gave them were others. Dates are stored alike, so that they compare as
// they are written.
func byTime(a, b entry) int {
	for _, key := range []string{"operation", "time", "manager", "apiVersion", "subresource"} {
		if d := cmp.Compare(a.text(key), b.text(key)); d != 0 {
			return d
		}
	}
	return 0
}

// known says whether a write left an entry as it was.
func known(before []entry, e entry) bool {
	return slices.ContainsFunc(before, func(k entry) bool {
		for _, key := range []string{"manager", "operation", "subresource", "time"} {
			if k.text(key) != e.text(key) {
				return false
			}
		}
		return true
	})
}

// timeless returns entries without their times.
func timeless(all []entry) []entry {
	out := make([]entry, len(all))
	for i, e := range all {
		out[i] = maps.Clone(e)
		delete(out[i], "time")
	}
	return out
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
