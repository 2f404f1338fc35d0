package ui

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"rollbook/ui/uitest"
)

// golden compares text with a golden file, but for blanks at the ends of its lines.
func golden(t *testing.T, name, got string) {
	t.Helper()
	lines := strings.Split(got, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	uitest.Golden(t, filepath.Join("testdata", "golden", name+".txt"), strings.TrimRight(strings.Join(lines, "\n"), "\n")+"\n")
}

// A settled page of every kind, as it is read: without colours.
func TestGoldenFrames(t *testing.T) {
	for _, f := range fixtures() {
		for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 50}} {
			name := fmt.Sprintf("%s_%dx%d", f.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				golden(t, name, ansi.Strip(screen(t, f, size[0], size[1], dark).Frame()))
			})
		}
	}
}

// Below the smallest size the one sentence stays.
func TestGoldenTooSmall(t *testing.T) {
	for _, f := range fixtures() {
		if !slices.Contains([]string{"connecting", "assess", "rollback-deadline", "quit", "notices"}, f.name) {
			continue
		}
		golden(t, f.name+"_50x12", ansi.Strip(screen(t, f, 50, 12, dark).Frame()))
	}
}

// The palettes, with the escape sequences made readable.
func TestGoldenLooks(t *testing.T) {
	looks := map[string]Look{
		"dark": dark, "light": {Light: true, Profile: colorprofile.TrueColor},
		"dark16": {Profile: colorprofile.ANSI}, "light16": {Light: true, Profile: colorprofile.ANSI},
		"nocolor": {NoColor: true, Profile: colorprofile.TrueColor}, "ascii": {ASCII: true, Profile: colorprofile.ANSI},
	}
	for _, term := range []string{"linux", "vt100"} { // by their own names, in a locale with all signs
		l := DetectLook([]string{"TERM=" + term, "LANG=C.UTF-8"})
		l.takes(colorprofile.TrueColor) // as COLORTERM may say, which was left over
		looks[term] = l
	}
	for _, f := range fixtures() {
		if !slices.Contains([]string{"assess", "confirm-blocked", "rollback", "timeline", "messages", "notices", "verify-own", "close-evidence"}, f.name) {
			continue
		}
		for name, l := range looks {
			frame := screen(t, f, 80, 24, l).Frame()
			if l.ASCII && !isASCII(frame) {
				t.Errorf("%s as on %s: not ASCII: %q", f.name, name, frame)
			}
			if name == "ascii" {
				golden(t, f.name+"_ascii", ansi.Strip(frame))
				continue
			}
			golden(t, f.name+"_"+name+"_ansi", strings.ReplaceAll(frame, "\x1b", "␛"))
		}
	}
}

// Every key of every page, as docs/keys.md prints them.
func TestGoldenKeys(t *testing.T) { golden(t, "keys", KeyTable()) }

// Whatever the size, a frame has exactly so many lines and none is wider. Each
// fixture tries some sizes, all of them together nearly every one.
func TestFrameFits(t *testing.T) {
	looks := []Look{dark, {ASCII: true, NoColor: true}}
	for n, f := range fixtures() {
		for k, l := range looks {
			a := screen(t, f, 80, 24, l)
			for w := 10 + k; w <= 200; w += 7 + (w+n)%61 {
				for h := 3; h <= 60; h += 3 + (h+n)%37 {
					a.w, a.h = w, h
					lines := strings.Split(a.Frame(), "\n")
					if len(lines) != h {
						t.Fatalf("%s at %d×%d: %d lines", f.name, w, h, len(lines))
					}
					for i, line := range lines {
						if got := ansi.StringWidth(line); got > w {
							t.Fatalf("%s at %d×%d: line %d has %d cells: %q", f.name, w, h, i+1, got, ansi.Strip(line))
						}
					}
				}
			}
		}
	}
}
