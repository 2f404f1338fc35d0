//go:build e2e

package metrics

import (
	"math"
	"testing"
	"time"

	"rollbook/model"
)

// On a real Prometheus: the figures are those of the history, and the shown
// queries return the same.
func TestLiveImpact(t *testing.T) {
	h := shopUntil(wholeSecond())
	c := h.start(t).client(t)
	from := h.now.Add(-30 * time.Minute)
	limits := model.DefaultLimits()
	got, err := c.Impact(t.Context(), model.ImpactOf{Targets: []model.Target{deploy("bad"), deploy("good")}, From: from, To: h.now,
		Limits: limits, Objective: 0.999, Period: 30 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	bad, good := got.Components[0], got.Components[1]
	for _, tt := range []struct {
		name   string
		got    model.Reading
		want   float64
		within float64
	}{
		{"failed", bad.Failed, 2 * 2 * 7 * 60, 40},
		{"requests", bad.Requests, 20 * 30 * 60, 300},
		{"minutes over", bad.MinutesOver, 7, 0.5}, // a window of a minute is over 5 % after 15 s
		{"budget", bad.BudgetShare, 2 * 2 * 7 * 60. / (20 * 30 * 60) / 0.001 * 30 / (30 * 24 * 60), 0.002},
		{"good failed", good.Failed, 0, 0}, {"good minutes", good.MinutesOver, 0, 0}, {"no data", good.NoData, 0, 0},
		{"failed in all", got.All.Failed, 2 * 2 * 7 * 60, 40}, {"minutes in all", got.All.MinutesOver, 7, 0.5},
	} {
		if !tt.got.Known || math.Abs(tt.got.Value-tt.want) > tt.within {
			t.Errorf("%s: %s, want %g ± %g", tt.name, sayReading(tt.got), tt.want, tt.within)
		}
	}
	for name, r := range map[string]model.Reading{"failed": bad.Failed, "requests": bad.Requests, "minutes": bad.MinutesOver, "budget": bad.BudgetShare, "no data": bad.NoData, "all no data": got.All.NoData,
		"good failed": good.Failed, "all failed": got.All.Failed, "all minutes": got.All.MinutesOver, "all budget": got.All.BudgetShare} {
		a, err := c.ask(t.Context(), question{promql: r.Query})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if a.series != 1 || math.Abs(float64(a.rest[0].Values[0].Value)-r.Value) > 1e-6+0.001*r.Value {
			t.Errorf("%s is %g, but its query says %+v: %s", name, r.Value, a.rest, r.Query)
		}
	}
	// Of what is gone for three minutes nothing is known for as long.
	gone, err := c.Impact(t.Context(), model.ImpactOf{Targets: []model.Target{deploy("dead")}, From: from, To: h.now, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	if r := gone.All.NoData; !r.Known || r.Value < 1.5 || r.Value > 3 || !gone.All.MinutesOver.AtLeast {
		t.Errorf("no data for %s, over for %s", sayReading(r), sayReading(gone.All.MinutesOver))
	}
	series, err := c.Window(t.Context(), []model.Target{deploy("bad"), deploy("good"), deploy("gone")}, from, h.now)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range series {
		if gone := s.Component == "gone"; gone != (s.Why != "") || !gone && len(s.Samples) < 118 {
			t.Errorf("%s of %s: %d samples, %q", s.Figure, s.Component, len(s.Samples), s.Why)
		}
	}
}
