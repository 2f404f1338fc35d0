package incident

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/engine/walktest"
	"rollbook/model"
)

// well lets so much time pass in looks of five seconds, with all components well.
func (w *world) well(d time.Duration) {
	for range int(d / (5 * time.Second)) {
		w.wait(5 * time.Second)
		for _, c := range w.seen.Board {
			w.figures(c.ID, repeat(0.0002, 3), repeat(0.2, 3))
		}
		w.do(Observed{Passed: 5 * time.Second})
	}
}

// toHold is a rollback that is rolled out and in the middle of its hold.
func (w *world) toHold() {
	w.t.Helper()
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	w.do(Next{})
	w.well(time.Minute)
	if w.inc.Hold.Since.IsZero() || !w.inc.Verified.IsZero() {
		w.t.Fatalf("not in the hold: %+v, verified %s: %+v", w.inc.Hold, w.inc.Verified, VerifyChecks(w.snap()))
	}
}

func (w *world) find(key string) VerifyCheck {
	for _, v := range VerifyChecks(w.snap()) {
		if v.Key == key {
			return v
		}
	}
	return VerifyCheck{Seen: "no such check"}
}

// What failed and was not rolled back keeps it from green, and all that follows.
func TestVerifyCoversWhatFailed(t *testing.T) {
	w := newWorld(t, withChannels)
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21)) // and backend-python goes back
	w.do(Observed{})
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	w.do(Next{})
	for range 60 {
		w.wait(5 * time.Second)
		w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
		w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
		w.do(Observed{Passed: 5 * time.Second})
	}
	if !w.inc.Verified.IsZero() || !w.inc.Hold.Since.IsZero() {
		t.Fatalf("frontend burns, and held %+v, verified %s", w.inc.Hold, w.inc.Verified)
	}
	if v := w.find("frontend/errors"); v.State != model.TriNo || !v.Beside {
		t.Errorf("frontend's errors: %+v", v)
	}
	if v := w.find("backend-python/errors"); v.State != model.TriYes || v.Beside {
		t.Errorf("backend-python's errors: %+v", v)
	}
	if w.inc.Down.Since.IsZero() || w.inc.Down.Unseen {
		t.Errorf("frontend burns, and the clock stands: %+v", w.inc.Down)
	}
	if m := Draft(w.snap(), channels[0], model.MessageResolved); m.Title+m.Text != "" {
		t.Errorf("frontend burns, and drafted is %q", m.Title)
	}
	if m := Draft(w.snap(), channels[0], model.MessageUpdated); m.Status != model.StatusIdentified || strings.Contains(m.Title, "frontend") || !strings.Contains(m.Text, "frontend errors 30%") {
		t.Errorf("updated (%s): %s\n%s", m.Status, m.Title, m.Text)
	}
	if why := Verify.Blocked(w.snap()); why == "" {
		t.Error("Close is open")
	}
	if w.inc.Asked != AskNotGreen || !strings.Contains(w.inc.AskText, "frontend error ratio 30%") {
		t.Errorf("asks %q: %s", w.inc.Asked, w.inc.AskText)
	}
	w.well(6 * time.Minute)
	if w.inc.Verified.IsZero() || !w.inc.Down.Since.IsZero() || len(w.inc.Calls()) > 0 || w.inc.Asked != AskNothing {
		t.Errorf("all is well; verified %s, clock %+v, calls %+v, asks %q: %+v", w.inc.Verified, w.inc.Down, w.inc.Calls(), w.inc.Asked, VerifyChecks(w.snap()))
	}
	if m := Draft(w.snap(), channels[0], model.MessageResolved); !strings.Contains(m.Title, "Resolved") {
		t.Errorf("verified, and drafted is %q", m.Title)
	}
}

// A trigger that the operator let fall is covered all the same; one from before the
// incident is not.
func TestCoveredWhatTheOperatorLetFall(t *testing.T) {
	for _, open := range []bool{false, true} {
		w := newWorld(t, nil)
		w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
		w.do(Observed{})
		if open {
			w.do(Next{})
		}
		w.well(10 * time.Minute)
		w.do(StandDown{})
		if got := slices.Contains(w.inc.Covered(), "frontend"); len(w.inc.Triggers) > 0 || got != open {
			t.Errorf("stood down in an open incident %v; covers frontend %v, triggers %+v", open, got, w.inc.Triggers)
		}
	}
}

// The hold is reset by any one check that is bad or not known, by time that nobody
// watched, by a clock that was set, by a later run, and by what the API remembers.
func TestHoldIsReset(t *testing.T) {
	pods := func(since time.Time) func(c *model.Component) {
		return func(c *model.Component) {
			c.Pods = nil
			for range 3 {
				c.Pods = append(c.Pods, model.Pod{Ready: true, Steady: since})
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(w *world)
		told   string
	}{
		{"one bad check", func(w *world) {
			w.figures("backend-python", repeat(0.0002, 3), join(repeat(0.2, 2), repeat(1.5, 1)))
			w.do(Observed{})
		}, "hold reset: backend-python P95 1.5s in the last minute"},
		{"one unknown check", func(w *world) {
			w.figures("backend-python", nil, repeat(0.2, 3))
			w.do(Observed{})
		}, "hold reset: backend-python error ratio unknown: no series"},
		{"a pod is not ready", func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.Ready = 2 })
			w.do(Observed{})
		}, "hold reset: backend-python pods running 2 of 3 ready"},
		{"scaled to 0", func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.Desired, c.Ready, c.Replicas, c.Updated, c.Available = 0, 0, 0, 0, 0 })
			w.do(Observed{})
		}, "0 replicas: it had 3"},
		{"gone", func(w *world) {
			w.seen.Board = w.seen.Board[:1]
			if w.seen.Board[0].ID == "backend-python" {
				panic("the other one was to stay")
			}
			w.do(Observed{})
		}, "the workload is gone"},
		{"not found any more", func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.Missing = model.NotFound })
			w.do(Observed{})
		}, "the workload is gone"},
		{"a restart that the API remembers", func(w *world) {
			w.component("backend-python", pods(w.now.Add(-time.Second)))
			w.do(Observed{})
		}, "a pod of backend-python restarted or was not ready in between"},
		{"the cluster is silent", func(w *world) {
			w.wait(12 * time.Second)
			w.figures("backend-python", repeat(0.0002, 3), repeat(0.2, 3))
			facts, _ := Decide(w.inc, w.seen, Input{At: w.now, Do: Observed{Passed: time.Second}})
			for _, f := range facts {
				w.fold(f)
			}
		}, "cluster not heard for 12s"},
		{"nobody looked", func(w *world) {
			w.well(0)
			w.do(Observed{Passed: 11 * time.Second})
		}, "not watched for 11s: rollbook was held up; the hold starts again"},
		{"the clock went on", func(w *world) {
			w.wait(time.Hour)
			w.figures("backend-python", repeat(0.0002, 3), repeat(0.2, 3))
			w.do(Observed{Passed: time.Second, Jump: time.Hour})
		}, "this machine's clock went 1h on"},
		{"the clock went back", func(w *world) {
			w.wait(-time.Hour)
			w.figures("backend-python", repeat(0.0002, 3), repeat(0.2, 3))
			w.do(Observed{Passed: time.Second, Jump: -time.Hour})
		}, "this machine's clock went back by 1h"},
		{"killed, and taken up again", func(w *world) {
			w.wait(20 * time.Minute)
			w.figures("backend-python", repeat(0.0002, 3), repeat(0.2, 3))
			w.inc = Fold(w.facts)
			w.do(TakenUp{})
			w.do(Observed{})
		}, "not watched for 20m: rollbook did not run; the hold starts again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.component("backend-python", pods(t0.Add(-time.Hour)))
			w.toHold()
			began := w.inc.Hold.Began
			c.change(w)
			if h := w.inc.Hold; !h.Since.IsZero() && !h.Began.After(began) && !strings.Contains(c.name, "back") || w.snap().Held() > 0 || !w.inc.Verified.IsZero() {
				t.Errorf("it goes on: %+v, held %s", h, w.snap().Held())
			}
			if !slices.ContainsFunc(w.inc.Timeline, func(e Entry) bool { return strings.Contains(e.Text, c.told) }) {
				t.Errorf("it is not told: %+v", w.inc.Timeline[len(w.inc.Timeline)-3:])
			}
		})
	}
}

// The figures of a gap come afterwards, and may be good: they say nothing of the time in
// which, by the cluster's word, not all pods were there.
func TestGoodRunBeginsWithItsPods(t *testing.T) {
	w := newWorld(t, nil)
	ready := func(since time.Time) func(c *model.Component) {
		return func(c *model.Component) {
			c.Pods = []model.Pod{{Ready: true, Steady: since}, {Ready: true, Steady: since.Add(-5 * time.Second)}, {Ready: true, Steady: since}}
		}
	}
	w.component("backend-python", ready(t0.Add(-time.Hour)))
	w.toHold()
	for range 8 { // the cluster is silent
		w.wait(5 * time.Second)
		w.figures("backend-python", repeat(0.0002, 12), repeat(0.2, 12))
		w.judge()
		facts, _ := Decide(w.inc, w.seen, Input{At: w.now, Do: Observed{Passed: 5 * time.Second}})
		for _, f := range facts {
			w.fold(f)
		}
	}
	if h := w.inc.Hold; !h.Since.IsZero() || h.Broke.IsZero() {
		t.Fatalf("the cluster was not heard for 40s: %+v", h)
	}
	back := w.now.Add(-4 * time.Second)
	w.component("backend-python", ready(back))
	w.do(Observed{Passed: 5 * time.Second})
	if h := w.inc.Hold; !h.Since.Equal(back) || !h.Began.Equal(w.now) {
		t.Errorf("the pods are back since %s, and it is good since %s, held since %s", back, h.Since, h.Began)
	}
}

// Whatever readings, gaps and clocks: verified only after that much time that was seen
// and good, in one piece.
func TestHoldIsTimeThatWasSeenAndGood(t *testing.T) {
	t.Parallel()
	verified := 0
	taken := walktest.Each(t, 300, func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 11))
		w := newWorld(t, nil)
		w.seen.Memory = &Memory{}
		w.toRolling()
		w.wait(40 * time.Second)
		w.rolledOut()
		w.do(Next{})
		odd := 2 + r.IntN(120) // how seldom something is out of order
		var seen time.Duration // and good, in one piece
		good := false
		for range 400 {
			passed := time.Duration(1+r.IntN(9)) * time.Second
			var jump time.Duration
			switch r.IntN(odd) {
			case 0:
				passed = time.Duration(r.IntN(60)) * time.Second
			case 1:
				jump = time.Duration(r.IntN(7200)-3600) * time.Second
			}
			watched := passed <= 10*time.Second && jump.Abs() <= jumpMost
			w.wait(passed + jump)
			errors, p95 := repeat(0.0002, 3), repeat(0.2, 3)
			now := true
			switch r.IntN(odd) {
			case 0:
				errors, now = nil, false
			case 1:
				errors, now = repeat(0.3, 3), false
			case 2:
				p95, now = repeat(1.5, 3), false
			}
			w.figures("backend-python", errors, p95)
			w.figures("frontend", repeat(0, 3), repeat(0.2, 3))
			ready := 3
			if r.IntN(odd) == 0 {
				ready, now = r.IntN(3), false
			}
			w.component("backend-python", func(c *model.Component) { c.Ready = ready })
			if watched && good && now {
				seen += passed
			} else {
				seen = 0
			}
			good = now
			w.do(Observed{Passed: passed, Jump: jump})
			if w.inc.Verified.IsZero() {
				continue
			}
			verified++
			if hold := w.inc.Settings.Verify.Hold; seen < hold {
				t.Fatalf("verified after %s of %s seen and good", seen, hold)
			}
			break
		}
	})
	if verified < taken/10 {
		t.Errorf("only %d were verified at all: the test shows nothing", verified)
	}
}

// A window that still looks back on the time before the rollout is neither good nor
// bad, and says until when; after that the same figure is bad.
func TestSettling(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	w.do(Next{})
	falling := func(from float64) {
		w.wait(10 * time.Second)
		w.figures("backend-python", []float64{from + 0.2, from + 0.1, from}, repeat(0.2, 3))
		w.component("backend-python", func(c *model.Component) { c.Desired = 2 })
		w.component("backend-python", func(c *model.Component) { c.Ready = 3 })
		w.do(Observed{})
	}
	falling(0.21)
	if v := w.find("backend-python/errors"); v.State != model.TriUnknown || v.Wait != WaitWindow || v.Seen != "21%, falling" || !v.Clears.After(w.now) || v.Acceptable() {
		t.Errorf("ten seconds after the rollout: %+v", v)
	}
	if v := w.find("backend-python/up"); v.State != model.TriYes {
		t.Errorf("up: %+v", v)
	}
	w.do(AcceptUnknown{Key: "backend-python/errors", Reason: "it will be good"})
	if len(w.inc.Accepted) > 0 {
		t.Error("what only needs time was accepted")
	}
	f := *w.seen.Figures["backend-python"]
	f.Up.Value = 2 // of 3: one of them has ended
	w.seen.Figures = map[string]*model.Figures{"backend-python": &f}
	if v := w.find("backend-python/up"); v.Wait != WaitWindow || !strings.Contains(v.Seen, "2 of 3") {
		t.Errorf("the target of a pod that has ended: %+v", v)
	}
	f.Up.Value = 1 // of 2 that are wanted
	if v := w.find("backend-python/up"); v.State != model.TriNo {
		t.Errorf("a new pod is not scraped: %+v", v)
	}
	f.New.Errors = model.Reading{Known: true, Value: 0, At: w.now}
	if v := w.find("backend-python/errors"); v.Wait != WaitWindow || v.Seen != "21%, falling, new pods 0%" {
		t.Errorf("the new pods are well: %+v", v)
	}
	f.New.Errors.Value = 0.4
	if v := w.find("backend-python/errors"); v.State != model.TriNo || !strings.HasSuffix(v.Seen, ", new pods 40%") || v.Baseline {
		t.Errorf("the new pods fail: %+v", v)
	}
	for range 8 {
		falling(0.21)
	}
	if v := w.find("backend-python/errors"); v.State != model.TriNo {
		t.Errorf("a minute and a half after the rollout: %+v", v)
	}
}

// What the hold looks back on must lie behind the rollout before it tells: until then a
// figure is good so far and no more, and what is left in it from before is not bad.
func TestMeasuring(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	w.well(10 * time.Second)
	if v := w.find("backend-python/errors"); v.State != model.TriUnknown || v.Wait != WaitHold || v.Seen != "10s of 2m since the rollout" || v.Acceptable() {
		t.Errorf("ten seconds after the rollout: %+v", v)
	}
	w.well(110 * time.Second)
	if v := w.find("backend-python/errors"); v.State != model.TriYes {
		t.Errorf("two minutes after the rollout: %+v", v)
	}
	f := *w.seen.Figures["backend-python"]
	f.HoldErrors = model.Reading{} // the poll that asks for it is still on its way
	w.seen.Figures = map[string]*model.Figures{"backend-python": &f}
	if v := w.find("backend-python/errors"); v.State != model.TriUnknown || v.Wait != WaitHold || v.Seen != "not measured yet" || v.Acceptable() {
		t.Errorf("not asked for so far: %+v", v)
	}
	f.HoldErrors = model.Reading{Known: true, Value: 0.004, At: w.now}
	w.seen.Figures = map[string]*model.Figures{"backend-python": &f}
	if v := w.find("backend-python/errors"); v.Wait != WaitHold || !v.Clears.Equal(w.inc.RolledOut.Add(140*time.Second)) {
		t.Errorf("a scrape of before is left in it: %+v", v)
	}
	w.wait(19 * time.Second)
	w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
	if v := w.find("backend-python/errors"); v.Wait != WaitHold || v.Seen != "0.4%, from before" {
		t.Errorf("a second before: %+v", v)
	}
	w.wait(time.Second)
	if v := w.find("backend-python/errors"); v.State != model.TriNo || !v.Baseline {
		t.Errorf("nothing of before is left in it: %+v", v)
	}
}

// Before the first figures after a rollout are there, nothing that they tell can be
// accepted as unknown; once they are, or Prometheus said why not, it can.
func TestFirstFiguresAreWaitedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		change     func(w *world)
		seen       string
		acceptable bool
	}{
		"nothing was read":       {func(w *world) { w.seen.Metrics.Heard = time.Time{} }, "not measured yet", false},
		"nothing since then":     {func(w *world) { w.seen.Metrics.Heard = w.inc.RolledOut }, "not measured yet", false},
		"it is not in what came": {func(w *world) { w.seen.Metrics.Heard = w.now }, "not measured yet", true},
		"Prometheus refused":     {func(w *world) { w.seen.Metrics.Err = "refused" }, "refused", true},
		"there is none":          {func(w *world) { w.seen.Metrics.Off = "not configured" }, "not configured", true},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.wait(40 * time.Second)
		w.rolledOut()
		w.wait(10 * time.Second)
		w.seen.Figures = nil
		w.seen.Metrics = model.Connection{To: "prometheus"}
		tt.change(w)
		for _, key := range []string{"up", "errors", "p95"} {
			if v := w.find("backend-python/" + key); v.State != model.TriUnknown || v.Seen != tt.seen || v.Acceptable() != tt.acceptable {
				t.Errorf("%s: %s: %+v", name, key, v)
			}
		}
	}
}

// What a figure looks back on is of the new pods alone from its window after the rollout
// on, a scrape and a poll later; pods that still end put that off, for two minutes at most.
func TestWhenAWindowClears(t *testing.T) {
	for _, tt := range []struct {
		name   string
		after  time.Duration // the rollout
		ending int           // old pods
		over   time.Duration // since when it is over, after the rollout
		want   string
		clears time.Duration // after the rollout
	}{
		{"at first", 10 * time.Second, 0, -time.Minute, "unknown error ratio: 30% (settling)", 80 * time.Second},
		{"a second before", 79 * time.Second, 0, -time.Minute, "unknown error ratio: 30% (settling)", 80 * time.Second},
		{"a window, a scrape and a poll", 80 * time.Second, 0, -time.Minute, "no error ratio: 30% in the last minute", 0},
		{"over since a scrape after it", 70 * time.Second, 0, 15 * time.Second, "unknown error ratio: 30% (settling)", 80 * time.Second},
		{"over since after that", 70 * time.Second, 0, 16 * time.Second, "no error ratio: 30% in the last minute", 0},
		{"a pod still ends", 80 * time.Second, 1, -time.Minute, "unknown error ratio: 30% (settling)", 160 * time.Second},
		{"a pod ends for long", 119 * time.Second, 1, -time.Minute, "unknown error ratio: 30% (settling)", 199 * time.Second},
		{"a pod ends for two minutes", 2 * time.Minute, 1, -time.Minute, "no error ratio: 30% in the last minute", 0},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.rolledOut()
		rolled := w.inc.RolledOut
		w.wait(tt.after)
		w.figures("backend-python", repeat(0.3, 2), repeat(0.2, 21))
		f := w.seen.Figures["backend-python"]
		f.Errors.Samples = append([]model.Sample{{At: rolled.Add(tt.over), V: 0.3}}, f.Errors.Samples...)
		w.component("backend-python", func(c *model.Component) { c.Terminating = tt.ending })
		w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
		v := w.find("backend-python/errors")
		if got := v.shown(); got != tt.want || tt.clears > 0 && !v.Clears.Equal(rolled.Add(tt.clears)) || tt.clears == 0 && !v.Clears.IsZero() {
			t.Errorf("%s: %s until %s after the rollout, want %s until %s", tt.name, got, v.Clears.Sub(rolled), tt.want, tt.clears)
		}
	}
}

// The target of a pod that has ended stays listed for a scrape, and until the next poll
// after the next scrape has seen that it is gone.
func TestWhenTargetsAreThoseThatAre(t *testing.T) {
	for _, tt := range []struct {
		name   string
		after  time.Duration
		ending int
		want   string
		clears time.Duration
	}{
		{"at first", 10 * time.Second, 0, "unknown scrape targets up: 3 of 4: of pods that have ended (settling)", 35 * time.Second},
		{"a second before", 34 * time.Second, 0, "unknown scrape targets up: 3 of 4: of pods that have ended (settling)", 35 * time.Second},
		{"two scrapes and a poll", 35 * time.Second, 0, "no scrape targets up: 3 of 4", 0},
		{"a pod still ends", 35 * time.Second, 1, "unknown scrape targets up: 3 of 4: of pods that have ended (settling)", 70 * time.Second},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.rolledOut()
		w.wait(tt.after)
		w.figures("backend-python", repeat(0, 2), repeat(0.2, 2))
		w.seen.Figures["backend-python"].Targets.Value = 4
		w.component("backend-python", func(c *model.Component) { c.Terminating = tt.ending })
		v := w.find("backend-python/up")
		if got := v.shown(); got != tt.want || tt.clears > 0 && !v.Clears.Equal(w.inc.RolledOut.Add(tt.clears)) {
			t.Errorf("%s: %s until %s after the rollout, want %s until %s", tt.name, got, v.Clears.Sub(w.inc.RolledOut), tt.want, tt.clears)
		}
	}
}

// What can only be judged when nothing of before is left in it holds the end up, and
// resets nothing.
func TestHoldWaitsForWhatIsMeasured(t *testing.T) {
	w := newWorld(t, nil)
	w.toHold()
	began := w.inc.Hold.Began
	for range 18 {
		w.wait(5 * time.Second)
		w.figures("backend-python", repeat(0.0002, 3), repeat(0.2, 3))
		w.figures("frontend", repeat(0.0002, 3), repeat(0.2, 3))
		if w.now.Sub(w.inc.RolledOut) < 140*time.Second {
			f := w.seen.Figures["backend-python"]
			f.HoldErrors.Value = 0.004
			if w.do(Observed{Passed: 5 * time.Second}); !w.inc.Verified.IsZero() || !w.inc.Hold.Began.Equal(began) {
				t.Fatalf("%s after the rollout: verified %s, held since %s, not %s", w.now.Sub(w.inc.RolledOut), w.inc.Verified, w.inc.Hold.Began, began)
			}
			continue
		}
		w.do(Observed{Passed: 5 * time.Second})
	}
	if w.inc.Verified.IsZero() || w.inc.Verified.Sub(w.inc.RolledOut) != 140*time.Second {
		t.Errorf("verified %s after the rollout", w.inc.Verified.Sub(w.inc.RolledOut))
	}
}

// What is only shown is not judged: it neither holds anything up nor is it accepted.
func TestShownIsNotJudged(t *testing.T) {
	w := newWorld(t, func(x *Settings) {
		x.Components = []model.Target{{ID: "backend-python", Logs: 20}}
	})
	w.toHold()
	if v := w.find("backend-python/log"); !v.Shown || v.State != model.TriUnknown || v.Acceptable() {
		t.Errorf("%+v", v)
	}
	w.well(70 * time.Second)
	if w.inc.Verified.IsZero() {
		t.Fatalf("not verified: %+v", w.inc.Hold)
	}
	var proofs []string
	for _, f := range w.facts {
		if v, ok := f.Body.(WasVerified); ok {
			proofs = v.Figures
		}
	}
	want := []string{"backend-python pods running: 3 of 3 ready; must be all, of the chosen version", "backend-python scrape targets up: 3 of 3; must be all",
		"backend-python error ratio: 0.02%; must be ≤ 0.1% over 2m (configured)", "backend-python P95: 200ms; must be ≤ 500ms over 2m (configured)",
		"backend-python log: not asked yet; only shown"}
	if !slices.Equal(proofs, want) {
		t.Errorf("the journal says %q, want %q", proofs, want)
	}
}

// What ended as no incident, or is about nothing that anybody could look at, holds
// nothing.
func TestNothingToHold(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(w *world)
		outcome Outcome
		holds   bool
	}{
		"a false alarm":           {func(w *world) { w.toConfirm() }, FalseAlarm, false},
		"recovered":               {func(w *world) { w.toConfirm() }, RecoveredAlone, true},
		"fixed":                   {func(w *world) { w.toConfirm() }, FixedOtherwise, true},
		"of nothing":              {func(w *world) { w.do(Say{Question: QCritical, Answer: model.TriYes}); w.do(Next{}) }, FixedOtherwise, false},
		"of what is not measured": {func(w *world) { w.toConfirm() }, FixedOtherwise, true},
	} {
		w := newWorld(t, nil)
		tt.prepare(w)
		w.do(EndIncident{Outcome: tt.outcome, Reason: "they say so"})
		if w.inc.End == nil {
			t.Fatalf("%s: it has not ended", name)
		}
		for range 36 {
			w.wait(5 * time.Second)
			w.figures("backend-python", repeat(0, 3), repeat(0.2, 3))
			if strings.Contains(name, "measured") {
				w.seen.Figures = map[string]*model.Figures{"backend-python": {NotMeasured: true}}
			}
			w.do(Observed{Passed: 5 * time.Second})
		}
		if held := !w.inc.Hold.Since.IsZero(); held != tt.holds || held == w.inc.Verified.IsZero() {
			t.Errorf("%s: held %v, verified %s", name, w.inc.Hold, w.inc.Verified)
		}
	}
}

// A good run begins with the first sample at no more than half the trigger's limit; and
// now, where there is none, or where another clock is ahead of this one.
func TestWhenAGoodRunBegan(t *testing.T) {
	pods := func(since time.Time) func(c *model.Component) {
		return func(c *model.Component) {
			c.Pods = []model.Pod{{Ready: true, Steady: since}, {Ready: true, Steady: since}, {Ready: true, Steady: since}}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(w *world)
		want   time.Duration // before now
	}{
		{"under it all the time", func(w *world) { w.figures("backend-python", repeat(0.02, 5), repeat(0.9, 5)) }, time.Minute},
		{"errors since two steps", func(w *world) { w.figures("backend-python", join(repeat(0.026, 2), repeat(0.02, 3)), repeat(0.9, 5)) }, 30 * time.Second},
		{"P95 since a step", func(w *world) { w.figures("backend-python", repeat(0.02, 5), join(repeat(1.1, 3), repeat(0.9, 2))) }, 15 * time.Second},
		{"the pods since 20s", func(w *world) {
			w.figures("backend-python", repeat(0.02, 5), repeat(0.9, 5))
			w.component("backend-python", pods(w.now.Add(-20*time.Second)))
		}, 20 * time.Second},
		{"the cluster's clock is ahead", func(w *world) {
			w.figures("backend-python", repeat(0.02, 5), repeat(0.9, 5))
			w.component("backend-python", pods(w.now.Add(20*time.Second)))
		}, 0},
		{"not measured", func(w *world) { w.seen.Figures = map[string]*model.Figures{"backend-python": {NotMeasured: true}} }, 0},
		{"not known, and accepted", func(w *world) {
			w.seen.Figures = nil
			for _, key := range []string{"up", "errors", "p95"} {
				w.do(AcceptUnknown{Key: "backend-python/" + key, Reason: "looked by hand"})
			}
		}, 0},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.rolledOut()
		w.wait(time.Minute)
		tt.change(w)
		w.inc.Hold = HoldRecord{}
		w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
		d := &decider{s: *w.snap()}
		steady, _ := steadySince(&d.s)
		if got := w.now.Sub(d.goodSince(steady)); got != tt.want {
			t.Errorf("%s: good for %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What was held stays held when this machine's clock is set back afterwards.
func TestHeldIsHeld(t *testing.T) {
	w := newWorld(t, nil)
	w.toClose()
	w.wait(-time.Hour)
	if held := w.snap().Held(); held != 2*time.Minute {
		t.Errorf("held %s", held)
	}
}

// Right after a verification it is looked on: what is over a limit again ends it.
func TestNoLongerVerified(t *testing.T) {
	w := newWorld(t, nil)
	w.toClose()
	w.wait(5 * time.Second)
	w.figures("backend-python", join(repeat(0, 10), repeat(0.3, 1)), repeat(0.2, 21))
	w.do(Observed{})
	if !w.inc.Verified.IsZero() || w.inc.Down.Since.IsZero() || Unresolved(w.snap()) == "" {
		t.Errorf("over again: verified %s, clock %+v, %q", w.inc.Verified, w.inc.Down, Unresolved(w.snap()))
	}
	for _, it := range w.inc.Items {
		w.do(SettleItem{ID: it.ID})
	}
	if !w.inc.Closed.IsZero() {
		t.Error("closed while it is not verified")
	}
	w.well(5 * time.Minute)
	if w.inc.Closed.IsZero() || w.inc.End.Outcome != RolledBack {
		t.Errorf("well again: verified %s, closed %s", w.inc.Verified, w.inc.Closed)
	}
}

// So does what is taken away.
func TestTakenAwayAfterItWasVerified(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"scaled to 0": func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.Desired, c.Ready, c.Replicas, c.Updated, c.Available = 0, 0, 0, 0, 0 })
		},
		"deleted": func(w *world) {
			w.seen.Board = slices.DeleteFunc(slices.Clone(w.seen.Board), func(c *model.Component) bool { return c.ID == "backend-python" })
		},
	} {
		w := newWorld(t, nil)
		w.toClose()
		change(w)
		w.do(Observed{})
		if !w.inc.Verified.IsZero() || Unresolved(w.snap()) == "" {
			t.Errorf("%s, and verified %s", name, w.inc.Verified)
		}
	}
}

// What is only not seen was not taken away.
func TestNotSeenIsNotTakenAway(t *testing.T) {
	without := func(w *world) {
		w.seen.Board = slices.DeleteFunc(slices.Clone(w.seen.Board), func(c *model.Component) bool { return c.ID == "backend-python" })
	}
	for name, change := range map[string]func(w *world){
		"the board is read anew":   func(w *world) { without(w); w.seen.Reading = true },
		"there is no board":        func(w *world) { w.seen.Board = nil },
		"the cluster is not heard": func(w *world) { without(w); w.wait(time.Minute) },
		"it may not be seen": func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.Missing, c.Desired = "forbidden: you may not", 0 })
		},
	} {
		w := newWorld(t, nil)
		w.toClose()
		change(w)
		facts, _ := Decide(w.inc, w.seen, Input{At: w.now, Do: Observed{Passed: 5 * time.Second}})
		for _, f := range facts {
			w.fold(f)
		}
		if w.inc.Verified.IsZero() {
			t.Errorf("%s, and it is verified no more: %s", name, w.told(1))
		}
	}
}

// “Recovered” is not said against a limit without a reason, the hold is run before it
// is told to anybody, and nothing is confirmed until it is reopened.
func TestEndWithoutARollback(t *testing.T) {
	w := newWorld(t, withChannels)
	p := w.toConfirm()
	w.do(EndIncident{Outcome: RecoveredAlone})
	if w.inc.End != nil {
		t.Fatal("30% fail, and it ended as recovered")
	}
	if why := EndAgainst(w.snap()); why != "backend-python errors 30%" {
		t.Errorf("against it: %q", why)
	}
	w.do(EndIncident{Outcome: RecoveredAlone, Reason: "they say so"})
	if w.inc.End == nil || w.inc.End.Against == "" || w.inc.Down.Since.IsZero() || Unresolved(w.snap()) != "still backend-python errors 30%" {
		t.Fatalf("ended with a reason: %+v, clock %+v, %q", w.inc.End, w.inc.Down, Unresolved(w.snap()))
	}
	for _, to := range []Step{Confirm, RollBack} {
		w.do(Goto{to})
		if e := w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}}); writes(e) != 0 {
			t.Fatal("confirmed in an ended incident")
		}
	}
	w.do(Goto{Confirm})
	if why := Confirm.Blocked(w.snap()); !strings.Contains(why, "x reopens it") {
		t.Errorf("blocked by %q", why)
	}
	w.do(Goto{Close})
	w.well(100 * time.Second)
	if m := Draft(w.snap(), channels[0], model.MessageResolved); m.Text != "" {
		t.Errorf("before the hold is over it drafts %q", m.Title)
	}
	w.well(4 * time.Minute)
	if w.inc.Verified.IsZero() || !w.inc.Down.Since.IsZero() {
		t.Fatalf("the hold was not run: %+v, %+v", w.inc.Hold, VerifyChecks(w.snap()))
	}
	m := Draft(w.snap(), channels[0], model.MessageResolved)
	if !strings.Contains(m.Title, "Resolved") || !strings.Contains(m.Text, "stable since") || !strings.Contains(m.Text, "It ended without a rollback") {
		t.Errorf("after the hold it drafts %q:\n%s", m.Title, m.Text)
	}
	w.do(Reopen{Reason: "it is back"})
	w.do(Goto{Confirm})
	p = w.preflight()
	if e := w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}}); w.inc.End != nil || writes(e) != 1 {
		t.Errorf("reopened, and not confirmed: %+v, %s", w.inc.End, Confirm.Blocked(w.snap()))
	}
}

// What was switched off may be put back after the end.
func TestDebtIsPaidAfterTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	w.do(EndIncident{Outcome: FalseAlarm, Reason: "a load test"})
	w.inc.Choices = []Choice{{Slot: backend, To: revision(41), Pays: "plan-0"}}
	w.inc.Step = Confirm
	if why := Confirm.Blocked(w.snap()); why != "" {
		t.Errorf("blocked by %q", why)
	}
}

func TestNamesOfChecks(t *testing.T) {
	for key, want := range map[string]string{"api/up": "api scrape targets up", "api/errors": "api error ratio", "api/pods": "api pods running",
		"api/health:https://a/b": "api health https://a/b", "api/promql:queue": "api queue", "api/log": "api log", "api": "api"} {
		if got := CheckName(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	w := newWorld(t, nil)
	w.toHold()
	for _, v := range VerifyChecks(w.snap()) {
		if got := CheckName(v.Key); got != fmt.Sprint(v.Component, " ", v.Name) {
			t.Errorf("%s is called %q, and its check %q", v.Key, got, v.Name)
		}
	}
}

// TestWalksAfterAWrite walks on from a rollback that is rolled out, whatever fails and
// heals, ends and is reopened, and checks after every input what must always hold.
func TestWalksAfterAWrite(t *testing.T) {
	t.Parallel()
	verified, ended := 0, 0
	taken := walktest.Each(t, 500, func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 13))
		w := newWorld(t, withChannels)
		w.seen.Memory = &Memory{}
		if r.IntN(2) == 0 {
			w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
			w.do(Observed{})
		}
		w.toRolling()
		w.wait(40 * time.Second)
		w.rolledOut()
		w.do(Next{})
		still := promises{}
		level := map[string]float64{"backend-python": 0.3, "frontend": []float64{0, 0.3}[r.IntN(2)]}
		for range 150 {
			w.wait(5 * time.Second)
			for id := range level {
				if r.IntN(25) == 0 {
					level[id] = []float64{-1, 0.3, 0, 0, 0, 0}[r.IntN(6)]
				}
				w.figures(id, repeat(level[id], 3), repeat(0.2, 3))
				if level[id] < 0 {
					w.figures(id, nil, nil)
				}
			}
			var in Act = Observed{Passed: 5 * time.Second}
			switch r.IntN(40) {
			case 0:
				in = []Act{Next{}, Back{}, Goto{Confirm}}[r.IntN(3)]
			case 1:
				in = EndIncident{Outcome: []Outcome{RecoveredAlone, FixedOtherwise, FalseAlarm}[r.IntN(3)], Reason: []string{"", "they say so"}[r.IntN(2)]}
			case 2:
				in = Reopen{}
			case 3, 4, 5:
				if checks := VerifyChecks(w.snap()); len(checks) > 0 {
					in = AcceptUnknown{Key: checks[r.IntN(len(checks))].Key, Reason: "looked by hand"}
				}
			case 6:
				in = ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: []string{w.preflight().ID}}
			case 7:
				if n := len(w.inc.Attempts); n > 1 {
					in = Wrote{WriteID: WriteID{n, "plan-1"}, Receipt: &model.Receipt{At: w.now}}
				}
			case 8:
				if r.IntN(4) == 0 {
					in = Observed{Passed: time.Minute}
				}
			}
			before, first := w.inc, len(w.facts)
			effects := w.do(in)
			still.hold(t, &before, w, in, w.facts[first:], effects)
			if before.Verified.IsZero() && !w.inc.Verified.IsZero() {
				verified++
			}
			if before.End == nil && w.inc.End != nil {
				ended++
			}
		}
		if got := Fold(w.facts); !reflect.DeepEqual(got, w.inc) {
			t.Fatal("the fold is another incident")
		}
	})
	if verified < taken/5 || ended < taken/5 {
		t.Errorf("%d were verified, %d ended: the test shows nothing", verified, ended)
	}
}
