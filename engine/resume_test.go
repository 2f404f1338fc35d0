package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// leaveOpen makes an incident and leaves it open, `ago` before what follows.
func leaveOpen(t *testing.T, dir string, ago time.Duration) (id string) {
	t.Helper()
	c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
	r := start(t, c, m, dir)
	r.wait(2 * time.Second)
	r.Send(incident.Next{})
	s := r.wait(time.Second)
	r.end()
	time.Sleep(ago)
	return filepath.Base(filepath.Dir(s.Seen.Journal))
}

// elsewhere begins an incident in a folder of its own and moves it into dir, so
// that the run that begins it takes no other up.
func elsewhere(t *testing.T, dir string, ago time.Duration) string {
	t.Helper()
	own := t.TempDir()
	id := leaveOpen(t, own, ago)
	if err := os.Rename(filepath.Join(own, id), filepath.Join(dir, id)); err != nil {
		t.Fatal(err)
	}
	return id
}

func again(t *testing.T, dir string) *run {
	return startWith(t, newCluster(t), &fakeMetrics{}, func(*Config) {}, dir)
}

func TestSeveralOpenIncidentsAreOffered(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		first := elsewhere(t, dir, time.Hour)
		elsewhere(t, dir, time.Minute)
		r := again(t, dir)
		s := r.wait(2 * time.Second)
		if s.Seen.Resumed || len(s.Seen.Open) != 2 {
			t.Fatalf("resumed %v, offered %+v", s.Seen.Resumed, s.Seen.Open)
		}
		for _, o := range s.Seen.Open {
			if o.Component != "backend-python" || o.Step != incident.Decision || o.Operator != "maria@corp" || o.Abandoned || o.Touched.IsZero() {
				t.Errorf("offered as %+v", o)
			}
		}
		r.Send(incident.TakeUp{ID: first})
		s = r.wait(2 * time.Second)
		if !s.Seen.Resumed || s.Incident.ID != first || s.Seen.Open != nil {
			t.Errorf("took up %q of %q", s.Incident.ID, first)
		}
		r.end()
	})
}

// With a workload on the command line the incident of another component is told of, and
// not taken up: what it is about is not looked at. Its own is.
func TestIncidentOfAnotherComponentIsOnlyTold(t *testing.T) {
	for focus, want := range map[string]bool{"frontend": false, "backend-python": true} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			id := elsewhere(t, dir, time.Minute)
			r := startWith(t, newCluster(t), &fakeMetrics{}, func(c *Config) {
				c.Settings.Focus, c.Settings.Components = focus, []model.Target{{ID: focus}}
			}, dir)
			s := r.wait(2 * time.Second)
			told := "incident " + id + " of backend-python is open: rollbook without a workload goes on with it"
			if s.Seen.Resumed != want || len(s.Seen.Open) != 0 || (s.Incident.ID == id) != want || slices.Contains(s.Seen.Trouble, told) == want {
				t.Errorf("rollbook %s: resumed %v as %q, offered %+v", focus, s.Seen.Resumed, s.Incident.ID, s.Seen.Open)
			}
			r.end()
		})
	}
}

func TestOldIncidentIsOfferedAndAbandoned(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id := elsewhere(t, dir, 25*time.Hour)
		r := again(t, dir)
		s := r.wait(2 * time.Second)
		if len(s.Seen.Open) != 1 || !s.Seen.Open[0].Abandoned || s.Seen.Resumed {
			t.Fatalf("offered %+v", s.Seen.Open)
		}
		r.Send(incident.Abandon{ID: id, Reason: "nobody knows"})
		if s = r.wait(time.Second); s.Seen.Open != nil || len(s.Seen.Trouble) != 0 {
			t.Errorf("still offered: %+v, %v", s.Seen.Open, s.Seen.Trouble)
		}
		r.end()
		c, err := journal.Read(filepath.Join(dir, id, journal.FileName))
		if err != nil {
			t.Fatal(err)
		}
		i := incident.Fold(c.Facts)
		if !c.Closed() || i.End.Outcome != "abandoned" || i.End.Reason != "nobody knows" ||
			!slices.ContainsFunc(i.Timeline, func(e incident.Entry) bool {
				return e.By == "maria@corp" && strings.HasPrefix(e.Text, "ended: abandoned")
			}) {
			t.Errorf("closed %v: %+v", c.Closed(), i.End)
		}
	})
}

// leftBehind leaves an incident of a minute in a folder, and returns its journal.
func leftBehind(t *testing.T, dir string) (id, path string, raw []byte) {
	t.Helper()
	id = elsewhere(t, dir, time.Minute)
	path = filepath.Join(dir, id, journal.FileName)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return id, path, raw
}

// A journal that is damaged in the middle is offered, and not taken up unasked; taken
// up, it goes on from its last good line.
func TestDamagedIncidentIsOffered(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id, path, raw := leftBehind(t, dir)
		lines := strings.SplitAfter(string(raw), "\n")
		n := len(lines) - 3 // the last is empty
		lines[n] = "{\n"
		if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		r := again(t, dir)
		s := r.wait(2 * time.Second)
		if s.Seen.Resumed || len(s.Seen.Open) != 1 || !strings.Contains(s.Seen.Open[0].Damage, fmt.Sprintf("line %d cannot be read", n+1)) {
			t.Fatalf("resumed %v, offered %+v", s.Seen.Resumed, s.Seen.Open)
		}
		r.Send(incident.TakeUp{ID: id})
		if s = r.wait(2 * time.Second); !s.Seen.Resumed || s.Incident.ID != id {
			t.Errorf("took up %q", s.Incident.ID)
		}
		if !slices.ContainsFunc(s.Incident.Timeline, func(e incident.Entry) bool { return strings.Contains(e.Text, "is kept in "+path+".damaged-1") }) {
			t.Errorf("%+v", s.Incident.Timeline)
		}
		r.end()
	})
}

func TestAbandonedByTwo(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id := elsewhere(t, dir, 25*time.Hour)
		c, err := journal.Read(filepath.Join(dir, id, journal.FileName))
		if err != nil {
			t.Fatal(err)
		}
		other, err := journal.Resume(c, nil, func(int, string, error) {})
		if err != nil {
			t.Fatal(err)
		}
		r := again(t, dir)
		r.wait(2 * time.Second)
		r.Send(incident.Abandon{ID: id, Reason: "old"})
		if s := r.wait(time.Second); len(s.Seen.Open) != 1 || len(s.Seen.Trouble) != 1 || !strings.Contains(s.Seen.Trouble[0], "another rollbook") {
			t.Errorf("somebody works on it: %+v, %q", s.Seen.Open, s.Seen.Trouble)
		}
		r.end()
		other.Close()
	})
}

func TestTornLineIsTold(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id := elsewhere(t, dir, time.Minute)
		path := filepath.Join(dir, id, journal.FileName)
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"at":"2000`); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		r := again(t, dir)
		s := r.wait(2 * time.Second)
		if !s.Seen.Resumed || !slices.ContainsFunc(s.Incident.Timeline, func(e incident.Entry) bool { return strings.Contains(e.Text, "11 bytes were cut off") }) {
			t.Errorf("resumed %v: %+v", s.Seen.Resumed, s.Incident.Timeline)
		}
		r.end()
	})
}

func TestNewerJournalIsToldAndHidesNothing(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id := elsewhere(t, dir, time.Minute)
		newer := filepath.Join(dir, "INC-9")
		if err := os.Mkdir(newer, 0o700); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(`{"journal":%d,"id":"INC-9","cluster":"uid-1","namespace":"production"}`+"\n", journal.Version+1) +
			`{"at":"2000-01-01T00:00:00Z","fact":"began","data":{"version":"3.1.4"}}` + "\n"
		if err := os.WriteFile(filepath.Join(newer, journal.FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := again(t, dir)
		s := r.wait(2 * time.Second)
		if s.Incident.ID != id || len(s.Seen.Trouble) != 1 || !strings.Contains(s.Seen.Trouble[0], fmt.Sprint("format ", journal.Version+1)) {
			t.Errorf("took up %q; trouble %q", s.Incident.ID, s.Seen.Trouble)
		}
		r.end()
		if raw, err := os.ReadFile(filepath.Join(newer, journal.FileName)); err != nil || string(raw) != text {
			t.Error("the newer journal was touched")
		}
	})
}

func TestMessageOnItsWayAtAKillMayHaveBeenSent(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id := elsewhere(t, dir, time.Minute)
		c, err := journal.Read(filepath.Join(dir, id, journal.FileName))
		if err != nil {
			t.Fatal(err)
		}
		book, err := journal.Resume(c, nil, func(int, string, error) {})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := book.Append(incident.Fact{At: time.Now(), By: "maria", Body: incident.MessageIntended{N: 1, Channel: "slack/x", Kind: model.MessageStarted, Text: "x"}}); err != nil {
			t.Fatal(err)
		}
		book.Close()
		b := &beside{t: t} // a message would fail the test
		r := startWith(t, newCluster(t), &fakeMetrics{}, func(cfg *Config) {
			cfg.Messages = b
			cfg.Settings.Channels = []model.Channel{{ID: "slack/x", Kind: model.ChannelSlack}}
		}, dir)
		s := r.wait(time.Minute)
		if got := s.Incident.Message(1); got == nil || got.State != incident.MessageUnsure || incident.SendAsks(s, "slack/x", model.MessageStarted) == "" {
			t.Errorf("taken up: %+v", got)
		}
		r.end()
	})
}

// A kill cuts even one write between two pages: the journal may end before it
// says that the incident was opened.
func TestFirstWriteTornIsTheSameIncident(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		id, path, raw := leftBehind(t, dir)
		at := strings.Index(string(raw), `"fact":"opened"`)
		for _, cut := range []int{at, strings.Index(string(raw), "\n") + 1} {
			if err := os.WriteFile(path, raw[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			r := startWith(t, newCluster(t), &fakeMetrics{ratio: 0.3}, func(*Config) {}, dir)
			s := r.wait(2 * time.Second)
			if s.Incident.ID != id || !s.Seen.Resumed {
				t.Errorf("cut at %d: took up %q", cut, s.Incident.ID)
			}
			r.Send(incident.Next{})
			r.wait(time.Second)
			r.end()
			if found, errs := journalsIn(dir); len(found) != 1 || len(errs) != 0 {
				t.Errorf("cut at %d: %d incidents, %v", cut, len(found), errs)
			}
		}
	})
}

// What a run adds to a journal that it takes up is on its way only: an effect that waits
// for it to be on disk must not start on what was there before.
func TestTakenUpIsNotOnDiskYet(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		leaveOpen(t, dir, time.Minute)
		found, errs := journalsIn(dir)
		if len(found) != 1 || len(errs) > 0 {
			t.Fatalf("%d journals, %v", len(found), errs)
		}
		book, err := journal.Resume(found[0], []string{dir}, func(int, string, error) {})
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close()
		r := again(t, t.TempDir())
		r.wait(2 * time.Second)
		acked, added := make(chan int, 1), make(chan int, 1)
		r.post(func() {
			r.tookUp(found[0], book, nil)
			acked <- r.acked
			added <- book.Len() - len(found[0].Facts)
		})
		synctest.Wait()
		if got, n := <-acked, <-added; got != len(found[0].Facts) || n < 2 {
			t.Errorf("%d facts were on disk and %d were added, and %d are held to be on disk", len(found[0].Facts), n, got)
		}
		r.end()
	})
}
