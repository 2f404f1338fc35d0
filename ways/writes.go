package ways

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollbook/model"
)

// Objects reads and changes objects of the cluster.
type Objects interface {
	// Read returns an object, and who wrote it last; nil when it is not there.
	Read(ctx context.Context, o model.Object) (raw json.RawMessage, writer string, err error)
	// Patch changes an object by a JSON patch, once. The error is model.ErrChanged,
	// ErrRefused, ErrReadOnly or ErrLost.
	Patch(ctx context.Context, o model.Object, was, patch json.RawMessage, tell func(model.Progress)) (json.RawMessage, error)
}

// Tree decodes an object with its numbers as they are written; nil for none.
func Tree(raw json.RawMessage) (map[string]any, error) {
	if raw == nil {
		return nil, nil
	}
	var v map[string]any
	err := Decode(raw, &v)
	return v, err
}

// Decode reads JSON with its numbers as they are written.
func Decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}

var escape, unescape = strings.NewReplacer("~", "~0", "/", "~1"), strings.NewReplacer("~1", "/", "~0", "~")

// Pointer returns the JSON pointer to a field, by its names from the top.
func Pointer(names ...string) string {
	out := ""
	for _, n := range names {
		out += "/" + escape.Replace(n)
	}
	return out
}

// At returns the value at a JSON pointer; nil for none. A list is one value.
func At(o map[string]any, pointer string) any {
	var v any = o
	for _, k := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[unescape.Replace(k)]
	}
	return v
}

// Field is a value in an object that a write changes; a value of nil is none.
type Field struct {
	Path     string // JSON pointer
	From, To any
	// Moves says that others change it by themselves: it need not be From when it is
	// written.
	Moves bool
	// Beside says that it tells nothing of whether the write was done.
	Beside bool
}

// Change is what becomes of one object.
type Change struct {
	model.Object
	Raw    json.RawMessage // as it was read; nil = it is not there, and is made
	Gone   bool            // it is deleted
	Fields []Field         // of one that is made, those that tell it from another
}

// Changed keeps a Change in a plan: what is written, by hashes.
type Changed struct {
	model.Object
	UID   string   `json:"uid,omitempty"`  // "" = it is made by it
	Gone  bool     `json:"gone,omitempty"` // it is deleted by it
	Free  []string `json:"free,omitempty"` // JSON pointers of what is To when it was done, whatever it was before
	Paths []string `json:"paths"`          // JSON pointers of what is From before and To after
	From  string   `json:"from"`
	To    string   `json:"to"`
}

// Kept returns what a plan keeps of the change.
func (c *Change) Kept() Changed {
	out := Changed{Object: c.Object, UID: UID(c.Raw), Gone: c.Gone}
	var from, to []any
	for _, f := range c.Fields {
		switch {
		case f.Beside:
			continue
		case f.Moves:
			out.Free = append(out.Free, f.Path)
		default:
			out.Paths, from = append(out.Paths, f.Path), append(from, f.Path, f.From)
		}
	}
	for _, path := range append(slices.Clone(out.Paths), out.Free...) {
		at := slices.IndexFunc(c.Fields, func(f Field) bool { return f.Path == path })
		to = append(to, path, c.Fields[at].To)
	}
	out.From, out.To = model.Digest(from...), model.Digest(to...)
	return out
}

// Stands says how an object stands to what was planned for it: as before, as planned, or
// neither. One that was made again under its name is neither.
func (c *Changed) Stands(raw json.RawMessage) (model.Settled, error) {
	switch uid := UID(raw); {
	case c.Gone && (uid != c.UID || Deleting(raw)):
		return model.SettledDone, nil
	case c.Gone, c.UID == "" && raw == nil:
		return model.SettledNot, nil
	case c.UID != "" && uid != c.UID:
		return model.SettledForeign, nil
	}
	o, err := Tree(raw)
	if err != nil {
		return model.SettledUnknown, fmt.Errorf("%s cannot be read: %w", c.Object, err)
	}
	values := func(paths []string) (out []any) {
		for _, p := range paths {
			out = append(out, p, At(o, p))
		}
		return out
	}
	switch {
	case model.Digest(values(append(slices.Clone(c.Paths), c.Free...))...) == c.To:
		return model.SettledDone, nil
	case c.UID != "" && model.Digest(values(c.Paths)...) == c.From:
		return model.SettledNot, nil
	}
	return model.SettledForeign, nil
}

// UID returns an object's UID; "" when it has none that can be read.
func UID(raw json.RawMessage) string {
	var o struct{ Metadata struct{ UID string } }
	_ = json.Unmarshal(raw, &o)
	return o.Metadata.UID
}

// Deleting reports whether an object is on its way out.
func Deleting(raw json.RawMessage) bool {
	var o struct {
		Metadata struct{ DeletionTimestamp string }
	}
	_ = json.Unmarshal(raw, &o)
	return o.Metadata.DeletionTimestamp != ""
}

// Generation returns an object's generation; 0 when it has none that can be read.
func Generation(raw json.RawMessage) int64 {
	var o struct{ Metadata struct{ Generation int64 } }
	_ = json.Unmarshal(raw, &o)
	return o.Metadata.Generation
}

// Patch returns the JSON patch. It tests all that it rests on, so that it lands on nothing
// else; a resourceVersion would be moved by each status.
func (c *Change) Patch() (json.RawMessage, error) {
	o, err := Tree(c.Raw)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", c.Object, err)
	}
	type op = map[string]any
	ops := []op{{"op": "test", "path": "/metadata/uid", "value": UID(c.Raw)}}
	var writes []op
	made := map[string]bool{}
	for _, f := range c.Fields {
		now := At(o, f.Path)
		if in := f.Path[:strings.LastIndexByte(f.Path, '/')]; !f.Moves && !f.Beside && At(o, in) != nil { // else that it stands in nothing is tested
			ops = append(ops, op{"op": "test", "path": f.Path, "value": f.From})
		}
		if f.To == nil {
			if now != nil {
				writes = append(writes, op{"op": "remove", "path": f.Path})
			}
			continue
		}
		for at := 1; ; at++ { // what it stands in, from the top
			n := strings.IndexByte(f.Path[at:], '/')
			if n < 0 {
				break
			}
			at += n
			if in := f.Path[:at]; At(o, in) == nil && !made[in] {
				made[in] = true
				ops, writes = append(ops, op{"op": "test", "path": in, "value": nil}), append(writes, op{"op": "add", "path": in, "value": op{}})
			}
		}
		writes = append(writes, op{"op": "add", "path": f.Path, "value": f.To})
	}
	return json.Marshal(append(ops, writes...))
}

// tries is how often a write is tried again that the API server refused because the
// object changed between the read and the write.
const tries = 5

// Write writes the change, again where the object changed in something else meanwhile. The
// error is as Objects.Patch has it.
func (c Change) Write(ctx context.Context, to Objects, tell func(model.Progress)) (json.RawMessage, error) {
	kept := c.Kept()
	for n := 1; ; n++ {
		patch, err := c.Patch()
		if err != nil {
			return nil, model.Told(model.ErrRefused, err, "%s was not changed: %s", c.Object, err)
		}
		out, err := to.Patch(ctx, c.Object, c.Raw, patch, tell)
		if err == nil || !errors.Is(err, model.ErrChanged) || n == tries || ctx.Err() != nil {
			return out, err
		}
		raw, writer, readErr := to.Read(ctx, c.Object)
		if readErr != nil {
			return nil, model.Told(model.ErrRefused, readErr, "%s was not changed: it could not be read again: %s", c.Object, readErr)
		}
		state, readErr := kept.Stands(raw)
		if readErr != nil {
			return nil, model.Told(model.ErrRefused, readErr, "%s was not changed: %s", c.Object, readErr)
		}
		if state != model.SettledNot {
			return nil, model.Told(model.ErrChanged, err, "%s changed since it was confirmed: by %s", c.Object, cmp.Or(writer, "somebody"))
		}
		c.Raw = raw
	}
}

// Looks says how the objects of a plan stand: done when each is as planned, and also when
// some are, since what was begun is owed: written tells which are left then.
func Looks(ctx context.Context, to Objects, all []Changed) (out model.Looked, got Written, err error) {
	foreign := ""
	for n := range all {
		raw, writer, err := to.Read(ctx, all[n].Object)
		if err != nil {
			return out, got, fmt.Errorf("%s: %w", all[n].Object, err)
		}
		state, err := all[n].Stands(raw)
		if err != nil {
			return out, got, err
		}
		switch state {
		case model.SettledDone:
			got.Done = append(got.Done, all[n].Object.String())
			if who, _, _ := strings.Cut(writer, " at "); writer != "" && !slices.Contains(strings.Split(who, " or "), Manager) {
				out.By = writer
			}
			continue
		case model.SettledForeign:
			if foreign = cmp.Or(writer, "somebody"); raw == nil {
				foreign = "somebody who deleted " + all[n].Object.String()
			} else if UID(raw) != all[n].UID {
				foreign = "somebody who deleted " + all[n].Object.String() + " and made it again"
			}
		}
		got.Left = append(got.Left, all[n].Object.String())
	}
	switch {
	case len(got.Done) > 0:
		out.State = model.SettledDone
		if len(got.Left) > 0 {
			got.Stopped = "it was cut short"
		}
	case foreign != "":
		out = model.Looked{State: model.SettledForeign, By: foreign}
	default:
		out.State = model.SettledNot
	}
	return out, got, nil
}

// Differing returns the fields in which two objects differ, but for what the API server
// and its controllers say of them.
func Differing(a, b map[string]any) []Field {
	var out []Field
	var walk func(at string, a, b map[string]any)
	walk = func(at string, a, b map[string]any) {
		keys := map[string]bool{}
		for _, m := range []map[string]any{a, b} {
			for k := range m {
				keys[k] = true
			}
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			here := at + Pointer(k)
			if at == "" && k == "status" || at == "/metadata" && slices.Contains([]string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"}, k) {
				continue
			}
			x, y := a[k], b[k]
			mx, okx := x.(map[string]any)
			my, oky := y.(map[string]any)
			// Labels and annotations are added to one by one.
			each := at == "/metadata" && (k == "labels" || k == "annotations") && (okx || oky)
			switch {
			case okx && oky, each:
				walk(here, mx, my)
			case model.Digest(x) != model.Digest(y):
				out = append(out, Field{Path: here, From: x, To: y})
			}
		}
	}
	walk("", a, b)
	return out
}
