package incident

import (
	"fmt"
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

// What was rolled back from is no help, unless it is known to be good: by this incident's
// own writes that happened, or as the cluster tells of somebody else's.
func TestWhatWasRolledBackFrom(t *testing.T) {
	unknown := func(n int) model.Candidate { return model.Candidate{Version: revision(n), Owner: owner(n)} }
	wrote := func(component string, state AttemptState) func(w *world) {
		return func(w *world) {
			w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{ID: "p", Role: model.RoleRelease, Component: component, From: revision(40), To: revision(41)},
				State: state, Intent: t0, Receipt: model.Receipt{At: t0.Add(time.Minute)}}}}}
		}
	}
	back := func(change func(now *model.Candidate)) func(w *world) {
		return func(w *world) {
			now := unknown(43)
			now.Current, now.Returned, now.By, now.Start = true, true, "jonas", t0.Add(-4*time.Minute)
			change(&now)
			w.history(now, unknown(40), unknown(39))
		}
	}
	for _, tt := range []struct {
		name    string
		prepare func(w *world)
		to      int
		want    string
	}{
		{"this incident did", wrote("backend-python", Done), 40, "is what this incident rolled back from, at 03:01 UTC"},
		{"it was reverted", wrote("backend-python", Reverted), 40, "is what this incident rolled back from, at 03:01 UTC"},
		{"nothing was written", wrote("backend-python", Refused), 40, ""},
		{"another one", wrote("backend-python", Done), 39, ""},
		{"of another component", wrote("frontend", Done), 40, ""},
		{"it served well", func(w *world) {
			wrote("backend-python", Done)(w)
			current := unknown(42)
			current.Current = true
			w.history(current, served(40, 0.001))
		}, 40, ""},
		{"somebody else did", back(func(*model.Candidate) {}), 40, "is what was rolled back from, at 02:56 UTC, by jonas"},
		{"nobody knows who", back(func(now *model.Candidate) { now.By = "" }), 40, "is what was rolled back from, at 02:56 UTC"},
		{"nobody knows when", back(func(now *model.Candidate) { now.Start = time.Time{} }), 40, "is what was rolled back from, by jonas"},
		{"when is a guess", back(func(now *model.Candidate) { now.Guessed = true }), 40, "is what was rolled back from, by jonas"},
		{"somebody else did, from another one", back(func(*model.Candidate) {}), 39, ""},
		{"it was a release", back(func(now *model.Candidate) { now.Returned = false }), 40, ""},
		{"only that is kept", func(w *world) {
			now := unknown(43)
			now.Current, now.Returned = true, true
			w.history(now, unknown(40))
		}, 40, "is what was rolled back from"},
		{"nothing else is kept", func(w *world) {
			now := unknown(43)
			now.Current, now.Returned = true, true
			w.history(now)
		}, 40, ""},
		{"an older one was gone back to", func(w *world) {
			now, old := unknown(43), unknown(41)
			now.Current, old.Returned = true, true
			w.history(now, old, unknown(40))
		}, 40, ""},
	} {
		w := newWorld(t, nil)
		w.toConfirm()
		current := unknown(42)
		current.Current = true
		w.history(current, unknown(41), unknown(40), unknown(39))
		tt.prepare(w)
		h := w.seen.History[backend]
		r := h.Candidate(owner(tt.to))
		if r == nil {
			r = &model.Candidate{Version: revision(tt.to)}
		}
		if got := w.snap().leftBehind(h, r); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		c := *w.inc.Choice(backend)
		c.To = revision(tt.to)
		if k := HelpCheck(w.snap(), c); (k.State == model.CheckBlocked) != (tt.want != "") || tt.want != "" && k.Text != fmt.Sprintf("revision %d %s", tt.to, tt.want) {
			t.Errorf("%s: %s: %s", tt.name, k.State, k.Text)
		}
	}
}

// Nothing fails on a component, and it did not change: that is said where nothing is known
// or said to be wrong with it, and this incident wrote nothing to it.
func TestNothingFailsHere(t *testing.T) {
	const words = "nothing fails on frontend, and it did not change before the onset"
	wrote := func(component string, state AttemptState) func(w *world) {
		return func(w *world) {
			w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{ID: "p", Role: model.RoleRelease, Component: component}, State: state}}}}
		}
	}
	says := func(q Question) func(w *world) {
		return func(w *world) { w.inc.Answers = map[Question]Answer{q: {Answer: model.TriYes}} }
	}
	dark := func(w *world) { w.figures("frontend", nil, nil) }
	both := func(all ...func(*world)) func(*world) {
		return func(w *world) {
			for _, f := range all {
				f(w)
			}
		}
	}
	for name, tt := range map[string]struct {
		prepare func(w *world)
		blocked bool
	}{
		"it is well":                            {func(*world) {}, true},
		"nobody knows":                          {dark, true},
		"it had a trigger":                      {func(w *world) { w.inc.Triggers = []Trigger{{Component: "frontend", Kind: TErrors, Under: t0}} }, false},
		"it is over for a moment":               {func(w *world) { w.figures("frontend", join(repeat(0, 10), repeat(0.06, 3)), repeat(0.2, 13)) }, false},
		"it has no pod for a moment":            {func(w *world) { w.component("frontend", func(c *model.Component) { c.NoneReady = w.now }) }, false},
		"it changed":                            {func(w *world) { w.inc.Suspects = append(w.inc.Suspects, Suspect{Component: "frontend"}) }, false},
		"it was written to":                     {wrote("frontend", Done), false},
		"it was to be written to":               {wrote("frontend", Refused), true},
		"another was written to":                {wrote("backend-python", Done), true},
		"an operator says so":                   {both(dark, says(QSecurity)), false},
		"an operator says so, first of all":     {both(dark, says(QErrors)), false},
		"an operator says so, and it is well":   {says(QSecurity), true},
		"an operator says so, and nothing runs": {both(says(QCritical), func(w *world) { w.component("frontend", func(c *model.Component) { c.Desired, c.Ready = 0, 0 }) }), false},
		"it is off the board":                   {func(w *world) { w.seen.Board = []*model.Component{w.seen.Component("backend-python")} }, false},
	} {
		w := newWorld(t, nil)
		w.toConfirm()
		tt.prepare(w)
		k := HelpCheck(w.snap(), Choice{Slot: model.Release("frontend"), Method: "undo", To: revision(2), Own: true})
		if blocked := k.State == model.CheckBlocked; blocked != tt.blocked || blocked && k.Text != words {
			t.Errorf("%s: %s: %s", name, k.State, k.Text)
		}
	}
}

// Of what is switched off nobody says that it is healthy.
func TestNothingRunsIsNotHealthy(t *testing.T) {
	for desired, want := range map[int]bool{3: true, 0: false} {
		w := newWorld(t, nil)
		w.toConfirm()
		w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
		w.inc.Triggers = nil
		w.component("backend-python", func(c *model.Component) { c.Desired, c.Ready, c.Available = desired, desired, desired })
		if k := helped(w); strings.Contains(k.Text, "is healthy itself") != want {
			t.Errorf("%d replicas: %s", desired, k.Text)
		}
	}
}

// The first line is asked of a release in the walk alone, once it is known to what; also
// where its history could not be read.
func TestWhereHelpIsAsked(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	whole := *w.inc.Choice(backend)
	for name, tt := range map[string]struct {
		change func(c *Choice)
		asked  bool
	}{
		"a release":      {func(*Choice) {}, true},
		"an aid":         {func(c *Choice) { c.Role = "aid" }, false},
		"a procedure's":  {func(c *Choice) { c.Course = "maintenance" }, false},
		"it pays a debt": {func(c *Choice) { c.Pays = "plan-0" }, false},
		"nothing chosen": {func(c *Choice) { c.To = model.Version{} }, false},
	} {
		c := whole
		tt.change(&c)
		if k := HelpCheck(w.snap(), c); (k != nil) != tt.asked {
			t.Errorf("%s: %+v", name, k)
		}
	}
	w.seen.History = nil
	if k := HelpCheck(w.snap(), whole); k.State != model.CheckOK && k.State != model.CheckWarning {
		t.Errorf("no history: %+v", k)
	}
	current := served(42, 0.3)
	current.Current = true
	w.history(current)
	if k := HelpCheck(w.snap(), whole); k.State == model.CheckBlocked {
		t.Errorf("it is not in its history: %+v", k)
	}
}

// What is blocked says what to do, and how what runs now does where that is bad.
func TestWhatToDoWhereItWontHelp(t *testing.T) {
	const do = "choose another version, or override it with a reason"
	e, fine := 0.3, 0.0
	for name, tt := range map[string]struct {
		runs *Known
		want string
	}{
		"nothing is known of what runs": {nil, do},
		"what runs fails":               {&Known{Errors: &e, Over: true}, "revision 42, which runs, has 30% errors: " + do},
		"what runs is well":             {&Known{Errors: &fine}, do},
		"what runs crashes":             {&Known{Errors: &e, Over: true, Ill: IllCrash}, do},
	} {
		w := newWorld(t, nil)
		w.toConfirm()
		w.inc.End = &End{Outcome: FalseAlarm}
		w.inc.Known = map[string]Known{}
		if tt.runs != nil {
			w.inc.Known["backend-python/"+owner(42)] = *tt.runs
		}
		if k := helped(w); k.State != model.CheckBlocked || k.Do != tt.want {
			t.Errorf("%s: %q, want %q", name, k.Do, tt.want)
		}
		if w.seen.Board = nil; helped(w).Do != do {
			t.Errorf("%s: off the board it says %q", name, helped(w).Do)
		}
	}
}

// What speaks for a version: how long it served and how, where that is known, and what
// came right before the first bad sample, or what is known against what runs.
func TestWhatSpeaksForAVersion(t *testing.T) {
	start := func(ago time.Duration) time.Time { return t0.Add(-ago) }
	history := func(current, old func(*model.Candidate)) func(w *world, c *Choice) {
		return func(w *world, _ *Choice) {
			now, then := served(42, 0.3), served(41, 0.002)
			now.Current, now.Start, then.Start = true, start(time.Hour), start(27*time.Hour)
			current(&now)
			old(&then)
			w.history(now, then)
		}
	}
	as := func(*model.Candidate) {}
	const came = "; revision 42 came 6m before the first bad sample"
	slow := func(w *world) {
		w.inc.Triggers = append(w.inc.Triggers, Trigger{Component: "backend-python", Kind: TP95})
	}
	calmed := func(w *world) {
		w.inc.Suspects = []Suspect{{Component: "frontend", Version: revision(9), At: t0.Add(-10 * time.Minute), Before: time.Minute}}
	}
	e, p95 := 0.001, 0.15
	for _, tt := range []struct {
		name   string
		change func(w *world, c *Choice)
		want   string
	}{
		{"26 hours", history(as, as), "revision 41 served 26 h at 0.2%" + came},
		{"nobody knows since when", history(as, func(r *model.Candidate) { r.Start = time.Time{} }), "revision 41 served at 0.2%" + came},
		{"since when is a guess", history(as, func(r *model.Candidate) { r.Guessed = true }), "revision 41 served at 0.2%" + came},
		{"until when is a guess", history(func(r *model.Candidate) { r.Guessed = true }, as), "revision 41 served at 0.2%" + came},
		{"until when is before it", history(func(r *model.Candidate) { r.Start = start(28 * time.Hour) }, as), "revision 41 served at 0.2%" + came},
		{"not a moment", history(func(r *model.Candidate) { r.Start = start(27 * time.Hour) }, as), "revision 41 served at 0.2%" + came},
		{"it runs", history(as, func(r *model.Candidate) { r.Current = true }), "revision 41 served at 0.2%" + came},
		{"it is the newest", func(w *world, _ *Choice) {
			r := served(41, 0.002)
			r.Start = start(time.Hour)
			w.history(r, served(40, 0))
		}, "revision 41 served at 0.2%" + came},
		{"the one before", func(w *world, c *Choice) {
			history(as, as)(w, c)
			r := served(40, 0.001)
			r.Start = start(30 * time.Hour)
			w.seen.History[backend].Candidates = append(w.seen.History[backend].Candidates, r)
			c.To = revision(40)
		}, "revision 40 served 3 h at 0.1%" + came},
		{"it is slow here", func(w *world, _ *Choice) { slow(w) }, "revision 41 served at 0.2%, P95 200ms" + came},
		{"it is slow here, and nobody knows how it was", func(w *world, _ *Choice) {
			slow(w)
			history(as, func(r *model.Candidate) { r.Behaviour.P95 = model.Reading{Why: "no series"} })(w, nil)
		}, "revision 41 served 26 h at 0.2%" + came},
		{"this incident saw it well", func(w *world, _ *Choice) {
			history(as, func(r *model.Candidate) { r.Behaviour = model.Behaviour{} })(w, nil)
			w.inc.Known = map[string]Known{"backend-python/" + owner(41): {Errors: &e, P95: &p95}}
		}, "revision 41 served 26 h at 0.1% errors, P95 150ms" + came},
		{"nobody saw it", history(as, func(r *model.Candidate) { r.Behaviour = model.Behaviour{} }), "revision 41 served 26 h" + came},
		{"its history is not read", func(w *world, c *Choice) { w.history(); c.Why = "the newest that served well" }, "revision 41 is the newest that served well" + came},
		{"its history is not read, and it is the operator's own", func(w *world, c *Choice) { w.history(); c.Why, c.Own = "because", true }, "revision 41 served" + came},
		{"its history is not read, and nobody says why", func(w *world, c *Choice) { w.history(); c.Why = "" }, "revision 41 served" + came},
		{"it did not change before", func(w *world, _ *Choice) { calmed(w) }, "revision 41 served at 0.2%; revision 42 was over the limits"},
		{"it did not change before, and nothing is known against it", func(w *world, _ *Choice) {
			calmed(w)
			w.inc.Known = nil
			history(func(r *model.Candidate) { r.Behaviour = model.Behaviour{} }, as)(w, nil)
		}, "revision 41 served 26 h at 0.2%"},
		{"it did not change before, and no history", func(w *world, c *Choice) { calmed(w); w.history(); c.Why = "" }, "revision 41 served"},
		{"no onset", func(w *world, _ *Choice) { w.inc.Onset = time.Time{} }, "revision 41 served at 0.2%; revision 42 was over the limits"},
	} {
		w := newWorld(t, nil)
		w.toConfirm()
		c := *w.inc.Choice(backend)
		tt.change(w, &c)
		got := w.snap().willHelp(w.seen.History[backend], c)
		if got != tt.want && !(strings.HasSuffix(tt.want, "was over the limits") && strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	for d, want := range map[time.Duration]string{time.Hour: "1h", 2*time.Hour - time.Second: "1h59m", 2 * time.Hour: "2 h", 72*time.Hour - time.Second: "72 h", 72 * time.Hour: "3d"} {
		if got := longer(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// What makes it doubtful that a version will help, each for a reason that is known.
func TestDoubts(t *testing.T) {
	const alike = "revision 42 and revision 41 fail alike now"
	e := 0.001
	unknown := func(w *world) {
		w.history(model.Candidate{Version: revision(42), Owner: owner(42), Current: true}, model.Candidate{Version: revision(41), Owner: owner(41)})
	}
	now := func(current, old float64) func(w *world, c *Choice) {
		return func(w *world, _ *Choice) {
			a, b := served(42, 0.3), served(41, 0.002)
			a.Current, a.Now, b.Now = true, served(42, current).Behaviour, served(41, old).Behaviour
			w.history(a, b)
		}
	}
	began := func(before time.Duration) func(w *world, c *Choice) {
		return func(w *world, _ *Choice) {
			all := w.seen.History[backend].Candidates
			all[0].Start, all[1].Start = w.inc.Onset.Add(-before), w.inc.Onset.Add(-26*time.Hour)
		}
	}
	rewrote := func(before time.Duration, by string) func(w *world, c *Choice) {
		return func(w *world, _ *Choice) {
			w.seen.History[backend].Candidates[1].Rewritten = []model.Rewritten{{Name: "api-env", At: w.inc.Onset.Add(-before), By: by}}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(w *world, c *Choice)
		want   string
	}{
		{"none", func(*world, *Choice) {}, ""},
		{"nobody knows it", func(w *world, _ *Choice) { unknown(w) }, "nobody knows how revision 41 did"},
		{"this incident saw it well", func(w *world, _ *Choice) {
			unknown(w)
			w.inc.Known = map[string]Known{"backend-python/" + owner(41): {Errors: &e}}
		}, ""},
		{"no history, and it was proposed", func(w *world, c *Choice) { w.history(); c.Why, c.Own = "the newest that served well", false }, ""},
		{"no history, and it is the operator's own", func(w *world, c *Choice) { w.history(); c.Why, c.Own = "because", true }, "nobody knows how revision 41 did"},
		{"no history, and nobody says why", func(w *world, c *Choice) { w.history(); c.Why, c.Own = "", false }, "nobody knows how revision 41 did"},
		{"a history, and it was proposed", func(w *world, c *Choice) { unknown(w); c.Why, c.Own = "the newest that served well", false }, "nobody knows how revision 41 did"},
		{"both fail", now(0.3, 0.3), alike},
		{"the old one fails", now(0.001, 0.3), ""},
		{"the new one fails", now(0.3, 0.001), ""},
		{"it ran when it began", began(-time.Minute), "it began while revision 41 ran: revision 42 came 1m after the first bad sample"},
		{"it came at that moment", began(0), ""},
		{"it came before", began(time.Minute), ""},
		{"it ran when another began", func(w *world, c *Choice) {
			began(-time.Minute)(w, c)
			w.inc.Triggers[0].Onset = w.inc.Onset.Add(5 * time.Minute)
		}, ""},
		{"it came back with this incident", func(w *world, c *Choice) {
			began(-time.Minute)(w, c)
			w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{Role: model.RoleRelease, Component: "backend-python", To: revision(42)}, State: Done, Intent: w.inc.Onset.Add(time.Minute)}}}}
		}, ""},
		{"nobody knows since when it ran", func(w *world, c *Choice) {
			began(-time.Minute)(w, c)
			w.seen.History[backend].Candidates[1].Guessed = true
		}, ""},
		{"its ConfigMap changed with the release", rewrote(20*time.Second, "gitlab-ci"), "configmap api-env changed too: revision 41 will read the new one (changed 20s before the first bad sample, by gitlab-ci)"},
		{"at that moment", rewrote(0, ""), "configmap api-env changed too: revision 41 will read the new one (changed at the moment of the first bad sample)"},
		{"long before", rewrote(2*time.Hour, "jonas"), ""},
		{"since then, by who mends it", rewrote(-time.Minute, "jonas"), ""},
		{"it is what runs", func(w *world, c *Choice) { now(0.3, 0.3)(w, c); c.To = revision(42) }, "nobody knows how revision 42 did; not the proposed version: revision 41 is the newest that served well before the onset"},
		{"nothing runs", func(w *world, c *Choice) {
			now(0.3, 0.3)(w, c)
			w.seen.History[backend].Candidates[0].Current = false
		}, ""},
		{"another is suspected", func(w *world, _ *Choice) { w.inc.Suspects = []Suspect{{Component: "frontend"}} }, "backend-python did not change in the hour before the onset"},
		{"another is suspected, and it was written to", func(w *world, _ *Choice) {
			w.inc.Suspects = []Suspect{{Component: "frontend"}}
			w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{Role: model.RoleRelease, Component: "backend-python"}, State: Done}}}}
		}, ""},
		{"it is well, and had a trigger", func(w *world, _ *Choice) { w.figures("backend-python", repeat(0, 21), repeat(0.2, 21)) }, ""},
		{"it is well", func(w *world, _ *Choice) {
			w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
			w.inc.Triggers = nil
		}, "backend-python is healthy itself"},
		{"nobody knows whether it is well", func(w *world, _ *Choice) {
			w.figures("backend-python", nil, nil)
			w.inc.Triggers = nil
		}, ""},
	} {
		w := newWorld(t, nil)
		w.toConfirm()
		c := *w.inc.Choice(backend)
		tt.change(w, &c)
		if got := inWords(w.snap().doubts(w.seen.History[backend], c)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The lines of a confirmation: whether it helps, what data was lost, what the method
// checked of this very version, and who else is on it; or as it was confirmed.
func TestLinesOfTheConfirmation(t *testing.T) {
	jonas := func(w *world) { w.seen.Leases = map[string]model.Lease{"backend-python": {Holder: "jonas", At: t0}} }
	rewritten := func(w *world) {
		w.seen.History[backend].Candidates[1].Rewritten = []model.Rewritten{{Name: "api-env", At: w.inc.Onset}}
	}
	lost := func(w *world) { w.inc.Answers = map[Question]Answer{QDataLoss: {Answer: model.TriYes}} }
	for _, tt := range []struct {
		name   string
		change func(w *world, c *Choice)
		want   string
	}{
		{"as always", func(*world, *Choice) {}, "help access.patch"},
		{"not read yet", func(w *world, _ *Choice) { w.seen.Preflight = nil }, "help"},
		{"of another version", func(w *world, _ *Choice) { w.seen.Preflight[backend].To = owner(40) }, "help"},
		{"jonas is on it", func(w *world, _ *Choice) { jonas(w) }, "help access.patch lease"},
		{"data were lost", func(w *world, _ *Choice) { lost(w) }, "help data access.patch"},
		{"data were lost, and it is an aid", func(w *world, c *Choice) { lost(w); c.Role = "aid" }, ""},
		{"as it was confirmed", func(w *world, _ *Choice) {
			jonas(w)
			w.preflight(model.Check{ID: HelpID}, model.Check{ID: "owner"})
		}, "help owner"},
		{"a ConfigMap changed before", func(w *world, _ *Choice) {
			rewritten(w)
			w.preflight(model.Check{ID: model.ConfigMapChanged + "api-env"}, model.Check{ID: model.ConfigMapChanged + "other"})
		}, "help " + model.ConfigMapChanged + "other"},
		{"and it will not help anyway", func(w *world, _ *Choice) {
			rewritten(w)
			w.inc.End = &End{}
			w.preflight(model.Check{ID: model.ConfigMapChanged + "api-env"})
		}, "help " + model.ConfigMapChanged + "api-env"},
		{"another was confirmed", func(w *world, _ *Choice) {
			w.preflight(model.Check{ID: HelpID}, model.Check{ID: "owner"})
			w.seen.Preflight[backend].To = owner(40)
		}, "help"},
	} {
		w := newWorld(t, nil)
		w.toConfirm()
		c := *w.inc.Choice(backend)
		tt.change(w, &c)
		var got []string
		for _, k := range CheckLines(w.snap(), c) {
			got = append(got, k.ID)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
	}
}

// Reported data loss stands on the confirmation until the answer is taken back, and
// blocks nothing.
func TestDataLossStandsOnTheConfirmation(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	line := func() *model.Check {
		for _, k := range CheckLines(w.snap(), *w.inc.Choice(backend)) {
			if k.ID == "data" {
				return &k
			}
		}
		return nil
	}
	if k := line(); k != nil {
		t.Errorf("nobody said so: %+v", k)
	}
	w.do(Say{Question: QDataLoss, Answer: model.TriYes})
	if k := line(); k == nil || k.State != model.CheckWarning || !strings.Contains(k.Text, "a rollback brings no data back") {
		t.Errorf("it is %+v", k)
	}
	w.do(Say{Question: QDataLoss, Answer: model.TriNo})
	if k := line(); k != nil {
		t.Errorf("taken back: %+v", k)
	}
}
