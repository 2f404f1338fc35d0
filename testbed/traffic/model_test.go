package traffic

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
)

func TestProfileOf(t *testing.T) {
	p, err := ProfileOf(map[string]string{AnnotationErrors: "0.3", AnnotationRPS: "5", AnnotationLatency: "2.5s"})
	if err != nil || p != (Profile{RPS: 5, Errors: 0.3, P95: 2500 * time.Millisecond}) {
		t.Errorf("got %+v, %v", p, err)
	}
	if p, err := ProfileOf(map[string]string{AnnotationLatency: "inf"}); err != nil || p.P95 != Endless {
		t.Errorf("inf: got %+v, %v", p, err)
	}
	if p, err := ProfileOf(nil); err != nil || p != Default {
		t.Errorf("none: got %+v, %v", p, err)
	}
	for _, a := range []string{AnnotationErrors, AnnotationRPS, AnnotationLatency} {
		if p, err := ProfileOf(map[string]string{a: "-1"}); err == nil || p != Default {
			t.Errorf("%s=-1: got %+v, %v; want an error and the default", a, p, err)
		}
	}
}

var t0 = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

// Over whole periods of the waves, rate, ratio and P95 are those asked for.
func TestAdvanceGivesWhatWasAsked(t *testing.T) {
	p := Profile{RPS: 20, Errors: 0.3, P95: 2500 * time.Millisecond}
	c := NewCounters("production/a")
	for at := t0; at.Before(t0.Add(10 * time.Minute)); at = at.Add(5 * time.Second) {
		c.Advance(p, at, at.Add(5*time.Second))
	}
	if want := 20.0 * 600; math.Abs(c.count-want) > 1 {
		t.Errorf("%f requests, want %f", c.count, want)
	}
	if ratio := (c.requests[0][2] + c.requests[1][2]) / c.count; math.Abs(ratio-0.3) > 1e-9 {
		t.Errorf("error ratio %f", ratio)
	}
	if at := c.buckets[8] / c.count; math.Abs(at-0.95) > 1e-9 { // the bucket up to 2.5 s
		t.Errorf("share below P95 is %f", at)
	}
}

func TestEndlessIsAllInTheLastBucket(t *testing.T) {
	c := NewCounters("x")
	c.Advance(Profile{RPS: 10, P95: Endless}, t0, t0.Add(time.Minute))
	if c.buckets[len(Bounds)-1] != 0 || c.count < 500 {
		t.Errorf("buckets %v, count %f", c.buckets, c.count)
	}
}

func TestBucketsRiseAndDayChangeLosesNothing(t *testing.T) {
	c := NewCounters("x")
	midnight := t0.Truncate(24 * time.Hour)
	c.Advance(Default, midnight.Add(-150*time.Second), midnight.Add(150*time.Second))
	if want := 20.0 * 300; math.Abs(c.count-want) > 1 {
		t.Errorf("over midnight %f requests, want %f", c.count, want)
	}
	for i := 1; i < len(c.buckets); i++ {
		if c.buckets[i] < c.buckets[i-1] {
			t.Errorf("bucket %d is smaller than the one before", i)
		}
	}
	c.Advance(Default, midnight, midnight.Add(-time.Hour))
	if math.Abs(c.count-6000) > 1 {
		t.Error("time that goes backwards changed a counter")
	}
}

func TestTextFormat(t *testing.T) {
	c := NewCounters("x")
	c.Advance(Default, t0, t0.Add(time.Minute))
	var b bytes.Buffer
	c.write(&b)
	for _, want := range []string{
		"# TYPE http_requests_total counter\n", "# TYPE http_request_duration_seconds histogram\n",
		`http_requests_total{method="POST",status="500"} `, `http_request_duration_seconds_bucket{le="1.0"} `,
		`http_request_duration_seconds_bucket{le="+Inf"} `, "http_request_duration_seconds_count ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%s", want, b.String())
		}
	}
}
