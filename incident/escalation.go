package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// longDown is the downtime after which the executive is called (E3).
const longDown = 30 * time.Minute

// Escalation is a rule for calling somebody that came true. It stays until it is
// answered.
type Escalation struct {
	ID     string    `json:"id"`   // "downtime", "data loss", "rollback/1"
	Text   string    `json:"text"` // why
	Who    string    `json:"who"`  // whom to call, and how
	At     time.Time `json:"at"`
	Answer string    `json:"answer,omitempty"` // EscalationCalled, EscalationNotNeeded; "" = open
	By     string    `json:"by,omitempty"`
	Done   time.Time `json:"done,omitzero"` // of the answer
	Reason string    `json:"reason,omitempty"`
}

// The answers to an escalation.
const (
	EscalationCalled    = "called"
	EscalationNotNeeded = "not needed"
)

// Escalation returns the one of that ID, or nil.
func (i *Incident) Escalation(id string) *Escalation {
	for n := range i.Escalations {
		if i.Escalations[n].ID == id {
			return &i.Escalations[n]
		}
	}
	return nil
}

// Calls returns the escalations that somebody still has to be called for: those that
// are not answered and whose reason is not over.
func (i *Incident) Calls() []Escalation {
	var out []Escalation
	for _, e := range i.Escalations {
		over := !i.Verified.IsZero() || i.End != nil || !i.Closed.IsZero()
		if e.ID == "data loss" { // which no rollback brings back
			over = i.Answers[QDataLoss].Answer != model.TriYes || !i.Closed.IsZero()
		}
		if e.Answer == "" && !over {
			out = append(out, e)
		}
	}
	return out
}

// escalate raises what the operator must call somebody for. Each stays until it
// is answered, and is raised once.
func (d *decider) escalate() {
	raise := func(id, role, text string) {
		if d.inc().Escalation(id) == nil {
			d.finds(Escalated{ID: id, Text: text, Who: whoIs(&d.inc().Settings, role)})
		}
	}
	i := d.inc()
	if total, blind := Downtime(&d.s); total >= longDown {
		text := "down for " + model.Short(total)
		if blind >= time.Minute {
			text += ", " + model.Short(blind) + " of it without data"
		}
		raise("downtime", "exec", text)
	}
	if i.Answers[QDataLoss].Answer == model.TriYes {
		raise("data loss", "exec", "data were lost")
	}
	a := i.Attempt()
	if a == nil {
		return
	}
	for n := range i.Attempts[:len(i.Attempts)-1] {
		if earlier := &i.Attempts[n]; a.releases() && earlier.releases() && wasWritten(earlier) && earlier.Verified.IsZero() {
			raise(fmt.Sprintf("rollback/%d", earlier.N), "lead", fmt.Sprintf("rollback %d did not help: there is another", earlier.N))
		}
	}
	switch i.Asked {
	case AskWorse:
		raise(fmt.Sprintf("rollback/%d", a.N), "lead", fmt.Sprintf("rollback %d made it worse: %s", a.N, a.worse()))
	case AskNotGreen, AskDeadline, AskReverted:
		raise(fmt.Sprintf("rollback/%d", a.N), "lead", fmt.Sprintf("rollback %d did not help: %s", a.N, oneLine(i.AskText)))
	}
}

// Escalated is a rule for calling somebody that came true.
type Escalated struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Who  string `json:"who"`
}

func (b Escalated) apply(i *Incident, f Fact) {
	i.Escalations = with(i.Escalations, Escalation{ID: b.ID, Text: b.Text, Who: b.Who, At: f.At})
}

func (b Escalated) entry(*Incident) (EntryKind, string) { return EntryBad, b.Text + ": call " + b.Who }

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

// AnswerEscalation takes an escalation from the screen. With is
// EscalationCalled or EscalationNotNeeded.
type AnswerEscalation struct{ ID, With, Reason string }

func (do AnswerEscalation) decide(d *decider) {
	if do.With != EscalationCalled && do.With != EscalationNotNeeded {
		return
	}
	if e := d.inc().Escalation(do.ID); e != nil && e.Answer == "" {
		d.fact(EscalationAnswered(do))
	}
}

// EscalationAnswered is what the operator did about it.
type EscalationAnswered struct {
	ID     string `json:"id"`
	With   string `json:"with"`
	Reason string `json:"reason,omitempty"`
}

func (b EscalationAnswered) apply(i *Incident, f Fact) {
	i.Escalations = slices.Clone(i.Escalations)
	if e := i.Escalation(b.ID); e != nil {
		e.Answer, e.By, e.Done, e.Reason = b.With, f.By, f.At, b.Reason
	}
}

func (b EscalationAnswered) entry(*Incident) (EntryKind, string) {
	return EntryAnswer, "escalation (" + b.ID + "): " + b.With + because(b.Reason)
}
