package ui

import (
	"reflect"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
)

// recorder takes what is sent.
type recorder struct {
	snap *incident.Snapshot
	sent []incident.Act
}

func (r *recorder) Snapshot() *incident.Snapshot { return r.snap }
func (r *recorder) Changed() <-chan struct{}     { return nil }
func (r *recorder) Send(do incident.Act)         { r.sent = append(r.sent, do) }
func (r *recorder) Writing() bool                { return false }

func recorded(s *incident.Snapshot) (*App, *recorder) {
	r := &recorder{snap: s}
	l := dark
	a := New(Options{Engine: r, Viewer: library{}, Start: ago(0), Look: &l, Width: 80, Height: 24})
	a.at, a.asked, a.quiet = s.Incident.Step, s.Incident.Asked, true
	return a, r
}

// On one page a key means one thing, and each key that is shown does something
// or says why not.
func TestKeysMeanOneThing(t *testing.T) {
	for _, f := range fixtures() {
		a := screen(t, f, 80, 24, dark)
		global := a.globalKeys()
		if len(a.over) > 0 {
			global = a.overlayKeys()
		}
		used := map[string]string{}
		for _, k := range append(a.front().Keys(), global...) {
			if len(k.Keys) == 0 || k.Name == "" || k.Help == "" {
				t.Errorf("%s: a key without a key, a name or a help: %+v", f.name, k)
			}
			if k.do == nil {
				t.Errorf("%s: %s %s is bound to nothing", f.name, k.Shown(), k.Name)
			}
			for _, name := range k.Keys {
				if other, taken := used[name]; taken {
					t.Errorf("%s: %q is %q and %q", f.name, name, other, k.Name)
				}
				if name != "1" && name != "ctrl+z" && !k.matches(keyOf(name)) {
					t.Errorf("%s: %q does not match itself", f.name, name)
				}
				used[name] = k.Name
			}
			if why := k.off(f.snap); strings.TrimSpace(why) != why || strings.HasSuffix(why, ": ") {
				t.Errorf("%s: %s %s says %q", f.name, k.Shown(), k.Name, why)
			}
		}
	}
}

// Every key of the footer does something when it is pressed: it is the same
// data, so this only guards the way from the line to the key.
func TestFooterKeysAct(t *testing.T) {
	for _, f := range fixtures() {
		a := screen(t, f, 120, 40, dark)
		lines := strings.Split(ansi.Strip(a.Frame()), "\n")
		foot := lines[len(lines)-1]
		if a.hint != "" || a.leaving != staying {
			continue
		}
		for item := range strings.SplitSeq(strings.TrimSpace(foot), " · ") {
			off := strings.HasPrefix(item, "(")
			key, name, _ := strings.Cut(strings.Trim(item, "()"), " ")
			found := false
			for _, k := range append(a.frontKeys(), a.everywhere()...) {
				if k.Shown() == key && k.Name == name {
					found = true
					if typed := strings.ToLower(key); a.typing() && typed != "f1" && !taken(a, typed) {
						t.Errorf("%s: the footer shows %q, which is text here", f.name, item)
					}
					if got := k.off(a.snap) != ""; got != off {
						t.Errorf("%s: %q is drawn as off=%v and is off=%v", f.name, item, off, got)
					}
				}
			}
			if !found {
				t.Errorf("%s: the footer shows %q, which no key is", f.name, item)
			}
		}
	}
}

// taken reports whether a key is no text to the field that is open.
func taken(a *App, name string) bool {
	_, text := a.front().Update(keyOf(name))
	return !text
}

// A disabled key sends nothing, changes no page, and says why in words.
func TestDisabledKeysSayWhy(t *testing.T) {
	for _, f := range fixtures() {
		a, r := recorded(f.snap)
		if f.open != nil {
			continue // those are the overlays'
		}
		for _, k := range append(a.frontKeys(), a.usable(a.globalKeys())...) {
			why := k.off(a.snap)
			if why == "" || k.Keys[0] == "esc" || a.typing() {
				continue
			}
			pressed(a, k.Keys[0])
			if len(r.sent) > 0 || len(a.over) > 0 {
				t.Errorf("%s: %s %s is disabled (%s) and acts: %v", f.name, k.Shown(), k.Name, why, r.sent)
			}
			if !strings.Contains(a.hint, why) {
				t.Errorf("%s: %s %s is disabled (%s) and says %q", f.name, k.Shown(), k.Name, why, a.hint)
			}
			r.sent = nil
		}
	}
}

// printable are the keys of a keyboard that make a sign.
func printable() []string {
	var out []string
	for r := '!'; r <= '~'; r++ {
		out = append(out, string(r))
	}
	return append(out, "ä", "é", "space")
}

// While the field is open a letter is a letter, whatever it does elsewhere.
func TestConfirmFieldTakesText(t *testing.T) {
	for _, name := range printable() {
		a, r := recorded(checked())
		pressed(a, name)
		want := name
		if name == "space" {
			want = " "
		}
		if got := a.pages[incident.Confirm].(*confirm).field.String(); got != want {
			t.Errorf("%q: the field holds %q", name, got)
		}
		if len(r.sent) > 0 || len(a.over) > 0 || a.leaving != staying {
			t.Errorf("%q acts while the field is open: %v", name, r.sent)
		}
	}
	for _, name := range []string{"up", "down", "pgup", "pgdown", "ctrl+b", "ctrl+f", "ctrl+d", "ctrl+x"} {
		a, r := recorded(checked())
		pressed(a, name)
		if len(r.sent) > 0 || len(a.over) > 0 || a.hint != "" || a.pages[incident.Confirm].(*confirm).at != 0 {
			t.Errorf("%q acts while the field is open", name)
		}
	}
	// tab, F1 and esc are keys.
	a, r := recorded(checked())
	pressed(a, "tab")
	if got := a.pages[incident.Confirm].(*confirm).at; got != 1 {
		t.Errorf("tab: line %d is marked", got)
	}
	pressed(a, "f1")
	if len(a.over) != 1 || a.over[0].Title() != helpTitle {
		t.Errorf("F1 does not open help")
	}
	pressed(a, "esc")
	pressed(a, "esc")
	if want := []incident.Act{incident.Back{}}; !reflect.DeepEqual(r.sent, want) {
		t.Errorf("esc: sent %v", r.sent)
	}
}

func typeWord(a *App, word string) {
	for _, r := range word {
		pressed(a, string(r))
	}
}

func TestConfirmEnter(t *testing.T) {
	for _, tt := range []struct {
		name, typed string
		snap        *incident.Snapshot
		quiet       bool
		want        []incident.Act
	}{
		{"the word", "backend-python", checked(), true, []incident.Act{incident.ConfirmWrite{Word: "backend-python", Plans: []string{"plan-41"}}}},
		{"too soon after a key", "backend-python", checked(), false, nil},
		{"nothing", "", checked(), true, nil},
		{"a part", "backend-pytho", checked(), true, nil},
		{"more", "backend-python ", checked(), true, nil},
		{"another case", "Backend-python", checked(), true, nil},
		{"y in production", "y", checked(), true, nil},
		{"blocked", "backend-python", checked(argo), true, nil},
		{"y elsewhere", "y", with(checked(), func(s *incident.Snapshot) { s.Incident.Settings.Production = false }), true,
			[]incident.Act{incident.ConfirmWrite{Word: "y", Plans: []string{"plan-41"}}}},
	} {
		a, r := recorded(tt.snap)
		if tt.snap.Incident.Step.Blocked(tt.snap) == "" {
			typeWord(a, tt.typed)
		}
		a.quiet = tt.quiet
		a.Update(keyOf("enter"))
		if !reflect.DeepEqual(r.sent, tt.want) {
			t.Errorf("%s: sent %v, want %v", tt.name, r.sent, tt.want)
		}
		if len(tt.want) == 0 && a.hint == "" {
			t.Errorf("%s: enter does nothing and does not say why", tt.name)
		}
	}
}

// A word is typed, not pasted; elsewhere pasted text is no command.
func TestPasteConfirmsNothing(t *testing.T) {
	for _, f := range fixtures() {
		if f.open != nil {
			continue
		}
		a, r := recorded(f.snap)
		a.Update(tea.PasteMsg{Content: "backend-python\nqynxr"})
		if got := a.pages[incident.Confirm].(*confirm).field.String(); got != "" {
			t.Errorf("%s: the field holds %q", f.name, got)
		}
		if len(r.sent) > 0 || len(a.over) > 0 || a.leaving != staying {
			t.Errorf("%s: pasted text acts: %v", f.name, r.sent)
		}
		a.quiet = false // the paste was just now
		a.Update(keyOf("enter"))
		for _, do := range r.sent {
			if _, ok := do.(incident.ConfirmWrite); ok {
				t.Errorf("%s: a paste and enter confirm", f.name)
			}
		}
	}
}

// A plan that becomes another one, or a field that closes, under the typing hand.
func TestConfirmChangesWhileTyping(t *testing.T) {
	a, r := recorded(checked())
	typeWord(a, "backend-")
	other := checked()
	other.Seen.Preflight[python].Plans[0].ID = "plan-other"
	r.snap = other
	a.Update(changedMsg{})
	c := a.pages[incident.Confirm].(*confirm)
	if c.field.String() != "" || !strings.Contains(a.says().text, "another one while you typed") {
		t.Errorf("a new plan: field %q, says %q", c.field.String(), a.says().text)
	}
	typeWord(a, "back")
	r.snap = checked(argo)
	a.Update(changedMsg{})
	for _, k := range []string{"e", "n", "d", "x", "r", "q", "o", "l"} {
		a.quiet = false
		a.Update(keyOf(k))
	}
	if len(r.sent) > 0 || len(a.over) > 0 || a.leaving != staying {
		t.Errorf("the rest of the word acts: %v, %d overlays, leaving %v", r.sent, len(a.over), a.leaving)
	}
	a.quiet = true
	a.Update(keyOf("r"))
	if len(a.over) != 1 {
		t.Errorf("after a silence r opens nothing")
	}
}

// A pod that a rollout waits for is deleted by a key of its own, which is there only
// then, and writes nothing by itself.
func TestStuckPodHasAKey(t *testing.T) {
	a, r := recorded(stuck())
	pressed(a, "D")
	if want := []incident.Act{incident.Help{Write: incident.WriteID{N: 1, Plan: "plan-2"}}}; !reflect.DeepEqual(r.sent, want) {
		t.Errorf("sent %v, want %v", r.sent, want)
	}
	a, r = recorded(rolling())
	if frame := ansi.Strip(a.Frame()); strings.Contains(frame, "stuck") {
		t.Errorf("nothing is stuck:\n%s", frame)
	}
	pressed(a, "D")
	if len(r.sent) > 0 || !strings.Contains(a.hint, "no rollout waits for a pod") {
		t.Errorf("nothing is stuck: sent %v, says %q", r.sent, a.hint)
	}
}

// A write that cannot be looked up is settled by what the operator found: by no
// other answer, and not by enter.
func TestUnsettledWriteHasTwoAnswers(t *testing.T) {
	for key, want := range map[string][]incident.Act{
		"y": {incident.Answered{With: incident.ReplyWritten}}, "n": {incident.Answered{With: incident.ReplyNotWritten}},
		"enter": nil, "w": nil, "u": nil,
	} {
		a, r := recorded(unsettled())
		if pressed(a, key); !reflect.DeepEqual(r.sent, want) {
			t.Errorf("%s: sent %v, want %v", key, r.sent, want)
		}
	}
}

// A page or a question that comes up under the hand takes no confirmation.
func TestNewQuestionWaitsForSilence(t *testing.T) {
	a, r := recorded(rolling())
	r.snap = checked()
	a.Update(changedMsg{})
	if a.quiet {
		t.Error("the new page takes a confirmation at once")
	}
}

// q closes what lies over a page, and leaves the program only from the page.
func TestQClosesWhatLiesOverAPage(t *testing.T) {
	for name, key := range map[string]string{
		"help": "?", "details": "d", "logs": "l", "events": "e", "timeline": "t", "contacts": "c", "messages": "M", "recovery": "r",
	} {
		a, _ := recorded(opened())
		pressed(a, key)
		opened := len(a.over)
		pressed(a, "q")
		if opened != 1 || len(a.over) > 0 || a.leaving != staying {
			t.Errorf("%s: %s opens %d, q leaves %d, leaving is %v", name, key, opened, len(a.over), a.leaving)
		}
	}
}
