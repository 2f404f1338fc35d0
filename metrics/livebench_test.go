//go:build e2e

package metrics

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	rmetrics "runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"rollbook/model"
)

// metered counts what is asked and answered.
type metered struct {
	rt              http.RoundTripper
	requests, bytes atomic.Int64
	longest         atomic.Int64
}

type meteredBody struct {
	io.ReadCloser
	m *metered
}

func (b meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.m.bytes.Add(int64(n))
	return n, err
}

func (m *metered) RoundTrip(req *http.Request) (*http.Response, error) {
	m.requests.Add(1)
	if n := int64(len(req.URL.String())); n > m.longest.Load() {
		m.longest.Store(n)
	}
	resp, err := m.rt.RoundTrip(req)
	if err == nil {
		resp.Body = meteredBody{resp.Body, m}
	}
	return resp, err
}

// A namespace of 1,000 Deployments: the first round, which reads half an hour,
// and those that follow.
func BenchmarkLiveThousand(b *testing.B) {
	h := historyUntil(wholeSecond(), 35*time.Minute, 15*time.Second)
	var targets []model.Target
	for n := range 1000 {
		name := fmt.Sprintf("service-%04d", n)
		targets = append(targets, deploy(name))
		rate := 5.0
		if n%3 == 0 {
			rate = 0.1 // widens to five minutes, and has too few requests then too
		}
		for _, pod := range []string{"2kq4x", "b8v7m"} {
			h.app(app{namespace: "prod", pod: name + "-7c9f5d8-" + pod, ok: steady(rate), bad: steady(rate / 100), le: "0.25"})
		}
	}
	p := h.start(b)
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	h.series = nil
	before := heap()
	m := &metered{rt: http.DefaultTransport}
	c := p.client(b, func(o *Options) { o.RoundTripper = m })
	var peak atomic.Uint64
	stop := make(chan struct{})
	go func() {
		s := []rmetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for {
			rmetrics.Read(s)
			peak.Store(max(peak.Load(), s[0].Value.Uint64()))
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	start := time.Now()
	got := poll(b, c, 0, targets...)
	close(stop)
	first := float64(time.Since(start).Milliseconds())
	firstMB, firstQueries, keptMB := float64(m.bytes.Load())/1e6, float64(m.requests.Load()), heap()-before
	known := 0
	for _, f := range got {
		if f.Errors.Now.Known {
			known++
		}
	}
	if known < 600 {
		b.Errorf("%d known", known)
	}
	m.bytes.Store(0)
	m.requests.Store(0)
	rounds := 0
	for b.Loop() {
		poll(b, c, 0, targets...)
		rounds++
	}
	b.ReportMetric(first, "first-ms")
	b.ReportMetric(firstMB, "first-MB")
	b.ReportMetric(firstQueries, "first-queries")
	b.ReportMetric(keptMB, "kept-MB")
	b.ReportMetric(float64(peak.Load())/1e6-before, "peak-MB") // of a first round, garbage included
	b.ReportMetric(float64(m.bytes.Load())/1e6/float64(rounds), "MB/round")
	b.ReportMetric(float64(m.requests.Load())/float64(rounds), "queries/round")
	b.ReportMetric(float64(m.longest.Load()), "URL-bytes")
}
