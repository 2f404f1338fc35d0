package ui

import (
	"regexp"
	"strings"
	"testing"

	"rollbook/config"
	"rollbook/incident"
)

// A key that the page asks for is one that rollbook.yaml takes.
func TestRecoveryNamesKeysThatExist(t *testing.T) {
	s := opened()
	asked := 0
	for _, c := range commands(s) {
		for _, m := range regexp.MustCompile(`\(recovery\.(\w+)\)`).FindAllStringSubmatch(c.note, -1) {
			asked++
			if _, err := config.Load(config.Source{Kind: config.User, Name: "rollbook.yaml", Data: []byte("recovery:\n  " + m[1] + ": https://wiki.example\n")}); err != nil {
				t.Errorf("%s: %v", c.note, err)
			}
		}
	}
	if asked < 3 {
		t.Errorf("%d keys are asked for", asked)
	}
}

// What is configured stands on the page.
func TestRecoveryIsFilledIn(t *testing.T) {
	s := opened()
	s.Incident.Settings.Recovery.Restore = "https://wiki.example/restore"
	for _, c := range commands(s) {
		if c.note == "the procedure: https://wiki.example/restore" {
			return
		}
	}
	t.Errorf("the procedure is missing: %+v", commands(s))
}

// F5 goes back to the count from before the scale to 0: as it was seen, else as it
// is configured; else it says that nobody knows.
func TestRecoveryScalesBackToTheCountFromBefore(t *testing.T) {
	for _, c := range []struct {
		name               string
		desired            int
		before, configured int
		lines, says        string
	}{
		{"not stopped", 6, 0, 3, "1 6", ""},
		{"stopped", 0, 6, 3, "1 6", "backend-python had 6 replicas before it was scaled to 0."},
		{"half way back", 1, 6, 3, "1 6", "backend-python had 6 replicas before it was scaled to 0."},
		{"stopped before anybody looked", 0, 0, 3, "1 3", "3 replicas by the configuration (recovery.replicas)"},
		{"nobody knows", 0, 0, 0, "1", "How many replicas backend-python had is not known"},
		{"one", 0, 1, 0, "1", "backend-python had 1 replica before it was scaled to 0."},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := chosen()
			s.Seen.Board[1].Desired = c.desired
			s.Incident.Settings.Recovery.Replicas = c.configured
			s.Incident.Replicas = []incident.ReplicaCount{{Component: "backend-python", Now: c.desired, Before: c.before}}
			var lines []string
			said, f5 := "", false
			for _, x := range commands(s) {
				f5 = f5 || strings.HasPrefix(x.head, "F5")
				if _, n, ok := strings.Cut(x.line, "--replicas="); f5 && ok {
					lines = append(lines, n)
				}
				if f5 {
					said += x.note
				}
			}
			if got := strings.Join(lines, " "); got != c.lines || !strings.Contains(said, c.says) {
				t.Errorf("scales to %s and says %q; want %s and %q", got, said, c.lines, c.says)
			}
		})
	}
}
