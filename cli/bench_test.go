//go:build e2e && bench

package cli

import (
	"fmt"
	"os"
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

// size is a namespace of many Deployments, with five pods each.
type size struct {
	name, namespace string
	deployments     int
	memory          string // what it should take at most
	times           string // what a filled board should take at most
}

var sizes = []size{
	{"1,000 Deployments, 5,000 pods", "bench", 1000, "60 MB", "300 ms"},
	{"3,000 Deployments, 15,000 pods", "bench-3000", 3000, "80 MB", "600 ms"},
}

// rows says whether the board knows all rows: nearly all of them are below the
// edge of the screen.
func (z size) rows(text string) bool {
	return regexp.MustCompile(fmt.Sprintf(`(?s)5/5.*↓ %d\d\d more`, z.deployments/100-1)).MatchString(text)
}

// filled says whether the pods are known too, as the sign beside their numbers tells.
func (z size) filled(text string) bool {
	return z.rows(text) && strings.Contains(text, "5/5 ✓")
}

// TestBench measures rollbook beside kubectl, in one run, on namespaces of 1,000
// Deployments and 5,000 pods, and of three times as many. It judges nothing: the
// figures are for reading. ROLLBOOK_BENCH_PROGRAM names another build to measure,
// and -run TestBench/1000 measures one size.
func TestBench(t *testing.T) {
	program := os.Getenv("ROLLBOOK_BENCH_PROGRAM")
	if program == "" {
		var err error
		if program, err = binary(); err != nil {
			t.Fatal(err)
		}
	}
	for _, z := range sizes {
		t.Run(fmt.Sprint(z.deployments), func(t *testing.T) { benchmark(t, program, z) })
	}
}

func benchmark(t *testing.T, program string, z size) {
	kubeconfig := env(t, "ROLLBOOK_CLUSTER")
	t.Logf("made: %s", bed(t, "POST", "/bench", "namespace", z.namespace, "deployments", fmt.Sprint(z.deployments)))
	start := func(kubeconfig string, more ...string) *session {
		home := t.TempDir()
		args := append([]string{"-n", z.namespace, "--prometheus", env(t, "ROLLBOOK_PROMETHEUS_DIRECT"), "--journal-dir", filepath.Join(home, "j")}, more...)
		return run(t, []string{"HOME=" + home, "KUBECONFIG=" + kubeconfig}, program, args...)
	}

	var first, rows, full, cpus, black, old, deploys, pods []float64
	var settled, peak memory
	for range rounds {
		s := start(kubeconfig)
		stop := make(chan struct{})
		most := peaks(s.cmd.Process.Pid, stop)
		rail, some, board := s.watch(has("▸1 Assess")), s.watch(z.rows), s.watch(z.filled)
		first = append(first, ms(s.await("the first frame", rail, 30*time.Second).Sub(s.start)))
		rows = append(rows, ms(s.await("the first rows", some, 60*time.Second).Sub(s.start)))
		full = append(full, ms(s.await("the filled board", board, 60*time.Second).Sub(s.start)))
		time.Sleep(5 * time.Second)
		settled, _ = memoryOf(s.cmd.Process.Pid)
		cpus = append(cpus, ms(cpuOf(t, s.cmd.Process.Pid)))
		close(stop)
		peak = <-most
		s.quit()
		deploys = append(deploys, kubectlTime(t, z.namespace, "get", "deploy"))
		pods = append(pods, kubectlTime(t, z.namespace, "get", "pods"))
	}
	bed(t, "POST", "/proxy/api", "mode", "blackhole")
	for range rounds {
		s := start(kubeconfig, "--context", "proxied")
		black = append(black, ms(s.await("the first frame", s.watch(has("▸1 Assess")), 30*time.Second).Sub(s.start)))
		s.quit()
	}
	bed(t, "POST", "/proxy/api", "mode", "pass")
	many := oldJournals(t, 1000, 1_000_000)
	for range rounds {
		s := start(kubeconfig, "--journal-dir", many)
		old = append(old, ms(s.await("the first frame", s.watch(has("▸1 Assess")), 30*time.Second).Sub(s.start)))
		s.quit()
	}

	idle := start(kubeconfig)
	idle.await("the filled board", idle.watch(z.filled), 60*time.Second)
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
	counted.await("the filled board", counted.watch(z.filled), 60*time.Second)
	time.Sleep(10 * time.Second)
	calls, n, received := c.take()
	counted.quit()

	var b strings.Builder
	row := func(name string, v []float64, target string) {
		slices.Sort(v)
		fmt.Fprintf(&b, "%-44s %7.0f %7.0f %7.0f ms   %s\n", name, v[0], v[len(v)/2], v[len(v)-1], target)
	}
	fmt.Fprintf(&b, "\n%-44s %7s %7s %7s\n", z.name, "min", "median", "max")
	row("first frame", first, "target 100 ms")
	row("first frame, API server black-holed", black, "target 100 ms")
	row("first frame, 1,000 old journals of 1 MB", old, "target 100 ms")
	row("first rows", rows, "target 300 ms")
	row("board filled", full, "target "+z.times)
	row("processor time until 5 s later", cpus, "")
	row("kubectl get deploy", deploys, "")
	row("kubectl get pods", pods, "")
	row("from the confirming key to the PATCH", patchTimes(t, z, start), "target 50 ms")
	fmt.Fprintf(&b, "memory after 5 s: anonymous %.0f MB, RSS %.0f MB; after a minute %.0f and %.0f; peak %.0f and %.0f (target RSS %s)\n",
		settled.anonymous, settled.rss, resting.anonymous, resting.rss, peak.anonymous, peak.peak, z.memory)
	fmt.Fprintf(&b, "idle for a minute: %.2f %% of a core (target 1), %.0f B/s to the terminal (target 100)\n",
		cpu.Seconds()/60*100, float64(after-sent)/60)
	fmt.Fprintf(&b, "requests to the API server in the first ten seconds: %d, %.1f MB received\n%s", n, float64(received)/1e6, list(calls))
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "load of this machine at the end: %s", load)
	t.Log(b.String())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// kubectlTime is how long a kubectl command takes, to the end, in ms.
func kubectlTime(t *testing.T, namespace string, args ...string) float64 {
	t.Helper()
	cmd := exec.Command(env(t, "ROLLBOOK_KUBECTL"), append(args, "-n", namespace, "--kubeconfig", env(t, "ROLLBOOK_CLUSTER"), "--context", "testbed")...)
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
func patchTimes(t *testing.T, z size, start func(string, ...string) *session) []float64 {
	t.Helper()
	var out []float64
	names := strings.Fields(kubectl(t, "-n", z.namespace, "get", "deploy", "-o", "name"))
	for n := range 3 {
		name := names[n] // one that nobody's Lease is on
		kubectl(t, "-n", z.namespace, "set", "env", name, fmt.Sprintf("BENCH=%d", n))
		kubectl(t, "-n", z.namespace, "rollout", "status", name, "--timeout=2m")
		c := newCounter(t, env(t, "ROLLBOOK_CLUSTER"), "testbed")
		s := start(c.kubeconfig, strings.Replace(name, ".apps", "", 1))
		s.sees("5/5")
		enter := func(then string) {
			time.Sleep(500 * time.Millisecond)
			s.press("\r")
			s.sees(then)
		}
		enter("▸2 Decide")
		enter("▸3 Choose")
		if !strings.Contains(s.text(), "[x]") {
			s.press(" ")
		}
		s.sees("now")
		time.Sleep(3 * time.Second)              // the clock never rests: the history's figures have come by then
		if strings.Contains(s.text(), "take ") { // nobody knows how any version did
			s.press("j")
			s.sees("take 1")
			enter("1 of 1 components selected")
		}
		enter("▸4 Confirm")
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
		s.sees("▸5 Roll back")
		s.kill()
	}
	return out
}
