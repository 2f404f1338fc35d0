//go:build e2e && bench

package cli

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// counter stands between a program and the API server and counts what is asked.
// Timings are taken without it, but for the moment when a PATCH arrives.
type counter struct {
	kubeconfig string
	received   atomic.Int64 // bytes of bodies that the program received
	patched    chan time.Time

	mu    sync.Mutex
	calls map[string]int
}

// newCounter makes one, with a kubeconfig that leads to it and has the same
// contexts and credentials.
func newCounter(t testing.TB, kubeconfig, context string) *counter {
	t.Helper()
	cfg, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := clientcmd.NewNonInteractiveClientConfig(*cfg, context, nil, nil).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	// The credentials are the program's own; the proxy needs only the trust.
	tlsConfig, err := rest.TLSConfigFor(rest.AnonymousClientConfig(direct))
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(direct.Host)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{calls: map[string]int{}, patched: make(chan time.Time, 16)}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     &http.Transport{TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true, DisableCompression: true},
		FlushInterval: -1, // watches
		ErrorLog:      log.New(io.Discard, "", 0),
		ModifyResponse: func(r *http.Response) error {
			r.Body = &metered{r.Body, &c.received}
			return nil
		},
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.count(r)
		proxy.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	x := cfg.Clusters[cfg.Contexts[context].Cluster]
	x.Server, x.CertificateAuthority = server.URL, ""
	x.CertificateAuthorityData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	c.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, c.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *counter) count(r *http.Request) {
	q := r.URL.Query()
	verb := r.Method
	switch {
	case q.Get("watch") != "" && q.Get("watch") != "false" && q.Get("watch") != "0":
		verb = "WATCH"
	case q.Get("dryRun") != "":
		verb += " (dry run)"
	case q.Get("continue") != "":
		verb += " (next page)"
	}
	if verb == http.MethodPatch && strings.Contains(r.URL.Path, "/deployments/") {
		select {
		case c.patched <- time.Now():
		default:
		}
	}
	path := r.URL.Path
	if p := strings.SplitN(path, "/", 8); len(p) > 3 && (p[1] == "api" || p[1] == "apis") {
		if i := slices.Index(p, "namespaces"); i > 0 && len(p) > i+2 {
			p = append([]string{""}, p[i+2:]...) // kind, name, subresource
			if len(p) > 2 {
				p[2] = "NAME"
			}
			path = strings.Join(p, "/")
		}
	}
	if f := q.Get("fieldSelector"); f != "" {
		path += " " + f
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[verb+" "+path]++
}

// take returns what was counted since the last time, and begins anew.
func (c *counter) take() (calls map[string]int, n int, received int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls, c.calls = c.calls, map[string]int{}
	for _, k := range calls {
		n += k
	}
	return calls, n, c.received.Swap(0)
}

// list is the requests, one kind a line.
func list(calls map[string]int) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(calls)) {
		fmt.Fprintf(&b, "%6d  %s\n", calls[k], k)
	}
	return b.String()
}

// metered counts what is read of a body.
type metered struct {
	io.ReadCloser
	n *atomic.Int64
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.n.Add(int64(n))
	return n, err
}
