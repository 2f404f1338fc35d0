package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/ui/uitest"
)

// practised is an app on a fixture, in a sandbox.
func practised(t *testing.T, s *incident.Snapshot, l Look, change func(*Practice)) *App {
	p := &Practice{Name: "errors", Learn: "The figures say when and where it began; what was released then is what to take back.",
		Hint: func(at incident.Step) string {
			if at == incident.Close {
				return ""
			}
			return "Look at " + at.Name() + " first, and read the sentence at the bottom before you press a key; it says what is missing."
		},
		Kubeconfig: "/tmp/rollbook-sandbox-1/kubeconfig", Prometheus: "http://127.0.0.1:40123/prometheus/0123456789abcdef0123456789abcdef"}
	if change != nil {
		change(p)
	}
	with(s, func(s *incident.Snapshot) {
		s.Incident.Settings.Context, s.Incident.Settings.Production = "sandbox", false
		s.Seen.Identity.User = "you"
	})
	a := New(Options{Engine: still{t, s}, Viewer: library{}, Start: ago(3 * time.Second), Look: &l, Width: 80, Height: 24, Session: Sandbox(*p)})
	a.at, a.asked, a.quiet = s.Incident.Step, s.Incident.Asked, true
	return a
}

func TestGoldenPractice(t *testing.T) {
	for _, f := range []struct {
		name string
		snap func() *incident.Snapshot
		keys []string
	}{
		{"sandbox", filled, nil},
		{"sandbox-help", filled, []string{"?"}},
		{"sandbox-hint", filled, []string{"H"}},
		{"sandbox-confirm", func() *incident.Snapshot { return checked() }, nil},
		{"sandbox-hint-typing", func() *incident.Snapshot { return checked() }, []string{"f1", "H"}},
		{"sandbox-quit", opened, []string{"q"}},
	} {
		a := practised(t, f.snap(), dark, nil)
		for _, k := range f.keys {
			pressed(a, k)
		}
		golden(t, f.name+"_80x24", ansi.Strip(a.Frame()))
	}
	a := practised(t, filled(), Look{NoColor: true, ASCII: true}, nil)
	if frame := a.Frame(); !strings.Contains(ansi.Strip(frame), " SANDBOX ") || !isASCII(frame) {
		t.Errorf("without colours and UTF-8:\n%s", frame)
	}
	a.w, a.h = 50, 12
	if frame := ansi.Strip(a.Frame()); !strings.Contains(frame, " SANDBOX ") {
		t.Errorf("too small:\n%s", frame)
	}
}

// On Confirm every letter is the word's: the hint is behind F1 there.
func TestHintIsHiddenUntilAsked(t *testing.T) {
	const hint = "read the sentence"
	a := practised(t, checked(), dark, nil)
	if strings.Contains(ansi.Strip(a.Frame()), hint) {
		t.Error("the hint is shown unasked")
	}
	pressed(a, "H")
	if len(a.over) > 0 {
		t.Error("H is a hint where it is text")
	}
	pressed(a, "f1")
	pressed(a, "H")
	pressed(a, "H")
	if len(a.over) != 2 || !strings.Contains(ansi.Strip(a.Frame()), hint) {
		t.Errorf("%d overlays:\n%s", len(a.over), ansi.Strip(a.Frame()))
	}
	a = practised(t, closingOf(), dark, nil)
	pressed(a, "H")
	if len(a.over) > 0 || !strings.Contains(a.hint, "there is no hint for this step of errors") {
		t.Errorf("no hint: %q", a.hint)
	}
	a = New(Options{Engine: still{t, filled()}})
	for _, k := range a.globalKeys() {
		if k.Name == "hint" {
			t.Error("a hint on a cluster")
		}
	}
}

// A key that the hint names works while it is open.
func TestHintLetsKeysThrough(t *testing.T) {
	for key, title := range map[string]string{"l": "Log of", "d": "backend-python", "?": "Help"} {
		a := practised(t, filled(), dark, nil)
		pressed(a, "H")
		pressed(a, key)
		if len(a.over) != 1 || !strings.Contains(a.front().Title(), title) {
			t.Errorf("%s with the hint open: %d overlays, %q is in front", key, len(a.over), a.front().Title())
		}
	}
	a := practised(t, filled(), dark, nil)
	pressed(a, "H")
	pressed(a, "q")
	if len(a.over) != 0 || a.leaving != staying {
		t.Error("q leaves more than the hint")
	}
}

// What is said at the end: nothing stays, or the journal where it was wanted.
func TestPartingFromASandbox(t *testing.T) {
	for _, stays := range []bool{false, true} {
		s := opened()
		s.Seen.Journal = "/home/you/journals/INC/journal.jsonl"
		a := practised(t, s, dark, func(p *Practice) { p.JournalStays = stays })
		r := &recorder{snap: s}
		a.engine = r
		pressed(a, "q")
		pressed(a, "q")
		if len(r.sent) != 1 {
			t.Errorf("how the last page was handled is not told: %v", r.sent)
		}
		want := ""
		if stays {
			want = "The sandbox is gone; the journal stays: " + s.Seen.Journal
		}
		if a.farewell != want {
			t.Errorf("stays %v: %q", stays, a.farewell)
		}
	}
}

var incidents = []Choice{
	{"crash-loop", "the new version dies at its start", "A crash loop is a rollout that is stuck: the old pods still serve, and the log says why."},
	{"errors", "one request in three fails since the last release", "The figures say when it began; what was released just before is what to take back."},
	{"slow", "everybody waits, nothing fails", "A P95 in the last bucket is \"at least\" so much."},
	{"random", "any of these, and you are not told which", "To find out by yourself what is wrong, as in a real night."},
}

func TestGoldenPicker(t *testing.T) {
	ready := func(l Look, w, h int) *picker {
		return newPicker(t.Context(), Options{Look: &l, Width: w, Height: h}, incidents, nil)
	}
	golden(t, "picker_80x24", ansi.Strip(ready(dark, 80, 24).Frame()))
	p := ready(dark, 80, 24)
	p.Update(keyOf("j"))
	p.trouble = "listen tcp 127.0.0.1:0: bind: permission denied"
	golden(t, "picker-failed_80x24", ansi.Strip(p.Frame()))
	frame := ready(Look{NoColor: true, ASCII: true}, 80, 24).Frame()
	if !isASCII(frame) {
		t.Error("not ASCII")
	}
	golden(t, "picker_ascii", ansi.Strip(frame))
	for w := 10; w <= 130; w += 7 {
		for h := 3; h <= 40; h += 3 {
			lines := strings.Split(ready(dark, w, h).Frame(), "\n")
			if len(lines) != h {
				t.Fatalf("%d×%d: %d lines", w, h, len(lines))
			}
			for _, l := range lines {
				if ansi.StringWidth(l) > w {
					t.Fatalf("%d×%d: %q", w, h, l)
				}
			}
		}
	}
}

// picks runs the picker in an emulated terminal and types.
func picks(t *testing.T, begin func(context.Context, string) error, keys ...string) (screen string, err error) {
	term, ended := uitest.New(t, 80, 24), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- Pick(ctx, Options{Input: term, Output: term, Width: 80, Height: 24, Env: uitest.Env, Program: uitest.Program}, incidents, begin)
		term.Hangup()
	}()
	term.Settle()
	for _, k := range keys {
		term.Keys(k)
	}
	screen = term.Screen()
	select {
	case err = <-ended:
	default:
		err = errors.New("still open")
		cancel()
		<-ended
	}
	cancel()
	term.Close()
	time.Sleep(2 * time.Second) // its timers
	return screen, err
}

func TestPick(t *testing.T) {
	bubble(t, func(t *testing.T) {
		taken := ""
		take := func(_ context.Context, name string) error { taken = name; return nil }
		if _, err := picks(t, take, "x", "j", "\x1b[B", "k", "?", "\r"); err != nil || taken != "errors" {
			t.Errorf("%q, %v", taken, err)
		}
		taken = ""
		if _, err := picks(t, take, "G", "k", "k", "k", "k", "q"); !errors.Is(err, ErrLeft) || taken != "" {
			t.Errorf("q: %q, %v", taken, err)
		}
		calls := 0
		fail := func(context.Context, string) error { calls++; return fmt.Errorf("no luck %d", calls) }
		if screen, err := picks(t, fail, "\r", "\r"); err == nil || calls != 2 || !strings.Contains(screen, "no luck 2") {
			t.Errorf("failing: %d calls, %v\n%s", calls, err, screen)
		}
	})
}

// Leaving while an incident is being made waits until that has ended, so that
// nobody is left with one that nobody owns.
func TestPickIsLeftWhileItBegins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := false
		slow := func(ctx context.Context, _ string) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = true
			return ctx.Err()
		}
		screen, err := picks(t, slow, "\r", "q")
		if !ended || !strings.Contains(screen, "An hour of crash-loop is being made") {
			t.Errorf("%v, %v\n%s", err, ended, screen)
		}
		ended = false
		if _, _ = picks(t, slow, "\r", "\x03"); !ended {
			t.Error("ctrl+c did not wait")
		}
	})
}

// The sandbox says at the end whether the walk was right, and nothing before.
func TestSandboxJudgesTheEnd(t *testing.T) {
	const id = "backend-python"
	board := verified().Seen.Board
	image := board[slices.IndexFunc(board, func(c *model.Component) bool { return c.ID == id })].Images[0]
	for _, tt := range []struct {
		name   string
		snap   *incident.Snapshot
		images map[string]string
		none   string
		want   string
	}{
		{"before the end", filled(), map[string]string{id: image}, "", ""},
		{"right", verified(), map[string]string{id: image}, "", "this is the right end"},
		{"another revision", verified(), map[string]string{id: "shop/x:1"}, "", id + " should run shop/x:1 and runs " + image},
		{"another component", verified(), map[string]string{"backend-rust": "shop/x:1"}, "", id + " was rolled back, and is not the cause"},
		{"nothing to roll back", verified(), nil, "healed", "was rolled back, and nothing should be: healed"},
		{"no end is named", verified(), nil, "", ""},
	} {
		a := practised(t, tt.snap, dark, func(p *Practice) { p.Images, p.None = tt.images, tt.none })
		_, said := (&Practice{Images: tt.images, None: tt.none}).judge(&a.scope)
		frame := strings.Join(strings.Fields(ansi.Strip(a.Frame())), " ")
		if tt.want == "" && (said != "" || strings.Contains(frame, "Sandbox:")) || !strings.Contains(strings.ToLower(said), strings.ToLower(tt.want)) || tt.want != "" && !strings.Contains(frame, "Sandbox:") {
			t.Errorf("%s: %q\n%s", tt.name, said, frame)
		}
	}
}

// What is said of a walk at its end: how long each part took, against five minutes.
func TestDebrief(t *testing.T) {
	at := func(d time.Duration) time.Time { return now.Add(d) }
	good := incident.Incident{Shown: at(0), Decided: at(20 * time.Second), RolledOut: at(90 * time.Second), Verified: at(2 * time.Minute),
		Attempts: []incident.Attempt{{N: 1, Confirmed: at(50 * time.Second)}}}
	slow := good
	slow.Attempts = []incident.Attempt{{N: 1, Confirmed: at(time.Minute)}, {N: 2, Confirmed: at(4 * time.Minute)}}
	slow.RolledOut, slow.Verified = at(5*time.Minute), at(6*time.Minute)
	open := good
	open.Verified = time.Time{}
	for name, tt := range map[string]struct {
		i    incident.Incident
		want string
	}{
		"well":           {good, "From the first sign: decided after 20s, confirmed after 50s, rolled out after 1m30s, verified after 2m: within five minutes."},
		"by detours":     {slow, "From the first sign: decided after 20s, confirmed after 4m, rolled out after 5m, verified after 6m: 1m over five minutes."},
		"not to the end": {open, "From the first sign: decided after 20s, confirmed after 50s, rolled out after 1m30s: not verified."},
		"nothing shown":  {incident.Incident{Verified: at(0)}, ""},
		"nothing done":   {incident.Incident{Shown: at(0)}, ""},
	} {
		if got := debrief(&tt.i); got != tt.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// At the end of a walk it is said what a better one had been: of one that was right, of a
// wrong one, and of one that was given up: the straight walk too, where it was not that.
func TestPartingTellsTheBetterWalk(t *testing.T) {
	const id = "backend-python"
	verdict := func(s *incident.Snapshot, late time.Duration) {
		s.Incident.Verdict.First = s.Incident.Decided.Add(-late)
		s.Incident.Shown = s.Incident.Verdict.First
	}
	image := func(s *incident.Snapshot) string { return s.Seen.Component(id).Images[0] }
	straight := verified()
	verdict(straight, 10*time.Second)
	detour := verified()
	verdict(detour, 100*time.Second)
	first := detour.Incident.Attempts[0]
	first.Writes = slices.Clone(first.Writes)
	first.Writes[0].Plan.To.Tag = "1.40.0"
	detour.Incident.Attempts = []incident.Attempt{first, detour.Incident.Attempts[0]}
	detour.Incident.Backs = 2
	detour.Incident.Override = map[string]incident.Override{"a/release/help": {}}
	wrong := verified()
	verdict(wrong, 10*time.Second)
	open := chosen()
	verdict(open, 40*time.Second)
	walk := []string{"The straight walk:", "  1 Assess: Look at Assess first", "  2 Decide: ", "  3 Choose: ", "  4 Confirm: ", "  5 Roll back: ", "  6 Verify: "}
	for name, tt := range map[string]struct {
		snap   *incident.Snapshot
		change func(*Practice)
		want   []string
	}{
		"right": {straight, func(p *Practice) { p.Images = map[string]string{id: image(straight)} },
			[]string{"Sandbox: this is the right end.", "From the first sign: decided after 10s", "It was the straight way."}},
		"right, by a detour": {detour, func(p *Practice) { p.Images = map[string]string{id: image(detour)} },
			[]string{"Sandbox: this is the right end.", "From the first sign: decided after 1m40s",
				"A better walk had saved: the verdict stood 1m40s before it was decided; 1 rollback (the first, to 1.40.0 of backend-python, should have gone to 2026.11.23-2); 2 steps back; 1 line of the checks overridden."}},
		"wrong": {wrong, func(p *Practice) { p.Images = map[string]string{id: "shop/x:1"} },
			[]string{"Sandbox: not the right end. backend-python should run shop/x:1", "From the first sign: decided after 10s"}},
		"given up": {open, func(p *Practice) { p.Images = map[string]string{id: "shop/x:1"} },
			[]string{"Sandbox: given up at 3 Choose. At the right end backend-python should run shop/x:1.", "From the first sign: decided after 40s: not verified",
				"A better walk had saved: the verdict stood 40s before it was decided."}},
		"given up where nothing was to be done": {opened(), func(p *Practice) { p.None = "it heals" },
			[]string{"Sandbox: given up at 2 Decide. At the right end nothing should be rolled back: it heals."}},
	} {
		a := practised(t, tt.snap, dark, tt.change)
		lines, want := strings.Split(a.session.parting(&a.scope), "\n"), tt.want
		if name != "right" {
			want = append(want, walk...)
		}
		if len(lines) != len(want) {
			t.Errorf("%s: %q", name, lines)
			continue
		}
		for n, l := range lines {
			if !strings.HasPrefix(l, want[n]) {
				t.Errorf("%s: %q, want %q", name, l, want[n])
			}
		}
	}
}
