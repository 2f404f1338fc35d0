//go:build e2e

package cli

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollbook/engine/porttest"
)

// sandboxIn starts the sandbox's opening screen in a tmux of its own. Nothing of
// a testbed is needed.
func sandboxIn(t *testing.T, tmp string, args ...string) *terminal {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	m := &terminal{t: t, socket: filepath.Join(home, "tmux")}
	line := fmt.Sprintf("cd %s; HOME=%s TMPDIR=%s TERM=xterm-256color LANG=C.UTF-8 %s sandbox %s; echo \"exit $?\"; sleep 600",
		home, home, tmp, path, strings.Join(args, " "))
	m.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", line)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen at the end:\n%s", m.screen())
		}
		_ = exec.Command("tmux", "-S", m.socket, "kill-server").Run()
	})
	return m
}

// pid is the program's.
func (m *terminal) pid() int {
	m.t.Helper()
	pane := strings.TrimSpace(m.tmux("display-message", "-p", "#{pane_pid}"))
	out, err := exec.Command("pgrep", "-P", pane).Output()
	if err != nil {
		m.t.Fatalf("pgrep: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		m.t.Fatal(err)
	}
	return pid
}

// ends are the ways in which a sandbox is left. A terminal that is closed, or a
// supervisor, may add to what is under way already.
var ends = map[string]func(m *terminal, pid int){
	"q":               func(m *terminal, _ int) { m.keys("q") },
	"ctrl+c":          func(m *terminal, _ int) { m.keys("C-c") },
	"kill -TERM":      func(_ *terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGTERM) },
	"kill -HUP":       func(_ *terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGHUP) },
	"closed terminal": func(m *terminal, _ int) { m.tmux("kill-server") },
	"q, kill -TERM, closed terminal": func(m *terminal, pid int) {
		m.keys("q")
		_ = syscall.Kill(pid, syscall.SIGTERM)
		m.tmux("kill-server")
	},
}

// endsBy ends the program, and fails unless it ends well and soon.
func (m *terminal) endsBy(name string) {
	m.t.Helper()
	pid := m.pid()
	ends[name](m, pid)
	for deadline := time.Now().Add(porttest.Patience(15 * time.Second)); !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatal("the process is still there")
		}
	}
	if !strings.HasSuffix(name, "closed terminal") {
		m.sees("(?m)^exit 0", 5*time.Second)
	}
}

// However the screen ends, nothing of the sandbox is left.
func TestE2ESandboxLeavesNothing(t *testing.T) {
	t.Parallel()
	for name := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			m := sandboxIn(t, tmp)
			m.sees("choose an incident", 20*time.Second)
			m.keys("x", "j", "Enter") // x is no key there
			m.sees("(?s)SANDBOX.*backend-python.*ROLL BACK NOW", 30*time.Second)
			m.keys("?", "End") // the sandbox's addresses stand last
			addr := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(m.sees(`http://127\.0\.0\.1:\d+/prometheus/`, 5*time.Second))
			m.keys("Escape")
			m.sees("enter decide", 5*time.Second) // else the next key and escape may be read as one
			m.endsBy(name)
			if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
				_ = c.Close()
				t.Errorf("%s still answers", addr)
			}
			nothingIn(t, tmp)
		})
	}
}

// Neither is it when the screen ends with its first frame, and the world is
// still being built.
func TestE2ESandboxLeftAtOnceLeavesNothing(t *testing.T) {
	t.Parallel()
	for name := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			m := sandboxIn(t, tmp, "--scenario", "errors")
			m.sees("▸1 Assess", 20*time.Second)
			m.endsBy(name)
			nothingIn(t, tmp)
		})
	}
}

// A walk to its end; the journal stays only where it was wanted.
func TestE2ESandboxJournalStays(t *testing.T) {
	t.Parallel()
	tmp, journals := t.TempDir(), t.TempDir()
	m := sandboxIn(t, tmp, "--scenario", "errors", "--journal-dir", journals)
	m.dir = journals
	m.sees("ROLL BACK NOW", 30*time.Second)
	m.keys("Enter")
	m.sees("▸2 ", 10*time.Second)
	m.keys("q", "q")
	m.sees("the journal stays: "+regexp.QuoteMeta(journals[:20]), 10*time.Second)
	m.sees("(?m)^exit 0", 5*time.Second)
	if m.journal() == "" {
		t.Error("the journal is empty")
	}
	nothingIn(t, tmp)
}
