package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// What is seen with a key's own look is by nobody: who ended the incident did not find it
// well.
func TestWhatIsSeenIsByNobody(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	w.well(2 * time.Minute)
	w.do(EndIncident{Outcome: RecoveredAlone, Reason: "the provider is back"})
	began := false
	for _, f := range w.facts {
		if _, is := f.Body.(HoldBegan); is {
			began = true
			if f.By != "" {
				t.Errorf("the hold began by %s", f.By)
			}
		}
	}
	if !began {
		t.Error("no hold began")
	}
}

// Before Prometheus has answered, that nobody knows is no verdict; what it says then is.
func TestNoVerdictBeforeTheFirstAnswer(t *testing.T) {
	w := newWorld(t, nil)
	figures := w.seen.Figures
	w.seen.Figures, w.seen.Metrics.Trying = nil, w.now
	judged := func() (out []string) {
		facts, _ := Decide(w.inc, w.seen, Input{At: w.now, Do: Observed{}})
		for _, f := range facts {
			if b, is := f.Body.(Judged); is {
				out = append(out, b.Verdict.Name())
			}
		}
		return out
	}
	if got := judged(); len(got) != 0 {
		t.Errorf("while it is asked: %q", got)
	}
	if got := w.snap().noFigures(); got != "asking Prometheus" {
		t.Errorf("it says %q", got)
	}
	w.seen.Metrics.Err = "connection refused"
	if got := judged(); len(got) != 1 || got[0] != "UNKNOWN, YOUR CALL" {
		t.Errorf("after an error: %q", got)
	}
	w.seen.Metrics.Err, w.seen.Metrics.Heard, w.seen.Figures = "", w.now, figures
	if got := judged(); len(got) != 1 {
		t.Errorf("after an answer: %q", got)
	}
}

// What the cluster shows is told by its tag first; a pod that ends is no reason.
func TestNoticedNamesTheVersionFirst(t *testing.T) {
	for text, want := range map[string]string{
		"revision 6 shop/api:1.42.0":                       "api runs 1.42.0 (revision 6)",
		"revision 6 registry.corp:5000/api:1.42.0 proxy:2": "api runs api:1.42.0, proxy:2 (revision 6)",
		"revision 6 shop/api":                              "api runs api (revision 6)",
		"revision 6":                                       "api runs revision 6",
	} {
		if _, got := (Noticed{Component: "api", What: "revision", Text: text}).entry(nil); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	c := &model.Component{OwnerName: "rs-6", Revision: 6, Images: []string{"shop/api:1.42.0"}, Pods: []model.Pod{{Owner: "rs-6", Failing: true, State: "CrashLoopBackOff", Exit: "exit 1", Revision: 6},
		{Owner: "rs-5", Failing: true, State: "ImagePullBackOff", Revision: 5}, {Owner: "rs-6", Failing: true, Deleting: true, State: "Terminating", Revision: 6}}}
	if got := strings.Join(reasons(c), "; "); got != "pods of 1.42.0 (revision 6): CrashLoopBackOff (exit 1); pods of revision 5: ImagePullBackOff" {
		t.Errorf("%q", got)
	}
}

// What was only reported has no beginning; a limit that is seen to be broken gives it one.
func TestReportedIsNoBeginning(t *testing.T) {
	var i Incident
	yes := Said{Question: QCritical, Answer: Answer{Answer: model.TriYes}}
	yes.apply(&i, Fact{At: t0})
	if !i.BeganAt().IsZero() || i.OnsetName() != "the first report" || !i.Onset.Equal(t0) {
		t.Errorf("began %s, %s", i.BeganAt(), i.OnsetName())
	}
	onset := t0.Add(-5 * time.Minute)
	Rose{Trigger{Component: "api", Kind: TErrors, Onset: onset}}.apply(&i, Fact{At: t0})
	if !i.BeganAt().Equal(onset) || i.OnsetName() != "the first bad sample" {
		t.Errorf("began %s, %s", i.BeganAt(), i.OnsetName())
	}
}

// The ten minutes are said with what they run from, and until when.
func TestWithinTenMinutesOfWhat(t *testing.T) {
	w := newWorld(t, nil)
	w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
	head := func() string {
		s := w.snap()
		v, why := VerdictOf(s, Tree(s))
		return HeadlineOf(s, v, why, s.Afterwards(), false).Head
	}
	w.do(Observed{})
	if got := head(); got != "ROLL BACK WITHIN 10 MINUTES (nothing runs yet; counted from the decision)" {
		t.Error(got)
	}
	w.do(Next{})
	w.do(Next{})
	w.wait(2*time.Minute + 48*time.Second)
	if got, want := head(), "ROLL BACK WITHIN 10 MINUTES (7:12 left, until "+clockTime(w.inc.Verdict.Deadline)+")"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
