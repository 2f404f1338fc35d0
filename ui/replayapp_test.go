package ui

import (
	"testing"

	"rollbook/incident"
	"rollbook/replay"
	"rollbook/replay/replaytest"
)

func story() []incident.Fact { return replaytest.Story() }

func replayed(t testing.TB, facts []incident.Fact) *replay.Reader {
	t.Helper()
	r, err := replay.Open(replaytest.NewSource(facts), replaytest.Path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// replayApp is a screen that shows a journal, at 80×24.
func replayApp(t testing.TB, facts []incident.Fact) (*App, *replay.Reader) {
	t.Helper()
	l := dark
	r := replayed(t, facts)
	a := New(Options{Session: Replaying(r), Look: &l, Width: 80, Height: 24})
	a.at, a.quiet = a.inc().Step, true
	return a, r
}

// at is how many facts are told.
func at(r *replay.Reader) int {
	n, _ := r.At()
	return n
}

// seek shows a journal after so many facts.
func seek(a *App, r *replay.Reader, n int) {
	for r.First(); at(r) < n && r.Next(); {
	}
	a.Update(changedMsg{})
}

// reach shows a journal where a step was first reached, and so many facts on.
func reach(a *App, r *replay.Reader, s incident.Step, more int) {
	r.Reach(s)
	for range more {
		r.Next()
	}
	a.Update(changedMsg{})
}
