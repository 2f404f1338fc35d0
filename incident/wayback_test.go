package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// The headline says to which version to go back as soon as that is known, past those that
// failed too, and what has to be seen to first; nothing where that is not known.
func TestTheHeadlineNamesTheWayBack(t *testing.T) {
	current := served(42, 0.3)
	current.Current = true
	for name, tt := range map[string]struct {
		prepare func(w *world)
		want    string
		passed  string
	}{
		"not read yet":      {func(*world) {}, "", ""},
		"the one before":    {func(w *world) { w.history(current, served(41, 0.002), served(40, 0.002)) }, "go back to revision 41", ""},
		"that failed too":   {func(w *world) { w.history(current, served(41, 0.2), served(40, 0.002)) }, "go back to revision 40, not to revision 41", "was over the limits while it served: 20% errors"},
		"none is good":      {func(w *world) { w.history(current, served(41, 0.2)) }, "", ""},
		"of another moment": {func(w *world) { w.history(served(43, 0.3), served(41, 0.002)) }, "", ""},
		"somebody undoes it": {func(w *world) {
			w.history(current, served(41, 0.002))
			w.component("backend-python", func(c *model.Component) {
				c.Owners = []model.Owner{{Manager: "Flux", Reverts: true}, {Manager: "Helm"}}
			})
		}, "go back to revision 41; Flux would undo that: stop it first", ""},
		"its ConfigMap changed too": {func(w *world) {
			old := served(41, 0.002)
			old.Rewritten = []model.Rewritten{{Name: "api-env", At: w.inc.Onset.Add(-time.Minute)}}
			w.history(current, old)
		}, "go back to revision 41; that may not help: configmap api-env changed too", ""},
		"both fail now": {func(w *world) {
			a, b := current, served(41, 0.002)
			a.Now, b.Now = served(42, 0.3).Behaviour, served(41, 0.3).Behaviour
			w.history(a, b)
		}, "go back to revision 41; that may not help: revision 42 and revision 41 fail alike now", ""},
		"it did not change": {func(w *world) {
			w.history(current, served(41, 0.002))
			w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.AddDate(0, 0, -2) })
			w.component("frontend", func(c *model.Component) { c.RevisionStart = t0.Add(-10 * 60e9) })
		}, "", ""},
	} {
		w := newWorld(t, nil)
		w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
		w.do(Observed{})
		tt.prepare(w)
		w.do(Observed{})
		s := w.snap()
		nodes := Tree(s)
		v, why := VerdictOf(s, nodes)
		h := HeadlineOf(s, v, why, s.Afterwards(), false)
		if h.Kind != HeadNow || h.Next != tt.want || tt.want != "" && !strings.HasSuffix(h.String(), "; "+tt.want) {
			t.Errorf("%s: %d %q", name, h.Kind, h.String())
		}
		if back := s.WayBack("backend-python"); (tt.passed != "") != (back != nil && len(back.Passed) > 0) || tt.passed != "" && back.Passed[0].Why != tt.passed {
			t.Errorf("%s: passed: %+v", name, back)
		}
		// What the journal keeps tells the same.
		if s.Seen.History = nil; s.goBack() != tt.want {
			t.Errorf("%s: by the journal: %q", name, s.goBack())
		}
	}
}

// Where nothing was released, the ConfigMap of what fails that changed before is named.
func TestTheHeadlineNamesAConfigMapWhereNothingWasReleased(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range w.seen.Board {
		w.component(c.ID, func(c *model.Component) { c.RevisionStart = t0.AddDate(0, 0, -2) })
	}
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	for want, changed := range map[string]time.Duration{
		"configmap api-env of backend-python changed 3m before the first bad sample, by jonas: look there first": 3 * time.Minute,
		"find what else changed (config, traffic, a dependency)":                                                 26 * time.Hour,
	} {
		current := served(42, 0.3)
		current.Current, current.Rewritten = true, []model.Rewritten{{Name: "api-env", At: w.inc.Onset.Add(-changed), By: "jonas"}}
		w.history(current, served(41, 0.002))
		w.do(Observed{})
		s := w.snap()
		v, why := VerdictOf(s, Tree(s))
		if h := HeadlineOf(s, v, why, s.Afterwards(), false); h.Kind != HeadNothing || h.Next != want {
			t.Errorf("%s: %d %q, want %q", changed, h.Kind, h.String(), want)
		}
	}
}
