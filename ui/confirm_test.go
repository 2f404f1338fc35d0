package ui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// The marked line of the preflight is seen with all that it says, whichever it is, both
// ways through the list and in any room: what the keys act on is never out of sight.
func TestMarkedCheckIsSeen(t *testing.T) {
	long := model.Check{ID: "owner.fields", State: model.CheckBlocked,
		Text: "gitlab-ci has set what this changes: deployment/backend-python .spec.template.spec.containers[name=\"api\"].image",
		Do:   "override it to take them over, as --force-conflicts does; the next server-side apply by gitlab-ci will conflict then"}
	other := long
	other.ID, other.Text = "owner.left", strings.Replace(long.Text, "changes", "leaves", 1)
	s := with(checked(argo, long, other), func(s *incident.Snapshot) {
		s.Seen.Preflight[python].Plans[0].Command = strings.Repeat("D=$(mktemp -d) && git archive 33cc6915 | tar -x -C $D && ", 4)
	})
	for h := 16; h <= 40; h++ {
		a := screen(t, fixture{snap: s}, 80, h, dark)
		n := len(a.page().(*confirm).lines())
		for _, key := range []string{"down", "up"} {
			for range 2 * n {
				pressed(a, key)
				l := a.page().(*confirm).marked()
				frame := ansi.Strip(a.Frame())
				if !strings.Contains(frame, " ▸ ") || !strings.Contains(frame, strings.Fields(l.Text)[0]) {
					t.Fatalf("%d lines: %q is marked and not seen:\n%s", h, l.Text, frame)
				}
				if h >= 24 && l.Do != "" && l.State == model.CheckBlocked && !strings.Contains(strings.Join(strings.Fields(frame), " "), l.Do[len(l.Do)-12:]) {
					t.Fatalf("%d lines: what to do about %q is cut:\n%s", h, l.Text, frame)
				}
			}
		}
	}
}
