package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

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

// Assess and Decide end in the same sentence; Decide marks a verdict that was overruled
// behind its head, before anything was rolled back, and never what is no verdict.
func TestTheSentenceThatBothPagesEndIn(t *testing.T) {
	some := incident.AfterNoBetter
	for name, tt := range map[string]struct {
		head   incident.Headline
		after  incident.AfterState
		over   bool // the verdict is overruled
		closed bool
		level  level
		assess string
		decide string // "" = the same
	}{
		"as the tree says":  {incident.Headline{Kind: incident.HeadNow, Head: "ROLL BACK NOW", Text: "errors: 12%"}, 0, false, false, alarm, "ROLL BACK NOW: errors: 12%", ""},
		"now":               {incident.Headline{Kind: incident.HeadNow, Head: "ROLL BACK NOW", Text: "overruled from “x”: why"}, 0, true, false, alarm, "ROLL BACK NOW: overruled from “x”: why", "ROLL BACK NOW (overruled): overruled from “x”: why"},
		"now, once written": {incident.Headline{Kind: incident.HeadNow, Head: "ROLL BACK NOW", Text: "x"}, some, true, false, alarm, "ROLL BACK NOW: x", ""},
		"within":            {incident.Headline{Kind: incident.HeadWithin, Head: "WITHIN 10 (7:12 left)", Text: "x"}, 0, true, false, bad, "WITHIN 10 (7:12 left): x", "WITHIN 10 (7:12 left) (overruled): x"},
		"watch":             {incident.Headline{Kind: incident.HeadWatch, Head: "WATCH CLOSELY", Text: "x"}, 0, true, false, calm, "WATCH CLOSELY: x", "WATCH CLOSELY (overruled): x"},
		"unknown":           {incident.Headline{Head: "YOUR CALL", Text: "x"}, 0, true, false, warn, "YOUR CALL: x", "YOUR CALL (overruled): x"},
		"no better":         {incident.Headline{Kind: incident.HeadAfter, Head: "NO BETTER", Text: "x", After: some}, some, true, false, bad, "NO BETTER: x", ""},
		"worse":             {incident.Headline{Kind: incident.HeadAfter, Head: "WORSE", Text: "x", After: incident.AfterWorse}, incident.AfterWorse, true, false, alarm, "WORSE: x", ""},
		"settling":          {incident.Headline{Kind: incident.HeadAfter, Head: "ROLLED BACK", Text: "x", After: incident.AfterSettling}, incident.AfterSettling, true, false, calm, "ROLLED BACK: x", ""},
		"ended":             {headEnded(incident.HeadEnded, ""), 0, true, true, calm, "ENDED: healed", "ENDED (overruled): healed"},
		"ended, not closed": {headEnded(incident.HeadEnded, ""), 0, true, false, calm, "ENDED: healed (x reopens it)", "ENDED (overruled): healed (x reopens it)"},
		"ended, over":       {headEnded(incident.HeadEndedOver, "x"), 0, true, false, bad, "ENDED: healed (x reopens it), but now: x", "ENDED (overruled): healed (x reopens it), but now: x"},
		"ended, written":    {headEnded(incident.HeadEndedOver, "x"), some, true, true, bad, "ENDED: healed, but now: x", ""},
		"calm":              {incident.Headline{Kind: incident.HeadCalm, Head: "NOTHING"}, 0, false, false, calm, "NOTHING · if users report something: 2, D3", ""},
		"an alert": {incident.Headline{Kind: incident.HeadCalm, Head: "NOTHING", Text: "Slow fires on api", Alert: &model.Alert{Since: ago(3 * time.Minute)}}, 0, false, false, warn,
			"NOTHING, but Slow fires on api for 3m · if users report something: 2, D3", ""},
	} {
		a := screen(t, fixture{snap: opened()}, 120, 40, dark)
		if a.d.headline, a.d.after.State, a.snap.Incident.Verdict.Overruled = tt.head, tt.after, tt.over; tt.closed {
			a.snap.Incident.Closed = now
		}
		want := sentence{tt.level, tt.assess}
		if got := newAssess(&a.scope).Says(); got != want {
			t.Errorf("%s: Assess %v, want %v", name, got, want)
		}
		want.text = nonEmpty(tt.decide, tt.assess)
		if got := newDecide(&a.scope).Says(); got != want {
			t.Errorf("%s: Decide %v, want %v", name, got, want)
		}
	}
}

// Only the operator is asked what only the operator can know: not what the cluster says
// already.
func TestAskedIsOnlyWhatNobodyKnows(t *testing.T) {
	const asks = "only you can know"
	for name, tt := range map[string]struct {
		change func(s *incident.Snapshot)
		mark   string
		want   bool
	}{
		"nobody knows": {func(*incident.Snapshot) {}, "? unknown", true},
		"the cluster says yes": {func(s *incident.Snapshot) {
			s.Incident.Triggers = []incident.Trigger{{Component: "backend-python", Kind: incident.TNoPod, Onset: s.Incident.Onset, At: s.Incident.Detected, Text: "no ready pod of backend-python for 7m"}}
		}, "● YES", false},
		"the operator said yes": {func(s *incident.Snapshot) {
			s.Incident.Answers = map[incident.Question]incident.Answer{incident.QCritical: {Answer: model.TriYes, By: "maria", At: ago(time.Minute)}}
		}, "● YES", false},
	} {
		s := opened()
		s.Incident.Triggers = nil
		for id, f := range s.Seen.Figures { // nothing else decides
			g := *f
			g.Errors, g.P95 = s.Seen.Figures["frontend"].Errors, s.Seen.Figures["frontend"].P95
			s.Seen.Figures[id] = &g
		}
		tt.change(s)
		a := screen(t, fixture{snap: s}, 120, 40, dark)
		p := a.pages[incident.Decision].(*decide)
		p.at, p.moved = slices.IndexFunc(a.d.nodes, func(n incident.Node) bool { return n.Question == incident.QCritical }), true
		frame := ansi.Strip(a.Frame())
		line := frame[strings.Index(frame, "▸ "):]
		line, _, _ = strings.Cut(line[strings.Index(line, "D3"):], "\n")
		if strings.Contains(frame, asks) != tt.want || !strings.Contains(line, tt.mark) {
			t.Errorf("%s: %q, and it asks: %v\n%s", name, line, !tt.want, frame)
		}
	}
}

// The mark stands on the question that decides, until the operator moves it; where none
// does, on what only the operator can answer.
func TestTheMarkIsOnWhatDecides(t *testing.T) {
	stuck := []incident.Trigger{{Component: "backend-python", Kind: incident.TStuck, Onset: ago(3 * time.Minute), At: ago(3 * time.Minute), Text: "stuck"}}
	for name, tt := range map[string]struct {
		triggers []incident.Trigger
		want     incident.Question
	}{
		"errors":         {opened().Incident.Triggers, incident.QErrors},
		"a rollout":      {stuck, incident.QSLO},
		"nothing is bad": {nil, incident.QCritical},
	} {
		s := opened()
		s.Incident.Triggers = tt.triggers
		for id, f := range s.Seen.Figures {
			g := *f
			g.Errors, g.P95 = s.Seen.Figures["frontend"].Errors, s.Seen.Figures["frontend"].P95
			s.Seen.Figures[id] = &g
		}
		a := screen(t, fixture{snap: s}, 120, 40, dark)
		marked := func() incident.Question { return a.pages[incident.Decision].(*decide).node().Question }
		a.derive()
		if got := marked(); got != tt.want {
			t.Errorf("%s: marked is %s, want %s", name, got, tt.want)
		}
		pressed(a, "up")
		pressed(a, "up")
		pressed(a, "up")
		pressed(a, "down")
		if got := marked(); got != incident.QP95 {
			t.Errorf("%s: moved to %s", name, got)
		}
		a.derive()
		if got := marked(); got != incident.QP95 {
			t.Errorf("%s: the mark went back to %s", name, got)
		}
	}
}

// headEnded is the headline of an incident that healed by itself.
func headEnded(kind incident.HeadlineKind, over string) incident.Headline {
	return incident.Headline{Kind: kind, Head: "ENDED", How: "healed", Text: over}
}
