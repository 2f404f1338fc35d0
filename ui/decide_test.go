package ui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// An answer contradicts a figure only where that is known, and its reason does not stand
// as a part of the figure.
func TestAnswerBesideAFigure(t *testing.T) {
	for name, tt := range map[string]struct {
		node   incident.Node
		reason string
		line   string
	}{
		"unknown":                {incident.Node{Answer: model.TriYes, Figure: model.TriUnknown, Text: "no series"}, "", "answered; the figure is unknown: no series"},
		"unknown, with a reason": {incident.Node{Answer: model.TriYes, Figure: model.TriUnknown, Text: "no series"}, "3", "“3”"},
		"against it":             {incident.Node{Answer: model.TriYes, Figure: model.TriNo, Text: "highest 0%"}, "", "against the figure"},
		"as it says":             {incident.Node{Answer: model.TriNo, Figure: model.TriNo, Text: "highest 0%"}, "", "highest 0%"},
	} {
		s := step(filled(), incident.Decision)
		tt.node.Question, tt.node.By = incident.QP95, "you"
		s.Incident.Answers = map[incident.Question]incident.Answer{incident.QP95: {Answer: tt.node.Answer, By: "you", Reason: tt.reason}}
		d := newDecide(&screen(t, fixture{snap: s}, 120, 40, dark).scope)
		if got := d.brief(tt.node); got != tt.line {
			t.Errorf("%s: %q, want %q", name, got, tt.line)
		}
	}
	// Through the page: y on a P95 that nobody knows asks for no reason to contradict it.
	s := step(filled(), incident.Decision)
	for id, f := range s.Seen.Figures {
		g := *f
		g.P95 = model.Figure{Now: model.Reading{Why: "no series"}}
		s.Seen.Figures[id] = &g
	}
	a := screen(t, fixture{snap: s}, 120, 40, dark)
	p := a.pages[incident.Decision].(*decide)
	p.at, p.moved = 1, true
	a.Frame()
	pressed(a, "y")
	frame := ansi.Strip(a.Frame())
	if !strings.Contains(frame, "Answer without a figure: P95 over 2s") || !strings.Contains(frame, "The figure is unknown: ") || strings.Contains(frame, "Overrule the figure") {
		t.Errorf("\n%s", frame)
	}
}
