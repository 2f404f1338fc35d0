package prom_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"rollbook/sandbox/prom"
	"rollbook/sandbox/prom/traffic"
)

// pipe is a listener without a socket, so that a bubble's clock goes on.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipe) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, errors.New("closed")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bed is a server with traffic, at a clock of its own.
type bed struct {
	*prom.Server
	t       testing.TB
	now     time.Time
	traffic *traffic.Traffic
	pods    []traffic.Pod
	client  *http.Client
	api     v1.API
}

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newBed(t testing.TB, pods ...traffic.Pod) *bed {
	t.Helper()
	return newBedOf(t, nil, pods...)
}

// newBedOf has other rules than the sandbox's.
func newBedOf(t testing.TB, rules []byte, pods ...traffic.Pod) *bed {
	t.Helper()
	b := &bed{t: t, now: start, traffic: traffic.New(), pods: pods}
	var err error
	if b.Server, err = prom.New(prom.Options{Now: func() time.Time { return b.now }, Rules: rules}); err != nil {
		t.Fatal(err)
	}
	l := &pipe{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: b.Handler()}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }()
	tr := &http.Transport{DialContext: l.dial}
	b.client = &http.Client{Transport: tr}
	t.Cleanup(func() { tr.CloseIdleConnections(); _ = srv.Close(); <-ended })
	c, err := api.NewClient(api.Config{Address: "http://prometheus", RoundTripper: tr})
	if err != nil {
		t.Fatal(err)
	}
	b.api = v1.NewAPI(c)
	return b
}

// run lets time pass, with a scrape and an evaluation every 15 s; the last one
// is now.
func (b *bed) run(d time.Duration) {
	for end := b.now.Add(d); b.now.Before(end); {
		b.now = b.now.Add(15 * time.Second)
		b.Scrape(b.now, b.traffic.Scrape(b.now, b.pods))
		b.Eval(b.now)
	}
}

// value is the one value of an instant query, or NaN's text, or "" for none.
func (b *bed) value(query string) string {
	b.t.Helper()
	v, _, _, err := b.api.Query(b.t.Context(), query, b.now)
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	vec, ok := v.(model.Vector)
	switch {
	case !ok:
		b.t.Fatalf("%s: a %T", query, v)
	case len(vec) > 1:
		b.t.Fatalf("%s: %d values: %v", query, len(vec), vec)
	case len(vec) == 0:
		return ""
	}
	return vec[0].Value.String()
}

// number is value as a number.
func (b *bed) number(query string) float64 {
	b.t.Helper()
	v, _, _, err := b.api.Query(b.t.Context(), "scalar("+query+")", b.now)
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return float64(v.(*model.Scalar).Value)
}

// pod is the pod number n of a Deployment, at 10.0.0.n, named as Kubernetes does.
func pod(app, n string, p traffic.Profile) traffic.Pod {
	return traffic.Pod{
		Namespace: "production", Name: app + "-7c9f5d8-2kq4" + "bcdfghjklm"[n[0]-'0':][:1], UID: app + n, App: app, Container: "api", IP: "10.0.0." + n,
		Node: "node-1", OwnerKind: "ReplicaSet", Owner: app + "-7c9f5d8", Workload: app, Replicas: 2,
		HTTP: true, Running: true, Ready: true, Started: start, Profile: p,
	}
}

func profile(change func(*traffic.Profile)) traffic.Profile {
	p := traffic.Well
	change(&p)
	return p
}
