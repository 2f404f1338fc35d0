package ui

import (
	"rollbook/incident"
	"rollbook/model"
)

// sinceLine says when it began, which is what the stopwatch in the first line counts from.
func (s *scope) sinceLine(t *sheet) {
	i := s.inc()
	if i.Onset.IsZero() {
		return
	}
	text := i.Onset.UTC().Format("15:04:05 UTC")
	if name := i.OnsetName(); name != "the onset" {
		text += ", " + name
	}
	if i.Verified.IsZero() && i.Closed.IsZero() {
		text += " (" + age(s.snap.Now, i.Onset) + " ago)"
	}
	t.say("since", "", s.pen.Plain, s.pen.Strong, text)
}

// backLine says what a component should go back to, why, what makes that doubtful, and why
// not to what ran between.
func (s *scope) backLine(r *row, t *sheet, as detailed) {
	w := s.snap.WayBack(r.c.ID)
	if w == nil || s.d.calm {
		return
	}
	p := s.pen
	if w.To.IsZero() {
		t.say("back to", "? ", p.Warn, p.Plain, "no earlier version is known to be good")
		return
	}
	t.say("back to", "", p.Plain, p.Good, w.To.Name()+" "+w.Why)
	for _, x := range w.Doubts {
		text := x.String()
		if as.brief {
			text = x.Text
		}
		t.say("", "⚠ ", p.Warn, p.Plain, text)
	}
	for _, x := range w.Passed {
		t.say("", "✗ ", p.Bad, p.Plain, "not "+x.Version.Name()+": "+x.Why)
	}
}

// alsoMost is how many of the other components that fail stand beside one.
const alsoMost = 2

// alsoLines say of the other components that fail what is wrong with them, what they say,
// and whether they were released.
func (s *scope) alsoLines(r *row, t *sheet) {
	n := 0
	for _, o := range s.d.rows {
		if o == r || o.rank > rankFailing {
			continue
		}
		if n++; n > alsoMost {
			continue
		}
		t.say([]string{"also", ""}[n-1], "✗ ", s.pen.Bad, s.pen.Plain, s.also(o))
	}
	if n > alsoMost {
		t.add("", model.Plural(n-alsoMost, "more component")+" failing")
	}
}

// also tells of another component that fails what the board does not: what it says, and
// what it has to do with it.
func (s *scope) also(o *row) string {
	text := o.c.ID + ": "
	switch said := s.inc().SaidNow(o.c); {
	case said != nil && len(said.Lines) > 0:
		text += incident.SaidText(&said.Lines[0])
	case o.fails():
		text += "its pods fail"
	default:
		text += "over its limit"
	}
	for _, x := range s.d.suspects {
		switch {
		case x.Component != o.c.ID:
		case x.Later():
			return text + "; " + x.Version.Name() + " came " + x.Distance(s.inc())
		default:
			return text
		}
	}
	return text + "; it did not change in the hour before"
}
