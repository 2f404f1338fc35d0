package ui

import "rollbook/model"

// The smallest screen on which the pages can be read, from which width on detail
// stands at the right, and from which on there is a third column.
const (
	minWidth, minHeight = 60, 16
	wideWidth           = 120
	widestWidth         = 180
)

// widths are the columns of a screen, with the lines between them: one, from wideWidth
// on two, on the widest three.
func widths(w int) []int {
	switch {
	case w < wideWidth:
		return []int{w}
	case w < widestWidth:
		left := w * 9 / 16
		return []int{left, w - left - 3}
	}
	left, mid := w*9/20, w*11/40
	return []int{left, mid, w - left - mid - 6}
}

// beside puts two blocks next to each other, with a line between them.
func (p *pen) beside(left, right []string, lw, w, h int) []string {
	return p.side([][]string{left, right}, []int{lw, w - lw - 3}, h)
}

// side puts blocks of some widths next to each other, with lines between them.
func (p *pen) side(blocks [][]string, widths []int, h int) []string {
	bar := paint(p.Dim, p.say(" │ "))
	out := make([]string, h)
	for n, lines := range blocks {
		for i, l := range p.block(lines, widths[n], h) {
			if n > 0 {
				out[i] += bar
			}
			if n < len(blocks)-1 {
				l = p.pad(l, widths[n])
			}
			out[i] += l
		}
	}
	return out
}

// aside draws what happened lately: the events of the component in focus, and the
// timeline with its newest line at the bottom.
func (s *scope) aside(w, h int) []string {
	p := s.pen
	var mine []model.Event
	for _, e := range s.snap.Seen.Events {
		if e.Component == s.focus {
			mine = append(mine, e)
		}
	}
	half := h / 2
	out := []string{p.heading("events of "+p.middle(s.focus, w/2), w)}
	if len(mine) == 0 {
		out = append(out, "   none seen")
	} else {
		lines := s.eventLines(mine[max(0, len(mine)-half):], w)
		out = append(out, lines[max(0, len(lines)-half+1):]...)
	}
	return append(out, s.lately(w, h-len(out))...)
}

// lately draws the timeline's end in h lines: of the newest entries so many as have room
// whole.
func (s *scope) lately(w, h int) []string {
	if h < 1 {
		return nil
	}
	out := []string{s.pen.heading("timeline", w)}
	if len(s.inc().Timeline) == 0 {
		return append(out, "   nothing yet: the incident is not opened")
	}
	all := s.inc().Timeline
	var lines []string
	for n := len(all) - 1; n >= 0; n-- {
		entry := s.entryLines(all[n], w, true)
		if len(lines)+len(entry) > h-1 && len(lines) > 0 {
			break
		}
		lines = append(entry, lines...)
	}
	return append(out, lines[:min(len(lines), h-1)]...)
}
