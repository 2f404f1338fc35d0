package ui

import (
	"fmt"
	"strings"

	"rollbook/model"
)

// changeLines are the differences between two templates: one a line, two where a
// line has no room for both ends. left more are not on the list.
func (s *scope) changeLines(list []model.Change, left, w, room int) []string {
	p := s.pen
	if len(list)+left == 0 {
		return []string{"   no difference in the template"}
	}
	var out []string
	narrow := w < 70
	for i, ch := range list {
		if len(out) >= room-1 && i+1 < len(list)+left || room < 1 {
			return append(out, s.moreChanges(len(list)-i+left))
		}
		if style, own := ownLine(p, ch.Kind); own {
			out = append(out, p.hang("   "+p.cell(ch.Kind, 10, p.Dim)+" ", ch.What, w, 0, style)...)
			continue
		}
		ch = shortChange(ch)
		half := max(10, (w-36)/2)
		if narrow {
			half = max(10, (w-8)/2)
		}
		var text string
		switch {
		case ch.From == "" && ch.To == "":
			text = "changed"
		case ch.From == "" && ch.To == model.Literal:
			text = "set again (value hidden)"
		case ch.From == "":
			text = "set again: " + p.middle(ch.To, 2*half-8)
		case ch.To == "" && ch.From == model.Literal:
			text = "removed"
		case ch.To == "":
			text = "removed: " + p.middle(ch.From, 2*half-6)
		case ch.From == model.Literal && ch.To == model.LiteralChanged:
			text = "value changes (hidden)"
		default:
			text = p.middle(ch.From, half) + " → " + p.middle(ch.To, half)
		}
		if narrow {
			out = append(out, "   "+paint(p.Dim, p.say(ch.Kind))+" "+p.middle(ch.What, max(10, w-6-len(ch.Kind))), "     "+p.fit(text, w-5))
			continue
		}
		if ch.What == "" {
			out = append(out, p.hang("   "+p.cell(ch.Kind, 10, p.Dim)+" ", text, w, 0, p.Plain)...)
			continue
		}
		out = append(out, "   "+p.cell(ch.Kind, 10, p.Dim)+" "+p.name(ch.What, 18, p.Plain)+" "+p.fit(text, w-32))
	}
	if left > 0 {
		out = append(out, s.moreChanges(left))
	}
	return out
}

// releasedLines tell what the release of a component changed, as its history was read
// last: of what is in a pod's template, what was added, removed and set to another value.
func (s *scope) releasedLines(r *row, w int) []string {
	p, x := s.pen, s.inc().Released(r.c.ID)
	if x == nil {
		return nil
	}
	out := []string{p.heading(x.To.Name()+" changed, against "+x.From.Name(), w)}
	for _, ch := range x.Changes {
		ch = shortChange(ch)
		was, is := ch.To, ch.From // the history tells the way back
		sign, style, text := "~", p.Plain, was+" → "+is
		switch {
		case was == is || was == model.LiteralChanged:
			text = "another value (hidden)"
		case was == "":
			sign, style, text = "+", p.Good, is
		case is == "":
			sign, style, text = "-", p.Bad, was
		}
		if text == model.Literal {
			text = "(value hidden)"
		}
		out = append(out, p.hang(" "+paint(style, sign)+" ", strings.TrimSpace(ch.Kind+" "+ch.What)+"  "+text, w, 0, p.Plain)...)
	}
	if x.Left > 0 {
		out = append(out, s.moreChanges(x.Left))
	}
	return out
}

// moreChanges says how many changes are not shown, and where they are.
func (s *scope) moreChanges(n int) string {
	return paint(s.pen.Dim, s.pen.say(fmt.Sprintf("   … %d more", n)+s.keyed("; d on Choose shows the full diff")))
}

// ownLine says of a kind of change that what it is about says all of it, and its style.
func ownLine(p *pen, kind string) (style []string, own bool) {
	switch kind {
	case "DROP":
		return p.Bad, true
	case "sql":
		return p.Plain, true
	case "migration":
		return p.Strong, true
	}
	return nil, false
}

// shortChange leaves out the repository where both images are of the same: what differs
// is the tag.
func shortChange(ch model.Change) model.Change {
	if from, to, ok := versions(ch); ok && strings.TrimSuffix(ch.From, from) == strings.TrimSuffix(ch.To, to) {
		ch.From, ch.To = from, to
	}
	return ch
}
