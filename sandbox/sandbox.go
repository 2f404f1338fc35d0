// Package sandbox is an incident to practise on, with nothing installed: an
// in-memory Kubernetes API whose pods really start, crash and serve, and a
// Prometheus with its own engine over what they did, in one process and on
// loopback alone. What happens in it is a scenario: a readable file.
package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"rollbook/sandbox/api"
	"rollbook/sandbox/sim"
)

// What the kubeconfig calls things.
const (
	Context = "sandbox"
	User    = "you"
)

// Options say which sandbox to start. Only Scenario is required.
type Options struct {
	Scenario *Scenario
	Now      func() time.Time  // nil = time.Now
	Seed     uint64            // of names and small delays; 0 = another one each time
	Warn     func(text string) // of what went wrong inside; nil = dropped

	// Listener is where the Kubernetes API is served; nil = free ports of
	// 127.0.0.1 for it and for Prometheus. With one, Prometheus is reached
	// through the API's service proxy alone.
	Listener net.Listener
}

// Sandbox is one that runs.
type Sandbox struct {
	Addr string // host:port of the Kubernetes API

	token, prometheus string
	ca                []byte
	world             *world
	cancel            context.CancelFunc
	running           sync.WaitGroup
	warn              func(string)
}

// How often the simulation looks what is due.
const beat = 250 * time.Millisecond

// Start makes the scenario's past, opens it, and lets it run until ctx ends or
// Close is called.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	if o.Scenario == nil {
		return nil, errors.New("the sandbox was given no scenario")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // it never fails
	s := &Sandbox{token: hex.EncodeToString(secret), warn: o.Warn}
	var err error
	if s.world, err = newWorld(ctx, o); err != nil {
		return nil, err
	}
	var plain net.Listener
	if o.Listener == nil {
		if o.Listener, err = loopback(ctx); err != nil {
			return nil, err
		}
		if plain, err = loopback(ctx); err != nil {
			_ = o.Listener.Close()
			return nil, err
		}
	}
	s.Addr = o.Listener.Addr().String()
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, fmt.Errorf("the sandbox's address %s: %w", s.Addr, err)
	}
	cert, pem, err := certificate(host, o.Now())
	if err != nil {
		return nil, err
	}
	s.ca = pem
	ctx, s.cancel = context.WithCancel(ctx)
	metrics := s.world.prom.Handler()
	s.serve(ctx, o.Listener, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, api.Handler(api.Options{
		Store: s.world.store, Logs: logs{s.world}, Prometheus: metrics, Token: s.token, User: User, Now: s.world.clock.now}))
	if plain != nil {
		prefix := "/prometheus/" + s.token
		mux := http.NewServeMux()
		mux.Handle(prefix+"/", http.StripPrefix(prefix, metrics))
		s.prometheus = "http://" + plain.Addr().String() + prefix
		s.serve(ctx, plain, nil, mux)
	}
	s.running.Go(func() { s.live(ctx) })
	return s, nil
}

func loopback(ctx context.Context) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the sandbox needs a port of 127.0.0.1: %w", err)
	}
	return l, nil
}

// serve answers on a listener until ctx ends; secure = nil without TLS.
func (s *Sandbox) serve(ctx context.Context, l net.Listener, secure *tls.Config, h http.Handler) {
	server := &http.Server{
		Handler: h, TLSConfig: secure, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(io.Discard, "", 0),
	}
	s.running.Go(func() {
		err := error(nil)
		if secure != nil {
			err = server.ServeTLS(l, "", "")
		} else {
			err = server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			s.warn(fmt.Sprintf("the sandbox stopped serving: %v", err))
		}
	})
	s.running.Go(func() {
		<-ctx.Done()
		// The requests end with ctx; they are waited for.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(last)
		_ = server.Close()
	})
}

// live steps the simulation and scrapes it, at the real time's pace.
func (s *Sandbox) live(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	last := s.world.clock.now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.world.clock.now()
		if err := s.world.sim.Step(now); err != nil {
			s.warn(fmt.Sprintf("the sandbox's controllers: %v", err))
		}
		if now.Sub(last) >= interval {
			last = now
			s.world.scrape(round{now, s.world.sim.Pods()})
			s.world.prom.Eval(now)
		}
	}
}

// PrometheusURL is where curl and Grafana reach Prometheus; "" = only through
// the API's service proxy.
func (s *Sandbox) PrometheusURL() string { return s.prometheus }

// PrometheusService is where the walk reaches Prometheus.
const PrometheusService = "service:monitoring/prometheus:9090"

// Kubeconfig is a kubeconfig for the sandbox alone.
func (s *Sandbox) Kubeconfig() ([]byte, error) {
	c := clientcmdapi.NewConfig()
	c.Clusters[Context] = &clientcmdapi.Cluster{Server: "https://" + s.Addr, CertificateAuthorityData: s.ca}
	c.AuthInfos[User] = &clientcmdapi.AuthInfo{Token: s.token}
	c.Contexts[Context] = &clientcmdapi.Context{Cluster: Context, AuthInfo: User, Namespace: production}
	c.CurrentContext = Context
	return clientcmd.Write(*c)
}

// Close ends the sandbox and waits until nothing of it runs any more.
func (s *Sandbox) Close() {
	s.cancel()
	s.running.Wait()
}

// logs are the simulation's, for the API.
type logs struct{ *world }

func (l logs) Logs(q api.LogQuery) (lines []api.Line, more bool, err error) {
	all, more, err := l.sim.Logs(sim.LogQuery(q), l.clock.now())
	if err != nil {
		return nil, false, err
	}
	lines = make([]api.Line, len(all))
	for i, x := range all {
		lines[i] = api.Line(x)
	}
	return lines, more, nil
}
