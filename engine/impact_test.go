package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// costed keeps what each full gathering was told of the cost.
type costed struct {
	*beside
	told []incident.ImpactRecord
}

func (k *costed) Gather(_ context.Context, dir string, s *incident.Snapshot, m model.Moment) (model.Evidence, error) {
	if m == model.InFull {
		k.with(func() { k.told = append(k.told, s.Incident.Impact) })
	}
	return model.Evidence{At: time.Now(), Moment: m, Dir: dir}, nil
}

// The evidence is told what the journal was: a full gathering begins when the
// measuring has ended, however long that takes, and however it ends.
func TestEvidenceAndJournalHaveTheSameImpact(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
		c.undo = written(c)
		k := &costed{beside: b}
		n := 0
		b.impact = func(w model.ImpactOf) (model.Impact, error) {
			time.Sleep(20 * time.Second)
			if n++; n == 1 {
				return model.Impact{}, errors.New("connection refused")
			}
			return model.Impact{From: w.From, To: w.To, All: model.ComponentImpact{Failed: model.Reading{Known: true, Value: float64(n)}}}, nil
		}
		r := startWith(t, c, m, func(cfg *Config) { cfg.Evidence, cfg.Impact = k, b }, dir)
		s := r.toClose(m)
		if s.Seen.Measuring.IsZero() {
			t.Error("at Close nothing is measured")
		}
		before := 0
		b.with(func() { before = len(k.told) })
		s = r.wait(time.Minute)
		b.with(func() {
			if before == 0 || len(k.told) != before+1 {
				t.Fatalf("%d full gatherings before the close was measured, %d after", before, len(k.told))
			}
			if first := k.told[0]; !first.At.IsZero() || first.Err != "" {
				t.Errorf("after a measuring that failed the first gathering was told %+v", first)
			}
			if last := k.told[before]; last.At.IsZero() || last.Impact.All.Failed.Value != s.Incident.Impact.Impact.All.Failed.Value || !last.At.Equal(s.Incident.Impact.At) {
				t.Errorf("the evidence was told %+v, the journal %+v", last, s.Incident.Impact)
			}
		})
		if slices.ContainsFunc(s.Incident.Timeline, func(e incident.Entry) bool {
			return e.Kind == "bad" && e.Text == "impact not measured: connection refused"
		}) {
			t.Error("a measuring that is made again later is told as a failure")
		}
		r.end()
	})
}
