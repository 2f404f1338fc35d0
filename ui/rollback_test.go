package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// Once it is rolled out, the page says what came of it: not yet proven, proven, or that
// nothing can be.
func TestRolledOutSaysWhatIsProven(t *testing.T) {
	asleep := func(s *incident.Snapshot) {
		c := *s.Seen.Board[1]
		c.Desired, c.Replicas, c.Updated, c.Ready, c.Available, c.Pods = 0, 0, 0, 0, 0, nil
		s.Seen.Board[1] = &c
		s.Seen.Progress[undoing] = model.Progress{Phase: model.PhaseFinished, Text: "written; 0 replicas: nothing runs it yet"}
	}
	for name, tt := range map[string]struct {
		snap  *incident.Snapshot
		wants []string
		not   []string
	}{
		"the hold goes on": {verifying(), []string{"✓ rolled out after", "Rolled out. Verify proves that it worked: enter."}, []string{"VERIFIED"}},
		"verified":         {verified(), []string{"✓ rolled out after", "Rolled out. VERIFIED: green for 2m. Enter shows Verify."}, []string{"proves"}},
		"verified with unknown ones": {with(verified(), func(s *incident.Snapshot) { s.Incident.Hold.With = 2 }),
			[]string{"Rolled out. VERIFIED WITH 2 UNKNOWN after 2m. Enter shows Verify."}, []string{"proves"}},
		"0 replicas": {with(verifying(), asleep), []string{"version set", "nothing runs it yet",
			"The version of backend-python is set; 0 replicas run it. Verify can prove nothing until it is scaled up."}, []string{"✓ rolled out", "Rolled out"}},
	} {
		tt.snap.Incident.Timeline, tt.snap.Incident.Settings.Verify.Hold = nil, 2*time.Minute
		frame := ansi.Strip(screen(t, fixture{snap: step(tt.snap, incident.RollBack)}, 120, 40, dark).Frame())
		for _, want := range tt.wants {
			if !strings.Contains(frame, want) {
				t.Errorf("%s: no %q in\n%s", name, want, frame)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(frame, not) {
				t.Errorf("%s: %q in\n%s", name, not, frame)
			}
		}
	}
}
