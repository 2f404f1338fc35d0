package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

// direct keeps the environment's proxy out of the tests.
func direct(*http.Request) (*url.URL, error) { return nil, nil }

// ticking is a clock that moves on by 35 ms whenever it is looked at.
func ticking() func() time.Time {
	n := -1
	return func() time.Time { n++; return at.Add(time.Duration(n) * 35 * time.Millisecond) }
}

// still is a clock for where TLS looks at it too.
func still() time.Time { return at }

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		status, expect int
		kind           Kind
		state          model.Tri
		text           string
	}{
		{200, 0, OK, model.TriYes, "200 in 35ms"},
		{200, 200, OK, model.TriYes, "200 in 35ms"},
		{204, 200, BadStatus, model.TriNo, "204 in 35ms, expected 200"},
		{404, 200, BadStatus, model.TriNo, "404 in 35ms, expected 200"},
		{404, 404, OK, model.TriYes, "404 in 35ms"},
		{503, 0, BadStatus, model.TriNo, "503 in 35ms, expected below 400"},
		// curl -f without -L: a redirect is an answer.
		{302, 0, OK, model.TriYes, "302 in 35ms"},
		{302, 200, BadStatus, model.TriNo, "302 in 35ms, expected 200"},
	} {
		asked := 0
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			if r.Method != http.MethodGet || r.URL.RequestURI() != "/health?deep=1" || r.Header.Get("User-Agent") != "rollbook" {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(tc.status)
		})
		r := New(Options{Now: ticking(), Proxy: direct}).Probe(t.Context(), model.Health{URL: srv.URL + "/health?deep=1", Status: tc.expect, Timeout: time.Minute})
		if r.Kind != tc.kind || r.State != tc.state || r.Text != tc.text || r.Status != tc.status || r.Took != 35*time.Millisecond || !r.At.Equal(at) || r.Err != nil || asked != 1 {
			t.Errorf("%d for %d: %+v, asked %d times", tc.status, tc.expect, r, asked)
		}
	}
}

// Each probe begins anew: a kept connection would hide that the name, the
// listener or the certificate is gone.
func TestNoConnectionIsKept(t *testing.T) {
	seen := map[string]bool{}
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen[r.RemoteAddr] = true })
	p := New(Options{Now: still, Proxy: direct})
	for range 3 {
		if r := p.Probe(t.Context(), model.Health{URL: srv.URL, Timeout: time.Minute}); r.Kind != OK {
			t.Fatalf("%+v", r)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d connections", len(seen))
	}
}

func TestCertificates(t *testing.T) {
	ours, foreign := newAuthority(t, "Shop CA"), newAuthority(t, "Somebody's CA")
	day := 24 * time.Hour
	from, to := at.Add(-90*day), at.Add(90*day)
	modern := func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }
	for _, tc := range []struct {
		name   string
		srv    *httptest.Server
		client func(*tls.Config)
		kind   Kind
		text   string
	}{
		{"good", ours.server(t, from, to, nil), nil, OK, "204 in 0ms"},
		{"expired", ours.server(t, from, at.Add(-3*day-time.Hour), nil), nil, TLSExpired, "certificate expired 3 days ago (on 2026-11-21)"},
		{"expired an hour ago", ours.server(t, from, at.Add(-time.Hour), nil), nil, TLSExpired, "certificate expired 60 minutes ago (on 2026-11-24)"},
		{"not yet valid", ours.server(t, at.Add(5*time.Hour), to, nil), nil, TLSNotYetValid, "certificate is valid only in 5 hours (from 2026-11-24); is a clock wrong?"},
		{"unknown authority", foreign.server(t, from, to, nil), nil, TLSAuthority, "certificate is signed by nobody who is trusted here: CN=Somebody's CA"},
		{"wrong host", ours.server(t, from, to, nil, "shop.example", "www.shop.example"), nil, TLSHost, "certificate is not for 127.0.0.1 but for shop.example, www.shop.example"},
		{"no common version", ours.server(t, from, to, modern), func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, TLSHandshake, "TLS handshake failed: the server says protocol version not supported"},
		{"client certificate wanted", ours.server(t, from, to, func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }), nil, TLSHandshake, "TLS handshake failed: the server says handshake failure"},
		{"client certificate wanted, TLS 1.3", ours.server(t, from, to, func(c *tls.Config) { c.ClientAuth, c.MinVersion = tls.RequireAnyClientCert, tls.VersionTLS13 }), nil, TLSHandshake, "TLS handshake failed: the server says certificate required"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			conf := &tls.Config{RootCAs: ours.pool, MinVersion: tls.VersionTLS12}
			if tc.client != nil {
				tc.client(conf)
			}
			r := New(Options{Now: still, TLS: conf, Proxy: direct}).Probe(t.Context(), model.Health{URL: tc.srv.URL, Timeout: time.Minute})
			if r.Kind != tc.kind || !strings.Contains(r.Text, tc.text) {
				t.Errorf("%d %q, want %d %q; %v", r.Kind, r.Text, tc.kind, tc.text, r.Err)
			}
			if (r.State == model.TriYes) != (tc.kind == OK) || tc.kind != OK && r.State != model.TriNo {
				t.Errorf("state %v", r.State)
			}
		})
	}
}

// expiring is a context whose deadline passes when the test says so.
type expiring struct {
	context.Context
	done chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.done }
func (e expiring) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestFailures(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	var ctx expiring
	expire := func() { close(ctx.done) }
	for _, tc := range []struct {
		name  string
		url   string
		serve http.HandlerFunc
		kind  Kind
		state model.Tri
		text  string
	}{
		{"refused", closed.URL, nil, Refused, model.TriNo, "connection refused: nothing listens there"},
		{"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), nil, TLSHandshake, model.TriNo, "speaks no TLS; is the URL http://?"},
		// No resolver is asked for what cannot be a name.
		{"no name", "http://no..name/", nil, NoName, model.TriUnknown, "the name no..name is not known to DNS here"},
		{"not a URL", "http://a b/", nil, Unknown, model.TriUnknown, "is not a URL"},
		{"no answer", "", func(_ http.ResponseWriter, r *http.Request) { expire(); <-r.Context().Done() }, AnswerTimeout, model.TriNo, "connected, but no answer within 60s"},
		{"cut", "", func(w http.ResponseWriter, _ *http.Request) { hangUp(w) }, Unreachable, model.TriNo, "the connection broke off before the answer's end: EOF"},
		{"cut in the middle", "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "begins")
			w.(http.Flusher).Flush()
			hangUp(w)
		}, Unreachable, model.TriNo, "the connection broke off"},
		{"garbage", "", func(w http.ResponseWriter, _ *http.Request) {
			conn, buf, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = buf.WriteString("\x1b[2Jgarbage\r\n\r\n")
			buf.Flush()
			conn.Close()
		}, Unreachable, model.TriNo, "malformed HTTP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx = expiring{t.Context(), make(chan struct{})}
			url := tc.url
			if tc.serve != nil {
				url = serve(t, tc.serve).URL
			}
			r := New(Options{Now: still, Proxy: direct}).Probe(ctx, model.Health{URL: url, Timeout: time.Minute})
			if r.Kind != tc.kind || r.State != tc.state || r.Err == nil || !strings.Contains(r.Text, tc.text) {
				t.Errorf("%d %v %q, want %d %v %q; %v", r.Kind, r.State, r.Text, tc.kind, tc.state, tc.text, r.Err)
			}
			if strings.Contains(r.Text, "\x1b") {
				t.Errorf("not clean: %q", r.Text)
			}
		})
	}
}

// An answer that begins and does not end is read under the probe's own deadline.
func TestAnswerWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		go func() {
			if _, err := http.ReadRequest(bufio.NewReader(server)); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegins")
		}()
		p := New(Options{Now: time.Now, Proxy: direct})
		p.http.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return client, nil }
		r := p.Probe(t.Context(), model.Health{URL: "http://shop.invalid/health", Timeout: 500 * time.Millisecond})
		if r.Kind != AnswerTimeout || r.State != model.TriNo || r.Err == nil || r.Text != "200, but the answer did not end within 500ms" || r.Took != 500*time.Millisecond {
			t.Errorf("%+v", r)
		}
		_ = server.Close()
	})
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		conn.Close()
	}
}

// No connection, and a connection without a handshake: a listener that nobody
// accepts from, and one that does not speak.
func TestHandshakeTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx := expiring{t.Context(), make(chan struct{})}
	held := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, _ = conn.Read(make([]byte, 1)) // the handshake began
			close(ctx.done)
			held <- conn
		}
	}()
	r := New(Options{Now: still, Proxy: direct}).Probe(ctx, model.Health{URL: "https://" + l.Addr().String(), Timeout: time.Minute})
	if r.Kind != ConnectTimeout || r.Text != "connected, but no TLS handshake within 60s" {
		t.Errorf("%+v", r)
	}
	(<-held).Close()
}

func TestStages(t *testing.T) {
	p := New(Options{Now: still})
	for at, want := range map[stage]string{
		starting:   "no connection within 2s",
		resolving:  "DNS did not answer within 2s",
		connecting: "no connection within 2s",
		shaking:    "connected, but no TLS handshake within 2s",
		waiting:    "connected, but no answer within 2s",
	} {
		r := Result{Err: context.DeadlineExceeded}
		p.failed(&r, "shop.example", at, 2*time.Second)
		if r.Text != want {
			t.Errorf("%d: %q, want %q", at, r.Text, want)
		}
	}
	for err, want := range map[*net.DNSError]string{
		{Name: "shop.example", IsNotFound: true}:                 "the name shop.example is not known to DNS here",
		{Name: "shop.example", IsTimeout: true}:                  "DNS did not answer for shop.example",
		{Name: "shop.example", Err: "server misbehaving\x1b[2J"}: "DNS failed for shop.example: server misbehaving",
	} {
		r := Result{Err: fmt.Errorf("dial: %w", err)}
		p.failed(&r, "shop.example", resolving, 2*time.Second)
		if r.Text != want || r.State != model.TriUnknown || r.Kind != NoName {
			t.Errorf("%+v, want %q", r, want)
		}
	}
}

// An answer without an end is read up to a bound, and its status counts.
func TestHugeAnswer(t *testing.T) {
	const enough = 64 << 20
	written := make(chan int, 1)
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		part, total := make([]byte, 1<<16), 0
		for total < enough {
			n, err := w.Write(part)
			total += n
			if err != nil {
				break
			}
		}
		written <- total
	})
	r := New(Options{Now: still, Proxy: direct}).Probe(t.Context(), model.Health{URL: srv.URL, Timeout: time.Minute})
	if n := <-written; r.Kind != OK || n >= enough {
		t.Errorf("%+v after %d bytes", r, n)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	r := New(Options{Now: still, Proxy: direct}).Probe(ctx, model.Health{URL: srv.URL, Timeout: time.Minute})
	if r.Kind != Cancelled || r.State != model.TriUnknown {
		t.Errorf("%+v", r)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0ms", 35 * time.Millisecond: "35ms", 1234 * time.Millisecond: "1.23s", 12 * time.Second: "12s"} {
		if got := short(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
