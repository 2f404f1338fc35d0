package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// calmly has nothing unknown but what only the operator knows.
func calmly(w *world) { w.do(Say{Question: QCritical, Answer: model.TriNo}) }

// The one sentence says what the verdict rests on.
func TestVerdictInWords(t *testing.T) {
	stuck := func(w *world) {
		w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
	}
	errors := func(w *world) { w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21)) }
	for _, tt := range []struct {
		name    string
		prepare func(*world)
		want    string
	}{
		{"nothing", func(*world) {}, "UNKNOWN, YOUR CALL: nothing is over its limit; is a critical feature broken? Only you know"},
		{"nothing, and the operator says so", calmly, "WATCH CLOSELY: nothing is over its limit: prepare, and keep watching"},
		{"no figures", func(w *world) { w.seen.Figures = nil }, "UNKNOWN, YOUR CALL: errors over 5% for 5m? "},
		{"no board", func(w *world) { w.seen.Board = nil }, "UNKNOWN, YOUR CALL: "},
		{"rising", func(w *world) {
			w.figures("frontend", join(repeat(0, 10), repeat(0.06, 11)), repeat(0.2, 21))
			calmly(w)
		}, "WATCH CLOSELY: errors over 5% for 2m30s of 5m on frontend: prepare"},
		{"both rising", func(w *world) {
			w.figures("frontend", join(repeat(0, 10), repeat(0.06, 11)), join(repeat(0.2, 10), repeat(2.5, 11)))
			calmly(w)
		}, "WATCH CLOSELY: errors over 5% for 2m30s of 5m on frontend: prepare"},
		{"only the SLO is unknown", func(w *world) {
			w.inc.Settings.Objective = 0.999
			calmly(w)
		}, "WATCH CLOSELY: nothing is over its limit: prepare, and keep watching"},
		{"no board, and the operator says what they know", func(w *world) {
			w.seen.Board = nil
			w.do(Say{Question: QErrors, Answer: model.TriNo})
			w.do(Say{Question: QP95, Answer: model.TriNo})
		}, "UNKNOWN, YOUR CALL: critical feature broken, or no pod? no workload seen yet"},
		{"one component, and nothing is wrong with it", func(w *world) { w.seen.Board = w.seen.Board[:1] },
			"UNKNOWN, YOUR CALL: nothing is over its limit; is a critical feature broken? Only you know"},
		{"rising, and nobody has said", func(w *world) { w.figures("frontend", join(repeat(0, 10), repeat(0.06, 11)), repeat(0.2, 21)) },
			"UNKNOWN, YOUR CALL: errors over 5% for 2m30s of 5m on frontend; is a critical feature broken? Only you know"},
		{"errors", errors, "ROLL BACK NOW: errors over 5% for 5m (limit 5m) on frontend"},
		{"errors, and the operator agrees", func(w *world) { errors(w); w.do(Say{Question: QErrors, Answer: model.TriYes}) }, "ROLL BACK NOW: errors over 5% for 5m (limit 5m) on frontend"},
		{"the operator's word against the figure", func(w *world) { w.do(Say{Question: QErrors, Answer: model.TriYes}) }, "ROLL BACK NOW: maria answered yes to “errors over 5% for 5m”"},
		{"a feature is broken", func(w *world) { w.do(Say{Question: QCritical, Answer: model.TriYes}) }, "ROLL BACK NOW: maria answered yes to “"},
		{"stuck", func(w *world) { stuck(w); calmly(w) }, "ROLL BACK WITHIN 10 MINUTES: "},
		{"the SLO by the operator's word", func(w *world) { w.do(Say{Question: QSLO, Answer: model.TriYes}) }, "ROLL BACK WITHIN 10 MINUTES: maria answered that the SLO is at risk"},
		{"stuck, and the operator agrees", func(w *world) { stuck(w); w.do(Say{Question: QSLO, Answer: model.TriYes}) }, "ROLL BACK WITHIN 10 MINUTES: newest rollout of frontend is stuck: CrashLoopBackOff"},
		{"data lost", func(w *world) { w.do(Say{Question: QDataLoss, Answer: model.TriYes}) }, "ROLL BACK NOW: stop writing traffic first: maria answered yes to “"},
		{"overruled", func(w *world) { errors(w); w.do(Observed{}); w.do(Overrule{Verdict: WatchClosely}) }, "WATCH CLOSELY: overruled from “ROLL BACK NOW”"},
		{"overruled, with a reason", func(w *world) {
			errors(w)
			w.do(Observed{})
			w.do(Overrule{Verdict: WatchClosely, Reason: "load test"})
		}, "WATCH CLOSELY: overruled from “ROLL BACK NOW”: load test"},
		{"ten minutes later", func(w *world) {
			stuck(w)
			w.do(Observed{})
			w.do(Next{})
			w.do(Next{})
			w.wait(10 * time.Minute)
			w.figures("frontend", repeat(0.002, 21), repeat(0.2, 21))
			w.figures("backend-python", repeat(0.002, 21), repeat(0.2, 21))
		}, "ROLL BACK NOW: the ten minutes are over: newest rollout of frontend is stuck: CrashLoopBackOff"},
	} {
		w := newWorld(t, nil)
		tt.prepare(w)
		w.do(Observed{})
		s := w.snap()
		v, why := VerdictOf(s, Tree(s))
		begins := strings.HasSuffix(tt.want, ": ") || strings.HasSuffix(tt.want, "? ") || strings.HasSuffix(tt.want, "“")
		if got := v.Name() + ": " + why; got != tt.want && !(begins && strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
		if w.inc.Verdict.Verdict != v && tt.name != "ten minutes later" {
			t.Errorf("%s: the incident says %s", tt.name, w.inc.Verdict.Verdict.Name())
		}
		if b, err := v.MarshalText(); err != nil {
			t.Error(err)
		} else if again := Verdict(9); again.UnmarshalText(b) != nil || again != v {
			t.Errorf("%s is read back as %s", b, again.Name())
		}
	}
	if v := Now; v.UnmarshalText([]byte("perhaps")) == nil {
		t.Error("a verdict that is not known is read")
	}
}

// Without the cluster nobody knows of the pods, whatever the figures say.
func TestVerdictWithoutTheCluster(t *testing.T) {
	w := newWorld(t, nil)
	w.do(Observed{})
	w.wait(ClusterFresh + time.Second)
	s := w.snap()
	v, why := VerdictOf(s, Tree(s))
	if v != YourCall || why != "critical feature broken, or no pod? backend-python, frontend: cluster not heard for 16s" {
		t.Errorf("%s: %s", v.Name(), why)
	}
}

// Where nothing was released a rollback has nothing to go back from: that is said with
// what asks for one, and with nothing else.
func TestNothingWasReleased(t *testing.T) {
	const words = ", but nothing was released in the hour before"
	for _, tt := range []struct {
		name    string
		change  func(*world)
		verdict Verdict
		says    bool
	}{
		{"errors", func(w *world) { w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21)) }, Now, true},
		{"stuck", func(w *world) {
			w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
			calmly(w)
		}, Within10, true},
		{"errors, and it was released", func(w *world) {
			w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21))
			w.component("frontend", func(c *model.Component) { c.RevisionStart = t0.Add(-6 * time.Minute) })
		}, Now, false},
		{"nothing is wrong", func(*world) {}, YourCall, false},
		{"rising", func(w *world) {
			w.figures("frontend", join(repeat(0, 10), repeat(0.06, 11)), repeat(0.2, 21))
			calmly(w)
		}, WatchClosely, false},
		{"another was rolled back", func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-11 * time.Minute) })
			w.toRolling()
			w.rolledOut()
			w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-240 * time.Hour) })
			w.inc.Suspects = nil
			w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21))
		}, Now, false},
	} {
		w := newWorld(t, nil)
		w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-240 * time.Hour) })
		tt.change(w)
		w.do(Observed{})
		s := w.snap()
		v, why := VerdictOf(s, Tree(s))
		if v != tt.verdict || strings.Contains(why, words) != tt.says {
			t.Errorf("%s: %s: %s", tt.name, v.Name(), why)
		}
		// No order is given that the words after it take back; the operator's own stands.
		head := func(s *Snapshot) Headline { return HeadlineOf(s, v, why, s.Afterwards(), false) }
		if got := head(s); (got.Kind == HeadNothing) != tt.says || (got.Head == "NOTHING TO ROLL BACK") != tt.says {
			t.Errorf("%s: %+v", tt.name, got)
		}
		if s.Incident.Verdict.Overruled = true; head(s).Kind == HeadNothing {
			t.Errorf("%s: overruled", tt.name)
		}
	}
}

// The ten minutes are those of "within 10 minutes" alone, and end with the first write.
func TestTenMinutesAreOver(t *testing.T) {
	stuck := func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) }
	for _, tt := range []struct {
		name   string
		change func(*world)
		want   Verdict
		over   bool
	}{
		{"stuck", func(w *world) { w.component("frontend", stuck) }, Now, true},
		{"errors", func(w *world) { w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21)) }, Now, false},
		{"nothing any more", calmly, WatchClosely, false},
		{"stuck, and rolled back", func(w *world) {
			w.component("backend-python", stuck)
			w.do(Observed{})
			w.toRolling()
			calmly(w)
		}, WatchClosely, false},
		{"stuck beside what was rolled back", func(w *world) {
			w.toRolling()
			w.rolledOut()
			w.component("frontend", stuck)
		}, Within10, false},
	} {
		w := newWorld(t, nil)
		tt.change(w)
		w.do(Observed{})
		w.inc.Verdict.Deadline = w.now
		s := w.snap()
		if v, why := VerdictOf(s, Tree(s)); v != tt.want || strings.HasPrefix(why, "the ten minutes are over: ") != tt.over {
			t.Errorf("%s: %s: %s", tt.name, v.Name(), why)
		}
	}
}

// A verdict that was overruled before a rollback was about what was before it.
func TestOverruledBeforeTheWrite(t *testing.T) {
	for before, want := range map[time.Duration]Verdict{time.Second: Now, 0: WatchClosely, -time.Second: WatchClosely} {
		w := newWorld(t, nil)
		w.toRolling()
		w.rolledOut()
		w.wait(time.Minute)
		w.do(Overrule{Verdict: WatchClosely, Reason: "load test"})
		if want := "overruled from “" + YourCall.Name() + "”"; w.inc.Verdict.Text != want {
			t.Errorf("it is kept as %q, want %q", w.inc.Verdict.Text, want)
		}
		w.inc.Verdict.Since = w.inc.Attempts[0].Writes[0].Intent.Add(-before)
		w.do(Say{Question: QCritical, Answer: model.TriYes})
		s := w.snap()
		if v, why := VerdictOf(s, Tree(s)); v != want {
			t.Errorf("overruled %s before the write: %s: %s", before, v.Name(), why)
		}
	}
}

// The journal has each verdict once, from the first look on, as rollbook's own word; after
// a rollback only one that asks for another.
func TestVerdictsInTheJournal(t *testing.T) {
	verdicts := func(w *world, from int) (out []string) {
		for _, f := range w.facts[from:] {
			switch b := f.Body.(type) {
			case Judged:
				out = append(out, strings.TrimSpace(f.By+" "+b.Verdict.Name()))
			case Escalated:
				out = append(out, strings.TrimSpace(f.By+" "+b.Text))
			}
		}
		return out
	}
	w := newWorld(t, nil)
	w.do(Observed{})
	w.do(Observed{})
	w.do(Say{Question: QDataLoss, Answer: model.TriYes})
	if got := strings.Join(verdicts(w, 0), "; "); got != "UNKNOWN, YOUR CALL; ROLL BACK NOW; data were lost" {
		t.Errorf("the journal says %q", got)
	}
	for name, tt := range map[string]struct {
		change func(*world)
		want   string
	}{
		"nothing": {func(*world) {}, ""},
		"errors":  {func(w *world) { w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21)) }, "ROLL BACK NOW"},
		"stuck": {func(w *world) {
			w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
		}, "ROLL BACK WITHIN 10 MINUTES"},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		w.rolledOut()
		from := len(w.facts)
		w.inc.Verdict.Verdict = WatchClosely
		tt.change(w)
		w.do(Observed{})
		if got := strings.Join(verdicts(w, from), "; "); got != tt.want {
			t.Errorf("%s: after the rollback the journal says %q, want %q", name, got, tt.want)
		}
	}
}

// Calm is said only where all is known and nothing is under way.
func TestCalm(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(*world)
		want    bool
	}{
		{"nothing is wrong", func(*world) {}, true},
		{"no figures", func(w *world) { w.seen.Figures = nil }, false},
		{"of one no errors", func(w *world) { w.figures("frontend", nil, repeat(0.2, 21)) }, false},
		{"of one no times", func(w *world) { w.figures("frontend", repeat(0, 21), nil) }, false},
		{"no board", func(w *world) { w.seen.Board = nil }, false},
		{"rising", func(w *world) { w.figures("frontend", join(repeat(0, 10), repeat(0.06, 11)), repeat(0.2, 21)) }, false},
		{"stuck", func(w *world) {
			w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
		}, false},
		{"a pod is missing", func(w *world) {
			w.component("frontend", func(c *model.Component) { c.Available, c.Ready, c.NoneReady = 0, 0, t0.Add(-30*time.Second) })
		}, false},
		{"the operator says otherwise", func(w *world) { w.do(Say{Question: QSecurity, Answer: model.TriYes}) }, false},
		{"a trigger, under again", func(w *world) {
			w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21))
			w.do(Observed{})
			w.figures("frontend", repeat(0, 21), repeat(0.2, 21))
		}, false},
		{"an incident is open", func(w *world) { w.inc.ID = "INC-1" }, false},
	} {
		w := newWorld(t, nil)
		tt.prepare(w)
		w.do(Observed{})
		s := w.snap()
		if got := Calm(s, Tree(s)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		if s.Now = s.Now.Add(ClusterFresh + time.Second); Calm(s, Tree(s)) {
			t.Errorf("%s: calm though nobody has heard of the cluster", tt.name)
		}
	}
}

// The timeline tells an incident as it went, each line once.
func TestTimelineReadsAsItWent(t *testing.T) {
	w := newWorld(t, nil)
	look := func(errors, p95 []float64) {
		w.wait(15 * time.Second)
		w.figures("backend-python", errors, p95)
		w.figures("frontend", repeat(0, 3), repeat(0.2, 3))
		w.do(Observed{})
	}
	fast := repeat(0.2, 21)
	look(repeat(0.3, 21), fast)
	w.do(Overrule{Verdict: WatchClosely, Reason: "load test"})
	look(join(repeat(0.3, 18), repeat(0.01, 3)), fast)
	look(nil, fast)
	look(repeat(0.3, 21), repeat(2.5, 21)) // overruled no more: it is worse than it was then
	look(repeat(0.3, 21), fast)
	w.toRolling()
	w.wait(40 * time.Second)
	w.component("backend-python", func(c *model.Component) { c.RevisionStart = w.now })
	w.rolledOut()
	w.do(Next{})
	look(repeat(0.0005, 3), repeat(0.2, 3))
	look(repeat(0.3, 3), repeat(0.2, 3))
	look(repeat(0.0005, 3), repeat(0.2, 3))
	for range 9 {
		look(repeat(0.0005, 21), fast)
	}
	look(repeat(0.3, 21), fast)
	var got []string
	for _, e := range w.inc.Timeline {
		by := e.By
		if by == "" {
			by = "-"
		}
		got = append(got, strings.TrimSpace(e.At.Sub(t0).String()+" "+by+" "+string(e.Kind)+": "+e.Text))
	}
	want := `15s - bad: errors over 5% for 5m (limit 5m) on backend-python
15s - seen: backend-python runs revision 42
15s - seen: verdict: ROLL BACK NOW: errors over 5% for 5m (limit 5m) on backend-python
15s maria answer: overruled: WATCH CLOSELY instead of ROLL BACK NOW: “load test”
30s - seen: errors of backend-python under its limit again
45s - seen: errors of backend-python no longer known to be under its limit
1m0s - bad: P95 over 2s for 5m (limit 5m) on backend-python
1m0s - seen: verdict: ROLL BACK NOW: errors over 5% for 5m (limit 5m) on backend-python
1m15s - seen: p95 of backend-python under its limit again
1m15s maria note: incident INC-20261123-0255-backend-python opened
1m15s maria seen: suspected: revision 42 of backend-python, released 6m15s before the first bad sample
1m15s maria choice: decided: ROLL BACK NOW (errors over 5% for 5m (limit 5m) on backend-python)
1m15s maria choice: selected backend-python
1m15s - choice: proposed: revision 41 of backend-python: the newest that served well before the onset: 0.2% errors, P95 200ms, 9k requests
1m15s maria write: confirmed: backend-python revision 42 → revision 41
1m15s - outcome: written: backend-python (resourceVersion 9)
1m55s - seen: backend-python runs revision 43
1m55s - outcome: rolled out: backend-python
2m10s - seen: all checks green: holding for 2m
2m25s - seen: hold reset: backend-python error ratio 30%
2m40s - seen: all checks green: holding for 2m
2m55s - seen: errors of backend-python under its limit again
4m40s - outcome: verified
5m10s - seen: errors of backend-python no longer known to be under its limit
5m10s - bad: no longer verified: backend-python errors 30%`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("it reads\n%s\nwant\n%s", s, want)
	}
	if folded := Fold(w.facts); len(folded.Timeline) != len(got) {
		t.Errorf("read back it has %d lines of %d", len(folded.Timeline), len(got))
	}
}

// What an operator answers stands beside the figure, with its reason, and not in it.
func TestReasonIsNoFigure(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("backend-python", repeat(0, 21), nil)
	w.do(Observed{})
	was := w.answer(QP95)
	w.do(Say{Question: QP95, Answer: model.TriYes, Reason: "users say so"})
	w.do(Say{Question: QP95, Answer: model.TriYes, Reason: "three of them"})
	if n := w.answer(QP95); was.Answer != model.TriUnknown || n.Answer != model.TriYes || n.Figure != model.TriUnknown || n.Text != was.Text {
		t.Errorf("%+v, before the answer %+v", n, was)
	}
	if a := w.inc.Answers[QP95]; a.Reason != "three of them" || a.Figure != was.Text {
		t.Errorf("%+v", a)
	}
}

// What is decided bears what its sentence rests on, so that nobody has to read it off the
// words.
func TestWhatAVerdictRestsOn(t *testing.T) {
	old := func(w *world) {
		for _, c := range w.seen.Board {
			w.component(c.ID, func(c *model.Component) { c.RevisionStart = t0.AddDate(0, 0, -2) })
		}
	}
	for _, tt := range []struct {
		name    string
		prepare func(w *world)
		want    Basis
		shouted string
	}{
		{"a limit", func(*world) {}, BasisLimits, "ROLL BACK NOW"},
		{"nothing was released", old, BasisNothing, "NOTHING TO ROLL BACK"},
		{"data were lost too", func(w *world) { w.do(Say{Question: QDataLoss, Answer: model.TriYes}) }, "", "ROLL BACK NOW"},
		{"it is overruled", func(w *world) { w.do(Observed{}); w.do(Overrule{Verdict: Now, Reason: "sure"}) }, "", "ROLL BACK NOW"},
	} {
		w := newWorld(t, nil)
		w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
		tt.prepare(w)
		w.do(Observed{})
		w.do(Next{})
		w.do(Next{})
		if w.inc.Step != Choose {
			t.Fatalf("%s: at %s", tt.name, w.inc.Step.Name())
		}
		v, _, basis := ruling(w.snap(), Tree(w.snap()))
		if got := Shouted(v, basis); basis != tt.want || got != tt.shouted {
			t.Errorf("%s: %q, %q", tt.name, basis, got)
		}
		for _, f := range w.facts {
			if m, ok := f.Body.(Moved); ok && m.To == Choose && m.Basis != tt.want {
				t.Errorf("%s: decided by %q: %+v", tt.name, m.Basis, m)
			}
		}
	}
}
