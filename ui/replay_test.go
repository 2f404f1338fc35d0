package ui

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// At every position the incident is exactly the fold of the facts so far.
func TestReplayIsTheFold(t *testing.T) {
	facts := story()
	for len(facts) < 3*markEvery {
		facts = append(facts, facts[len(facts)-20])
	}
	r := replayed(t, facts)
	for _, order := range [][]int{{1, len(facts), 64, 65, 63, 128, 129, 2}, nil} {
		if order == nil {
			for n := range facts {
				order = append(order, n+1)
			}
		}
		for _, n := range order {
			r.seek(n)
			if got, want := r.Snapshot().Incident, incident.Fold(facts[:n]); !reflect.DeepEqual(got, want) {
				// An empty timeline may be nil or not.
				if len(got.Timeline) == 0 && len(want.Timeline) == 0 {
					got.Timeline = want.Timeline
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("after %d facts:\n got %+v\nwant %+v", n, got, want)
				}
			}
			if !r.Snapshot().Now.Equal(facts[n-1].At) {
				t.Fatalf("after %d facts it is %s", n, r.Snapshot().Now)
			}
		}
	}
}

func TestReplayOfNothing(t *testing.T) {
	if _, err := NewReplay(nil, storyPath); err == nil || !strings.Contains(err.Error(), storyPath) {
		t.Errorf("an empty journal: %v", err)
	}
}

// Keys move through it; those that change something say why they do not.
func TestReplayKeys(t *testing.T) {
	a, r := replayApp(t, story())
	for _, step := range []struct {
		key  string
		want int
	}{{".", 2}, {"right", 3}, {",", 2}, {"left", 1}, {",", 1}, {">", len(r.facts)}, {".", len(r.facts)}, {"<", 1}, {"4", r.firstAt(incident.Confirm)}, {"1", 1}} {
		pressed(a, step.key)
		if r.at != step.want {
			t.Fatalf("%q: at %d, want %d", step.key, r.at, step.want)
		}
	}
	if a.hint = ""; a.inc().Step != incident.Assess {
		t.Fatalf("1 leads to %s", a.inc().Step.Name())
	}
	pressed(a, ",")
	if !strings.Contains(a.hint, "first fact") {
		t.Errorf("before the first fact: %q", a.hint)
	}
	pressed(a, "4")
	was := r.at
	pressed(a, "}")
	if moved := r.facts[r.at-1].At.Sub(r.facts[was-1].At); r.at <= was || moved > time.Minute {
		t.Errorf("a minute on: from %d to %d, %s", was, r.at, moved)
	}
	pressed(a, "{")
	if d := r.facts[was-1].At.Sub(r.now()); r.at > was || d > time.Minute {
		t.Errorf("a minute back: at %d", r.at)
	}
	// A gap of more than a minute is crossed, in both directions.
	pressed(a, "<")
	pressed(a, ".")
	pressed(a, "{")
	if r.at != 1 {
		t.Errorf("back over a gap: at %d", r.at)
	}
}

// No key of any page changes anything, opens a field, or fails to say why.
func TestReplayChangesNothing(t *testing.T) {
	facts := story()
	names := append(printable(), "enter", "tab", "shift+tab", "up", "down", "pgup", "pgdown", "home", "end", "delete", "backspace")
	for _, name := range names {
		if strings.Contains(",.<>{}1234567q", name) {
			continue // they move it, or leave
		}
		a, r := replayApp(t, facts)
		for _, s := range []incident.Step{incident.Assess, incident.Decision, incident.Choose, incident.Confirm, incident.RollBack, incident.Verify, incident.Close} {
			seek(a, r, r.firstAt(s))
			for len(a.over) > 0 {
				a.shut()
			}
			if a.inc().Step != s {
				t.Fatalf("not at %s", s.Name())
			}
			before := r.at
			pressed(a, name)
			if r.at != before {
				t.Errorf("%q on %s moves to %d", name, s.Name(), r.at)
			}
			if len(a.over) > 0 {
				if _, ok := a.over[0].(*dialog); ok {
					t.Errorf("%q on %s asks something: %s", name, s.Name(), a.over[0].Title())
				}
			}
			if a.typing() {
				t.Errorf("%q on %s: a field is open", name, s.Name())
			}
		}
	}
	for _, k := range []string{"enter", "e", "u", "y"} {
		a, _ := replayApp(t, facts)
		pressed(a, ">")
		pressed(a, "M")
		pressed(a, k)
		if len(a.over) != 1 || !strings.Contains(a.hint, noChange) {
			t.Errorf("%q in the messages: %d overlays, says %q", k, len(a.over), a.hint)
		}
	}
}

// Each step, as a replay shows it.
func TestGoldenReplay(t *testing.T) {
	facts := story()
	for s := incident.Assess; s <= incident.Close; s++ {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			a, r := replayApp(t, facts)
			a.w, a.h = size[0], size[1]
			at := r.firstAt(s)
			switch s {
			case incident.Assess:
				at = 5
			case incident.Decision:
				at += 4
			case incident.RollBack, incident.Verify:
				at += 6
			}
			seek(a, r, at)
			if a.inc().Step != s {
				t.Fatalf("at %s, want %s", a.inc().Step.Name(), s.Name())
			}
			golden(t, fmt.Sprintf("replay-%d_%dx%d", s+1, size[0], size[1]), ansi.Strip(a.Frame()))
		}
	}
	a, _ := replayApp(t, facts)
	pressed(a, ">")
	golden(t, "replay-end_80x24", ansi.Strip(a.Frame()))
	pressed(a, "?")
	golden(t, "replay-help_80x24", ansi.Strip(a.Frame()))
	pressed(a, "esc")
	pressed(a, "M")
	golden(t, "replay-messages_80x24", ansi.Strip(a.Frame()))
	pressed(a, "esc")
	pressed(a, "4")
	a.w, a.h = 50, 12
	golden(t, "replay_50x12", ansi.Strip(a.Frame()))
}

// Between the write and the next sample nothing is known of the new pods: that is
// said, and no zero is shown.
func TestReplayShowsNoZeros(t *testing.T) {
	a, r := replayApp(t, story())
	for n, f := range r.facts {
		if _, ok := f.Body.(incident.WriteDone); ok {
			seek(a, r, n+1)
		}
	}
	frame := ansi.Strip(a.Frame())
	if !strings.Contains(frame, "no sample of it since the write") || strings.Contains(frame, "0 of 6") {
		t.Error(frame)
	}
}

// Each slot gets its own plans, in their order, and its own lines of the preflight:
// those of one component in two roles are kept apart.
func TestReplayKnowsWhoseALineIs(t *testing.T) {
	front, schema := model.Release("frontend"), model.Slot{Component: "backend-python", Role: model.RoleSchema}
	journal := func(first, second model.Slot) []incident.Fact {
		facts := story()
		for n, f := range facts {
			if c, ok := f.Body.(incident.Confirmed); ok {
				c.Plans = append(slices.Clip(c.Plans),
					model.Plan{ID: "plan-2", Role: front.Role, Component: front.Component, From: model.Revision("frontend-b", 3), To: model.Revision("frontend-a", 2)},
					model.Plan{ID: "plan-3", Role: schema.Role, Component: schema.Component, To: model.Version{Key: "0042", Label: "migration 0042", Short: "0042"}},
					model.Plan{ID: "plan-4", Role: schema.Role, Component: schema.Component, To: model.Version{Key: "0041", Label: "migration 0041", Short: "0041"}})
				c.Checks = []model.Check{{ID: "a", State: model.CheckOK, Component: first.Component, Role: first.Role},
					{ID: "b", State: model.CheckOK, Component: second.Component, Role: second.Role}}
				facts[n].Body = c
			}
		}
		return facts
	}
	for _, tt := range []struct {
		first, second model.Slot
		lines         map[model.Slot]string
	}{
		{python, front, map[model.Slot]string{python: "a", front: "b"}},
		{front, front, map[model.Slot]string{front: "ab"}},
		{schema, python, map[model.Slot]string{schema: "a", python: "b"}},
	} {
		r := replayed(t, journal(tt.first, tt.second))
		r.seek(r.firstAt(incident.Confirm))
		all := r.Snapshot().Seen.Preflight
		for slot, plans := range map[model.Slot][]string{python: {"plan-41"}, front: {"plan-2"}, schema: {"plan-3", "plan-4"}} {
			p := all[slot]
			if p == nil {
				t.Fatalf("%v: no preflight", slot)
			}
			var ids []string
			for _, plan := range p.Plans {
				ids = append(ids, plan.ID)
			}
			lines := ""
			for _, k := range p.Checks {
				lines += k.ID
			}
			if !slices.Equal(ids, plans) || lines != tt.lines[slot] || p.Slot != slot || !p.Done {
				t.Errorf("lines of %v and %v: %v has plans %v, lines %q, slot %v, done %v", tt.first, tt.second, slot, ids, lines, p.Slot, p.Done)
			}
		}
		if len(all) != 3 {
			t.Errorf("%d preflights", len(all))
		}
	}
}

// Verify's limit in a replay is the one that it was: by the baseline, if that was read.
func TestReplayVerifiesByTheBaseline(t *testing.T) {
	errors, facts := .004, story()
	for n, f := range facts {
		if _, ok := f.Body.(incident.Confirmed); ok {
			read := incident.Fact{At: f.At, Body: incident.BaselineRead{Component: "backend-python", Errors: &errors}}
			facts = slices.Insert(slices.Clip(facts), n, read)
			break
		}
	}
	a, r := replayApp(t, facts)
	for n, f := range facts {
		if _, ok := f.Body.(incident.BaselineRead); ok {
			seek(a, r, n+1)
		}
	}
	if want := "the hour before the onset: backend-python, errors 0.4%"; r.line != want {
		t.Errorf("%q, want %q", r.line, want)
	}
	seek(a, r, r.firstAt(incident.Verify))
	a.w, a.h = 160, 40
	if frame := ansi.Strip(a.Frame()); !strings.Contains(frame, "≤ 0.4% over 2m (baseline") {
		t.Error(frame)
	}
}

// Whatever the size and the position, a frame of a replay fits.
func TestReplayFrameFits(t *testing.T) {
	a, r := replayApp(t, story())
	for n := 1; n <= len(r.facts); n += 3 {
		seek(a, r, n)
		for _, size := range [][2]int{{60, 16}, {80, 24}, {10, 3}, {200, 60}, {61 + n%60, 16 + n%20}} {
			a.w, a.h = size[0], size[1]
			lines := strings.Split(a.Frame(), "\n")
			if len(lines) != a.h {
				t.Fatalf("fact %d at %v: %d lines", n, size, len(lines))
			}
			for _, l := range lines {
				if ansi.StringWidth(l) > a.w {
					t.Fatalf("fact %d at %v: %q", n, size, ansi.Strip(l))
				}
			}
		}
	}
}

// long is a journal of so many facts.
func longStory(n int) []incident.Fact {
	facts := story()
	head, samples := facts[:len(facts)-14:len(facts)-14], facts[len(facts)-30:len(facts)-20]
	for len(head) < n {
		f := samples[len(head)%len(samples)]
		f.At = head[len(head)-1].At.Add(15 * time.Second)
		head = append(head, f)
	}
	return head
}

// A step through a journal of 5,000 facts.
func BenchmarkReplaySeek(b *testing.B) {
	r := replayed(b, longStory(5000))
	for n := 0; b.Loop(); n++ {
		r.seek(1 + (n*7919)%len(r.facts))
	}
}

// Opening one.
func BenchmarkReplayOpen(b *testing.B) {
	facts := longStory(5000)
	for b.Loop() {
		replayed(b, facts)
	}
}
