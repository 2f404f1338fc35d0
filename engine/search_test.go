package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// heldUp is an engine whose search for earlier incidents waits for go on.
func heldUp(t *testing.T, dir string) (r *run, goOn func()) {
	set := incident.Settings{Namespace: "production", Production: true, Operator: "maria", Limits: model.DefaultLimits(),
		Verify: incident.DefaultVerify(), Scrape: 15 * time.Second, Poll: 5 * time.Second, Components: []model.Target{{ID: "backend-python"}}}
	e := New(Config{Cluster: newCluster(t), Metrics: &fakeMetrics{ratio: 0.3}, Settings: set, Version: "test", Journals: []string{dir}, IdlePoll: 15 * time.Second})
	gate := make(chan struct{})
	e.search = func(ctx context.Context, dirs []string, turnsTo func(string)) journal.Unfinished {
		turnsTo(filepath.Join(dir, "INC-9", journal.FileName))
		<-gate
		return journal.Search(ctx, dirs, turnsTo)
	}
	ctx, stop := context.WithCancel(context.Background())
	r = &run{Engine: e, t: t, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- e.Run(ctx) }()
	return r, func() { close(gate) }
}

func TestNoIncidentBeginsWhileOpenOnesAreLookedFor(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id := elsewhere(t, dir, time.Minute)
		r, goOn := heldUp(t, dir)
		if s := r.Snapshot(); !s.Seen.Searching {
			t.Error("the first snapshot does not say that they are looked for")
		}
		s := r.wait(5 * time.Second)
		if len(s.Seen.Board) == 0 || s.Incident.Verdict.Verdict != incident.Now {
			t.Errorf("the board waits for the journals: %+v", s.Seen.Board)
		}
		if why := s.Incident.Step.Blocked(s); !strings.Contains(why, "earlier runs") {
			t.Errorf("blocked: %q", why)
		}
		r.Send(incident.Next{})
		if s = r.wait(time.Second); s.Incident.ID != "" || s.Incident.Step != incident.Assess {
			t.Fatalf("%q has begun beside %q", s.Incident.ID, id)
		}
		goOn()
		if s = r.wait(time.Second); s.Incident.ID != id || !s.Seen.Resumed || s.Seen.Searching {
			t.Errorf("took up %q: %+v", s.Incident.ID, s.Seen.Trouble)
		}
		r.end()
	})
}

func TestNothingEarlierLetsTheWalkBegin(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r, goOn := heldUp(t, dir)
		goOn()
		s := r.wait(2 * time.Second)
		if why := s.Incident.Step.Blocked(s); why != "" || s.Seen.Searching {
			t.Errorf("blocked: %q", why)
		}
		r.end()
	})
}

func TestDiskThatHangsDoesNotHoldTheWalk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id := elsewhere(t, dir, time.Minute)
		r, goOn := heldUp(t, dir)
		s := r.wait(diskPatience + 2*time.Second)
		if why := s.Incident.Step.Blocked(s); why != "" || len(s.Seen.Trouble) != 1 || !strings.Contains(s.Seen.Trouble[0], "INC-9") {
			t.Errorf("blocked: %q; told: %q", why, s.Seen.Trouble)
		}
		if s = r.wait(time.Minute); len(s.Seen.Trouble) != 1 {
			t.Errorf("told: %q", s.Seen.Trouble)
		}
		// It answers after all, and nothing has begun yet.
		goOn()
		if s = r.wait(time.Second); s.Incident.ID != id || !s.Seen.Resumed || len(s.Seen.Trouble) != 0 {
			t.Errorf("took up %q; told %q", s.Incident.ID, s.Seen.Trouble)
		}
		r.end()
	})
	t.Run("and an incident has begun", func(t *testing.T) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			elsewhere(t, dir, time.Minute)
			r, goOn := heldUp(t, dir)
			r.wait(diskPatience + 2*time.Second)
			r.Send(incident.Next{})
			s := r.wait(time.Second)
			own := s.Incident.ID
			goOn()
			if s = r.wait(2 * time.Second); own == "" || s.Incident.ID != own || s.Seen.Resumed || s.Seen.Open != nil {
				t.Errorf("%q became %q, offered are %+v", own, s.Incident.ID, s.Seen.Open)
			}
			r.end()
		})
	})
	t.Run("nor its end", func(t *testing.T) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			r, goOn := heldUp(t, dir)
			r.wait(time.Second)
			r.end()
			goOn() // whoever read the disk is left to it
		})
	})
}

func TestJournalThatIsLostBeforeItIsTakenUp(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id := elsewhere(t, dir, 25*time.Hour)
		r := again(t, dir)
		if s := r.wait(2 * time.Second); len(s.Seen.Open) != 1 {
			t.Fatalf("offered %+v", s.Seen.Open)
		}
		if err := os.Remove(filepath.Join(dir, id, journal.FileName)); err != nil {
			t.Fatal(err)
		}
		r.Send(incident.TakeUp{ID: id})
		s := r.wait(2 * time.Second)
		if s.Seen.Resuming != "" || s.Seen.Open != nil || len(s.Seen.Trouble) != 1 || !strings.Contains(s.Seen.Trouble[0], "no such file") {
			t.Errorf("resuming %q, offered %+v, told %q", s.Seen.Resuming, s.Seen.Open, s.Seen.Trouble)
		}
		if why := s.Incident.Step.Blocked(s); why != "" {
			t.Errorf("and the walk is blocked: %s", why)
		}
		r.end()
	})
}

// Reports that an earlier run could not write are written, whichever of them fails.
func TestUnreportedIncidentsAreReported(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		for _, id := range []string{"INC-1", "INC-2", "INC-3"} {
			w := journal.Begin([]string{dir}, journal.Header{ID: id, Cluster: "another", Namespace: "n"}, func(_ int, _ string, err error) {
				if err != nil {
					t.Error(err)
				}
			})
			for _, b := range []incident.Body{incident.Opened{ID: id}, incident.ReportWritten{Path: "x"}, incident.WasClosed{}} {
				if _, err := w.Append(incident.Fact{At: time.Now(), Body: b}); err != nil {
					t.Fatal(err)
				}
			}
			w.Close()
		}
		b := &beside{t: t}
		b.write = func(i *incident.Incident, into string) (string, error) {
			if i.ID == "INC-2" {
				return "", errors.New("no template")
			}
			return filepath.Join(into, "report.md"), nil
		}
		r := startWith(t, newCluster(t), &fakeMetrics{}, func(cfg *Config) { cfg.Reporter = b }, dir)
		s := r.wait(2 * time.Second)
		if len(s.Seen.Trouble) != 1 || !strings.Contains(s.Seen.Trouble[0], "INC-2 was not reported: no template") {
			t.Errorf("told: %q", s.Seen.Trouble)
		}
		r.end()
		found, errs := journalsIn(dir)
		if len(found) != 3 || len(errs) > 0 {
			t.Fatalf("%d journals, %v", len(found), errs)
		}
		for _, c := range found {
			if c.Unreported() != (c.Header.ID == "INC-2") {
				t.Errorf("%s: unreported %v", c.Header.ID, c.Unreported())
			}
		}
	})
}
