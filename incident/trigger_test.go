package incident

import (
	"strings"
	"testing"
	"time"
)

// Triggers fall by the key alone, when each has been under its limit for five minutes
// to the second.
func TestWhenTriggersMayFall(t *testing.T) {
	under := func(of ...time.Duration) (all []Trigger) {
		for n, d := range of {
			tr := Trigger{Component: []string{"api", "web"}[n], Kind: TErrors}
			if d >= 0 {
				tr.Under = t0.Add(-d)
			}
			all = append(all, tr)
		}
		return all
	}
	for _, tt := range []struct {
		name      string
		triggers  []Trigger
		overruled bool
		want      string
	}{
		{"none", nil, false, "there is no trigger to take back"},
		{"none, but overruled", nil, true, ""},
		{"over", under(-1), false, "errors of api is not known to be under its limit"},
		{"under for long", under(time.Hour), false, ""},
		{"under for five minutes", under(5 * time.Minute), false, ""},
		{"a second less", under(5*time.Minute - time.Second), false, "errors of api has been under its limit for 4m59s of 5m"},
		{"one of two", under(time.Hour, time.Minute), false, "errors of web has been under its limit for 1m of 5m"},
		{"one of two is over", under(time.Hour, -1), false, "errors of web is not known to be under its limit"},
	} {
		w := newWorld(t, nil)
		w.inc.Triggers, w.inc.Verdict.Overruled, w.inc.Verdict.Reason, w.inc.Failed = tt.triggers, tt.overruled, "load test", []string{"api"}
		if got := CanStandDown(w.snap()); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		before := len(w.inc.Timeline)
		w.do(StandDown{})
		fell := len(w.inc.Timeline) > before && w.inc.Timeline[before].Kind == EntryAnswer && w.inc.Timeline[before].Text == "stood down: the triggers are over"
		if fell != (tt.want == "") || fell && (len(w.inc.Triggers) > 0 || w.inc.Verdict.Overruled || len(w.inc.Failed) > 0) {
			t.Errorf("%s: fell: %v, %+v", tt.name, fell, w.inc.Verdict)
		}
	}
}

// A limit that is passed tells when it began, and takes back what was overruled before
// anybody knew of it. A second one moves the onset back only while nobody has decided.
func TestOnsetIsThatOfTheFirst(t *testing.T) {
	rose := func(component string, onset time.Duration) Fact {
		return Fact{At: t0, Body: Rose{Trigger: Trigger{Component: component, Kind: TErrors, Onset: t0.Add(onset), Text: "errors of " + component}}}
	}
	for _, tt := range []struct {
		name    string
		first   time.Duration
		second  time.Duration
		decided bool
		want    time.Duration
	}{
		{"later", -time.Minute, -time.Second, false, -time.Minute},
		{"earlier", -time.Minute, -time.Hour, false, -time.Hour},
		{"earlier, after it was decided", -time.Minute, -time.Hour, true, -time.Minute},
	} {
		i := Apply(Incident{}, rose("api", tt.first))
		if tt.decided {
			i.Decided = t0
		}
		i.Verdict.Overruled, i.Verdict.Reason = true, "load test"
		i = Apply(i, rose("web", tt.second))
		i = Apply(i, rose("api", tt.second))
		if !i.Onset.Equal(t0.Add(tt.want)) || strings.Join(i.Failed, " ") != "api web" || i.Verdict.Overruled || i.Verdict.Reason != "" || !i.Detected.Equal(t0) {
			t.Errorf("%s: onset %s, failed %q, %+v", tt.name, i.Onset, i.Failed, i.Verdict)
		}
		if again := Apply(i, Fact{At: t0.Add(time.Hour), Body: rose("db", 0).Body}); !again.Detected.Equal(t0) {
			t.Errorf("%s: detected again at %s", tt.name, again.Detected)
		}
	}
	i := Apply(Incident{}, rose("api", 0))
	eased := Apply(i, Fact{At: t0, Body: Eased{Component: "api", Kind: TErrors, Since: t0}})
	back := Apply(eased, Fact{At: t0, Body: BackOver{Component: "api", Kind: TErrors}})
	if !i.Triggers[0].Under.IsZero() || !eased.Triggers[0].Under.Equal(t0) || !back.Triggers[0].Under.IsZero() {
		t.Errorf("under: %s, %s, %s", i.Triggers[0].Under, eased.Triggers[0].Under, back.Triggers[0].Under)
	}
}

// A trigger says how it is now: still over, under again since when, or that nobody can
// tell.
func TestTriggerAsOfNow(t *testing.T) {
	w := newWorld(t, nil)
	look := func(errors []float64) string {
		w.wait(15 * time.Second)
		w.figures("frontend", errors, repeat(0.2, 21))
		w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
		w.do(Observed{})
		s := w.snap()
		return w.inc.Triggers[0].sentence(s, s.Judgement())
	}
	for _, tt := range []struct {
		errors []float64
		want   string
		under  time.Duration // of now; -1 = not under
	}{
		{repeat(0.06, 21), "errors over 5% for 5m (limit 5m) on frontend", -1},
		{repeat(0.06, 25), "errors over 5% for 6m (limit 5m) on frontend", -1},
		{join(repeat(0.06, 18), repeat(0.01, 3)), "errors over 5% for 5m (limit 5m) on frontend; under again for 30s", 30 * time.Second},
		{nil, "errors over 5% for 5m (limit 5m) on frontend (now unknown: no series)", -1},
		{join(repeat(0.06, 20), repeat(0.01, 1)), "errors over 5% for 5m (limit 5m) on frontend; under again for 0s", 0},
		{repeat(0.06, 21), "errors over 5% for 5m (limit 5m) on frontend", -1},
	} {
		if got := look(tt.errors); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
		if u := w.inc.Triggers[0].Under; u.IsZero() != (tt.under < 0) || tt.under >= 0 && w.now.Sub(u) != tt.under {
			t.Errorf("%s: under since %s, now %s", tt.want, u, w.now)
		}
	}
	w.seen.Board = nil
	s := w.snap()
	if got := w.inc.Triggers[0].sentence(s, s.Judgement()); got != "errors over 5% for 5m (limit 5m) on frontend" {
		t.Errorf("off the board: %s", got)
	}
}
