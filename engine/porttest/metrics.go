package porttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

// fresh is how long figures of a minute's window may need to show a change.
const fresh = 3 * time.Minute

// poll polls until ok is content with the figures of a target.
func poll(t *testing.T, m engine.Metrics, at model.Target, what string, ok func(f *model.Figures) bool) *model.Figures {
	t.Helper()
	var f *model.Figures
	end := time.Now().Add(fresh)
	for ; ; time.Sleep(2 * time.Second) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		all, err := m.Poll(ctx, model.Poll{Targets: []model.Target{at}, Hold: time.Minute})
		cancel()
		if err == nil {
			if f = all[at.ID]; f != nil && ok(f) {
				return f
			}
		}
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s: %v: %s", fresh, what, err, figures(f))
		}
	}
}

func figures(f *model.Figures) string {
	if f == nil {
		return "no figures"
	}
	say := func(r model.Reading) string {
		if !r.Known {
			return "unknown (" + r.Why + ")"
		}
		if r.AtLeast {
			return fmt.Sprintf("at least %.4g", r.Value)
		}
		return fmt.Sprintf("%.4g", r.Value)
	}
	return fmt.Sprintf("errors %s, P95 %s, requests %s, up %s of %s, hold errors %s, P95 %s, requests %s", say(f.Errors.Now), say(f.P95.Now),
		say(f.Requests), say(f.Up), say(f.Targets), say(f.HoldErrors), say(f.HoldP95), say(f.HoldRequests))
}

func healthy(f *model.Figures) bool {
	return f.Errors.Now.Known && f.Errors.Now.Value < 0.02 && f.P95.Now.Known && f.P95.Now.Value > 0 && f.P95.Now.Value < 0.5
}

func pollGood(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	m := b.Metrics(t)
	f := poll(t, m, target(ns, "backend-python"), "good service shows", func(f *model.Figures) bool {
		return healthy(f) && f.Up.Known && f.Up.Value == 3 && f.Targets.Value == 3 && f.Requests.Value > 100 && f.HoldErrors.Known && f.HoldRequests.Value > 100 &&
			len(f.Errors.Samples) > 0 && len(f.P95.Samples) > 0 // the first step may end later than the first reading
	})
	if f.At.IsZero() || f.Errors.Now.At.IsZero() || f.At.Sub(f.Errors.Now.At).Abs() > time.Minute || f.Errors.Now.Query == "" || f.Fresh <= 0 {
		t.Errorf("at %s: %+v", f.At, f.Errors.Now)
	}
	if to, off := m.To(); to == "" || off != "" {
		t.Errorf("queries go to %q, off %q", to, off)
	}
}

func pollErrors(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	m, at := b.Metrics(t), target(ns, "backend-python")
	poll(t, m, at, "good service shows", healthy)
	b.Release(t, ns, Errors)
	f := poll(t, m, at, "a third of the requests fail", func(f *model.Figures) bool { return f.Errors.Now.Known && f.Errors.Now.Value > 0.25 })
	if f.Errors.Now.Value > 0.4 || !f.P95.Now.Known || f.P95.Now.Value > 1 || f.Up.Value < 3 {
		t.Errorf("it fails, and is not slow: %s", figures(f))
	}
	s := f.Errors.Samples
	if len(s) < 2 || s[len(s)-1].V < 0.1 {
		t.Errorf("samples %v", s)
	}
}

func pollHang(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	m, at := b.Metrics(t), target(ns, "backend-python")
	b.Release(t, ns, Hang)
	f := poll(t, m, at, "it is slow", func(f *model.Figures) bool { return f.P95.Now.Known && f.P95.Now.AtLeast })
	if f.P95.Now.Value != 10 { // the last finite bound of both beds' histograms
		t.Errorf("P95 %+v", f.P95.Now)
	}
	if f.Errors.Now.Known && f.Errors.Now.Value > 0.02 {
		t.Errorf("slow, not wrong: %s", figures(f))
	}
}

func pollUnknown(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	m := b.Metrics(t)
	f := poll(t, m, target(ns, "nobody"), "nothing is known", func(f *model.Figures) bool { return !f.At.IsZero() })
	for what, r := range map[string]model.Reading{"errors": f.Errors.Now, "P95": f.P95.Now, "requests": f.Requests, "hold errors": f.HoldErrors} {
		if r.Known || r.Why == "" {
			t.Errorf("%s: %+v", what, r)
		}
	}
	b.Release(t, ns, Silent)
	at := target(ns, "backend-python")
	f = poll(t, m, at, "nobody asks", func(f *model.Figures) bool {
		return f.Requests.Known && f.Requests.Value == 0 && f.HoldRequests.Known && f.HoldRequests.Value == 0 &&
			f.Up.Value == 3 // the old pods' targets are gone
	})
	if f.HoldErrors.Known || f.HoldP95.Known || f.HoldErrors.Why == "" {
		t.Errorf("no requests are no good service: %s", figures(f))
	}
}

func behaviourByOwner(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	m, at := b.Metrics(t), target(ns, "backend-python")
	poll(t, m, at, "good service shows", func(f *model.Figures) bool { return healthy(f) && f.HoldRequests.Value > 300 })
	good := b.newest(t, ns)
	b.Release(t, ns, Errors)
	b.taken(t, ns, "backend-python")
	poll(t, m, at, "a third of the requests fail", func(f *model.Figures) bool { return f.Errors.Now.Known && f.Errors.Now.Value > 0.25 })
	bad := b.newest(t, ns)
	got, err := m.Behaviour(limited(t), at, []string{good, bad, "backend-python-never"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if g := got[good]; !g.Errors.Known || g.Errors.Value > 0.02 || !g.P95.Known || g.Requests.Value < 100 {
		t.Errorf("the good one: %+v", g)
	}
	if g := got[bad]; !g.Errors.Known || g.Errors.Value < 0.2 || g.Errors.Value > 0.4 {
		t.Errorf("the bad one: %+v", g)
	}
	if g := got["backend-python-never"]; g.Errors.Known || g.P95.Known {
		t.Errorf("one that never was: %+v", g)
	}
}

// newest is the ReplicaSet of backend-python with the Deployment's revision.
func (b *Bed) newest(t *testing.T, ns string) string {
	t.Helper()
	d := b.deployment(t, ns, "backend-python")
	return b.setOf(t, ns, "backend-python", d.Metadata.Annotations["deployment.kubernetes.io/revision"]).Metadata.Name
}

func baselineOfPast(t *testing.T, b *Bed) {
	m := b.Metrics(t)
	at := target(b.Past, "backend-rust")
	got, err := m.Baseline(limited(t), []model.Target{at, target(b.Past, "nobody")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if g := got["backend-rust"]; !g.Errors.Known || g.Errors.Value > 0.05 || !g.P95.Known || g.P95.Value <= 0 {
		t.Errorf("%+v", g)
	}
	if g := got["nobody"]; g.Errors.Known || g.Errors.Why == "" {
		t.Errorf("%+v", g)
	}
}
