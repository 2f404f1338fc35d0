package metrics

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tried is an engine that a test is tried on.
type tried struct {
	now, until time.Time // when it is asked, and where a history ends
	start      func(t testing.TB, h *history) asker
}

// asker is an engine that has seen a history.
type asker interface {
	client(t testing.TB, change ...func(*Options)) *Client
}

// engines are those beside the sandbox's that there are here.
var engines = map[string]func() tried{}

// onEach tries a test on the sandbox's Prometheus and, on the testbed, on a real one.
func onEach(t *testing.T, f func(t *testing.T, on tried)) {
	t.Run("sandbox", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f(t, tried{fakeNow, fakeNow, func(t testing.TB, h *history) asker { return h.sandboxed(t) }})
		})
	})
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, engine())
		})
	}
}

// through puts something before whatever a client asks.
func through(change func(next http.RoundTripper) http.RoundTripper) func(*Options) {
	return func(o *Options) {
		next := o.RoundTripper
		if next == nil {
			next = http.DefaultTransport
		}
		o.RoundTripper = change(next)
	}
}

// tripper is a function that is a http.RoundTripper.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// aligned is a query frontend, that rounds the times of a range down to whole steps and
// answers none of a single time.
func aligned(next http.RoundTripper) http.RoundTripper {
	return tripper(func(req *http.Request) (*http.Response, error) {
		q := req.URL.Query()
		if !q.Has("step") {
			return next.RoundTrip(req)
		}
		var from, to, step float64
		fmt.Sscan(q.Get("start"), &from)
		fmt.Sscan(q.Get("end"), &to)
		fmt.Sscan(q.Get("step"), &step)
		from, to = math.Floor(from/step)*step, math.Floor(to/step)*step
		if from == to {
			to -= step
		}
		q.Set("start", fmt.Sprintf("%.3f", from))
		q.Set("end", fmt.Sprintf("%.3f", to))
		req = req.Clone(req.Context())
		req.URL.RawQuery = q.Encode()
		return next.RoundTrip(req)
	})
}

// shardAway is a Prometheus of several stores, of which the one with the failed requests
// is away; it says so by members of its answer, or does not.
func shardAway(says string) func(next http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(req *http.Request) (*http.Response, error) {
			q := req.URL.Query()
			if q.Get("query") == serverTime {
				return next.RoundTrip(req) // no store is asked
			}
			q.Set("query", strings.ReplaceAll(q.Get("query"), "http_requests_total{", `http_requests_total{status!~"5..",`))
			req = req.Clone(req.Context())
			req.URL.RawQuery = q.Encode()
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return nil, err
			}
			body = bytes.Replace(body, []byte(`{"status":"success",`), []byte(`{"status":"success",`+says), 1)
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			resp.Header.Del("Content-Length")
			return resp, nil
		})
	}
}
