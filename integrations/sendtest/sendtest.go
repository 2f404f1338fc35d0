// Package sendtest is what every sender of messages must do, whatever the
// service: its contract, run by each one's tests against real HTTP servers.
package sendtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/model"
)

// Canary is the secret that each sender is given, in its URL or as its token.
const Canary = "c4naryS3cret0123456789abc"

// Sender is what is tested.
type Sender interface {
	Send(context.Context, model.Message) (model.Delivery, error)
	Preview(model.Message) string
	String() string
}

// A Suite is a sender and how its service answers.
type Suite struct {
	// New makes the sender for a service at base, with the canary in it.
	New func(t *testing.T, base string, c *http.Client) Sender
	// Good answers as the service does when it took the message.
	Good http.HandlerFunc
	// AnyAnswer: every answer of 2xx means that it was taken.
	AnyAnswer bool
	// Kind of the message; "" = started.
	Kind model.MessageKind
}

// Message is one with everything that a markup might trip over.
func Message(kind model.MessageKind) model.Message {
	return model.Message{
		Kind: kind, Channel: "test", Incident: "2026-11-24-1420-backend-python",
		Title: `Errors in backend_python <v42> & "cart"`,
		Text: "Rolled back at 14:30 UTC.\n5.2% of the requests failed; *all* services are healthy.\n\n" +
			"- error ratio: 0.02 % (limit < 0.1 %)\n- see https://grafana.example/d/shop?from=1&to=2.\n\n" +
			"/close @all [not a link](x) <!channel> `code` #1\nPost-mortem tomorrow.",
	}
}

func (s Suite) message() model.Message {
	if s.Kind == "" {
		s.Kind = model.MessageStarted
	}
	return Message(s.Kind)
}

// Server runs h and counts requests; it ends with the test.
func Server(t *testing.T, h http.HandlerFunc) (srv *httptest.Server, count func() int) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// Run is the contract.
func (s Suite) Run(t *testing.T) {
	answer := func(status int, header, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	leak := "no " + Canary + " here\x1b[2J"
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		certain bool
		later   bool
		wait    time.Duration
		says    string
	}{
		{"429 with seconds", answer(429, "Retry-After: 30", leak), true, true, 30 * time.Second, "it asks to wait 30s"},
		{"429 with a date", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", "Tue, 24 Nov 2026 14:30:00 GMT")
			w.Header().Set("Retry-After", "Tue, 24 Nov 2026 14:31:30 GMT")
			w.WriteHeader(429)
		}, true, true, 90 * time.Second, "it asks to wait"},
		{"429 with nonsense", answer(429, "Retry-After: -soon", ""), true, true, 0, "try again later"},
		{"500", answer(500, "", leak), false, true, 0, "500 Internal Server Error"},
		{"502 with a page", answer(502, "Content-Type: text/html", "<html>"+leak), false, true, 0, "look there before sending it again"},
		{"503", answer(503, "", ""), true, true, 0, "503 Service Unavailable"},
		{"504", answer(504, "", ""), false, true, 0, "504 Gateway Timeout"},
		{"400", answer(400, "", leak), true, false, 0, "400 "},
		{"401", answer(401, "", leak), true, false, 0, "401 Unauthorized"},
		{"403", answer(403, "", leak), true, false, 0, "403 Forbidden"},
		{"404", answer(404, "", leak), true, false, 0, "404 Not Found"},
		{"307", answer(307, "Location: /elsewhere/"+Canary, ""), true, false, 0, "a redirect, which is not followed"},
		{"302", answer(302, "Location: https://login.example/", ""), true, false, 0, "a redirect, which is not followed"},
		{"cut after it was read", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
		}, false, true, 0, "it is not known whether it was sent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, count := Server(t, tc.handler)
			e := s.fails(t.Context(), t, srv.URL, srv.Client())
			if e.Certain != tc.certain || e.Later != tc.later || e.RetryAfter != tc.wait {
				t.Errorf("certain %v, later %v, wait %v: %v", e.Certain, e.Later, e.RetryAfter, e)
			}
			if !strings.Contains(e.Error(), tc.says) {
				t.Errorf("says %q, want %q", e, tc.says)
			}
			if count() != 1 {
				t.Errorf("%d requests, want one: it may not be sent twice", count())
			}
		})
	}
	t.Run("taken", s.taken)
	t.Run("no answer in time", s.slow)
	t.Run("no connection in time", s.blackHole)
	t.Run("refused", func(t *testing.T) {
		srv := httptest.NewServer(nil)
		srv.Close()
		if e := s.fails(t.Context(), t, srv.URL, http.DefaultClient); !e.Certain || !e.Later || !strings.Contains(e.Error(), "refused") {
			t.Errorf("certain %v, later %v: %v", e.Certain, e.Later, e)
		}
	})
	t.Run("unknown authority", func(t *testing.T) {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
		srv.Config.ErrorLog = quiet()
		srv.StartTLS()
		defer srv.Close()
		if e := s.fails(t.Context(), t, srv.URL, &http.Client{Transport: &http.Transport{}}); !e.Certain || !strings.Contains(e.Error(), "certificate") {
			t.Errorf("certain %v: %v", e.Certain, e)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		srv, count := Server(t, s.Good)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if e := s.fails(ctx, t, srv.URL, srv.Client()); !e.Certain || !strings.Contains(e.Error(), "cancelled") || count() != 0 {
			t.Errorf("certain %v, %d requests: %v", e.Certain, count(), e)
		}
	})
	t.Run("huge answer", s.huge)
	t.Run("garbage", s.garbage)
	t.Run("empty", func(t *testing.T) {
		srv, count := Server(t, s.Good)
		_, err := s.New(t, srv.URL, srv.Client()).Send(t.Context(), model.Message{Kind: s.message().Kind})
		var e *model.SendError
		if !errors.As(err, &e) || !e.Certain || count() != 0 {
			t.Errorf("%v, %d requests", err, count())
		}
	})
	t.Run("keeps its secret", s.secret)
}

func (s Suite) taken(t *testing.T) {
	srv, count := Server(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("User-Agent"); got != "rollbook" {
			t.Errorf("User-Agent %q", got)
		}
		s.Good(w, r)
	})
	if _, err := s.New(t, srv.URL, srv.Client()).Send(t.Context(), s.message()); err != nil || count() != 1 {
		t.Errorf("%v, %d requests", err, count())
	}
}

// expiring is a context whose deadline passes when the test says so.
type expiring struct {
	context.Context
	done chan struct{}
	once *sync.Once
}

func newExpiring(ctx context.Context) expiring {
	return expiring{ctx, make(chan struct{}), new(sync.Once)}
}

func (e expiring) expire()               { e.once.Do(func() { close(e.done) }) }
func (e expiring) Done() <-chan struct{} { return e.done }
func (e expiring) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (s Suite) slow(t *testing.T) {
	ctx := newExpiring(t.Context())
	srv, count := Server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		ctx.expire()
		<-r.Context().Done()
	})
	if e := s.fails(ctx, t, srv.URL, srv.Client()); e.Certain || !strings.Contains(e.Error(), "no answer in time") || count() != 1 {
		t.Errorf("certain %v, %d requests: %v", e.Certain, count(), e)
	}
}

func (s Suite) blackHole(t *testing.T) {
	ctx := newExpiring(t.Context())
	client := &http.Client{Transport: &http.Transport{DialContext: func(dial context.Context, _, _ string) (net.Conn, error) {
		ctx.expire()
		<-dial.Done()
		return nil, dial.Err()
	}}}
	if e := s.fails(ctx, t, "http://192.0.2.1", client); !e.Certain || !e.Later || !strings.Contains(e.Error(), "no connection in time") {
		t.Errorf("certain %v, later %v: %v", e.Certain, e.Later, e)
	}
}

// huge: an answer without an end is not read to its end.
func (s Suite) huge(t *testing.T) {
	const enough = 64 << 20
	written := make(chan int, 1)
	srv, _ := Server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		part, total := []byte(strings.Repeat("x", 1<<16)), 0
		for total < enough {
			n, err := w.Write(part)
			total += n
			if err != nil {
				break
			}
		}
		written <- total
	})
	_, err := s.New(t, srv.URL, srv.Client()).Send(t.Context(), s.message())
	s.unusual(t, err)
	if n := <-written; n >= enough {
		t.Errorf("%d bytes were read", n)
	}
}

func (s Suite) garbage(t *testing.T) {
	srv, _ := Server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "\x00\xff{{{"+Canary)
	})
	_, err := s.New(t, srv.URL, srv.Client()).Send(t.Context(), s.message())
	s.unusual(t, err)
}

// unusual: a 200 in other words than the service's may be a sent message.
func (s Suite) unusual(t *testing.T, err error) {
	t.Helper()
	if s.AnyAnswer {
		if err != nil {
			t.Error(err)
		}
		return
	}
	var e *model.SendError
	if !errors.As(err, &e) || e.Certain {
		t.Errorf("%v", err)
	}
	Keeps(t, fmt.Sprint(err))
}

// secret: the canary is in nothing that is shown, whatever way it is printed.
func (s Suite) secret(t *testing.T) {
	srv, _ := Server(t, s.Good)
	sender := s.New(t, srv.URL, srv.Client())
	m := s.message()
	m.Title += " " + Canary
	m.Text += "\nhttps://hooks.example/" + Canary + "\n\x1b]0;title\x07"
	shown := []string{sender.String(), sender.Preview(m), fmt.Sprint(sender), fmt.Sprintf("%v %+v %s", sender, sender, sender)}
	Keeps(t, shown...)
	if strings.Contains(shown[1], "\x1b") {
		t.Error("the preview holds an escape sequence")
	}
	if !strings.Contains(shown[1], "Rolled back at 14:30 UTC.") {
		t.Errorf("the preview does not show the text:\n%s", shown[1])
	}
}

// fails sends to a service that does not take the message.
func (s Suite) fails(ctx context.Context, t *testing.T, base string, c *http.Client) *model.SendError {
	t.Helper()
	receipt, err := s.New(t, base, c).Send(ctx, s.message())
	var e *model.SendError
	if !errors.As(err, &e) {
		t.Fatalf("%v, %v", receipt, err)
	}
	for err := error(e); err != nil; err = errors.Unwrap(err) {
		Keeps(t, err.Error(), fmt.Sprintf("%+v", err))
	}
	if strings.ContainsAny(e.Error(), "\x1b\n") {
		t.Errorf("not one clean line: %q", e.Error())
	}
	if receipt != (model.Delivery{}) {
		t.Errorf("a receipt for a failure: %+v", receipt)
	}
	return e
}

// Keeps fails the test when one of the texts holds the canary.
func Keeps(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, Canary) {
			t.Errorf("tells the secret: %s", text)
		}
	}
}

// Golden compares a JSON body with testdata/name; UPDATE_GOLDEN=1 writes it.
func Golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	b.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got\n%swant\n%s", b.Bytes(), want)
	}
}
