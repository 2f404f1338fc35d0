package redeploy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"rollbook/model"
	"rollbook/ways"
	"rollbook/ways/redeploy"
)

const costs = "its pods end at once"

// remade is a world whose Deployment can only be deleted and made anew.
func remade(t *testing.T) (*world, redeploy.Redeploy, model.Plan) {
	t.Helper()
	w := newWorld(t)
	w.anew = map[string]*model.Anew{"deployment/api": {Costs: costs}}
	m := w.method()
	return w, m, w.plan(t, m, "1.41.0")
}

// What cannot be changed is deleted and made anew only where that was confirmed in words of
// its own; the line that tells it blocks.
func TestRemake(t *testing.T) {
	for name, orphan := range map[string]bool{"its pods end": false, "its pods stay": true} {
		t.Run(name, func(t *testing.T) {
			w, m, _ := remade(t)
			w.anew["deployment/api"].Orphan = orphan
			pf := w.preflight(t, m, w.version("1.41.0"))
			p := pf.Plans[0]
			cascade := map[bool]string{false: "delete deployment/api --cascade=background", true: "delete deployment/api --cascade=orphan"}[orphan]
			if p.Sentence != "delete deployment/api" || !strings.HasSuffix(p.Title, "2 objects change; deleted and made anew: deployment/api") || !strings.Contains(p.Command, cascade+" && ") {
				t.Errorf("%+v", p)
			}
			if ch := check(t, pf, "anew:deployment/api"); ch.State != model.CheckBlocked || ch.Hard || !strings.Contains(ch.Text, "deployment/api is deleted and made anew: "+costs) || !strings.Contains(ch.Do, "“delete deployment/api”") || !strings.Contains(ch.Text, "field is immutable") {
				t.Errorf("%+v", ch)
			}
			r, err := m.Do(t.Context(), p, nil)
			want := []string{"configmap/flags", map[bool]string{false: "delete deployment/api orphan=false", true: "delete deployment/api orphan=true"}[orphan], "deployment/api"}
			if err != nil || !slices.Equal(w.applied, want) || r.Text != "2 objects applied: configmap/flags, deployment/api" {
				t.Fatalf("%v, %+v, %v", w.applied, r, err)
			}
			if got, err := m.Look(t.Context(), p); err != nil || got.State != model.SettledDone || got.By != "" || strings.Contains(got.Receipt.Text, "left") {
				t.Errorf("%+v (%v)", got, err)
			}
			// The board shows the old one, then none, and then the new one.
			c := component("shop/api:1.42.0")
			for what, set := range map[string]func(){"the old one": func() {}, "none": func() { c.Missing = model.NotFound }} {
				set()
				if got := m.Judge(c, &p, &r); got.Phase != model.PhaseUnknown || !strings.HasPrefix(got.Text, "waiting for the cluster") {
					t.Errorf("%s: %+v", what, got)
				}
			}
			c = component("shop/api:1.41.0")
			c.UID, c.Generation, c.Observed, c.TemplateHash = ways.UID(w.objects["deployment/api"]), 99, 99, model.Digest("shop/api:1.41.0")
			if got := m.Judge(c, &p, &r); got.Phase != model.PhaseFinished {
				t.Errorf("%+v", got)
			}
			if _, err := m.Do(t.Context(), p, nil); !errors.Is(err, model.ErrChanged) || len(w.applied) != 3 {
				t.Errorf("done twice: %v, %v", err, w.applied)
			}
		})
	}
}

// Whatever comes between the deletion and the making leaves an object that is told as
// deleted, also by a look; the next plan makes it anew.
func TestDeletedAndNotMadeAnew(t *testing.T) {
	const gone = "deleted and not made anew, it is not there: deployment/api; left: deployment/api"
	for name, c := range map[string]struct {
		set  func(w *world)
		kind error // nil = it has a receipt
		says string
	}{
		"refused": {func(w *world) {
			w.fails["deployment/api"] = model.Told(model.ErrRefused, nil, "deployment/api was not applied: quota")
		}, nil, "1 of 2 objects applied: configmap/flags; deployment/api was not applied: quota; " + gone},
		"no answer to the making": {func(w *world) { w.fails["deployment/api"] = model.Told(model.ErrLost, nil, "no answer") }, model.ErrLost,
			"no answer; 1 of 2 objects applied before it; deleted and not made anew, it is not there: deployment/api"},
		"no answer to the deletion": {func(w *world) { w.fails["deleted deployment/api"] = model.Told(model.ErrLost, nil, "no answer") }, model.ErrLost, "no answer; 1 of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			w, m, p := remade(t)
			c.set(w)
			r, err := m.Do(t.Context(), p, nil)
			if said := r.Text; err != nil {
				if !errors.Is(err, c.kind) || c.kind == nil || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("%v", err)
				}
			} else if said != c.says {
				t.Fatalf("%q", said)
			}
			looked, err := w.method().Look(t.Context(), p)
			if err != nil || looked.State != model.SettledDone || !strings.HasSuffix(looked.Receipt.Text, gone) {
				t.Fatalf("%+v (%v)", looked, err)
			}
			missing := component("")
			missing.Missing = model.NotFound
			got := m.Judge(missing, &p, looked.Receipt)
			if got.Phase != model.PhaseFailed || !got.Left || !strings.Contains(got.Text, gone) {
				t.Errorf("%+v", got)
			}
			// What was confirmed before is not done any more; it is planned anew.
			clear(w.fails)
			w.applied = nil
			if _, err := m.Do(t.Context(), p, nil); !errors.Is(err, model.ErrChanged) || len(w.applied) > 0 {
				t.Errorf("%v, %v", err, w.applied)
			}
			var pf model.Preflight
			m.Plan(t.Context(), missing, w.version("1.41.0"), func(p model.Preflight) { pf = p })
			if len(pf.Plans) != 1 || pf.Plans[0].Sentence != "" {
				t.Fatalf("%+v", pf)
			}
			if r, err = m.Do(t.Context(), pf.Plans[0], nil); err != nil || !slices.Equal(w.applied, []string{"deployment/api"}) || r.Text != "deployment/api applied" {
				t.Errorf("%v, %+v (%v)", w.applied, r, err)
			}
			if got := m.Judge(missing, &pf.Plans[0], &r); got.Phase != model.PhaseUnknown {
				t.Errorf("the board is older than the write: %+v", got)
			}
		})
	}
}

// What does not go is waited for, and not made anew over it.
func TestDeletedAndStays(t *testing.T) {
	w, m, p := remade(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.stays = cancel
	r, err := m.Do(ctx, p, nil)
	if err != nil || !strings.Contains(r.Text, "deployment/api was deleted and was not gone in time: something holds it; deleted and not made anew") || slices.Contains(w.applied, "deployment/api") {
		t.Errorf("%+v (%v), %v", r, err, w.applied)
	}
	if looked, err := m.Look(t.Context(), p); err != nil || looked.State != model.SettledDone || !strings.HasSuffix(looked.Receipt.Text, "left: deployment/api") {
		t.Errorf("%+v (%v)", looked, err)
	}
}

// What changed since the confirmation is not deleted.
func TestRemakeOfWhatChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		kind   error
		says   string
	}{
		"another one of that name": {func(w *world) {
			w.objects["deployment/api"] = []byte(strings.Replace(string(w.objects["deployment/api"]), `"uid":"u-`, `"uid":"v-`, 1))
		}, model.ErrChanged, "deployment/api changed since it was confirmed"},
		"its fields": {func(w *world) {
			w.objects["deployment/api"] = []byte(strings.Replace(string(w.objects["deployment/api"]), "shop/api:1.42.0", "shop/api:9", 1))
		}, model.ErrChanged, "deployment/api changed since it was confirmed"},
		"its pods would end now": {func(w *world) { w.anew["deployment/api"].Orphan = true }, model.ErrChanged, "deployment/api changed"},
		"it can be changed":      {func(w *world) { clear(w.anew) }, model.ErrChanged, "deployment/api changed"},
		"it may not be any more": {func(w *world) { w.anew["deployment/api"].Never = "it has finalizers" }, model.ErrRefused, "field is immutable"},
		"it is gone":             {func(w *world) { delete(w.objects, "deployment/api") }, model.ErrChanged, "deployment/api is gone"},
	} {
		w, m, p := remade(t)
		c.change(w)
		if _, err := m.Do(t.Context(), p, nil); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || len(w.applied) > 0 {
			t.Errorf("%s: %v, %v", name, err, w.applied)
		}
	}
}

// Each right is told before, and what is never deleted.
func TestRemakeIsBlocked(t *testing.T) {
	for verb, id := range map[string]string{"delete": "access.delete", "create": "access.create"} {
		w, m, _ := remade(t)
		w.mayNot = verb + " deployment/api"
		if ch := check(t, w.preflight(t, m, w.version("1.41.0")), id); ch.State != model.CheckBlocked || !ch.Hard {
			t.Errorf("%s: %+v", verb, ch)
		}
	}
	w, m, _ := remade(t)
	w.anew["deployment/api"].Never = "it has finalizers"
	pf := w.preflight(t, m, w.version("1.41.0"))
	if ch := check(t, pf, "dryrun:deployment/api"); ch.State != model.CheckBlocked || !ch.Hard || !strings.Contains(ch.Text, "it has finalizers") {
		t.Errorf("%+v", ch)
	}
	if p := pf.Plans[0]; p.Sentence != "" || strings.Contains(p.Command, "delete") {
		t.Errorf("%+v", p)
	}
}
