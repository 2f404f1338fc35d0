package ui

import (
	"strings"

	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"
)

// writing is an overlay in which a text of several lines is written, where no
// editor is named. All that is printed is text; esc keeps it and closes.
type writing struct {
	base
	title string
	keep  func(text string)
	area  textarea.Model
	drawn string // the field as it was drawn when something was typed last
}

func newWriting(s *scope, title, text string, keep func(text string)) overlay {
	w := &writing{base: base{s}, title: title, keep: keep, area: newArea(strings.TrimRight(text, "\n"))}
	w.drawn = w.area.View()
	return w
}

func (w *writing) Title() string            { return w.title }
func (w *writing) Size(x, y int) (int, int) { return x, y }
func (w *writing) Says() sentence {
	return sentence{calm, "The first line is the title. esc keeps what is written and closes; nothing is sent by that."}
}

func (w *writing) typing() bool { return true }

func (w *writing) Keys() []Key {
	return []Key{{Keys: []string{"esc"}, Name: "keep and close", Help: "keep what is written and close; nothing is sent by that", Main: true, do: func() tea.Cmd {
		w.keep(w.area.Value() + "\n")
		return w.shut()
	}}}
}

// paste takes text as it is, line by line.
func (w *writing) paste(text string) { w.area.InsertString(clean(text)) }

// Update takes every key but those that leave, help or suspend.
func (w *writing) Update(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch msg.String() {
	case "esc", "f1", "ctrl+z":
		return nil, false
	}
	if isText(msg) {
		w.area.InsertString(clean(msg.Text))
		return nil, true
	}
	area, cmd := w.area.Update(msg)
	w.area = area
	return cmd, true
}

// Scroll draws the field anew: bubbles' own drawing scrolls what it draws.
func (w *writing) Scroll(width, h int) {
	w.area.SetWidth(width)
	w.area.SetHeight(h)
	w.area, _ = w.area.Update(nil)
	w.drawn = w.area.View()
}

func (w *writing) View(int, int) []string { return strings.Split(w.pen.say(w.drawn), "\n") }
