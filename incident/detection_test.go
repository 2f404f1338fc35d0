package incident

import (
	"testing"
	"time"

	"rollbook/model"
)

// Detected is when an alert about what fails began to fire, if that was before the
// trigger was shown; what fires for long, or about another component, detected nothing.
func TestDetection(t *testing.T) {
	shown, onset := t0, t0.Add(-8*time.Minute)
	for _, tt := range []struct {
		name   string
		alerts map[string][]model.Alert
		want   time.Time
		by     string
	}{
		{"no alert", nil, shown, ""},
		{"an alert", map[string][]model.Alert{"shop": {{Name: "High", Since: t0.Add(-5 * time.Minute)}}}, t0.Add(-5 * time.Minute), "the alert High"},
		{"the first of two", map[string][]model.Alert{"shop": {{Name: "High", Since: t0.Add(-5 * time.Minute)}, {Name: "Slow", Since: t0.Add(-7 * time.Minute)}}}, t0.Add(-7 * time.Minute), "the alert Slow"},
		{"after the trigger", map[string][]model.Alert{"shop": {{Name: "High", Since: t0.Add(time.Minute)}}}, shown, ""},
		{"for long", map[string][]model.Alert{"shop": {{Name: "Old", Since: t0.Add(-30 * time.Minute), Before: true}}}, shown, ""},
		{"before the hour", map[string][]model.Alert{"shop": {{Name: "Old", Since: onset.Add(-61 * time.Minute)}}}, shown, ""},
		{"about another", map[string][]model.Alert{"other": {{Name: "High", Since: t0.Add(-5 * time.Minute)}}}, shown, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := Fold([]Fact{{At: onset, Body: Began{Settings: Settings{Limits: model.DefaultLimits()}}},
				{At: shown, Body: Rose{Trigger: Trigger{Component: "shop", Kind: TErrors, Onset: onset, At: shown}}}})
			d := &decider{s: Snapshot{Incident: i, Now: shown.Add(2 * time.Minute)}}
			d.s.Seen.Figures = map[string]*model.Figures{"shop": {}, "other": {}}
			for id, alerts := range tt.alerts {
				d.s.Seen.Figures[id].Alerts = alerts
			}
			d.alerts()
			n := len(d.facts)
			if got := d.s.Incident; !got.Detected.Equal(tt.want) || got.DetectedBy != tt.by {
				t.Errorf("detected at %s by %q, want %s by %q", got.Detected, got.DetectedBy, tt.want, tt.by)
			}
			if d.alerts(); len(d.facts) != n {
				t.Error("an alert is told twice")
			}
		})
	}
}
