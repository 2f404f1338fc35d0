package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
)

// later is the settings of a run with other limits.
func later(r *run, errors float64) incident.Settings {
	set := r.Snapshot().Incident.Settings
	set.Limits.Errors = errors
	set.ConfigFrom = []string{"ConfigMap production/rollbook"}
	return set
}

func TestConfigurationThatComesLater(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		r := start(t, c, m, dir)
		s := r.wait(5 * time.Second)
		if len(s.Incident.Triggers) != 1 {
			t.Fatalf("triggers: %+v", s.Incident.Triggers)
		}
		r.Configure(later(r, 0.5), 15*time.Second)
		s = r.wait(5 * time.Second)
		if len(s.Incident.Triggers) != 0 || !s.Incident.Onset.IsZero() || s.Incident.Verdict.Verdict == incident.Now {
			t.Errorf("a trigger of the other limits stands: %+v, %s", s.Incident.Triggers, s.Incident.Verdict.Text)
		}
		if s.FiguresOf("backend-python") == nil {
			t.Error("the figures were not asked for anew")
		}
		r.Configure(later(r, 0.2), 15*time.Second)
		s = r.wait(5 * time.Second)
		if len(s.Incident.Triggers) != 1 || s.Incident.Triggers[0].Limit != 0.2 {
			t.Errorf("not judged by the new limits: %+v", s.Incident.Triggers)
		}
		// An hour without any fact: what is trimmed must not bring the first limits back.
		r.wait(time.Hour)
		r.Send(incident.Next{})
		s = r.wait(2 * time.Second)
		if s.Incident.ID == "" || s.Incident.Settings.Limits.Errors != 0.2 {
			t.Fatalf("opened %q with %g", s.Incident.ID, s.Incident.Settings.Limits.Errors)
		}
		r.Configure(later(r, 0.9), 15*time.Second)
		s = r.wait(2 * time.Second)
		if s.Incident.Settings.Limits.Errors != 0.2 || s.Seen.ConfigE == "" {
			t.Errorf("an open incident got other limits, or nobody said that it did not: %g, %q", s.Incident.Settings.Limits.Errors, s.Seen.ConfigE)
		}
		r.end()
		found, errs := journalsIn(dir)
		if len(errs) > 0 || len(found) != 1 {
			t.Fatal(found, errs)
		}
		if l := incident.Fold(found[0].Facts).Settings.Limits.Errors; l != 0.2 {
			t.Errorf("the journal says %g", l)
		}

		// A later run takes it up, and its configuration counts from there on.
		r = start(t, newCluster(t), m, dir)
		r.wait(5 * time.Second)
		r.Configure(later(r, 0.25), 15*time.Second)
		s = r.wait(2 * time.Second)
		if !s.Seen.Resumed || s.Incident.Settings.Limits.Errors != 0.25 || s.Incident.Step != incident.Decision {
			t.Errorf("resumed %v at %s with %g", s.Seen.Resumed, s.Incident.Step.Name(), s.Incident.Settings.Limits.Errors)
		}
		r.end()
	})
}

func TestConfigurationThatIsFaulty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newCluster(t), &fakeMetrics{ratio: 0.3})
		before := r.wait(5 * time.Second).Incident
		r.ConfigFailed("ConfigMap production/rollbook:3:5: wrong")
		s := r.wait(2 * time.Second)
		if s.Seen.ConfigE != "ConfigMap production/rollbook:3:5: wrong" || len(s.Incident.Triggers) != len(before.Triggers) || s.Incident.Settings.Limits != before.Settings.Limits {
			t.Errorf("%q, %+v", s.Seen.ConfigE, s.Incident.Triggers)
		}
		r.end()
	})
}
