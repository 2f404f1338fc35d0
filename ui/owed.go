package ui

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// owedNotices tells what is switched off and not put back: on every page, until all of it
// is. What is owed by one and the same hand is told in one sentence.
func (s *scope) owedNotices() []sentence {
	var out []sentence
	type hand struct{ by, incident, state string }
	var hands []hand
	what, since := map[hand][]string{}, map[hand]time.Time{}
	for _, d := range s.snap.Owed() {
		h := hand{d.By, d.Incident, ""}
		switch {
		case d.Paying:
			h.state = "paying"
		case d.Unsure:
			h.state = "unsure"
		}
		if !slices.Contains(hands, h) {
			hands = append(hands, h)
		}
		what[h] = append(what[h], d.Words())
		if at := since[h]; at.IsZero() || !d.Since.IsZero() && d.Since.Before(at) {
			since[h] = d.Since
		}
	}
	for _, h := range hands {
		text := "OWED: " + strings.Join(what[h], " · ")
		if at := since[h]; !at.IsZero() {
			text += ", since " + at.UTC().Format("15:04:05 UTC")
		}
		if h.by != "" {
			text += ", by " + h.by
		}
		if h.incident != "" {
			text += " (" + h.incident + ")"
		}
		level := alarm
		switch h.state {
		case "paying":
			level, text = warn, text+"; it is being put back"
		case "unsure":
			text += "; whether it was written is not known yet"
		default:
			text += s.keyed(". P puts it back")
		}
		out = append(out, sentence{level, text})
	}
	return out
}

// payKey puts back what was switched off, or leaves it with a reason.
func (s *scope) payKey() Key {
	return Key{Keys: []string{"P"}, Name: "put back", Now: s.recovering() == nil, Acts: true, Hide: len(s.snap.Owed()) == 0,
		Help: "put back what was switched off; it is checked and confirmed like any other write",
		Disabled: func(snap *incident.Snapshot) string {
			owed := snap.Owed()
			if len(owed) == 0 {
				return "nothing is switched off"
			}
			why := ""
			for _, o := range owed {
				if why = incident.PayBlocked(snap, o); why == "" {
					return ""
				}
			}
			return why
		},
		do: s.pay}
}

// pay asks which of what is switched off is put back, or is left.
func (s *scope) pay() tea.Cmd {
	type answer struct {
		debt  incident.Debt
		leave bool
	}
	var answers []answer
	d := dialog{title: "What is switched off", typed: true, prompt: "why it is left", yes: "do it", quiet: true}
	for _, o := range s.snap.Owed() {
		text := o.Words()
		if o.By != "" {
			text += ": by " + o.By
		}
		if o.Incident != "" {
			text += ", in " + o.Incident
		}
		d.text = append(d.text, text)
		if incident.PayBlocked(s.snap, o) == "" {
			answers = append(answers, answer{o, false})
			d.options = append(d.options, "put back "+o.Component+payee(o)+": checks and confirmation follow")
		}
	}
	for _, o := range s.snap.Owed() {
		if !o.Foreign && !o.Unsure && !o.Paying {
			answers = append(answers, answer{o, true})
			d.options = append(d.options, "leave "+o.Component+payee(o)+", or it was put back by hand: with a reason")
		}
	}
	d.needs = func(n int) bool { return n < len(answers) && answers[n].leave }
	d.act = func(n int, reason string) tea.Cmd {
		switch a := answers[n]; {
		case !a.leave:
			return s.send(incident.Pay{Write: a.debt.WriteID})
		default:
			return s.send(incident.WaiveDebt{Write: a.debt.WriteID, Reason: reason})
		}
	}
	return s.ask(d)
}

// payee tells a component's maintenance page from its replicas.
func payee(o incident.Debt) string {
	if o.Role == model.RoleMaintenance {
		return "'s maintenance page"
	}
	return ""
}
