package engine

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// toHold walks to a hold that is a minute old of two.
func (r *run) toHold(m *fakeMetrics) *incident.Snapshot {
	r.t.Helper()
	r.confirm()
	m.set(0.0002, nil)
	r.wait(10 * time.Second)
	r.Send(incident.Next{})
	for n := 0; n < 60 && r.Snapshot().Held() < time.Minute; n++ {
		r.wait(5 * time.Second)
	}
	s := r.Snapshot()
	if s.Held() < time.Minute || !s.Incident.Verified.IsZero() {
		r.t.Fatalf("held %s, verified %s: %+v", s.Held(), s.Incident.Verified, incident.VerifyChecks(s))
	}
	return s
}

func told(s *incident.Snapshot, words string) bool {
	return slices.ContainsFunc(s.Incident.Timeline, func(e incident.Entry) bool { return strings.Contains(e.Text, words) })
}

// Time in which the program did not look, or the cluster was silent, is not held: the
// two minutes begin again.
func TestHoldIsWatched(t *testing.T) {
	for name, away := range map[string]func(r *run, c *fakeCluster){
		"held up": func(r *run, _ *fakeCluster) {
			r.post(func() { time.Sleep(50 * time.Second) })
			r.wait(51 * time.Second)
		},
		"cluster away": func(r *run, c *fakeCluster) {
			c.hush(true)
			r.wait(38 * time.Second)
			c.hush(false)
			r.wait(6 * time.Second)
		},
		"pods restarted while nobody saw": func(r *run, c *fakeCluster) {
			c.hush(true)
			r.wait(8 * time.Second)
			c.hush(false)
			c.show(func(l *model.Component) { l.Pods = steadyPods(time.Now()) })
			r.wait(time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
				c.undo = written(c)
				c.line.Pods = steadyPods(time.Now().Add(-time.Hour))
				r := start(t, c, m, dir)
				r.toHold(m)
				away(r, c)
				if s := r.wait(60 * time.Second); !s.Incident.Verified.IsZero() || s.Held() > 62*time.Second {
					t.Errorf("held %s, verified %s", s.Held(), s.Incident.Verified)
				}
				s := r.wait(70 * time.Second)
				if s.Incident.Verified.IsZero() || !told(s, "not watched") && !told(s, "hold reset") {
					t.Errorf("well and watched, held %s, verified %s: %+v", s.Held(), s.Incident.Verified, s.Incident.Timeline)
				}
				r.end()
			})
		})
	}
}

// What is verified is asked for whatever page is looked at meanwhile: to look at the
// board resets no hold, and leaves nothing to be accepted as unknown.
func TestHoldGoesOnWhileAnotherPageIsShown(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
		b.probe = func(model.Health) model.ProbeSeen {
			return model.ProbeSeen{State: model.TriYes, Text: "200", At: time.Now()}
		}
		c.undo = written(c)
		r := startWith(t, c, m, func(cfg *Config) {
			cfg.Checks = b
			cfg.Settings.Components = []model.Target{{ID: "backend-python", Health: []model.Health{{URL: "https://a"}},
				Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"}}}
		}, dir)
		began := r.toHold(m).Incident.Hold.Began
		r.Send(incident.Goto{Step: incident.Assess})
		for n := 0; n < 20 && r.Snapshot().Incident.Verified.IsZero(); n++ {
			s := r.wait(5 * time.Second)
			if !s.Incident.Hold.Began.Equal(began) {
				t.Fatalf("the hold is another one: %+v", s.Incident.Timeline)
			}
			for _, v := range incident.VerifyChecks(s) {
				if v.Acceptable() {
					t.Fatalf("%s may be accepted: %s", v.Key, v.Seen)
				}
			}
		}
		if s := r.Snapshot(); s.Incident.Step != incident.Assess || s.Incident.Verified.IsZero() {
			t.Errorf("at %s, held %s, not verified", s.Incident.Step.Name(), s.Held())
		}
		r.end()
	})
}

func steadyPods(since time.Time) (pods []model.Pod) {
	for range 3 {
		pods = append(pods, model.Pod{Ready: true, Steady: since})
	}
	return pods
}
