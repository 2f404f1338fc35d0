package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// What a release that is watched comes to, by what is seen of it.
func TestBesideARelease(t *testing.T) {
	const id = "backend-python"
	on := Watching{Component: id, Since: t0, For: 5 * time.Minute, Owner: "rs-new"}
	read := func(v float64) model.Reading {
		return model.Reading{Known: true, Value: v, At: t0.Add(5 * time.Minute)}
	}
	series := func(v float64) (out []model.Sample) {
		for n := range 21 {
			out = append(out, model.Sample{At: t0.Add(time.Duration(n) * 15 * time.Second), V: v})
		}
		return out
	}
	seen := func() *Snapshot {
		s := &Snapshot{Now: t0.Add(5 * time.Minute), Incident: Incident{Settings: Settings{Limits: model.DefaultLimits(), Poll: 5 * time.Second}}}
		s.Seen.Cluster.Heard = s.Now
		s.Seen.Metrics.Heard = s.Now
		s.Seen.Board = []*model.Component{{ID: id, OwnerName: "rs-new", Desired: 3, Replicas: 3, Updated: 3, Ready: 3, Available: 3}}
		s.Seen.Figures = map[string]*model.Figures{id: {At: s.Now, Requests: read(900),
			Errors: model.Figure{Now: read(0.001), Samples: series(0.001), Step: 15 * time.Second},
			P95:    model.Figure{Now: read(0.2), Samples: series(0.2), Step: 15 * time.Second}}}
		return s
	}
	newFails := func(s *Snapshot, old float64) {
		f := s.Seen.Figures[id]
		f.New, f.NewErrors = model.Behaviour{Errors: read(0.3)}, series(0.3)
		f.Old = model.Behaviour{Errors: read(old)}
	}
	for name, x := range map[string]struct {
		change func(s *Snapshot)
		good   model.Tri
		over   bool
		text   string
	}{
		"good":                  {func(*Snapshot) {}, model.TriYes, true, "is good: errors 0.1%, P95 200ms"},
		"so far":                {func(s *Snapshot) { s.Now = t0.Add(time.Minute); s.Seen.Cluster.Heard = s.Now }, model.TriUnknown, false, "good so far"},
		"a limit is passed":     {func(s *Snapshot) { newFails(s, 0.001) }, model.TriNo, true, "errors of the new pods of backend-python over 5% for 5m (limit 5m)"},
		"before the time":       {func(s *Snapshot) { newFails(s, 0.001); s.Now = t0.Add(3 * time.Minute) }, model.TriNo, true, "errors of the new pods"},
		"the old fail alike":    {func(s *Snapshot) { newFails(s, 0.28) }, model.TriUnknown, true, "the pods of before fail alike (errors 28%, new 30%): a rollback alone is unlikely to help"},
		"the old fail less":     {func(s *Snapshot) { newFails(s, 0.1) }, model.TriNo, true, "errors of the new pods"},
		"another release":       {func(s *Snapshot) { s.Seen.Board[0].OwnerName = "rs-newer" }, model.TriUnknown, true, "another release came"},
		"still rolled out":      {func(s *Snapshot) { s.Seen.Board[0].Updated = 2 }, model.TriUnknown, true, "still being rolled out: 2 of 3 pods are new"},
		"old pods are left":     {func(s *Snapshot) { s.Seen.Board[0].Replicas = 4 }, model.TriUnknown, true, "still being rolled out"},
		"a pod is not ready":    {func(s *Snapshot) { s.Seen.Board[0].Available = 2 }, model.TriUnknown, true, "2 of 3 pods are available"},
		"no figures":            {func(s *Snapshot) { s.Seen.Figures = nil }, model.TriUnknown, true, "figures unknown"},
		"no traffic":            {func(s *Snapshot) { s.Seen.Figures[id].Errors.Now = model.Reading{Why: "no requests"} }, model.TriUnknown, true, "errors unknown: no requests"},
		"not measured":          {func(s *Snapshot) { s.Seen.Figures[id].NotMeasured = true }, model.TriUnknown, true, "nothing of it is measured"},
		"figures were missing":  {func(s *Snapshot) { f := &s.Seen.Figures[id].Errors; f.Samples = f.Samples[12:] }, model.TriUnknown, true, "errors are not known of 2m45s of the 5m"},
		"an alert fires":        {func(s *Snapshot) { s.Seen.Figures[id].Alerts = []model.Alert{{Name: "HighErrorRate"}} }, model.TriUnknown, true, "the alert HighErrorRate fires"},
		"it is gone":            {func(s *Snapshot) { s.Seen.Board[0].Missing = model.NotFound }, model.TriUnknown, true, "not found"},
		"nothing was heard yet": {func(s *Snapshot) { s.Seen.Cluster.Heard = time.Time{} }, model.TriUnknown, true, "the cluster has not answered yet"},
		"the cluster is lost":   {func(s *Snapshot) { s.Seen.Cluster.Heard = t0 }, model.TriUnknown, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := seen()
			x.change(s)
			got := s.Beside(on)
			if got.Good != x.good || got.Over != x.over || !strings.Contains(got.Text, x.text) || got.Text == "" {
				t.Errorf("%+v, want good %v, over %v, %q", got, x.good, x.over, x.text)
			}
		})
	}
}

// A drill without a person never confirms what a sentence has to be typed for, nor chooses
// what is not proposed.
func TestPolicyLeavesToAPerson(t *testing.T) {
	s := drilled()
	i := &s.Incident
	i.Step = Choose
	for name, c := range map[string]Choice{
		"proposed":   {Slot: model.Release("backend-python"), To: model.Version{Key: "rs-1"}, Why: "served well"},
		"own":        {Slot: model.Release("backend-python"), To: model.Version{Key: "rs-1"}, Own: true},
		"none found": {Slot: model.Release("backend-python")},
	} {
		i.Choices = []Choice{c}
		if got := Policy(s); (got != nil) != (name == "proposed") {
			t.Errorf("%s: %#v", name, got)
		}
	}
	i.Choices = []Choice{{Slot: model.Release("backend-python"), To: model.Version{Key: "rs-1"}}}
	i.End = &End{Outcome: FalseAlarm}
	if got := Policy(s); got != nil {
		t.Errorf("ended: %#v", got)
	}
}
