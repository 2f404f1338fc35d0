package ui

import (
	"time"

	"rollbook/model"
)

// alerts returns the alerts about it, the first to fire first.
func (r *row) alerts() []model.Alert {
	if r.f == nil {
		return nil
	}
	return r.f.Alerts
}

// alertCell is for how long the first of a component's alerts has been firing, and of
// how many it is the first; "?" where they cannot be read.
func (p *pen) alertCell(r *row, w int, now time.Time) string {
	switch {
	case r.f == nil || r.f.AlertsNo != "":
		return p.right("?", w, p.Warn)
	case len(r.alerts()) == 0:
		return p.right("–", w, p.Dim)
	}
	text := model.Age(now, r.alerts()[0].Since)
	if n := len(r.alerts()); n > 1 && len(text)+len(itoa(int64(n))) < w {
		text = itoa(int64(n)) + "×" + text
	}
	return p.right(text, w, p.Warn)
}

// alertsShown is how many alerts stand beside a component.
const alertsShown = 3

// alertLines name the alerts about a component that fire, at most so many, the first to
// fire first; none is named where most is 0.
func (s *scope) alertLines(r *row, t *sheet, most int) {
	p, alerts, name := s.pen, r.alerts(), "alert"
	for _, a := range alerts[:min(len(alerts), most)] {
		text := p.middle(a.Name, t.w-13)
		if a.Severity != "" {
			text += " (" + p.middle(a.Severity, 20) + ")"
		}
		if a.Before {
			text += ", firing for over " + age(s.snap.Now, a.Since)
		} else {
			text += ", firing since " + a.Since.UTC().Format("15:04:05 UTC")
		}
		t.say(name, "⚠ ", p.Warn, p.Plain, text)
		name = ""
	}
	if more := len(alerts) - most; more > 0 && most > 0 {
		t.add("", model.Plural(more, "more alert"))
	}
}
