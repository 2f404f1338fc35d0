package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
)

// toldOf returns what was told of the handling of pages.
func toldOf(r *recorder) (out []incident.Handled) {
	for _, do := range r.sent {
		if h, is := do.(incident.TellHandled); is {
			out = append(out, h.Handled)
		}
	}
	return out
}

// Where somebody practises it is counted which keys could do nothing and how long none
// came, and told when the page is left; in an incident nothing of it is.
func TestKeysAreCountedWhereOnePractises(t *testing.T) {
	for _, practises := range []bool{true, false} {
		s := opened()
		r := &recorder{snap: s}
		l := dark
		o := Options{Engine: r, Viewer: library{}, Start: ago(0), Look: &l, Width: 80, Height: 24}
		if practises {
			o.Session = Sandbox(Practice{Name: "errors"})
		}
		a := New(o)
		a.at = s.Incident.Step
		a.tick = a.clock()
		a.advance(a.tick.Add(12 * time.Second))
		for _, k := range []string{"7", "ctrl+g", "ctrl+g", "t", "esc"} {
			pressed(a, k)
		}
		if len(toldOf(r)) > 0 {
			t.Fatalf("told before the page is left: %+v", r.sent)
		}
		r.snap = chosen()
		a.changed()
		want := []incident.Handled{{On: incident.Decision, Keys: 5, Pause: incident.Pause{Took: 12 * time.Second, Before: "1-7"},
			Refused: []incident.RefusedKey{{Key: "1-7", Name: "go to a step", Why: "Close was not reached yet", Times: 1}, {Why: "it means nothing there", Times: 2}}}}
		if !practises {
			want = nil
		}
		if got := toldOf(r); !reflect.DeepEqual(got, want) {
			t.Errorf("practises %v: %+v, want %+v", practises, got, want)
		}
		if h := a.hesitated(); h != nil {
			t.Errorf("what was told is counted again: %+v", h)
		}
	}
}

// Of what is typed only the number of keys is kept.
func TestTextIsNotKept(t *testing.T) {
	a := practised(t, checked(), dark, nil)
	for _, k := range []string{"y", "e", "s"} {
		pressed(a, k)
	}
	if h := a.handling; h.Keys != 3 || len(h.Refused) > 0 || h.Pause != (incident.Pause{}) {
		t.Errorf("%+v", h)
	}
	pressed(a, "enter")
	if h := a.handling; len(h.Refused) != 1 || strings.Contains(h.Refused[0].Why, "yes") || !strings.Contains(a.hint, "yes") {
		t.Errorf("refused %+v, said %q", h.Refused, a.hint)
	}
}

// That a drill is due stands on the board while nothing is wrong, and nowhere else.
func TestReminderWhileNothingIsWrong(t *testing.T) {
	const due = "A drill is due since 2026-11-27: the last was 94 days ago: rollbook drill"
	well := filled()
	with(well, func(s *incident.Snapshot) { s.Incident.Triggers, s.Incident.ID = nil, "" })
	for name, tt := range map[string]struct {
		snap *incident.Snapshot
		want bool
	}{"well": {well, true}, "an incident": {opened(), false}, "a limit is over": {filled(), false}} {
		a, _ := recorded(tt.snap)
		a.Update(remindedMsg(due))
		if got := strings.Contains(ansi.Strip(a.Frame()), due); got != tt.want {
			t.Errorf("%s: %v\n%s", name, got, ansi.Strip(a.Frame()))
		}
	}
}
