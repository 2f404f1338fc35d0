package ui

import (
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
)

// whyLines are what the failing pods of a component say: the line that tells best, with
// how often it was said and whether it is new; why it is not known; nil while nothing
// was read. No line is wider than w.
func (s *scope) whyLines(r *row, w int) []string {
	p, of := s.pen, s.inc().SaidNow(r.c)
	switch {
	case of == nil:
		return nil
	case len(of.Lines) == 0 && of.Err != "":
		return paintAll(p.Warn, p.wrap("? "+of.Err, w, 3))
	case len(of.Lines) == 0:
		return paintAll(p.Dim, p.wrap(incident.SaidNothing(of), w, 2))
	}
	line := &of.Lines[0]
	note := incident.SaidNote(of, line)
	out := p.wrap(incident.SaidText(line)+"  "+note, w, 2)
	if len(out) > 1 { // what is new about it must not be what is cut
		out = append(p.wrap(incident.SaidText(line), w, 2), note)
		out = paintAll(p.Strong, out)
		out[len(out)-1] = paint(p.Dim, p.fit(note, w))
		return out
	}
	text := p.say(incident.SaidText(line))
	return []string{paint(p.Strong, text) + paint(p.Dim, "  "+p.say(note))}
}

// paintAll paints each line.
func paintAll(st ansi.Style, lines []string) []string {
	for n := range lines {
		lines[n] = paint(st, lines[n])
	}
	return lines
}
