package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// The logs that are read are of pods that have run: a few of the running version, and of
// the one before it, where that was not what a rollback left.
func TestWhoseLogsAreRead(t *testing.T) {
	pod := func(name string, of int, change func(p *model.Pod)) model.Pod {
		p := model.Pod{Name: name, Owner: owner(of), Revision: int64(of), State: "Running", Ready: true}
		if change != nil {
			change(&p)
		}
		return p
	}
	failing := func(state, exit string, restarts int) func(p *model.Pod) {
		return func(p *model.Pod) {
			p.State, p.Exit, p.Restarts, p.Failing, p.Ready = state, exit, restarts, true, false
		}
	}
	old := pod("o", 41, nil)
	for _, tt := range []struct {
		name   string
		pods   []model.Pod
		change func(c *model.Component)
		want   string
	}{
		{"all serve", []model.Pod{pod("n", 42, nil), old}, nil, "new n, old o"},
		{"nobody knows the version", []model.Pod{pod("n", 42, nil)}, func(c *model.Component) { c.OwnerName = "" }, ""},
		{"nobody sees the pods", []model.Pod{pod("n", 42, nil)}, func(c *model.Component) { c.PodsNo = "forbidden" }, ""},
		{"it crashes", []model.Pod{pod("n", 42, failing("CrashLoopBackOff", "exit 1", 6)), old}, nil, "fails, new n before it restarted, old o"},
		{"it restarted, and nobody knows why", []model.Pod{pod("n", 42, failing("CrashLoopBackOff", "", 1))}, nil, "fails, new n"},
		{"it ended once", []model.Pod{pod("n", 42, failing("Error", "exit 1", 0))}, nil, "fails, new n"},
		{"it restarted, and is well", []model.Pod{pod("n", 42, func(p *model.Pod) { p.Restarts, p.Exit = 1, "exit 1" })}, nil, "new n"},
		{"it runs and fails", []model.Pod{pod("n", 42, failing("Running", "", 0))}, nil, "fails, new n"},
		{"it has never run", []model.Pod{pod("n", 42, failing("ImagePullBackOff", "", 0)), old}, nil, "fails, old o"},
		{"it restarted once", []model.Pod{pod("n", 42, failing("CrashLoopBackOff", "exit 1", 1))}, nil, "fails, new n before it restarted"},
		{"an old one has never run", []model.Pod{pod("n", 42, nil), pod("o", 41, failing("ImagePullBackOff", "", 0))}, nil, "new n"},
		{"it begins", []model.Pod{pod("n", 42, func(p *model.Pod) { p.State, p.Ready = "ContainerCreating", false }), old}, nil, "old o"},
		{"it runs and is not ready", []model.Pod{pod("n", 42, func(p *model.Pod) { p.Ready = false })}, nil, "new n"},
		{"it is a leftover", []model.Pod{pod("n", 42, func(p *model.Pod) { p.Leftover = true })}, nil, ""},
		{"it goes", []model.Pod{pod("n", 42, func(p *model.Pod) { p.Deleting = true })}, nil, ""},
		{"many", []model.Pod{pod("a", 42, nil), pod("b", 42, nil), pod("c", 42, nil), pod("d", 42, nil), pod("k", 41, nil), pod("l", 41, nil), pod("m", 41, nil), pod("n", 41, nil)}, nil, "new a b c, old k l m"},
		{"the fourth fails", []model.Pod{pod("a", 42, nil), pod("b", 42, nil), pod("c", 42, nil), pod("d", 42, failing("Error", "exit 1", 0))}, nil, "fails, new a b c"},
		{"of three versions", []model.Pod{pod("n", 42, nil), pod("k", 41, nil), pod("l", 40, nil), pod("m", 41, nil)}, nil, "new n, old k m"},
		{"of nobody knows what", []model.Pod{pod("n", 42, nil), {Name: "x", State: "Running", Ready: true}}, nil, "new n"},
		{"an old one crashes", []model.Pod{pod("n", 42, nil), pod("o", 41, failing("CrashLoopBackOff", "exit 1", 6))}, nil, "new n, old o"},
		{"gone back to", []model.Pod{pod("n", 42, nil), old}, func(c *model.Component) { c.Returned = true }, ""},
		{"gone back to, and it crashes", []model.Pod{pod("n", 42, failing("Error", "exit 1", 0)), old}, func(c *model.Component) { c.Returned = true }, "fails, new n"},
	} {
		c := &model.Component{ID: "api", OwnerName: owner(42), Revision: 42, Pods: tt.pods}
		if tt.change != nil {
			tt.change(c)
		}
		w, fails := (&Snapshot{}).podLogs(c)
		var parts []string
		if fails {
			parts = append(parts, "fails")
		}
		for _, x := range []struct {
			what string
			logs []model.PodLog
		}{{"new", w.New}, {"old", w.Old}} {
			text := x.what
			for _, l := range x.logs {
				if text += " " + l.Pod; l.Previous {
					text += " before it restarted"
				}
			}
			if len(x.logs) > 0 {
				parts = append(parts, text)
			}
		}
		if got := strings.Join(parts, ", "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if len(w.Old) > 0 && w.Before != model.Revision(owner(41), 41) {
			t.Errorf("%s: compared with %s", tt.name, w.Before)
		}
	}
}

// What has a trigger is read first, then what fails, then what nobody can count; of five
// at a time, and not after the end.
func TestWhichComponentsAreReadFirst(t *testing.T) {
	w := newWorld(t, nil)
	w.seen.Cluster.Heard = w.now
	w.seen.Board, w.seen.Figures = nil, map[string]*model.Figures{}
	add := func(id string, failing, uncounted bool) {
		c := &model.Component{ID: id, OwnerName: owner(42), Revision: 42, Desired: 1, RevisionStart: t0.Add(-26 * time.Hour)}
		c.Pods = []model.Pod{{Name: "p", Owner: owner(42), State: "Running", Ready: !failing, Failing: failing}}
		if uncounted {
			c.RevisionStart = t0.Add(-time.Minute)
			w.seen.Figures[id] = &model.Figures{At: t0, Errors: model.Figure{Now: model.Unknown("q", "no series")}}
		}
		w.seen.Board = append(w.seen.Board, c)
	}
	add("healthy", false, false)
	add("uncounted", false, true)
	add("fails", true, false)
	add("triggered", false, false)
	add("slow-and-failing", false, false)
	add("fell", false, false)
	w.inc.Triggers = []Trigger{{Component: "triggered", Kind: TErrors}, {Component: "slow-and-failing", Kind: TP95}, {Component: "slow-and-failing", Kind: TErrors}, {Component: "fell", Kind: TErrors, Under: t0}}
	is := func(what, want string) {
		t.Helper()
		var got []string
		for _, x := range PodLogsWanted(w.snap()) {
			got = append(got, strings.TrimSpace(x.Component+" "+x.Why))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, want %s", what, strings.Join(got, ", "), want)
		}
	}
	is("in order", "triggered errors, slow-and-failing p95 errors, fails, uncounted")
	add("another", true, false)
	add("one more", true, false)
	is("of five", "triggered errors, slow-and-failing p95 errors, fails, another, one more")
	w.inc.End = &End{Outcome: FixedOtherwise}
	is("ended", "")
	w.inc.End, w.inc.Closed = nil, t0
	is("closed", "")
	w.inc.Closed = time.Time{}
	w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{Role: model.RoleRelease, Component: "triggered"}, State: Done, Intent: t0}}}}
	is("one was rolled back, and its pods do not fail", "slow-and-failing p95 errors, fails, another, one more, uncounted")
}

// A component was written to when its release was, and was not refused.
func TestWhatWasWrittenTo(t *testing.T) {
	for name, tt := range map[string]struct {
		write Write
		want  bool
	}{
		"written":           {Write{Plan: model.Plan{Component: "api", Role: model.RoleRelease}, State: Done, Intent: t0}, true},
		"nobody knows":      {Write{Plan: model.Plan{Component: "api", Role: model.RoleRelease}, State: Rolling, Intent: t0}, true},
		"refused":           {Write{Plan: model.Plan{Component: "api", Role: model.RoleRelease}, State: Refused, Intent: t0}, false},
		"not begun":         {Write{Plan: model.Plan{Component: "api", Role: model.RoleRelease}}, false},
		"another":           {Write{Plan: model.Plan{Component: "web", Role: model.RoleRelease}, State: Done, Intent: t0}, false},
		"only switched off": {Write{Plan: model.Plan{Component: "api", Role: model.RoleMaintenance}, State: Done, Intent: t0}, false},
	} {
		i := Incident{Attempts: []Attempt{{N: 1, Writes: []Write{tt.write}}}}
		if got := i.wroteTo("api"); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What is read again is kept where it tells more: of other lines, or of twice or half as
// many of the same; not where the pods that it was compared with have gone.
func TestWhatTellsMore(t *testing.T) {
	lines := func(l ...model.SaidLine) model.Said { return model.Said{Lines: l} }
	line := func(count int) model.SaidLine { return model.SaidLine{Text: "a", Where: "b:1", Count: count} }
	compared := func(x model.Said, old int) model.Said { x.OldRead = old; return x }
	for _, tt := range []struct {
		name     string
		was, now model.Said
		want     bool
	}{
		{"the same", lines(line(3)), lines(line(3)), false},
		{"another text", lines(line(3)), lines(model.SaidLine{Text: "c", Where: "b:1", Count: 3}), true},
		{"another place", lines(line(3)), lines(model.SaidLine{Text: "a", Where: "c:1", Count: 3}), true},
		{"it is new", lines(line(3)), lines(model.SaidLine{Text: "a", Where: "b:1", Count: 3, New: true}), true},
		{"one more", lines(line(3)), lines(line(3), line(1)), true},
		{"one less", lines(line(3), line(1)), lines(line(3)), true},
		{"a few more", lines(line(3)), lines(line(5)), false},
		{"twice as many", lines(line(3)), lines(line(6)), true},
		{"a few less", lines(line(6)), lines(line(4)), false},
		{"half as many", lines(line(6)), lines(line(3)), true},
		{"nothing any more", lines(line(3)), lines(), false},
		{"nothing any more, with a reason", lines(line(3)), model.Said{Err: "gone"}, false},
		{"nothing, as before", lines(), lines(), false},
		{"why nothing is read", lines(), model.Said{Err: "forbidden"}, true},
		{"for the first time", lines(), lines(line(1)), true},
		{"the old pods are gone", compared(lines(line(3)), 1), lines(line(6)), false},
		{"the old pods are gone, and it said nothing before", compared(lines(), 9), lines(line(6)), true},
		{"there were no old pods", lines(line(3)), lines(line(6)), true},
		{"the old pods are there", compared(lines(line(3)), 9), compared(lines(line(6)), 1), true},
	} {
		if got := tellsMore(&tt.was, &tt.now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// The timeline tells what pods say when it was not told before: another line, from another
// place.
func TestSaidIsToldOnce(t *testing.T) {
	at := func(text, where string) []model.SaidLine {
		return []model.SaidLine{{Text: text, Where: where, Count: 1}}
	}
	for _, tt := range []struct {
		name     string
		was, now []model.SaidLine
		told     bool
	}{
		{"for the first time", nil, at("a", ""), true},
		{"nothing", nil, nil, false},
		{"the same", at("a", ""), at("a", "b:1"), false},
		{"of the same place", at("a", "b:1"), at("c", "b:1"), false},
		{"of another place", at("a", "b:1"), at("c", "b:2"), true},
		{"of no place", at("a", ""), at("c", ""), true},
	} {
		before := &Incident{Said: []model.Said{said(0, tt.was...)}}
		if _, text := (PodsSaid{said(0, tt.now...)}).entry(before); (text != "") != tt.told {
			t.Errorf("%s: %q", tt.name, text)
		}
	}
	if _, text := (PodsSaid{said(0, at("a", "")...)}).entry(&Incident{}); text != "pods of backend-python say: a  in the log of 1.42.0" {
		t.Error(text)
	}
	// What was said after the end is no part of the incident.
	for name, change := range map[string]func(w *world){"ended": func(w *world) { w.inc.End = &End{Outcome: FixedOtherwise} }, "closed": func(w *world) { w.inc.Closed = t0 }} {
		w := newWorld(t, nil)
		w.inc.ID = "INC-1"
		change(w)
		if w.do(PodLogsRead{Said: said(0, at("a", "")...)}); len(w.inc.Said) > 0 {
			t.Errorf("%s: %+v", name, w.inc.Said)
		}
	}
}

// Of all that pods said the first new line counts, else the first that was read; of what
// runs now, what that says, where it says anything.
func TestWhichLineIsTold(t *testing.T) {
	of := func(component string, n int, lines ...model.SaidLine) model.Said {
		return model.Said{Component: component, Version: revision(n), Lines: lines}
	}
	plain := func(text string) model.SaidLine { return model.SaidLine{Text: text} }
	fresh := func(text string) model.SaidLine { return model.SaidLine{Text: text, New: true} }
	for _, tt := range []struct {
		name      string
		said      []model.Said
		line, now string // of which version
	}{
		{"nothing", nil, "", ""},
		{"another component", []model.Said{of("web", 42, fresh("a"))}, "", ""},
		{"nothing was said", []model.Said{of("api", 42)}, "", "42 "},
		{"only the running one", []model.Said{of("api", 42, plain("a"), fresh("b"))}, "42 a", "42 a"},
		{"the first", []model.Said{of("api", 41, plain("a")), of("api", 42, plain("b"))}, "41 a", "42 b"},
		{"a new one", []model.Said{of("api", 41, plain("a")), of("api", 42, fresh("b"))}, "42 b", "42 b"},
		{"the first new one", []model.Said{of("api", 41, fresh("a")), of("api", 42, fresh("b"))}, "41 a", "42 b"},
		{"a new one before", []model.Said{of("api", 41, fresh("a")), of("api", 42, plain("b"))}, "41 a", "42 b"},
		{"the running one says nothing", []model.Said{of("api", 41, plain("a")), of("api", 42)}, "41 a", "41 a"},
		{"the running one was not read", []model.Said{of("api", 41, plain("a"))}, "41 a", "41 a"},
		{"the version is another component's", []model.Said{of("web", 42, fresh("b")), of("api", 41, plain("a"))}, "41 a", "41 a"},
	} {
		i := Incident{Said: tt.said}
		got := ""
		if x, l, ok := i.NewLogLine("api"); ok {
			got = x.Version.Short + " " + l.Text
		}
		now := ""
		if x := i.SaidNow(&model.Component{ID: "api", OwnerName: owner(42), Revision: 42}); x != nil {
			if now = x.Version.Short + " "; len(x.Lines) > 0 {
				now += x.Lines[0].Text
			}
		}
		if got != tt.line || now != tt.now {
			t.Errorf("%s: %q, now %q; want %q, now %q", tt.name, got, now, tt.line, tt.now)
		}
	}
	for want, l := range map[string]model.SaidLine{"a": {Text: "a"}, "a  (b:1)": {Text: "a", Where: "b:1"}, "a at b:1": {Text: "a at b:1", Where: "b:1"}} {
		if got := SaidText(&l); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is checked beside the figures counts while it is fresh, by its own limit; what was
// not asked for is waited for as long as it would be fresh.
func TestLimitsOfOwnChecks(t *testing.T) {
	v := func(x float64) *float64 { return &x }
	seen := func(x float64) func(s *Snapshot) {
		return func(s *Snapshot) {
			s.Seen.Own = map[string][]model.OwnSeen{"api": {{Name: "queue", Reading: model.Reading{Known: true, Value: x, At: t0}}}}
		}
	}
	pods := func(p model.SelectedSeen) func(s *Snapshot) {
		return func(s *Snapshot) { s.Seen.Selected = map[string]model.SelectedSeen{"api": p} }
	}
	probe := func(p model.ProbeSeen) func(s *Snapshot) {
		return func(s *Snapshot) { s.Seen.Probes = map[string][]model.ProbeSeen{"api": {p}} }
	}
	tail := func(p model.TailSeen) func(s *Snapshot) {
		return func(s *Snapshot) { s.Seen.Tails = map[string]model.TailSeen{"api": p} }
	}
	queue := func(limit model.OwnCheck) model.Target {
		limit.Name = "queue"
		return model.Target{ID: "api", Promql: []model.OwnCheck{limit}}
	}
	labels, health := model.Target{ID: "api", Pods: "app=api"}, model.Target{ID: "api", Health: []model.Health{{URL: "u"}}}
	for _, tt := range []struct {
		name   string
		target model.Target
		seen   func(s *Snapshot)
		want   string
	}{
		{"at its most", queue(model.OwnCheck{Max: v(0.5)}), seen(0.5), "yes queue: 0.5"},
		{"over its most", queue(model.OwnCheck{Max: v(0.5)}), seen(0.51234), "no queue: 0.5123"},
		{"at its least", queue(model.OwnCheck{Min: v(2)}), seen(2), "yes queue: 2"},
		{"under its least", queue(model.OwnCheck{Min: v(2)}), seen(1.5), "no queue: 1.5"},
		{"between", queue(model.OwnCheck{Min: v(1), Max: v(2)}), seen(1.5), "yes queue: 1.5"},
		{"not asked", queue(model.OwnCheck{Max: v(0.5)}), func(*Snapshot) {}, "unknown queue: not asked yet"},
		{"not asked, of just now", queue(model.OwnCheck{Max: v(0.5)}), func(s *Snapshot) { s.Incident.RolledOut = t0 }, "unknown queue: not asked yet, settling"},
		{"not asked for too long", labels, func(s *Snapshot) { s.Incident.RolledOut = t0.Add(-s.Incident.Settings.checksFresh()) }, "unknown pods app=api: not asked yet"},
		{"not asked for a while", labels, func(s *Snapshot) { s.Incident.RolledOut = t0.Add(1 - s.Incident.Settings.checksFresh()) }, "unknown pods app=api: not asked yet, settling"},
		{"all pods", labels, pods(model.SelectedSeen{Ready: 1, Total: 1, At: t0}), "yes pods app=api: 1 of 1 ready"},
		{"not all pods", labels, pods(model.SelectedSeen{Ready: 1, Total: 2, At: t0}), "no pods app=api: 1 of 2 ready"},
		{"no pods", labels, pods(model.SelectedSeen{At: t0}), "no pods app=api: no pod has these labels"},
		{"pods that nobody may see", labels, pods(model.SelectedSeen{Err: "forbidden"}), "unknown pods app=api: forbidden"},
		{"just fresh", labels, func(s *Snapshot) {
			pods(model.SelectedSeen{Ready: 1, Total: 1, At: t0.Add(-s.Incident.Settings.checksFresh())})(s)
		}, "yes pods app=api: 1 of 1 ready"},
		{"just stale", labels, func(s *Snapshot) {
			pods(model.SelectedSeen{Ready: 1, Total: 1, At: t0.Add(-1 - s.Incident.Settings.checksFresh())})(s)
		}, "unknown pods app=api: stale since FRESH"},
		{"well", health, probe(model.ProbeSeen{URL: "u", State: model.TriYes, Text: "200 in 3ms", At: t0}), "yes health u: 200 in 3ms"},
		{"why it is not asked", health, probe(model.ProbeSeen{URL: "u", Text: "no way there"}), "unknown health u: no way there"},
		{"of another URL", health, probe(model.ProbeSeen{URL: "old", State: model.TriYes, At: t0}), "unknown health u: not asked yet"},
		{"a log of one line", model.Target{ID: "api", Logs: 1, LogsBad: "panic"}, tail(model.TailSeen{Pod: "p", Lines: []string{"a"}, At: t0}), "yes log: 1 lines of p"},
		{"a bad line", model.Target{ID: "api", Logs: 1, LogsBad: "panic"}, tail(model.TailSeen{Pod: "p", Lines: []string{"panic"}, Bad: []string{"panic"}, At: t0}), "no log: 1 bad of 1 lines of p"},
	} {
		s := &Snapshot{Now: t0}
		s.Incident.Settings.Components = []model.Target{tt.target}
		tt.seen(s)
		all := ownChecks(s, "api")
		if len(all) != 1 {
			t.Fatalf("%s: %+v", tt.name, all)
		}
		got := fmt.Sprintf("%s %s: %s", all[0].State, all[0].Name, all[0].Seen)
		if all[0].Wait != "" {
			got += ", " + string(all[0].Wait)
		}
		if want := strings.ReplaceAll(tt.want, "FRESH", model.Short(s.Incident.Settings.checksFresh()+1)); got != want {
			t.Errorf("%s: %q, want %q", tt.name, got, want)
		}
	}
	for want, target := range map[string]model.Target{
		"any below 400": health, "204": {ID: "api", Health: []model.Health{{URL: "u", Status: 204}}},
		"no line with panic": {ID: "api", Logs: 5, LogsBad: "panic"}, "": {ID: "api", Logs: 5},
	} {
		s := &Snapshot{Now: t0}
		s.Incident.Settings.Components = []model.Target{target}
		if got := ownChecks(s, "api")[0].Limit; got != want {
			t.Errorf("the limit is %q, want %q", got, want)
		}
	}
}
