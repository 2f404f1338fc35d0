//go:build e2e

package kube

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
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

// wire is a TCP proxy before the API server that can be cut and stopped up.
type wire struct {
	addr, to string
	mu       sync.Mutex
	cond     *sync.Cond
	open     bool // bytes pass
	l        net.Listener
	conns    map[net.Conn]bool
}

func newWire(t testing.TB, to string) *wire {
	t.Helper()
	w := &wire{to: to, open: true, conns: map[net.Conn]bool{}}
	w.cond = sync.NewCond(&w.mu)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = l.Addr().String()
	w.serve(l)
	t.Cleanup(func() { w.stop(); w.hole(false) })
	return w
}

func (w *wire) serve(l net.Listener) {
	w.mu.Lock()
	w.l = l
	w.mu.Unlock()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", w.to)
			if err != nil {
				in.Close()
				continue
			}
			w.mu.Lock()
			w.conns[in], w.conns[out] = true, true
			w.mu.Unlock()
			go w.pump(in, out)
			go w.pump(out, in)
		}
	}()
}

func (w *wire) pump(dst, src net.Conn) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		w.mu.Lock()
		for !w.open {
			w.cond.Wait()
		}
		w.mu.Unlock()
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hole lets connections stand, new ones too, and nothing through.
func (w *wire) hole(on bool) {
	w.mu.Lock()
	w.open = !on
	w.mu.Unlock()
	w.cond.Broadcast()
}

// stop refuses connections and ends those that there are.
func (w *wire) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.l.Close()
	for c := range w.conns {
		c.Close()
	}
	w.conns = map[net.Conn]bool{}
}

func (w *wire) start(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	w.serve(l)
}

func overWire(t testing.TB, ns string) (*Client, *wire) {
	t.Helper()
	u, err := url.Parse(client(t, ns, Options{}).Server())
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, u.Host)
	return client(t, ns, Options{Version: "test"}, func(f *Flags) {
		server := "https://" + w.addr
		f.ClusterInfo.Server = server
	}), w
}

func readBody(r *http.Request) []byte {
	b, _ := io.ReadAll(r.Body)
	return b
}
