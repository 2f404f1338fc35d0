package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T, kind Kind, text string) (*Config, error) {
	t.Helper()
	return Load(Source{Kind: kind, Name: FileName, Data: []byte(text)})
}

func mustLoad(t *testing.T, sources ...Source) *Config {
	t.Helper()
	c, err := Load(sources...)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// The messages are what an operator gets: they are kept to be read.
// UPDATE_GOLDEN=1 writes them anew.
func TestGoldenErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			kind := User
			if strings.HasPrefix(name, "shared") {
				kind = Folder
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(Source{Kind: kind, Name: name + ".yaml", Data: data})
			if err == nil {
				t.Fatal("is accepted")
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "hunter2") {
				t.Errorf("repeats a secret:\n%s", got)
			}
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("is a %T", err)
			}
			for _, e := range errs {
				if e.Line < 1 || e.Col < 1 {
					t.Errorf("no position: %v", e)
				}
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestNothingIsEnough(t *testing.T) {
	for _, text := range []string{"", "\n", "# only a comment\n", "---\n", "---\n...\n", "\ufeff# with a mark\n", "limits:\n", "components: []\n"} {
		c, err := load(t, Folder, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if c.Limits != Defaults().Limits || c.Verify != Defaults().Verify {
			t.Errorf("%q changes the defaults: %+v", text, c)
		}
	}
	c := mustLoad(t)
	if c.Hash != "" || c.SLO != nil || len(c.Components) != 0 {
		t.Errorf("no file: %+v", c)
	}
}

func TestDefaultsAreTheRunbooks(t *testing.T) {
	c := mustLoad(t)
	want := Limits{
		Errors: 0.05, ErrorsFor: 5 * time.Minute, P95: 2 * time.Second, P95For: 5 * time.Minute,
		MinRequests: 50, Rollout: 2 * time.Minute, Poll: 5 * time.Second, PollIdle: 15 * time.Second,
	}
	if c.Limits != want {
		t.Errorf("limits %+v, want %+v", c.Limits, want)
	}
	if want := (Verify{Errors: 0.001, P95: 500 * time.Millisecond, Hold: 2 * time.Minute}); c.Verify != want {
		t.Errorf("verify %+v, want %+v", c.Verify, want)
	}
}

func TestUnits(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"500ms": 500 * time.Millisecond, "2s": 2 * time.Second, "5m": 5 * time.Minute, "1m30s": 90 * time.Second,
		"1.5h": 90 * time.Minute, "30d": 30 * day, "1w": 7 * day, "1w2d3h4m5s6ms": 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond,
	} {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "5", "-5m", "5 m", "5min", "m", "5m5m", "5s5m", "1e3s", "١m", "99999999999999999999w", "5m\n"} {
		if d, err := ParseDuration(s); err == nil {
			t.Errorf("ParseDuration(%q) = %v", s, d)
		}
	}
	for s, want := range map[string]Ratio{"5%": 0.05, "0.1%": 0.001, "99.9 %": 0.999, "100%": 1} {
		if got, err := ParseRatio(s); err != nil || got != want {
			t.Errorf("ParseRatio(%q) = %v, %v", s, float64(got), err)
		}
	}
	for _, s := range []string{"", "5", "0.05", "%", "-1%", "5%%", ".5%", "NaN%", "5 percent"} {
		if r, err := ParseRatio(s); err == nil {
			t.Errorf("ParseRatio(%q) = %v", s, r)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", 90 * time.Second: "1m30s", 30 * day: "30d", 1500 * time.Millisecond: "1s500ms"} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
		if back, err := ParseDuration(want); err != nil || back != d {
			t.Errorf("ParseDuration(%q) = %v, %v", want, back, err)
		}
	}
}

func TestWorkload(t *testing.T) {
	for s, want := range map[string]string{
		"Deployment/shop": "Deployment/shop", "deploy/shop": "Deployment/shop", "deployments.apps/shop": "Deployment/shop", "deployments.v1.apps/shop": "Deployment/shop",
		"sts/db": "StatefulSet/db", "ds/agent.v2": "DaemonSet/agent.v2",
	} {
		if got, err := ParseWorkload(s); err != nil || got.String() != want {
			t.Errorf("ParseWorkload(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"shop", "pod/x", "rs/x", "deploy/", "/x", "deploy/a/b", "deploy.example/x", "deploy/-x", "deploy/X"} {
		if w, err := ParseWorkload(s); err == nil {
			t.Errorf("ParseWorkload(%q) = %v", s, w)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, s := range []string{
		"https://prometheus.example", "http://127.0.0.1:9090/prometheus", "http://[::1]:9090",
		"service:monitoring/prometheus:9090", "service:monitoring/https:prometheus:web/prefix/x",
	} {
		if a, err := ParseAddress(s); err != nil || a.String() != s {
			t.Errorf("ParseAddress(%q) = %q, %v", s, a, err)
		}
	}
	for _, s := range []string{
		"", "prometheus:9090", "ftp://x", "https://", "https://u:p@x", "https://x?token=1", "service:", "service:prometheus:9090", "service:a/b",
		"service:a/b:99999", "service:a/b:9090/../../secrets", "service:A/b:1", "service:a/b:1/%2e%2e", "service:a/b:1/x?y",
	} {
		if a, err := ParseAddress(s); err == nil {
			t.Errorf("ParseAddress(%q) = %+v", s, a)
		}
	}
}

func TestMatchers(t *testing.T) {
	got, err := ParseMatchers(`job="shop",path!~'/a"b.*' , code=~"5..", x!="\"", "http.route"!~"/health.*"`)
	want := []Matcher{{"job", "=", "shop"}, {"path", "!~", `/a"b.*`}, {"code", "=~", "5.."}, {"x", "!=", `"`}, {"http.route", "!~", "/health.*"}}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: %v, want %v", i, got[i], want[i])
		}
	}
	for _, s := range []string{"", ",", "job", "job=shop", `job="a" code="b"`, `1a="b"`, `a="b"} or vector(1)`, `a=~"("`, `a="b`} {
		if m, err := ParseMatchers(s); err == nil {
			t.Errorf("ParseMatchers(%q) = %v", s, m)
		}
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	c, err := load(t, User, `
limits:
  errors: {over: 5%, for: &long 10m}
  p95: {over: 2s, for: *long}
components:
  - &base
    name: a
    workload: deploy/a
    checks: {logs: 50, up: false}
  - <<: *base
    name: b
    workload: deploy/b
`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Limits.P95For != 10*time.Minute {
		t.Errorf("for: %v", c.Limits.P95For)
	}
	if b := c.Components[1]; b.Name != "b" || b.Workload.Name != "b" || b.Checks.Logs != 50 || b.Checks.Up {
		t.Errorf("merged: %+v", b)
	}
}

func TestWindowsLineEnds(t *testing.T) {
	_, err := load(t, User, "links:\r\n  a: 'https://a.example/\r\n  '\r\nverify: {hold: 5}\r\n")
	if err == nil || !strings.Contains(err.Error(), ":4:16: verify.hold") {
		t.Errorf("%v", err)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/errors/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(example)
	f.Add(uncommented())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kind := range []Kind{User, Folder} {
			c, err := Load(Source{Kind: kind, Name: FileName, Data: data})
			if err == nil {
				c.Settings()
				continue
			}
			var errs Errors
			if c != nil || !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("%v, %T %v", c, err, err)
			}
			lines := strings.Count(string(data), "\n") + 1
			for _, e := range errs {
				if e.Line < 1 || e.Col < 1 || e.Line > lines+strings.Count(string(data), "\r") {
					t.Errorf("no position in %d lines: %+v", lines, e)
				}
				for _, r := range e.Error() {
					if r < 0x20 || r == 0x7f || odd(r) {
						t.Errorf("unprintable: %q", e.Error())
					}
				}
			}
		}
	})
}
