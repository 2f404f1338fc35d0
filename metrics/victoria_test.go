//go:build e2e

package metrics

import (
	"bytes"
	"fmt"
	"math"
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

// victoriaVersion is the second engine that figures are read from.
const victoriaVersion = "v1.151.0"

// victoriaBin is the program, built once into the testbed's cache.
func victoriaBin(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "rollbook-testbed", "victoriametrics-"+victoriaVersion)
	path := filepath.Join(dir, "victoria-metrics")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command("go", "install", "-ldflags", "-s -w", "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@"+victoriaVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build VictoriaMetrics: %v\n%s", err, out)
	}
	return path
}

// victoria is a VictoriaMetrics that has seen a history.
func (h *history) victoria(t *testing.T) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(victoriaBin(t), "-storageDataPath="+t.TempDir(), "-httpListenAddr="+addr, "-retentionPeriod=1d", "-loggerLevel=ERROR")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	url = "http://" + addr
	ask := func(method, path string, body []byte) bool {
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode/100 == 2
	}
	for deadline := time.Now().Add(time.Minute); !ask(http.MethodGet, "/health", nil); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("VictoriaMetrics does not answer")
		}
	}
	var b bytes.Buffer
	for _, s := range h.series {
		var labels []string
		for k, v := range s.labels {
			labels = append(labels, fmt.Sprintf("%s=%q", k, v))
		}
		for _, p := range s.points {
			fmt.Fprintf(&b, "%s{%s} %g %d\n", s.name, strings.Join(labels, ","), p.V, p.At.UnixMilli())
		}
	}
	if !ask(http.MethodPost, "/api/v1/import/prometheus", b.Bytes()) || !ask(http.MethodGet, "/internal/force_flush", nil) {
		t.Fatal("VictoriaMetrics takes no samples")
	}
	return url
}

// VictoriaMetrics says the same of the same samples, or that it does not know.
func TestVictoriaMetrics(t *testing.T) {
	victoriaBin(t) // its build takes minutes, in which a history would get old
	h := shopUntil(wholeSecond())
	real := h.start(t).client(t)
	other, err := New(Options{URL: h.victoria(t), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	targets := []model.Target{deploy("bad"), deploy("good"), deploy("inf"), deploy("idle"), deploy("rare"), deploy("dead"), deploy("plain"), deploy("gone"), longNamed()}
	want, got := poll(t, real, 2*time.Minute, targets...), poll(t, other, 2*time.Minute, targets...)
	for _, tt := range targets {
		w, g := want[tt.ID], got[tt.ID]
		for _, x := range []struct {
			name string
			w, g model.Reading
		}{{"errors", w.Errors.Now, g.Errors.Now}, {"P95", w.P95.Now, g.P95.Now}, {"hold errors", w.HoldErrors, g.HoldErrors}, {"hold P95", w.HoldP95, g.HoldP95},
			{"up", w.Up, g.Up}, {"targets", w.Targets, g.Targets}} {
			t.Logf("%s %s: Prometheus %s, VictoriaMetrics %s", tt.ID, x.name, sayReading(x.w), sayReading(x.g))
			switch {
			case !x.g.Known && x.g.Why == "":
				t.Errorf("%s %s: unknown without a reason", tt.ID, x.name)
			case x.g.Known && !x.w.Known:
				t.Errorf("%s %s: %s, and Prometheus says %s", tt.ID, x.name, sayReading(x.g), sayReading(x.w))
			case x.g.Known && math.Abs(x.g.Value-x.w.Value) > 0.05*x.w.Value+1e-9:
				t.Errorf("%s %s: %s, and Prometheus says %s", tt.ID, x.name, sayReading(x.g), sayReading(x.w))
			}
		}
	}
	if e := got["bad"].Errors.Now; !e.Known {
		t.Errorf("what fails is not known: %+v", e)
	}
	for _, l := range other.Check(t.Context(), targets[:1]) {
		t.Logf("doctor: %d %s: %s", l.State, l.Name, l.Text)
		if l.State == model.CheckBlocked {
			t.Errorf("doctor: %+v", l)
		}
	}
}
