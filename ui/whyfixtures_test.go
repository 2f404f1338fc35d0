package ui

import (
	"rollbook/incident"
	"rollbook/model"
)

// saying is a snapshot with what the pods of backend-python say.
func saying(s *incident.Snapshot, old int, lines ...model.SaidLine) *incident.Snapshot {
	x := model.Said{Component: "backend-python", Version: s.Seen.Component("backend-python").Running(), Pods: 2, Read: 18, Lines: lines}
	if old > 0 {
		x.Before, x.OldPods, x.OldRead = model.Version{Key: goodRS, Label: "revision 41", Tag: "2026.11.22-7"}, 3, old
	}
	s.Incident.Said = []model.Said{x}
	return s
}

// whyFixtures are pages on which stands what the failing pods say.
func whyFixtures() []fixture {
	url := model.SaidLine{Text: "KeyError: 'PAYMENT_URL'", Where: "settings.py:27", Level: "error", Count: 6, New: true}
	long := model.SaidLine{Text: `psycopg.errors.UndefinedColumn: column "customer_ref" of relation "orders_v2" does not exist`, Where: "store_v2.py:112", Level: "error", Count: 48}
	return []fixture{
		{"why-new", saying(filled(), 600, url), nil},
		{"why-long", saying(filled(), 0, long), nil},
		{"why-nothing", saying(filled(), 0), nil},
		{"why-forbidden", with(saying(filled(), 0), func(s *incident.Snapshot) {
			s.Incident.Said[0].Err = `the log of pod backend-python-5d88c4f7b9-9lmn2 cannot be read: forbidden: User "maria@corp" cannot get resource "pods/log" in the namespace "production"`
		}), nil},
		{"why-copied", saying(opened(), 600, url), func(a *App) { pressed(a, "ctrl+y") }},
		{"logs-whole", filled(), func(a *App) { pressed(a, "l"); pressed(a, "w") }},
		{"logs-match", filled(), func(a *App) { typed(a, "l", "/", "payment_url") }},
		{"logs-no-match", filled(), func(a *App) { typed(a, "l", "/", "quota") }},
	}
}

// typed presses keys one after the other; one that is no key is typed.
func typed(a *App, keys ...string) {
	for _, k := range keys {
		if len(k) == 1 {
			pressed(a, k)
			continue
		}
		for _, r := range k {
			pressed(a, string(r))
		}
	}
}
