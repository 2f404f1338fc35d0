//go:build e2e

package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/engine/porttest"
)

// env is a variable that the testbed sets; without it the tests of this file
// cannot run, and fail rather than pass over in silence.
func env(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set: run make e2e, which starts the testbed", name)
	}
	return v
}

// binary is the program as it is shipped, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rollbook-e2e-")
	if err != nil {
		return "", err
	}
	atEnd = append(atEnd, func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "rollbook")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build has it
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

// bed asks the testbed for trouble: bed(t, "POST", "/release", "kind", "errors").
func bed(t *testing.T, method, path string, query ...string) string {
	t.Helper()
	v := url.Values{}
	for i := 0; i < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	req, err := http.NewRequestWithContext(t.Context(), method, env(t, "ROLLBOOK_TESTBED")+path+"?"+v.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer(t, req)
}

func answer(t *testing.T, req *http.Request) string {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s: %s", req.Method, req.URL, resp.Status, body)
	}
	return string(body)
}

// shop makes a shop in a namespace of its own, which goes away with the test.
func shop(t *testing.T) (namespace string) {
	t.Helper()
	namespace = fmt.Sprintf("e2e-%d", time.Now().UnixNano()%1e9)
	bed(t, "POST", "/shop", "namespace", namespace)
	t.Cleanup(func() {
		req, err := http.NewRequest("DELETE", os.Getenv("ROLLBOOK_TESTBED")+"/shop?namespace="+namespace, nil)
		if err != nil {
			t.Error(err)
			return
		}
		if resp, err := http.DefaultClient.Do(req); err != nil {
			t.Error(err)
		} else {
			resp.Body.Close()
		}
	})
	return namespace
}

// kubectl runs the testbed's kubectl as the admin.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(env(t, "ROLLBOOK_KUBECTL"), append([]string{"--kubeconfig", env(t, "ROLLBOOK_CLUSTER"), "--context", "testbed"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// terminal is the program in a tmux of its own.
type terminal struct {
	t      *testing.T
	socket string
	dir    string // the journals
}

// quick makes five minutes half a minute, so that a test does not wait for them.
const quick = `limits:
  errors: {over: 5%, for: 30s}
  p95: {over: 2s, for: 30s}
  rollout: 1m
verify:
  hold: 30s
  errors: 1% # good service has 0.2 %, and a new shop no hour before the onset to show it
`

// open starts the program in a terminal of that size, with the configuration
// and flags given. The journals of dir ("" = a new folder) are its own.
func open(t *testing.T, w, h int, config, dir string, args ...string) *terminal {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		dir = t.TempDir()
	}
	home := t.TempDir()
	if config != "" {
		file := filepath.Join(home, "rollbook.yaml")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", file)
	}
	args = append(args, "--journal-dir", dir)
	m := &terminal{t: t, socket: filepath.Join(home, "tmux"), dir: dir}
	var words []string
	for _, a := range append([]string{path}, args...) {
		words = append(words, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	line := fmt.Sprintf("cd %s; HOME=%s KUBECONFIG=%s TERM=xterm-256color LANG=C.UTF-8 %s; echo \"exit $?\"; sleep 600",
		home, home, env(t, "ROLLBOOK_CLUSTER"), strings.Join(words, " "))
	m.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(w), "-y", fmt.Sprint(h), line)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen at the end:\n%s", m.screen())
		}
		_ = exec.Command("tmux", "-S", m.socket, "kill-server").Run()
	})
	return m
}

func (m *terminal) tmux(args ...string) string {
	m.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// screen is what stands on it, without colours.
func (m *terminal) screen() string {
	out, _ := exec.Command("tmux", "-S", m.socket, "capture-pane", "-p").CombinedOutput()
	return string(out)
}

// keys presses keys by tmux' names, one after another. Before enter it waits for
// the silence that the program wants: a held enter goes nowhere. A program that does
// not get its turn reads a key later than it was pressed.
func (m *terminal) keys(keys ...string) {
	m.t.Helper()
	for _, k := range keys {
		if k == "Enter" {
			time.Sleep(porttest.Patience(silence))
		}
		m.tmux("send-keys", k)
		time.Sleep(50 * time.Millisecond)
	}
}

// types writes text, slowly enough for the grace of the confirmation.
func (m *terminal) types(text string) {
	m.t.Helper()
	m.tmux("send-keys", "-l", text)
}

// silence is longer than a confirmation waits for the last key.
const silence = 400 * time.Millisecond

// sees waits until the screen matches; within is for a machine that has nothing else
// to do.
func (m *terminal) sees(pattern string, within time.Duration) string {
	m.t.Helper()
	re := regexp.MustCompile(pattern)
	within = porttest.Patience(within)
	deadline := time.Now().Add(within)
	for {
		s := m.screen()
		if re.MatchString(s) {
			return s
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("not seen within %s: %s", within, pattern)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// gone waits until the screen matches no more.
func (m *terminal) gone(pattern string, within time.Duration) {
	m.t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(porttest.Patience(within)); re.MatchString(m.screen()); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("still seen: %s", pattern)
		}
	}
}

// never watches the screen for a while and fails when it matches.
func (m *terminal) never(pattern string, during time.Duration) {
	m.t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(during); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if re.MatchString(m.screen()) {
			m.t.Fatalf("seen: %s", pattern)
		}
	}
}

// kill ends the program the hard way.
func (m *terminal) kill() {
	m.t.Helper()
	pane := strings.TrimSpace(m.tmux("display-message", "-p", "#{pane_pid}"))
	if out, err := exec.Command("pkill", "-KILL", "-P", pane).CombinedOutput(); err != nil {
		m.t.Fatalf("kill -9: %v: %s", err, out)
	}
}

// journal is the newest one as text.
func (m *terminal) journal() string {
	m.t.Helper()
	paths, err := filepath.Glob(filepath.Join(m.dir, "*", "journal.jsonl"))
	if err != nil || len(paths) == 0 {
		m.t.Fatalf("no journal under %s: %v", m.dir, err)
	}
	b, err := os.ReadFile(paths[len(paths)-1])
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b)
}
