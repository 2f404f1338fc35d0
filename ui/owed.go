package ui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// owedNotices are what this incident switched off and did not put back: on every page,
// until each is.
func (s *scope) owedNotices() []sentence {
	var out []sentence
	for _, d := range s.inc().Owed() {
		text := "OWED: " + d.What
		if !d.Since.IsZero() {
			text += " since " + d.Since.UTC().Format("15:04:05 UTC")
		}
		if d.By != "" {
			text += ", by " + d.By
		}
		level := alarm
		switch {
		case d.Paying:
			level, text = warn, text+"; it is being put back"
		case d.Unsure:
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
	return Key{Keys: []string{"P"}, Name: "put back", Now: true, Acts: true, Hide: len(s.inc().Owed()) == 0,
		Help: "put back what this incident switched off; it is checked and confirmed like any other write",
		Disabled: func(snap *incident.Snapshot) string {
			owed := snap.Incident.Owed()
			switch {
			case len(owed) == 0:
				return "nothing is switched off"
			case owed[0].Paying:
				return owed[0].What + ": it is being put back"
			case owed[0].Unsure:
				return owed[0].What + ": whether it was written is not known yet"
			}
			return ""
		},
		do: func() tea.Cmd {
			d := s.inc().Owed()[0]
			return s.ask(dialog{title: "Put back: " + d.What,
				text:    []string{fmt.Sprintf("%s switched it off, in attempt %d.", d.By, d.N)},
				options: []string{"put it back: checks and confirmation follow", "leave it as it is, or it was put back by hand: with a reason"},
				typed:   true, prompt: "why it is left", yes: "do it", quiet: true,
				act: func(n int, reason string) tea.Cmd {
					if n == 0 {
						return s.send(incident.Pay{Write: d.WriteID})
					}
					if reason == "" {
						s.hint = "it is left only with a reason: type one"
						return nil
					}
					return s.send(incident.WaiveDebt{Write: d.WriteID, Reason: reason})
				}})
		}}
}
