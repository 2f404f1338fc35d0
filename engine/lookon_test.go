package engine

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
	"rollbook/replay"
)

// readOn follows a journal as the program does: by the reader of replay.
func readOn(ctx context.Context, c *journal.Content, show func(Theirs)) {
	r, err := replay.Open(journal.NewTail(c), c.Path)
	if err != nil {
		show(Theirs{Err: err})
		return
	}
	r.Last()
	tell := func() { show(Theirs{Incident: r.Snapshot().Incident, Left: r.Left(), Err: r.Err()}) }
	tell()
	r.Follow(ctx, time.Second, tell)
}

// A second rollbook on the same machine shows the first one's incident as it
// goes on, and changes nothing.
func TestLookingOn(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = written(c)
		first := start(t, c, m, dir)
		theirs := first.toConfirm()

		other := newCluster(t) // without undo and look: it fails on any
		second := start(t, other, m, dir)
		s := second.wait(3 * time.Second)
		if s.Seen.LookingOn != theirs.Incident.ID || s.Incident.ID != theirs.Incident.ID || s.Incident.Step != incident.Confirm {
			t.Fatalf("looks on %q at %s", s.Seen.LookingOn, s.Incident.Step.Name())
		}
		if s.Seen.JournalE != "" || s.Incident.Step.Blocked(s) == "" {
			t.Errorf("journal: %q; blocked: %q", s.Seen.JournalE, s.Incident.Step.Blocked(s))
		}
		if h := s.Seen.History[model.Release("backend-python")]; h == nil || len(h.Candidates) != 3 {
			t.Errorf("what Choose shows was not read: %+v", h)
		}
		facts := func() int {
			found, errs := journalsIn(dir)
			if len(found) != 1 || len(errs) > 0 {
				t.Fatal(found, errs)
			}
			return len(found[0].Facts)
		}
		before := facts()
		for _, do := range []incident.Act{
			incident.ConfirmWrite{Word: "backend-python", Plans: plans(theirs)}, incident.Pick{Component: "backend-python", To: "rs-41"},
			incident.Say{Question: incident.QDataLoss, Answer: model.TriYes}, incident.EndIncident{Outcome: "false alarm"}, incident.NoJournal{}, incident.StandDown{},
		} {
			second.Send(do)
		}
		second.Configure(later(second, 0.9), time.Minute)
		s = second.wait(2 * time.Second)
		if s.Incident.Step != incident.Confirm || s.Incident.End != nil || len(s.Incident.Answers) > 0 || s.Incident.Choices[0].To.Key != "rs-40" || facts() != before {
			t.Errorf("it was changed from where one looks on: %+v", s.Incident)
		}
		second.Send(incident.Back{})
		if s = second.wait(5 * time.Second); s.Incident.Step != incident.Choose {
			t.Errorf("the page did not turn, or not for long: %s", s.Incident.Step.Name())
		}

		first.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(theirs)})
		first.wait(time.Second)
		s = second.wait(3 * time.Second)
		if s.Incident.Step != incident.RollBack || s.Incident.Attempt() == nil || !s.Incident.Attempt().Active() && s.Incident.RolledOut.IsZero() {
			t.Errorf("the write is not seen: at %s, %+v", s.Incident.Step.Name(), s.Incident.Attempts)
		}
		if s = second.wait(time.Minute); s.Seen.TheyLeft {
			t.Error("the other is still there")
		}
		first.end()
		if s = second.wait(30 * time.Second); !s.Seen.TheyLeft {
			t.Error("nobody says that the other has left")
		}
		n := facts()
		second.end()
		if facts() != n || other.count("undo")+other.count("look")+other.count("event") != 0 {
			t.Errorf("it wrote: %v, %d facts became %d", other.calls, n, facts())
		}
	})
}

// A journal that becomes unreadable under one who looks on is told, and what was
// read stays.
func TestLookingOnAtADamagedJournal(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		first := start(t, c, m, dir)
		first.toConfirm()
		second := start(t, newCluster(t), m, dir)
		s := second.wait(3 * time.Second)
		f, err := os.OpenFile(s.Seen.Journal, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("neither a fact\nnor one\n"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if s = second.wait(3 * time.Second); !strings.Contains(s.Seen.JournalE, s.Seen.Journal) || s.Incident.Step != incident.Confirm {
			t.Errorf("at %s, says %q", s.Incident.Step.Name(), s.Seen.JournalE)
		}
		first.end()
		second.end()
	})
}

// Where nobody can look on, an incident of another rollbook is told as such.
func TestNobodyLooksOn(t *testing.T) {
	e := New(Config{Cluster: newCluster(t), Metrics: &fakeMetrics{}})
	e.lookOn(&journal.Content{})
	if e.seen.LookingOn != "" || !strings.Contains(e.seen.JournalE, "another rollbook") {
		t.Errorf("looks on %q, says %q", e.seen.LookingOn, e.seen.JournalE)
	}
}
