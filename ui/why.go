package ui

import (
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
)

// whyLines are what the failing pods of a component say: the line that tells best, with
// how often it was said and whether it is new; why it is not known; nil while nothing
// was read. No line is wider than w, and it is told as far as as says.
func (s *scope) whyLines(r *row, w int, as detailed) []string {
	p, of := s.pen, s.inc().SaidNow(r.c)
	switch {
	case of == nil:
		return nil
	case len(of.Lines) == 0 && of.Err != "":
		return paintAll(p.Warn, p.wrap("? "+of.Err, w, as.most))
	case len(of.Lines) == 0:
		return paintAll(p.Dim, p.wrap(incident.SaidNothing(of), w, as.most))
	}
	line := &of.Lines[0]
	note := incident.SaidNote(of, line)
	text := incident.SaidText(line)
	if as.brief && !line.New {
		return paintAll(p.Strong, p.wrap(text, w, as.most))
	}
	if len(p.wrap(text+"  "+note, w, 0)) == 1 {
		return []string{paint(p.Strong, p.say(text)) + paint(p.Dim, "  "+p.say(note))}
	}
	if lines := p.wrap(text, w, 0); as.most == 0 && ansi.StringWidth(lines[len(lines)-1]+"  "+p.say(note)) <= w {
		last := len(lines) - 1
		return append(paintAll(p.Strong, lines[:last:last]), paint(p.Strong, lines[last])+paint(p.Dim, "  "+p.say(note)))
	}
	// What is new about it must not be what is cut.
	return append(paintAll(p.Strong, p.wrap(text, w, min(as.most, 2))), paintAll(p.Dim, p.wrap(note, w, as.most))...)
}

// paintAll paints each line.
func paintAll(st ansi.Style, lines []string) []string {
	for n := range lines {
		lines[n] = paint(st, lines[n])
	}
	return lines
}
