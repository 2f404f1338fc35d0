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
			if got := d.s.Incident; !got.Detected.Equal(tt.want) || got.DetectedBy.String() != tt.by {
				t.Errorf("detected at %s by %q, want %s by %q", got.Detected, got.DetectedBy.String(), tt.want, tt.by)
			}
			if d.alerts(); len(d.facts) != n {
				t.Error("an alert is told twice")
			}
		})
	}
}

// Where nothing is measured the operator says what fails, and chooses it: an alert about
// that counts.
func TestDetectionOfWhatIsChosen(t *testing.T) {
	began := Fact{At: t0, Body: Began{Settings: Settings{Limits: model.DefaultLimits()}}}
	chose := Fact{At: t0, By: "maria", Body: Chosen{Choice{Slot: model.Release("shop")}}}
	said := Fact{At: t0, By: "maria", Body: Said{Question: QCritical, Answer: Answer{Answer: model.TriYes, At: t0, By: "maria"}}}
	since := t0.Add(-20 * time.Minute)
	for _, tt := range []struct {
		name  string
		facts []Fact
		by    string
	}{{"said and chosen", []Fact{began, said, chose}, "the alert High"}, {"said", []Fact{began, said}, "the answer of maria"}, {"chosen", []Fact{began, chose}, ""}} {
		d := &decider{s: Snapshot{Incident: Fold(tt.facts), Now: t0.Add(time.Minute)}}
		d.s.Seen.Figures = map[string]*model.Figures{"shop": {Alerts: []model.Alert{{Name: "High", Since: since}}}}
		if d.alerts(); d.inc().DetectedBy.String() != tt.by {
			t.Errorf("%s: detected by %q, want %q", tt.name, d.inc().DetectedBy, tt.by)
		}
	}
}

// An alert that stops is told of once; what cannot be read, or is old, has not stopped.
func TestAlertsStop(t *testing.T) {
	i := Fold([]Fact{{At: t0, Body: Began{Settings: Settings{Limits: model.DefaultLimits()}}},
		{At: t0, Body: Rose{Trigger: Trigger{Component: "shop", Kind: TErrors, Onset: t0, At: t0}}}})
	d := &decider{s: Snapshot{Incident: i}}
	high := model.Alert{Name: "High", Severity: "page", Since: t0.Add(time.Minute)}
	for n, tt := range []struct {
		f    model.Figures
		want string
	}{
		{model.Figures{Alerts: []model.Alert{high}}, "alert High (page) about shop has been firing since " + secondOf(high.Since)},
		{model.Figures{AlertsNo: "it refuses the query"}, ""},
		{model.Figures{}, "alert High about shop does not fire any more"},
		{model.Figures{}, ""},
	} {
		d.s.Now = t0.Add(time.Duration(n+2) * time.Minute)
		tt.f.At, d.facts = d.s.Now, nil
		d.s.Seen.Figures = map[string]*model.Figures{"shop": &tt.f}
		if d.alerts(); n == 1 {
			if f := d.s.FiguresOf("shop"); f.AlertsNo == "" {
				t.Errorf("%+v", f)
			}
		}
		told := ""
		for _, f := range d.facts {
			_, told = f.Body.entry(&i)
		}
		if told != tt.want || len(d.facts) > 1 {
			t.Errorf("%d: told %q, want %q", n, told, tt.want)
		}
	}
	old := model.Figures{At: t0, Alerts: []model.Alert{high}}
	d.s.Seen.Figures["shop"], d.facts = &old, nil
	d.s.Now = t0.Add(time.Hour)
	if f := d.s.FiguresOf("shop"); len(f.Alerts) > 0 || f.AlertsNo == "" || len(old.Alerts) == 0 {
		t.Errorf("of an hour ago: %+v", f)
	}
	if d.alerts(); len(d.facts) > 0 {
		t.Errorf("of an hour ago: %+v", d.facts)
	}
}

// What the operator says of how they came to know of it counts where it is the earliest,
// replaces what they said before, and is taken back with the item; what is not known
// changes nothing.
func TestDetectionIsTold(t *testing.T) {
	onset, shown, decided, now := t0, t0.Add(8*time.Minute), t0.Add(9*time.Minute), t0.Add(30*time.Minute)
	alert := t0.Add(2 * time.Minute)
	for _, tt := range []struct {
		name    string
		do      TellDetection
		want    time.Time
		by      string
		wrong   bool
		odd     string
		settled string
	}{
		{name: "paged", do: TellDetection{SourcePage, t0.Add(time.Minute)}, want: t0.Add(time.Minute), by: "a page to maria", settled: "paged at 03:01:00 UTC"},
		{name: "paged with the alert", do: TellDetection{SourcePage, alert}, want: alert, by: "the alert High", settled: "paged at 03:02:00 UTC"},
		{name: "paged late", do: TellDetection{SourcePage, t0.Add(5 * time.Minute)}, want: alert, by: "the alert High", settled: "paged at 03:05:00 UTC"},
		{name: "paged at an unknown time", do: TellDetection{How: SourcePage}, want: alert, by: "the alert High", settled: "paged, when is not known"},
		{name: "told", do: TellDetection{SourceTold, t0.Add(time.Minute)}, want: t0.Add(time.Minute), by: "somebody who told maria", settled: "told by somebody at 03:01:00 UTC"},
		{name: "seen", do: TellDetection{SourceSaw, t0.Add(time.Minute)}, want: t0.Add(time.Minute), by: "maria, who saw it", settled: "saw it at 03:01:00 UTC"},
		{name: "not known", do: TellDetection{}, want: alert, by: "the alert High", settled: "how it was detected is not known"},
		{name: "before the first bad sample", do: TellDetection{SourcePage, t0.Add(-20 * time.Second)}, want: t0.Add(-20 * time.Second), by: "a page to maria",
			odd: "20s before the first bad sample", settled: "paged at 02:59:40 UTC"},
		{name: "before the release", do: TellDetection{SourcePage, t0.Add(-2 * time.Minute)}, want: t0.Add(-2 * time.Minute), by: "a page to maria",
			odd: "1m before 1.42.0 of shop was released", settled: "paged at 02:58:00 UTC"},
		{name: "after the decision", do: TellDetection{SourcePage, decided.Add(time.Second)}, want: alert, by: "the alert High", wrong: true},
		{name: "to come", do: TellDetection{SourceSaw, now.Add(time.Second)}, want: alert, by: "the alert High", wrong: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := Fold([]Fact{{At: onset, Body: Began{Settings: Settings{Limits: model.DefaultLimits()}}},
				{At: shown, Body: Rose{Trigger: Trigger{Component: "shop", Kind: TErrors, Onset: onset, At: shown}}},
				{At: shown, Body: AlertFired{Component: "shop", Name: "High", Since: alert}},
				{At: shown, By: "maria", Body: Opened{ID: "INC-1", Onset: onset}},
				{At: shown, By: "maria", Body: Moved{To: Decision}}, {At: decided, By: "maria", Body: Moved{To: Choose}},
				{At: now, By: "maria", Body: Moved{To: Close, Items: []string{ItemDetection, "lessons"}}}})
			i.Suspects = []Suspect{{Component: "shop", At: onset.Add(-time.Minute), Before: time.Minute, Version: model.Version{Tag: "1.42.0"}}}
			s := Snapshot{Incident: i, Now: now}
			if got := DetectionWrong(&s, tt.do.At); (got != "") != tt.wrong {
				t.Errorf("wrong: %q", got)
			}
			if got := DetectionOdd(&s, tt.do.At); !tt.do.At.IsZero() && !tt.wrong && got != tt.odd {
				t.Errorf("odd: %q, want %q", got, tt.odd)
			}
			facts, _ := Decide(i, Seen{}, Input{At: now, By: "maria", Do: tt.do})
			got := ApplyAll(i, facts)
			if !got.Detected.Equal(tt.want) || got.DetectedBy.String() != tt.by || got.Items[0].Reason != tt.settled || (got.Items[0].State == ItemDone) == tt.wrong {
				t.Errorf("detected at %s by %q, settled %q, want %s by %q, %q", got.Detected, got.DetectedBy, got.Items[0].Reason, tt.want, tt.by, tt.settled)
			}
			facts, _ = Decide(got, Seen{}, Input{At: now, By: "maria", Do: ReopenItem{ID: ItemDetection}})
			if got = ApplyAll(got, facts); !got.Detected.Equal(alert) || got.Items[0].State != ItemOpen {
				t.Errorf("taken back: detected at %s, %+v", got.Detected, got.Items[0])
			}
		})
	}
}

// The question is not asked of an incident that came to its close before there was one.
func TestOldChecklistsAreAsTheyWere(t *testing.T) {
	old, now := Fold([]Fact{{At: t0, Body: Moved{To: Close}}}), checklist()
	if len(old.Items) != len(now)-4 || old.Items[0].ID != "evidence" || now[0].ID != ItemDetection {
		t.Errorf("%+v", old.Items)
	}
}
