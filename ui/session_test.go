package ui

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
)

// lookingOn is a snapshot of an incident that another rollbook works on.
func lookingOn(s *incident.Snapshot) *incident.Snapshot {
	return with(s, func(s *incident.Snapshot) {
		s.Seen.LookingOn, s.Incident.Settings.ReadOnly = s.Incident.ID, true
		s.Incident.Furthest = incident.Close
	})
}

// stages are all steps as they are when an incident is open.
func stages() []*incident.Snapshot {
	return []*incident.Snapshot{step(opened(), incident.Assess), opened(), chosen(), checked(), rolling(), verifying(), told()}
}

// Who looks on is offered no key that cannot work, and changes nothing by
// pressing one all the same: it says why. Pages turn.
func TestLookingOnOffersWhatWorks(t *testing.T) {
	for _, s := range stages() {
		name := s.Incident.Step.Name()
		a, r := recorded(lookingOn(s))
		foot := ansi.Strip(a.Frame())
		foot = foot[strings.LastIndexByte(foot, '\n')+1:]
		for _, k := range append(a.front().Keys(), a.globalKeys()...) {
			if !k.Acts || k.Turns {
				continue
			}
			if strings.Contains(foot, k.Shown()+" "+k.Name) {
				t.Errorf("%s: the footer offers %s %s:\n%s", name, k.Shown(), k.Name, foot)
			}
			if slices.ContainsFunc(a.possible(a.frontKeys()), func(o Key) bool { return o.Shown() == k.Shown() && o.Name == k.Name }) {
				t.Errorf("%s: the help offers %s %s", name, k.Shown(), k.Name)
			}
			pressed(a, k.Keys[0])
			if len(r.sent) > 0 || len(a.over) > 0 || !strings.Contains(a.hint, "looking on: another rollbook") {
				t.Errorf("%s: %s %s sends %v, opens %d, says %q", name, k.Shown(), k.Name, r.sent, len(a.over), a.hint)
			}
		}
		if s.Incident.Step == incident.Assess {
			continue
		}
		pressed(a, "esc")
		pressed(a, "1")
		if want := []incident.Act{incident.Back{}, incident.Goto{}}; !reflect.DeepEqual(r.sent, want) {
			t.Errorf("%s: pages turn by %v", name, r.sent)
		}
		pressed(a, "q")
		if a.leaving != staying || a.farewell != "" {
			t.Errorf("%s: leaving asks, or says %q", name, a.farewell)
		}
	}
}

// enter turns the page up to where the other rollbook is, whatever stands against
// the step itself: that is the other's business.
func TestLookingOnTurnsForward(t *testing.T) {
	s := lookingOn(opened())
	s.Incident.Furthest = incident.Choose
	a, r := recorded(s)
	pressed(a, "enter")
	if want := []incident.Act{incident.Next{}}; !reflect.DeepEqual(r.sent, want) {
		t.Errorf("enter sends %v", r.sent)
	}
	s = lookingOn(chosen())
	s.Incident.Furthest = incident.Choose
	a, r = recorded(s)
	pressed(a, "enter")
	if len(r.sent) > 0 || !strings.Contains(a.hint, "has not gone beyond Choose") {
		t.Errorf("enter where the other is sends %v, and says %q", r.sent, a.hint)
	}
	pressed(a, "down")
	pressed(a, "enter") // would take another revision
	if len(r.sent) > 0 || !strings.Contains(a.hint, "looking on: another rollbook") {
		t.Errorf("enter on another revision sends %v, and says %q", r.sent, a.hint)
	}
}

// What is refused at the keys is refused behind them too.
func TestSessionRefuses(t *testing.T) {
	acts := []incident.Act{incident.Say{}, incident.Pick{}, incident.ConfirmWrite{}, incident.EndIncident{}, incident.TakeOver{}, incident.SendMessage{}}
	turns := []incident.Act{incident.Next{}, incident.Back{}, incident.Goto{}}
	for _, c := range []struct {
		name        string
		of          session
		acts, turns bool
	}{
		{"working", working(opened()), true, true},
		{"read-only", working(with(opened(), func(s *incident.Snapshot) { s.Incident.Settings.ReadOnly = true })), true, true},
		{"sandbox", Sandbox(Practice{}).as(opened()), true, true},
		{"looking on", working(lookingOn(opened())), false, true},
		{"looking on in the sandbox", Sandbox(Practice{}).as(lookingOn(opened())), false, true},
		{"replay", Replaying(replayed(t, story())).as(opened()), false, false},
	} {
		for _, do := range acts {
			if got := c.of.refuses(do) == ""; got != c.acts {
				t.Errorf("%s: %T is taken: %v", c.name, do, got)
			}
		}
		for _, do := range turns {
			if got := c.of.refuses(do) == ""; got != c.turns {
				t.Errorf("%s: %T is taken: %v", c.name, do, got)
			}
		}
	}
}
