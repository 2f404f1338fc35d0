package incident

import (
	"slices"
	"testing"
	"time"

	"rollbook/model"
)

// crashing gives backend-python a new pod in a crash loop beside three old ones that
// serve.
func (w *world) crashing() {
	w.component("backend-python", func(c *model.Component) {
		c.Images = []string{"shop/api:1.42.0", "envoy:1"}
		c.Past = []model.Earlier{{Owner: owner(41), Revision: 41, At: t0.Add(-26 * time.Hour), Images: []string{"shop/api:1.41.0", "envoy:1"}}}
		names := []string{"api", "envoy"}
		c.Pods = []model.Pod{{Name: "new-1", UID: "n1", Owner: owner(42), State: "CrashLoopBackOff", Failing: true, Restarts: 6, Exit: "exit 1", Names: names, Bad: "api"}}
		for _, p := range []string{"old-1", "old-2", "old-3", "old-4"} {
			c.Pods = append(c.Pods, model.Pod{Name: p, UID: p, Owner: owner(41), Revision: 41, State: "Running", Ready: true, Names: names, Bad: "envoy"})
		}
	})
}

func TestPodLogsWanted(t *testing.T) {
	w := newWorld(t, nil)
	w.do(Observed{})
	if got := PodLogsWanted(w.snap()); len(got) != 0 {
		t.Fatalf("nothing fails: %+v", got)
	}
	w.crashing()
	w.do(Observed{})
	got := PodLogsWanted(w.snap())
	if len(got) != 1 || got[0].Component != "backend-python" || got[0].Version.Name() != "1.42.0" || got[0].Before.Name() != "1.41.0" {
		t.Fatalf("%+v", got)
	}
	if want := []model.PodLog{{Pod: "new-1", UID: "n1", Container: "api", Previous: true, Restarts: 6}}; !slices.Equal(got[0].New, want) {
		t.Errorf("%+v", got[0].New)
	}
	// A few, and the container whose image changed.
	if old := got[0].Old; len(old) != logPods || old[0].Container != "api" || old[0].Previous {
		t.Errorf("%+v", old)
	}
	// A pod that never ran has no log.
	w.component("backend-python", func(c *model.Component) {
		c.Pods = slices.Clone(c.Pods)
		c.Pods[0].State, c.Pods[0].Exit, c.Pods[0].Restarts = "ImagePullBackOff", "", 0
	})
	if got := PodLogsWanted(w.snap()); len(got) != 0 {
		t.Errorf("its image was not pulled: %+v", got)
	}
	// Nor is anything read of a cluster that does not answer.
	w.crashing()
	w.seen.Cluster.Heard = w.now.Add(-time.Hour)
	if got := PodLogsWanted(w.snap()); len(got) != 0 {
		t.Errorf("nobody hears the cluster: %+v", got)
	}
}

func TestPodLogsOfWhatHasATrigger(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) {
		c.Pods = []model.Pod{{Name: "new-1", Owner: owner(42), State: "Running", Ready: true, Names: []string{"api"}, Bad: "api"}}
	})
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	got := PodLogsWanted(w.snap())
	if len(got) != 1 || got[0].Why != string(TErrors) || len(got[0].New) != 1 || got[0].New[0].Previous || len(got[0].Old) != 0 {
		t.Fatalf("%+v", got)
	}
}

// Where nobody can count the errors of what was just released, its logs are what there is.
func TestPodLogsOfWhatCannotBeCounted(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) {
		c.Pods = []model.Pod{{Name: "new-1", Owner: owner(42), State: "Running", Ready: true, Names: []string{"api"}, Bad: "api"}}
	})
	for _, tt := range []struct {
		name     string
		released time.Duration
		change   func(f *model.Figures)
		want     int
	}{
		{"unknown", 6 * time.Minute, func(f *model.Figures) {}, 1},
		{"unknown, and long there", 48 * time.Hour, func(f *model.Figures) {}, 0},
		{"not asked yet", 6 * time.Minute, func(f *model.Figures) { f.At = time.Time{} }, 0},
		{"not measured", 6 * time.Minute, func(f *model.Figures) { f.NotMeasured = true }, 0},
		{"counted", 6 * time.Minute, func(f *model.Figures) { f.Errors.Now = model.Reading{Known: true, At: f.At} }, 0},
	} {
		w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-tt.released) })
		f := &model.Figures{At: w.now, Errors: model.Figure{Now: model.Unknown("q", "no series")}}
		tt.change(f)
		w.seen.Figures["backend-python"] = f
		w.do(Observed{})
		if got := PodLogsWanted(w.snap()); len(got) != tt.want || len(got) == 1 && got[0].Why != "" {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// What a rollback left behind is no measure of what it brought back.
func TestPodLogsAfterARollback(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.crashing()
	w.component("backend-python", func(c *model.Component) {
		c.Pods = slices.Clone(c.Pods)
		c.Pods[0].Failing, c.Pods[0].State, c.Pods[0].Ready = false, "Running", true
	})
	if got := PodLogsWanted(w.snap()); len(got) != 0 {
		t.Errorf("its pods are well: %+v", got)
	}
	w.crashing()
	if got := PodLogsWanted(w.snap()); len(got) != 1 || len(got[0].Old) != 0 {
		t.Errorf("its pods fail: %+v", got)
	}
}

func said(old int, lines ...model.SaidLine) model.Said {
	return model.Said{Component: "backend-python", Version: model.Version{Key: owner(42), Label: "revision 42", Tag: "1.42.0"}, Pods: 1, Read: 9,
		Before: model.Version{Key: owner(41), Label: "revision 41", Tag: "1.41.0"}, OldPods: min(old, 3), OldRead: old, Lines: lines}
}

func TestPodsSaidIsAFact(t *testing.T) {
	w := newWorld(t, nil)
	read := func(x model.Said) int {
		before := len(w.inc.Said)
		entries := len(w.inc.Timeline)
		w.do(PodLogsRead{Said: x})
		if len(w.inc.Said) > before+1 {
			t.Fatalf("%+v", w.inc.Said)
		}
		return len(w.inc.Timeline) - entries
	}
	url := model.SaidLine{Text: "KeyError: 'PAYMENT_URL'", Where: "settings.py:27", Level: "error", Count: 6, New: true}
	if read(said(30, url)) != 1 || len(w.inc.Said) != 1 {
		t.Fatalf("%+v", w.inc.Timeline)
	}
	if got := w.inc.Timeline[len(w.inc.Timeline)-1].Text; got != "pods of backend-python say: KeyError: 'PAYMENT_URL'  (settings.py:27)  ×6, new since 1.42.0" {
		t.Error(got)
	}
	// The same again is no news, and neither is less.
	facts := len(w.facts)
	again := url
	again.Count = 7
	read(said(30, again))
	read(said(30))
	read(said(0, model.SaidLine{Text: "KeyError: 'PAYMENT_URL'", Where: "settings.py:27", Level: "error", Count: 9}))
	if len(w.facts) != facts {
		t.Errorf("%+v", w.facts[facts:])
	}
	if more := again; true {
		more.Count = 60
		if read(said(30, more)) != 0 || w.inc.Said[0].Lines[0].Count != 60 {
			t.Errorf("%+v", w.inc.Said)
		}
	}
	of, line, ok := w.inc.NewLogLine("backend-python")
	if !ok || SaidNote(&of, &line) != "×60, new since 1.42.0" || SaidBasis(&of) != "9 lines of 1 pod of 1.42.0, compared with 30 lines of 3 pods of 1.41.0" {
		t.Errorf("%+v %+v", of, line)
	}
	if _, _, ok := w.inc.NewLogLine("frontend"); ok {
		t.Error("frontend said nothing")
	}
}

// New is said only where the pods of the version before were read.
func TestSaidNote(t *testing.T) {
	line := model.SaidLine{Text: "refused", Count: 1}
	for _, tc := range []struct {
		old  int
		new  bool
		want string
	}{{0, false, "in the log of 1.42.0"}, {30, false, "also in the log of 1.41.0"}, {30, true, "new since 1.42.0"}} {
		x := said(tc.old)
		line.New = tc.new
		if got := SaidNote(&x, &line); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
	x := said(0)
	x.OldPods = 3
	if got := SaidBasis(&x); got != "9 lines of 1 pod of 1.42.0; 3 pods of 1.41.0 said nothing to compare with" {
		t.Error(got)
	}
	x.OldPods = 0
	if got := SaidBasis(&x); got != "9 lines of 1 pod of 1.42.0; no pod of an earlier version is left to compare with" {
		t.Error(got)
	}
	if got := SaidNothing(&x); got != "no error and no warning in "+SaidBasis(&x) {
		t.Error(got)
	}
	x.Read = 0
	if got := SaidNothing(&x); got != "1 pod of 1.42.0 logged nothing at all" {
		t.Error(got)
	}
	if x.Pods = 0; SaidNothing(&x) != "no error and no warning in "+SaidBasis(&x) {
		t.Error(SaidNothing(&x))
	}
	x.OldPods = 1
	if got := SaidBasis(&x); got != "0 lines of 0 pods of 1.42.0; 1 pod of 1.41.0 said nothing to compare with" {
		t.Error(got)
	}
	x.OldRead = 1
	if got := SaidBasis(&x); got != "0 lines of 0 pods of 1.42.0, compared with 1 line of 1 pod of 1.41.0" {
		t.Error(got)
	}
	if got := SaidNote(&x, &model.SaidLine{Count: 2}); got != "×2, also in the log of 1.41.0" {
		t.Error(got)
	}
}

// The log that is read is that of the container whose image is another than in the
// version before; where that cannot be told, of the one that the board names.
func TestChangedContainer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		now   []string
		past  [][]string // the newest first
		names []string
		want  string
	}{
		{"the first", []string{"api:2", "envoy:1"}, [][]string{{"api:1", "envoy:1"}}, []string{"api", "envoy"}, "api"},
		{"the second", []string{"api:1", "envoy:2"}, [][]string{{"api:1", "envoy:1"}}, []string{"api", "envoy"}, "envoy"},
		{"both", []string{"api:2", "envoy:2"}, [][]string{{"api:1", "envoy:1"}}, []string{"api", "envoy"}, "api"},
		{"only the version right before counts", []string{"api:2", "envoy:1"}, [][]string{{"api:2", "envoy:0"}, {"api:1", "envoy:1"}}, []string{"api", "envoy"}, "envoy"},
		{"none", []string{"api:1"}, [][]string{{"api:1"}}, []string{"api"}, "named"},
		{"there was no version before", []string{"api:2"}, nil, []string{"api"}, "named"},
		{"there was a container less", []string{"api:2", "envoy:1"}, [][]string{{"api:1"}}, []string{"api", "envoy"}, "named"},
		{"the pod has others", []string{"api:2"}, [][]string{{"api:1"}}, []string{"api", "injected"}, "named"},
	} {
		c := &model.Component{Images: tt.now}
		for _, images := range tt.past {
			c.Past = append(c.Past, model.Earlier{Images: images})
		}
		if got := changedContainer(c, &model.Pod{Names: tt.names, Bad: "named"}); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
