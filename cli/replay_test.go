package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine"
	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/replay"
	"rollbook/ui"
	"rollbook/ui/uitest"
)

// keepJournal writes the journal of one incident into dir.
func keepJournal(t *testing.T, dir, id string, bodies ...incident.Body) {
	t.Helper()
	acks := make(chan error, 64)
	n := len(bodies)
	w := journal.Begin([]string{dir}, journal.Header{ID: id, Cluster: "4f1c", Namespace: "production"}, func(seq int, _ string, err error) {
		if err != nil || seq == n {
			acks <- err
		}
	})
	at := time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)
	for k, b := range bodies {
		if _, err := w.Append(incident.Fact{At: at.Add(time.Duration(k) * time.Second), By: "maria", Body: b}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-acks:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the journal was not written")
	}
	w.Close()
}

// Without a terminal there is nothing to show; which journal was meant is found
// all the same, and nothing of a cluster is needed.
func TestReplayFinds(t *testing.T) {
	dir := t.TempDir()
	began := incident.Began{Settings: incident.Settings{Namespace: "production", Operator: "maria"}, Version: "1.0"}
	for _, id := range []string{"INC-20261123-0312-backend-python", "INC-20261123-0340-frontend"} {
		keepJournal(t, dir, id, began, incident.Opened{ID: id, Cluster: "4f1c"}, incident.Moved{To: incident.Decision})
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"INC-20261123-0312"}, exitError, "INC-20261123-0312-backend-python"},
		{[]string{"latest"}, exitError, "needs a terminal"},
		{[]string{"INC-20261123"}, exitUsage, "begins several incidents"},
		{[]string{"INC-2025"}, exitUsage, "no incident \"INC-2025\""},
		{nil, exitUsage, "one incident is needed"},
		{[]string{"latest", "--at", "03:12"}, exitError, "needs a terminal"},
		{[]string{"latest", "--at", "quarter past"}, exitUsage, "is no time of day; write 03:14"},
	} {
		args := append([]string{"replay", "--journal-dir", dir}, c.args...)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asProgram+"="+strings.Join(args, "\x1f"), "KUBECONFIG=/nonexistent", "HOME="+t.TempDir(), "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=")
		var said bytes.Buffer
		cmd.Stderr, cmd.Stdout = &said, &said
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != c.code || !strings.Contains(said.String(), c.want) {
			t.Errorf("replay %v: exit code %d, says %q; want %d and %q", c.args, got, said.String(), c.code, c.want)
		}
	}
}

// A time of day is one of the incident, which may go over midnight.
func TestClockIn(t *testing.T) {
	begin := time.Date(2026, 11, 23, 23, 50, 12, 400, time.UTC)
	for clock, want := range map[string]time.Time{
		"23:50:12": time.Date(2026, 11, 23, 23, 50, 12, 0, time.UTC), "23:58": time.Date(2026, 11, 23, 23, 58, 0, 0, time.UTC),
		"00:03:07": time.Date(2026, 11, 24, 0, 3, 7, 0, time.UTC), "23:50": time.Date(2026, 11, 23, 23, 50, 0, 0, time.UTC),
	} {
		if got, err := clockIn(clock, begin); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v; want %s", clock, got, err, want)
		}
	}
}

// growing is a journal of three facts on disk, and more adds to it.
func growing(t *testing.T) (c *journal.Content, more func(incident.Body)) {
	t.Helper()
	const id = "INC-20261123-0312-backend-python"
	dir := t.TempDir()
	keepJournal(t, dir, id, incident.Began{Settings: incident.Settings{Namespace: "production", Operator: "maria"}, Version: "1.0"},
		incident.Opened{ID: id, Cluster: "4f1c"}, incident.Moved{To: incident.Decision})
	path := filepath.Join(dir, id, journal.FileName)
	c, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	at := c.Facts[len(c.Facts)-1].At
	return c, func(b incident.Body) {
		t.Helper()
		at = at.Add(time.Second)
		line, err := json.Marshal(incident.Fact{At: at, By: "maria", Body: b})
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
}

// A replay goes on with a journal that still grows.
func TestReplayFollowsTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, more := growing(t)
		r, err := replay.Open(journal.NewTail(c), c.Path)
		if err != nil {
			t.Fatal(err)
		}
		term, ended := uitest.New(t, 80, 24), make(chan error, 1)
		go func() {
			ended <- showAgain(t.Context(), r, ui.Options{Start: time.Now(), Session: ui.Replaying(r), Input: term, Output: term, Width: 80, Height: 24, Env: uitest.Env, Program: uitest.Program})
			term.Hangup()
		}()
		term.Settle()
		term.Sees("REPLAY 1/3")
		term.Keys(">")
		term.Sees("REPLAY 3/3", "▸2 Decide")
		more(incident.Moved{To: incident.Choose})
		term.Waits(3*time.Second, "REPLAY 4/4", "▸3 Choose")
		term.Keys("q")
		if err := <-ended; err != nil {
			t.Error(err)
		}
		term.Close()
		time.Sleep(2 * time.Second) // its timers
	})
}

// Who looks on sees the incident as it is, then each change, and that the other
// has left.
func TestLookOnShowsWhatIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, more := growing(t)
		told := make(chan engine.Theirs, 10)
		var shown []engine.Theirs
		settled := func() {
			synctest.Wait()
			for len(told) > 0 {
				shown = append(shown, <-told)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		go lookOn(ctx, c, func(s engine.Theirs) { told <- s })
		settled()
		if len(shown) != 1 || shown[0].Incident.Step != incident.Decision || shown[0].Left || shown[0].Err != nil {
			t.Errorf("at first: %+v", shown)
		}
		more(incident.Moved{To: incident.Choose})
		time.Sleep(2 * followEvery)
		settled()
		if len(shown) != 2 || shown[1].Incident.Step != incident.Choose {
			t.Errorf("after a fact: %d shown", len(shown))
		}
		time.Sleep(time.Minute) // nobody holds it
		settled()
		if len(shown) != 3 || !shown[2].Left {
			t.Errorf("after a minute: %d shown", len(shown))
		}
		stop()
		synctest.Wait()
	})
}
