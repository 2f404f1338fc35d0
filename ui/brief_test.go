package ui

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// The brief is copied on each page and over each overlay; where y is an answer or text,
// ctrl+y copies.
func TestBriefIsCopiedOnEachPage(t *testing.T) {
	steps := []*incident.Snapshot{filled(), opened(), chosen(), checked(), rolling(), unsettled(), verifying(), closingOf()}
	for _, snap := range steps {
		for _, before := range [][]string{nil, {"t"}, {"l", "/"}} {
			f := fixture{"", saying(snap, 600), nil}
			a := screen(t, f, 80, 24, dark)
			for _, k := range before {
				pressed(a, k)
			}
			a.quiet, a.last = true, ""
			_, cmd := a.Update(keyOf("ctrl+y"))
			if got := clipboard(cmd); !strings.HasPrefix(got, "[production] ") || strings.Count(got, "\n") != 2 {
				t.Errorf("%s after %q: copied %q", snap.Incident.Step.Name(), before, got)
			}
			if top := a.front(); top.Title() != briefTitle {
				t.Errorf("%s after %q does not say what was copied: %s", snap.Incident.Step.Name(), before, top.Title())
			}
		}
	}
	a := screen(t, fixture{"", filled(), nil}, 80, 24, dark)
	if foot := a.Frame(); !strings.Contains(foot, "copy brief") {
		t.Errorf("the footer of Assess:\n%s", foot)
	}
	if _, cmd := a.Update(keyOf("y")); clipboard(cmd) == "" {
		t.Error("y copies nothing")
	}
	// On Decide y answers.
	b, r := recorded(opened())
	if _, cmd := b.Update(keyOf("y")); clipboard(cmd) != "" || len(r.sent) != 1 {
		t.Errorf("y on Decide sent %v", r.sent)
	}
}

// clipboard returns what a command copies; "" = nothing.
func clipboard(cmd tea.Cmd) string {
	if cmd == nil {
		return ""
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range slices.Backward(m) { // the first is a timer
			if got := clipboard(c); got != "" {
				return got
			}
		}
	default:
		if reflect.TypeOf(m) == reflect.TypeOf(tea.SetClipboard("")()) {
			return fmt.Sprint(m)
		}
	}
	return ""
}
