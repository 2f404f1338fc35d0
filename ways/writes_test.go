package ways

import (
	"encoding/json"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"rollbook/model"
)

// patched applies the change to an object as it is now.
func patched(t *testing.T, c Change, now string) (string, error) {
	t.Helper()
	raw, err := c.Patch()
	if err != nil {
		t.Fatal(err)
	}
	p, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Apply([]byte(now))
	return string(out), err
}

func TestPatchLandsOnNothingElse(t *testing.T) {
	const was = `{"metadata":{"uid":"u1","resourceVersion":"7"},"spec":{"replicas":3}}`
	c := Change{Object: model.Object{Kind: "Deployment", Name: "api"}, Raw: json.RawMessage(was), Fields: []Field{
		{Path: "/spec/replicas", From: json.Number("3"), To: json.Number("0")},
		{Path: Pointer("metadata", "labels", "rollbook/owes.scale"), To: "3"},
		{Path: Pointer("metadata", "annotations", "rollbook/owes.scale"), To: "said", Beside: true},
	}}
	kept := c.Kept()
	done, err := patched(t, c, was)
	const want = `{"metadata":{"annotations":{"rollbook/owes.scale":"said"},"labels":{"rollbook/owes.scale":"3"},"resourceVersion":"7","uid":"u1"},"spec":{"replicas":0}}`
	if err != nil || done != want {
		t.Fatalf("%s (%v)", done, err)
	}
	for _, x := range []struct {
		now  string
		want model.Settled
		ok   bool // the patch lands
	}{
		{was, model.SettledNot, true},
		{`{"metadata":{"uid":"u1","resourceVersion":"8"},"spec":{"replicas":3},"status":{}}`, model.SettledNot, true},
		{done, model.SettledDone, false},
		{`{"metadata":{"uid":"u1","labels":{"rollbook/owes.scale":"3"}},"spec":{"replicas":0}}`, model.SettledDone, false}, // an undo took the annotation
		{`{"metadata":{"uid":"u1"},"spec":{"replicas":4}}`, model.SettledForeign, false},
		{`{"metadata":{"uid":"u2"},"spec":{"replicas":3}}`, model.SettledForeign, false},
		{`{"metadata":{"uid":"u1","labels":{"a":"b"}},"spec":{"replicas":3}}`, model.SettledNot, false}, // read again, it lands
	} {
		if got, err := kept.Stands(json.RawMessage(x.now)); err != nil || got != x.want {
			t.Errorf("%s stands as %q (%v), want %q", x.now, got, err, x.want)
		}
		if _, err := patched(t, c, x.now); (err == nil) != x.ok {
			t.Errorf("%s: %v", x.now, err)
		}
	}
	if got, err := kept.Stands(nil); err != nil || got != model.SettledForeign {
		t.Errorf("one that is gone stands as %q (%v)", got, err)
	}
	c.Fields[0].Moves = true
	kept = c.Kept()
	moved := `{"metadata":{"uid":"u1"},"spec":{"replicas":4}}`
	if got, err := kept.Stands(json.RawMessage(moved)); err != nil || got != model.SettledNot {
		t.Errorf("moved by an autoscaler it stands as %q (%v)", got, err)
	}
	if got, err := kept.Stands(json.RawMessage(`{"metadata":{"uid":"u1","labels":{"rollbook/owes.scale":"3"}},"spec":{"replicas":4}}`)); err != nil || got != model.SettledForeign {
		t.Errorf("marked and moved it stands as %q (%v)", got, err)
	}
	if _, err := patched(t, c, moved); err != nil {
		t.Error(err)
	}
}

func TestChangeTakesAway(t *testing.T) {
	const was = `{"metadata":{"uid":"u1","labels":{"rollbook/owes.scale":"3","team":"shop"},"annotations":{"rollbook/owes.scale":"said"}},"spec":{"replicas":1}}`
	c := Change{Raw: json.RawMessage(was), Fields: []Field{
		{Path: "/spec/replicas", From: json.Number("1"), To: json.Number("3")},
		{Path: Pointer("metadata", "labels", "rollbook/owes.scale"), From: "3"},
		{Path: Pointer("metadata", "annotations", "rollbook/owes.scale"), Beside: true},
		{Path: Pointer("metadata", "annotations", "not/there"), Beside: true},
	}}
	if got, err := patched(t, c, was); err != nil || got != `{"metadata":{"annotations":{},"labels":{"team":"shop"},"uid":"u1"},"spec":{"replicas":3}}` {
		t.Errorf("%s (%v)", got, err)
	}
}
