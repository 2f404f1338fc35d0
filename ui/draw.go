package ui

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// pen draws with one set of styles; it knows whether the terminal takes UTF-8.
type pen struct {
	Styles
	look Look
	more string // what stands at the end of what is cut
}

func newPen(l Look) *pen {
	p := &pen{Styles: NewStyles(l), look: l}
	p.more = p.say("…")
	return p
}

// say maps text to what the terminal can show.
func (p *pen) say(s string) string {
	if p.look.ASCII {
		return plain(s)
	}
	return s
}

// fit cuts a line, styled or not, to w cells.
func (p *pen) fit(s string, w int) string {
	s = p.say(s)
	if w <= 0 {
		return ""
	}
	if len(s) <= w || ansi.StringWidth(s) <= w {
		return s
	}
	return ansi.Truncate(s, w, p.more)
}

// cell is text cut and padded to exactly w cells, in a style.
func (p *pen) cell(s string, w int, st ansi.Style) string {
	s = p.fit(s, w)
	return paint(st, s) + spaces(w-ansi.StringWidth(s))
}

// right is cell, flush right.
func (p *pen) right(s string, w int, st ansi.Style) string {
	s = p.fit(s, w)
	return spaces(w-ansi.StringWidth(s)) + paint(st, s)
}

// firstFit returns the first of some forms, the fullest first, that fits into w cells,
// else the last.
func (p *pen) firstFit(w int, forms ...string) string {
	for _, f := range forms {
		if ansi.StringWidth(p.say(f)) <= w {
			return f
		}
	}
	return forms[len(forms)-1]
}

// name is cell for names: what is too long loses its middle, because names of
// one release tell themselves apart at both ends.
func (p *pen) name(s string, w int, st ansi.Style) string {
	return p.cell(p.middle(s, w), w, st)
}

// middle cuts s to w cells in its middle.
func (p *pen) middle(s string, w int) string {
	s = p.say(s)
	n := ansi.StringWidth(s)
	if n <= w || w < 5 {
		return s
	}
	head := (w - 1) * 3 / 5
	return ansi.Truncate(s, head, "") + p.say("…") + ansi.TruncateLeft(s, n-(w-1-head), "")
}

// pad fills a styled line with blanks to w cells and cuts what is longer.
func (p *pen) pad(s string, w int) string {
	s = p.fit(s, w)
	return s + spaces(w-ansi.StringWidth(s))
}

// rule is a line across.
func (p *pen) rule(w int) string {
	return paint(p.Dim, strings.Repeat(p.say("─"), max(0, w)))
}

// heading is a rule with a title in it.
func (p *pen) heading(title string, w int) string {
	title = p.fit(title, w-2)
	n := w - ansi.StringWidth(title) - 2
	return " " + paint(p.Strong, title) + " " + p.rule(n)
}

// label is a line of a detail: a dim name in a column of its own, then text.
func (p *pen) label(name, text string) string {
	return " " + p.cell(name, 9, p.Dim) + text
}

// noBreak stands for "-" while a text is wrapped: names and options of commands
// must not be broken there, because half of one reads like another.
const noBreak = "\u2011"

// wrap breaks plain text at words to lines of at most w cells; at most n lines
// (0 = all), the last one cut.
func (p *pen) wrap(s string, w, n int) []string {
	if w <= 0 {
		return nil
	}
	lines := strings.Split(ansi.Wrap(strings.ReplaceAll(p.say(s), "-", noBreak), w, ""), "\n")
	for i := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimRight(lines[i], " "), noBreak, "-")
	}
	if n > 0 && len(lines) > n {
		lines[n-1] = p.fit(lines[n-1]+" "+lines[n], w)
		lines = lines[:n]
	}
	return lines
}

// block cuts or fills lines to exactly h, each to w cells at most.
func (p *pen) block(lines []string, w, h int) []string {
	out := make([]string, h)
	for i := range out {
		if i < len(lines) {
			out[i] = p.fit(lines[i], w)
		}
	}
	return out
}

// window says which n of the lines to show so that `at` is among them, moving
// as little as the top allows.
func window(top, at, n, h int) int {
	if h <= 0 {
		return 0
	}
	if at < top {
		top = at
	}
	if at >= top+h {
		top = at - h + 1
	}
	return max(0, min(top, n-h))
}

const blanks = "                                                                                                                                "

func spaces(n int) string {
	if n <= 0 {
		return ""
	}
	if n <= len(blanks) {
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
