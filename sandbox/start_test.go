package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
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
