package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// notices are what stands on every page until it is dealt with: whom to call,
// and who else is on it; the session's own come first.
func (s *scope) notices() []sentence {
	var out []sentence
	if f := s.session.notices; f != nil {
		out = append(out, f(s)...)
	}
	if id := s.snap.Seen.Resuming; id != "" {
		out = append(out, sentence{warn, "Taking up " + id + ": keys count again when it is there."})
	}
	if n := len(s.snap.Seen.Trouble); n > 0 && s.inc().ID == "" {
		text := "An open incident may be hidden: " + s.snap.Seen.Trouble[0]
		if n > 1 {
			text += fmt.Sprintf("; and %d more", n-1)
		}
		out = append(out, sentence{bad, text + s.keyed(" (O shows all)")})
	}
	for _, id := range s.leaseIDs() {
		to, lost := s.inc().LeaseLost[id]
		l := s.snap.Seen.Leases[id]
		switch {
		case lost:
			text := fmt.Sprintf("LEASE LOST: %s took %s over", who(to.Holder), id)
			if !to.Since.IsZero() {
				text += " at " + to.Since.UTC().Format("15:04:05 UTC")
			}
			out = append(out, sentence{alarm, text + s.keyed(". You can look on; T takes it back")})
		case l.Other() && s.inc().Step != incident.Confirm: // there it is a line of the preflight, and the sentence
			out = append(out, sentence{warn, "Looking on: " + leaseWords(s.snap, id) + s.keyed(". T takes it over")})
		}
	}
	out = append(out, s.owedNotices()...)
	if i := s.inc(); s.reminder != "" && i.Step == incident.Assess && i.ID == "" && len(i.Triggers) == 0 && i.Settings.Drill == nil {
		out = append(out, sentence{calm, s.reminder})
	}
	for _, e := range s.inc().Calls() {
		out = append(out, sentence{alarm, "CALL: " + e.Who + ": " + e.Text + s.keyed(". E answers")})
	}
	return out
}

// remindAfter leaves processor and disk to the first frames, and to the search for open
// incidents.
const remindAfter = 2 * time.Second

// remindedMsg says what the team has to do between incidents.
type remindedMsg string

// remind asks once what that is.
func (a *App) remind() tea.Cmd {
	if a.opt.Remind == nil {
		return nil
	}
	return tea.Tick(remindAfter, func(time.Time) tea.Msg { return remindedMsg(a.opt.Remind()) })
}

// keyed leaves out what cannot be done by those who only look.
func (s *scope) keyed(text string) string {
	if s.looks() {
		return ""
	}
	return text
}

// who is a Lease's holder without the incident: "jonas@desk".
func who(holder string) string {
	name, _, _ := strings.Cut(holder, " (")
	return name
}

// leaseWords say who holds a component's Lease, since when and at which step.
func leaseWords(s *incident.Snapshot, id string) string {
	l := s.Seen.Leases[id]
	text := who(l.Holder) + " is on " + id
	if !l.Since.IsZero() {
		text += " since " + l.Since.UTC().Format("15:04:05 UTC") + " (" + age(s.Now, l.Since) + ")"
	}
	if l.Step != "" {
		text += ", at " + l.Step
	}
	return text
}

// leaseIDs are the components about whose Leases something is known, in order.
func (s *scope) leaseIDs() []string {
	var out []string
	for id := range s.snap.Seen.Leases {
		out = append(out, id)
	}
	for id := range s.inc().LeaseLost {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// noticeLines are the notices in the few lines that can be spared for them; the
// rest is counted.
func (a *App) noticeLines(w int) []string {
	p, all := a.pen, a.notices()
	room := max(1, min(5, (a.h-10)/3))
	var out []string
	for n, s := range all {
		style, sign := p.Dim, " "
		switch s.level {
		case warn:
			style, sign = p.Warn, " ⚠ "
		case bad, alarm:
			style, sign = p.Bad, " ✗ "
		}
		lead, text := paint(style, p.say(sign)), s.text
		if head, rest, ok := strings.Cut(s.text, ": "); ok && s.level == alarm {
			lead, text = " "+paint(p.Alarm, " "+p.say(head)+" ")+" ", rest
		}
		lines := p.hang(lead, text, w, 0, style)
		left := room - len(out)
		if n < len(all)-1 {
			left-- // for the count of the others
		}
		if len(lines) > left && (left < 1 || n > 0) {
			more := fmt.Sprintf(" … %d more to answer: they come up one after the other", len(all)-n)
			return append(out, paint(p.Bad, p.fit(p.say(more), w)))
		}
		if len(lines) > left {
			lines = p.hang(lead, text, w, max(1, left), style)
		}
		out = append(out, lines...)
	}
	return out
}

// besideKeys are what can be done beside the walk, on every page.
func (a *App) besideKeys() []Key {
	s := &a.scope
	return []Key{
		{Keys: []string{"M"}, Name: "messages", Help: "what is said to whom: drafts, what was sent, and what was not", Disabled: func(snap *incident.Snapshot) string {
			if snap.Incident.ID == "" {
				return "there is no incident yet: enter opens it"
			}
			return ""
		}, do: func() tea.Cmd { return s.open(newMessages(s)) }},
		{Keys: []string{"E"}, Name: "escalation", Help: "say that you called, or why it is not needed; it stays on the screen until then", Hide: s.escalation() == nil, Now: true, Acts: true,
			Disabled: func(*incident.Snapshot) string {
				if s.escalation() == nil {
					return "nobody has to be called now"
				}
				return ""
			}, do: a.answerEscalation},
		{Keys: []string{"T"}, Name: "take over", Help: "take the workload over from whoever else is on it, with a reason; both sides keep it", Hide: s.held() == "", Now: true, Acts: true,
			Disabled: func(snap *incident.Snapshot) string {
				switch {
				case s.held() == "":
					return "nobody else is known to be on it"
				case snap.Incident.Settings.ReadOnly:
					return "read-only: nothing is written, the Lease neither"
				}
				return ""
			}, do: a.takeOver},
		{Keys: []string{"O"}, Name: "open incidents", Help: "incidents of earlier runs that were not closed: take one up, or close it as abandoned", Hide: s.snap.Incident.ID != "" || len(s.snap.Seen.Open) == 0 && len(s.snap.Seen.Trouble) == 0, Now: true, Acts: true,
			Disabled: func(snap *incident.Snapshot) string {
				switch {
				case snap.Incident.ID != "":
					return "an incident is open here: " + snap.Incident.ID
				case len(snap.Seen.Open) == 0 && len(snap.Seen.Trouble) == 0:
					return "no other incident is open"
				}
				return ""
			}, do: func() tea.Cmd { return s.open(newOffers(s)) }},
	}
}

// escalation is the first for which somebody has to be called, or nil.
func (s *scope) escalation() *incident.Escalation {
	if all := s.inc().Calls(); len(all) > 0 {
		return &all[0]
	}
	return nil
}

func (a *App) answerEscalation() tea.Cmd {
	e := *a.escalation()
	answers := []string{incident.EscalationCalled, incident.EscalationNotNeeded}
	return a.ask(dialog{title: "Escalate: " + e.Text, options: []string{"called", "not needed"},
		text:  []string{"Call " + e.Who, "It came up " + age(a.snap.Now, e.At) + " ago, at " + e.At.UTC().Format("15:04:05 UTC") + ". Your answer goes into the timeline."},
		typed: true, prompt: "what was said, or why not", yes: "answer", quiet: true,
		act: func(n int, reason string) tea.Cmd {
			return a.send(incident.AnswerEscalation{ID: e.ID, With: answers[n], Reason: reason})
		}})
}

// held is the component that somebody else is on; "" when none is.
func (s *scope) held() string {
	for _, id := range s.leaseIDs() {
		if _, lost := s.inc().LeaseLost[id]; lost || s.snap.Seen.Leases[id].Other() {
			return id
		}
	}
	return ""
}

func (a *App) takeOver() tea.Cmd {
	id := a.held()
	holder, text := a.inc().LeaseLost[id].Holder, []string{}
	if l := a.snap.Seen.Leases[id]; l.Other() {
		holder = l.Holder
		text = append(text, leaseWords(a.snap, id)+".")
	}
	text = append(text, "Their incident: "+holder+".", "It is told to them at their next renewal, within 15 s: their confirmation closes. What they wrote already goes on in the cluster.")
	return a.ask(dialog{title: "Take " + id + " over from " + who(holder) + "?", text: text,
		typed: true, prompt: "why", yes: "take over", quiet: true,
		act: func(_ int, reason string) tea.Cmd {
			return a.send(incident.TakeOver{Component: id, Reason: reason})
		}})
}

// down is the downtime's clock: "down 12m, 2m of it without data", "was down 12m"
// while it stands; "" when nothing was down.
func (s *scope) down() string {
	total, blind := incident.Downtime(s.snap)
	if coarse(total) <= 0 {
		return ""
	}
	text := "down " + model.Short(coarse(total))
	if s.inc().Down.Since.IsZero() {
		text = "was " + text
	}
	if blind >= 10*1e9 {
		text += ", " + model.Short(coarse(blind)) + " of it without data"
	}
	return text
}
