package prom_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"rollbook/sandbox/prom"
	"rollbook/sandbox/prom/traffic"
)

// A release goes bad: the alert is pending for its minute, fires, and ends when
// the release is taken back, at the times of the samples and not of the machine.
func TestAlertPendingThenFiringThenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, pod("api", "1", traffic.Well), pod("api", "2", traffic.Well))
		state := func() (string, time.Time) {
			all, err := b.api.Alerts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(all.Alerts) == 0 {
				return "", time.Time{}
			}
			if len(all.Alerts) > 1 || all.Alerts[0].Labels["alertname"] != "HighErrorRate" {
				t.Fatalf("alerts: %v", all.Alerts)
			}
			return string(all.Alerts[0].State), all.Alerts[0].ActiveAt
		}
		b.run(10 * time.Minute)
		if s, _ := state(); s != "" {
			t.Fatalf("%s while all is well", s)
		}
		for i := range b.pods {
			b.pods[i].Profile.Errors = 0.3
		}
		b.run(30 * time.Second)
		s, since := state()
		if s != "pending" {
			t.Fatalf("%q half a minute after the release, want pending", s)
		}
		if got := b.value(`ALERTS{alertname="HighErrorRate",alertstate="pending"}`); got != "1" {
			t.Errorf("ALERTS pending is %q", got)
		}
		b.run(time.Minute)
		s, still := state()
		if s != "firing" || !still.Equal(since) {
			t.Errorf("%q, active since %v; was pending since %v", s, still, since)
		}
		if got := b.number(`ALERTS_FOR_STATE`); got != float64(since.Unix()) {
			t.Errorf("ALERTS_FOR_STATE is %v, want %v", got, since.Unix())
		}
		if got := b.value(`ALERTS{alertstate="firing"}`); got != "1" {
			t.Errorf("ALERTS firing is %q", got)
		}
		if got := b.value(`ALERTS{alertstate="pending"}`); got != "" {
			t.Errorf("ALERTS pending is still %q", got)
		}
		for i := range b.pods {
			b.pods[i].Profile.Errors = 0
		}
		b.run(2 * time.Minute)
		if s, _ := state(); s != "" {
			t.Errorf("%s though it is over", s)
		}
		if got := b.value(`ALERTS`); got != "" {
			t.Errorf("ALERTS is %q though it is over", got)
		}
	})
}

func TestAlertsOfEachKind(t *testing.T) {
	down := pod("gone", "7", traffic.Well)
	down.Ready = false
	b := newBed(t, pod("slow", "1", profile(func(p *traffic.Profile) { p.P95 = 4 * time.Second })),
		pod("stuck", "2", profile(func(p *traffic.Profile) { p.P95 = traffic.Endless })), pod("well", "3", traffic.Well), down)
	b.run(5 * time.Minute)
	got := map[string]string{}
	all, err := b.api.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all.Alerts {
		got[string(a.Labels["app"])] = string(a.Labels["alertname"]) + " " + string(a.State) + ": " + string(a.Annotations["summary"])
	}
	for app, want := range map[string]string{
		"slow":  "HighLatency firing: slow: P95 is ", // by the buckets, not 4 s
		"stuck": "HighLatency firing: stuck: P95 is 10s",
		"gone":  "NoPodUp firing: gone: no pod answers",
	} {
		if !strings.HasPrefix(got[app], want) {
			t.Errorf("%s: %q, want %q", app, got[app], want)
		}
	}
	if len(got) != 3 {
		t.Errorf("alerts: %v", got)
	}
}

// What is gone ends at once, and is not carried on for five minutes.
func TestStaleness(t *testing.T) {
	b := newBed(t, pod("api", "1", traffic.Well), pod("api", "2", traffic.Well))
	b.run(2 * time.Minute)
	b.pods[0].Running, b.pods[0].Ready = false, false
	b.run(15 * time.Second)
	if up, n := b.value(`up{instance="10.0.0.1:8080"}`), b.value(`count(http_requests_total{instance="10.0.0.1:8080"})`); up != "0" || n != "" {
		t.Errorf("crashed: up is %q, %q series of requests; want 0 and none", up, n)
	}
	b.pods = b.pods[1:]
	b.run(15 * time.Second)
	if n := b.value(`count({instance="10.0.0.1:8080"})`); n != "" {
		t.Errorf("%s series of a pod that is gone", n)
	}
	if n := b.value(`count({instance="10.0.0.2:8080",job="api"})`); n != "23" { // 6 + 12 + 2 of its own, 3 of the scrape
		t.Errorf("%s series of the pod that stays", n)
	}
	if n := b.value(`count(namespace_workload_pod:kube_pod_owner:relabel)`); n != "1" {
		t.Errorf("%s pods by the recording rule", n)
	}
}

func TestRangesAreLeftOpen(t *testing.T) {
	b := newBed(t)
	for i := range 5 {
		if err := b.Append(start.Add(time.Duration(i)*time.Minute), map[string]string{"__name__": "x"}, float64(i)); err != nil {
			t.Fatal(err)
		}
	}
	b.now = start.Add(4 * time.Minute)
	if n := b.value(`count_over_time(x[2m])`); n != "2" {
		t.Errorf("%s samples in (2m, 4m], want 2", n)
	}
	if err := b.Append(start, map[string]string{"__name__": "x"}, 1); err == nil {
		t.Error("a sample older than the last was taken")
	}
}

func TestNothingAndNotANumber(t *testing.T) {
	quiet := pod("idle", "1", profile(func(p *traffic.Profile) { p.RPS = 0 }))
	b := newBed(t, quiet, pod("endless", "2", profile(func(p *traffic.Profile) { p.P95 = traffic.Endless })))
	b.run(5 * time.Minute)
	for query, want := range map[string]string{
		`sum(rate(http_requests_total{app="idle",status="500"}[1m])) / sum(rate(http_requests_total{app="idle"}[1m]))`:    "NaN",
		`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{app="idle"}[1m])))`:              "NaN",
		`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{app="endless"}[1m])))`:           "10",
		`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{app="endless",le="+Inf"}[1m])))`: "NaN",
		`nothing_of_that_name`: "",
		`vector(1)/0`:          "+Inf",
	} {
		if got := b.value(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	v, _, _, err := b.api.QueryRange(t.Context(), "nothing", v1.Range{Start: start, End: b.now, Step: time.Minute})
	if m, ok := v.(model.Matrix); err != nil || !ok || len(m) != 0 {
		t.Errorf("nothing over a range: %v %v", v, err)
	}
}

// Samples older than the retention go, and with them what has none left.
func TestRetention(t *testing.T) {
	b := newBed(t, pod("api", "1", traffic.Well))
	b.run(30 * time.Minute)
	b.pods = []traffic.Pod{pod("api", "2", traffic.Well)}
	b.run(5 * time.Hour)
	names, _, _, err := b.api.LabelValues(t.Context(), "instance", []string{`up{job="api"}`}, time.Time{}, b.now)
	if err != nil || len(names) != 1 || names[0] != "10.0.0.2:8080" {
		t.Errorf("pods: %v %v", names, err)
	}
	n := b.number(`count_over_time(up{job="api"}[6h])`)
	if n < 480 || n > 540 { // 2 h, and at most a tenth more
		t.Errorf("%v samples are kept", n)
	}
}

func TestWrongRulesSayWhere(t *testing.T) {
	for rules, want := range map[string]string{
		"groups:\n- name: a\n  rules:\n  - alert: A\n    expr: sum(\n":                                  "5:11",
		"groups:\n- name: a\n  rulez: []\n":                                                             "[3:3] unknown field",
		"groups:\n- name: a\n  limit: 3\n":                                                              "[3:3] unknown field \"limit\"",
		"groups:\n- name: a\n- name: a\n":                                                               `group "a": its name is empty, or another's`,
		"groups:\n- name: a\n  rules:\n  - record: a\n":                                                 `yaml: group "a", rule 1, "a": expr must be set`,
		"groups:\n- name: a\n  rules:\n  - expr: up\n":                                                  "4:11: group \"a\", rule 1, \"\": exactly one of record and alert",
		"groups: [{name: a, rules: [{record: a, alert: A, expr: up}]}]":                                 "exactly one of record and alert",
		"groups: [{name: a, rules: [{record: a, for: 1m, expr: up}]}]":                                  "neither for nor annotations",
		"groups: [{name: a, rules: [{record: sum(up), expr: up}]}]":                                     "no name of a metric",
		`groups: [{name: a, rules: [{alert: A, expr: up, labels: {__name__: x}}]}]`:                     "invalid label name",
		`groups: [{name: a, rules: [{alert: A, expr: up, annotations: {text: "{{ query \"up\" }}"}}]}]`: `text: template: __alert_A:1: function "query" not defined`,
		`groups: [{name: a, rules: [{alert: A, expr: up, keep_firing_for: 1m}]}]`:                       "[1:49] unknown field \"keep_firing_for\"",
	} {
		if _, err := prom.New(prom.Options{Rules: []byte(rules)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", rules, err, want)
		}
	}
}

// Who asks and what comes in do not wait for each other, and see no half of a
// round.
func TestAskedWhileScraping(t *testing.T) {
	b := newBed(t, pod("api", "1", profile(func(p *traffic.Profile) { p.Errors = 0.5 })), pod("api", "2", traffic.Well))
	b.run(time.Minute)
	at, ended := b.now, make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 200 {
			now := at.Add(time.Duration(i+1) * 15 * time.Second)
			b.Scrape(now, b.traffic.Scrape(now, b.pods))
			b.Eval(now)
		}
	}()
	for asked := false; !asked; {
		select {
		case <-ended:
			asked = true
		default:
		}
		v, _, _, err := b.api.Query(t.Context(), `count(last_over_time(up[1h])) - count(last_over_time(up{job="api"}[1h]))`, at.Add(59*time.Minute))
		if err != nil || len(v.(model.Vector)) != 1 || v.(model.Vector)[0].Value != 1 {
			t.Fatalf("%v %v", v, err)
		}
		if _, err := b.api.Alerts(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.api.Targets(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.api.Rules(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// An hour of the shop is simulated before anybody sees a screen.
func BenchmarkHour(b *testing.B) {
	for b.Loop() {
		var pods []traffic.Pod
		for i := range 8 {
			pods = append(pods, pod(fmt.Sprintf("app%d", i%4), fmt.Sprint(i), traffic.Well))
		}
		bed := newBed(b, pods...)
		bed.run(time.Hour)
		if v := bed.number(`sum(rate(http_requests_total[5m]))`); math.Abs(v-160) > 20 {
			b.Fatal(v)
		}
	}
}
