package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// shown is a check as the page has it.
func (v *VerifyCheck) shown() string {
	s := fmt.Sprintf("%s %s: %s", v.State, v.Name, v.Seen)
	if v.Wait != WaitNothing {
		s += " (" + string(v.Wait) + ")"
	}
	return s
}

// The pods are good only when they are seen to be all there, of what was chosen.
func TestPodsAreProven(t *testing.T) {
	set := func(change func(c *model.Component)) func(w *world) {
		return func(w *world) { w.component("backend-python", change) }
	}
	for _, tt := range []struct {
		name   string
		change func(w *world)
		want   string
	}{
		{"all there", func(*world) {}, "yes pods running: 3 of 3 ready"},
		{"a pod is not ready", set(func(c *model.Component) { c.Ready = 2 }), "no pods running: 2 of 3 ready"},
		{"its pods are not all shown", set(func(c *model.Component) {
			c.Pods = []model.Pod{{Ready: true}, {Ready: true}, {Ready: true, Deleting: true}}
		}), "unknown pods running: its pods are not all shown yet (settling)"},
		{"one is shown that is not ready", set(func(c *model.Component) { c.Pods = []model.Pod{{Ready: true}, {Ready: true}, {}} }), "unknown pods running: its pods are not all shown yet (settling)"},
		{"one of three is shown", set(func(c *model.Component) { c.Pods = []model.Pod{{Ready: true}} }), "unknown pods running: its pods are not all shown yet (settling)"},
		{"all are shown", set(func(c *model.Component) { c.Pods = []model.Pod{{Ready: true}, {Ready: true}, {Ready: true}, {}} }), "yes pods running: 3 of 3 ready"},
		{"pods may not be seen", set(func(c *model.Component) { c.PodsNo, c.Pods = "forbidden", []model.Pod{{Ready: true}} }), "yes pods running: 3 of 3 ready"},
		{"it cannot be seen", set(func(c *model.Component) { c.Missing = "forbidden: you may not" }), "unknown pods running: forbidden: you may not"},
		{"it is deleted", set(func(c *model.Component) { c.Missing = model.NotFound }), "no pods running: the workload is gone: it is not in the cluster any more"},
		{"it is off the board", func(w *world) {
			w.seen.Board = []*model.Component{w.seen.Component("frontend")}
		}, "no pods running: the workload is gone: it is not in the cluster any more"},
		{"it is scaled to nothing", func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.Desired, c.Ready = 0, 0 })
			w.do(Observed{})
		}, "no pods running: 0 replicas: it had 3"},
		{"its only one is scaled to nothing", func(w *world) { w.scaled("backend-python", 1); w.scaled("backend-python", 0) }, "no pods running: 0 replicas: it had 1"},
		{"it is on its way back", func(w *world) { w.scaled("backend-python", 0); w.scaled("backend-python", 1) }, "yes pods running: 1 of 1 ready"},
		{"it was scaled to nothing, and cannot be seen", func(w *world) {
			w.scaled("backend-python", 0)
			w.component("backend-python", func(c *model.Component) { c.Missing = "forbidden: you may not" })
		}, "unknown pods running: forbidden: you may not"},
		{"the board is being read", func(w *world) {
			w.seen.Board, w.seen.Reading = []*model.Component{w.seen.Component("frontend")}, true
		}, "unknown pods running: the board is not read yet"},
		{"it is there, and others are being read", func(w *world) { w.seen.Reading = true }, "yes pods running: 3 of 3 ready"},
		{"there is no board", func(w *world) { w.seen.Board = nil }, "unknown pods running: the board is not read yet"},
		{"the cluster is not heard", func(w *world) { w.wait(time.Minute) }, "unknown pods running: cluster not heard for 1m"},
		{"the cluster is not heard for two polls", func(w *world) { w.wait(10 * time.Second) }, "yes pods running: 3 of 3 ready"},
		{"and a second more", func(w *world) { w.wait(11 * time.Second) }, "unknown pods running: cluster not heard for 11s"},
		{"the cluster was never heard", func(w *world) { w.seen.Cluster.Heard = time.Time{} }, "unknown pods running: the cluster has not answered yet"},
		{"reverted", func(w *world) {
			w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseReverted, Text: "argocd put another template in place"}}
		}, "no pods running: argocd put another template in place"},
		{"under way again", func(w *world) {
			w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseRunning, Text: "2 of 3 new pods ready"}}
		}, "no pods running: 2 of 3 new pods ready"},
		{"nobody knows how far it is", func(w *world) {
			w.seen.Progress = map[WriteID]model.Progress{first: {Text: "waiting for the cluster to show the patch"}}
		}, "unknown pods running: waiting for the cluster to show the patch"},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.wait(40 * time.Second)
		w.rolledOut()
		tt.change(w)
		v := w.find("backend-python/pods")
		if got := v.shown(); got != tt.want || v.Limit != "all, of the chosen version" {
			t.Errorf("%s: %s (%s), want %s", tt.name, got, v.Limit, tt.want)
		}
		if acceptable := v.Acceptable(); acceptable != (v.State == model.TriUnknown && v.Wait == WaitNothing) {
			t.Errorf("%s: may be accepted: %v", tt.name, acceptable)
		}
	}
}

// What failed beside it and was not rolled back is proven too, by what it has.
func TestPodsBesideAreProven(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(c *model.Component)
		want   string
	}{
		"all there":        {func(*model.Component) {}, "yes pods running: 3 of 3 ready"},
		"stuck":            {func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0 }, "no pods running: rollout stuck: CrashLoopBackOff"},
		"not ready":        {func(c *model.Component) { c.Ready = 1 }, "no pods running: 1 of 3 ready"},
		"it never had any": {func(c *model.Component) { c.Desired, c.Ready = 0, 0 }, "unknown pods running: " + noReplicas},
	} {
		w := newWorld(t, nil)
		w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
		if name == "it never had any" {
			w.component("frontend", tt.change)
		}
		w.do(Observed{})
		w.toRolling()
		w.wait(40 * time.Second)
		w.rolledOut()
		w.component("frontend", tt.change)
		v := w.find("frontend/pods")
		if got := v.shown(); got != tt.want || v.Limit != "all ready" || !v.Beside {
			t.Errorf("%s: %s (%s), beside: %v, want %s", name, got, v.Limit, v.Beside, tt.want)
		}
		if w.find("backend-python/pods").Beside {
			t.Errorf("%s: what was rolled back is not beside it", name)
		}
	}
}

// A figure is judged by its limit and says where that comes from; the newest step has
// one of its own, of half the trigger's.
func TestFiguresAreProven(t *testing.T) {
	known := func(v float64) model.Reading {
		return model.Reading{Known: true, Value: v, At: t0.Add(5*time.Minute + 40*time.Second)}
	}
	atLeast := func(v float64) model.Reading { r := known(v); r.AtLeast = true; return r }
	for _, tt := range []struct {
		name   string
		change func(w *world, f *model.Figures)
		key    string
		want   string
		limit  string
	}{
		{"errors", func(*world, *model.Figures) {}, "errors", "yes error ratio: 0.05%", "≤ 0.1% over 2m (configured)"},
		{"errors at the limit", func(_ *world, f *model.Figures) { f.HoldErrors = known(0.001) }, "errors", "yes error ratio: 0.1%", ""},
		{"errors above it", func(_ *world, f *model.Figures) { f.HoldErrors = known(0.002) }, "errors", "no error ratio: 0.2%", ""},
		{"errors, at least so many", func(_ *world, f *model.Figures) {
			f.HoldErrors = atLeast(0.0005)
		}, "errors", "unknown error ratio: at least 0.05%: the outcome of some requests is unknown", ""},
		{"errors, at least the limit", func(_ *world, f *model.Figures) {
			f.HoldErrors = atLeast(0.001)
		}, "errors", "unknown error ratio: at least 0.1%: the outcome of some requests is unknown", ""},
		{"errors, at least too many", func(_ *world, f *model.Figures) { f.HoldErrors = atLeast(0.5) }, "errors", "no error ratio: 50%", ""},
		{"errors nobody knows", func(_ *world, f *model.Figures) { f.HoldErrors = model.Reading{Why: "no series"} }, "errors", "unknown error ratio: no series", ""},
		{"the newest step at half the trigger's", func(_ *world, f *model.Figures) { f.Errors.Samples[20].V = 0.025 }, "errors", "yes error ratio: 0.05%", ""},
		{"the newest step above it", func(_ *world, f *model.Figures) { f.Errors.Samples[20].V = 0.026 }, "errors", "no error ratio: 2.6% in the last minute", ""},
		{"the newest step, of five minutes", func(_ *world, f *model.Figures) { f.Errors.Samples[20].V, f.Errors.Window = 0.026, 5*time.Minute }, "errors", "no error ratio: 2.6% in the last 5m", ""},
		{"the newest step, where it is scraped each half minute", func(w *world, f *model.Figures) {
			w.inc.Settings.Scrape, f.Errors.Samples[20].V = 30*time.Second, 0.026
		}, "errors", "no error ratio: 2.6% in the last 2m", ""},
		{"the only step", func(_ *world, f *model.Figures) { f.Errors.Samples = []model.Sample{{At: f.Errors.Now.At, V: 0.026}} }, "errors", "no error ratio: 2.6% in the last minute", ""},
		{"no step", func(_ *world, f *model.Figures) { f.Errors.Samples = nil }, "errors", "yes error ratio: 0.05%", ""},
		{"the newest step, and new pods at half the trigger's", func(_ *world, f *model.Figures) { f.Errors.Samples[20].V, f.New.Errors = 0.026, known(0.025) }, "errors", "no error ratio: 2.6% in the last minute", ""},
		{"the newest step, of new pods of which nobody knows", func(_ *world, f *model.Figures) {
			f.Errors.Samples[20].V, f.New.Errors = 0.026, model.Reading{Value: 0.3, Why: "too few requests"}
		}, "errors", "no error ratio: 2.6% in the last minute", ""},
		{"the newest step, of new pods", func(_ *world, f *model.Figures) { f.Errors.Samples[20].V, f.New.Errors = 0.026, known(0.3) }, "errors", "no error ratio: 2.6% in the last minute, new pods 30%", ""},
		{"the newest step is not known now", func(_ *world, f *model.Figures) {
			f.Errors.Samples[20].V, f.Errors.Now = 0.026, model.Reading{Why: "gone"}
		}, "errors", "yes error ratio: 0.05%", ""},
		{"a worse baseline", func(w *world, f *model.Figures) {
			w.seen.Baseline = map[string]model.Baseline{"backend-python": {Errors: known(0.004), P95: known(0.7)}}
			f.HoldErrors = known(0.004)
		}, "errors", "yes error ratio: 0.4%", "≤ 0.4% over 2m (baseline, above the configured)"},
		{"a bad baseline", func(w *world, f *model.Figures) {
			w.seen.Baseline = map[string]model.Baseline{"backend-python": {Errors: known(0.04)}}
			f.HoldErrors = known(0.03)
		}, "errors", "no error ratio: 3%", "≤ 2.5% over 2m (half the trigger's limit)"},
		{"a better baseline", func(w *world, _ *model.Figures) {
			w.seen.Baseline = map[string]model.Baseline{"backend-python": {Errors: known(0.0001)}}
		}, "errors", "yes error ratio: 0.05%", "≤ 0.1% over 2m (configured)"},

		{"P95", func(*world, *model.Figures) {}, "p95", "yes P95: 200ms", "≤ 500ms over 2m (configured)"},
		{"P95 above it", func(_ *world, f *model.Figures) { f.HoldP95 = known(0.6) }, "p95", "no P95: 600ms", ""},
		{"P95 of a slower baseline", func(w *world, f *model.Figures) {
			w.seen.Baseline = map[string]model.Baseline{"backend-python": {P95: known(0.7)}}
			f.HoldP95 = known(0.7)
		}, "p95", "yes P95: 700ms", "≤ 700ms over 2m (baseline, above the configured)"},
		{"the newest step of P95 at half the trigger's", func(_ *world, f *model.Figures) { f.P95.Samples[20].V = 1 }, "p95", "yes P95: 200ms", ""},
		{"the newest step of P95", func(_ *world, f *model.Figures) { f.P95.Samples[20].V = 1.1 }, "p95", "no P95: 1.1s in the last minute", ""},
		{"the newest step of P95, of new pods", func(_ *world, f *model.Figures) { f.P95.Samples[20].V, f.New.P95 = 1.1, known(1.5) }, "p95", "no P95: 1.1s in the last minute, new pods 1.5s", ""},

		{"targets", func(*world, *model.Figures) {}, "up", "yes scrape targets up: 3 of 3", "all"},
		{"one target is down", func(_ *world, f *model.Figures) { f.Up = known(2) }, "up", "no scrape targets up: 2 of 3", ""},
		{"targets of pods that have ended", func(w *world, f *model.Figures) {
			f.Targets = known(4)
			w.component("backend-python", func(c *model.Component) { c.Terminating = 1 })
		}, "up", "unknown scrape targets up: 3 of 4: of pods that have ended (settling)", ""},
		{"targets of a workload that is gone", func(w *world, f *model.Figures) {
			f.Targets = known(4)
			w.seen.Board = []*model.Component{w.seen.Component("frontend")}
		}, "up", "no scrape targets up: 3 of 4", ""},
		{"targets of nobody", func(_ *world, f *model.Figures) { f.Targets = known(4) }, "up", "no scrape targets up: 3 of 4", ""},
		{"no targets", func(_ *world, f *model.Figures) { f.Up, f.Targets = known(0), known(0) }, "up", "unknown scrape targets up: no target is scraped", ""},
		{"targets nobody knows", func(_ *world, f *model.Figures) { f.Up = model.Reading{Why: "no series"} }, "up", "unknown scrape targets up: no series", ""},
		{"how many targets nobody knows", func(_ *world, f *model.Figures) { f.Targets = model.Reading{} }, "up", "unknown scrape targets up: not measured yet", ""},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.wait(40 * time.Second)
		w.rolledOut()
		w.wait(5 * time.Minute)
		w.figures("backend-python", repeat(0.0005, 21), repeat(0.2, 21))
		w.figures("frontend", repeat(0, 21), repeat(0.2, 21))
		w.inc.Baseline, w.seen.Baseline = nil, nil
		w.do(Observed{})
		w.inc.Baseline, w.seen.Baseline = nil, nil
		f := *w.seen.Figures["backend-python"]
		tt.change(w, &f)
		w.seen.Figures = map[string]*model.Figures{"backend-python": &f}
		v := w.find("backend-python/" + tt.key)
		if got := v.shown(); got != tt.want || tt.limit != "" && v.Limit != tt.limit {
			t.Errorf("%s: %s (%s), want %s (%s)", tt.name, got, v.Limit, tt.want, tt.limit)
		}
	}
}

// The hold is over when it was watched for its whole length: then the impact is measured,
// and what comes after the incident is closed takes nothing back.
func TestEndOfTheHold(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	w.do(Next{})
	if w.snap().Held() != 0 {
		t.Errorf("held %s before it began", w.snap().Held())
	}
	w.well(time.Minute)
	if held := w.snap().Held(); held != 55*time.Second {
		t.Errorf("held %s of a minute's looks", held)
	}
	w.effects = nil
	w.well(75 * time.Second)
	if held := w.snap().Held(); w.inc.Verified.IsZero() || held != 2*time.Minute {
		t.Fatalf("verified %s, held %s", w.inc.Verified, held)
	}
	measured := 0
	for _, e := range w.effects {
		if _, is := e.(MeasureImpact); is {
			measured++
		}
	}
	if measured != 1 {
		t.Errorf("the impact was measured %d times", measured)
	}
	w.do(Next{})
	for _, it := range w.inc.Items {
		w.do(SettleItem{ID: it.ID})
	}
	if w.inc.Closed.IsZero() {
		t.Fatal("it is open")
	}
	w.wait(5 * time.Second)
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.seen.Figures = nil
	w.do(AcceptUnknown{Key: "backend-python/errors", Reason: "seen in the browser"})
	if w.inc.Verified.IsZero() || len(w.inc.Accepted) > 0 {
		t.Errorf("a closed incident is verified no more, or takes %+v", w.inc.Accepted)
	}
}

// What is not green for long is asked about, by what is known of it: that it is bad, or
// only that nobody can tell.
func TestAskedWhenItIsNotGreen(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	look := func(errors []float64, d time.Duration) {
		for range int(d / (5 * time.Second)) {
			w.wait(5 * time.Second)
			w.figures("backend-python", errors, repeat(0.2, 3))
			w.figures("frontend", repeat(0, 3), repeat(0.2, 3))
			w.do(Observed{Passed: 5 * time.Second})
		}
	}
	after := w.inc.Settings.Verify.Ask
	look(nil, after-5*time.Second)
	if w.inc.Asked != AskNothing {
		t.Fatalf("asked too early: %q", w.inc.AskText)
	}
	look(nil, 5*time.Second)
	if want := "not verified " + model.Short(after) + " after the rollout: backend-python error ratio unknown: no series"; w.inc.Asked != AskUnverified || w.inc.AskText != want {
		t.Errorf("asked %q: %s\nwant %s", w.inc.Asked, w.inc.AskText, want)
	}
	look(repeat(0.3, 3), 5*time.Second)
	if want := "not green " + model.Short(after+5*time.Second) + " after the rollout: backend-python error ratio 30% in the last minute"; w.inc.Asked != AskNotGreen || w.inc.AskText != want {
		t.Errorf("asked %q: %s\nwant %s", w.inc.Asked, w.inc.AskText, want)
	}
	look(repeat(0.0002, 3), 3*time.Minute)
	if w.inc.Asked != AskNothing || w.inc.Verified.IsZero() {
		t.Errorf("verified %s, and asked %q", w.inc.Verified, w.inc.AskText)
	}
}

// It is asked after its time, and over no other question; not while the operator is at
// another version, nor of what has ended.
func TestWhenItIsAsked(t *testing.T) {
	wait := DefaultVerify().Ask
	for _, tt := range []struct {
		name    string
		prepare func(w *world)
		errors  []float64
		p95     []float64
		after   time.Duration
		want    Asked
	}{
		{"bad", func(*world) {}, repeat(0.3, 3), repeat(0.2, 3), wait, AskNotGreen},
		{"bad, a look before", func(*world) {}, repeat(0.3, 3), repeat(0.2, 3), wait - 5*time.Second, AskNothing},
		{"bad, and nobody knows the rest", func(*world) {}, repeat(0.3, 3), nil, wait, AskNotGreen},
		{"nobody knows", func(*world) {}, nil, repeat(0.2, 3), wait, AskUnverified},
		{"nobody knows, a look before", func(*world) {}, nil, repeat(0.2, 3), wait - 5*time.Second, AskNothing},
		{"bad, and something else is asked", func(w *world) { w.inc.Asked = AskWorse }, repeat(0.3, 3), repeat(0.2, 3), wait, AskWorse},
		{"nobody knows, and something else is asked", func(w *world) { w.inc.Asked = AskWorse }, nil, repeat(0.2, 3), wait, AskWorse},
		{"the operator is choosing", func(w *world) { w.do(Goto{Choose}) }, repeat(0.3, 3), repeat(0.2, 3), wait, AskNothing},
		{"it has ended", func(w *world) { w.do(EndIncident{Outcome: FixedOtherwise, Reason: "a flag"}) }, repeat(0.3, 3), repeat(0.2, 3), wait, AskNothing},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.rolledOut()
		tt.prepare(w)
		for range int(tt.after / (5 * time.Second)) {
			w.wait(5 * time.Second)
			w.figures("backend-python", tt.errors, tt.p95)
			w.figures("frontend", repeat(0, 3), repeat(0.2, 3))
			w.do(Observed{Passed: 5 * time.Second})
		}
		if w.inc.Asked != tt.want {
			t.Errorf("%s: asked %q (%s), want %q", tt.name, w.inc.Asked, w.inc.AskText, tt.want)
		}
	}
}

// The end of the hold says how many checks were taken though nobody knew.
func TestVerifiedWithUnknowns(t *testing.T) {
	for n, want := range []string{"verified", "verified with 1 unknown", "verified with 2 unknown"} {
		i := Apply(Incident{}, Fact{At: t0, Body: WasVerified{Recovered: t0, Unknown: n}})
		if e := i.Timeline[0]; e.Kind != EntryOutcome || e.Text != want || !i.Hold.Green || i.Hold.With != n {
			t.Errorf("%d: %s: %s, %+v", n, e.Kind, e.Text, i.Hold)
		}
	}
}

// An unknown check is taken by its name, with a reason, by a person; the others still
// count, and the end says how many were taken.
func TestUnknownIsTakenByName(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	look := func(d time.Duration) {
		for range int(d / (5 * time.Second)) {
			w.wait(5 * time.Second)
			w.figures("backend-python", nil, nil)
			w.figures("frontend", repeat(0, 3), repeat(0.2, 3))
			w.do(Observed{Passed: 5 * time.Second})
		}
	}
	look(3 * time.Minute)
	for _, do := range []AcceptUnknown{{"backend-python/errors", ""}, {"backend-python/errors", "  "}, {"backend-python/pods", "seen"}, {"nobody/errors", "seen"}} {
		if w.do(do); len(w.inc.Accepted) > 0 {
			t.Fatalf("%+v was taken: %+v", do, w.inc.Accepted)
		}
	}
	w.do(AcceptUnknown{Key: "backend-python/errors", Reason: "seen in the browser"})
	if got, want := w.inc.Accepted["backend-python/errors"], (Override{At: w.now, By: "maria", Text: "no series", Reason: "seen in the browser"}); got != want || len(w.inc.Accepted) != 1 {
		t.Errorf("taken is %+v, want %+v", w.inc.Accepted, want)
	}
	if v := w.find("backend-python/errors"); !v.Accepted || v.Acceptable() {
		t.Errorf("%+v", v)
	}
	if look(time.Minute); !w.inc.Hold.Since.IsZero() {
		t.Error("it holds with another one unknown")
	}
	w.do(AcceptUnknown{Key: "backend-python/p95", Reason: "it is fast"})
	look(3 * time.Minute)
	want := `answer: accepted though unknown: backend-python error ratio (no series): “seen in the browser”
answer: accepted though unknown: backend-python P95 (no series): “it is fast”
seen: all checks green: holding for 2m
outcome: verified with 2 unknown`
	if got := w.told(4); got != want || w.inc.Hold.With != 2 || w.inc.Verified.IsZero() {
		t.Errorf("it reads\n%s\nwant\n%s", got, want)
	}
}

// The countdown of ten minutes runs from the decision to the first write.
func TestCountdown(t *testing.T) {
	s := &Snapshot{Now: t0}
	s.Incident.Verdict.Deadline = t0.Add(time.Minute)
	for name, tt := range map[string]struct {
		verdict Verdict
		change  func(s *Snapshot)
		left    time.Duration
		runs    bool
	}{
		"runs":            {Within10, func(*Snapshot) {}, time.Minute, true},
		"its last second": {Within10, func(s *Snapshot) { s.Now = s.Now.Add(59 * time.Second) }, time.Second, true},
		"over":            {Within10, func(s *Snapshot) { s.Now = s.Now.Add(time.Minute) }, 0, false},
		"at once":         {Now, func(*Snapshot) {}, 0, false},
		"not decided":     {Within10, func(s *Snapshot) { s.Incident.Verdict.Deadline = time.Time{} }, 0, false},
		"written": {Within10, func(s *Snapshot) {
			s.Incident.Attempts = []Attempt{{N: 1, Writes: []Write{{State: Rolling, Plan: model.Plan{Role: model.RoleRelease}, Receipt: model.Receipt{At: t0}, Intent: t0}}}}
		}, 0, false},
	} {
		c := *s
		tt.change(&c)
		if left, runs := c.Countdown(tt.verdict); left != tt.left || runs != tt.runs {
			t.Errorf("%s: %s, %v", name, left, runs)
		}
	}
}

// What nobody measures proves nothing, and says why; what is not measured by
// configuration is not asked for.
func TestFiguresThatAreNotThere(t *testing.T) {
	names := func(w *world) string {
		var out []string
		for _, v := range VerifyChecks(w.snap()) {
			out = append(out, v.shown())
		}
		return strings.Join(out, "\n")
	}
	const pods = "yes pods running: 3 of 3 ready"
	for _, tt := range []struct {
		name   string
		change func(w *world)
		want   string
	}{
		{"no Prometheus", func(w *world) {
			w.seen.Figures, w.seen.Metrics = nil, model.Connection{Off: "no Prometheus is configured"}
		},
			"unknown scrape targets up: no Prometheus is configured\nunknown error ratio: no Prometheus is configured\nunknown P95: no Prometheus is configured"},
		{"not measured", func(w *world) {
			w.seen.Figures = map[string]*model.Figures{"backend-python": {NotMeasured: true}}
		}, ""},
		{"no targets", func(w *world) { w.inc.Settings.Components = []model.Target{{ID: "backend-python", NoUp: true}} }, "yes error ratio: 0.02%\nyes P95: 200ms"},
		{"targets like any other's", func(w *world) { w.inc.Settings.Components = []model.Target{{ID: "backend-python"}} },
			"yes scrape targets up: 3 of 3\nyes error ratio: 0.02%\nyes P95: 200ms"},
	} {
		w := newWorld(t, nil)
		w.toHold()
		w.well(70 * time.Second)
		tt.change(w)
		if got := names(w); got != strings.TrimSpace(pods+"\n"+tt.want) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// Until the rollout has ended nothing that is measured is of it.
func TestNotRolledOutIsNotProven(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.well(3 * time.Minute)
	if got := w.find("backend-python/errors"); got.shown() != "unknown error ratio: not rolled out yet (settling)" {
		t.Errorf("%s", got.shown())
	}
	f := *w.seen.Figures["backend-python"]
	f.Targets.Value = 4
	w.seen.Figures = map[string]*model.Figures{"backend-python": &f}
	w.component("backend-python", func(c *model.Component) { c.Terminating = 1 })
	if v := w.find("backend-python/up"); v.Wait != WaitWindow || !v.Clears.IsZero() {
		t.Errorf("an old pod ends: %+v", v)
	}
}

// Nothing is to be proven before anything was written or the incident has ended.
func TestNothingToProveBeforeAWrite(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	if checks := VerifyChecks(w.snap()); len(checks) > 0 {
		t.Errorf("%+v", checks)
	}
	w.do(EndIncident{Outcome: FixedOtherwise, Reason: "a flag"})
	if len(VerifyChecks(w.snap())) == 0 {
		t.Error("it has ended, and there is nothing to look at")
	}
}

// A component is beside those that were rolled back while nothing was written to it.
func TestWhatIsBeside(t *testing.T) {
	for name, tt := range map[string]struct {
		then   func(w *world)
		beside bool
		limit  string
	}{
		"rolled out": {func(w *world) {
			w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
			w.rolledOut()
		}, false, "all, of the chosen version"},
		"reverted": {func(w *world) {
			w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
			w.rolledOut()
			w.component("backend-python", func(c *model.Component) {
				c.TemplateHash, c.Generation, c.Observed, c.RevisionBy = "hash-42", 9, 9, "argocd"
			})
			w.do(Observed{})
		}, false, "all ready"},
		"refused": {func(w *world) { w.do(Wrote{WriteID: first, Err: "forbidden"}) }, true, "all ready"},
	} {
		w := newWorld(t, nil)
		w.toWriting()
		tt.then(w)
		if v := w.find("backend-python/pods"); v.Beside != tt.beside || v.Limit != tt.limit {
			t.Errorf("%s: beside: %v, must be %s", name, v.Beside, v.Limit)
		}
	}
}

// Verify's limit is the larger of the configured one and the baseline, at most half the
// trigger's.
func TestLimitOfVerify(t *testing.T) {
	base := func(v float64) model.Reading { return model.Reading{Known: true, Value: v} }
	for _, tt := range []struct {
		configured float64
		base       model.Reading
		want       float64
		why        string
	}{
		{0.001, model.Reading{}, 0.001, "configured"},
		{0.001, model.Reading{Value: 0.02, Why: "too few requests"}, 0.001, "configured"},
		{0.001, base(0.0005), 0.001, "configured"},
		{0.001, base(0.001), 0.001, "configured"},
		{0.001, base(0.002), 0.002, "baseline, above the configured"},
		{0.001, base(0.025), 0.025, "baseline, above the configured"},
		{0.001, base(0.3), 0.025, "half the trigger's limit"},
		{0.025, base(0.01), 0.025, "configured"},
		{0.04, base(0.01), 0.025, "half the trigger's limit"},
	} {
		if got, why := limitOf(tt.configured, tt.base, 0.05); got != tt.want || why != tt.why {
			t.Errorf("configured %g, baseline %+v: %g (%s), want %g (%s)", tt.configured, tt.base, got, why, tt.want, tt.why)
		}
	}
}

// A check that is good says since when: since the hold began, or as it knows itself. One
// that is bad or unknown says nothing of the kind.
func TestSinceWhenACheckIsGood(t *testing.T) {
	w := newWorld(t, func(x *Settings) {
		x.Components = []model.Target{{ID: "backend-python", Health: []model.Health{{URL: "https://a/"}, {URL: "https://b/"}, {URL: "https://c/"}}}}
	})
	probes := func(at time.Time) {
		w.seen.Probes = map[string][]model.ProbeSeen{"backend-python": {
			{URL: "https://a/", At: at, State: model.TriYes, Text: "200", Since: t0}, {URL: "https://b/", At: at, State: model.TriYes},
			{URL: "https://c/", At: at, State: model.TriYes, Text: "200"}}}
	}
	probes(t0.Add(2 * time.Minute))
	w.toHold()
	began := w.inc.Hold.Since
	probes(w.now)
	w.seen.Probes["backend-python"][2].State = model.TriNo
	for key, want := range map[string]time.Time{"pods": began, "errors": {}, "health:https://a/": t0, "health:https://b/": began, "health:https://c/": {}} {
		if v := w.find("backend-python/" + key); !v.Since.Equal(want) {
			t.Errorf("%s is %s since %s, want %s", key, v.shown(), v.Since, want)
		}
	}
	if v := w.find("backend-python/health:https://b/"); v.Seen != "" {
		t.Errorf("it is good, and says %q", v.Seen)
	}
}

// A check stands in the journal with what was seen, and by what it was judged, if by
// anything.
func TestProof(t *testing.T) {
	for want, v := range map[string]VerifyCheck{
		"api queue: 3":                  {Component: "api", Name: "queue", Seen: "3"},
		"api queue: 3; must be ≤ 10":    {Component: "api", Name: "queue", Seen: "3", Limit: "≤ 10"},
		"api log: 20 lines; only shown": {Component: "api", Name: "log", Seen: "20 lines", Shown: true},
	} {
		if got := v.proof(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
