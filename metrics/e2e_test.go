//go:build e2e

package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kapps "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/model"
)

// These tests run on the testbed (make e2e), in a shop of their own, so that
// nothing that others do there is in their way.

func bed(t *testing.T, method, path string) {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), method, os.Getenv("ROLLBOOK_TESTBED")+path, nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, body)
	}
}

// kubeconfig is the testbed's, as one of its users.
func kubeconfig(t *testing.T, user string) *rest.Config {
	t.Helper()
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: os.Getenv("ROLLBOOK_CLUSTER")},
		&clientcmd.ConfigOverrides{CurrentContext: user}).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// methods counts what leaves by method.
type methods struct {
	rt          http.RoundTripper
	gets, other atomic.Int64
}

func (m *methods) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		m.gets.Add(1)
	} else {
		m.other.Add(1)
	}
	return m.rt.RoundTrip(r)
}

// proxied asks through the API server's service proxy, as a user.
func proxied(t *testing.T, user string) (*Client, *methods) {
	t.Helper()
	cfg := kubeconfig(t, user)
	rt, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := &methods{rt: rt}
	c, err := New(Options{URL: cfg.Host + "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy", RoundTripper: m,
		To: os.Getenv("ROLLBOOK_PROMETHEUS_SERVICE")})
	if err != nil {
		t.Fatal(err)
	}
	return c, m
}

// until polls until good says "", for at most two and a half minutes.
func until(t *testing.T, c *Client, targets []model.Target, good func(map[string]*model.Figures) string) map[string]*model.Figures {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
	defer cancel()
	for {
		got, err := c.Poll(ctx, model.Poll{Targets: targets, Hold: time.Minute})
		why := fmt.Sprint(err)
		if err == nil {
			if why = good(got); why == "" {
				return got
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after two and a half minutes: %s", why)
		case <-time.After(2 * time.Second):
		}
	}
}

func TestTestbed(t *testing.T) {
	if os.Getenv("ROLLBOOK_TESTBED") == "" {
		t.Fatal("ROLLBOOK_TESTBED is not set: make e2e starts a testbed and sets it")
	}
	const ns = "metrics-e2e"
	bed(t, http.MethodPost, "/shop?namespace="+ns)
	t.Cleanup(func() {
		req, _ := http.NewRequest(http.MethodDelete, os.Getenv("ROLLBOOK_TESTBED")+"/shop?namespace="+ns, nil)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	})
	var targets []model.Target
	for _, n := range []string{"backend-python", "backend-rust", "frontend"} {
		targets = append(targets, model.Target{ID: n, Workload: model.Workload{Kind: model.Deployment, Namespace: ns, Name: n}})
	}
	direct, err := New(Options{URL: os.Getenv("ROLLBOOK_PROMETHEUS"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	through, sent := proxied(t, "viewer") // may get services/proxy, not create

	well := func(got map[string]*model.Figures) string {
		for _, tt := range targets {
			f := got[tt.ID]
			if e, p := f.Errors.Now, f.P95.Now; !e.Known || e.Value > 0.02 || !p.Known || p.Value > 0.5 || f.Up.Value < 1 || f.Up.Value != f.Targets.Value {
				return fmt.Sprintf("%s: errors %s, p95 %s, up %s of %s", tt.ID, sayReading(e), sayReading(p), sayReading(f.Up), sayReading(f.Targets))
			}
		}
		return ""
	}
	until(t, direct, targets, well)
	until(t, through, targets, well)
	released := time.Now()

	bed(t, http.MethodPost, "/release?workload=backend-python&kind=errors&namespace="+ns)
	bed(t, http.MethodPost, "/release?workload=backend-rust&kind=hang&namespace="+ns)
	bed(t, http.MethodPost, "/release?workload=frontend&kind=silent&namespace="+ns)
	got := until(t, through, targets, func(got map[string]*model.Figures) string {
		python, rust, front := got["backend-python"], got["backend-rust"], got["frontend"]
		s := fmt.Sprintf("python %s, rust %s, frontend %s", sayReading(python.Errors.Now), sayReading(rust.P95.Now), sayReading(front.Errors.Now))
		if python.Errors.Now.Value > 0.25 && rust.P95.Now.AtLeast && front.Requests.Known && front.Requests.Value == 0 {
			return ""
		}
		return s
	})
	t.Logf("bad after %v: python %s, rust %s, frontend %s", time.Since(released).Round(time.Second), sayReading(got["backend-python"].Errors.Now),
		sayReading(got["backend-rust"].P95.Now), sayReading(got["frontend"].Errors.Now))
	if p := got["backend-rust"].P95.Now; p.Value != 10 {
		t.Errorf("the last finite bound is 10 s, the figure says %s", sayReading(p))
	}
	if e := got["backend-rust"].Errors.Now; !e.Known || e.Value > 0.02 {
		t.Errorf("backend-rust is slow, not wrong: %s", sayReading(e))
	}
	// From no errors to 30 %: the samples tell it in order, with none missing.
	samples := got["backend-python"].Errors.Samples
	if samples[0].V > 0.02 || samples[len(samples)-1].V < 0.1 {
		t.Errorf("samples: %v", samples)
	}
	for i := 1; i < len(samples); i++ {
		if d := samples[i].At.Sub(samples[i-1].At); d != 15*time.Second {
			t.Errorf("%v between samples", d)
		}
	}
	if sent.other.Load() != 0 || sent.gets.Load() == 0 {
		t.Errorf("%d GET, %d others", sent.gets.Load(), sent.other.Load())
	}
	t.Run("behaviour", func(t *testing.T) { testbedBehaviour(t, direct, targets[0]) })
	t.Run("check", func(t *testing.T) {
		for _, l := range direct.Check(t.Context(), targets) {
			t.Logf("%d %-20s %8s: %s", l.State, l.Name, l.Took.Round(time.Microsecond), l.Text)
			if l.State == model.CheckBlocked {
				t.Errorf("%+v", l)
			}
		}
	})
}

// Each ReplicaSet did what its release was meant to do.
func testbedBehaviour(t *testing.T, c *Client, target model.Target) {
	apps, err := appsv1.NewForConfig(kubeconfig(t, "testbed"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := apps.ReplicaSets(target.Workload.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list.Items = slices.DeleteFunc(list.Items, func(r kapps.ReplicaSet) bool {
		return !strings.HasPrefix(r.Name, target.Workload.Name+"-")
	})
	slices.SortFunc(list.Items, func(a, b kapps.ReplicaSet) int {
		return strings.Compare(a.Annotations["deployment.kubernetes.io/revision"], b.Annotations["deployment.kubernetes.io/revision"])
	})
	var owners []string
	for _, r := range list.Items {
		owners = append(owners, r.Name)
	}
	got, err := c.Behaviour(t.Context(), target, owners, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range owners {
		t.Logf("%s: errors %s, p95 %s, of %s", o, sayReading(got[o].Errors), sayReading(got[o].P95), sayReading(got[o].Requests))
	}
	last := got[owners[len(owners)-1]]
	if !last.Errors.Known || last.Errors.Value < 0.25 {
		t.Errorf("the bad one: %+v", last)
	}
	if b := got[owners[len(owners)-2]]; !b.Errors.Known || b.Errors.Value > 0.02 {
		t.Errorf("the one before: %+v", b)
	}
}

func TestTestbedRefuses(t *testing.T) {
	if os.Getenv("ROLLBOOK_TESTBED") == "" {
		t.Fatal("ROLLBOOK_TESTBED is not set: make e2e starts a testbed and sets it")
	}
	c, _ := proxied(t, "nobody")
	_, err := ask(c, 0, shop())
	if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), `User "nobody" cannot get resource "services/proxy"`) {
		t.Error(err)
	}
	cfg := kubeconfig(t, "viewer")
	rt, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]error{"nothing:9090": ErrNotPrometheus, "prometheus:9091": ErrUnreachable} {
		c, err := New(Options{URL: cfg.Host + "/api/v1/namespaces/monitoring/services/" + service + "/proxy", RoundTripper: rt, To: "service:monitoring/" + service})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = ask(c, 0, shop()); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", service, err, want)
		}
		t.Log(err)
	}
	// Somebody else's port: not Prometheus.
	u, _ := url.Parse(os.Getenv("ROLLBOOK_TESTBED"))
	c, _ = New(Options{URL: u.String()})
	if _, err := ask(c, 0, shop()); !errors.Is(err, ErrNotPrometheus) {
		t.Error(err)
	}
}
