package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
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

// A trigger eases with the first sample under its limit, of what it is about, or now,
// where that is no figure; what is over again, if only just, is no longer under.
func TestWhenATriggerEases(t *testing.T) {
	over, under := repeat(0.3, 21), repeat(0.2, 21)
	down := func(c *model.Component) { c.Available, c.Ready, c.NoneReady = 0, 0, t0.Add(-2*time.Minute) }
	up := func(c *model.Component) { c.Available, c.Ready, c.NoneReady = 3, 3, time.Time{} }
	stuck := func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) }
	for _, tt := range []struct {
		name   string
		kind   TriggerKind
		rises  func(*world)
		eases  func(*world)
		before time.Duration // now; -1 = it does not
		again  func(*world)
	}{
		{"errors", TErrors, func(w *world) { w.figures("frontend", over, under) },
			func(w *world) { w.figures("frontend", join(repeat(0.3, 18), repeat(0.01, 3)), under) }, 30 * time.Second,
			func(w *world) { w.figures("frontend", join(repeat(0.3, 17), repeat(0.01, 3), repeat(0.3, 1)), under) }},
		{"errors, and P95 for longer", TErrors, func(w *world) { w.figures("frontend", over, under) },
			func(w *world) { w.figures("frontend", join(repeat(0.3, 20), repeat(0.01, 1)), under) }, 0, nil},
		{"P95", TP95, func(w *world) { w.figures("frontend", repeat(0, 21), repeat(2.5, 21)) },
			func(w *world) { w.figures("frontend", repeat(0, 21), join(repeat(2.5, 19), repeat(0.2, 2))) }, 15 * time.Second,
			func(w *world) { w.figures("frontend", repeat(0, 21), nil) }},
		{"no pod", TNoPod, func(w *world) { w.component("frontend", down) }, func(w *world) { w.component("frontend", up) }, 0, func(w *world) {
			w.component("frontend", func(c *model.Component) { c.Available, c.Ready, c.NoneReady = 0, 0, w.now })
		}},
		{"stuck", TStuck, func(w *world) { w.component("frontend", stuck) },
			func(w *world) {
				w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "", time.Time{} })
			}, 0, nil},
		{"over again after a while under", TErrors, func(w *world) { w.figures("frontend", over, under) },
			func(w *world) { w.figures("frontend", join(repeat(0.3, 10), repeat(0.01, 5), repeat(0.3, 6)), under) }, -1, nil},
		{"nobody knows", TErrors, func(w *world) { w.figures("frontend", over, under) }, func(w *world) { w.figures("frontend", nil, nil) }, -1, nil},
	} {
		w := newWorld(t, nil)
		tt.rises(w)
		w.do(Observed{})
		if tr := w.inc.Trigger("frontend", tt.kind); tr == nil || !tr.At.Equal(w.now) || !tr.Under.IsZero() {
			t.Fatalf("%s: %+v", tt.name, tr)
		}
		w.wait(5 * time.Second)
		tt.eases(w)
		w.do(Observed{})
		want := w.now.Add(-tt.before)
		if tt.before < 0 {
			want = time.Time{}
		}
		if got := w.inc.Trigger("frontend", tt.kind).Under; !got.Equal(want) {
			t.Errorf("%s: under since %s, want %s", tt.name, got, want)
		}
		if tt.again != nil {
			w.wait(15 * time.Second)
			tt.again(w)
			if w.do(Observed{}); !w.inc.Trigger("frontend", tt.kind).Under.IsZero() {
				t.Errorf("%s: it is over again, and said to be under", tt.name)
			}
		}
	}
}

// What a latched trigger says is about its own component, and goes on with time.
func TestTriggerTellsItsOwn(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.wait(time.Minute)
	w.figures("frontend", repeat(0.3, 25), repeat(0.2, 25))
	w.do(Observed{})
	if got, want := w.answer(QErrors).Text, "errors over 5% for 6m (limit 5m) on frontend"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
