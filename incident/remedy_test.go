package incident

import (
	"strings"
	"testing"

	"rollbook/model"
)

// What is offered fits the way in which a component fails, with why; where nothing special
// is known, nothing is.
func TestWhatFits(t *testing.T) {
	failing := func(state, words string) func(w *world) {
		return func(w *world) {
			w.component("backend-python", func(c *model.Component) {
				c.Pods = []model.Pod{{Name: "a", Ready: true}, {Name: "b", State: state, Failing: true, Message: words}}
			})
		}
	}
	for _, tt := range []struct {
		name      string
		change    func(w *world)
		what, why string
	}{
		{"well", func(w *world) {}, "", ""},
		{"a crash loop is the version's", failing("CrashLoopBackOff", "KeyError"), "", ""},
		{"an image that is gone", failing("ImagePullBackOff", "api:1: not found\nmore"), "redeploy a version whose image is there", "ImagePullBackOff: api:1: not found"},
		{"no room", failing("Pending", "0/3 nodes are available: Insufficient memory"), "make room, or go on with fewer replicas (1 of 3 serve)", "Insufficient memory"},
		{"a pod that the rollout waits for", func(w *world) {
			w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseRunning, Text: "waits for api-0, which is not ready", Aid: &model.Aid{Method: "delete pod", Text: "delete pod api-0"}}}
		}, "delete pod api-0", "waits for api-0"},
		{"what is only offered mends nothing", func(w *world) {
			w.seen.Progress = map[WriteID]model.Progress{first: {Phase: model.PhaseRunning, Aid: &model.Aid{Text: "cancel the job", Offer: true}}}
		}, "", ""},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		tt.change(w)
		got := w.snap().Remedies()
		switch {
		case tt.what == "" && len(got) == 0:
		case tt.what == "" || len(got) != 1 || !strings.Contains(got[0].What, tt.what) || !strings.Contains(got[0].Why, tt.why) || got[0].Component != "backend-python":
			t.Errorf("%s: %+v", tt.name, got)
		case (got[0].Write.N > 0) != (tt.name == "a pod that the rollout waits for"):
			t.Errorf("%s: a write is offered: %+v", tt.name, got[0])
		}
	}
}
