package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/model"
	"rollbook/sandbox/prom"
)

// history is made-up samples, for the sandbox's Prometheus and for a real one,
// so that PromQL's own rules are what is tested.
type history struct {
	step   time.Duration // the newest sample is of now
	now    time.Time
	span   time.Duration
	series []*recorded
}

// recorded is one series of a history.
type recorded struct {
	name   string
	labels map[string]string
	points []model.Sample
}

func historyUntil(now time.Time, span, step time.Duration) *history {
	return &history{now: now, span: span, step: step}
}

// add adds a series; value is of the time since the beginning, ok = false leaves
// the sample out.
func (h *history) add(name string, labels map[string]string, value func(since time.Duration) (v float64, ok bool)) {
	s := &recorded{name: name, labels: labels}
	h.series = append(h.series, s)
	for since := time.Duration(0); since <= h.span; since += h.step {
		if v, ok := value(since); ok {
			s.points = append(s.points, model.Sample{At: h.now.Add(since - h.span), V: v})
		}
	}
}

// app is one pod: ok and bad requests a second, and the latency bucket that they
// fall in.
type app struct {
	namespace, pod, label string
	ok, bad               func(since time.Duration) float64 // per second
	le                    string
	from, to              time.Duration // 0 = the whole span
	grown                 float64       // requests before the history began
}

var buckets = []string{"0.1", "0.25", "0.5", "1", "2.5", "+Inf"}

func steady(v float64) func(time.Duration) float64 { return func(time.Duration) float64 { return v } }

// changing is a rate that is v until at and later after it.
func changing(at time.Duration, v, later float64) func(time.Duration) float64 {
	return func(since time.Duration) float64 {
		if since > at {
			return later
		}
		return v
	}
}

func (h *history) app(a app) {
	if a.to == 0 {
		a.to = h.span
	}
	if a.label == "" {
		a.label = "status"
	}
	sum := func(rates ...func(time.Duration) float64) func(time.Duration) (float64, bool) {
		total, last := a.grown, time.Duration(-1)
		return func(since time.Duration) (float64, bool) {
			if since > a.from && since <= a.to && last >= 0 {
				for _, r := range rates {
					if r != nil {
						total += r(since) * (since - last).Seconds()
					}
				}
			}
			last = since
			return total, since >= a.from && since <= a.to
		}
	}
	pod := func(more ...string) map[string]string {
		m := map[string]string{"namespace": a.namespace, "pod": a.pod}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	if a.ok != nil {
		h.add("http_requests_total", pod(a.label, "200"), sum(a.ok))
	}
	if a.bad != nil {
		h.add("http_requests_total", pod(a.label, "503"), sum(a.bad))
	}
	if a.le != "" {
		reached := false
		for _, b := range buckets {
			reached = reached || b == a.le
			rates := []func(time.Duration) float64{steady(0)}
			if reached {
				rates = []func(time.Duration) float64{a.ok, a.bad}
			}
			h.add("http_request_duration_seconds_bucket", pod("le", b), sum(rates...))
		}
	}
	h.add("up", pod("job", "pods"), func(since time.Duration) (float64, bool) {
		if since < a.from {
			return 0, false
		}
		return map[bool]float64{true: 1}[since <= a.to], true
	})
}

// longPod is the name of a pod that is cut.
var longPod = strings.Repeat("long-", 9) + "name-7c9f5d8d-2kq4x"[:58-45] + "xxxxx"

// shopUntil is an hour of a shop with everything in it that a figure can get
// wrong.
func shopUntil(now time.Time) *history {
	h := historyUntil(now, time.Hour, 15*time.Second)
	m := time.Minute
	// 20 % errors since seven minutes, in two pods, one of which calls its label code.
	h.app(app{namespace: "prod", pod: "bad-7c9f5d8-2kq4x", ok: changing(53*m, 10, 8), bad: changing(53*m, 0, 2), le: "0.25"})
	h.app(app{namespace: "prod", pod: "bad-7c9f5d8-b8v7m", ok: changing(53*m, 10, 8), bad: changing(53*m, 0, 2), le: "0.25", label: "code"})
	// Neither another namespace's pods nor those of a longer name count.
	h.app(app{namespace: "other", pod: "bad-7c9f5d8-2kq4x", bad: steady(100), le: "+Inf"})
	h.app(app{namespace: "prod", pod: "bad-canary-7c9f5d8-2kq4x", bad: steady(100), le: "+Inf"})
	h.app(app{namespace: "prod", pod: "good-7c9f5d8-2kq4x", ok: steady(10), le: "0.25"})
	h.app(app{namespace: "prod", pod: "inf-7c9f5d8-2kq4x", ok: steady(10), le: "+Inf"})
	h.app(app{namespace: "prod", pod: "idle-7c9f5d8-2kq4x", ok: steady(0), le: "0.25", grown: 1000})
	h.app(app{namespace: "prod", pod: "three-7c9f5d8-2kq4x", ok: func(s time.Duration) float64 {
		if s > 57*m && s <= 57*m+45*time.Second {
			return 1. / 15
		}
		return 0
	}, le: "0.1"})
	// 30 requests a minute: enough in five.
	h.app(app{namespace: "prod", pod: "rare-7c9f5d8-2kq4x", ok: steady(0.4), bad: steady(0.1), le: "1"})
	h.app(app{namespace: "prod", pod: "dead-7c9f5d8-2kq4x", ok: steady(10), le: "0.25", to: 57 * m})
	h.app(app{namespace: "prod", pod: "plain-7c9f5d8-2kq4x", ok: steady(10)}) // no histogram
	h.app(app{namespace: "prod", pod: "db-0", ok: steady(10), le: "0.5"})
	h.app(app{namespace: "prod", pod: "node-bcx-2kq4x", ok: steady(10), bad: steady(10), le: "0.5"})
	h.app(app{namespace: "prod", pod: longPod, ok: steady(10), le: "0.5"})
	return h
}

func deploy(name string) model.Target {
	return model.Target{ID: name, Workload: model.Workload{Kind: model.Deployment, Namespace: "prod", Name: name}}
}

// engine answers by the sandbox's Prometheus, without a socket. What spoil
// returns a body for is answered with that instead.
type engine struct {
	now   time.Time
	api   http.Handler
	spoil func(asked string) (status int, body string)

	mu       sync.Mutex
	asked    []string                              // path, PromQL, and how far back at which steps
	answered map[string]*httptest.ResponseRecorder // by time and URL: the samples do not change
}

// sandboxed is the engine that has seen a history.
func (h *history) sandboxed(t testing.TB) *engine {
	t.Helper()
	e := &engine{now: h.now, answered: map[string]*httptest.ResponseRecorder{}}
	s, err := prom.New(prom.Options{Now: func() time.Time { return e.now }, Keep: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range h.series {
		labels := map[string]string{"__name__": one.name}
		for k, v := range one.labels {
			labels[k] = v
		}
		for _, p := range one.points {
			if err := s.Append(p.At, labels, p.V); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.api = s.Handler()
	return e
}

func (e *engine) client(t testing.TB, change ...func(*Options)) *Client {
	t.Helper()
	opt := Options{URL: "http://prom:9090", RoundTripper: e, Limits: model.DefaultLimits()}
	for _, f := range change {
		f(&opt)
	}
	c, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (e *engine) RoundTrip(req *http.Request) (*http.Response, error) {
	q := req.URL.Query()
	asked := strings.TrimPrefix(req.URL.Path, "/api/v1/") + " " + q.Get("query") + strings.Join(q["match[]"], " ")
	if q.Has("start") {
		var from, to float64
		fmt.Sscan(q.Get("start"), &from)
		fmt.Sscan(q.Get("end"), &to)
		asked += fmt.Sprintf(" from %+g to %+g", from-float64(e.now.Unix()), to-float64(e.now.Unix()))
		if q.Has("step") {
			asked += " by " + q.Get("step")
		}
	}
	e.mu.Lock()
	e.asked = append(e.asked, asked)
	e.mu.Unlock()
	if e.spoil != nil {
		if status, body := e.spoil(asked); body != "" {
			w := httptest.NewRecorder()
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return w.Result(), nil
		}
	}
	id := e.now.String() + req.URL.String()
	e.mu.Lock()
	w := e.answered[id]
	e.mu.Unlock()
	if w == nil {
		w = httptest.NewRecorder()
		e.api.ServeHTTP(w, req)
		e.mu.Lock()
		e.answered[id] = w
		e.mu.Unlock()
	}
	return &http.Response{StatusCode: w.Code, Header: w.Header(), Request: req, Body: io.NopCloser(bytes.NewReader(w.Body.Bytes()))}, nil
}

// refusal is an answer of Prometheus' that is none.
func refusal(kind, message string) string {
	b, _ := json.Marshal(map[string]string{"status": "error", "errorType": kind, "error": message})
	return string(b)
}
