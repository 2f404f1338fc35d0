package incident

import (
	"math"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// What somebody else went back to is a rollback when the cluster shows it so, lately, and
// it was not well before.
func TestRollbackBySomebodyElse(t *testing.T) {
	errors := func(before, now float64) []float64 { return append(repeat(before, 18), now, now, now) }
	for _, tt := range []struct {
		name   string
		change func(w *world, c *model.Component)
		is     bool
		rolled time.Duration // ago; -1 = not yet
	}{
		{"as it is", func(*world, *model.Component) {}, true, 45 * time.Second},
		{"it is a release", func(_ *world, c *model.Component) { c.Returned = false }, false, 0},
		{"when is a guess", func(_ *world, c *model.Component) { c.StartGuessed = true }, false, 0},
		{"a quarter of an hour ago", func(w *world, c *model.Component) {
			w.figures(c.ID, repeat(0.3, 80), repeat(0.2, 80))
			c.RevisionStart = t0.Add(-15 * time.Minute)
		}, true, 15 * time.Minute},
		{"longer ago", func(w *world, c *model.Component) {
			w.figures(c.ID, repeat(0.3, 80), repeat(0.2, 80))
			c.RevisionStart = t0.Add(-15*time.Minute - time.Second)
		}, false, 0},
		{"nobody knows from what", func(_ *world, c *model.Component) { c.Past = nil }, false, 0},
		{"no figures", func(w *world, _ *model.Component) { w.seen.Figures = nil }, false, 0},
		{"nobody knows how it was", func(w *world, c *model.Component) { w.figures(c.ID, repeat(0.3, 2), nil) }, false, 0},
		{"it was well before", func(w *world, c *model.Component) { w.figures(c.ID, errors(0.001, 0.3), repeat(0.2, 21)) }, false, 0},
		{"it was at its limit", func(w *world, c *model.Component) { w.figures(c.ID, errors(0.05, 0), repeat(0.2, 21)) }, false, 0},
		{"it was too slow", func(w *world, c *model.Component) {
			w.figures(c.ID, repeat(0, 21), append(repeat(2.5, 18), 0.2, 0.2, 0.2))
		}, true, 45 * time.Second},
		{"it was at its limit of time", func(w *world, c *model.Component) { w.figures(c.ID, repeat(0, 21), repeat(2, 21)) }, false, 0},
		{"a pod began later", func(_ *world, c *model.Component) {
			c.Pods = []model.Pod{{Started: t0.Add(-time.Minute)}, {Started: t0.Add(-20 * time.Second)}, {Started: t0.Add(-30 * time.Second)}}
		}, true, 20 * time.Second},
		{"not all are updated", func(_ *world, c *model.Component) { c.Updated = 2 }, true, -1},
		{"the old ones went first", func(_ *world, c *model.Component) { c.Updated, c.Replicas = 2, 2 }, true, -1},
		{"an old one is there", func(_ *world, c *model.Component) { c.Replicas = 4 }, true, -1},
		{"not all are ready", func(_ *world, c *model.Component) { c.Ready = 2 }, true, -1},
	} {
		w := newWorld(t, nil)
		w.figures("backend-python", errors(0.3, 0.1), repeat(0.2, 21))
		c := *w.seen.Component("backend-python")
		c.Revision, c.OwnerName, c.RevisionStart, c.RevisionBy, c.Returned = 43, owner(41), t0.Add(-45*time.Second), "jonas", true
		c.Past = []model.Earlier{{Owner: owner(42), Revision: 42, At: t0.Add(-10 * time.Minute)}}
		w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
		tt.change(w, &c)
		r := w.snap().foreign(&c)
		if (r != nil) != tt.is || w.snap().goneBack(&c) != tt.is {
			t.Errorf("%s: %+v", tt.name, r)
			continue
		}
		if r == nil {
			continue
		}
		if want := (time.Time{}); tt.rolled >= 0 && !r.rolled.Equal(t0.Add(-tt.rolled)) || tt.rolled < 0 && r.rolled != want || r.by != "jonas" || r.from.Key != owner(42) || r.to.Key != owner(41) {
			t.Errorf("%s: rolled out %s, %+v", tt.name, r.rolled, r)
		}
	}
}

// A rollback of this incident is that, and not somebody else's as well; nor is what came
// in its place. What only helped is none.
func TestOneRollbackOnce(t *testing.T) {
	of := func(n int, by string, role model.Role, state AttemptState) Attempt {
		return Attempt{N: n, By: by, Writes: []Write{{Plan: model.Plan{ID: "p", Role: role, Component: "backend-python", From: revision(42), To: revision(41)}, State: state, Intent: t0.Add(-45 * time.Second)}}}
	}
	for _, tt := range []struct {
		name     string
		attempts []Attempt
		want     string
	}{
		{"somebody else's", nil, "jonas, not ours"},
		{"ours", []Attempt{of(1, "maria", model.RoleRelease, Done)}, "maria, ours"},
		{"ours, and an aid by another", []Attempt{of(1, "maria", model.RoleRelease, Done), of(2, "ada", "aid", Done)}, "maria, ours"},
		{"ours, reverted", []Attempt{of(1, "maria", model.RoleRelease, Reverted)}, ""},
		{"an aid", []Attempt{of(1, "maria", "aid", Done)}, "jonas, not ours"},
	} {
		w := newWorld(t, nil)
		w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
		w.component("backend-python", func(c *model.Component) {
			c.Revision, c.OwnerName, c.RevisionStart, c.RevisionBy, c.Returned = 43, owner(41), t0.Add(-45*time.Second), "jonas", true
			c.Past = []model.Earlier{{Owner: owner(42), Revision: 42, At: t0.Add(-10 * time.Minute)}}
		})
		w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
		w.inc.Attempts = tt.attempts
		var got []string
		for _, r := range w.snap().rollbacks() {
			whose := ", not ours"
			if r.write != nil {
				whose = ", ours"
			}
			got = append(got, r.by+whose)
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
	}
}

// It is worse than before when it is over its limit, by half more than it was and by half
// the limit: in the new pods, once these were asked, or in two samples after the write.
func TestWorseThanBefore(t *testing.T) {
	v := func(x float64) *float64 { return &x }
	after := t0.Add(-20 * time.Second) // the write
	samples := func(values ...float64) model.Figure { return figure(values...) }
	for _, tt := range []struct {
		name   string
		was    WasBefore
		errors model.Figure
		p95    model.Figure
		fresh  model.Behaviour
		worse  bool
		want   string
	}{
		{"much", WasBefore{Errors: v(0.3)}, samples(0.5, 0.5), samples(0.2, 0.2), model.Behaviour{}, true, "errors 30% → 50%"},
		{"not by half", WasBefore{Errors: v(0.3)}, samples(0.44, 0.44), samples(0.2, 0.2), model.Behaviour{}, false, "errors 30% → 44%"},
		{"just by half", WasBefore{Errors: v(0.5)}, samples(0.75, 0.75), samples(0.2, 0.2), model.Behaviour{}, false, "errors 50% → 75%"},
		{"not over its limit", WasBefore{Errors: v(0.01)}, samples(0.05, 0.05), samples(0.2, 0.2), model.Behaviour{}, false, "errors 1% → 5%"},
		{"not by half the limit", WasBefore{Errors: v(0.03)}, samples(0.055, 0.055), samples(0.2, 0.2), model.Behaviour{}, false, "errors 3% → 5.5%"},
		{"by more than that", WasBefore{Errors: v(0.03)}, samples(0.06, 0.06), samples(0.2, 0.2), model.Behaviour{}, true, "errors 3% → 6%"},
		{"in one sample", WasBefore{Errors: v(0.3)}, samples(0.3, 0.6), samples(0.2, 0.2), model.Behaviour{}, false, "errors 30% → 60%"},
		{"in the one before", WasBefore{Errors: v(0.3)}, samples(0.6, 0.3), samples(0.2, 0.2), model.Behaviour{}, false, "errors 30% → 30%"},
		{"in the only sample", WasBefore{Errors: v(0.3)}, samples(0.6), samples(0.2, 0.2), model.Behaviour{}, false, "errors 30% → 60%"},
		{"slower", WasBefore{Errors: v(0.3), P95: v(1)}, samples(0.3, 0.3), samples(2.5, 2.5), model.Behaviour{}, true, "P95 1s → 2.5s"},
		{"the new pods", WasBefore{Errors: v(0.3)}, samples(0.3, 0.3), samples(0.2, 0.2), model.Behaviour{Errors: model.Reading{Known: true, Value: 0.6, At: t0}}, true, "errors 30% → 60% on the new pods"},
		{"the new pods, of right after it", WasBefore{Errors: v(0.3)}, samples(0.3, 0.3), samples(0.2, 0.2), model.Behaviour{Errors: model.Reading{Known: true, Value: 0.6, At: after.Add(10 * time.Second)}}, false, "errors 30% → 30%"},
		{"the new pods, of a second later", WasBefore{Errors: v(0.3)}, samples(0.3, 0.3), samples(0.2, 0.2), model.Behaviour{Errors: model.Reading{Known: true, Value: 0.6, At: after.Add(11 * time.Second)}}, true, "errors 30% → 60% on the new pods"},
		{"the new pods, of which nobody knows", WasBefore{Errors: v(0.3)}, samples(0.3, 0.3), samples(0.2, 0.2), model.Behaviour{Errors: model.Reading{Value: 0.6, At: t0}}, false, "errors 30% → 30%"},
		{"nobody knows now", WasBefore{Errors: v(0.3)}, model.Figure{Samples: samples(0.6, 0.6).Samples, Now: model.Reading{Why: "no series"}}, samples(0.2, 0.2), model.Behaviour{}, false, "errors unknown: no series"},
		{"nobody knows how it was", WasBefore{}, samples(0.6, 0.6), samples(0.2, 0.2), model.Behaviour{}, false, "errors 60%"},
		{"it was too slow, and still is", WasBefore{Errors: v(0.001), P95: v(2.5)}, samples(0, 0), samples(2.4, 2.4), model.Behaviour{}, false, "P95 2.5s → 2.4s"},
		{"it was too slow, and errors nobody knew", WasBefore{P95: v(2.5)}, samples(0, 0), samples(2.4, 2.4), model.Behaviour{}, false, "P95 2.5s → 2.4s"},
		{"it was too slow, with errors at their limit", WasBefore{Errors: v(0.05), P95: v(2.5)}, samples(0, 0), samples(2.4, 2.4), model.Behaviour{}, false, "P95 2.5s → 2.4s"},
		{"it was too slow, and failed", WasBefore{Errors: v(0.3), P95: v(2.5)}, samples(0.2, 0.2), samples(2.4, 2.4), model.Behaviour{}, false, "errors 30% → 20%"},
		{"it was slow, and not too slow", WasBefore{Errors: v(0.001), P95: v(2)}, samples(0, 0), samples(2, 2), model.Behaviour{}, false, "errors 0.1% → 0%"},
	} {
		w := newWorld(t, nil)
		w.seen.Metrics.Heard = w.now
		w.seen.Figures = map[string]*model.Figures{"backend-python": {Errors: tt.errors, P95: tt.p95, New: tt.fresh}}
		got, _, rise := w.snap().compared(rollback{name: "backend-python", at: after, was: tt.was})
		if (rise != nil) != tt.worse || got != tt.want {
			t.Errorf("%s: %q, worse by %v, want %q", tt.name, got, rise, tt.want)
		}
	}
	// What was over before the write is not its work.
	w := newWorld(t, nil)
	w.seen.Metrics.Heard = w.now
	w.seen.Figures = map[string]*model.Figures{"backend-python": {Errors: samples(0.6, 0.6)}}
	for ago, want := range map[time.Duration]bool{step - time.Second: false, step: false, step + time.Second: true} {
		if _, _, rise := w.snap().compared(rollback{name: "backend-python", at: t0.Add(-ago), was: WasBefore{Errors: v(0.3)}}); (rise != nil) != want {
			t.Errorf("written %s ago: worse by %v", ago, rise)
		}
	}
	// Errors that brought the trigger are what is told, whatever the times.
	w.seen.Figures = map[string]*model.Figures{"backend-python": {Errors: samples(0.04, 0.04), P95: samples(2.4, 2.4)}}
	w.inc.Triggers = []Trigger{{Component: "backend-python", Kind: TErrors}}
	if got, _, _ := w.snap().compared(rollback{name: "backend-python", at: after, was: WasBefore{Errors: v(0.04), P95: v(2.5)}}); got != "errors 4% → 4%" {
		t.Errorf("%q", got)
	}
	w.seen.Figures["backend-python"].NotMeasured = true
	if got, _, _ := w.snap().compared(rollback{name: "backend-python"}); got != "has no figures, by configuration" {
		t.Errorf("%q", got)
	}
	w.seen.Figures = nil
	if got, _, _ := w.snap().compared(rollback{name: "backend-python"}); got != "figures unknown: not measured yet" {
		t.Errorf("%q", got)
	}
}

// Where a figure goes is told by a tenth over three samples; that it is much lower than
// before, once it is of what was served after the rollback alone.
func TestTrend(t *testing.T) {
	for want, all := range map[string][][]float64{
		"":          {{0.3, 0.2}, {1, 1, 1}, {1, 5, 0.9}, {1, 5, 1.1}, {0, 1, 1, 1}},
		", falling": {{1, 1, 0.89}, {0.1, 1, 0.5, 0.3}},
		", rising":  {{1, 1, 1.11}, {0, 0, 0.1}},
	} {
		for _, values := range all {
			if got := heading(figure(values...)); got != want {
				t.Errorf("%v: %q, want %q", values, got, want)
			}
		}
	}
	was := 1.0
	for _, tt := range []struct {
		now  float64
		ago  time.Duration // rolled out
		want string
	}{{0.69, 61 * time.Second, fell}, {0.7, 61 * time.Second, ""}, {0.69, time.Minute, ""}, {0.69, 59 * time.Second, ""}} {
		w := newWorld(t, nil)
		w.seen.Metrics.Heard = w.now
		w.seen.Figures = map[string]*model.Figures{"backend-python": {Errors: figure(repeat(tt.now, 3)...)}}
		if _, got, _ := w.snap().compared(rollback{name: "backend-python", rolled: t0.Add(-tt.ago), was: WasBefore{Errors: &was}}); got != tt.want {
			t.Errorf("%g, rolled out %s ago: %q, want %q", tt.now, tt.ago, got, tt.want)
		}
	}
	f := figure(1, 2, 3)
	for ago, want := range map[time.Duration]float64{0: 3, step - 1: 2, step: 2, 2 * step: 1, 3 * step: math.NaN()} {
		if got := before(f, t0.Add(-ago)); (got == nil) != math.IsNaN(want) || got != nil && *got != want {
			t.Errorf("%s ago: %v, want %g", ago, got, want)
		}
	}
}

// The banner after a rollback: from what to what, by whom, and how it stands, the worst
// of several first.
func TestBannerInWords(t *testing.T) {
	tagged := func(n int, tag string) model.Version { v := revision(n); v.Tag = tag; return v }
	was := 0.3
	write := func(change func(x *Write)) func(w *world) {
		return func(w *world) {
			x := Write{Plan: model.Plan{ID: "p", Role: model.RoleRelease, Component: "backend-python", From: revision(42), To: revision(41)}, State: Done,
				Intent: t0.Add(-3 * time.Minute), Receipt: model.Receipt{At: t0.Add(-3 * time.Minute)}, RolledOut: t0.Add(-2 * time.Minute), Was: &WasBefore{Errors: &was}}
			change(&x)
			w.inc.Attempts = []Attempt{{N: 1, By: "maria", Writes: []Write{x}}}
		}
	}
	dark := func(w *world) { w.figures("backend-python", nil, nil) }
	bad := func(v float64) func(w *world) {
		return func(w *world) { w.figures("backend-python", repeat(v, 21), repeat(0.2, 21)) }
	}
	for _, tt := range []struct {
		name  string
		write func(w *world)
		then  func(w *world)
		state AfterState
		want  string
	}{
		{"well", write(func(*Write) {}), bad(0.001), AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before"},
		{"by tags", write(func(x *Write) { x.Plan.From, x.Plan.To = tagged(42, "1.42.0"), tagged(41, "1.41.0") }), bad(0.001), AfterBetter, "ROLLED BACK 3m ago by maria (1.42.0 → 1.41.0): backend-python errors 30% → 0.1%, lower than before"},
		{"by one tag", write(func(x *Write) { x.Plan.From, x.Plan.To = tagged(42, "1.42.0"), tagged(41, "1.42.0") }), bad(0.001), AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before"},
		{"by half a tag", write(func(x *Write) { x.Plan.From, x.Plan.To = tagged(42, "1.42.0"), revision(41) }), bad(0.001), AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before"},
		{"by the other half", write(func(x *Write) { x.Plan.From, x.Plan.To = revision(42), tagged(41, "1.41.0") }), bad(0.001), AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before"},
		{"not measured", write(func(*Write) {}), func(w *world) { w.seen.Figures = map[string]*model.Figures{"backend-python": {NotMeasured: true}} }, AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python has no figures, by configuration"},
		{"no figures", write(func(*Write) {}), func(w *world) { w.seen.Figures = nil }, AfterUnknown, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python figures unknown: not measured yet"},
		{"only P95 is known", write(func(*Write) {}), func(w *world) { w.figures("backend-python", nil, repeat(0.2, 21)) }, AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors unknown: no series"},
		{"only errors are known", write(func(*Write) {}), func(w *world) { w.figures("backend-python", repeat(0.001, 21), nil) }, AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before"},
		{"somebody else's, and it was verified before", func(*world) {}, func(w *world) {
			w.figures("backend-python", append(repeat(0.3, 10), repeat(0.001, 11)...), repeat(0.2, 21))
			w.component("backend-python", func(c *model.Component) {
				c.Revision, c.OwnerName, c.RevisionStart, c.RevisionBy, c.Returned = 43, owner(41), t0.Add(-170*time.Second), "jonas", true
				c.Past = []model.Earlier{{Owner: owner(42), Revision: 42, At: t0.Add(-10 * time.Minute)}}
			})
			w.inc.Verified = t0.Add(-time.Minute)
		}, AfterBetter, "ROLLED BACK 2m50s ago by jonas (revision 42 → 43): backend-python errors 30% → 0.1%, lower than before"},
		{"from nobody knows what", write(func(x *Write) { x.Plan.From = model.Version{} }), bad(0.001), AfterBetter, "ROLLED BACK 3m ago by maria (revision 41): backend-python errors 30% → 0.1%, lower than before"},
		{"by nobody", write(func(*Write) {}), func(w *world) { bad(0.001)(w); w.inc.Attempts[0].By = "" }, AfterBetter, "ROLLED BACK 3m ago (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before"},
		{"on its way", write(func(x *Write) { x.State, x.RolledOut = Rolling, time.Time{} }), bad(0.3), AfterSettling, "ROLLING BACK since 3m by maria (revision 42 → 41): backend-python errors 30% → 30%"},
		{"settling", write(func(x *Write) { x.RolledOut = t0.Add(-20 * time.Second) }), bad(0.3), AfterSettling, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 30%, settling for 40s"},
		{"settling for less than a second", write(func(x *Write) { x.RolledOut = t0.Add(-59*time.Second - 1) }), bad(0.3), AfterSettling, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 30%"},
		{"settling for a second", write(func(x *Write) { x.RolledOut = t0.Add(-59 * time.Second) }), bad(0.3), AfterSettling, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 30%, settling for 1s"},
		{"settled", write(func(x *Write) { x.RolledOut = t0.Add(-time.Minute) }), bad(0.3), AfterNoBetter, "NO BETTER: backend-python errors 30% → 30% since the rollback 3m ago by maria (revision 42 → 41)"},
		{"lower, and over its limit", write(func(*Write) {}), bad(0.1), AfterNoBetter, "STILL OVER ITS LIMIT: backend-python errors 30% → 10% since the rollback 3m ago by maria (revision 42 → 41)"},
		{"worse", write(func(*Write) {}), bad(0.6), AfterWorse, "WORSE THAN BEFORE: backend-python errors 30% → 60% since the rollback 3m ago by maria (revision 42 → 41)"},
		{"it was worse, and nobody knows now", write(func(x *Write) { x.Worse = "errors 30% → 60%" }), dark, AfterWorse, "WORSE THAN BEFORE: backend-python errors unknown: no series since the rollback 3m ago by maria (revision 42 → 41)"},
		{"it was worse, and is well now", write(func(x *Write) { x.Worse = "errors 30% → 60%" }), bad(0.001), AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before"},
		{"nobody knows", write(func(*Write) {}), dark, AfterUnknown, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors unknown: no series"},
		{"verified", write(func(*Write) {}), func(w *world) { bad(0.001)(w); w.inc.Verified = t0.Add(-10 * time.Second) }, AfterVerified, "VERIFIED 10s ago by maria (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before"},
		{"reverted", write(func(x *Write) { x.State = Reverted }), bad(0.3), AfterNothing, ": "},
		{"an aid", write(func(x *Write) { x.Plan.Role = "aid" }), bad(0.3), AfterNothing, ": "},
		{"the worst of two", write(func(*Write) {}), func(w *world) {
			bad(0.001)(w)
			w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
			x := w.inc.Attempts[0].Writes[0]
			x.Plan.ID, x.Plan.Component = "q", "frontend"
			w.inc.Attempts[0].Writes = append(w.inc.Attempts[0].Writes, x)
		}, AfterNoBetter, "NO BETTER: frontend errors 30% → 30% since the rollback 3m ago by maria (revision 42 → 41); and 1 more"},
		{"two alike", write(func(*Write) {}), func(w *world) {
			bad(0.001)(w)
			w.figures("frontend", repeat(0.001, 21), repeat(0.2, 21))
			x := w.inc.Attempts[0].Writes[0]
			x.Plan.ID, x.Plan.Component = "q", "frontend"
			w.inc.Attempts[0].Writes = append(w.inc.Attempts[0].Writes, x)
		}, AfterBetter, "ROLLED BACK 3m ago by maria (revision 42 → 41): backend-python errors 30% → 0.1%, lower than before; and 1 more"},
	} {
		w := newWorld(t, nil)
		w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
		tt.write(w)
		tt.then(w)
		a := w.snap().Afterwards()
		if got := a.Head + ": " + a.Text; a.State != tt.state || got != tt.want {
			t.Errorf("%s: %d %s\nwant %d %s", tt.name, a.State, got, tt.state, tt.want)
		}
	}
}

// A trigger of what was rolled back is told by what came of that; once it was proved, it
// counts again when it is known to be over its limit, by what was served since.
func TestCoveredByTheRollback(t *testing.T) {
	for _, tt := range []struct {
		name     string
		of       string
		errors   float64
		verified bool
		rolled   time.Duration // ago
		want     bool
	}{
		{"over", "backend-python", 0.3, false, time.Hour, true},
		{"under", "backend-python", 0, false, time.Hour, true},
		{"of another", "frontend", 0.3, false, time.Hour, false},
		{"proved", "backend-python", 0, true, time.Hour, true},
		{"proved, and nobody knows", "backend-python", -1, true, time.Hour, true},
		{"proved, and over", "backend-python", 0.3, true, time.Hour, false},
		{"proved, and over by what was before", "backend-python", 0.3, true, 59 * time.Second, true},
		{"proved, and over since a window", "backend-python", 0.3, true, time.Minute, false},
	} {
		w := newWorld(t, nil)
		w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
		for _, id := range []string{"backend-python", "frontend"} {
			if w.figures(id, repeat(tt.errors, 21), repeat(0.2, 21)); tt.errors < 0 {
				w.figures(id, nil, nil)
			}
		}
		if tt.verified {
			w.inc.Verified = t0
		}
		back := []rollback{{name: "backend-python", rolled: t0.Add(-tt.rolled)}}
		if got := w.snap().covered(back, &Trigger{Component: tt.of, Kind: TErrors}); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	// It counts again by its own figures, and not by those of another.
	w := newWorld(t, nil)
	w.seen.Cluster.Heard, w.seen.Metrics.Heard, w.inc.Verified = w.now, w.now, t0
	back, trigger := []rollback{{name: "backend-python", rolled: t0.Add(-time.Hour)}}, &Trigger{Component: "backend-python", Kind: TErrors}
	w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	if !w.snap().covered(back, trigger) {
		t.Error("another one is over its limit, and it counts again")
	}
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.seen.Board = []*model.Component{w.seen.Component("frontend")}
	if !w.snap().covered(back, trigger) {
		t.Error("it is not on the board, and counts again")
	}
}

// What was rolled back raises nothing while its figures are of before; nor does what is
// being written to.
func TestUnsettled(t *testing.T) {
	of := func(state AttemptState, rolled time.Duration) func(i *Incident) {
		return func(i *Incident) {
			x := Write{Plan: model.Plan{ID: "p", Role: model.RoleRelease, Component: "backend-python", To: revision(41)}, State: state, Intent: t0.Add(-time.Hour)}
			if rolled > 0 {
				x.RolledOut = t0.Add(-rolled)
			}
			i.Attempts = []Attempt{{N: 1, Writes: []Write{x}}}
		}
	}
	for name, tt := range map[string]struct {
		change func(i *Incident)
		want   bool
	}{
		"nothing":                  {func(*Incident) {}, false},
		"not begun":                {of(Pending, 0), true},
		"on its way":               {of(Rolling, 0), true},
		"its answer is waited for": {of(Writing, 0), true},
		"rolled out lately":        {of(Done, 59*time.Second), true},
		"rolled out for a window":  {of(Done, time.Minute), false},
		"refused":                  {of(Refused, 0), false},
		"reverted":                 {of(Reverted, time.Second), false},
		"an older attempt's is waited for": {func(i *Incident) {
			of(Unsettled, 0)(i)
			i.Attempts = append(i.Attempts, Attempt{N: 2})
		}, false},
	} {
		w := newWorld(t, nil)
		tt.change(&w.inc)
		if got := w.snap().unsettled(); got["backend-python"] != tt.want || got["frontend"] {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// When something was last rolled back is when the newest release of those that happened
// was meant.
func TestWhenItWasRolledBack(t *testing.T) {
	of := func(n int, component string, role model.Role, state AttemptState) Attempt {
		return Attempt{N: n, Writes: []Write{{Plan: model.Plan{ID: "p", Role: role, Component: component}, State: state, Intent: t0.Add(time.Duration(n) * time.Minute)}}}
	}
	for want, all := range map[time.Duration][]Attempt{
		0:               {of(1, "a", model.RoleRelease, Refused), of(2, "b", "aid", Done), of(3, "c", model.RoleRelease, Writing)},
		time.Minute:     {of(1, "a", model.RoleRelease, Done), of(2, "a", model.RoleRelease, Failed), of(3, "b", "aid", Done)},
		2 * time.Minute: {of(1, "a", model.RoleRelease, Done), of(2, "b", model.RoleRelease, Reverted)},
		4 * time.Minute: {of(4, "b", model.RoleRelease, Rolling), of(1, "a", model.RoleRelease, Done)},
	} {
		i := Incident{Attempts: all}
		if at := i.wroteAt(); want == 0 != at.IsZero() || want > 0 && !at.Equal(t0.Add(want)) {
			t.Errorf("%s, want %s: %+v", at, want, all)
		}
	}
}

// Worse than before is told once, of our own write, until it is verified; and asked, where
// nothing else is.
func TestWorseIsToldOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(i *Incident)
		told   bool
		asked  Asked
	}{
		"worse":                   {func(*Incident) {}, true, AskWorse},
		"something else is asked": {func(i *Incident) { i.Asked = AskDeadline }, true, AskDeadline},
		"it was told":             {func(i *Incident) { i.Attempts[0].Writes[0].Worse = "errors 30% → 70%" }, false, AskNothing},
		"it was verified":         {func(i *Incident) { i.Verified = t0 }, false, AskNothing},
		"nobody knows how it was": {func(i *Incident) { i.Attempts[0].Writes[0].Was = nil }, false, AskNothing},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.wait(time.Minute)
		w.figures("backend-python", repeat(0.6, 3), repeat(0.2, 3))
		w.seen.Metrics.Heard = w.now
		tt.change(&w.inc)
		d := &decider{s: *w.snap()}
		d.compare()
		d.compare()
		told := 0
		for _, f := range d.facts {
			if b, ok := f.Body.(Worsened); ok && b.Text == "errors 30% → 60%" {
				told++
			}
		}
		if told != btoi(tt.told) || d.inc().Asked != tt.asked || tt.asked == AskWorse && !strings.HasPrefix(d.inc().AskText, "backend-python is worse than before: errors 30% → 60%") {
			t.Errorf("%s: told %d times, asked %q: %s", name, told, d.inc().Asked, d.inc().AskText)
		}
	}
}

// How it was right before a write is what its last rollback brought, where that is told
// apart; and nothing where nobody knew.
func TestHowItWasBefore(t *testing.T) {
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: t0} }
	for _, tt := range []struct {
		name        string
		f           *model.Figures
		errors, p95 float64 // -1 = not known
	}{
		{"both", &model.Figures{Errors: figure(0.3), P95: figure(1.5)}, 0.3, 1.5},
		{"errors alone", &model.Figures{Errors: figure(0.3)}, 0.3, -1},
		{"P95 alone", &model.Figures{P95: figure(1.5)}, -1, 1.5},
		{"of the new pods", &model.Figures{Errors: figure(0.3), P95: figure(1.5), New: model.Behaviour{Errors: known(0.6), P95: known(2.5)}}, 0.6, 2.5},
		{"errors of the new pods", &model.Figures{Errors: figure(0.3), P95: figure(1.5), New: model.Behaviour{Errors: known(0.6)}}, 0.6, 1.5},
		{"none", &model.Figures{}, -1, -1},
		{"no figures", nil, -1, -1},
	} {
		w := newWorld(t, nil)
		w.seen.Metrics.Heard = w.now
		w.seen.Figures = map[string]*model.Figures{}
		if tt.f != nil {
			w.seen.Figures["backend-python"] = tt.f
		}
		is := func(v *float64, want float64) bool { return v == nil && want < 0 || v != nil && *v == want }
		got := w.snap().was("backend-python")
		if none := tt.errors < 0 && tt.p95 < 0; none != (got == nil) || got != nil && (!is(got.Errors, tt.errors) || !is(got.P95, tt.p95)) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
