package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// suspected returns the incident's suspects in short: component, revision and
// distance.
func suspected(i Incident) string {
	var out []string
	for _, x := range i.Suspects {
		out = append(out, fmt.Sprintf("%s %s %s", x.Component, x.Version.Short, x.Before.Round(time.Minute)))
	}
	return strings.Join(out, "; ")
}

// openWithErrors opens an incident of backend-python, whose errors began about
// five minutes ago.
func openWithErrors(w *world) {
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
}

// Who is suspected is a fact from the opening on, and stays as it was seen: after
// the rollback another revision runs, and the culprit is still the same.
func TestSuspectsAreKept(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) {
		c.RevisionStart, c.RevisionBy, c.ChangeCause, c.Images = t0.Add(-6*time.Minute), "gitlab-ci", "checkout v2", []string{"api:42"}
	})
	w.component("frontend", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart = 17, owner(17), t0.Add(-30*time.Minute)
	})
	if before := suspected(Incident{Suspects: w.snap().Suspects()}); !strings.HasPrefix(before, "backend-python 42") {
		t.Errorf("before the opening the board shows %q", before)
	}
	openWithErrors(w)
	const want = "backend-python 42 1m0s; frontend 17 25m0s"
	if got := suspected(w.inc); got != want {
		t.Fatalf("at the opening %q, want %q", got, want)
	}
	if x := w.inc.Suspects[0]; x.By != "gitlab-ci" || x.ChangeCause != "checkout v2" || x.Images[0] != "api:42" {
		t.Errorf("%+v", x)
	}
	if told := texts(w.inc, "seen"); !strings.Contains(strings.Join(told, "\n"),
		"suspected: revision 42 of backend-python, released 1m before the first bad sample; revision 17 of frontend, released 25m before the first bad sample") {
		t.Errorf("the timeline tells %q", told)
	}
	facts := len(w.facts)
	for range 20 {
		w.wait(5 * time.Second)
		w.do(Observed{})
	}
	for _, f := range w.facts[facts:] {
		if _, ok := f.Body.(Suspected); ok {
			t.Error("it is told again though nothing changed")
		}
	}
	// A hotfix by somebody else, and a change elsewhere that is late.
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart, c.Images = 43, owner(43), w.now, []string{"api:43"}
	})
	w.component("frontend", func(c *model.Component) { c.Revision, c.OwnerName, c.RevisionStart = 18, owner(18), w.now })
	w.do(Observed{})
	if got := suspected(w.inc); !strings.HasPrefix(got, want+"; backend-python 43 -") || strings.Contains(got, "frontend 18") {
		t.Errorf("after a hotfix: %q", got)
	}
	if last := w.inc.Suspects[len(w.inc.Suspects)-1]; !last.Later() {
		t.Errorf("a hotfix counts as a cause: %+v", last)
	}
	if folded := Fold(w.facts); suspected(folded) != suspected(w.inc) {
		t.Errorf("folded: %q", suspected(folded))
	}
}

// What the incident's own attempts wrote is no suspect.
func TestOwnWritesAreNotSuspected(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-6 * time.Minute) })
	w.toRolling()
	before := suspected(w.inc)
	if !strings.Contains(before, "backend-python 42") {
		t.Fatalf("before the rollback %q", before)
	}
	w.wait(10 * time.Second)
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart, c.RevisionBy = 43, owner(43), w.now, "rollbook"
	})
	w.do(Observed{})
	if got := suspected(w.inc); got != before {
		t.Errorf("after the rollback %q, before %q", got, before)
	}
}

// A namespace that was just deployed changed everywhere: the list is bounded.
func TestSuspectsAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	for n := range 50 {
		w.component(fmt.Sprintf("service-%02d", n), func(c *model.Component) { c.RevisionStart = t0.Add(-time.Duration(6+n) * time.Minute) })
	}
	openWithErrors(w)
	if n := len(w.inc.Suspects); n != suspectsMost {
		t.Errorf("%d suspects", n)
	}
	for n, x := range w.inc.Suspects[1:] {
		if n == 0 && w.inc.Suspects[0].Component == "backend-python" {
			continue // it fails
		}
		if x.Before.Abs() < w.inc.Suspects[n].Before.Abs() {
			t.Errorf("%s stands before %s", w.inc.Suspects[n].Component, x.Component)
		}
	}
}

// What fails and was released itself is suspected before a healthy neighbour that was
// released a little later.
func TestOwnReleaseIsSuspectedFirst(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-6 * time.Minute) })
	w.component("frontend", func(c *model.Component) { c.RevisionStart = t0.Add(-6*time.Minute + 10*time.Second) })
	openWithErrors(w)
	if got := w.inc.Suspects; len(got) != 2 || got[0].Component != "backend-python" || got[1].Before >= got[0].Before {
		t.Errorf("%+v", got)
	}
	if folded := Fold(w.facts); suspected(folded) != suspected(w.inc) {
		t.Errorf("folded: %q", suspected(folded))
	}
}

func TestSuspectWords(t *testing.T) {
	stuck := &Incident{Onset: t0, Triggers: []Trigger{{Kind: TStuck, Onset: t0}, {Kind: TErrors, Onset: t0.Add(time.Second)}}}
	if got := (Suspect{Before: time.Minute}).Distance(stuck); got != "1m before the onset" {
		t.Error(got)
	}
	for d, want := range map[time.Duration]string{38 * time.Second: "38s before the first bad sample", -2 * time.Minute: "2m after the first bad sample",
		400 * time.Millisecond: "at the moment of the first bad sample"} {
		if got := (Suspect{Before: d}).Distance(&Incident{}); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// The cause is a change before the onset, also where it runs no more: what came later,
// a hotfix that did not help, is told apart and goes back with it.
func TestCauseIsBeforeTheOnset(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart, c.RevisionBy = 43, owner(43), t0.Add(-2*time.Minute), "maria"
		c.Past = []model.Earlier{{Owner: owner(42), Revision: 42, At: t0.Add(-6 * time.Minute), Images: []string{"shop/api:1.42.0"}, Cause: "invoices"},
			{Owner: owner(41), Revision: 41, At: t0.Add(-26 * time.Hour)}}
	})
	w.component("frontend", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart = 18, owner(18), t0.Add(-time.Minute) // well, and later
	})
	openWithErrors(w)
	causes := w.snap().Causes()
	if len(causes) != 1 || causes[0].Version.Key != owner(42) || causes[0].Version.Tag != "1.42.0" || causes[0].ChangeCause != "invoices" {
		t.Fatalf("the causes are %+v", causes)
	}
	if got := suspected(w.inc); got != "backend-python 42 1m0s; backend-python 43 -3m0s" {
		t.Errorf("kept is %q", got)
	}
	w.do(Next{})
	w.do(Next{})
	if !w.inc.Chosen("backend-python") || w.inc.Chosen("frontend") {
		t.Errorf("chosen are %+v", w.inc.Choices)
	}
	if told := strings.Join(texts(w.inc, "seen"), "\n"); strings.Contains(told, "suspected: revision 43") {
		t.Errorf("the hotfix is accused: %s", told)
	}
}

// What only changed is not taken back by default.
func TestHealthyNeighbourIsNotSelected(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-7 * time.Minute) })
	w.component("frontend", func(c *model.Component) { c.RevisionStart = t0.Add(-5*time.Minute - 10*time.Second) })
	openWithErrors(w)
	w.do(Next{})
	if !w.inc.Chosen("backend-python") || w.inc.Chosen("frontend") {
		t.Errorf("chosen are %+v", w.inc.Choices)
	}
}

// A change is suspected from an hour before the onset on, to the second; one after it only
// of what fails, and as a later one.
func TestWhenAChangeIsSuspected(t *testing.T) {
	onset := t0.Add(-5 * time.Minute)
	for _, tt := range []struct {
		name  string
		at    time.Time
		fails bool
		onset time.Time
		want  string
	}{
		{"an hour before", onset.Add(-time.Hour), false, onset, "cause"},
		{"a second earlier", onset.Add(-time.Hour - time.Second), false, onset, ""},
		{"at the moment", onset, false, onset, "cause"},
		{"within the second", onset.Add(400 * time.Millisecond), false, onset, "cause"},
		{"a second after", onset.Add(time.Second), false, onset, ""},
		{"a second after, of what fails", onset.Add(time.Second), true, onset, "later"},
		{"nobody knows when", time.Time{}, true, onset, ""},
		{"no onset, within the hour", t0.Add(-time.Hour), false, time.Time{}, "cause"},
		{"no onset, earlier", t0.Add(-time.Hour - time.Second), false, time.Time{}, ""},
	} {
		for _, runs := range []bool{true, false} {
			w := newWorld(t, nil)
			w.inc.Onset = tt.onset
			if tt.fails {
				w.inc.Triggers = []Trigger{{Component: "backend-python", Kind: TErrors}}
			}
			w.component("backend-python", func(c *model.Component) {
				c.RevisionStart = tt.at
				if !runs { // it was set, and something else runs
					c.OwnerName, c.Revision, c.RevisionStart = owner(43), 43, t0.Add(-100*time.Hour)
					c.Past = []model.Earlier{{Owner: owner(42), Revision: 42, At: tt.at}}
				}
			})
			got := ""
			for _, x := range changes(w.snap()) {
				if x.Version.Key != owner(42) || !x.At.Equal(tt.at) {
					t.Errorf("%s: suspected is %+v", tt.name, x)
				}
				if tt.onset.IsZero() && x.Before != 0 {
					t.Errorf("%s: %s before an onset that nobody knows", tt.name, x.Before)
				}
				if got = "cause"; x.Later() {
					got = "later"
				}
			}
			if c := w.seen.Component("backend-python"); got != tt.want || w.snap().changed(c) != (got != "") || w.snap().hasCause() != (got == "cause") {
				t.Errorf("%s, running %v: %q, want %q", tt.name, runs, got, tt.want)
			}
		}
	}
}

// What a write of this incident set is its own: the version that it went to, and, until it
// was rolled out, whatever came of it. The cluster's clock may be five seconds behind.
func TestWhatIsOurs(t *testing.T) {
	intent := t0.Add(-10 * time.Minute)
	done := Write{Plan: model.Plan{Component: "api", To: revision(41)}, State: Done, Intent: intent, RolledOut: intent.Add(time.Minute)}
	with := func(change func(w *Write)) Write { w := done; change(&w); return w }
	for _, tt := range []struct {
		name  string
		write Write
		key   int
		after time.Duration // the intent
		want  bool
	}{
		{"what it went to", done, 41, time.Second, true},
		{"long after", done, 41, time.Hour, true},
		{"by another clock", done, 41, -5 * time.Second, true},
		{"before it", done, 41, -5*time.Second - 1, false},
		{"what came of it", done, 43, time.Minute, true},
		{"after it was rolled out", done, 43, time.Minute + 1, false},
		{"before it, another", done, 43, -6 * time.Second, false},
		{"not rolled out so far", with(func(w *Write) { w.State, w.RolledOut = Rolling, time.Time{} }), 43, time.Hour, true},
		{"reverted to another", with(func(w *Write) { w.State = Reverted }), 43, time.Second, false},
		{"reverted, what it went to", with(func(w *Write) { w.State = Reverted }), 41, time.Second, true},
		{"nothing was written", with(func(w *Write) { w.State = Refused }), 41, time.Second, false},
		{"not begun", with(func(w *Write) { w.State, w.Intent = Pending, time.Time{} }), 41, time.Second, false},
		{"another component", with(func(w *Write) { w.Plan.Component = "web" }), 41, time.Second, false},
	} {
		i := Incident{Attempts: []Attempt{{N: 1, Writes: []Write{tt.write}}}}
		if got := i.ours("api", owner(tt.key), intent.Add(tt.after)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// That nothing was released is said only where all that there is tells when it was.
func TestNothingReleasedIsKnown(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *world)
		want   model.Tri
	}{
		{"nothing", func(*world) {}, model.TriNo},
		{"in the hour", func(w *world) {
			w.component("frontend", func(c *model.Component) { c.RevisionStart = t0.Add(-time.Minute) })
		}, model.TriYes},
		{"the journal says so", func(w *world) {
			w.inc.ID, w.inc.Suspects = "INC-1", []Suspect{{Component: "frontend", Before: time.Minute}}
		}, model.TriYes},
		{"the journal says later", func(w *world) {
			w.inc.ID, w.inc.Suspects = "INC-1", []Suspect{{Component: "frontend", Before: -time.Minute}}
		}, model.TriNo},
		{"the board is being read", func(w *world) { w.seen.Reading = true }, model.TriUnknown},
		{"no board", func(w *world) { w.seen.Board = nil }, model.TriUnknown},
		{"the cluster is not heard", func(w *world) { w.seen.Cluster.Heard = time.Time{} }, model.TriUnknown},
		{"one cannot be seen", func(w *world) { w.component("frontend", func(c *model.Component) { c.Missing = "forbidden" }) }, model.TriUnknown},
		{"one does not tell", func(w *world) { w.component("frontend", func(c *model.Component) { c.RevisionStart = time.Time{} }) }, model.TriUnknown},
		{"of one it is a guess", func(w *world) { w.component("frontend", func(c *model.Component) { c.StartGuessed = true }) }, model.TriUnknown},
	} {
		w := newWorld(t, nil)
		w.seen.Cluster.Heard = w.now
		w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-26 * time.Hour) })
		tt.change(w)
		if got := w.snap().released(); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

// The likeliest stands first: what came last before the onset. What came after it stands
// last, in its order; without an onset the newest is first.
func TestOrderOfSuspects(t *testing.T) {
	all := func() (out []Suspect) {
		for _, before := range []time.Duration{-time.Minute, 30 * time.Minute, -2 * time.Minute, time.Minute, 0} {
			out = append(out, Suspect{Component: before.String(), Before: before, At: t0.Add(-before)})
		}
		return out
	}
	for onset, want := range map[time.Time]string{t0: "0s 1m0s 30m0s -1m0s -2m0s", {}: "-2m0s -1m0s 0s 1m0s 30m0s"} {
		got := all()
		(&Incident{Onset: onset}).rank(got)
		var names []string
		for _, x := range got {
			names = append(names, x.Component)
		}
		if strings.Join(names, " ") != want {
			t.Errorf("onset %s: %v, want %s", onset, names, want)
		}
	}
}

// What was known of a suspect when it ran stays, and what nobody suspects any more goes.
func TestSuspectsKeepWhatWasKnown(t *testing.T) {
	start := t0.Add(-6 * time.Minute)
	whole := Suspect{Component: "backend-python", Version: revision(42), At: start, By: "gitlab-ci", ChangeCause: "build 7", Images: []string{"api:42"}}
	for _, tt := range []struct {
		name   string
		was    Suspect
		change func(w *world, c *model.Component)
		want   string
	}{
		{"it runs, and nobody tells of whom", whole, func(*world, *model.Component) {}, "rs-42 6m0s gitlab-ci build 7 [api:42]"},
		{"it was set again", whole, func(_ *world, c *model.Component) { c.RevisionStart, c.RevisionBy = t0.Add(-time.Minute), "jonas" }, "rs-42 6m0s gitlab-ci build 7 [api:42]"},
		{"nothing was known of it", Suspect{Component: "backend-python", Version: revision(42), At: start}, func(_ *world, c *model.Component) {
			c.RevisionBy, c.ChangeCause, c.Images = "jonas", "hotfix", []string{"api:43"}
		}, "rs-42 6m0s jonas hotfix [api:43]"},
		{"it was set before that", whole, func(_ *world, c *model.Component) { c.RevisionStart, c.RevisionBy = t0.Add(-7*time.Minute), "jonas" }, "rs-42 7m0s jonas  []"},
		{"another runs, of long ago", whole, func(_ *world, c *model.Component) {
			c.OwnerName, c.Revision, c.RevisionStart = owner(41), 41, t0.Add(-26*time.Hour)
		}, "rs-42 6m0s gitlab-ci build 7 [api:42]"},
		{"it was too long ago", Suspect{Component: "frontend", Version: revision(9), At: t0.Add(-time.Hour - time.Second)}, func(_ *world, c *model.Component) { c.RevisionStart = t0.Add(-26 * time.Hour) }, ""},
		{"its tag is known no more", Suspect{Component: "backend-python", Version: model.Version{Key: owner(42), Short: "42", Label: "revision 42", Tag: "1.42.0"}, At: start}, func(*world, *model.Component) {}, "rs-42 6m0s   [] 1.42.0"},
		{"nobody knows the onset", whole, func(w *world, _ *model.Component) { w.inc.Onset = time.Time{} }, "rs-42 0s gitlab-ci build 7 [api:42]"},
		{"nobody knows the onset, and another runs", whole, func(w *world, c *model.Component) {
			w.inc.Onset = time.Time{}
			c.OwnerName, c.Revision, c.RevisionStart = owner(41), 41, t0.Add(-26*time.Hour)
		}, "rs-42 0s gitlab-ci build 7 [api:42]"},
		{"an hour ago", Suspect{Component: "frontend", Version: revision(9), At: t0.Add(-time.Hour)}, func(_ *world, c *model.Component) { c.RevisionStart = t0.Add(-26 * time.Hour) }, "rs-9 1h0m0s   []"},
		{"it is our own", whole, func(w *world, c *model.Component) {
			c.RevisionStart = t0.Add(-26 * time.Hour)
			w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{Component: c.ID, To: revision(42)}, State: Done, Intent: start, RolledOut: t0}}}}
		}, ""},
	} {
		w := newWorld(t, nil)
		w.inc.ID, w.inc.Onset, w.inc.Suspects = "INC-1", t0, []Suspect{tt.was}
		w.seen.Cluster.Heard = w.now
		w.component("backend-python", func(c *model.Component) { c.RevisionStart = start; tt.change(w, c) })
		d := &decider{s: *w.snap()}
		d.suspects()
		var got []string
		for _, x := range d.inc().Suspects {
			got = append(got, strings.TrimSpace(fmt.Sprint(x.Version.Key, " ", x.Before, " ", x.By, " ", x.ChangeCause, " ", x.Images, " ", x.Version.Tag)))
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
	// Without the cluster, or before the incident is open, nothing is kept.
	for name, change := range map[string]func(w *world){"not open": func(w *world) { w.inc.ID = "" }, "not heard": func(w *world) { w.seen.Cluster.Heard = time.Time{} }} {
		w := newWorld(t, nil)
		w.inc.ID, w.inc.Onset, w.seen.Cluster.Heard = "INC-1", t0, w.now
		change(w)
		d := &decider{s: *w.snap()}
		if d.suspects(); len(d.facts) > 0 {
			t.Errorf("%s: %+v", name, d.facts)
		}
	}
}

// The timeline tells whom it suspects when that is new: three by name, of more how many.
func TestSuspectsAreTold(t *testing.T) {
	of := func(n int, before time.Duration) Suspect {
		return Suspect{Component: fmt.Sprint("c", n), Version: revision(n), Before: before}
	}
	for _, tt := range []struct {
		name  string
		onset time.Time
		known []Suspect
		now   []Suspect
		want  string
	}{
		{"nothing new", t0, []Suspect{of(1, time.Minute)}, []Suspect{of(1, time.Minute)}, ""},
		{"one", t0, nil, []Suspect{of(1, time.Minute)}, "suspected: revision 1 of c1, released 1m before the first bad sample"},
		{"one, without an onset", time.Time{}, nil, []Suspect{of(1, 0)}, "suspected: revision 1 of c1"},
		{"three", time.Time{}, nil, []Suspect{of(1, 0), of(2, 0), of(3, 0)}, "suspected: revision 1 of c1; revision 2 of c2; revision 3 of c3"},
		{"four", time.Time{}, nil, []Suspect{of(1, 0), of(2, 0), of(3, 0), of(4, 0)}, "suspected: revision 1 of c1; revision 2 of c2; 2 more"},
		{"a later one", t0, nil, []Suspect{of(1, -time.Minute), of(2, -time.Hour)}, "changed later, not suspected: revision 1 of c1, released 1m after the first bad sample; revision 2 of c2, released 1h after the first bad sample"},
		{"only a later one", t0, nil, []Suspect{of(1, -time.Minute)}, "changed later, not suspected: revision 1 of c1, released 1m after the first bad sample"},
		{"both", t0, nil, []Suspect{of(1, time.Minute), of(2, -time.Hour)}, "suspected: revision 1 of c1, released 1m before the first bad sample"},
	} {
		if _, got := (Suspected{tt.now}).entry(&Incident{Onset: tt.onset, Suspects: tt.known}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	s := Snapshot{Now: t0}
	x := Suspect{At: t0.Add(-11 * time.Minute), Before: 38 * time.Second}
	if got := x.Words(&s); got != "released 11m ago" {
		t.Errorf("without an onset: %s", got)
	}
	if s.Incident.Onset = t0; x.Words(&s) != "released 11m ago, 38s before the first bad sample" {
		t.Error(x.Words(&s))
	}
}

// Two suspects are the same when all is: any difference is kept.
func TestSuspectIsCompared(t *testing.T) {
	whole := Suspect{Component: "api", Version: revision(42), At: t0, Before: time.Minute, By: "jonas", ChangeCause: "CI", Images: []string{"a:1"}}
	if !whole.equal(whole) {
		t.Error("it is not itself")
	}
	for name, change := range map[string]func(x *Suspect){
		"component": func(x *Suspect) { x.Component = "web" }, "version": func(x *Suspect) { x.Version = revision(41) }, "label": func(x *Suspect) { x.Version.Label = "1.2" },
		"time": func(x *Suspect) { x.At = t0.Add(1) }, "distance": func(x *Suspect) { x.Before = 1 }, "who": func(x *Suspect) { x.By = "" },
		"why": func(x *Suspect) { x.ChangeCause = "" }, "image": func(x *Suspect) { x.Images = nil },
	} {
		o := whole
		if change(&o); whole.equal(o) || o.equal(whole) {
			t.Errorf("another %s is taken for the same", name)
		}
	}
}

// All releases of a component are suspected, each version once, by the first time that it
// was set; of all components the likeliest is first.
func TestEveryReleaseIsSuspected(t *testing.T) {
	w := newWorld(t, nil)
	w.inc.Onset = t0
	ago := func(m int) time.Time { return t0.Add(-time.Duration(m) * time.Minute) }
	w.component("backend-python", func(c *model.Component) {
		c.OwnerName, c.Revision, c.RevisionStart = owner(43), 45, ago(2)
		c.Past = []model.Earlier{{Owner: owner(42), Revision: 44, At: ago(3)}, {Owner: owner(43), Revision: 43, At: ago(9)}, {Owner: owner(42), Revision: 42, At: ago(5)}, {Owner: owner(41), Revision: 41, At: ago(50)}, {Owner: owner(40), Revision: 40, At: ago(90)}, {Owner: owner(42), Revision: 42, At: ago(4)}}
	})
	w.component("frontend", func(c *model.Component) { c.OwnerName, c.Revision, c.RevisionStart = owner(18), 18, ago(7) })
	var got []string
	for _, x := range changes(w.snap()) {
		got = append(got, fmt.Sprint(x.Version.Key, " ", x.Before))
	}
	if want := "rs-42 5m0s; rs-18 7m0s; rs-43 9m0s; rs-41 50m0s"; strings.Join(got, "; ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	if !w.snap().changed(w.seen.Component("backend-python")) {
		t.Error("it did not change")
	}
	w.component("backend-python", func(c *model.Component) { c.RevisionStart = ago(99) }) // only what ran before
	if !w.snap().changed(w.seen.Component("backend-python")) {
		t.Error("what ran before it did not change")
	}
}

// An onset that is found to be earlier ranks them anew, in a list of its own.
func TestEarlierOnsetRanksAnew(t *testing.T) {
	was := []Suspect{{Component: "a", At: t0.Add(-time.Minute), Before: time.Minute}, {Component: "b", At: t0.Add(-10 * time.Minute), Before: 10 * time.Minute}}
	i := Incident{Onset: t0, Suspects: was}
	got := Apply(i, Fact{At: t0, Body: Rose{Trigger: Trigger{Component: "c", Kind: TErrors, Onset: t0.Add(-5 * time.Minute)}}})
	if s := got.Suspects; s[0].Component != "b" || s[0].Before != 5*time.Minute || s[1].Component != "a" || s[1].Before != -4*time.Minute {
		t.Errorf("%+v", s)
	}
	if was[0].Component != "a" || was[0].Before != time.Minute || was[1].Before != 10*time.Minute {
		t.Errorf("what was shown before has changed: %+v", was)
	}
}
