package incident

import (
	"fmt"

	"rollbook/model"
)

// HeadlineKind says what a headline asks for. The zero value: what decides is not
// known, or only a person knows it.
type HeadlineKind int

// The kinds.
const (
	HeadUnknown HeadlineKind = iota
	HeadCalm                 // nothing is wrong as far as anybody knows
	HeadWatch
	HeadWithin
	HeadNow
	HeadNothing   // over its limit, and nothing was released that could be rolled back
	HeadAfter     // something was rolled back: what came of it
	HeadEnded     // the incident has ended
	HeadEndedOver // it has ended, but something is over its limit now
)

// Headline is the one sentence that Assess, Decide and rollbook status end in: the
// verdict, or from a write on what came of that, unless something else is urgent.
type Headline struct {
	Kind HeadlineKind
	Head string // "ROLL BACK NOW"
	How  string // how the incident ended, where Kind is HeadEnded or HeadEndedOver
	Text string // why; "" = there is nothing more to say
	Next string // what to do about it; "" = the verdict says it, or it is not known
	// After is how well the rollback has worked, where Kind is HeadAfter.
	After AfterState
	// Alert is the first that began to fire on a component, where Kind is HeadCalm; nil
	// = none did.
	Alert *model.Alert
}

// String returns the headline as a sentence.
func (h Headline) String() string {
	head := h.Head
	if h.How != "" {
		head += ": " + h.How
	}
	switch {
	case h.Text == "":
		return head
	case h.Alert != nil:
		return head + ", but " + h.Text
	case h.Kind == HeadEndedOver:
		return head + ", but now: " + h.Text
	}
	text := head + ": " + h.Text
	if h.Next != "" {
		text += "; " + h.Next
	}
	return text
}

// HeadlineOf returns the headline of a snapshot. v and why are those of VerdictOf,
// after is that of Afterwards, calm that of Calm. After the end of an incident nothing
// is asked for: it would have to be reopened first.
func HeadlineOf(s *Snapshot, v Verdict, why string, after After, calm bool) Headline {
	if end := s.Incident.End; end != nil {
		if over := OverNow(s); over != "" {
			return Headline{Kind: HeadEndedOver, Head: "ENDED", How: string(end.Outcome), Text: over}
		}
	}
	switch urgent := v == Now || v == Within10; {
	case after.State != AfterNothing && !urgent:
		return Headline{Kind: HeadAfter, Head: after.Head, Text: after.Text, After: after.State}
	case s.Incident.End != nil:
		return Headline{Kind: HeadEnded, Head: "ENDED", How: string(s.Incident.End.Outcome)}
	case calm:
		out := Headline{Kind: HeadCalm, Head: "NOTHING OVER ITS LIMIT"}
		for _, l := range s.Judgement().Lines {
			if a := l.Alert(); a != nil {
				out.Alert, out.Text = a, a.Name+" fires on "+l.Component.ID
				break
			}
		}
		return out
	}
	out := Headline{Head: v.Name(), Text: why}
	out.Kind = [...]HeadlineKind{YourCall: HeadUnknown, WatchClosely: HeadWatch, Within10: HeadWithin, Now: HeadNow}[v]
	if s.pointless(v) && !s.Incident.Verdict.Overruled {
		out.Kind, out.Head = HeadNothing, "NOTHING TO ROLL BACK" // an order that the next words take back is not one
		out.Next = s.lookFirst()
		return out
	}
	switch {
	case v == Now || v == Within10:
		out.Next = s.goBack()
	case v == YourCall && s.figuresUnknown():
		out.Next = "read its logs, ask who uses it, and answer yourself"
	}
	switch left, runs := s.Countdown(v); {
	case runs:
		sec := int(left.Seconds())
		out.Head += fmt.Sprintf(" (%d:%02d left, until %s)", sec/60, sec%60, clockTime(s.Incident.Verdict.Deadline))
	case v == Within10 && s.Incident.Verdict.Deadline.IsZero():
		out.Head += " (nothing runs yet; counted from the decision)"
	}
	return out
}

// figuresUnknown reports whether nobody knows or said if a figure is over its limit.
func (s *Snapshot) figuresUnknown() bool {
	j := s.Judgement()
	return j.kinds[TErrors].unknowns > 0 && s.Incident.Answers[QErrors].Answer == model.TriUnknown ||
		j.kinds[TP95].unknowns > 0 && s.Incident.Answers[QP95].Answer == model.TriUnknown
}

// Alert returns the first of the alerts about a component that did not always fire; nil
// when there is none.
func (l *Line) Alert() *model.Alert {
	if l.Figures == nil {
		return nil
	}
	for n := range l.Figures.Alerts {
		if a := &l.Figures.Alerts[n]; !a.Before {
			return a
		}
	}
	return nil
}
