package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

const briefTitle = "Copied for the incident's channel, if the terminal allows it"

// briefKey copies the three lines of incident.Brief. Where y answers a question or is
// typed, ctrl+y does it.
func (s *scope) briefKey() Key {
	keys := []string{"y", "ctrl+y"}
	if step := s.inc().Step; step == incident.Decision || step == incident.Confirm || s.inc().Asked != "" {
		keys = keys[1:]
	}
	return Key{Keys: keys, Name: "copy brief",
		Help: "on every page: copy three lines for the incident's channel: what and since when, the suspect, the verdict and who is on it (OSC 52; ctrl+y where y answers or is typed)",
		do:   s.copyBrief}
}

func (s *scope) copyBrief() tea.Cmd {
	text := strings.Join(incident.Brief(s.snap, s.d.headline), "\n")
	box := &hintBox{pager{base: base{s}, title: briefTitle}}
	box.lines = func(w int) []string { return s.pen.indent(text, w, " ") }
	return tea.Batch(tea.SetClipboard(text), s.open(box))
}
