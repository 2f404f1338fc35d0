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
	Built    func()            // called when the world is there; nil = nobody is told

	// Listener is where the Kubernetes API is served; nil = free ports of
	// 127.0.0.1 for it and for Prometheus. With one, Prometheus is reached
	// through the API's service proxy alone.
	Listener net.Listener
	// GitLab is where the scenario's GitLab is served, where it has one; nil = a free
	// port of 127.0.0.1.
	GitLab net.Listener
	// GitLabToken is the operator's there; "" = a random one.
	GitLabToken string
	// Exec runs commands in pods; nil = those of the scenario, or none.
	Exec api.Exec
}

// Sandbox is one that runs.
type Sandbox struct {
	Addr string // host:port of the Kubernetes API

	token, prometheus string
	// of the scenario's GitLab
	gitlabURL, gitlabToken string
	ca                     []byte
	warn                   func(string)

	ctx     context.Context // ends with the sandbox; see Err
	fail    context.CancelCauseFunc
	running sync.WaitGroup

	built        chan struct{} // closed when what follows is there
	scenario     *Scenario
	world        *world
	api, metrics http.Handler
	gitlab       http.Handler
}

// How often the simulation looks what is due.
const beat = 250 * time.Millisecond

// Start is Open, and waits until the world is there.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.Built(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Open makes a sandbox that can be reached at once. The scenario's past is made
// up meanwhile, and requests wait for it. It runs until ctx ends, Close is called
// or it fails.
func Open(ctx context.Context, o Options) (*Sandbox, error) {
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
	s := &Sandbox{token: hex.EncodeToString(secret), warn: o.Warn, built: make(chan struct{})}
	var plain net.Listener
	var err error
	if o.Listener == nil {
		if o.Listener, err = loopback(ctx); err != nil {
			return nil, err
		}
		if plain, err = loopback(ctx); err != nil {
			_ = o.Listener.Close()
			return nil, err
		}
	}
	if o.Scenario.GitLab == nil {
		o.GitLab = nil
	} else if o.GitLab == nil {
		if o.GitLab, err = loopback(ctx); err != nil {
			return nil, err
		}
	}
	if o.GitLabToken == "" {
		o.GitLabToken = "glpat-" + s.token[:20]
	}
	s.gitlabToken = o.GitLabToken
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
	s.ctx, s.fail = context.WithCancelCause(ctx)
	s.serve(o.Listener, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, s.onceBuilt(&s.api))
	if plain != nil {
		prefix := "/prometheus/" + s.token
		mux := http.NewServeMux()
		mux.Handle(prefix+"/", http.StripPrefix(prefix, s.onceBuilt(&s.metrics)))
		s.prometheus = "http://" + plain.Addr().String() + prefix
		s.serve(plain, nil, mux)
	}
	if o.GitLab != nil {
		s.gitlabURL = "http://" + o.GitLab.Addr().String()
		s.serve(o.GitLab, nil, s.onceBuilt(&s.gitlab))
	}
	s.goes(func() error {
		if err := s.build(o); err != nil {
			return err
		}
		s.live()
		return nil
	})
	return s, nil
}

// goes runs f as a part of the sandbox, which fails with f's error or panic.
func (s *Sandbox) goes(f func() error) {
	s.running.Go(func() {
		if err := guarded(f); err != nil {
			s.fail(err)
		}
	})
}

// build makes the world and what serves it.
func (s *Sandbox) build(o Options) error {
	w, err := newWorld(s.ctx, o)
	if err != nil {
		return err
	}
	s.scenario, s.world, s.metrics = o.Scenario, w, w.prom.Handler()
	if w.gitlab != nil {
		s.gitlab = w.gitlab
	}
	if o.Exec == nil && w.schema != nil {
		o.Exec = commands{w}
	}
	s.api = api.Handler(api.Options{Store: w.store, Logs: logs{w}, Prometheus: s.metrics, Token: s.token, User: User, Now: w.clock.now, Exec: o.Exec, May: o.Scenario.may})
	if o.Built != nil {
		o.Built()
	}
	close(s.built)
	return nil
}

// Built waits until the world is there. The error says why it will not be: what
// of the scenario the cluster refused, or that ctx or the sandbox ended before.
func (s *Sandbox) Built(ctx context.Context) error {
	select {
	case <-s.built:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// IsBuilt reports whether the world is there.
func (s *Sandbox) IsBuilt() bool {
	select {
	case <-s.built:
		return true
	default:
		return false
	}
}

// Context ends with the sandbox, for what is of no use without it.
func (s *Sandbox) Context() context.Context { return s.ctx }

// Err returns why the sandbox failed; nil while it runs, and when it was ended.
func (s *Sandbox) Err() error {
	if err := context.Cause(s.ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// onceBuilt serves by a handler that is there when the world is. Whoever asks
// earlier waits, as for a server that is slow: an answer now would say that
// there is nothing.
func (s *Sandbox) onceBuilt(h *http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Built(r.Context()); err != nil {
			http.Error(w, "the sandbox ended before it was built", http.StatusServiceUnavailable)
			return
		}
		(*h).ServeHTTP(w, r)
	})
}

func loopback(ctx context.Context) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the sandbox needs a port of 127.0.0.1: %w", err)
	}
	return l, nil
}

// serve answers on a listener until the sandbox ends; secure = nil without TLS.
func (s *Sandbox) serve(l net.Listener, secure *tls.Config, h http.Handler) {
	server := &http.Server{
		Handler: h, TLSConfig: secure, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog:    log.New(io.Discard, "", 0),
	}
	s.goes(func() error {
		err := error(nil)
		if secure != nil {
			err = server.ServeTLS(l, "", "")
		} else {
			err = server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			s.warn(fmt.Sprintf("the sandbox stopped serving: %v", err))
		}
		return nil
	})
	s.goes(func() error {
		<-s.ctx.Done()
		// The requests end with the sandbox; they are waited for.
		last, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(last)
		_ = server.Close()
		return nil
	})
}

// live steps the simulation and scrapes it, at the real time's pace.
func (s *Sandbox) live() {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	last := s.world.clock.now()
	looked := last
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		now := s.world.clock.now()
		if err := s.world.sim.Step(now); err != nil {
			s.warn(fmt.Sprintf("the sandbox's controllers: %v", err))
		}
		if s.world.gitlab != nil {
			s.world.gitlab.Running() // its jobs go on, whether anybody asks or not
		}
		if err := s.world.reconcile(s.scenario, looked, now); err != nil {
			s.warn(fmt.Sprintf("the sandbox's controllers: %v", err))
		}
		looked = now
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

// GitLab returns where the scenario's GitLab is, and the operator's token there; "" = it
// has none.
func (s *Sandbox) GitLab() (url, token string) {
	if s.gitlabURL == "" {
		return "", ""
	}
	return s.gitlabURL, s.gitlabToken
}

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
	s.fail(nil) // by nobody's fault
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
