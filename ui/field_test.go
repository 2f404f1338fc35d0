package ui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// A field is one line of what can be printed, however it comes in.
func TestFieldTakesOneLine(t *testing.T) {
	f := newField(12)
	for _, c := range []struct{ in, want string }{
		{"żółć 日本語", "żółć 日本語"},
		{"\tmore\nthan it takes", "żółć 日本語 mor"},
	} {
		f.insert(c.in)
		if f.String() != c.want {
			t.Errorf("after %q it holds %q, want %q", c.in, f.String(), c.want)
		}
	}
	f.clear()
	f.insert("a\x1b[2Jb\u202ec\u200bd\x7f") // an escape sequence, a text turned round, an empty space
	if want := "a[2Jbcd"; f.String() != want {
		t.Errorf("it holds %q, want %q", f.String(), want)
	}
}

// Keys that edit are the field's; all others are left to the page. None runs a
// program.
func TestFieldKeys(t *testing.T) {
	for _, c := range []struct {
		keys string
		want string
	}{
		{"backspace", "one tw"}, {"ctrl+h", "one tw"}, {"ctrl+w", "one "}, {"ctrl+u", ""}, {"home delete", "ne two"}, {"ctrl+a x", "xone two"},
		{"left left x", "one txwo"}, {"ctrl+a right x", "oxne two"}, {"ctrl+a ctrl+e x", "one twox"}, {"ctrl+a end x", "one twox"}, {"home ctrl+k", ""},
	} {
		f := newField(fieldMax)
		f.insert("one two")
		for _, k := range strings.Fields(c.keys) {
			if !f.key(keyOf(k)) {
				t.Errorf("%s: %s is not taken", c.keys, k)
			}
		}
		if f.String() != c.want {
			t.Errorf("%s: it holds %q, want %q", c.keys, f.String(), c.want)
		}
	}
	f := newField(fieldMax)
	for _, k := range []string{"enter", "esc", "tab", "shift+tab", "up", "down", "pgup", "pgdown", "f1", "ctrl+c", "ctrl+v", "ctrl+x", "ctrl+z"} {
		if f.key(keyOf(k)) || f.String() != "" {
			t.Errorf("%s is taken, and the field holds %q", k, f.String())
		}
	}
}

// Wherever the cursor is, it is seen, and the field has its width.
func TestFieldShowsItsCursor(t *testing.T) {
	for _, l := range []Look{dark, {ASCII: true, NoColor: true}} {
		p := newPen(l)
		f := newField(fieldMax)
		f.insert("a long name 日本語 with żółć in it")
		for range f.String() {
			line := f.view(p, 10)
			if n := ansi.StringWidth(line); n > 10 || !strings.Contains(line, "\x1b[7m") {
				t.Errorf("%d cells: %q", n, line)
			}
			f.key(keyOf("left"))
		}
	}
}

// The field of several lines takes whatever is typed or pasted, as long as it
// is, and neither answers with a command that runs a program.
func TestWritingTakesText(t *testing.T) {
	kept := ""
	a, _ := recorded(told())
	a.open(newWriting(&a.scope, "Edit", "First\n\nbody\n", func(text string) { kept = text }))
	typeWord(a, "日本 ")
	a.Update(tea.PasteMsg{Content: strings.Repeat("line\n", 200) + "\x1b[2Jend " + strings.Repeat("x", 1000)})
	for _, k := range []string{"ctrl+v", "enter", "up", "end", "ctrl+t"} {
		if cmd, taken := a.front().Update(keyOf(k)); cmd != nil || !taken {
			t.Errorf("%s: taken %v, with a command: %v", k, taken, cmd != nil)
		}
	}
	for _, size := range [][2]int{{80, 24}, {61, 17}, {120, 40}} {
		a.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		if frame := a.Frame(); !strings.Contains(frame, "\x1b[7m") {
			t.Errorf("at %v the cursor is not seen:\n%s", size, ansi.Strip(frame))
		}
	}
	pressed(a, "esc")
	want := "日本 " + strings.Repeat("line\n", 200) + "[2Jend " + strings.Repeat("x", 1000)
	if !strings.HasPrefix(kept, want) || !strings.HasSuffix(kept, "First\n\nbody\n") {
		t.Errorf("%d characters were kept: %.60q … %q", len(kept), kept, kept[max(0, len(kept)-40):])
	}
}
