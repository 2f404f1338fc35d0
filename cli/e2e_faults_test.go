//go:build e2e

package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/engine/porttest"
	"rollbook/incident"
	"rollbook/model"
)

// unwell is an HTTP proxy before the API server that does things to what passes.
type unwell struct {
	url     string
	server  string
	direct  http.RoundTripper // as the admin
	mu      sync.Mutex
	patched func(w http.ResponseWriter, r *http.Request, next http.Handler) // what becomes of a write; nil = it passes
	latency time.Duration                                                   // of each request
	patches atomic.Int32
}

func newUnwell(t *testing.T) *unwell {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	direct, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	user, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(&clientcmd.ClientConfigLoadingRules{ExplicitPath: env(t, "ROLLBOOK_CLUSTER")},
		&clientcmd.ConfigOverrides{CurrentContext: "oncall"}).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	asUser, err := rest.TransportFor(user)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	next := &httputil.ReverseProxy{Transport: asUser, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Authorization") // the transport has its own
			r.Out.Header.Del("Accept-Encoding")
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
	u := &unwell{server: strings.TrimSuffix(cfg.Host, "/"), direct: direct}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		patched, latency := u.patched, u.latency
		u.mu.Unlock()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(latency):
		}
		if r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == "" {
			u.patches.Add(1)
			if patched != nil {
				patched(w, r, next)
				return
			}
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	u.url = srv.URL
	return u
}

func (u *unwell) set(latency time.Duration, patched func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.latency, u.patched = latency, patched
}

// late lets a write arrive so long after it was sent, and its answer never: its
// connection is gone at once, or stays silent until somebody gives it up. done is told
// when it has arrived.
func (u *unwell) late(t *testing.T, after time.Duration, silent bool, done chan<- time.Time) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		again, err := http.NewRequestWithContext(context.Background(), r.Method, u.server+r.URL.String(), bytes.NewReader(body))
		if err != nil {
			t.Error(err)
		}
		again.Header.Set("Content-Type", r.Header.Get("Content-Type"))
		go func() {
			time.Sleep(after)
			resp, err := u.direct.RoundTrip(again)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("the late write: %s", resp.Status)
			}
			done <- time.Now()
		}()
		if silent {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
}

// tries is how often each case is tried: once, and as often as wanted by hand.
func tries() int {
	n, _ := strconv.Atoi(os.Getenv("ROLLBOOK_TRIES")) // 0 when it is not set
	return max(1, n)
}

// badRelease is a Deployment whose second revision is to be rolled back.
func badRelease(t *testing.T, ns, name string) {
	t.Helper()
	kubectl(t, "-n", ns, "create", "deployment", name, "--image=api:1", "--replicas=1")
	settled(t, ns, name, "1")
	kubectl(t, "-n", ns, "set", "image", "deploy/"+name, "api=api:2")
	settled(t, ns, name, "2")
}

func imageOf(t *testing.T, ns, name string) string {
	t.Helper()
	return kubectl(t, "-n", ns, "get", "deploy", name, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
}

func eventsOn(t *testing.T, ns, name string) int {
	t.Helper()
	out := kubectl(t, "-n", ns, "get", "events", "--field-selector", "reason=Rollback,involvedObject.name="+name, "-o", "name")
	return len(strings.Fields(out))
}

// Nothing is claimed by an answer that is not the API server's, nothing follows it,
// and the same rollback is done when the way is free again.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	ns := emptyNamespace(t)
	answers := map[string]porttest.Answer{
		"empty":   {Code: 200, Body: "{}"},
		"another": {Code: 200, Body: `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"other","namespace":"x","uid":"u","resourceVersion":"999999999"},"spec":{"template":{}}}`},
		"html":    {Code: 200, Body: "<html>log in</html>"},
	}
	for _, code := range []int{301, 302, 303, 307, 308} {
		answers[fmt.Sprint(code)] = porttest.Answer{Code: code, Header: map[string]string{"Location": other.URL + "/login"}}
	}
	for what, a := range answers {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for n := range tries() {
				name := fmt.Sprintf("api-%s-%d", what, n)
				badRelease(t, ns, name)
				u := newUnwell(t)
				r, end := newRacer(t, ns, name, "oncall", "maria", false, u.url)
				s := r.toConfirm()
				if t.Failed() {
					return
				}
				u.set(0, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
					for k, v := range a.Header {
						w.Header().Set(k, v)
					}
					w.WriteHeader(a.Code)
					_, _ = io.WriteString(w, a.Body)
				})
				r.confirm(s)
				s = r.until("that it was not done so far", func(s *incident.Snapshot) bool {
					if hasWritten(s) {
						t.Errorf("%s: claimed to be written", name)
						return true
					}
					return s.Incident.Asked == incident.AskFailed
				})
				if !strings.Contains(s.Incident.AskText, "may still arrive") || eventsOn(t, ns, name) != 0 || imageOf(t, ns, name) != "api:2" || u.patches.Load() != 1 {
					t.Errorf("%s: %q, %d events, %s, %d patches", name, s.Incident.AskText, eventsOn(t, ns, name), imageOf(t, ns, name), u.patches.Load())
				}
				u.set(0, nil)
				r.confirm(r.until("the preflight", func(s *incident.Snapshot) bool {
					p := s.Seen.Preflight[model.Release(name)]
					return s.Incident.Step == incident.Confirm && p != nil && p.Done && r.overrides(s) && s.Incident.Step.Blocked(s) == ""
				}))
				r.until("that it is written", hasWritten)
				if got := imageOf(t, ns, name); got != "api:1" || u.patches.Load() != 2 {
					t.Errorf("%s: runs %s after %d patches", name, got, u.patches.Load())
				}
				end()
			}
		})
	}
	t.Cleanup(func() {
		if n := elsewhere.Load(); n > 0 {
			t.Errorf("%d requests went elsewhere", n)
		}
	})
}

// No rollback fails for a slow way, for other writers, or for a server that asks for
// patience; and the screen is right soon after the cluster.
func TestRollbackInBadWeather(t *testing.T) {
	t.Parallel()
	ns := emptyNamespace(t)
	in := func(name string, f func(t *testing.T, name string, u *unwell)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range tries() {
				one := fmt.Sprintf("%s-%d", name, n)
				badRelease(t, ns, one)
				f(t, one, newUnwell(t))
				if t.Failed() {
					return
				}
			}
		})
	}
	for name, late := range map[string]struct {
		after  time.Duration
		silent bool
	}{"late-2s": {2 * time.Second, false}, "late-6s": {6 * time.Second, false}, "late-45s": {45 * time.Second, false}, "silent-45s": {45 * time.Second, true}} {
		in(name, func(t *testing.T, name string, u *unwell) {
			r, end := newRacer(t, ns, name, "oncall", "maria", false, u.url)
			defer end()
			s := r.toConfirm()
			done := make(chan time.Time, 1)
			u.set(0, u.late(t, late.after, late.silent, done))
			r.confirm(s)
			var at time.Time
			r.within(late.after+30*time.Second, "that it arrived", func(s *incident.Snapshot) bool {
				select {
				case at = <-done:
				default:
				}
				if at.IsZero() && (hasWritten(s) || strings.Contains(s.Incident.AskText, "Nothing was written")) {
					t.Errorf("not arrived, and told: %q, written %v", s.Incident.AskText, hasWritten(s))
				}
				return hasWritten(s)
			})
			if shown := time.Since(at); at.IsZero() || shown > porttest.Patience(2*time.Second) {
				t.Errorf("shown %s after the cluster had it", shown)
			}
			r.until("its end", func(s *incident.Snapshot) bool { return s.Incident.Attempts[0].Writes[0].State == incident.Done })
			if n := u.patches.Load(); n != 1 || eventsOn(t, ns, name) != 1 || r.e.Snapshot().Incident.Step != incident.RollBack {
				t.Errorf("%d patches, %d events, at %s", n, eventsOn(t, ns, name), r.e.Snapshot().Incident.Step.Name())
			}
		})
	}
	in("slow", func(t *testing.T, name string, u *unwell) {
		u.set(2*time.Second, nil)
		r, end := newRacer(t, ns, name, "oncall", "maria", false, u.url)
		defer end()
		r.confirm(r.toConfirm())
		r.until("that it is rolled out", func(s *incident.Snapshot) bool {
			return hasWritten(s) && s.Incident.Attempts[0].Writes[0].State == incident.Done
		})
	})
	in("busy", func(t *testing.T, name string, u *unwell) {
		u.set(300*time.Millisecond, nil)
		r, end := newRacer(t, ns, name, "oncall", "maria", false, u.url)
		defer end()
		s := r.toConfirm()
		stop := make(chan struct{})
		var wg sync.WaitGroup
		var writes atomic.Int32
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(15 * time.Millisecond):
				}
				req, err := http.NewRequest(http.MethodPatch, u.server+"/apis/apps/v1/namespaces/"+ns+"/deployments/"+name, strings.NewReader(fmt.Sprintf(`{"spec":{"replicas":%d}}`, 1+n%2)))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/merge-patch+json")
				if resp, err := u.direct.RoundTrip(req); err == nil {
					resp.Body.Close()
					writes.Add(1)
				}
			}
		})
		r.until("other writes", func(*incident.Snapshot) bool { return writes.Load() >= 10 })
		r.confirm(s)
		r.until("that it is written", hasWritten)
		close(stop)
		wg.Wait()
		if got := imageOf(t, ns, name); got != "api:1" {
			t.Errorf("runs %s, beside %d other writes", got, writes.Load())
		}
	})
	in("overloaded", func(t *testing.T, name string, u *unwell) {
		r, end := newRacer(t, ns, name, "oncall", "maria", false, u.url)
		defer end()
		s := r.toConfirm()
		var refused atomic.Int32
		u.set(0, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if refused.Add(1) > 2 {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
		})
		begun, said := time.Now(), false
		r.confirm(s)
		r.until("that it is written", func(s *incident.Snapshot) bool {
			for _, p := range s.Seen.Progress {
				said = said || strings.Contains(p.Text, "the API server is overloaded (429)")
			}
			return hasWritten(s)
		})
		if time.Since(begun) < 4*time.Second || !said || u.patches.Load() != 3 {
			t.Errorf("after %s and %d patches; said %v", time.Since(begun), u.patches.Load(), said)
		}
	})
}
