package ui

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// Styles are the meanings that text can have on this screen. A state never
// rests on them alone: a sign and a word stand beside each.
type Styles struct {
	Plain  ansi.Style
	Dim    ansi.Style // less important, or not available now
	Strong ansi.Style // headings, the selected line
	Good   ansi.Style
	Bad    ansi.Style
	Warn   ansi.Style // warnings, and everything unknown
	Note   ansi.Style // where am I
	Here   ansi.Style // the current step
	Key    ansi.Style // keys in the footer
	Cursor ansi.Style // the cell under the cursor of a text field
	Alarm  ansi.Style // the sentence when it is urgent
}

// Look is what decides the palette.
type Look struct {
	Light   bool // the terminal's background is light
	Profile colorprofile.Profile
	NoColor bool // NO_COLOR, or a terminal without colours
	ASCII   bool // no UTF-8, or a font without our signs
	Sixteen bool // no more colours than sixteen, whatever else is said
}

// takes notes how many colours the terminal is said to have.
func (l *Look) takes(p colorprofile.Profile) {
	if l.Sixteen && p > colorprofile.ANSI {
		p = colorprofile.ANSI
	}
	l.Profile = p
	l.NoColor = l.NoColor || p <= colorprofile.ASCII
}

// NewStyles makes the one set of styles. With sixteen colours the terminal's
// own are used, because the user chose them to be readable on their
// background; yellow alone is unreadable on white and is left out there.
func NewStyles(l Look) Styles {
	s := Styles{
		Dim:    ansi.NewStyle().Faint(),
		Strong: ansi.NewStyle().Bold(),
		Cursor: ansi.NewStyle().Reverse(true),
	}
	if l.NoColor {
		s.Bad, s.Warn = s.Strong, s.Strong
		s.Note, s.Key = s.Strong, s.Strong
		s.Here = ansi.NewStyle().Bold().Reverse(true)
		s.Alarm = ansi.NewStyle().Bold().Reverse(true)
		return s
	}
	var good, bad, warn, note, dim color.Color
	switch {
	case l.Profile <= colorprofile.ANSI:
		good, bad, warn, note, dim = ansi.Green, ansi.Red, ansi.Yellow, ansi.Cyan, ansi.BrightBlack
		if l.Light {
			warn, note = ansi.Magenta, ansi.Blue
		}
	case l.Light:
		good, bad, warn = lipgloss.Color("#1a7f37"), lipgloss.Color("#c4161c"), lipgloss.Color("#8a4b00")
		note, dim = lipgloss.Color("#0550ae"), lipgloss.Color("#5f6670")
	default:
		good, bad, warn = lipgloss.Color("#57c97a"), lipgloss.Color("#ff6b6b"), lipgloss.Color("#f2b84b")
		note, dim = lipgloss.Color("#6cb6ff"), lipgloss.Color("#8b949e")
	}
	fg := func(c color.Color) ansi.Style { return ansi.NewStyle().ForegroundColor(c) }
	s.Dim = fg(dim)
	s.Good, s.Bad, s.Warn, s.Note = fg(good), fg(bad).Bold(), fg(warn), fg(note).Bold()
	s.Key, s.Here = fg(note), fg(note).Bold().Reverse(true)
	s.Alarm = fg(bad).Bold().Reverse(true)
	return s
}

// paint colours text; empty styles add nothing.
func paint(st ansi.Style, text string) string {
	if len(st) == 0 || text == "" {
		return text
	}
	return st.Styled(text)
}
