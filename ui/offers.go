package ui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// offers are the incidents of earlier runs that were not closed: one is taken up,
// closed as abandoned, or they are left as they are.
type offers struct {
	base
	at, top int
}

func newOffers(s *scope) overlay { return &offers{base: base{s}} }

// offer opens the list once, when several or old incidents are there at the
// start.
func (a *App) offer() bool {
	if a.offered || len(a.snap.Seen.Open) == 0 || a.inc().ID != "" {
		return false
	}
	a.offered = true
	a.open(newOffers(&a.scope))
	return true
}

func (o *offers) Title() string { return "Open incidents of earlier runs" }

// Follow closes the list when nothing is left to decide.
func (o *offers) Follow() {
	o.at = max(0, min(len(o.list())-1, o.at))
	if n := len(o.over); n > 0 && o.over[n-1] == overlay(o) && (o.inc().ID != "" || o.snap.Seen.Resuming != "" || len(o.list()) == 0 && len(o.snap.Seen.Trouble) == 0) {
		o.shut()
	}
}

func (o *offers) list() []incident.OpenIncident { return o.snap.Seen.Open }

func (o *offers) marked() *incident.OpenIncident {
	if o.at >= len(o.list()) {
		return nil
	}
	return &o.list()[o.at]
}

func (o *offers) Keys() []Key {
	off := func(*incident.Snapshot) string {
		if o.marked() == nil {
			return "there is none"
		}
		return ""
	}
	return []Key{
		{Keys: []string{"enter"}, Name: "take up", Help: "go on with the marked incident where it stands", Main: true, Quiet: true, Acts: true, Disabled: off,
			do: func() tea.Cmd { return o.send(incident.TakeUp{ID: o.marked().ID}) }},
		{Keys: []string{"x"}, Name: "abandon", Help: "close the marked incident as abandoned, with a reason that its journal keeps", Acts: true, Disabled: off, do: o.abandon},
		o.closeKey("leave them", "leave them as they are; O shows them again"),
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the incident above", Hide: true, do: func() tea.Cmd { return o.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the incident below", Hide: true, do: func() tea.Cmd { return o.move(1) }},
	}
}

func (o *offers) move(by int) tea.Cmd {
	o.at = max(0, min(len(o.list())-1, o.at+by))
	return nil
}

func (o *offers) abandon() tea.Cmd {
	m := *o.marked()
	text := []string{"It was opened by " + nonEmpty(m.Operator, "somebody") + " and stands at " + m.Step.Name() + ". Nothing in the cluster is changed by this."}
	if len(m.Owes) > 0 {
		text = append(text, "It switched off and did not put back: "+strings.Join(m.Owes, ", ")+".")
	}
	return o.ask(dialog{title: "Close as abandoned: " + m.ID, typed: true, prompt: "why", yes: "abandon", quiet: true,
		text: text,
		act:  func(_ int, reason string) tea.Cmd { return o.send(incident.Abandon{ID: m.ID, Reason: reason}) }})
}

func (o *offers) Says() sentence {
	switch n := len(o.list()); n {
	case 0:
		return sentence{warn, "Some journals cannot be read; nothing else is open."}
	case 1:
		return sentence{warn, "One incident was not closed. Take it up, abandon it, or leave it."}
	default:
		return sentence{warn, fmt.Sprintf("%d incidents were not closed. Take one up, abandon what is over, or leave them.", n)}
	}
}

func (o *offers) Size(w, h int) (int, int) {
	return w, min(h, max(8, 3*len(o.list())+len(o.trouble(w-4))+4))
}

// troublePart is as much of what could not be read as there is room for.
func (o *offers) troublePart(w, h int) []string {
	trouble := o.trouble(w - 2)
	if n := max(4, h-1-3*len(o.list())); len(trouble) > n {
		more := fmt.Sprintf("   … %d more lines of journals that cannot be read", len(trouble)-n+1)
		return append(trouble[:n-1:n-1], paint(o.pen.Dim, more))
	}
	return trouble
}

// visible says which of the incidents are shown above so many other lines: from
// which on, and how many.
func (o *offers) visible(h, trouble int) (top, n int) {
	n = max(1, (h-1-trouble)/3)
	return window(o.top, o.at, len(o.list()), n), n
}

// Scroll keeps the marked incident in view.
func (o *offers) Scroll(w, h int) { o.top, _ = o.visible(h, len(o.troublePart(w, h))) }

func (o *offers) View(w, h int) []string {
	p := o.pen
	trouble := o.troublePart(w, h)
	top, room := o.visible(h, len(trouble))
	out := []string{""}
	for n := top; n < min(len(o.list()), top+room); n++ {
		m := &o.list()[n]
		mark, name := "   ", p.Plain
		if n == o.at {
			mark, name = paint(p.Note, p.say(" ▸ ")), p.Note
		}
		out = append(out, mark+paint(name, p.middle(m.ID, w-4)))
		opened := "at an unknown time"
		if !m.Opened.IsZero() {
			opened = m.Opened.UTC().Format("2006-01-02 15:04 UTC")
		}
		text := fmt.Sprintf("%s, at %d %s, by %s, opened %s", nonEmpty(m.Component, "no component yet"), m.Step+1, m.Step.Name(),
			nonEmpty(m.Operator, "nobody named"), opened)
		out = append(out, "     "+p.fit(text, w-6))
		look, state := p.Dim, "touched "+age(o.snap.Now, m.Touched)+" ago"
		if m.Abandoned {
			look, state = p.Warn, "⚠ untouched for "+age(o.snap.Now, m.Touched)+": abandoned?"
		}
		if m.Damage != "" {
			look, state = p.Bad, "✗ damaged: "+m.Damage
		}
		if len(m.Owes) > 0 {
			look, state = p.Bad, "✗ untouched for "+age(o.snap.Now, m.Touched)+", not put back: "+strings.Join(m.Owes, ", ")
		}
		out = append(out, "     "+paint(look, p.fit(p.say(state), w-6)))
	}
	return append(out, trouble...)
}

// trouble is what could not be read, each in words.
func (o *offers) trouble(w int) []string {
	p := o.pen
	var out []string
	for _, t := range o.snap.Seen.Trouble {
		for k, l := range p.wrap(t, w-5, 0) {
			head := paint(p.Warn, p.say(" ✗ "))
			if k > 0 {
				head = "   "
			}
			out = append(out, head+l)
		}
	}
	return out
}
