package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// sources lists the answers that the question on Close offers, in the order of its
// options.
var sources = []incident.Source{incident.SourcePage, incident.SourceTold, incident.SourceSaw, incident.SourceUnknown}

// askPaged asks how and when the operator came to know of the incident. Nothing has to be
// known.
func (s *scope) askPaged() tea.Cmd {
	d := dialog{title: "When were you paged?",
		text:    []string{"The report counts the time to detect from it. Times are UTC."},
		options: []string{"paged", "not paged: somebody told me", "not paged: I saw it myself", "I do not know"},
		typed:   true, prompt: "at", yes: "record", quiet: true,
		check: s.pagedCheck,
		act: func(n int, typed string) tea.Cmd {
			do, _ := s.paged(n, typed)
			return s.send(do)
		}}
	if at, name := s.inc().PagedDefault(); !at.IsZero() {
		d.options[0] += ", as " + s.pen.middle(name, 30) + " began to fire at " + at.UTC().Format("15:04:05")
		d.text = append(d.text, "Without a time it is the alert's, or not known.")
	}
	return s.ask(d)
}

// paged returns the answer that the chosen option and the time that was typed make, or
// why they make none: a time that is none, is still to come, or was after the decision.
func (s *scope) paged(option int, typed string) (do incident.TellDetection, why string) {
	i := s.inc()
	do.How, typed = sources[option], strings.TrimSpace(typed)
	switch {
	case typed == "" && do.How == incident.SourcePage:
		do.At, _ = i.PagedDefault()
	case typed == "":
	case do.How == incident.SourceUnknown:
		return do, "a time of what you do not know? Choose how you came to know of it, or clear it"
	default:
		ref := s.snap.Now
		for _, t := range []time.Time{i.Onset, i.Shown, i.Opened} {
			if !t.IsZero() {
				ref = t
				break
			}
		}
		if do.At, why = clockNear(typed, ref); why != "" {
			return do, why
		}
	}
	return do, incident.DetectionWrong(s.snap, do.At)
}

// pagedCheck says what would be recorded, or why it cannot be.
func (s *scope) pagedCheck(option int, typed string) (says sentence, why string) {
	do, why := s.paged(option, typed)
	if why != "" {
		return sentence{bad, why}, why
	}
	text := "records: " + incident.DetectionTold(do).Words()
	if do.At.IsZero() {
		return sentence{calm, text}, ""
	}
	if day := do.At.UTC().Format("2 January"); day != s.snap.Now.UTC().Format("2 January") {
		text += " on " + day
	}
	text += ", " + age(s.snap.Now, do.At) + " ago"
	if odd := incident.DetectionOdd(s.snap, do.At); odd != "" {
		return sentence{warn, text + ": " + odd}, ""
	}
	if onset := s.inc().Onset; !onset.IsZero() {
		text += ", " + model.Short(do.At.Sub(onset)) + " after " + s.inc().OnsetName()
	}
	return sentence{calm, text}, ""
}

// clockLayouts are how a time of day may be typed.
var clockLayouts = []string{"15:04", "15:04:05", "1504"}

// clockNear reads a time of day, in UTC, as the one that is nearest to another time: ten
// minutes after midnight 23:58 was yesterday. why says that it is none.
func clockNear(typed string, near time.Time) (at time.Time, why string) {
	clock := strings.TrimSpace(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(typed)), "UTC"))
	for _, layout := range clockLayouts {
		t, err := time.Parse(layout, clock)
		if err != nil {
			continue
		}
		y, m, d := near.UTC().Date()
		at = time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
		switch {
		case at.Sub(near) > 12*time.Hour:
			at = at.AddDate(0, 0, -1)
		case near.Sub(at) > 12*time.Hour:
			at = at.AddDate(0, 0, 1)
		}
		return at, ""
	}
	return time.Time{}, "“" + typed + "” is no time of day: type it as 03:12 or 03:12:30"
}
