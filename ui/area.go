package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// writing is an overlay in which a text of several lines is written, where no
// editor is named. All that is printed is text; esc keeps it and closes.
type writing struct {
	base
	title string
	keep  func(text string)

	lines    [][]rune
	row, col int
	top      int // first row on the screen
}

func newWriting(s *scope, title, text string, keep func(text string)) overlay {
	w := &writing{base: base{s}, title: title, keep: keep}
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		w.lines = append(w.lines, []rune(l))
	}
	return w
}

func (w *writing) Title() string            { return w.title }
func (w *writing) Size(x, y int) (int, int) { return x, y }
func (w *writing) Says() sentence {
	return sentence{calm, "The first line is the title. esc keeps what is written and closes; nothing is sent by that."}
}

func (w *writing) Keys() []Key {
	return []Key{{Keys: []string{"esc"}, Name: "keep and close", Help: "keep what is written and close; nothing is sent by that", Main: true, do: func() tea.Cmd {
		w.keep(w.text())
		return w.shut()
	}}}
}

func (w *writing) text() string {
	var b strings.Builder
	for _, l := range w.lines {
		b.WriteString(string(l))
		b.WriteByte('\n')
	}
	return b.String()
}

// paste takes text as it is, line by line.
func (w *writing) paste(text string) {
	for n, l := range strings.Split(clean(text), "\n") {
		if n > 0 {
			w.breakLine()
		}
		w.insert(l)
	}
}

// Update takes every key but those that leave, help or suspend.
func (w *writing) Update(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch msg.String() {
	case "esc", "f1", "ctrl+z":
		return nil, false
	case "enter":
		w.breakLine()
	case "up":
		w.to(w.row-1, w.col)
	case "down":
		w.to(w.row+1, w.col)
	case "pgup":
		w.to(w.row-10, w.col)
	case "pgdown":
		w.to(w.row+10, w.col)
	case "left":
		if w.col == 0 && w.row > 0 {
			w.to(w.row-1, len(w.lines[w.row-1]))
		} else {
			w.to(w.row, w.col-1)
		}
	case "right":
		if w.col == len(w.lines[w.row]) && w.row < len(w.lines)-1 {
			w.to(w.row+1, 0)
		} else {
			w.to(w.row, w.col+1)
		}
	case "home", "ctrl+a":
		w.to(w.row, 0)
	case "end", "ctrl+e":
		w.to(w.row, len(w.lines[w.row]))
	case "backspace", "ctrl+h":
		w.back()
	case "delete":
		if w.col < len(w.lines[w.row]) {
			w.col++
			w.back()
		} else if w.row < len(w.lines)-1 {
			w.to(w.row+1, 0)
			w.back()
		}
	case "ctrl+u":
		w.lines[w.row] = w.lines[w.row][w.col:]
		w.col = 0
	default:
		if msg.Text != "" && !msg.Mod.Contains(tea.ModCtrl) && !msg.Mod.Contains(tea.ModAlt) {
			w.insert(clean(msg.Text))
		}
	}
	return nil, true
}

func (w *writing) to(row, col int) {
	w.row = max(0, min(len(w.lines)-1, row))
	w.col = max(0, min(len(w.lines[w.row]), col))
}

func (w *writing) insert(s string) {
	l := w.lines[w.row]
	w.lines[w.row] = append(l[:w.col:w.col], append([]rune(s), l[w.col:]...)...)
	w.col += len([]rune(s))
}

func (w *writing) breakLine() {
	l := w.lines[w.row]
	rest := append([]rune(nil), l[w.col:]...)
	w.lines[w.row] = l[:w.col:w.col]
	w.lines = append(w.lines[:w.row+1:w.row+1], append([][]rune{rest}, w.lines[w.row+1:]...)...)
	w.to(w.row+1, 0)
}

func (w *writing) back() {
	switch l := w.lines[w.row]; {
	case w.col > 0:
		w.lines[w.row] = append(l[:w.col-1:w.col-1], l[w.col:]...)
		w.col--
	case w.row > 0:
		before := w.lines[w.row-1]
		w.lines = append(w.lines[:w.row-1:w.row-1], append([][]rune{append(before[:len(before):len(before)], l...)}, w.lines[w.row+1:]...)...)
		w.to(w.row-1, len(before))
	}
}

// View wraps lines that are longer than the screen, at any sign: the cursor is
// where it is.
func (w *writing) View(width, h int) []string {
	p := w.pen
	width = max(4, width-2)
	var out []string
	at := 0
	for n, l := range w.lines {
		line, used := "", 0
		for k, r := range append(l[:len(l):len(l)], ' ') {
			s := p.say(string(r))
			cells := ansi.StringWidth(s)
			if used+cells > width {
				out, line, used = append(out, " "+line), "", 0
			}
			switch {
			case n == w.row && k == w.col:
				at = len(out)
				line += paint(p.Cursor, s)
			case n == 0:
				line += paint(p.Strong, s)
			default:
				line += s
			}
			used += cells
		}
		out = append(out, " "+line)
	}
	w.top = window(w.top, at, len(out), h)
	return out[w.top:min(len(out), w.top+h)]
}
