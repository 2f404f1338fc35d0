//go:build e2e

package metrics

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// These tests run a real Prometheus of their own on made-up history, so that
// PromQL's own rules are what is tested. Its programs are those that the testbed
// built: $ROLLBOOK_PROMETHEUS_BIN names their folder, else the testbed's cache
// is looked through.

// history writes OpenMetrics, one family after the other.
type history struct {
	step     time.Duration // the newest sample is of now
	now      time.Time
	span     time.Duration
	families map[string][]string
	order    []string
}

func newHistory(span, step time.Duration) *history {
	return &history{now: time.Now().Truncate(time.Second), span: span, step: step, families: map[string][]string{}}
}

// add writes a series; value is of the time since the beginning, ok = false
// leaves the sample out.
func (h *history) add(family, sample string, value func(since time.Duration) (v float64, ok bool)) {
	if h.families[family] == nil {
		h.order = append(h.order, family)
	}
	for since := time.Duration(0); since <= h.span; since += h.step {
		if v, ok := value(since); ok {
			t := h.now.Add(since - h.span)
			h.families[family] = append(h.families[family], fmt.Sprintf("%s %g %d.%03d", sample, v, t.Unix(), t.UnixMilli()%1000))
		}
	}
}

// app writes the metrics of one pod: ok and bad requests a second, and the
// latency bucket that they fall in.
type app struct {
	namespace, pod, label string
	ok, bad               func(since time.Duration) float64 // per second
	le                    string
	from, to              time.Duration // 0 = the whole span
	grown                 float64       // requests before the history began
}

var buckets = []string{"0.1", "0.25", "0.5", "1", "2.5", "+Inf"}

func steady(v float64) func(time.Duration) float64 { return func(time.Duration) float64 { return v } }

func (h *history) app(a app) {
	if a.to == 0 {
		a.to = h.span
	}
	if a.label == "" {
		a.label = "status"
	}
	sum := func(rates ...func(time.Duration) float64) func(time.Duration) (float64, bool) {
		total, last := a.grown, time.Duration(-1)
		return func(since time.Duration) (float64, bool) {
			if since > a.from && since <= a.to && last >= 0 {
				for _, r := range rates {
					if r != nil {
						total += r(since) * (since - last).Seconds()
					}
				}
			}
			last = since
			return total, since >= a.from && since <= a.to
		}
	}
	pod := fmt.Sprintf(`namespace=%q,pod=%q`, a.namespace, a.pod)
	if a.ok != nil {
		h.add("http_requests", fmt.Sprintf(`http_requests_total{%s,%s="200"}`, pod, a.label), sum(a.ok))
	}
	if a.bad != nil {
		h.add("http_requests", fmt.Sprintf(`http_requests_total{%s,%s="503"}`, pod, a.label), sum(a.bad))
	}
	if a.le != "" {
		reached := false
		for _, b := range buckets {
			reached = reached || b == a.le
			rates := []func(time.Duration) float64{steady(0)}
			if reached {
				rates = []func(time.Duration) float64{a.ok, a.bad}
			}
			h.add("http_request_duration_seconds", fmt.Sprintf(`http_request_duration_seconds_bucket{%s,le=%q}`, pod, b), sum(rates...))
		}
	}
	h.add("up", fmt.Sprintf(`up{job="pods",%s}`, pod), func(since time.Duration) (float64, bool) {
		if since < a.from {
			return 0, false
		}
		return map[bool]float64{true: 1}[since <= a.to], true
	})
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
	for _, family := range h.order {
		kind := map[string]string{"http_requests": "counter", "http_request_duration_seconds": "histogram", "up": "gauge"}[family]
		if kind == "histogram" { // promtool wants whole histograms: the samples do without
			kind = "unknown"
			family = "http_request_duration_seconds_bucket"
		}
		fmt.Fprintf(w, "# TYPE %s %s\n", family, kind)
		for _, l := range h.families[strings.TrimSuffix(family, "_bucket")] {
			fmt.Fprintln(w, l)
		}
	}
	fmt.Fprintln(w, "# EOF")
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

func deploy(name string) model.Target {
	return model.Target{ID: name, Workload: model.Workload{Kind: model.Deployment, Namespace: "prod", Name: name}}
}

func poll(t testing.TB, c *Client, hold time.Duration, targets ...model.Target) map[string]*model.Figures {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	got, err := c.Poll(ctx, Poll{Targets: targets, Hold: hold})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// say is a reading in one word, for tables.
func say(r model.Reading) string {
	if !r.Known {
		return "? " + r.Why
	}
	s := fmt.Sprintf("%.3g", r.Value)
	if r.AtLeast {
		s = "≥" + s
	}
	return s
}
