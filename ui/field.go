package ui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textarea"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// fieldMax is how many characters a field takes, if nothing else is said.
const fieldMax = 200

// field is one line of typed text: bubbles' textinput, drawn with our pen,
// because a terminal without UTF-8 must not get what was typed as it is. The
// cursor stands still: a blinking one is traffic on an idle line.
type field struct{ input textinput.Model }

// newField makes an empty field of at most limit characters.
func newField(limit int) field {
	in := textinput.New()
	in.CharLimit = limit
	styles := in.Styles()
	styles.Cursor.Blink = false
	in.SetStyles(styles)
	in.KeyMap.Paste = key.NewBinding() // it would run a program that reads a clipboard; the terminal's own paste comes as text
	_ = in.Focus()                     // nothing blinks, so there is nothing to begin
	return field{in}
}

func (f *field) String() string { return f.input.Value() }

func (f *field) clear() { f.input.Reset() }

// key takes what is typed; false when the key is no text and moves nothing in a
// line.
func (f *field) key(msg tea.KeyPressMsg) bool {
	if isText(msg) {
		f.insert(msg.Text)
		return true
	}
	k := &f.input.KeyMap
	if !key.Matches(msg, k.CharacterForward, k.CharacterBackward, k.WordForward, k.WordBackward, k.DeleteWordBackward, k.DeleteWordForward,
		k.DeleteAfterCursor, k.DeleteBeforeCursor, k.DeleteCharacterBackward, k.DeleteCharacterForward, k.LineStart, k.LineEnd) {
		return false
	}
	f.input, _ = f.input.Update(msg)
	return true
}

// isText reports whether a key is text, and no command.
func isText(msg tea.KeyPressMsg) bool {
	return msg.Text != "" && !msg.Mod.Contains(tea.ModCtrl) && !msg.Mod.Contains(tea.ModAlt)
}

// insert puts text at the cursor: one line, nothing that is not printable.
func (f *field) insert(s string) {
	s = clean(strings.ReplaceAll(s, "\t", " "))
	f.input, _ = f.input.Update(tea.PasteMsg{Content: strings.ReplaceAll(s, "\n", " ")})
}

// view draws the field in w cells with the cursor in it; the part around the
// cursor is what is seen when it is longer.
func (f *field) view(p *pen, w int) string {
	if w < 2 {
		return ""
	}
	text, at := []rune(f.input.Value()), f.input.Position()
	before, under, after := string(text[:at]), " ", ""
	if at < len(text) {
		under, after = string(text[at]), string(text[at+1:])
	}
	before, under, after = p.say(before), p.say(under), p.say(after)
	if n := ansi.StringWidth(before); n > w-2 {
		before = p.say("…") + ansi.TruncateLeft(before, n-(w-3), "")
	}
	return p.fit(before+paint(p.Cursor, under)+after, w)
}

// newArea makes bubbles' field of several lines, without ornaments, with text in
// it and the cursor at its beginning.
func newArea(text string) textarea.Model {
	a := textarea.New()
	a.Prompt, a.ShowLineNumbers = " ", false
	a.CharLimit, a.MaxHeight, a.MaxWidth = 0, 0, 0
	styles := a.Styles()
	styles.Focused = textarea.StyleState{}
	styles.Cursor = textarea.CursorStyle{Color: lipgloss.NoColor{}}
	a.SetStyles(styles)
	// As for a field: no program is run for a clipboard.
	a.KeyMap.Paste, a.KeyMap.CopySelection = key.NewBinding(), key.NewBinding()
	_ = a.Focus()
	a.SetValue(clean(text))
	a.MoveToBegin()
	return a
}
