package ui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
)

// The star is the last known good's, whatever version is marked or chosen.
func TestTheStarStaysWithTheKnownGood(t *testing.T) {
	s := chosen()
	versions := s.Seen.History[python].Candidates
	good := &versions[1]
	for n := range versions {
		s.Incident.Choices = []incident.Choice{{Slot: python, Method: undo, To: versions[n].Version, Own: true}}
		for marked := range versions {
			a := screen(t, fixture{snap: s}, 120, 40, dark)
			a.pages[incident.Choose].(*choose).marked[python.Component] = versions[marked].Key
			var starred []string
			for l := range strings.Lines(ansi.Strip(a.Frame())) {
				if strings.Contains(l, "★ good") {
					starred = append(starred, l)
				}
			}
			if len(starred) != 1 || !strings.Contains(starred[0], "2026.11.22-7") || !strings.Contains(starred[0], good.Short) {
				t.Errorf("revision %s is chosen, %s marked, and starred are %q", versions[n].Short, versions[marked].Short, starred)
			}
		}
	}
}
