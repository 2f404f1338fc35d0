//go:build e2e

package prom_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/sandbox/prom"
	"rollbook/sandbox/prom/traffic"
)

// TestParity asks a real Prometheus and this one the same about the same
// samples. Where they differ, this one is wrong.
func TestParity(t *testing.T) {
	s, text := anHour(t)
	real := realPrometheus(t, map[string]string{"history": text, "prometheus.yml": ""})
	at := func(d time.Duration) string { return strconv.FormatInt(start.Add(d).Unix(), 10) }
	now, ago := at(time.Hour), at(30*time.Minute)
	errors := `sum by (app) (rate(http_requests_total{status=~"5.."}[5m])) / sum by (app) (rate(http_requests_total[5m]))`
	for _, q := range []struct {
		path string
		form url.Values
	}{
		{"query", url.Values{"query": {errors}, "time": {now}}},
		{"query", url.Values{"query": {`sort(histogram_quantile(0.95, sum by (app, le) (rate(http_request_duration_seconds_bucket[5m]))))`}, "time": {now}}},
		{"query", url.Values{"query": {`up`}, "time": {now}}},
		{"query", url.Values{"query": {`up[1m]`}, "time": {now}}},
		{"query", url.Values{"query": {`count_over_time(up[5m])`}, "time": {now}}},
		{"query", url.Values{"query": {`count_over_time(up[5m])`}, "time": {at(time.Hour + time.Second)}}},
		{"query", url.Values{"query": {`timestamp(http_requests_total{status="500"})`}, "time": {at(time.Hour + time.Minute)}}},
		{"query", url.Values{"query": {`increase(http_requests_total[5m] offset 10m)`}, "time": {now}}},
		{"query", url.Values{"query": {`up @ ` + ago}, "time": {now}}},
		{"query", url.Values{"query": {`max_over_time(sum(up)[10m:1m])`}, "time": {now}}},
		{"query", url.Values{"query": {`topk(2, http_requests_total)`}, "time": {now}}},
		{"query", url.Values{"query": {`rate(up[5m])`}, "time": {now}}},
		{"query", url.Values{"query": {`1`}, "time": {now + ".25"}}},
		{"query", url.Values{"query": {`"a<b"`}, "time": {now}}},
		{"query", url.Values{"query": {`vector(1)/0`}, "time": {now}}},
		{"query", url.Values{"query": {`vector(0)/0`}, "time": {now}}},
		{"query", url.Values{"query": {`nothing`}, "time": {now}}},
		{"query", url.Values{"query": {`nothing[5m]`}, "time": {now}}},
		{"query", url.Values{"query": {`up`}, "time": {now}, "limit": {"1"}}},
		{"query", url.Values{"query": {`up`}, "time": {now}, "limit": {"-1"}}},
		{"query", url.Values{"query": {`up`}, "time": {now}, "timeout": {"x"}}},
		{"query", url.Values{"query": {`up`}, "time": {now}, "lookback_delta": {"x"}}},
		{"query", url.Values{"query": {`sum(`}, "time": {now}}},
		{"query", url.Values{"query": {``}, "time": {now}}},
		{"query", url.Values{"query": {`up`}, "time": {"x"}}},
		{"query", url.Values{"query": {`up * on() up`}, "time": {now}}},
		{"query_range", url.Values{"query": {errors}, "start": {ago}, "end": {now}, "step": {"15"}}},
		{"query_range", url.Values{"query": {`up`}, "start": {ago}, "end": {now}, "step": {"1m"}}},
		{"query_range", url.Values{"query": {`nothing`}, "start": {ago}, "end": {now}, "step": {"1m"}}},
		{"query_range", url.Values{"query": {`up`}, "start": {now}, "end": {ago}, "step": {"1m"}}},
		{"query_range", url.Values{"query": {`up`}, "start": {ago}, "end": {now}, "step": {"0"}}},
		{"query_range", url.Values{"query": {`up`}, "start": {ago}, "end": {now}, "step": {"0.01"}}},
		{"query_range", url.Values{"query": {`up[5m]`}, "start": {ago}, "end": {now}, "step": {"15"}}},
		{"query_range", url.Values{"query": {`up`}, "end": {now}, "step": {"15"}}},
		{"series", url.Values{"match[]": {`up`, `http_requests_total{status="500"}`, `up{app="api"}`}, "start": {ago}, "end": {now}}},
		{"series", url.Values{"match[]": {`up`}, "limit": {"1"}}},
		{"series", url.Values{}},
		{"series", url.Values{"match[]": {`{app=""}`}}},
		{"series", url.Values{"match[]": {`{`}}},
		{"labels", url.Values{}},
		{"labels", url.Values{"match[]": {`up`}, "start": {ago}, "end": {now}}},
		{"labels", url.Values{"match[]": {`nothing`}}},
		{"label/pod/values", url.Values{}},
		{"label/__name__/values", url.Values{"match[]": {`{app="api"}`}}},
		{"label/status/values", url.Values{"limit": {"2"}}},
		{"label/nothing/values", url.Values{}},
		{"rules", url.Values{"type": {"x"}}},
		{"alerts", url.Values{}},
		{"format_query", url.Values{"query": {`sum(up)by(app)`}}},
		{"query_exemplars", url.Values{"query": {`up`}, "start": {ago}, "end": {now}}},
	} {
		path := "/api/v1/" + q.path + "?" + q.form.Encode()
		theirs, want := ask(t, real+path)
		ours, got := ask(t, s+path)
		if ours != theirs || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %v\nours   %d %.500v\ntheirs %d %.500v", q.path, q.form, ours, got, theirs, want)
		}
	}
}

// anHour is a server with an hour of traffic, and the same as OpenMetrics.
func anHour(t *testing.T) (url, text string) {
	s, err := prom.New(prom.Options{Rules: []byte("groups: []")})
	if err != nil {
		t.Fatal(err)
	}
	tr := traffic.New()
	pods := []traffic.Pod{pod("api", "1", profile(func(p *traffic.Profile) { p.Errors = 0.2 })), pod("api", "2", traffic.Well),
		pod("web", "4", profile(func(p *traffic.Profile) { p.P95 = traffic.Endless }))}
	families, order := map[string]*bytes.Buffer{}, []string{}
	for at := start; !at.After(start.Add(time.Hour)); at = at.Add(15 * time.Second) {
		pods[1].Ready = at.Before(start.Add(40*time.Minute)) || at.After(start.Add(50*time.Minute))
		round := tr.Scrape(at, pods)
		for _, r := range round {
			up := 1.0
			if r.Err != nil {
				up = 0
			}
			for _, x := range append(r.Samples, prom.Sample{Labels: r.Target.Series("up"), Value: up}) {
				m := x.Labels.Map()
				name := m["__name__"]
				delete(m, "__name__")
				if r.Err == nil || name == "up" {
					if err := s.Append(at, x.Labels.Map(), x.Value); err != nil {
						t.Fatal(err)
					}
					if families[name] == nil {
						families[name], order = &bytes.Buffer{}, append(order, name)
						fmt.Fprintf(families[name], "# TYPE %s unknown\n", name)
					}
					var list []string
					for k, v := range m {
						list = append(list, fmt.Sprintf("%s=%q", k, v))
					}
					fmt.Fprintf(families[name], "%s{%s} %s %d\n", name, strings.Join(list, ","), strconv.FormatFloat(x.Value, 'g', -1, 64), at.Unix())
				}
			}
		}
	}
	srv := httpServer(t, s.Handler())
	var all strings.Builder
	for _, n := range order {
		all.Write(families[n].Bytes())
	}
	return srv, all.String() + "# EOF\n"
}

func httpServer(t *testing.T, h http.Handler) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return "http://" + l.Addr().String()
}

// realPrometheus runs the testbed's on a folder of these files: prometheus.yml,
// what it names, and the samples that there are at its start in history.
func realPrometheus(t *testing.T, files map[string]string) string {
	cache, _ := os.UserCacheDir()
	bin := os.Getenv("ROLLBOOK_PROMETHEUS_BIN")
	if found, _ := filepath.Glob(filepath.Join(cache, "rollbook-testbed", "prom*", "prometheus")); bin == "" && len(found) > 0 {
		bin = filepath.Dir(found[len(found)-1])
	}
	if bin == "" {
		t.Fatal("no Prometheus: start the testbed once, or set ROLLBOOK_PROMETHEUS_BIN")
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range files {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if files["history"] != "" {
		if out, err := exec.Command(filepath.Join(bin, "promtool"), "tsdb", "create-blocks-from", "openmetrics", in("history"), in("data")).CombinedOutput(); err != nil {
			t.Fatalf("promtool: %v\n%s", err, out)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(filepath.Join(bin, "prometheus"), "--config.file="+in("prometheus.yml"), "--storage.tsdb.path="+in("data"),
		"--storage.tsdb.retention.time=100y", "--web.listen-address="+addr, "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get("http://" + addr + "/-/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + addr
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("Prometheus is not ready")
		}
	}
}

// ask returns the answer's status and its JSON.
func ask(t *testing.T, url string) (int, any) {
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v: %s", url, err, body)
	}
	return resp.StatusCode, v
}
