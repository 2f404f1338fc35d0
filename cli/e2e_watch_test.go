//go:build e2e

package cli

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rollbook/engine/porttest"
)

// A release is watched by figures of the real Prometheus: a good one, bad ones, one without
// traffic, and one while Prometheus is away.
func TestWatchOnTheTestbed(t *testing.T) {
	t.Parallel()
	template := func(patch string) func(t *testing.T, ns string) {
		return func(t *testing.T, ns string) {
			kubectl(t, "-n", ns, "patch", "deployment/backend-python", "--type=merge", "-p", `{"spec":{"template":{"metadata":`+patch+`}}}`)
		}
	}
	for name, x := range map[string]struct {
		release func(t *testing.T, ns string)
		away    bool // Prometheus does not answer from some seconds on
		last    time.Duration
		code    int
		text    string
	}{
		"good":               {template(`{"annotations":{"note":"another"}}`), false, time.Minute, 0, "is good: errors 0"},
		"errors":             {template(`{"annotations":{"testbed/errors":"0.4"}}`), false, 4 * time.Minute, exitRollBack, "over 5% for"},
		"slow":               {template(`{"annotations":{"testbed/latency":"4s"}}`), false, 4 * time.Minute, exitRollBack, "over 2s for"},
		"crash loop":         {template(`{"annotations":{"testbed/behaviour":"crash"}}`), false, 5 * time.Minute, exitRollBack, "rollout of backend-python is stuck"},
		"no traffic":         {template(`{"labels":{"testbed/traffic":"none"}}`), false, 90 * time.Second, exitUnknown, "errors unknown"},
		"Prometheus is away": {template(`{"annotations":{"note":"another"}}`), true, time.Minute, exitUnknown, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns, figures := shop(t), porttest.NewLine(t, hostIn(t, env(t, "ROLLBOOK_PROMETHEUS_DIRECT")))
			serves(t, ns)
			x.release(t, ns)
			path, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(path, "watch", "deployment/backend-python", "-n", ns, "--kubeconfig", env(t, "ROLLBOOK_CLUSTER"), "--config", configured(t, quick),
				"--prometheus", "http://"+figures.Addr, "--for", x.last.String(), "--format", "json")
			cmd.Dir = t.TempDir()
			if x.away {
				time.AfterFunc(20*time.Second, func() { figures.Hole(true) })
			}
			began := time.Now()
			raw, err := cmd.Output()
			took, code := time.Since(began), 0
			var ended *exec.ExitError
			if errors.As(err, &ended) {
				code = ended.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			var v watched
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatalf("%v: %s", err, raw)
			}
			t.Logf("%s after %s: %s", v.Verdict, took.Round(time.Second), v.Text)
			if code != x.code || !strings.Contains(v.Text, x.text) {
				t.Errorf("exit code %d, want %d; %q, want %q", code, x.code, v.Text, x.text)
			}
		})
	}
}
