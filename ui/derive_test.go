package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// Each figure is judged by its own duration: with three minutes for the errors and
// ten for the P95, six minutes over are enough for the one and not for the other,
// and the details name the duration that counts.
func TestFiguresAreJudgedByTheirOwnDuration(t *testing.T) {
	for _, c := range []struct {
		name         string
		errors, p95  time.Duration
		heldE, heldP bool
	}{
		{"errors sooner", 3 * time.Minute, 10 * time.Minute, true, false},
		{"P95 sooner", 10 * time.Minute, 3 * time.Minute, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := with(filled(), func(s *incident.Snapshot) {
				s.Incident.Settings.Limits.For, s.Incident.Settings.Limits.P95For = c.errors, c.p95
				f := s.Seen.Figures["backend-python"]
				f.Errors, f.P95 = series("q", ramp(.003, 10, .124, 25)...), series("q", ramp(.21, 10, 2.5, 25)...)
			})
			r := derive(s, nil).byID["backend-python"]
			if r.Errors.Held != c.heldE || r.P95.Held != c.heldP {
				t.Errorf("errors held %t, want %t; P95 held %t, want %t", r.Errors.Held, c.heldE, r.P95.Held, c.heldP)
			}
			a := screen(t, fixture{snap: s, open: func(a *App) { pressed(a, "d") }}, 120, 60, dark)
			for _, want := range []string{"limit " + model.Percent(.05) + " for " + model.Short(c.errors), "limit " + model.Seconds(2) + " for " + model.Short(c.p95)} {
				if frame := ansi.Strip(a.Frame()); !strings.Contains(frame, want) {
					t.Errorf("the details do not say %q:\n%s", want, frame)
				}
			}
		})
	}
}

// The details name the suspect of the journal, though the rollback's revision runs.
func TestSuspectStaysAfterTheRollback(t *testing.T) {
	s := step(rolling(), incident.Assess)
	s.Seen.Board[1].Images = []string{"registry.example/shop/api:2026.11.22-7"}
	frame := ansi.Strip(screen(t, fixture{snap: s, open: func(a *App) { pressed(a, "d") }}, 120, 60, dark).Frame())
	for _, want := range []string{"suspect  backend-python 2026.11.23-2, 3m19s before the first bad sample", "by gitlab-ci: “checkout v2”"} {
		if !strings.Contains(frame, want) {
			t.Errorf("the details do not say %q:\n%s", want, frame)
		}
	}
}

// What an alert began to fire about stands below what is over or fails, and above what
// nobody knows; an alert that always fires changes nothing.
func TestAlertsRankComponents(t *testing.T) {
	s := firing()
	alerts := s.Seen.Figures["backend-python"].Alerts
	s.Seen.Figures["postgres"].Alerts = alerts
	var got []string
	for _, r := range derive(s, nil).rows {
		got = append(got, r.c.ID)
	}
	if want := "backend-python postgres backend-rust frontend"; strings.Join(got, " ") != want {
		t.Errorf("the board is %v, want %s", got, want)
	}
}

// Until a key is pressed the cursor is on the worst component, also where that is known
// only after the board was shown; from then on nothing moves it.
func TestCursorIsOnTheWorst(t *testing.T) {
	show := func(a *App, s *incident.Snapshot) {
		a.engine = still{t, s}
		a.fetch()
	}
	calm, bad := calmed(), calmed()
	bad.Seen.Board = calm.Seen.Board
	bad.Seen.Figures["frontend"] = filled().Seen.Figures["backend-python"]
	a := screen(t, fixture{snap: calm}, 80, 24, dark)
	at := func(want string) {
		t.Helper()
		if a.focus != want {
			t.Errorf("the cursor is on %s, want %s", a.focus, want)
		}
	}
	at("backend-python")
	show(a, bad)
	at("frontend")
	show(a, calm)
	at("backend-python")
	pressed(a, "?")
	pressed(a, "esc")
	show(a, bad)
	at("backend-python")
}
