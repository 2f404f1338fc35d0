package model

import (
	"fmt"
	"strings"
	"time"
)

// longDown is the downtime after which the executive is called (E3).
const longDown = 30 * time.Minute

// Downtime is the time over a trigger's limit or without an available pod, up to
// now; blind is the part of it of which nothing is known.
func Downtime(s *Snapshot) (total, blind time.Duration) {
	d := s.Incident.Down
	d.stop(s.Now)
	return d.Total, d.Blind
}

// clock lets the downtime's clock run, run blind, or stand, as it is now.
func (d *decider) clock() {
	running, blind, since := downNow(&d.s)
	down := d.inc().Down
	switch {
	case running && down.Since.IsZero():
		if since.Before(down.Until) {
			since = down.Until
		}
		d.fact(ClockRan{Running: true, Blind: blind, Since: since})
	case running && down.Unseen != blind:
		d.fact(ClockRan{Running: true, Blind: blind, Since: d.s.Now})
	case !running && !down.Since.IsZero():
		d.fact(ClockRan{Since: since})
	}
}

// downNow says whether the components concerned are down, since when, and
// whether that is because nothing is known. During a good hold they are not, and
// after it no more.
func downNow(s *Snapshot) (running, blind bool, since time.Time) {
	i := &s.Incident
	switch {
	case i.ID == "" && len(i.Triggers) == 0, i.End != nil, !i.Closed.IsZero():
		return false, false, s.Now
	case !i.Verified.IsZero():
		return false, false, i.Recovered
	case !i.Hold.Since.IsZero():
		return false, false, i.Hold.Since
	}
	since = s.Now
	for _, f := range findings(s) {
		if f.Kind == TStuck || !s.concerns(&Component{ID: f.Component}) {
			continue
		}
		switch {
		case f.State == TriYes, f.Over:
			running = true
			if f.Onset.Before(since) {
				since = f.Onset
			}
		case f.State == TriUnknown && f.Asked && f.Kind != TP95:
			blind = true
		}
	}
	if running {
		return true, false, since
	}
	blind = blind || unseen(s)
	return blind, blind, s.Now
}

// unseen says whether a component concerned is not on the board at all, as just
// after the start.
func unseen(s *Snapshot) bool {
	for _, t := range s.Incident.Triggers {
		if s.Seen.Component(t.Component) == nil {
			return true
		}
	}
	for _, c := range s.Incident.Choices {
		if s.Seen.Component(c.Component) == nil {
			return true
		}
	}
	return false
}

// escalate raises what the operator must call somebody for. Each stays until it
// is answered, and is raised once.
func (d *decider) escalate() {
	raise := func(id, role, text string) {
		if d.inc().Escalation(id) == nil {
			by := d.by
			d.by = ""
			d.fact(Escalated{ID: id, Text: text, Who: whoIs(&d.inc().Settings, role)})
			d.by = by
		}
	}
	i := d.inc()
	if total, blind := Downtime(&d.s); total >= longDown {
		text := "down for " + Short(total)
		if blind >= time.Minute {
			text += ", " + Short(blind) + " of it without data"
		}
		raise("downtime", "exec", text)
	}
	if i.Answers[QDataLoss].Answer == TriYes {
		raise("data loss", "exec", "data were lost")
	}
	a := i.Attempt()
	if a == nil {
		return
	}
	for n := range i.Attempts[:len(i.Attempts)-1] {
		if earlier := &i.Attempts[n]; wasWritten(earlier) {
			raise(fmt.Sprintf("rollback/%d", earlier.N), "lead", fmt.Sprintf("rollback %d did not help: there is another", earlier.N))
		}
	}
	switch i.Asked {
	case AskNotGreen, AskDeadline, AskReverted:
		raise(fmt.Sprintf("rollback/%d", a.N), "lead", fmt.Sprintf("rollback %d did not help: %s", a.N, oneLine(i.AskText)))
	}
}

// wasWritten says whether an attempt changed anything in the cluster.
func wasWritten(a *Attempt) bool {
	for _, w := range a.Writes {
		switch w.State {
		case Rolling, Done, Reverted:
			return true
		}
	}
	return false
}

// whoIs names whom to call in a role, and how; else the runbook's word for it.
func whoIs(set *Settings, role string) string {
	var out []string
	for _, c := range set.Contacts {
		if c.Role == role {
			out = append(out, strings.TrimSpace(c.Name+" "+c.How))
		}
	}
	switch {
	case len(out) > 0:
		return strings.Join(out, ", ")
	case role == "exec":
		return "CTO/VP"
	case role == "lead":
		return "the lead engineer"
	}
	return role
}

func (d *decider) answerEscalation(do AnswerEscalation) {
	if do.With != EscalationCalled && do.With != EscalationNotNeeded {
		return
	}
	if e := d.inc().Escalation(do.ID); e != nil && e.Answer == "" {
		d.fact(EscalationAnswered(do))
	}
}
