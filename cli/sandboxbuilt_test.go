package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rollbook/sandbox"
)

// buildTime is how long the world takes in these tests: far longer than any
// machine needs, and longer than the screen waits for a sign of life.
const buildTime = 8 * time.Second

// slowly opens a scenario on a sandbox that takes its time.
func slowly(scenario string) func(context.Context, stage) error {
	return func(ctx context.Context, s stage) error {
		var calls atomic.Int32
		s.now = func() time.Time {
			if calls.Add(1) == 2 { // the first one dates the certificate
				time.Sleep(buildTime)
			}
			return time.Now()
		}
		d := &exercise{scenario: scenario, flags: &flags{stage: s}}
		return d.run(ctx, io.Discard)
	}
}

// The screen is there before the world is, says what it waits for and nothing
// that is not so, and fills by itself.
func TestSandboxScreenWaitsForNoWorld(t *testing.T) {
	t.Parallel()
	raise(t, 80, 24, slowly("errors"), func(m *played, _ string, _ *sandbox.Pipe) {
		begun := time.Now()
		honest := func() {
			t.Helper()
			for _, wrong := range []string{"not read yet", "No workload", "refused", "forbidden", "LOST"} {
				if strings.Contains(m.Screen(), wrong) {
					t.Errorf("it says %q:\n%s", wrong, m.Screen())
				}
			}
		}
		m.Waits(300*time.Millisecond, " SANDBOX ", "▸1 Assess", "○ connecting", "Kubernetes  ○ trying sandbox.invalid:443", "Prometheus  ○ trying")
		honest()
		if strings.Contains(m.Screen(), "✗") {
			t.Errorf("something is wrong already:\n%s", m.Screen())
		}
		m.Keys("?")
		m.Keys("G")
		m.Waits(time.Second, "export KUBECONFIG=")
		m.Keys(esc)
		m.Waits(time.Second, "is being built")
		for time.Since(begun) < buildTime/2 { // longer than the screen waits for an answer
			if honest(); strings.Contains(m.Screen(), "no answer") {
				t.Fatalf("what is being built is called late:\n%s", m.Screen())
			}
			time.Sleep(100 * time.Millisecond)
		}
		m.Waits(buildTime+2*time.Second-time.Since(begun), "ROLL BACK NOW", "backend-python", "frontend", "backend-rust")
		if d := time.Since(begun); d < buildTime {
			t.Errorf("it was filled after %v, before the world was there", d)
		}
		honest()
		m.Waits(5*time.Second, "● live")
		m.Keys("q")
		if err := m.end(); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

// Left while the world is still being built, nothing is left either.
func TestSandboxLeftWhileItIsBuilt(t *testing.T) {
	for name, leave := range map[string]func(m *played){
		"q":        func(m *played) { m.Keys("q") },
		"ctrl+c":   func(m *played) { m.Keys("\x03") },
		"a signal": func(m *played) { m.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raise(t, 80, 24, slowly("errors"), func(m *played, _ string, _ *sandbox.Pipe) {
				m.Waits(300*time.Millisecond, "trying sandbox.invalid:443")
				leave(m)
				time.Sleep(buildTime) // its clock ends no earlier
				if err := m.end(); err != nil {
					t.Errorf("ended with %v", err)
				}
			})
		})
	}
}

// refused reads well, and the cluster does not take it.
const refused = "../sandbox/testdata/refused.yaml"

// What only the cluster finds wrong with a scenario closes the screen, and is told.
func TestSandboxThatCannotBeBuilt(t *testing.T) {
	t.Parallel()
	raise(t, 80, 24, slowly(refused), func(m *played, _ string, _ *sandbox.Pipe) {
		m.Waits(300*time.Millisecond, "trying sandbox.invalid:443")
		time.Sleep(buildTime)
		if err := m.end(); err == nil || !strings.Contains(err.Error(), `release hotel:1 of hotel: Deployment.apps "hotel" is invalid: spec.selector`) {
			t.Errorf("ended with %v", err)
		}
	})
}

// Ended by a signal at any moment from its folder on, and by more than one as
// when a terminal is closed, it ends in order and leaves nothing.
func TestSandboxEndsInOrder(t *testing.T) {
	for name, c := range map[string]struct {
		built bool
		ends  []os.Signal
	}{
		"being built, SIGTERM":             {false, []os.Signal{syscall.SIGTERM}},
		"being built, SIGHUP":              {false, []os.Signal{syscall.SIGHUP}},
		"being built, SIGINT":              {false, []os.Signal{syscall.SIGINT}},
		"being built, SIGTERM and SIGHUP":  {false, []os.Signal{syscall.SIGTERM, syscall.SIGHUP}},
		"served, SIGTERM and SIGHUP":       {true, []os.Signal{syscall.SIGTERM, syscall.SIGHUP}},
		"served, SIGHUP, SIGINT, SIGTERM ": {true, []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, tmp := asCommand(t, "sandbox", "--serve", "--scenario", "errors")
			var said strings.Builder
			cmd.Stderr = &said
			if c.built {
				sandboxServed(t, cmd)
			} else {
				sandboxBegun(t, cmd, tmp)
			}
			for _, s := range c.ends {
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Wait(); err != nil || said.Len() > 0 {
				t.Errorf("it ended with %v and said %q", err, said.String())
			}
			nothingIn(t, tmp)
		})
	}
}

// sandboxBegun starts a command, and returns when it has the folder that is to go.
func sandboxBegun(t *testing.T, cmd *exec.Cmd, tmp string) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	for deadline := time.Now().Add(2 * time.Minute); ; {
		if found, err := filepath.Glob(filepath.Join(tmp, "rollbook-sandbox-*")); err != nil || len(found) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it made no folder")
		}
	}
}
