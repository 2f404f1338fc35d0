package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// Over a pipe, in a bubble: who has the token is served, who has not is not, and
// after the end nobody is and nothing runs any more.
func TestStart(t *testing.T) {
	for name, end := range map[string]func(s *Sandbox, cancel func()){
		"closed":      func(s *Sandbox, _ func()) { s.Close() },
		"context end": func(s *Sandbox, cancel func()) { cancel(); s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				sc, err := Load("errors")
				if err != nil {
					t.Fatal(err)
				}
				pipe := NewPipe()
				s, err := Start(ctx, Options{Scenario: sc, Listener: pipe, Seed: 1, Warn: func(s string) { t.Error(s) }})
				if err != nil {
					t.Fatal(err)
				}
				get := asker(t, s, pipe)
				const ready, pods, metrics = "/readyz", "/api/v1/namespaces/production/pods", "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/alerts"
				if code, _ := get(pods, "wrong"); code != http.StatusUnauthorized {
					t.Errorf("with a wrong token: %d", code)
				}
				if code, body := get(pods, s.token); code != 200 || !strings.Contains(body, "backend-python-") {
					t.Errorf("pods: %d %s", code, body)
				}
				if code, body := get(metrics, s.token); code != 200 || !strings.Contains(body, "HighErrorRate") {
					t.Errorf("alerts: %d %s", code, body)
				}
				time.Sleep(10 * time.Minute) // it lives
				if code, body := get(ready, s.token); code != 200 {
					t.Errorf("ten minutes later: %d %s", code, body)
				}
				end(s, cancel)
				if code, body := get(ready, s.token); code != 0 {
					t.Errorf("after its end: %d %s", code, body)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// slowly is a clock by which the world takes so long to be built.
func slowly(d time.Duration) func() time.Time {
	var calls atomic.Int32
	return func() time.Time {
		if calls.Add(1) == 2 { // the first one dates the certificate
			time.Sleep(d)
		}
		return time.Now()
	}
}

func opens(t *testing.T, ctx context.Context, file string, o Options) (*Sandbox, *Pipe) {
	t.Helper()
	var err error
	if o.Scenario, err = Load(file); err != nil {
		t.Fatal(err)
	}
	pipe := NewPipe()
	o.Listener, o.Seed, o.Warn = pipe, 1, func(s string) { t.Error(s) }
	s, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, pipe
}

// It can be reached from the start; who asks before the world is there waits, and
// then sees all of it.
func TestRequestsWaitForTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, told := time.Now(), time.Time{}
		s, pipe := opens(t, t.Context(), "errors", Options{Now: slowly(8 * time.Second), Built: func() { told = time.Now() }})
		get := asker(t, s, pipe)
		var asking sync.WaitGroup
		for path, want := range map[string]string{
			"/readyz": "ok", "/api/v1/namespaces/production/pods": "backend-python-",
			"/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/alerts": "HighErrorRate",
		} {
			asking.Go(func() {
				if code, body := get(path, s.token); code != http.StatusOK || !strings.Contains(body, want) {
					t.Errorf("%s: %d %s", path, code, body)
				}
				if d := time.Since(begun); d != 8*time.Second {
					t.Errorf("%s answered after %v", path, d)
				}
			})
		}
		asking.Wait()
		if err := s.Built(t.Context()); err != nil || !told.Equal(begun.Add(8*time.Second)) {
			t.Errorf("built: %v, told at %v", err, told)
		}
		s.Close()
		if err := s.Err(); err != nil {
			t.Errorf("closed, it says %v", err)
		}
		time.Sleep(time.Minute)
	})
}

// One that ends before its world is there answers nobody, and calls it no failure.
func TestEndedBeforeItIsBuilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, pipe := opens(t, t.Context(), "errors", Options{Now: slowly(8 * time.Second), Built: func() { t.Error("it was built") }})
		get := asker(t, s, pipe)
		var asking sync.WaitGroup
		asking.Go(func() {
			if code, body := get("/readyz", s.token); code != 0 && code != http.StatusServiceUnavailable {
				t.Errorf("%d %s", code, body)
			}
		})
		synctest.Wait()
		s.Close()
		asking.Wait()
		if err := s.Built(t.Context()); !errors.Is(err, context.Canceled) || s.Err() != nil || s.Context().Err() == nil {
			t.Errorf("built: %v, failed: %v, context: %v", err, s.Err(), s.Context().Err())
		}
		time.Sleep(time.Minute)
	})
}

// What only the cluster finds wrong with a scenario, and a panic, end the sandbox
// with the reason.
func TestFailsToBeBuilt(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		now  func() time.Time
		want string
	}{
		"a workload without a selector": {"testdata/refused.yaml", nil, `testdata/refused.yaml: release hotel:1 of hotel: Deployment.apps "hotel" is invalid: spec.selector`},
		"a panic":                       {"errors", panics(), "internal error in the sandbox: the clock stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := opens(t, t.Context(), c.file, Options{Now: c.now})
				if err := s.Built(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("built: %v", err)
				}
				<-s.Context().Done()
				if err := s.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("failed: %v", err)
				}
				s.Close()
				time.Sleep(time.Minute)
			})
		})
	}
	sc, err := Load("testdata/refused.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Start(t.Context(), Options{Scenario: sc}); err == nil {
		s.Close()
		t.Error("Start returned before it had failed")
	}
}

// panics is a clock that tells the time once.
func panics() func() time.Time {
	var calls atomic.Int32
	return func() time.Time {
		if calls.Add(1) > 1 {
			panic("the clock stopped")
		}
		return time.Now()
	}
}

// asker asks a sandbox over its pipe; the code is 0 when nobody answers.
func asker(t *testing.T, s *Sandbox, pipe *Pipe) func(path, token string) (int, string) {
	t.Helper()
	text, err := s.Kubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cfg.CAData)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: pipe.Dial, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	return func(path, token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cfg.Host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
}
