package redeploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// written returns an object without what the API server and its controllers say of it.
func written(o map[string]any) map[string]any {
	out := maps.Clone(o)
	delete(out, "status")
	meta, _ := out["metadata"].(map[string]any)
	meta = maps.Clone(meta)
	for _, k := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"} {
		delete(meta, k)
	}
	if notes, ok := meta["annotations"].(map[string]any); ok {
		notes = maps.Clone(notes)
		maps.DeleteFunc(notes, func(k string, _ any) bool {
			return strings.HasPrefix(k, "deployment.kubernetes.io/") || k == lastApplied
		})
		if meta["annotations"] = notes; len(notes) == 0 {
			delete(meta, "annotations")
		}
	}
	if out != nil {
		out["metadata"] = meta
	}
	return out
}

// lastApplied is how kubectl keeps what it applied: it tells nothing that is not there.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// differing returns the JSON pointers of what differs between two trees. A list counts as
// one value.
func differing(at string, a, b map[string]any) (out []string) {
	keys := map[string]bool{}
	for _, m := range []map[string]any{a, b} {
		for k := range m {
			keys[k] = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		x, y := a[k], b[k]
		if reflect.DeepEqual(x, y) {
			continue
		}
		here := at + "/" + escape.Replace(k)
		mx, okx := x.(map[string]any)
		my, oky := y.(map[string]any)
		if okx && oky {
			out = append(out, differing(here, mx, my)...)
			continue
		}
		out = append(out, here)
	}
	return out
}

// leaves returns the JSON pointers of what a tree sets.
func leaves(at string, a map[string]any) (out []string) {
	for _, k := range slices.Sorted(maps.Keys(a)) {
		here := at + "/" + escape.Replace(k)
		if m, ok := a[k].(map[string]any); ok && len(m) > 0 {
			out = append(out, leaves(here, m)...)
			continue
		}
		out = append(out, here)
	}
	return out
}

// hashAt returns a hash over the values at some JSON pointers.
func hashAt(o map[string]any, paths []string) string {
	values := make([]any, 0, 2*len(paths))
	for _, p := range paths {
		values = append(values, p, valueAt(o, p))
	}
	return model.Digest(values...)
}

func valueAt(o map[string]any, path string) any {
	var v any = o
	for _, k := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(k)]
	}
	return v
}

// changed returns what a rehearsed apply writes, by hashes; nil when it changes nothing.
func changed(r model.Rehearsed) (*object, error) {
	live, err := ways.Tree(r.Live)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", r.Object, err)
	}
	after, err := ways.Tree(r.After)
	if err != nil {
		return nil, fmt.Errorf("the dry run of %s cannot be read: %w", r.Object, err)
	}
	out := &object{Object: r.Object, Takes: r.Conflicts}
	now, then := written(live), written(after)
	if live == nil || r.Immutable {
		// What the API server fills in may come out otherwise the next time.
		sent, err := ways.Tree(r.Raw)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", r.Object, err)
		}
		out.Paths = leaves("", written(sent))
		if live != nil {
			out.UID, out.Orphan, out.From = ways.UID(r.Live), r.Anew.Orphan, hashAt(now, out.Paths)
		}
	} else if out.Paths = differing("", now, then); len(out.Paths) == 0 {
		return nil, nil
	} else {
		out.From = hashAt(now, out.Paths)
	}
	out.To = hashAt(then, out.Paths)
	return out, nil
}

// makes reports whether there is a new object afterwards.
func (o *object) makes() bool { return o.UID != "" || o.From == "" }

// between reports whether an object that is deleted and made anew is deleted, and not there.
func (o *object) between(raw json.RawMessage) bool {
	return o.UID != "" && (raw == nil || ways.UID(raw) == o.UID && ways.Deleting(raw))
}

// stands says how an object stands to what was planned for it: as before, as planned, or
// neither. One that is between both was begun.
func (o *object) stands(raw json.RawMessage) (model.Settled, error) {
	if raw == nil {
		if o.From == "" {
			return model.SettledNot, nil
		}
		return model.SettledForeign, nil
	}
	live, err := ways.Tree(raw)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", o.Object, err)
	}
	same := o.UID != "" && ways.UID(raw) == o.UID
	switch is := hashAt(written(live), o.Paths); {
	case is == o.To && !same:
		return model.SettledDone, nil
	case is == o.From && (o.UID == "" || same):
		return model.SettledNot, nil
	}
	return model.SettledForeign, nil
}

// step matches one step of a field's path, as managedFields have it: .image, [name="api"],
// [containerPort=8080,protocol="TCP"].
var step = text.Pattern(`^(?:\.([^.\[]+)|\[((?:[^"\]]|"(?:[^"\\]|\\.)*")*)\])`)

// key matches one key of an element of a list, and its value.
var key = text.Pattern(`([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^,]*)`)

// has reports whether an object has a field.
func has(o map[string]any, field string) bool {
	var v any = o
	for field != "" {
		m := step().FindStringSubmatch(field)
		if m == nil {
			return v != nil // of a set, or by number: its list is there
		}
		field = field[len(m[0]):]
		if m[1] != "" {
			in, _ := v.(map[string]any)
			v = in[m[1]]
			continue
		}
		in, _ := v.([]any)
		v = nil
		for _, x := range in {
			if e, ok := x.(map[string]any); ok && isElement(e, m[2]) {
				v = e
			}
		}
	}
	return v != nil
}

// isElement reports whether an element of a list has the keys of a path's step. What the
// API server fills in, such as a protocol, may be missing in a manifest.
func isElement(e map[string]any, keys string) bool {
	for _, k := range key().FindAllStringSubmatch(keys, -1) {
		if v, is := e[k[1]]; is && fmt.Sprint(v) != strings.Trim(k[2], `"`) {
			return false
		}
	}
	return true
}
