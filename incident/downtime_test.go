package incident

import (
	"testing"
	"time"

	"rollbook/model"
)

// The downtime is the time over a limit or without a pod, of what the incident is about;
// of what nobody knows apart, and not during a good hold or after it.
func TestWhatIsDown(t *testing.T) {
	over := repeat(0.3, 21)
	fast := repeat(0.2, 21)
	opened := func(w *world) { w.inc.ID, w.inc.Failed = "INC-1", []string{"backend-python"} }
	for _, tt := range []struct {
		name   string
		change func(w *world)
		runs   bool
		blind  bool
		since  time.Duration // before now
	}{
		{"nothing is open", func(w *world) { w.figures("backend-python", over, fast) }, false, false, 0},
		{"nothing is open, and there is a trigger", func(w *world) {
			w.figures("backend-python", over, fast)
			w.inc.Triggers = []Trigger{{Component: "backend-python", Kind: TErrors}}
		}, true, false, 5 * time.Minute},
		{"well", opened, false, false, 0},
		{"over", func(w *world) { opened(w); w.figures("backend-python", over, fast) }, true, false, 5 * time.Minute},
		{"over for a moment", func(w *world) { opened(w); w.figures("backend-python", join(repeat(0, 18), repeat(0.3, 3)), fast) }, true, false, 30 * time.Second},
		{"too slow", func(w *world) {
			opened(w)
			w.figures("backend-python", repeat(0, 21), join(repeat(0.2, 19), repeat(2.5, 2)))
		}, true, false, 15 * time.Second},
		{"no pod", func(w *world) {
			opened(w)
			w.component("backend-python", func(c *model.Component) { c.NoneReady = w.now.Add(-10 * time.Second) })
		}, true, false, 10 * time.Second},
		{"the earliest of two", func(w *world) {
			opened(w)
			w.figures("backend-python", join(repeat(0, 19), repeat(0.3, 2)), join(repeat(0.2, 11), repeat(2.5, 10)))
		}, true, false, 135 * time.Second},
		{"the earliest of two, the other way round", func(w *world) {
			opened(w)
			w.figures("backend-python", join(repeat(0, 11), repeat(0.3, 10)), join(repeat(0.2, 19), repeat(2.5, 2)))
		}, true, false, 135 * time.Second},
		{"stuck, while the old pods serve", func(w *world) {
			opened(w)
			w.component("backend-python", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
		}, false, false, 0},
		{"another one", func(w *world) { opened(w); w.figures("frontend", over, fast) }, false, false, 0},
		{"another one, of which nobody knows", func(w *world) { opened(w); w.figures("frontend", nil, nil) }, false, false, 0},
		{"nobody knows", func(w *world) { opened(w); w.figures("backend-python", nil, nil) }, true, true, 0},
		{"nobody knows how fast it is", func(w *world) { opened(w); w.figures("backend-python", repeat(0, 21), nil) }, false, false, 0},
		{"too slow, and nobody knows the errors", func(w *world) { opened(w); w.figures("backend-python", nil, repeat(2.5, 21)) }, true, false, 5 * time.Minute},
		{"nobody sees the pods", func(w *world) { opened(w); w.seen.Cluster.Heard = time.Time{} }, true, true, 0},
		{"it is off the board", func(w *world) { opened(w); w.seen.Board = []*model.Component{w.seen.Component("frontend")} }, true, true, 0},
		{"nothing of it is wanted", func(w *world) {
			opened(w)
			w.figures("backend-python", nil, nil)
			w.component("backend-python", func(c *model.Component) { c.Desired, c.Ready = 0, 0 })
		}, false, false, 0},
		{"in a good hold", func(w *world) {
			opened(w)
			w.inc.Hold.Since = w.now.Add(-time.Minute)
			w.figures("backend-python", nil, nil)
		}, false, false, time.Minute},
		{"in a hold, and over", func(w *world) {
			opened(w)
			w.inc.Hold.Since = w.now.Add(-time.Minute)
			w.figures("backend-python", over, fast)
		}, true, false, 5 * time.Minute},
		{"verified", func(w *world) {
			opened(w)
			w.inc.Hold.Since, w.inc.Recovered, w.inc.Verified = w.now.Add(-time.Minute), w.now.Add(-2*time.Minute), w.now
			w.figures("backend-python", nil, nil)
		}, false, false, 2 * time.Minute},
		{"verified, and over", func(w *world) { opened(w); w.inc.Verified = w.now; w.figures("backend-python", over, fast) }, true, false, 5 * time.Minute},
		{"a false alarm", func(w *world) {
			opened(w)
			w.inc.End = &End{Outcome: FalseAlarm}
			w.figures("backend-python", over, fast)
		}, false, false, 0},
		{"fixed, they say", func(w *world) {
			opened(w)
			w.inc.End = &End{Outcome: FixedOtherwise}
			w.figures("backend-python", over, fast)
		}, true, false, 5 * time.Minute},
		{"closed", func(w *world) { opened(w); w.inc.Closed = w.now; w.figures("backend-python", over, fast) }, false, false, 0},
	} {
		w := newWorld(t, nil)
		w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
		tt.change(w)
		runs, blind, since := downNow(w.snap())
		if runs != tt.runs || blind != tt.blind || w.now.Sub(since) != tt.since {
			t.Errorf("%s: runs %v, blind %v, since %s", tt.name, runs, blind, w.now.Sub(since))
		}
	}
}

// The clock counts each moment once, from the first bad sample on, and what nobody knew
// apart from it.
func TestClockOfTheDowntime(t *testing.T) {
	w := newWorld(t, nil)
	look := func(d time.Duration, errors []float64) {
		w.wait(d)
		w.figures("backend-python", errors, repeat(0.2, 3))
		w.figures("frontend", repeat(0, 3), repeat(0.2, 3))
		w.do(Observed{})
	}
	is := func(what string, total, blind time.Duration, runs bool) {
		t.Helper()
		if a, b := Downtime(w.snap()); a != total || b != blind || runs == w.inc.Down.Since.IsZero() {
			t.Errorf("%s: down for %s, %s of it blind, runs %v; want %s, %s", what, a, b, !w.inc.Down.Since.IsZero(), total, blind)
		}
	}
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
	is("five minutes of errors", 5*time.Minute, 0, true)
	look(10*time.Second, repeat(0.3, 3))
	is("ten seconds more", 310*time.Second, 0, true)
	look(10*time.Second, nil)
	is("nobody knows", 320*time.Second, 0, true)
	w.wait(5 * time.Second)
	is("nobody knows for five seconds", 325*time.Second, 5*time.Second, true)
	look(5*time.Second, repeat(0.3, 3))
	is("over again", 330*time.Second, 10*time.Second, true)
	look(10*time.Second, repeat(0, 3))
	is("well", 340*time.Second, 10*time.Second, false)
	look(30*time.Second, repeat(0, 3))
	is("well for longer", 340*time.Second, 10*time.Second, false)
	look(10*time.Second, repeat(0.3, 21)) // the samples of before were not there then
	is("over for longer than it was well", 380*time.Second, 10*time.Second, true)
	look(10*time.Second, repeat(0, 3))
	is("well again", 390*time.Second, 10*time.Second, false)
	look(5*time.Second, nil)
	w.wait(5 * time.Second)
	is("nobody knows, after it was well", 395*time.Second, 15*time.Second, true)
	ran := 0
	for _, f := range w.facts {
		if _, ok := f.Body.(ClockRan); ok {
			ran++
		}
	}
	if ran != 7 {
		t.Errorf("the journal has %d changes of the clock", ran)
	}
}
