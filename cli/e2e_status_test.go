//go:build e2e

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"rollbook/status"
)

// stated is what the built program says of a namespace, with its exit code.
func stated(t *testing.T, ns, kubeconfig, journals string, args ...string) (d status.Data, code int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	config := filepath.Join(home, "rollbook.yaml")
	if err := os.WriteFile(config, []byte(quick), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{"status", "--format", "json", "-n", ns, "--kubeconfig", kubeconfig, "--config", config,
		"--prometheus", env(t, "ROLLBOOK_PROMETHEUS_SERVICE"), "--journal-dir", journals}, args...)...)
	cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home, "TERM=dumb")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var ended *exec.ExitError
	if err := cmd.Run(); errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatalf("exit %d: %v\n%s%s", code, err, out.String(), errs.String())
	}
	if d.Verdict.Code != code {
		t.Errorf("it says %d and ends with %d", d.Verdict.Code, code)
	}
	return d, code
}

// The program says how it stands on a real cluster, before and after a bad release, by
// its exit code too, and sends nothing that changes anything.
func TestStatusOnACluster(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	serves(t, ns)
	kubeconfig, seen := record(t)
	journals := filepath.Join(t.TempDir(), "journals")
	d, code := stated(t, ns, kubeconfig, journals, "deployment/frontend")
	if code != 0 || len(d.Components) != 1 || !d.Components[0].Errors.Known || len(d.Histories) != 1 || len(d.Histories[0].Versions) == 0 {
		t.Errorf("before: exit %d, %+v", code, d)
	}
	bed(t, "POST", "/release", "namespace", ns, "workload", "backend-python", "kind", "errors")
	for end := time.Now().Add(4 * time.Minute); code != status.Codes[status.Now] && time.Now().Before(end); time.Sleep(5 * time.Second) {
		d, code = stated(t, ns, kubeconfig, journals)
	}
	if code != status.Codes[status.Now] || len(d.Suspects) == 0 || d.Suspects[0].Component != "backend-python" || len(d.Unread) > 0 {
		t.Errorf("after: exit %d, %+v", code, d)
	}
	if len(d.Preflights) != 1 || len(d.Preflights[0].Checks) < 5 || d.Preflights[0].Command == "" {
		t.Errorf("the checks: %+v", d.Preflights)
	}
	onlyReads(t, seen)
	if _, err := os.Stat(journals); !os.IsNotExist(err) {
		t.Errorf("it left a journal: %v", err)
	}
}
