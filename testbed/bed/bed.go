// Package bed puts the parts together: one running testbed, its environment
// variables, and the way down.
package bed

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"rollbook/testbed/build"
	"rollbook/testbed/cluster"
	"rollbook/testbed/kubelet"
	"rollbook/testbed/pods"
	"rollbook/testbed/proc"
	"rollbook/testbed/prom"
	"rollbook/testbed/proxy"
	"rollbook/testbed/shop"
	"rollbook/testbed/traffic"
)

// Options are the choices of whoever starts a testbed.
type Options struct {
	Tools       build.Tools
	KubeVersion string
	Base        string // where the data folder is made; empty = the temporary folder
	Keep        bool   // leave the data folder
	Shop        bool
	History     time.Duration // of good service, put into Prometheus before it starts
	Scrape      time.Duration
	AlertFor    time.Duration
	Log         func(format string, args ...any)
}

// Bed is a running testbed.
type Bed struct {
	Cluster    *cluster.Cluster
	Prometheus *prom.Prometheus
	Source     *traffic.Source
	APIProxy   *proxy.Proxy
	PromProxy  *proxy.Proxy

	options   Options
	folder    *proc.Folder
	kubelet   *kubelet.Kubelet
	http      *http.Server
	stopWatch context.CancelFunc
	env       []string
	isUp      atomic.Bool
}

// Up starts everything. On an error everything is down again when it returns.
func Up(ctx context.Context, o Options) (_ *Bed, err error) {
	b := &Bed{options: o, Source: traffic.NewSource()}
	if b.folder, err = proc.NewFolder(o.Base); err != nil {
		return nil, err
	}
	if o.Keep {
		if err := b.folder.Keep(); err != nil {
			return nil, errors.Join(err, b.Down())
		}
	}
	if err := b.up(ctx); err != nil {
		return nil, errors.Join(err, b.Down())
	}
	return b, nil
}

func (b *Bed) up(ctx context.Context) error {
	o, start := b.options, time.Now()
	told := func(what string) { o.Log("%s after %s", what, time.Since(start).Round(100*time.Millisecond)) }
	apiPort, err := proc.FreePort()
	if err != nil {
		return err
	}
	kubeletPort, err := proc.FreePort()
	if err != nil {
		return err
	}
	b.Cluster, err = cluster.Start(ctx, cluster.Options{
		Tools: o.Tools, Dir: b.folder.Path, KubeVersion: o.KubeVersion, ProxyPort: apiPort, KubeletPort: kubeletPort,
	})
	if err != nil {
		return err
	}
	c := b.Cluster
	b.APIProxy = proxy.New(c.APIAddr)
	if _, err := b.APIProxy.Listen(proc.Loopback(apiPort)); err != nil {
		return err
	}
	if b.kubelet, err = kubelet.Start(proc.Loopback(kubeletPort), c.CertFile, c.KeyFile, b.folder.Path, c.Client); err != nil {
		return err
	}
	told("the control plane is up")

	source, err := b.serve()
	if err != nil {
		return err
	}
	if o.Shop {
		if err := shop.Create(ctx, c.Client, shop.Namespace); err != nil {
			return err
		}
		told("the shop is ready")
	}
	if err := b.startPrometheus(ctx, source); err != nil {
		return err
	}
	told("Prometheus is up")
	b.isUp.Store(true)
	return nil
}

// serve starts the testbed's own HTTP server: the traffic for Prometheus and the
// control API.
func (b *Bed) serve() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("start the testbed's HTTP server: %w", err)
	}
	mux, control := http.NewServeMux(), http.NewServeMux()
	b.Source.Handle(mux)
	b.handle(control)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !b.isUp.Load() {
			http.Error(w, "the testbed is still starting", http.StatusServiceUnavailable)
			return
		}
		control.ServeHTTP(w, r)
	})
	b.http = &http.Server{Handler: mux}
	go func() {
		if err := b.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("the testbed's HTTP server stopped: %v", err)
		}
	}()
	return l.Addr().String(), nil
}

func (b *Bed) startPrometheus(ctx context.Context, source string) error {
	o := b.options
	var err error
	b.Prometheus, err = prom.Plan(prom.Options{
		Binary: o.Tools.Prometheus, Promtool: o.Tools.Promtool, Dir: b.folder.Path,
		Source: source, Scrape: o.Scrape, AlertFor: o.AlertFor,
	})
	if err != nil {
		return err
	}
	if o.Shop && o.History > 0 {
		if err := b.backfill(ctx); err != nil {
			return err
		}
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	b.stopWatch = stop
	// A watch that must outlive this call, but whose first answer must not hang.
	synced := make(chan error, 1)
	go func() { synced <- pods.Watch(watch, b.Cluster.Client, b.Source.Changed, b.Source.Gone) }()
	select {
	case err := <-synced:
		if err != nil {
			return fmt.Errorf("watch the pods: %w", err)
		}
	case <-ctx.Done():
		return fmt.Errorf("watch the pods: %w", context.Cause(ctx))
	}
	if err := b.Prometheus.Start(ctx); err != nil {
		return err
	}
	b.PromProxy = proxy.New(b.Prometheus.Addr)
	addr, err := b.PromProxy.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	service := b.publish(ctx)
	b.env = []string{
		"KUBECONFIG=" + b.Cluster.Kubeconfig,
		"PROMETHEUS=http://" + addr,
		"ROLLBOOK_CLUSTER=" + b.Cluster.Kubeconfig,
		"ROLLBOOK_PROMETHEUS=http://" + addr,
		"ROLLBOOK_PROMETHEUS_DIRECT=http://" + b.Prometheus.Addr,
		"ROLLBOOK_PROMETHEUS_SERVICE=" + service,
		"ROLLBOOK_KUBECTL=" + o.Tools.Kubectl,
		"ROLLBOOK_PROMTOOL=" + o.Tools.Promtool,
		"ROLLBOOK_TESTBED=http://" + source,
		"ROLLBOOK_TESTBED_DIR=" + b.folder.Path,
	}
	return nil
}

// publish makes Prometheus reachable through the API server; it returns the
// service's name in rollbook's words, or nothing where it cannot be done.
func (b *Bed) publish(ctx context.Context) string {
	err := func() error {
		ip, err := proc.AddAddress()
		if err != nil {
			return err
		}
		if err := b.folder.Address(ip); err != nil {
			return errors.Join(err, proc.RemoveAddress(ip))
		}
		addr, err := b.PromProxy.Listen(net.JoinHostPort(ip, "0"))
		if err != nil {
			return err
		}
		_, text, _ := net.SplitHostPort(addr)
		port, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		return prom.Publish(ctx, b.Cluster.Client, ip, port)
	}()
	if err != nil {
		b.options.Log("Prometheus is not reachable through the API server: %v; run as root to have it", err)
		return ""
	}
	return fmt.Sprintf("service:%s/%s:%d", prom.Namespace, prom.Service, prom.Port)
}

// Env are the environment variables that lead to the testbed, NAME=value.
func (b *Bed) Env() []string { return b.env }

// Down ends everything and clears up. It may be called on a bed that is only
// partly up.
func (b *Bed) Down() error {
	if b.stopWatch != nil {
		b.stopWatch()
	}
	if b.http != nil {
		b.http.Close()
	}
	if b.kubelet != nil {
		b.kubelet.Close()
	}
	for _, p := range []*proxy.Proxy{b.APIProxy, b.PromProxy} {
		if p != nil {
			p.Close()
		}
	}
	if b.Prometheus != nil {
		b.Prometheus.Stop()
	}
	if b.Cluster != nil {
		b.Cluster.Stop()
	}
	return b.folder.Close()
}
