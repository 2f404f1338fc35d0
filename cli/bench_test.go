//go:build e2e && bench

package cli

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rounds is how often each start is timed.
const rounds = 5

// filled is a board that knows all thousand rows: nearly all of them are below
// the edge of the screen, and those above it have their pods.
var filled = regexp.MustCompile(`(?s)5/5.*↓ 9\d\d more`)

// TestBench measures rollbook beside kubectl, in one run, on a namespace of 1,000
// Deployments and 5,000 pods. It judges nothing: the figures are for reading.
func TestBench(t *testing.T) {
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := env(t, "ROLLBOOK_CLUSTER")
	t.Logf("load: %s", bed(t, "POST", "/bench", "namespace", "bench"))
	start := func(kubeconfig string, more ...string) *session {
		home := t.TempDir()
		args := append([]string{"-n", "bench", "--prometheus", env(t, "ROLLBOOK_PROMETHEUS_DIRECT"), "--journal-dir", filepath.Join(home, "j")}, more...)
		return run(t, []string{"HOME=" + home, "KUBECONFIG=" + kubeconfig}, program, args...)
	}

	var first, full, black, old, deploys, pods []float64
	var settled, peak memory
	for range rounds {
		s := start(kubeconfig)
		stop := make(chan struct{})
		most := peaks(s.cmd.Process.Pid, stop)
		rail, board := s.watch(has("①Assess")), s.watch(filled.MatchString)
		first = append(first, ms(s.await("the first frame", rail, 30*time.Second).Sub(s.start)))
		full = append(full, ms(s.await("the filled board", board, 60*time.Second).Sub(s.start)))
		time.Sleep(5 * time.Second)
		settled, _ = memoryOf(s.cmd.Process.Pid)
		close(stop)
		peak = <-most
		s.quit()
		deploys = append(deploys, kubectlTime(t, "get", "deploy"))
		pods = append(pods, kubectlTime(t, "get", "pods"))
	}
	bed(t, "POST", "/proxy/api", "mode", "blackhole")
	for range rounds {
		s := start(kubeconfig, "--context", "proxied")
		black = append(black, ms(s.await("the first frame", s.watch(has("①Assess")), 30*time.Second).Sub(s.start)))
		s.quit()
	}
	bed(t, "POST", "/proxy/api", "mode", "pass")
	many := oldJournals(t, 1000, 1_000_000)
	for range rounds {
		s := start(kubeconfig, "--journal-dir", many)
		old = append(old, ms(s.await("the first frame", s.watch(has("①Assess")), 30*time.Second).Sub(s.start)))
		s.quit()
	}

	idle := start(kubeconfig)
	idle.await("the filled board", idle.watch(filled.MatchString), 60*time.Second)
	time.Sleep(20 * time.Second)
	cpu, sent := cpuOf(t, idle.cmd.Process.Pid), 0
	sent, _ = idle.sent()
	time.Sleep(time.Minute)
	cpu = cpuOf(t, idle.cmd.Process.Pid) - cpu
	after, _ := idle.sent()
	resting, _ := memoryOf(idle.cmd.Process.Pid)
	idle.quit()

	c := newCounter(t, kubeconfig, "testbed")
	counted := start(c.kubeconfig)
	counted.await("the filled board", counted.watch(filled.MatchString), 60*time.Second)
	time.Sleep(10 * time.Second)
	calls, n, received := c.take()
	counted.quit()

	var b strings.Builder
	row := func(name string, v []float64, target string) {
		slices.Sort(v)
		fmt.Fprintf(&b, "%-44s %7.0f %7.0f %7.0f ms   %s\n", name, v[0], v[len(v)/2], v[len(v)-1], target)
	}
	fmt.Fprintf(&b, "\n%-44s %7s %7s %7s\n", "1,000 Deployments, 5,000 pods", "min", "median", "max")
	row("first frame", first, "target 100")
	row("first frame, API server black-holed", black, "target 100")
	row("first frame, 1,000 old journals of 1 MB", old, "target 100")
	row("board filled", full, "target 500")
	row("kubectl get deploy", deploys, "")
	row("kubectl get pods", pods, "")
	row("from the confirming key to the PATCH", patchTimes(t, start), "target 50")
	fmt.Fprintf(&b, "memory after 5 s: anonymous %.0f MB, RSS %.0f MB; after a minute %.0f and %.0f; peak %.0f and %.0f (targets 40, 90)\n",
		settled.anonymous, settled.rss, resting.anonymous, resting.rss, peak.anonymous, peak.peak)
	fmt.Fprintf(&b, "idle for a minute: %.2f %% of a core (target 1), %.0f B/s to the terminal (target 100)\n",
		cpu.Seconds()/60*100, float64(after-sent)/60)
	fmt.Fprintf(&b, "requests to the API server in the first ten seconds: %d, %.1f MB received\n%s", n, float64(received)/1e6, list(calls))
	t.Log(b.String())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// kubectlTime is how long a kubectl command takes, to the end, in ms.
func kubectlTime(t *testing.T, args ...string) float64 {
	t.Helper()
	cmd := exec.Command(env(t, "ROLLBOOK_KUBECTL"), append(args, "-n", "bench", "--kubeconfig", env(t, "ROLLBOOK_CLUSTER"), "--context", "testbed")...)
	began := time.Now()
	if out, err := cmd.Output(); err != nil || len(out) < 10000 {
		t.Fatalf("kubectl %v: %v, %d bytes", args, err, len(out))
	}
	took := time.Since(began)
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		t.Logf("kubectl %s: %.0f ms, %d MB RSS", strings.Join(args, " "), ms(took), u.Maxrss/1000)
	}
	return ms(took)
}

// patchTimes walks to the confirmation of one Deployment, and measures from its
// last key to the arrival of the PATCH at a proxy before the API server.
func patchTimes(t *testing.T, start func(string, ...string) *session) []float64 {
	t.Helper()
	var out []float64
	name := strings.Fields(kubectl(t, "-n", "bench", "get", "deploy", "-o", "name"))[0]
	for n := range 3 {
		kubectl(t, "-n", "bench", "set", "env", name, fmt.Sprintf("BENCH=%d", n))
		kubectl(t, "-n", "bench", "rollout", "status", name, "--timeout=2m")
		c := newCounter(t, env(t, "ROLLBOOK_CLUSTER"), "testbed")
		s := start(c.kubeconfig, strings.Replace(name, ".apps", "", 1))
		s.sees("5/5")
		enter := func(then string) {
			time.Sleep(500 * time.Millisecond)
			s.press("\r")
			s.sees(then)
		}
		enter("②Decide")
		enter("③Choose")
		if !strings.Contains(s.text(), "[x]") {
			s.press(" ")
		}
		s.sees("now")
		time.Sleep(3 * time.Second) // the clock never rests: the history's figures have come by then
		if strings.Contains(s.text(), "take ") {
			s.press("\r")
			s.sees("★ chosen")
		}
		enter("④Confirm")
		s.sees("to roll back: ")
		_, short, _ := strings.Cut(name, "/")
		s.press(short)
		time.Sleep(time.Second)
		for len(c.patched) > 0 {
			<-c.patched // the dry run's
		}
		key := s.press("\r")
		select {
		case at := <-c.patched:
			out = append(out, ms(at.Sub(key)))
		case <-time.After(10 * time.Second):
			t.Fatalf("no PATCH; the screen is:\n%s", s.text())
		}
		s.sees("⑤Roll back")
		s.kill()
	}
	return out
}
