//go:build e2e

package metrics

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// These tests run a real Prometheus of their own on made-up history. Its programs
// are those that the testbed built: $ROLLBOOK_PROMETHEUS_BIN names their folder,
// else the testbed's cache is looked through.

// A minute of the history lies ahead, so that a real one does not grow stale while it
// starts.
func init() {
	engines["Prometheus"] = func() tried {
		now := wholeSecond()
		return tried{now, now.Add(time.Minute), func(t testing.TB, h *history) asker { return h.start(t) }}
	}
}

// wholeSecond is the present, as a history may end at it.
func wholeSecond() time.Time { return time.Now().Truncate(time.Second) }

// write writes the history as OpenMetrics, one family after the other.
func (h *history) write(w io.Writer) {
	names := map[string]bool{}
	for _, s := range h.series {
		names[s.name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		// promtool wants whole histograms: the samples do without.
		kind := "unknown"
		if strings.HasSuffix(name, "_total") {
			kind = "counter"
		}
		fmt.Fprintf(w, "# TYPE %s %s\n", strings.TrimSuffix(name, "_total"), kind)
		for _, s := range h.series {
			if s.name != name {
				continue
			}
			var labels []string
			for _, k := range slices.Sorted(maps.Keys(s.labels)) {
				labels = append(labels, fmt.Sprintf("%s=%q", k, s.labels[k]))
			}
			for _, p := range s.points {
				fmt.Fprintf(w, "%s{%s} %g %d.%03d\n", name, strings.Join(labels, ","), p.V, p.At.Unix(), p.At.UnixMilli()%1000)
			}
		}
	}
	fmt.Fprintln(w, "# EOF")
}

// prometheus is one that runs on a history.
type prometheus struct {
	url  string
	kill func()
}

func bin(t testing.TB, name string) string {
	if d := os.Getenv("ROLLBOOK_PROMETHEUS_BIN"); d != "" {
		return filepath.Join(d, name)
	}
	cache, _ := os.UserCacheDir()
	found, _ := filepath.Glob(filepath.Join(cache, "rollbook-testbed", "prom*", name))
	if len(found) == 0 {
		t.Fatalf("no %s: start the testbed once, or set ROLLBOOK_PROMETHEUS_BIN", name)
	}
	return found[len(found)-1]
}

func (h *history) start(t testing.TB) *prometheus {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "history"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	h.write(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	data := filepath.Join(dir, "data")
	if out, err := exec.Command(bin(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics", f.Name(), data).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	os.WriteFile(filepath.Join(dir, "prometheus.yml"), nil, 0o600)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(bin(t, "prometheus"), "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+data, "--web.listen-address="+addr, "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{url: "http://" + addr}
	p.kill = func() { cmd.Process.Kill(); cmd.Wait() }
	t.Cleanup(p.kill)
	deadline := time.Now().Add(30 * time.Second)
	for {
		if resp, err := http.Get(p.url + "/-/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("Prometheus is not ready")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (p *prometheus) client(t testing.TB, change ...func(*Options)) *Client {
	t.Helper()
	opt := Options{URL: p.url, Now: time.Now}
	for _, f := range change {
		f(&opt)
	}
	c, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func poll(t testing.TB, c *Client, hold time.Duration, targets ...model.Target) map[string]*model.Figures {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	got, err := c.Poll(ctx, model.Poll{Targets: targets, Hold: hold})
	if err != nil {
		t.Fatal(err)
	}
	return got
}
