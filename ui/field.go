package ui

import (
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// field is one line of typed text. (bubbles' textinput blinks its cursor, which
// is traffic on an idle line, and takes keys that mean something else here.)
type field struct {
	text []rune
	at   int
	max  int // runes; 0 = 200
}

func (f *field) String() string { return string(f.text) }

func (f *field) clear() { f.text, f.at = nil, 0 }

// key takes what is typed; false when the key is no text.
func (f *field) key(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "backspace", "ctrl+h":
		if f.at > 0 {
			f.text = append(f.text[:f.at-1], f.text[f.at:]...)
			f.at--
		}
	case "delete":
		if f.at < len(f.text) {
			f.text = append(f.text[:f.at], f.text[f.at+1:]...)
		}
	case "left":
		f.at = max(0, f.at-1)
	case "right":
		f.at = min(len(f.text), f.at+1)
	case "home", "ctrl+a":
		f.at = 0
	case "end", "ctrl+e":
		f.at = len(f.text)
	case "ctrl+u":
		f.text, f.at = f.text[f.at:], 0
	case "ctrl+w":
		n := len(strings.TrimRight(string(f.text[:f.at]), " "))
		n = strings.LastIndexByte(string(f.text[:f.at])[:n], ' ') + 1
		keep := []rune(string(f.text[:f.at])[:n])
		f.text = append(keep, f.text[f.at:]...)
		f.at = len(keep)
	default:
		if msg.Text == "" || msg.Mod.Contains(tea.ModCtrl) || msg.Mod.Contains(tea.ModAlt) {
			return false
		}
		f.insert(msg.Text)
	}
	return true
}

// insert puts text at the cursor: one line, nothing that is not printable.
func (f *field) insert(s string) {
	limit := f.max
	if limit == 0 {
		limit = 200
	}
	for _, r := range s {
		if r == '\n' || r == '\t' {
			r = ' '
		}
		if !unicode.IsPrint(r) || len(f.text) >= limit {
			continue
		}
		f.text = append(f.text[:f.at], append([]rune{r}, f.text[f.at:]...)...)
		f.at++
	}
}

// view draws the field in w cells with the cursor in it; the part around the
// cursor is what is seen when it is longer.
func (f *field) view(p *pen, w int) string {
	if w < 2 {
		return ""
	}
	before, under, after := string(f.text[:f.at]), " ", ""
	if f.at < len(f.text) {
		under, after = string(f.text[f.at]), string(f.text[f.at+1:])
	}
	before, under, after = p.say(before), p.say(under), p.say(after)
	if n := ansi.StringWidth(before); n > w-2 {
		before = p.say("…") + ansi.TruncateLeft(before, n-(w-3), "")
	}
	return p.fit(before+paint(p.Cursor, under)+after, w)
}
