//go:build e2e

package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/engine/porttest"
	"rollbook/model"
)

// A drill without a person, by each fault, on the real API server with the real Prometheus:
// what fires an alert is rolled back within the target; of what nobody is alerted, that is
// what the drill has shown. Either way the workload is field by field what it was.
func TestUnattendedDrillOnTheTestbed(t *testing.T) {
	t.Parallel()
	kubectl(t, "apply", "-f", "testdata/faults.yaml")
	t.Cleanup(func() { kubectl(t, "delete", "-f", "testdata/faults.yaml") })
	faults := map[string]int{model.FaultEnv: 0, model.FaultCPU: 0, model.FaultImage: exitMissed, model.FaultCommand: exitMissed, model.FaultReadiness: exitMissed}
	t.Run("by", func(t *testing.T) { // they end before the policy goes
		for fault, want := range faults {
			t.Run(fault, func(t *testing.T) {
				t.Parallel()
				ns := shop(t)
				serves(t, ns)
				before := asReleased(t, ns)
				target := "3m"
				if want != 0 {
					target = "1m" // that is how long an alert is waited for
				}
				out, code := runsAlone(t, ns, fault, target)
				if code != want {
					t.Errorf("exit code %d, want %d", code, want)
				}
				if after := asReleased(t, ns); after != before {
					t.Errorf("it is not what it was: %s, before %s", after, before)
				}
				alert := "drill, done: an alert about backend-python fires"
				if want != 0 {
					alert = "an alert about backend-python fires: left out: it did not fire within "
				}
				for _, says := range []string{alert, "verified", "drill, done: put backend-python back", "incident closed"} {
					if !strings.Contains(out, says) {
						t.Errorf("it does not say %q", says)
					}
				}
				if t.Failed() {
					t.Log(out)
				}
				last := out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]
				t.Logf("%s: %s", fault, strings.TrimSpace(last))
			})
		}
	})
}

// runsAlone holds a drill without a person in a namespace, and returns what it said and its
// exit code.
func runsAlone(t *testing.T, ns, fault, target string) (out string, code int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	config := rehearsable(t, ns, "healthy: 10s, env: FAIL_RATE=0.5, target: "+target)
	if err := os.WriteFile(filepath.Join(home, "rollbook.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append(prom(t), "drill", "deployment/backend-python", "-n", ns, "--unattended", "--fault", fault, "--kubeconfig", env(t, "ROLLBOOK_CLUSTER"),
		"--config", filepath.Join(home, "rollbook.yaml"), "--journal-dir", filepath.Join(home, "journals"), "--give-up", porttest.Patience(12*time.Minute).String())...)
	cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home)
	raw, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(raw), code
}
