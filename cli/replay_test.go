package cli

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
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
	case <-time.After(10 * time.Second):
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
