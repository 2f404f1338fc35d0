package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// From a write on the banner is about what came of it.
func TestBannerAfterTheRollback(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	says := func(state AfterState, verdict Verdict, words ...string) {
		t.Helper()
		a := w.snap().Afterwards()
		v, why := VerdictOf(w.snap(), Tree(w.snap()))
		if a.State != state {
			t.Errorf("state %d, want %d: %s: %s", a.State, state, a.Head, a.Text)
		}
		if (v == Now || v == Within10) != (verdict == Now) {
			t.Errorf("verdict %s: %s", v.Name(), why)
		}
		for _, want := range words {
			if !strings.Contains(a.Head+": "+a.Text, want) {
				t.Errorf("%q does not say %q", a.Head+": "+a.Text, want)
			}
		}
	}
	says(AfterSettling, YourCall, "ROLLING BACK since", "by maria (revision 42 → 41)", "errors 30% → 30%")
	w.wait(20 * time.Second)
	w.rolledOut()
	w.figures("backend-python", append(repeat(0.3, 18), 0.3, 0.2, 0.084), repeat(0.2, 21))
	w.do(Observed{})
	says(AfterSettling, YourCall, "ROLLED BACK 20s ago by maria (revision 42 → 41): backend-python errors 30% → 8.4%, falling, settling for 1m")
	for _, f := range w.facts {
		if j, ok := f.Body.(Judged); ok && f.At.After(w.inc.Attempts[0].Confirmed) {
			t.Errorf("a verdict after the write: %+v", j)
		}
	}
	w.wait(90 * time.Second)
	w.figures("backend-python", repeat(0.28, 21), repeat(0.2, 21))
	w.do(Observed{})
	says(AfterNoBetter, YourCall, "NO BETTER: backend-python errors 30% → 28% since the rollback 1m50s ago")
	w.figures("backend-python", repeat(0.001, 21), repeat(0.2, 21))
	w.do(Observed{})
	says(AfterBetter, YourCall, "ROLLED BACK", "30% → 0.1%")
	// Another component that fails is not hidden behind it.
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	says(AfterBetter, Now)
	if _, why := VerdictOf(w.snap(), Tree(w.snap())); !strings.HasPrefix(why, "errors over 5%") || !strings.Contains(strings.SplitN(why, ";", 2)[0], "frontend") {
		t.Errorf("the verdict is about %q", why)
	}
}

// Worse than before is said at once, in journal and message, and asked.
func TestMadeWorse(t *testing.T) {
	w := newWorld(t, func(s *Settings) { s.Channels = channels })
	w.toRolling()
	w.wait(40 * time.Second)
	w.figures("backend-python", append(repeat(0.3, 18), 0.6, 0.85), repeat(0.2, 21))
	w.do(Observed{})
	a := w.snap().Afterwards()
	if a.State != AfterWorse || a.Head != "WORSE THAN BEFORE" || !strings.Contains(a.Text, "errors 30% → 85% since the rollback") {
		t.Errorf("%d %s: %s", a.State, a.Head, a.Text)
	}
	if w.inc.Asked != AskWorse || w.inc.Attempts[0].Writes[0].Worse == "" || w.inc.Escalation("rollback/1") == nil {
		t.Errorf("asked %q, kept %q", w.inc.Asked, w.inc.Attempts[0].Writes[0].Worse)
	}
	w.rolledOut()
	h := &model.History{Component: "backend-python", Candidates: []model.Candidate{
		{Version: revision(41), Current: true, Behaviour: model.Behaviour{Errors: model.Reading{Known: true}, Requests: model.Reading{Known: true, Value: 1e5}}}}}
	if m, why := w.snap().MarkOf(h, &h.Candidates[0]), w.snap().badVersion(h, &h.Candidates[0]); m != MarkBad || !strings.Contains(why, "made it worse") {
		t.Errorf("what made it worse is marked %q: %q", m, why)
	}
	for _, c := range channels {
		m := Draft(w.snap(), c, model.MessageUpdated)
		if m.Status == model.StatusMonitoring || strings.Contains(m.Text, "watching whether it stays well") || c.Kind != model.ChannelGitLab && !strings.Contains(m.Text, "worse than before") {
			t.Errorf("%s: %q %q", c.Kind, m.Status, m.Text)
		}
	}
	w.do(Answered{With: ReplyUndo})
	if ch := w.inc.Choice(backend); w.inc.Step != Choose || !ch.To.Is(revision(42)) || !strings.Contains(ch.Why, "which was over the limits") {
		t.Errorf("at %s with %+v", w.inc.Step.Name(), ch)
	}
}

// The undo of the undo, and another version, work at any time after a write.
func TestLeavingAtAnyTime(t *testing.T) {
	for _, reply := range []Reply{ReplyUndo, ReplyAnother} {
		w := newWorld(t, nil)
		w.do(Answered{With: reply})
		if w.inc.Step != Assess {
			t.Errorf("%s before a write leads to %s", reply, w.inc.Step.Name())
		}
		w.toRolling()
		w.do(Answered{With: reply})
		ch := w.inc.Choice(backend)
		if w.inc.Step != Choose || (reply == ReplyUndo) != ch.To.Is(revision(42)) {
			t.Errorf("%s: at %s with %+v", reply, w.inc.Step.Name(), ch)
		}
	}
}

// The countdown ends with the write: it does not become "at once" behind it.
func TestCountdownEndsWithTheWrite(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
	w.toConfirm()
	w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
	w.do(ConfirmWrite{Word: "backend-python", Plans: []string{"plan-1"}})
	w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
	for range 100 {
		w.wait(15 * time.Second)
		w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
		w.do(Observed{})
	}
	for _, f := range w.facts {
		if j, ok := f.Body.(Judged); ok && strings.Contains(j.Text, "the ten minutes are over") {
			t.Errorf("after the write: %+v", j)
		}
	}
}

// A second operator who opens then is told what somebody else went back to, and not
// led back to what was left.
func TestSecondOperator(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("backend-python", append(repeat(0.3, 18), 0.2, 0.1), repeat(0.2, 21))
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart, c.RevisionBy, c.Returned = 43, owner(41), t0.Add(-45*time.Second), "rollbook", true
		c.Past = []model.Earlier{{Owner: owner(42), Revision: 42, At: t0.Add(-10 * time.Minute)}}
		c.Pods = []model.Pod{{Owner: owner(41), Ready: true, Started: t0.Add(-40 * time.Second)}}
	})
	w.do(Observed{})
	if a := w.snap().Afterwards(); !strings.HasPrefix(a.Head, "ROLLED BACK 45s ago by rollbook (revision 42 → 43)") || a.State != AfterSettling {
		t.Errorf("%s: %s", a.Head, a.Text)
	}
	if v, why := VerdictOf(w.snap(), Tree(w.snap())); v == Now || len(w.inc.Triggers) > 0 {
		t.Errorf("%s: %s", v.Name(), why)
	}
	for _, x := range w.snap().Causes() {
		if x.Version.Key == owner(41) {
			t.Errorf("the rollback is accused: %+v", x)
		}
	}
	now, left := served(43, 0.001), model.Candidate{Version: revision(42), Owner: owner(42)}
	now.Key, now.Current, now.Returned, now.By, now.Start = owner(41), true, true, "rollbook", t0.Add(-45*time.Second)
	h := &model.History{Component: "backend-python", At: w.now, Candidates: []model.Candidate{now, left, served(40, 0)}}
	if to, why := w.snap().Proposal(h); !to.IsZero() {
		t.Errorf("proposed %v: %s", to, why)
	}
	if m := w.snap().MarkOf(h, &h.Candidates[1]); m != MarkUndone {
		t.Errorf("what was left is marked %q", m)
	}
	if why := w.snap().Against(h, &h.Candidates[1]); !strings.Contains(why, "is what was rolled back from") || !strings.Contains(why, "by rollbook") {
		t.Errorf("against it speaks %q", why)
	}
}

// Where nothing was released the verdict says so, and a calm board accuses nobody.
func TestNothingReleased(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-26 * time.Hour) })
	w.do(Observed{})
	if s := w.snap(); !Calm(s, Tree(s)) {
		t.Error("a board on which all is well is not calm")
	}
	w.figures("backend-python", repeat(0.17, 21), repeat(0.2, 21))
	w.do(Observed{})
	s := w.snap()
	if v, why := VerdictOf(s, Tree(s)); v != Now || !strings.Contains(why, "but nothing was released in the hour before") || Calm(s, Tree(s)) {
		t.Errorf("%s: %s", v.Name(), why)
	}
	w.component("frontend", func(c *model.Component) { c.StartGuessed = true })
	if _, why := VerdictOf(w.snap(), Tree(w.snap())); strings.Contains(why, "nothing was released") {
		t.Errorf("it is not known, and said: %s", why)
	}
	w.do(Say{Question: QDataLoss, Answer: model.TriYes})
	if _, why := VerdictOf(w.snap(), Tree(w.snap())); !strings.HasPrefix(why, "stop writing traffic first: ") {
		t.Errorf("data were lost: %s", why)
	}
}

// What is unknown is shown with the query of the component that it is said of.
func TestUnknownWithItsOwnQuery(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("frontend", nil, nil)
	figs := *w.seen.Figures["frontend"]
	figs.Errors.Now.Query = "rate(frontend)"
	w.seen.Figures["frontend"] = &figs
	other := *w.seen.Figures["backend-python"]
	other.Errors.Now.Query = "rate(backend-python)"
	w.seen.Figures["backend-python"] = &other
	n := Tree(w.snap())[0]
	if n.Answer != model.TriUnknown || !strings.HasPrefix(n.Text, "frontend") || n.Query != "rate(frontend)" {
		t.Errorf("%s %q %q", n.Answer, n.Text, n.Query)
	}
}
