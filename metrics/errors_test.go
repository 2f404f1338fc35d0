package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/config"

	"rollbook/model"
	"rollbook/sandbox"
)

const secret = "s3cr3t-t0ken-value"

// piped runs f in a bubble with a server without a network: its clock stands still
// while anything is being done, so that a slow machine misses no deadline.
func piped(t *testing.T, h http.HandlerFunc, f func(t *testing.T, dial config.DialContextFunc)) {
	synctest.Test(t, func(t *testing.T) {
		l := sandbox.NewPipe()
		srv := &http.Server{Handler: h}
		go srv.Serve(l)
		defer srv.Close()
		f(t, l.Dial)
	})
}

// Whatever goes wrong has its sentinel, says it in words, names no secret, and
// nothing is known.
func TestFailures(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, body) }
	}
	k8s := func(code int, message string) http.HandlerFunc {
		return status(code, fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"code":%d}`, message, code))
	}
	prom := func(code int, kind, message string) http.HandlerFunc {
		return status(code, fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, message))
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		kind    error
		says    string
		query   bool // the query is to blame, and named
	}{
		{"401", status(401, "Unauthorized, token "+secret), ErrCredentials, "wrong credentials (401 Unauthorized)", false},
		{"403 of the API server", k8s(403, `services "prometheus:9090" is forbidden: User "maria" cannot get resource "services/proxy" in API group "" in the namespace "monitoring"`),
			ErrCredentials, `User "maria" cannot get resource "services/proxy"`, false},
		{"404", status(404, "404 page not found"), ErrNotPrometheus, "no Prometheus API there (404 Not Found at /prefix/api/v1/query): 404 page not found", false},
		{"404 of the API server", k8s(404, `services "prometheus" not found`), ErrNotPrometheus, `services "prometheus" not found`, false},
		{"no endpoints", k8s(503, `no endpoints available for service "prometheus"`), ErrUnreachable, "no endpoints available", false},
		{"405", status(405, ""), ErrNotPrometheus, "405 Method Not Allowed", false},
		{"bad PromQL", prom(400, "bad_data", "parse error: unexpected )"), ErrQuery, "parse error: unexpected )", true},
		{"too many samples", prom(422, "execution", "query processing would load too many samples"), ErrQuery, "too many samples", true},
		{"gave up", prom(503, "timeout", "query timed out in expression evaluation"), ErrTimeout, "query timed out in expression evaluation", true},
		{"500", status(500, "boom\x1b[2J"), ErrServer, "it has trouble (500 Internal Server Error): boom", false},
		{"502 with a page", status(502, "<html><body>bad gateway</body></html>"), ErrServer, "it has trouble (502 Bad Gateway)", false},
		{"429", status(429, "slow down"), ErrServer, "too many requests (429 Too Many Requests): slow down", false},
		{"login page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<html>please log in</html>")
		}, ErrNotPrometheus, "a page for browsers, perhaps a login", false},
		{"redirect within", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/prefix/oops"+r.URL.Path, http.StatusFound)
		}, ErrUnreachable, "too many redirects", false},
		{"redirect to a login", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://login.example.com/?next="+secret, http.StatusFound)
		}, ErrNotPrometheus, "answers with a redirect to login.example.com, which is not followed", false},
		{"redirect out of the prefix", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/api/v1/secrets", http.StatusFound)
		}, ErrNotPrometheus, "which is not followed", false},
		{"hangs up", func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close()
		}, ErrUnreachable, "cannot connect: EOF", false},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ErrTimeout, "no answer within 300ms", false},
		{"slow body", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"status":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, ErrTimeout, "no answer within 300ms", false},
		{"cut JSON", status(200, `{"status":"success","data":{"resultType":"vector","result":[{"metric"`), ErrAnswer, "answer not understood", true},
		{"another shape", status(200, `{"hello":"world"}`), ErrAnswer, "", true},
		{"a string", status(200, `{"status":"success","data":{"resultType":"string","result":[1,"x"]}}`), ErrAnswer, `unexpected value type "string"`, true},
		{"error with 200", prom(200, "internal", "oops"), ErrAnswer, "answer not understood: internal: oops", true},
		{"too large", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"status":"success","data":"`+strings.Repeat("x", 2<<20)+`"}`)
		}, ErrAnswer, "the answer is larger than 1 MiB", true},
		{"incomplete", status(200, `{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["store 10.0.0.3 unavailable"]}`),
			ErrAnswer, "incomplete answer: store 10.0.0.3 unavailable", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			piped(t, tt.handler, func(t *testing.T, dial config.DialContextFunc) {
				u := url.URL{Scheme: "http", User: url.UserPassword("maria", secret), Host: "prom:9090", Path: "/prefix"}
				c, err := New(Options{URL: u.String(), Dial: dial, Timeout: 300 * time.Millisecond, ScrapeInterval: 15 * time.Second, MaxAnswer: 1 << 20})
				if err != nil {
					t.Fatal(err)
				}
				own := shop()
				own.ID, own.Errors = "own", "vector(0.01)"
				got, err := ask(c, time.Minute, shop(), own)
				if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error: %v\nwant %v: …%s…", err, tt.kind, tt.says)
				}
				var e *Error
				if !errors.As(err, &e) || e.To != u.Host {
					t.Errorf("not an Error that names the host: %#v", err)
				}
				for _, f := range got {
					for _, r := range []model.Reading{f.Errors.Now, f.P95.Now, f.Requests, f.Up, f.Targets, f.HoldErrors, f.HoldP95, f.HoldRequests} {
						if r.Known || r.Why == "" {
							t.Errorf("reading: %+v", r)
						}
						if strings.Contains(r.Why, secret) || strings.Contains(r.Why, "\x1b") {
							t.Errorf("why: %q", r.Why)
						}
					}
				}
				if s := err.Error(); strings.Contains(s, secret) || strings.Contains(s, "\x1b") || strings.Contains(s, "timestamp") && !tt.query {
					t.Errorf("says too much: %q", s)
				}
				if b, err := c.Behaviour(t.Context(), shop(), []string{"rs"}, fakeNow); b["rs"].Errors.Known || err == nil && b["rs"].Errors.Why == "" {
					t.Errorf("behaviour: %+v %v", b, err)
				}
				if b, err := c.Baseline(t.Context(), []model.Target{shop(), own}, fakeNow); b["shop"].Errors.Known || b["own"].Errors.Known || err == nil && b["shop"].Errors.Why == "" {
					t.Errorf("baseline: %+v %v", b, err)
				}
				if l := c.Check(t.Context(), []model.Target{shop()}); l[0].State != model.CheckBlocked {
					t.Errorf("check: %+v", l)
				}
			})
		})
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c, err := New(Options{URL: "http://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ask(c, 0, shop())
	if want := "Prometheus at " + addr + ": cannot connect: dial tcp " + addr + ": connect: connection refused"; !errors.Is(err, ErrUnreachable) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	c, _ = New(Options{URL: "http://prometheus.invalid:9090", Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "prometheus.invalid", IsNotFound: true}}
	}})
	if _, err = ask(c, 0, shop()); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "the name prometheus.invalid is not known here") {
		t.Error(err)
	}
}

// The caller gives up: that is not Prometheus' fault, and comes back at once.
func TestCallerGivesUp(t *testing.T) {
	piped(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(t *testing.T, dial config.DialContextFunc) {
		c, _ := New(Options{URL: "http://prom:9090", Dial: dial})
		begun := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := c.Poll(ctx, model.Poll{Targets: []model.Target{shop()}}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := c.Poll(ctx, model.Poll{Targets: []model.Target{shop()}}); !errors.Is(err, ErrTimeout) {
			t.Error(err)
		}
		if d := time.Since(begun); d != 100*time.Millisecond {
			t.Errorf("came back after %s", d)
		}
	})
}

// Credentials reach the host that they are for, and no other.
func TestCredentialsStay(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	var seen atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Authorization") + "|" + r.Header.Get("X-Scope-OrgID") + "|" + r.Method)
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	cfg := config.DefaultHTTPClientConfig
	cfg.Authorization = &config.Authorization{Type: "Bearer", Credentials: secret}
	cfg.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-Scope-OrgID": {Values: []string{"shop"}}}}
	for _, follow := range []bool{true, false} {
		cfg.FollowRedirects = follow
		c, err := New(Options{URL: srv.URL, HTTP: &cfg})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ask(c, 0, shop()); !errors.Is(err, ErrNotPrometheus) || strings.Contains(err.Error(), secret) {
			t.Error(err)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("the redirect was followed")
	}
	if want := "Bearer " + secret + "|shop|GET"; seen.Load() != want {
		t.Errorf("arrived: %v", seen.Load())
	}
}

func TestNewRefuses(t *testing.T) {
	bad := config.HTTPClientConfig{BasicAuth: &config.BasicAuth{Username: "a"}, BearerToken: secret}
	for _, o := range []Options{{}, {URL: "prom:9090"}, {URL: "ftp://prom"}, {URL: "http://"}, {URL: "http://u:" + secret + "@h:x/%zz"}, {URL: "http://prom", HTTP: &bad},
		{URL: "http://prom", HTTP: &config.HTTPClientConfig{TLSConfig: config.TLSConfig{CAFile: "/does/not/exist"}}}} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%+v: %v", o.URL, err)
		}
	}
}

// An error reads as what happened where, with the query where that is to blame; its kind
// and its cause can be told, and whether the next query would fare any better.
func TestErrorsAreToldApart(t *testing.T) {
	for want, e := range map[string]*Error{
		"Prometheus at prom:9090: it refuses the query in up": {Kind: ErrQuery, To: "prom:9090", Why: "it refuses the query", Query: "up", Err: io.EOF},
		"Prometheus at prom:9090: it has trouble":             {Kind: ErrServer, To: "prom:9090", Why: "it has trouble"},
	} {
		if e.Error() != want || !errors.Is(e, e.Kind) || errors.Is(e, io.EOF) != (e.Err != nil) || slices.Contains(e.Unwrap(), nil) {
			t.Errorf("%q, want %q; it is %v", e, want, e.Unwrap())
		}
	}
	for kind, want := range map[error]bool{ErrUnreachable: true, ErrTimeout: true, ErrCredentials: true, ErrNotPrometheus: true, ErrServer: true, context.Canceled: true,
		ErrQuery: false, ErrAnswer: false, ErrOff: false} {
		if hopeless(&Error{Kind: kind}) != want {
			t.Errorf("%v: hopeless is %v", kind, !want)
		}
	}
}

// A request without an answer is told by its cause, never by its URL.
func TestRequestsWithoutAnAnswer(t *testing.T) {
	r := &reader{to: "prom:9090", timeout: 3 * time.Second}
	late, cancel := context.WithTimeoutCause(t.Context(), 0, errOurTimeout)
	defer cancel()
	whole := &Error{Kind: ErrServer, To: "x", Why: "y"}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		kind error
		why  string
	}{
		{"told already", t.Context(), fmt.Errorf("ask: %w", whole), ErrServer, "y"},
		{"our own patience", late, context.DeadlineExceeded, ErrTimeout, "no answer within 3s"},
		{"cancelled", t.Context(), context.Canceled, context.Canceled, "cancelled"},
		{"somebody's patience", t.Context(), context.DeadlineExceeded, ErrTimeout, "no answer in time"},
		{"a connection's patience", t.Context(), os.ErrDeadlineExceeded, ErrTimeout, "no answer in time"},
		{"no such name", t.Context(), &net.DNSError{Name: "prom.example", IsNotFound: true}, ErrUnreachable, "cannot connect: the name prom.example is not known here"},
		{"refused", t.Context(), errors.New("connection refused"), ErrUnreachable, "cannot connect: connection refused"},
	} {
		<-late.Done()
		got := r.failed(tt.ctx, &url.Error{Op: "Get", URL: "http://maria:" + secret + "@prom/?query=up", Err: tt.err})
		var e *Error
		if !errors.As(got, &e) || !errors.Is(e, tt.kind) || e.Why != tt.why || strings.Contains(got.Error()+fmt.Sprint(e.Unwrap()), secret) {
			t.Errorf("%s: %v (%#v), want %s", tt.name, got, e, tt.why)
		}
	}
	cause := errors.New("connection refused")
	if err := r.failed(t.Context(), cause); !errors.Is(err, cause) || !errors.Is(err, ErrUnreachable) {
		t.Errorf("without a URL around it: %v", err)
	}
	for what, body := range map[string]string{"short": strings.Repeat("é", 300), "long": strings.Repeat("é", 301), "endless": strings.Repeat("é", 5000)} {
		if got := r.line(body); what == "short" && got != body || what != "short" && got != strings.Repeat("é", 300)+"…" {
			t.Errorf("%s: %d bytes: %s", what, len(got), got[max(0, len(got)-20):])
		}
	}
}

// An answer that is no success is told by who gave it: Prometheus, the API server on the
// way to it, or neither.
func TestAnswersThatAreNoSuccess(t *testing.T) {
	prom := func(kind string) string { return fmt.Sprintf(`{"status":"error","errorType":%q,"error":"why"}`, kind) }
	const k8s = `{"kind":"Status","message":"why"}`
	r := &reader{to: "prom:9090"}
	for _, tt := range []struct {
		code  int
		body  string
		kind  error
		why   string
		query bool
	}{
		{401, "", ErrCredentials, "wrong credentials (401 Unauthorized)", false},
		{403, "why", ErrCredentials, "wrong credentials (403 Forbidden): why", false},
		{407, "why", ErrCredentials, "wrong credentials (407 Proxy Authentication Required): why", false},
		{503, prom("timeout"), ErrTimeout, "it gave up on the query: why", true},
		{400, prom("bad_data"), ErrQuery, "it refuses the query (400 Bad Request): why", true},
		{500, prom("bad_data"), ErrQuery, "it refuses the query (500 Internal Server Error): why", true},
		{500, prom("execution"), ErrQuery, "it refuses the query (500 Internal Server Error): why", true},
		{400, "why", ErrQuery, "it refuses the query (400 Bad Request): why", true},
		{422, "why", ErrQuery, "it refuses the query (422 Unprocessable Entity): why", true},
		{429, "", ErrServer, "too many requests (429 Too Many Requests)", false},
		{301, "why", ErrNotPrometheus, "answers with a redirect (301 Moved Permanently), which is not followed: give the address that it ends at", false},
		{304, "why", ErrNotPrometheus, "answers with a redirect (304 Not Modified), which is not followed: give the address that it ends at", false},
		{404, "<html>", ErrNotPrometheus, "no Prometheus API there (404 Not Found at /api)", false},
		{500, k8s, ErrUnreachable, "cannot connect through the API server: why", false},
		{502, k8s, ErrUnreachable, "cannot connect through the API server: why", false},
		{503, k8s, ErrUnreachable, "cannot connect through the API server: why", false},
		{504, k8s, ErrServer, "it has trouble (504 Gateway Timeout): why", false},
		{503, prom("internal"), ErrServer, "it has trouble (503 Service Unavailable): why", false},
		{500, `{"error":"why"}`, ErrServer, "it has trouble (500 Internal Server Error): why", false},
		{500, `{"other":1}`, ErrServer, "it has trouble (500 Internal Server Error)", false},
		{204, "", ErrNotPrometheus, "unexpected answer (204 No Content)", false},
	} {
		resp := &http.Response{StatusCode: tt.code, Request: httptest.NewRequest("GET", "http://prom/api", nil)}
		var e *Error
		err := r.answered(resp, []byte(tt.body), "up")
		if !errors.As(err, &e) || !errors.Is(err, tt.kind) || e.Why != tt.why || (e.Query == "up") != tt.query {
			t.Errorf("%d %s: %v\nwant %s", tt.code, tt.body, err, tt.why)
		}
	}
}
