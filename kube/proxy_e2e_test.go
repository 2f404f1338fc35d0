//go:build e2e

package kube

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"rollbook/engine/porttest"
)

// through makes a client whose requests pass an HTTP server of the test's,
// which hands on to the API server what it does not answer itself.
func through(t testing.TB, ns string, opt Options, handle func(w http.ResponseWriter, r *http.Request, next http.Handler)) *Client {
	t.Helper()
	direct := client(t, ns, Options{})
	target, err := url.Parse(direct.Server())
	if err != nil {
		t.Fatal(err)
	}
	rp := &httputil.ReverseProxy{Transport: direct.http.Transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization") // the transport has its own
			r.Out.Header.Del("Accept-Encoding")
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) }}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, rp) }))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return client(t, ns, opt, func(f *Flags) { f.ClusterInfo.Server = srv.URL })
}

func overWire(t testing.TB, ns string) (*Client, *porttest.Line) {
	t.Helper()
	u, err := url.Parse(client(t, ns, Options{}).Server())
	if err != nil {
		t.Fatal(err)
	}
	w := porttest.NewLine(t, u.Host)
	return client(t, ns, Options{Version: "test"}, func(f *Flags) {
		server := "https://" + w.Addr
		f.ClusterInfo.Server = server
	}), w
}

func readBody(r *http.Request) []byte {
	b, _ := io.ReadAll(r.Body)
	return b
}
