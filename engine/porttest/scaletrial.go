package porttest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

// scaled is as much of an object as scaling changes.
type scaled struct {
	Metadata struct {
		UID                 string
		Labels, Annotations map[string]string
	}
	Spec map[string]any
}

// asIs returns what a person or a manifest has set of an object: all but what the API
// server and the controllers say of it.
func (b *Bed) asIs(t *testing.T, at string) string {
	t.Helper()
	o := &scaled{}
	b.ask(t, http.MethodGet, at, "", "", o)
	for k := range o.Metadata.Annotations {
		if strings.HasPrefix(k, "deployment.kubernetes.io/") || k == "deprecated.daemonset.template.generation" {
			delete(o.Metadata.Annotations, k)
		}
	}
	return fmt.Sprint(o.Metadata.UID, o.Metadata.Labels, o.Metadata.Annotations, o.Spec)
}

// scaleTrial has a workload with two replicas.
func scaleTrial(t *testing.T, b *Bed, kind model.Kind) *Trial {
	t.Helper()
	w, seen := b.made(t, kind)
	at := path(w.Namespace, kind.Resource(), w.Name)
	x := b.trial(t, w.Namespace, model.MethodScale, "")
	x.Component = func() *model.Component { return seen.get("api") }
	x.To = model.Replicas(0)
	x.State = func(t *testing.T) string { t.Helper(); return b.asIs(t, at) }
	x.Change = func(t *testing.T) {
		t.Helper()
		b.ask(t, http.MethodPatch, at+"?fieldManager="+someone, merge, `{"spec":{"replicas":3}}`, nil)
	}
	x.Changed = model.SettledForeign
	x.lacks(map[string]string{"viewer": "access.patch", "nobody": ""})
	return x
}

// hpaJSON is an HPA of api that keeps it within bounds.
const hpaJSON = `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"api","labels":{"team":"shop"}},"spec":{"minReplicas":2,"maxReplicas":5,
 "scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"api"},
 "metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]}}`

// brought does one step by a method, to its end, and returns what it was confirmed as.
func (b *Bed) brought(t *testing.T, m engine.Method, seen *board, to model.Version) model.Plan {
	t.Helper()
	var pf model.Preflight
	m.Plan(limited(t), seen.get("api"), to, func(p model.Preflight) { pf = p })
	p := planIn(t, pf)
	for _, ch := range pf.Checks {
		if ch.State == model.CheckBlocked {
			t.Fatalf("%s: %+v", p.Title, ch)
		}
	}
	r, err := m.Do(limited(t), *p, nothingTold)
	if err != nil {
		t.Fatal(err)
	}
	judge, ok := m.(engine.Judge)
	if !ok {
		t.Fatalf("%s is no Judge", m.Name())
	}
	eventually(t, time.Minute, p.Title, func() string {
		got := judge.Judge(seen.get("api"), p, &r)
		if got.Phase == model.PhaseFinished {
			return ""
		}
		return string(got.Phase) + " " + got.Text + ": " + show(seen.get("api"))
	})
	if got, err := m.Look(limited(t), *p); err != nil || got.State != model.SettledDone {
		t.Errorf("Look: %+v (%v)", got, err)
	}
	return *p
}

// stoppedAndBack stops a workload and brings it back in steps: afterwards all objects are
// field by field what they were. In between the cluster alone tells what is owed.
func stoppedAndBack(t *testing.T, b *Bed) {
	for _, kind := range []model.Kind{model.Deployment, model.StatefulSet} {
		w, seen := b.made(t, kind)
		at := path(w.Namespace, kind.Resource(), w.Name)
		hpa := "/apis/autoscaling/v2/namespaces/" + w.Namespace + "/horizontalpodautoscalers"
		if kind == model.Deployment {
			b.ask(t, http.MethodPost, hpa+"?fieldManager="+someone, "application/json", hpaJSON, nil)
		}
		state := func() string {
			out := b.asIs(t, at)
			if kind == model.Deployment {
				out += b.asIs(t, hpa+"/api")
			}
			return out
		}
		looked := func(replicas int) { // the HPA's controller has seen so many
			eventually(t, time.Minute, "the HPA is looked at", func() string {
				var o struct {
					Status struct{ CurrentReplicas int }
				}
				b.ask(t, http.MethodGet, hpa+"/api", "", "", &o)
				if o.Status.CurrentReplicas != replicas {
					return fmt.Sprintf("%+v", o)
				}
				return ""
			})
		}
		if kind == model.Deployment {
			looked(2)
		}
		before := state()
		m := b.trial(t, w.Namespace, model.MethodScale, "")
		again := func() engine.Method { return m.Again(t) }

		p := b.brought(t, again(), seen, model.Replicas(0))
		if p.Owes == "" || p.From.Key != "2" || p.Pays != "" {
			t.Errorf("%+v", p)
		}
		seen.until(time.Minute, "api", "is marked", func(c *model.Component) bool {
			return len(c.Marks) == 1 && c.Desired == 0 && c.Replicas == 0
		})
		if k := seen.get("api").Marks[0]; k.Method != model.MethodScale || k.To.Key != "2" || k.To.Label != "2 replicas" || k.Plan != p.ID || k.What != p.Owes || k.Since.IsZero() || k.Role != model.RoleSwitch {
			t.Errorf("%+v", k)
		}
		if kind == model.Deployment {
			looked(0)
		}
		p = b.brought(t, again(), seen, model.Replicas(1))
		if p.Owes == "" || p.From.Key != "2" {
			t.Errorf("%+v", p)
		}
		if kind == model.Deployment {
			var o struct {
				Spec struct{ MinReplicas, MaxReplicas int }
			}
			b.ask(t, http.MethodGet, hpa+"/api", "", "", &o)
			if o.Spec.MinReplicas != 1 || o.Spec.MaxReplicas != 1 {
				t.Errorf("one pod is not held: %+v", o)
			}
			looked(1)
			if c := seen.get("api"); c.Desired != 1 {
				t.Errorf("the HPA has moved it: %s", show(c))
			}
		}
		b.brought(t, again(), seen, model.Replicas(0)) // it fails with one pod too
		b.brought(t, again(), seen, model.Replicas(1))
		p = b.brought(t, again(), seen, p.From)
		if p.Owes != "" {
			t.Errorf("%+v", p)
		}
		if after := state(); after != before {
			t.Errorf("%s is not what it was: %s, before %s", kind, after, before)
		}
		seen.until(time.Minute, "api", "is marked no more", func(c *model.Component) bool { return len(c.Marks) == 0 })
	}
}
