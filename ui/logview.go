package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// shortRows is how many rows a line of a log gets, unless whole lines are asked for.
const shortRows = 3

// levelWords are the levels as the column has them.
var levelWords = map[string]string{"error": "ERROR", "warn": "WARN", "info": "info", "debug": "debug"}

// The columns before a line's text.
const (
	logTime  = len("15:04:05 ")
	logLevel = len("ERROR ")
)

// Part is the pager's below the search, which does not scroll away.
func (l *logs) Part(w, h int) (lines []string, hidden string) {
	if !l.searched() {
		return l.pager.Part(w, h)
	}
	p := l.pen
	lines, hidden = l.pager.Part(w, h-1)
	head := " " + paint(p.Strong, "/") + l.search.view(p, min(40, w-26)) + "  " + l.tally()
	return append([]string{head}, lines...), hidden
}

// Scroll leaves a line for the search.
func (l *logs) Scroll(w, h int) {
	if l.searched() {
		h--
	}
	l.pager.Scroll(w, h)
}

func (l *logs) searched() bool { return l.searching || l.found != "" }

func (l *logs) draw(w int) []string {
	lines, _ := l.rows(w)
	return lines
}

// rows draws the log, and says where each of its lines begins.
func (l *logs) rows(w int) (out []string, starts []int) {
	p := l.pen
	switch {
	case l.viewer == nil:
		return []string{"", " This session cannot read logs."}, nil
	case !l.got.ready || l.got.err != "" || len(l.got.log) == 0:
		return l.got.view(p, w, "log"), nil
	}
	second := ""
	for n := range l.got.log {
		line := &l.got.log[n]
		starts = append(starts, len(out))
		head, at := spaces(logTime), line.At.UTC().Format("15:04:05")
		switch {
		case line.At.IsZero():
		case at != second: // it is said once a second, so that the eye finds it
			head, second = paint(p.Dim, at+" "), at
		}
		style, level := l.level(line.Level)
		mark := " "
		if l.found != "" && n == l.match {
			mark = paint(p.Strong, p.say("▸"))
		}
		out = append(out, l.line(line, mark+head+level, style, w)...)
	}
	return out, starts
}

// level returns how a line's level is shown. Only what is wrong has a colour, and the
// word stands beside it.
func (l *logs) level(name string) (style ansi.Style, word string) {
	p := l.pen
	word = levelWords[name]
	word += spaces(logLevel - len(word))
	switch name {
	case "error":
		return p.Strong, paint(p.Bad, word)
	case "warn":
		return p.Plain, paint(p.Warn, word)
	case "debug":
		return p.Dim, paint(p.Dim, word)
	}
	return p.Plain, paint(p.Dim, word)
}

// line draws one line behind its head.
func (l *logs) line(line *model.LogLine, head string, style ansi.Style, w int) (out []string) {
	p := l.pen
	const indent = 1 + logTime + logLevel
	most, rest := shortRows, 1
	if l.whole {
		most, rest = 0, 0
	}
	for _, part := range p.wrap(strings.ReplaceAll(line.Text, "\t", "  "), w-indent-1, most) {
		out = append(out, head+l.marked(part, style))
		head = spaces(indent)
	}
	if line.Rest != "" {
		for _, part := range p.wrap(line.Rest, w-indent-1, rest) {
			out = append(out, spaces(indent)+l.marked(part, p.Dim))
		}
	}
	return out
}

// marked paints a text with what is searched for in reverse.
func (l *logs) marked(s string, style ansi.Style) string {
	if l.found == "" {
		return paint(style, s)
	}
	var b strings.Builder
	for low := strings.ToLower(s); ; {
		at := strings.Index(low, l.found)
		if at < 0 || len(low) != len(s) { // a letter whose lower case is longer: nothing is cut in two
			b.WriteString(paint(style, s))
			return b.String()
		}
		end := at + len(l.found)
		b.WriteString(paint(style, s[:at]))
		b.WriteString(paint(l.pen.Cursor, s[at:end]))
		s, low = s[end:], low[end:]
	}
}

// matches reports whether a line holds what is searched for.
func (l *logs) matches(n int) bool {
	line := &l.got.log[n]
	return strings.Contains(strings.ToLower(line.Text+" "+line.Rest), l.found)
}

// unmatched says why there is no next match.
func (l *logs) unmatched(*incident.Snapshot) string {
	switch {
	case l.found == "":
		return "nothing is searched for: / searches"
	case !l.matchesAny():
		return "no line matches " + strings.TrimSpace(l.search.String())
	}
	return ""
}

// matchesAny reports whether any line matches. The newest is looked at first: there a
// search begins.
func (l *logs) matchesAny() bool {
	for n := len(l.got.log) - 1; n >= 0; n-- {
		if l.matches(n) {
			return true
		}
	}
	return false
}

// tally says how many lines match, and which of these it is at.
func (l *logs) tally() string {
	p := l.pen
	if l.found == "" || !l.got.ready {
		return ""
	}
	at, all := 0, 0 // how many match up to where it is, and at all
	for n := range l.got.log {
		if l.matches(n) {
			all++
			if n <= l.match {
				at = all
			}
		}
	}
	if all == 0 {
		return paint(p.Warn, "no line matches")
	}
	return paint(p.Dim, "match "+itoa(int64(at))+" of "+itoa(int64(all)))
}

// find goes to the newest line that holds what was typed.
func (l *logs) find() {
	l.found = strings.ToLower(l.search.String())
	for n := len(l.got.log) - 1; n >= 0 && l.found != ""; n-- {
		if l.matches(n) {
			l.goTo(n)
			return
		}
	}
	l.pager.end = true
}

// next goes to the next line that matches, or the one before, and on from the other end.
func (l *logs) next(by int) tea.Cmd {
	all := len(l.got.log)
	for n := 1; n <= all; n++ {
		if at := ((l.match+by*n)%all + all) % all; l.matches(at) {
			l.goTo(at)
			break
		}
	}
	return nil
}

// goTo brings a line into the middle.
func (l *logs) goTo(n int) {
	l.match = n
	lines, starts := l.rows(l.w)
	if n < len(starts) {
		last := max(0, len(lines)-l.h)
		l.top = max(0, min(last, starts[n]-l.h/2))
		l.end = l.top == last
	}
}

// stay keeps the match in view when the lines get another height.
func (l *logs) stay() tea.Cmd {
	if l.found != "" && l.match < len(l.got.log) {
		l.goTo(l.match)
	}
	return nil
}
