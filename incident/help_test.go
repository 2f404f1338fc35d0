package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// helped returns the first line of the preflight for the choice of backend-python.
func helped(w *world) model.Check {
	w.t.Helper()
	k := HelpCheck(w.snap(), *w.inc.Choice(backend))
	if k == nil {
		w.t.Fatal("there is no first line")
	}
	return *k
}

// The first line before a write says whether it will help, by what is known then.
func TestWillThisHelp(t *testing.T) {
	unknown := model.Candidate{Version: revision(40), Owner: owner(40)}
	for _, c := range []struct {
		name    string
		prepare func(*world)
		state   model.CheckState
		text    string
	}{
		{"the proposed one", func(*world) {}, model.CheckOK, "revision 41 served at 0.2%; revision 42 came 6m before the first bad sample"},
		{"it was over the limits before", func(w *world) {
			current := served(42, 0.3)
			current.Current = true
			w.history(current, served(41, 0.002), served(40, 0.28))
			w.do(Pick{Component: "backend-python", To: owner(40)})
		}, model.CheckBlocked, "revision 40 was over the limits while it served: 28% errors"},
		{"it served in the incident alone, and badly", func(w *world) {
			bad := model.Candidate{Version: revision(40), Owner: owner(40), Now: served(40, 0.2).Behaviour}
			current := served(42, 0.3)
			current.Current = true
			w.history(current, served(41, 0.002), bad)
			w.do(Pick{Component: "backend-python", To: owner(40)})
		}, model.CheckBlocked, "revision 40 was over the limits"},
		{"nobody knows, and another is proposed", func(w *world) {
			current := served(42, 0.3)
			current.Current = true
			w.history(current, served(41, 0.002), unknown)
			w.do(Pick{Component: "backend-python", To: owner(40)})
		}, model.CheckWarning, "nobody knows how revision 40 did; not the proposed version: revision 41 is"},
		{"good, and not the proposed one", func(w *world) {
			current := served(42, 0.3)
			current.Current = true
			w.history(current, served(41, 0.002), served(40, 0.001))
			w.do(Pick{Component: "backend-python", To: owner(40)})
		}, model.CheckWarning, "not the proposed version"},
		{"this incident saw it crash", func(w *world) {
			w.fold(Fact{At: w.now, Body: VersionSeen{Known{Component: "backend-python", Version: revision(41), Ill: IllCrash}}})
		}, model.CheckBlocked, "revision 41 crash-looped when it last ran"},
		{"this incident saw it never get ready", func(w *world) {
			w.fold(Fact{At: w.now, Body: VersionSeen{Known{Component: "backend-python", Version: revision(41), Ill: IllReady}}})
		}, model.CheckBlocked, "revision 41 never got ready when it last ran"},
		{"what was seen last counts, not what it did before", func(w *world) {
			e := 0.17
			w.fold(Fact{At: w.now, Body: VersionSeen{Known{Component: "backend-python", Version: revision(41), Errors: &e, Over: true}}})
		}, model.CheckBlocked, "revision 41 was over the limits when it last ran: 17% errors"},
		{"both fail alike", func(w *world) {
			current, old := served(42, 0.3), served(41, 0.002)
			current.Current = true
			current.Now, old.Now = served(42, 0.3).Behaviour, served(41, 0.29).Behaviour
			w.history(current, old)
		}, model.CheckWarning, "revision 42 and revision 41 fail alike now"},
		{"it fails and did not change", func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-26 * time.Hour) })
			w.inc.Suspects = nil
		}, model.CheckWarning, "backend-python did not change in the hour before the onset"},
		{"it is well and did not change", func(w *world) {
			w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-26 * time.Hour) })
			w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
			w.inc.Suspects, w.inc.Triggers = nil, nil
		}, model.CheckBlocked, "nothing fails on backend-python, and it did not change before the onset"},
		{"it changed and is well", func(w *world) {
			w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
			w.inc.Triggers = nil
		}, model.CheckWarning, "backend-python is healthy itself"},
		{"the incident has ended", func(w *world) { w.inc.End = &End{Outcome: FalseAlarm} }, model.CheckBlocked, "this incident has ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.toConfirm()
			c.prepare(w)
			k := helped(w)
			if k.State != c.state || !strings.Contains(k.Text, c.text) || k.ID != HelpID {
				t.Errorf("%s: %q, want %s: %q", k.State, k.Text, c.state, c.text)
			}
			if first := CheckLines(w.snap(), *w.inc.Choice(backend))[0]; first.ID != HelpID {
				t.Errorf("the first line is %q", first.ID)
			}
			later := w.snap()
			later.Now = later.Now.Add(10 * time.Second)
			if again := HelpCheck(later, *w.inc.Choice(backend)); k.State == model.CheckBlocked && again.Text != k.Text {
				t.Errorf("an override would not last: %q, then %q", k.Text, again.Text)
			}
		})
	}
}

// A version that was left keeps what was seen of it, and going back to it is blocked
// until it is overridden.
func TestLeftVersionIsKnown(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	w.do(Observed{})
	if k := w.inc.known("backend-python", owner(42)); !k.Over || k.Errors == nil || *k.Errors != 0.3 {
		t.Fatalf("of the running version is known %+v", k)
	}
	p := w.preflight()
	w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
	w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
	w.rolledOut()
	now, left := served(43, 0.002), model.Candidate{Version: revision(42), Owner: owner(42)}
	now.Current, now.Returned, now.Key = true, true, owner(41)
	h := &model.History{Component: "backend-python", Method: "undo", At: w.now, Candidates: []model.Candidate{now, left}}
	w.seen.History = map[model.Slot]*model.History{backend: h}
	s := w.snap()
	if m := s.MarkOf(h, &h.Candidates[1]); m != MarkBad {
		t.Errorf("what was left is marked %q", m)
	}
	if m := s.MarkOf(h, &h.Candidates[0]); m != MarkGood {
		t.Errorf("what was gone back to is marked %q", m)
	}
	if e, _ := s.FiguresOfVersion(h, &h.Candidates[1]); !e.Known || e.Value != 0.3 {
		t.Errorf("what was left is shown with %+v", e)
	}
	if to, why := s.Proposal(h); !to.IsZero() || !strings.Contains(why, "gone back to already") {
		t.Errorf("proposed %v: %q", to, why)
	}
	w.do(Goto{Step: Choose})
	w.do(Pick{Component: "backend-python", To: owner(42)})
	w.do(Next{})
	w.seen.Preflight[backend].To = owner(42)
	if k := helped(w); k.State != model.CheckBlocked || !strings.HasPrefix(k.Text, "revision 42 was over the limits when it last ran: 30% errors") {
		t.Errorf("%s: %q", k.State, k.Text)
	}
	if why := Confirm.Blocked(w.snap()); !strings.Contains(why, "was over the limits") {
		t.Errorf("it may be confirmed: %q", why)
	}
	w.do(OverrideCheck{Slot: backend, Check: HelpID, Reason: "the other one is worse"})
	if why := Confirm.Blocked(w.snap()); why != "" {
		t.Errorf("overridden, and blocked by %q", why)
	}
	folded := Fold(w.facts)
	if k := folded.known("backend-python", owner(42)); k.bad() == "" {
		t.Error("the journal does not know it")
	}
}

// A crash loop and pods that never get ready are kept with the version that had them.
func TestIllness(t *testing.T) {
	for want, pod := range map[Illness]model.Pod{
		IllCrash: {Failing: true, State: "CrashLoopBackOff", Restarts: 4, Exit: "exit 1"},
		IllImage: {Failing: true, State: "ImagePullBackOff"},
		IllReady: {State: "Running"},
	} {
		w := newWorld(t, nil)
		pod.Owner = owner(42)
		w.component("backend-python", func(c *model.Component) {
			c.Stuck, c.StuckSince, c.Pods, c.Updated, c.Replicas = "it does not get on", t0, []model.Pod{pod, {Owner: owner(41), Ready: true}}, 1, 4
		})
		w.do(Observed{})
		if k := w.inc.known("backend-python", owner(42)); k.Ill != want {
			t.Errorf("%s: known is %+v", want, k)
		}
		w.component("backend-python", func(c *model.Component) { c.Stuck, c.Updated, c.Replicas = "", 3, 3 })
		w.do(Next{})
		w.do(Select{Component: "backend-python", On: true})
		w.do(Observed{})
		if k := w.inc.known("backend-python", owner(42)); k.Ill != "" {
			t.Errorf("%s: it runs, and is known as %+v", want, k)
		}
	}
}
