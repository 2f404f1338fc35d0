package ui

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/replay"
	"rollbook/replay/replaytest"
)

// Keys move through it; those that change something say why they do not.
func TestReplayKeys(t *testing.T) {
	facts := story()
	a, r := replayApp(t, facts)
	confirm := slices.IndexFunc(facts, func(f incident.Fact) bool { m, ok := f.Body.(incident.Moved); return ok && m.To == incident.Confirm }) + 1
	for _, step := range []struct {
		key  string
		want int
	}{{".", 2}, {"right", 3}, {",", 2}, {"left", 1}, {",", 1}, {">", len(facts)}, {".", len(facts)}, {"<", 1}, {"4", confirm}, {"1", 1}} {
		pressed(a, step.key)
		if at(r) != step.want {
			t.Fatalf("%q: at %d, want %d", step.key, at(r), step.want)
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
	was := at(r)
	pressed(a, "}")
	if moved := facts[at(r)-1].At.Sub(facts[was-1].At); at(r) <= was || moved > time.Minute {
		t.Errorf("a minute on: from %d to %d, %s", was, at(r), moved)
	}
	pressed(a, "{")
	if d := facts[was-1].At.Sub(facts[at(r)-1].At); at(r) > was || d > time.Minute {
		t.Errorf("a minute back: at %d", at(r))
	}
	// A gap of more than a minute is crossed, in both directions.
	pressed(a, "<")
	pressed(a, ".")
	pressed(a, "{")
	if at(r) != 1 {
		t.Errorf("back over a gap: at %d", at(r))
	}
}

// A step that was never reached leads nowhere, and says so.
func TestReplayOfStepNotReached(t *testing.T) {
	a, r := replayApp(t, story()[:20])
	pressed(a, "4")
	was := at(r)
	pressed(a, "7")
	if at(r) != was || !strings.Contains(a.hint, "Close was not reached") {
		t.Errorf("at %d, was at %d; says %q", at(r), was, a.hint)
	}
}

// A journal that grows goes on under one who is at its end, and only there.
func TestReplayGrows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		facts := story()
		source := replaytest.NewSource(slices.Clone(facts[:16]))
		r, err := replay.Open(source, replaytest.Path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { r.Follow(ctx, time.Second, nil) })
		m := runAs(t, Options{Session: Replaying(r)}, newScripted(t, nil), 80, 24)
		m.Sees("REPLAY 1/16")
		source.Add(facts[16:20]...)
		m.Settle()
		m.Waits(3*time.Second, "REPLAY 1/20")
		m.Keys(">")
		m.Sees("REPLAY 20/20")
		source.Add(facts[20:22]...)
		m.Waits(3*time.Second, "REPLAY 22/22")
		source.Fail(errors.New("line 23: not a fact"))
		m.Waits(3*time.Second, "What follows cannot be read: line 23: not a fact")
		source.Fail(nil)
		source.Add(facts[22:]...)
		m.Waits(3*time.Second, fmt.Sprintf("REPLAY %d/%d", len(facts), len(facts)))
		m.Keys("q")
		m.left()
		stop()
		following.Wait()
	})
}

// No key of any page changes anything, opens a field, or fails to say why.
func TestReplayChangesNothing(t *testing.T) {
	facts := story()
	names := append(printable(), "enter", "tab", "shift+tab", "up", "down", "pgup", "pgdown", "home", "end", "delete", "backspace")
	for _, name := range names {
		if strings.Contains(",.<>[]{}1234567q", name) || name == "home" || name == "end" {
			continue // they move it, or leave
		}
		a, r := replayApp(t, facts)
		for _, s := range []incident.Step{incident.Assess, incident.Decision, incident.Choose, incident.Confirm, incident.RollBack, incident.Verify, incident.Close} {
			reach(a, r, s, 0)
			for len(a.over) > 0 {
				a.shut()
			}
			if a.inc().Step != s {
				t.Fatalf("not at %s", s.Name())
			}
			before := at(r)
			pressed(a, name)
			if at(r) != before {
				t.Errorf("%q on %s moves to %d", name, s.Name(), at(r))
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
			reach(a, r, s, map[incident.Step]int{incident.Assess: 4, incident.Decision: 4, incident.RollBack: 6, incident.Verify: 6}[s])
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
	facts := story()
	a, r := replayApp(t, facts)
	for n, f := range facts {
		if _, ok := f.Body.(incident.WriteDone); ok {
			seek(a, r, n+1)
		}
	}
	frame := ansi.Strip(a.Frame())
	if !strings.Contains(frame, "no sample of it since the write") || strings.Contains(frame, "0 of 6") {
		t.Error(frame)
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
	if want := "the hour before the onset: backend-python, errors 0.4%"; r.Line() != want {
		t.Errorf("%q, want %q", r.Line(), want)
	}
	reach(a, r, incident.Verify, 0)
	a.w, a.h = 160, 40
	pressed(a, "down")
	pressed(a, "down") // to the error ratio
	if frame := ansi.Strip(a.Frame()); !strings.Contains(frame, "must be ≤ 0.4%") || !strings.Contains(frame, "2m (baseline") {
		t.Error(frame)
	}
}

// Whatever the size and the position, a frame of a replay fits.
func TestReplayFrameFits(t *testing.T) {
	facts := story()
	a, r := replayApp(t, facts)
	for n := 1; n <= len(facts); n += 3 {
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

// What was judged by a limit that the baseline may have raised is not judged anew; what
// the newest step alone showed was bad whatever the baseline was.
func TestReplayKeepsWhatTheNewestStepShowed(t *testing.T) {
	_, r := replayApp(t, story())
	d := &derived{checks: []incident.VerifyCheck{
		{Key: "a/errors", State: model.TriNo, Seen: "30% in the last 5m, new pods 40%"},
		{Key: "a/p95", State: model.TriNo, Baseline: true, Seen: "600ms"},
	}}
	(&replaying{Player: r}).asJudged(d, &incident.Snapshot{})
	if c := d.checks[0]; c.State != model.TriNo || c.Seen != "30% in the last 5m, new pods 40%" {
		t.Errorf("by the newest step: %+v", c)
	}
	if c := d.checks[1]; c.State != model.TriUnknown || !d.unkept[c.Key] {
		t.Errorf("by the baseline's limit: %+v", c)
	}
}

// Space plays the journal: as it happened, faster, and stops; it goes on from where a key
// led, and stands at the end.
func TestReplayPlays(t *testing.T) {
	a, r := replayApp(t, story())
	from, to, reached := r.Span()
	began := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) // of the viewer
	a.Update(tickMsg{began})
	passes := func(n int) {
		for range n {
			began = began.Add(time.Second)
			a.Update(tickMsg{began})
		}
	}
	shows := func(what string, at time.Time) {
		t.Helper()
		now := r.Snapshot().Now
		if now.After(at) || at.Sub(now) > 30*time.Second { // a fact every 15 s at least
			t.Errorf("%s: shows %s, want %s", what, now, at)
		}
	}
	passes(10)
	shows("nobody pressed a key", from)
	pressed(a, "space")
	passes(20)
	shows("20 s as it happened", from.Add(20*time.Second))
	pressed(a, "space")
	passes(6)
	shows("6 s ten times as fast", from.Add(80*time.Second))
	pressed(a, "space")
	pressed(a, "4")
	passes(1)
	shows("1 s sixty times as fast, from Confirm on", reached[incident.Confirm].Add(time.Minute))
	pressed(a, "space")
	was := r.Snapshot().Now
	passes(10)
	if now := r.Snapshot().Now; !now.Equal(was) {
		t.Errorf("it was stopped at %s and plays on to %s", was, now)
	}
	for range 3 {
		pressed(a, "space")
	}
	passes(int(to.Sub(from)/time.Minute) + 2)
	if n, of := r.At(); n != of || !strings.Contains(ansi.Strip(a.Frame()), "UTC stands") {
		t.Errorf("at %d of %d\n%s", n, of, ansi.Strip(a.Frame()))
	}
	pressed(a, "home")
	shows("home", from)
	pressed(a, "]")
	shows("a minute on", from.Add(time.Minute))
}

// keyWord is a word of a frame that can only be a key: English has one word of a letter.
var keyWord = regexp.MustCompile(`(?:[^\d\s] |[(·:])([b-zA-Z]|enter|Enter|space|Space|tab|esc)(?:$|[\s):·,;.])|\ba (?:accepts|answers|takes)\b|\bkey \d|[Pp]ress `)

// No page of a replay says what only one could do who works on the incident: no key is
// named that does nothing there, in the footer, the sentence and the page alike.
func TestReplayNamesNoKeyThatDoesNothing(t *testing.T) {
	bad := map[string]bool{}
	for name, facts := range unfollowed() {
		a, r := replayApp(t, facts)
		for n := range facts {
			seek(a, r, n+1)
			for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 50}} {
				a.w, a.h = size[0], size[1]
				for _, over := range []string{"", "c", "t", "M", "d"} {
					if over != "" && size[0] > 80 {
						continue
					}
					if over != "" {
						pressed(a, over)
						a.hint = ""
					}
					lines := strings.Split(ansi.Strip(a.Frame()), "\n")
					works := map[string]bool{}
					for _, k := range append(a.frontKeys(), a.everywhere()...) {
						for _, name := range append(k.Keys, k.Shown()) {
							works[name] = works[name] || k.off(a.snap) == ""
						}
					}
					for _, item := range strings.Split(lines[len(lines)-1], " · ") {
						if shown, _, _ := strings.Cut(strings.TrimSpace(item), " "); !works[shown] {
							bad["the footer: "+item] = true
						}
					}
					for _, l := range lines[2 : len(lines)-1] {
						for _, m := range keyWord.FindAllStringSubmatch(l, -1) {
							if !works[m[1]] && !bad[strings.TrimSpace(l)] {
								bad[strings.TrimSpace(l)] = true
								t.Errorf("%s, fact %d at %v%s: %q names a key: %s", name, n+1, size, over, m[0], l)
							}
						}
					}
					for len(a.over) > 0 {
						a.shut()
					}
				}
			}
		}
	}
	for text := range bad {
		if strings.HasPrefix(text, "the footer") {
			t.Error(text)
		}
	}
}

// unfollowed are journals of which each page asks whoever works on the incident for
// something.
func unfollowed() map[string][]incident.Fact {
	whole := story()
	// until is the story up to the first fact of a kind, and then others, a second apart.
	until := func(last func(incident.Body) bool, more ...incident.Body) []incident.Fact {
		n := slices.IndexFunc(whole, func(f incident.Fact) bool { return last(f.Body) })
		out := slices.Clone(whole[:n+1])
		for _, b := range more {
			out = append(out, incident.Fact{At: out[len(out)-1].At.Add(time.Second), By: "maria", Body: b})
		}
		return out
	}
	moved := func(to incident.Step) func(incident.Body) bool {
		return func(b incident.Body) bool { m, ok := b.(incident.Moved); return ok && m.To == to }
	}
	written := func(b incident.Body) bool { _, ok := b.(incident.WriteDone); return ok }
	rolled := func(b incident.Body) bool { _, ok := b.(incident.RolledOut); return ok }
	aid := incident.Sampled{Components: []incident.SampleOf{{Component: "backend-python", Ready: 4, Desired: 6}}, Progress: []incident.ProgressOf{{WriteID: undoing,
		Progress: model.Progress{Phase: model.PhaseRunning, Text: "it waits for a pod", Aid: &model.Aid{Name: "delete stuck pod", Text: "delete pod x"}}}}}
	other := incident.Choice{Slot: model.Release("frontend"), Method: undo}
	return map[string][]incident.Fact{
		"story":      whole,
		"deselected": until(moved(incident.Confirm), incident.Moved{To: incident.Choose}, incident.Dropped{Slot: python}, incident.Chosen{Choice: other}),
		"none known": until(moved(incident.Choose), incident.Chosen{Choice: incident.Choice{Slot: python, Method: undo, Why: "no proposal: none served well"}}),
		"left":       until(moved(incident.Confirm), incident.Moved{To: incident.Choose}, incident.Moved{To: incident.Decision}),
		"deadline":   until(written, aid, incident.AskedFor{What: incident.AskDeadline, Text: "It takes longer than 2m."}),
		"unsettled":  until(written, incident.WriteLost{WriteID: undoing, Err: "no answer"}, incident.AskedFor{What: incident.AskSettle, Text: "Whether it was written cannot be looked up."}),
		"not green":  until(moved(incident.Verify), incident.AskedFor{What: incident.AskNotGreen, Text: "Not green 5m after the rollout."}),
		"reverted":   until(moved(incident.Verify), incident.WriteReverted{WriteID: undoing, By: "flux"}, incident.AskedFor{What: incident.AskReverted, Text: "flux put its own version back."}),
		"rolled out": until(rolled, incident.LeaseGone{Component: "backend-python", To: model.Lease{Holder: "jonas@desk"}}),
		"ended":      until(moved(incident.Choose), incident.Ended{Outcome: incident.RecoveredAlone}, incident.Moved{To: incident.Assess}, incident.Moved{To: incident.Close}),
		"nothing kept": until(moved(incident.Close), incident.EvidenceFailed{Moment: model.InFull, Err: "no answer"}, incident.ReportFailed{Err: "disk full"},
			incident.ItemSettled{ID: "report"}, incident.ImpactFailed{Err: "no figures"}),
	}
}
