package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// askTask asks who does the marked action, until when, and where it is tracked. All of it
// may stay empty: the report then says that it has no owner.
func (c *closing) askTask() tea.Cmd {
	it := *c.item()
	return c.ask(dialog{title: "Who does it: " + it.Text,
		text:  []string{"It stays to be done after the incident, and goes into the report and the follow-up: who, a date, a link or a ticket, in any order, as in “maria 2026-12-01 OPS-412”."},
		typed: true, prompt: "who", yes: "record", quiet: true,
		check: func(_ int, typed string) (sentence, string) {
			t, why := incident.ReadTask(typed)
			if why != "" {
				return sentence{bad, why}, why
			}
			return sentence{calm, "records: to do, " + t.Words()}, ""
		},
		act: func(_ int, typed string) tea.Cmd {
			t, _ := incident.ReadTask(typed)
			return c.send(incident.SettleItem{ID: it.ID, ToDo: true, Task: t})
		}})
}

// askSeverity asks how severe the incident was, and who was affected. Neither has to be
// known.
func (c *closing) askSeverity() tea.Cmd {
	answer := func(option int, typed string) incident.TellSeverity {
		do := incident.TellSeverity{Users: strings.TrimSpace(typed)}
		if option > 0 {
			do.Severity = incident.Severities[option-1]
		}
		return do
	}
	return c.ask(dialog{title: "Severity, and users affected?",
		text:    []string{"It goes into the report, as it is said here."},
		options: append([]string{"severity not known, or not rated"}, incident.Severities...),
		typed:   true, prompt: "users affected", yes: "record", quiet: true,
		check: func(option int, typed string) (sentence, string) {
			return sentence{calm, "records: " + incident.SeverityTold(answer(option, typed)).Words()}, ""
		},
		act: func(option int, typed string) tea.Cmd { return c.send(answer(option, typed)) }})
}
