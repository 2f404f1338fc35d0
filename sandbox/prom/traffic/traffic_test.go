package traffic

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"rollbook/sandbox/prom"
)

var t0 = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func ready(name string) Pod {
	return Pod{Namespace: "n", Name: name, UID: name, App: "api", Container: "c", IP: "10.0.0." + name, OwnerKind: "ReplicaSet",
		Owner: "api-1", Workload: "api", Replicas: 2, HTTP: true, Running: true, Ready: true, Started: t0, Profile: Well}
}

// total sums the values of a series' name in the scrapes, "" = of all targets.
func total(round []prom.Scrape, instance, name string) (sum float64, n int) {
	for _, s := range round {
		for _, x := range s.Samples {
			if x.Labels.Get(model.MetricNameLabel) == name && (instance == "" || x.Labels.Get("instance") == instance) {
				sum += x.Value
				n++
			}
		}
	}
	return sum, n
}

// A workload's load stays what it is, whoever of its pods is ready.
func TestLoadIsSharedByWhoIsReady(t *testing.T) {
	tr := New()
	a, b := ready("1"), ready("2")
	count := func() (all, first float64) {
		round := tr.Scrape(t0, []Pod{a, b})
		all, _ = total(round, "", "http_request_duration_seconds_count")
		first, _ = total(round, "10.0.0.1:8080", "http_request_duration_seconds_count")
		return all, first
	}
	count()
	t0 := t0
	step := func() (all, first float64) {
		before, _ := total(tr.Scrape(t0, []Pod{a, b}), "", "http_request_duration_seconds_count")
		one, _ := total(tr.Scrape(t0, []Pod{a, b}), "10.0.0.1:8080", "http_request_duration_seconds_count")
		t0 = t0.Add(period * time.Second)
		round := tr.Scrape(t0, []Pod{a, b})
		all, _ = total(round, "", "http_request_duration_seconds_count")
		first, _ = total(round, "10.0.0.1:8080", "http_request_duration_seconds_count")
		return all - before, first - one
	}
	want := 2 * Well.RPS * period
	if all, first := step(); math.Abs(all-want) > 2 || math.Abs(first-want/2) > 2 {
		t.Errorf("both ready: %v requests, %v by the first; want %v", all, first, want)
	}
	b.Ready = false
	if all, first := step(); math.Abs(all-want) > 2 || math.Abs(first-want) > 2 {
		t.Errorf("one ready: %v requests, %v by it; want %v", all, first, want)
	}
}

func TestWhoAnswers(t *testing.T) {
	unready, crashed, quiet, unborn, db := ready("2"), ready("3"), ready("4"), ready("5"), ready("6")
	unready.Ready = false
	crashed.Running, crashed.Ready = false, false
	quiet.Quiet = true
	unborn.IP = ""
	db.HTTP = false
	round := New().Scrape(t0, []Pod{ready("1"), unready, crashed, quiet, unborn, db})
	got := map[string]string{}
	for _, s := range round {
		text := "answers"
		if s.Err != nil {
			text = s.Err.Error()
		}
		got[s.Target.Labels["instance"]] = text
	}
	want := map[string]string{
		"10.0.0.1:8080": "answers", "10.0.0.2:8080": "server returned HTTP status 503 Service Unavailable",
		"10.0.0.3:8080": `Get "http://10.0.0.3:8080/metrics": dial tcp 10.0.0.3:8080: connect: connection refused`,
		"10.0.0.6:8080": "answers", "kube-state-metrics:8080": "answers",
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("%s: %q, want %q", i, got[i], w)
		}
	}
	if _, n := total(round, "10.0.0.6:8080", "pg_up"); n != 1 {
		t.Error("no pg_up of the database")
	}
	if _, n := total(round, "", "kube_pod_owner"); n != 6 {
		t.Errorf("%d owners of pods", n)
	}
	if _, n := total(round, "", "kube_replicaset_owner"); n != 1 {
		t.Errorf("%d owners of ReplicaSets", n)
	}
}

// A container that begins anew begins to count at zero.
func TestRestartResetsTheCounters(t *testing.T) {
	tr, p := New(), ready("1")
	tr.Scrape(t0, []Pod{p})
	const name = "http_requests_total"
	if v, _ := total(tr.Scrape(t0.Add(time.Minute), []Pod{p}), "", name); v < 1000 {
		t.Fatalf("%v requests in a minute", v)
	}
	p.Started = t0.Add(time.Minute)
	if v, _ := total(tr.Scrape(t0.Add(61*time.Second), []Pod{p}), "", name); v > 100 {
		t.Errorf("%v requests a second after the restart", v)
	}
}

// The series are those of the testbed, label for label.
func TestSeriesOfAPod(t *testing.T) {
	var got []string
	round := New().Scrape(t0, []Pod{ready("1")})
	for _, x := range round[0].Samples {
		got = append(got, x.Labels.String())
	}
	const target = `app="api", container="c", instance="10.0.0.1:8080", job="api"`
	for _, want := range []string{
		`{__name__="http_requests_total", ` + target + `, method="POST", namespace="n", pod="1", status="404"}`,
		`{__name__="http_request_duration_seconds_bucket", ` + target + `, le="0.005", namespace="n", pod="1"}`,
		`{__name__="http_request_duration_seconds_bucket", ` + target + `, le="1.0", namespace="n", pod="1"}`,
		`{__name__="http_request_duration_seconds_bucket", ` + target + `, le="+Inf", namespace="n", pod="1"}`,
		`{__name__="http_request_duration_seconds_sum", ` + target + `, namespace="n", pod="1"}`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in\n%q", want, got)
		}
	}
	if len(got) != 20 {
		t.Errorf("%d series", len(got))
	}
}

func TestProfile(t *testing.T) {
	for _, p95 := range []time.Duration{50 * time.Millisecond, time.Second, 7 * time.Second} {
		if s := (Profile{P95: p95}).below(p95.Seconds()); math.Abs(s-0.95) > 1e-9 {
			t.Errorf("%v: %v of the requests are below", p95, s)
		}
	}
	if (Profile{P95: Endless}).below(10) != 0 {
		t.Error("an endless request ended")
	}
}
