package incident

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"rollbook/model"
)

// What is known of a version is kept anew when any of it changed, and only then: also
// after it was read from a journal.
func TestKnownIsCompared(t *testing.T) {
	e, p := 0.3, 1.5
	whole := Known{Component: "api", Version: revision(42), Since: t0, By: "jonas", Cause: "CI", Ill: IllCrash, Errors: &e, P95: &p, Over: true, At: t0}
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	var read Known
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if !whole.equal(read) || !read.equal(whole) || !(Known{}).equal(Known{}) {
		t.Errorf("%+v is not %+v", whole, read)
	}
	other := 0.1
	for field, v := range map[string]any{"Component": "web", "Version": revision(41), "Since": t0.Add(1), "By": "maria", "Cause": "", "Ill": IllImage,
		"Errors": &other, "P95": (*float64)(nil), "Over": false, "At": t0.Add(1)} {
		k := read
		reflect.ValueOf(&k).Elem().FieldByName(field).Set(reflect.ValueOf(v))
		if k.equal(whole) || whole.equal(k) {
			t.Errorf("another %s is taken for the same: %+v", field, k)
		}
	}
	if n := reflect.TypeFor[Known]().NumField(); n != 10 {
		t.Errorf("it has %d fields", n)
	}
}

// What is known against a version is told by what is known of its figures.
func TestKnownInWords(t *testing.T) {
	e, p := 0.3, 2.5
	for want, k := range map[string]Known{
		"": {Errors: &e}, "crash-looped when it last ran": {Ill: IllCrash, Over: true, Errors: &e},
		"was over the limits when it last ran: 30% errors":           {Over: true, Errors: &e},
		"was over the limits when it last ran: P95 2.5s":             {Over: true, P95: &p},
		"was over the limits when it last ran: 30% errors, P95 2.5s": {Over: true, Errors: &e, P95: &p},
	} {
		if got := k.bad(); got != want || k.good() != (want == "") {
			t.Errorf("%q, want %q; good: %v", got, want, k.good())
		}
	}
	// A figure within its limit is nothing against it, unless none is over its own now.
	l, fine := model.DefaultLimits(), 0.176
	for want, k := range map[string]Known{
		"was over the limits when it last ran: 30% errors":           {Over: true, Errors: &e, P95: &fine},
		"was over the limits when it last ran: 0% errors, P95 176ms": {Over: true, Errors: new(float64), P95: &fine},
		"was over the limits when it last ran: 30% errors, P95 2.5s": {Over: true, Errors: &e, P95: &p},
	} {
		if got := k.beyond(l).bad(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if k := (Known{P95: &p}); k.good() {
		t.Error("nobody knows of its errors, and it is good")
	}
}

// A version is learned of while the cluster shows it, of the components that the incident
// is about and of those that are stuck; the same once.
func TestOfWhomItLearns(t *testing.T) {
	stuck := func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) }
	for _, tt := range []struct {
		name   string
		change func(w *world)
		id     string
		want   bool
	}{
		{"it failed", func(*world) {}, "backend-python", true},
		{"it has nothing to do with it", func(*world) {}, "frontend", false},
		{"it is stuck", func(w *world) { w.component("frontend", stuck) }, "frontend", true},
		{"it cannot be seen", func(w *world) { w.component("backend-python", func(c *model.Component) { c.Missing = "forbidden" }) }, "backend-python", false},
		{"nobody knows what runs", func(w *world) { w.component("backend-python", func(c *model.Component) { c.OwnerName = "" }) }, "backend-python", false},
		{"the board is being read", func(w *world) { w.seen.Reading = true }, "backend-python", false},
		{"the cluster is not heard", func(w *world) { w.seen.Cluster.Heard = t0.Add(-time.Hour) }, "backend-python", false},
	} {
		w := newWorld(t, nil)
		w.toConfirm()
		w.inc.Known = nil
		tt.change(w)
		learned := func() (n int) {
			d := &decider{s: *w.snap()}
			d.learn()
			for _, f := range d.facts {
				w.fold(f)
				if b, ok := f.Body.(VersionSeen); ok && b.Component == tt.id {
					n++
				}
			}
			return n
		}
		if n := learned(); n != btoi(tt.want) {
			t.Errorf("%s: learned %d times", tt.name, n)
		}
		if n := learned(); n != 0 {
			t.Errorf("%s: learned again", tt.name)
		}
	}
}

// What was known of a version stays until something better is: the first who released it,
// what it suffered from until it runs, and figures that are its own.
func TestWhatIsLearned(t *testing.T) {
	at := func(v float64) *float64 { return &v }
	seen := func(v float64) Known {
		return Known{Errors: at(v), P95: at(0.2), Over: v > 0.05, At: t0.Add(-5 * time.Minute)}
	}
	alone := func(w *world, errors, p95 []float64) { w.figures("backend-python", errors, p95) }
	for _, tt := range []struct {
		name   string
		was    Known
		change func(w *world, c *model.Component)
		want   func(k *Known) bool
	}{
		{"who and why", Known{}, func(_ *world, c *model.Component) { c.RevisionBy, c.ChangeCause = "gitlab-ci", "build 7" },
			func(k *Known) bool {
				return k.By == "gitlab-ci" && k.Cause == "build 7" && k.Since.Equal(t0.Add(-11*time.Minute))
			}},
		{"who and why, known before", Known{By: "jonas", Cause: "hotfix", Since: t0.Add(-time.Hour)}, func(_ *world, c *model.Component) {
			c.RevisionBy, c.ChangeCause, c.StartGuessed = "gitlab-ci", "build 7", true
		},
			func(k *Known) bool {
				return k.By == "jonas" && k.Cause == "hotfix" && k.Since.Equal(t0.Add(-time.Hour))
			}},
		{"since when, better known now", Known{Since: t0.Add(-time.Hour)}, func(*world, *model.Component) {}, func(k *Known) bool { return k.Since.Equal(t0.Add(-11 * time.Minute)) }},
		{"since when, not known now", Known{Since: t0.Add(-time.Hour)}, func(_ *world, c *model.Component) { c.RevisionStart = time.Time{} }, func(k *Known) bool { return k.Since.Equal(t0.Add(-time.Hour)) }},
		{"our own write is nobody's release", Known{}, func(w *world, c *model.Component) {
			c.RevisionBy, c.RevisionStart = "rollbook", t0
			w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{Role: model.RoleRelease, Component: c.ID, To: revision(42)}, State: Done, Intent: t0, RolledOut: t0}}}}
		}, func(k *Known) bool { return k.By == "" }},
		{"it runs, in the end", Known{Ill: IllCrash}, func(*world, *model.Component) {}, func(k *Known) bool { return k.Ill == "" }},
		{"not all are updated", Known{Ill: IllCrash}, func(_ *world, c *model.Component) { c.Updated = 2 }, func(k *Known) bool { return k.Ill == IllCrash }},
		{"not all are ready", Known{Ill: IllCrash}, func(_ *world, c *model.Component) { c.Ready = 2 }, func(k *Known) bool { return k.Ill == IllCrash }},
		{"its only pod runs", Known{Ill: IllCrash}, func(_ *world, c *model.Component) { c.Desired, c.Updated, c.Ready, c.Replicas = 1, 1, 1, 1 }, func(k *Known) bool { return k.Ill == "" }},
		{"nothing runs", Known{Ill: IllCrash}, func(_ *world, c *model.Component) { c.Desired, c.Updated, c.Ready, c.Replicas = 0, 0, 0, 0 }, func(k *Known) bool { return k.Ill == IllCrash }},

		{"well", Known{}, func(w *world, _ *model.Component) { alone(w, repeat(0.00123, 21), repeat(0.2, 21)) }, func(k *Known) bool {
			return k.Errors != nil && *k.Errors == 0.0012 && *k.P95 == 0.2 && !k.Over && k.At.Equal(t0)
		}},
		{"too many errors", Known{}, func(w *world, _ *model.Component) { alone(w, repeat(0.3, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.3 && k.Over }},
		{"too slow", Known{}, func(w *world, _ *model.Component) { alone(w, repeat(0, 21), repeat(2.5, 21)) }, func(k *Known) bool { return *k.P95 == 2.5 && k.Over }},
		{"only errors are known", Known{}, func(w *world, _ *model.Component) { alone(w, repeat(0.001, 21), nil) }, func(k *Known) bool { return k.Errors != nil && *k.Errors == 0.001 && k.P95 == nil }},
		{"only P95 is known", Known{}, func(w *world, _ *model.Component) { alone(w, nil, repeat(0.2, 21)) }, func(k *Known) bool { return k.Errors == nil && k.P95 != nil && *k.P95 == 0.2 }},
		{"nothing is known", Known{}, func(w *world, _ *model.Component) { alone(w, nil, nil) }, func(k *Known) bool { return k.Errors == nil && k.P95 == nil && k.At.IsZero() }},
		{"errors are at least so many", Known{}, func(w *world, _ *model.Component) {
			alone(w, repeat(0.001, 21), repeat(0.2, 21))
			f := &w.seen.Figures["backend-python"].Errors
			f.Samples[20].AtLeast, f.Now.AtLeast = true, true
		}, func(k *Known) bool { return k.Errors == nil && k.P95 == nil }},
		{"P95 is at least so much", Known{}, func(w *world, _ *model.Component) {
			alone(w, repeat(0.001, 21), repeat(0.2, 21))
			f := &w.seen.Figures["backend-python"].P95
			f.Samples[20].AtLeast, f.Now.AtLeast = true, true
		}, func(k *Known) bool { return k.Errors == nil && k.P95 == nil }},
		{"errors are too many, and P95 at least so much", Known{}, func(w *world, _ *model.Component) {
			alone(w, repeat(0.3, 21), repeat(0.2, 21))
			f := &w.seen.Figures["backend-python"].P95
			f.Samples[20].AtLeast, f.Now.AtLeast = true, true
		}, func(k *Known) bool { return k.Over && *k.Errors == 0.3 }},
		{"not measured", Known{}, func(w *world, _ *model.Component) {
			alone(w, repeat(0.3, 21), repeat(0.2, 21))
			w.seen.Figures["backend-python"].NotMeasured = true
		}, func(k *Known) bool { return k.Errors == nil }},

		{"it got better", seen(0.3), func(w *world, _ *model.Component) { alone(w, repeat(0.001, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.001 && !k.Over && k.At.Equal(t0) }},
		{"it got better, as far as P95 goes", seen(0.3), func(w *world, _ *model.Component) { alone(w, nil, repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.3 && k.Over }},
		{"it got better, as far as errors go", seen(0.3), func(w *world, _ *model.Component) { alone(w, repeat(0.001, 21), nil) }, func(k *Known) bool { return *k.Errors == 0.3 && k.Over }},
		{"it got worse", seen(0.001), func(w *world, _ *model.Component) { alone(w, repeat(0.3, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.3 && k.Over }},
		{"still as bad", seen(0.3), func(w *world, _ *model.Component) { alone(w, repeat(0.32, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.3 && k.At.Equal(t0.Add(-5*time.Minute)) }},
		{"still as bad, from above", seen(0.3), func(w *world, _ *model.Component) { alone(w, repeat(0.276, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.3 }},
		{"much worse than bad", seen(0.3), func(w *world, _ *model.Component) { alone(w, repeat(0.4, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.4 && k.At.Equal(t0) }},
		{"worse by just half its limit", seen(0.75), func(w *world, _ *model.Component) {
			w.inc.Settings.Limits.Errors = 0.5
			alone(w, repeat(1, 21), repeat(0.2, 21))
		}, func(k *Known) bool { return *k.Errors == 0.75 }},
		{"much less bad", seen(0.3), func(w *world, _ *model.Component) { alone(w, repeat(0.2, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.2 }},
		{"much worse, within the minute", Known{Errors: at(0.3), P95: at(0.2), Over: true, At: t0.Add(-59 * time.Second)}, func(w *world, _ *model.Component) { alone(w, repeat(0.4, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.3 }},
		{"much worse, after a minute", Known{Errors: at(0.3), P95: at(0.2), Over: true, At: t0.Add(-time.Minute)}, func(w *world, _ *model.Component) { alone(w, repeat(0.4, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.4 }},
		{"as well as before", seen(0.001), func(w *world, _ *model.Component) { alone(w, repeat(0.04, 21), repeat(0.2, 21)) }, func(k *Known) bool { return *k.Errors == 0.001 }},
		{"too slow, and errors are known for the first time", Known{P95: at(2.5), Over: true, At: t0}, func(w *world, _ *model.Component) { alone(w, repeat(0.01, 21), repeat(2.5, 21)) }, func(k *Known) bool { return k.Errors != nil && *k.Errors == 0.01 }},
	} {
		w := newWorld(t, nil)
		w.do(Observed{})
		c := *w.seen.Component("backend-python")
		tt.change(w, &c)
		w.component("backend-python", func(x *model.Component) { *x = c })
		w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
		s := w.snap()
		s.Seen.Memory = nil
		for _, l := range s.Judgement().Lines {
			if l.Component.ID != c.ID {
				continue
			}
			if k := s.see(l, tt.was); !tt.want(&k) {
				e, p := -1.0, -1.0
				if k.Errors != nil {
					e = *k.Errors
				}
				if k.P95 != nil {
					p = *k.P95
				}
				t.Errorf("%s: %+v, errors %g, P95 %g", tt.name, k, e, p)
			}
		}
	}
}

// Figures are a version's own when nothing else runs, and everything of it has been there
// for longer than they look back.
func TestWhoseFiguresTheyAre(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *world, c *model.Component)
		want   bool
	}{
		{"all along", func(*world, *model.Component) {}, true},
		{"nothing is wanted", func(_ *world, c *model.Component) { c.Desired = 0 }, false},
		{"not all are updated", func(_ *world, c *model.Component) { c.Updated = 2 }, false},
		{"an old one is there", func(_ *world, c *model.Component) { c.Replicas = 4 }, false},
		{"none is ready", func(_ *world, c *model.Component) { c.Ready = 0 }, false},
		{"one is ready", func(_ *world, c *model.Component) { c.Ready = 1 }, true},
		{"a pod of another version", func(_ *world, c *model.Component) { c.Pods = []model.Pod{{Owner: owner(42)}, {Owner: owner(41)}} }, false},
		{"set a minute ago", func(_ *world, c *model.Component) { c.RevisionStart = t0.Add(-time.Minute) }, true},
		{"set later", func(_ *world, c *model.Component) { c.RevisionStart = t0.Add(-59 * time.Second) }, false},
		{"a pod began a minute ago", func(_ *world, c *model.Component) {
			c.Pods = []model.Pod{{Owner: owner(42), Started: t0.Add(-time.Minute)}, {Owner: owner(42)}}
		}, true},
		{"a pod began later", func(_ *world, c *model.Component) {
			c.Pods = []model.Pod{{Owner: owner(42), Started: t0.Add(-59 * time.Second)}, {Owner: owner(42)}}
		}, false},
		{"few requests", func(w *world, c *model.Component) {
			c.RevisionStart = t0.Add(-299 * time.Second)
			w.seen.Figures["backend-python"].Errors.Window = 5 * time.Minute
		}, false},
		{"few requests to time", func(w *world, c *model.Component) {
			c.RevisionStart = t0.Add(-299 * time.Second)
			w.seen.Figures["backend-python"].P95.Window = 5 * time.Minute
		}, false},
		{"scraped each half minute", func(w *world, c *model.Component) {
			c.RevisionStart, w.inc.Settings.Scrape = t0.Add(-119*time.Second), 30*time.Second
		}, false},
		{"written, and not rolled out", wroteTo("backend-python", Rolling, time.Time{}), false},
		{"rolled out a minute ago", wroteTo("backend-python", Done, t0.Add(-time.Minute)), true},
		{"rolled out later", wroteTo("backend-python", Done, t0.Add(-59*time.Second)), false},
		{"another was rolled out later", wroteTo("frontend", Done, t0.Add(-59*time.Second)), true},
		{"refused", wroteTo("backend-python", Refused, time.Time{}), true},
	} {
		w := newWorld(t, nil)
		c := *w.seen.Component("backend-python")
		tt.change(w, &c)
		if got := w.snap().settled(&c); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func wroteTo(component string, state AttemptState, rolled time.Time) func(w *world, c *model.Component) {
	return func(w *world, _ *model.Component) {
		w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{Role: model.RoleRelease, Component: component}, State: state, RolledOut: rolled}}}}
	}
}

// Why the pods of a version do not serve is told by its own pods alone, and stays when
// they tell nothing.
func TestIllnessByItsOwnPods(t *testing.T) {
	mine := func(p model.Pod) model.Pod { p.Owner = owner(42); return p }
	crash, image, ready := model.Pod{Failing: true, State: "CrashLoopBackOff"}, model.Pod{Failing: true, State: "ErrImagePull"}, model.Pod{Ready: true}
	deleting := mine(crash)
	deleting.Deleting = true
	for _, tt := range []struct {
		name string
		pods []model.Pod
		was  Illness
		want Illness
	}{
		{"none", nil, "", IllReady},
		{"none, and it had crashed", nil, IllCrash, IllCrash},
		{"it crashes", []model.Pod{mine(crash)}, "", IllCrash},
		{"it has restarted", []model.Pod{mine(model.Pod{Failing: true, State: "Error", Restarts: 1})}, "", IllCrash},
		{"it has ended", []model.Pod{mine(model.Pod{Failing: true, State: "Error", Exit: "exit 1"})}, "", IllCrash},
		{"it fails otherwise", []model.Pod{mine(model.Pod{Failing: true, State: "CreateContainerConfigError"})}, "", IllReady},
		{"its image is not there", []model.Pod{mine(image)}, "", IllImage},
		{"it crashed once, and runs", []model.Pod{mine(model.Pod{State: "Running", Restarts: 1})}, "", IllReady},
		{"one is ready", []model.Pod{mine(ready), mine(model.Pod{})}, "", ""},
		{"one is ready, another crashes", []model.Pod{mine(ready), mine(crash)}, "", IllCrash},
		{"an old one crashes", []model.Pod{crash, mine(ready)}, "", ""},
		{"only an old one is ready", []model.Pod{ready}, "", IllReady},
		{"one that crashed ends", []model.Pod{deleting, mine(ready)}, "", ""},
	} {
		if got := illness(&model.Component{OwnerName: owner(42), Pods: tt.pods}, tt.was); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Who released a version is told as long as anything tells it; of one that was only gone
// back to it is who did that, while it runs and after it was left.
func TestReleasedBy(t *testing.T) {
	write := func(n, from, to int, by string, state AttemptState) Attempt {
		return Attempt{N: n, By: by, Writes: []Write{{Plan: model.Plan{ID: "p", Role: model.RoleRelease, Component: "backend-python", From: revision(from), To: revision(to)},
			State: state, Intent: t0, RolledOut: t0.Add(12 * time.Second)}}}
	}
	running := func(by string, start time.Duration) model.Candidate {
		return model.Candidate{Version: revision(41), Current: true, Returned: true, By: by, Start: t0.Add(start)}
	}
	left := model.Candidate{Version: revision(41)}
	for name, tt := range map[string]struct {
		attempts []Attempt
		known    string // who released it, as it was seen while it ran
		r        model.Candidate
		want     string
	}{
		"released, and runs":          {nil, "", model.Candidate{Version: revision(41), Current: true, By: "gitlab-ci"}, "gitlab-ci"},
		"left":                        {nil, "gitlab-ci", left, "gitlab-ci"},
		"nobody knows":                {nil, "", left, ""},
		"gone back to by others":      {nil, "", running("kubectl", 0), "kubectl"},
		"gone back to":                {[]Attempt{write(1, 42, 41, "maria", Done)}, "", running("rollbook", 0), "maria"},
		"under way":                   {[]Attempt{write(1, 42, 41, "maria", Rolling)}, "", running("rollbook", 0), "maria"},
		"not written":                 {[]Attempt{write(1, 42, 41, "maria", Refused)}, "", left, ""},
		"and left":                    {[]Attempt{write(1, 42, 41, "maria", Done), write(2, 41, 40, "jonas", Done)}, "", left, "maria"},
		"and left, of a known one":    {[]Attempt{write(1, 42, 41, "maria", Done), write(2, 41, 40, "jonas", Done)}, "gitlab-ci", left, "gitlab-ci"},
		"twice":                       {[]Attempt{write(1, 42, 41, "maria", Done), write(2, 41, 40, "maria", Done), write(3, 40, 41, "jonas", Done)}, "", running("rollbook", 0), "jonas"},
		"later by others":             {[]Attempt{write(1, 42, 41, "maria", Done)}, "", running("kubectl", time.Minute), "kubectl"},
		"of another that was written": {[]Attempt{write(1, 42, 40, "maria", Done)}, "", left, ""},
	} {
		w := newWorld(t, nil)
		w.inc.Attempts = tt.attempts
		if tt.known != "" {
			w.fold(Fact{At: t0, Body: VersionSeen{Known{Component: "backend-python", Version: revision(41), By: tt.known}}})
		}
		h := &model.History{Component: "backend-python", Candidates: []model.Candidate{tt.r}}
		if got := w.snap().ReleasedBy(h, &h.Candidates[0]); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
