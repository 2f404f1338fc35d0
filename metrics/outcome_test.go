package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// pod adds the requests per second of one pod: label, value and rate in turns.
func (h *history) requests(pod string, series ...any) {
	for i := 0; i < len(series); i += 3 {
		labels := map[string]string{"namespace": "prod", "pod": pod, series[i].(string): series[i+1].(string), "path": fmt.Sprint(i)}
		rate := series[i+2].(float64)
		h.add("http_requests_total", labels, func(since time.Duration) (float64, bool) { return rate * since.Seconds(), true })
	}
	h.add("up", map[string]string{"namespace": "prod", "pod": pod}, func(time.Duration) (float64, bool) { return 1, true })
}

const shopPod = "shop-7c9f5d8-2kq4x"

// No failed requests are said only of requests whose outcome some label tells.
func TestZeroIsSaidOnlyOfWhatWasCounted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		series []any
		want   string
		label  string // in the query that is shown
	}{
		{"status", []any{"status", "200", 9.0, "status", "503", 1.0}, "0.1", `status=~"5.."`},
		{"code", []any{"code", "200", 9.0, "code", "500", 1.0}, "0.1", `code=~"5.."`},
		{"status_code", []any{"status_code", "200", 9.0, "status_code", "500", 1.0}, "0.1", `status_code=~"5.."`},
		{"http_status", []any{"http_status", "302", 10.0}, "0", `http_status=~"5.."`},
		{"response_code", []any{"response_code", "404", 10.0}, "0", `response_code=~"5.."`},
		{"http_response_status_code", []any{"http_response_status_code", "200", 10.0}, "0", `http_response_status_code=~"5.."`},
		{"a class", []any{"status_class", "2xx", 9.0, "status_class", "5xx", 1.0}, "0.1", `status_class=~"5.."`},
		{"a class in the status", []any{"status", "2xx", 9.0, "status", "5xx", 1.0}, "0.1", `status=~"5.."`},
		{"one 2xx is enough", []any{"status", "200", 10.0}, "0", `status=~"5.."`},
		{"no label", []any{"method", "GET", 10.0}, "? " + noOutcome, `status=~"5.."`},
		{"another word", []any{"status", "success", 9.0, "status", "error", 1.0}, "? " + noOutcome, `status=~"5.."`},
		{"gRPC's codes", []any{"code", "OK", 9.0, "code", "Unavailable", 1.0}, "? " + noOutcome, `status=~"5.."`},
		{"a word beside a code", []any{"status", "success", 5.0, "code", "200", 5.0}, "≥0", `code=~"5.."`},
		{"failures and unknowns", []any{"status", "503", 1.0, "status", "200", 4.0, "method", "GET", 5.0}, "≥0.1", `status=~"5.."`},
		{"the odd one", []any{"status", "200", 10.0, "method", "GET", 0.004}, "0", `status=~"5.."`},
		{"no traffic with an outcome", []any{"status", "200", 0.0, "method", "GET", 10.0}, "? " + noOutcome, `status=~"5.."`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, on tried) {
				h := historyUntil(on.until, 70*time.Minute, 15*time.Second)
				h.requests(shopPod, tt.series...)
				c := on.start(t, h).client(t)
				targets := []model.Target{deploy("shop")}
				polled, err := ask(c, 2*time.Minute, targets...)
				if err != nil {
					t.Fatal(err)
				}
				past, err := c.Behaviour(t.Context(), targets[0], []string{"shop-7c9f5d8"}, on.now)
				if err != nil {
					t.Fatal(err)
				}
				base, err := c.Baseline(t.Context(), targets, on.now)
				if err != nil {
					t.Fatal(err)
				}
				f := polled["shop"]
				for name, r := range map[string]model.Reading{"now": f.Errors.Now, "hold": f.HoldErrors, "revision": past["shop-7c9f5d8"].Errors, "baseline": base["shop"].Errors} {
					if sayReading(r) != tt.want || !strings.Contains(r.Query, tt.label) {
						t.Errorf("%s: %s, want %s, by %s", name, sayReading(r), tt.want, r.Query)
					}
				}
				if f.Requests.Value < 599 {
					t.Errorf("the requests are known: %+v", f.Requests)
				}
				if known := len(f.Errors.Samples) > 0; known == strings.HasPrefix(tt.want, "?") {
					t.Errorf("%d samples of %s", len(f.Errors.Samples), tt.want)
				}
				impact, err := c.Impact(t.Context(), model.ImpactOf{Targets: targets, From: on.now.Add(-10 * time.Minute), To: on.now, Limits: model.DefaultLimits()})
				if err != nil {
					t.Fatal(err)
				}
				if cost := impact.Components[0]; cost.Failed.Known == strings.HasPrefix(tt.want, "?") || cost.Failed.AtLeast != strings.HasPrefix(tt.want, "≥") {
					t.Errorf("impact: %+v", cost.Failed)
				}
				for _, l := range c.Check(t.Context(), targets) {
					if told := !strings.HasPrefix(tt.want, "?"); l.Name == "requests and errors" && (l.State == model.CheckOK) != told {
						t.Errorf("doctor: %+v", l)
					}
				}
			})
		})
	}
}

// The doctor names all labels that are there: the one that is wanted may be the last.
func TestDoctorNamesTheLabels(t *testing.T) {
	h := historyUntil(fakeNow, 10*time.Minute, 15*time.Second)
	h.requests(shopPod, "outcome", "fine", 10.0)
	for n := range h.series {
		for _, l := range []string{"app", "container", "instance", "job"} {
			h.series[n].labels[l] = "x"
		}
	}
	for _, l := range h.sandboxed(t).client(t).Check(t.Context(), []model.Target{deploy("shop")}) {
		if want := "outcome unknown of shop: no label with a status such as 200 or 5xx (http_requests_total has app, container, instance, job, namespace, outcome, path, pod)"; l.Name == "requests and errors" && !strings.Contains(l.Text, want) {
			t.Error(l.Text)
		}
	}
}

// What is there and is no count is unknown, and not none.
func TestUnusableCounts(t *testing.T) {
	for _, count := range []string{"NaN", "-1", "+Inf", "-Inf", "1e308"} {
		for _, mark := range []string{"!", "=", ""} {
			f := &fake{t: t}
			f.on(mat(of("shop", outLabel, "="), 594, of("shop", outLabel, "!"), 6, of("shop", outLabel, mark), count), "increase(")
			f.answers = append(f.answers, healthy(t, time.Second).answers...)
			got, err := ask(f.client(t), time.Minute, shop())
			if err != nil {
				t.Fatal(err)
			}
			s := got["shop"]
			for name, r := range map[string]model.Reading{"errors": s.Errors.Now, "requests": s.Requests, "hold": s.HoldErrors, "hold's requests": s.HoldRequests} {
				if r.Known || r.Why != noCount {
					t.Errorf("%s of %q: %s %+v", count, mark, name, r)
				}
			}
			if len(s.Errors.Samples) != 0 {
				t.Errorf("%s of %q: samples %v", count, mark, s.Errors.Samples[:1])
			}
		}
	}
}

// A reading rests on as many requests as the limits ask for, and not on fewer.
func TestHowManyRequestsAReadingNeeds(t *testing.T) {
	for requests, known := range map[float64]bool{0.3: false, 5: false, 6: false, 49.9: false, 50: true, 500: true} {
		f := &fake{t: t}
		f.on(mat(of("shop", outLabel, "="), requests), "increase(")
		f.answers = append(f.answers, healthy(t, time.Second).answers...)
		got, err := ask(f.client(t), time.Minute, shop())
		if err != nil {
			t.Fatal(err)
		}
		s := got["shop"]
		for name, r := range map[string]model.Reading{"errors": s.Errors.Now, "P95": s.P95.Now, "hold errors": s.HoldErrors, "hold P95": s.HoldP95} {
			if r.Known != known {
				t.Errorf("%g requests: %s %+v", requests, name, r)
			}
			if requests < 1 && r.Why != "1 requests in 1m" && r.Why != "1 requests in 5m" {
				t.Errorf("%g requests: %s is unknown for %q", requests, name, r.Why)
			}
		}
	}
}

// A sample of tomorrow is not fresh.
func TestSamplesFromTheFuture(t *testing.T) {
	got, err := ask(healthy(t, -10*time.Minute).client(t), time.Minute, shop())
	if err != nil {
		t.Fatal(err)
	}
	if e := got["shop"].Errors.Now; e.Known || e.Why != "the newest sample is 10m ahead of Prometheus' clock" {
		t.Errorf("%+v", e)
	}
}

// An answer that says of itself that it is not whole is none, wherever it says so.
func TestPartialAnswers(t *testing.T) {
	const data = `"data":{"resultType":"vector","result":[]}`
	for body, want := range map[string]bool{
		`{"status":"success","isPartial":true,` + data + `}`:                             true,
		`{"status":"success",` + data + `,"isPartial":true}`:                             true,
		`{"status":"success","isPartial":false,` + data + `}`:                            false,
		`{"status":"success","data":{"resultType":"vector","result":[{"isPartial":1}]}}`: false,
		`{"status":"success","data":{"isPartial":true,"resultType":"vector"}}`:           false,
	} {
		if got := partial([]byte(body)); got != want {
			t.Errorf("%s: %t", body, got)
		}
	}
	onEach(t, func(t *testing.T, on tried) {
		h := historyUntil(on.until, 20*time.Minute, 15*time.Second)
		h.requests(shopPod, "status", "200", 7.0, "status", "503", 3.0)
		prom := on.start(t, h)
		for says, want := range map[string]string{
			"":                                     "0", // this is what it looks like where it is not said
			`"isPartial":true,`:                    "? incomplete answer",
			`"isPartial":false,`:                   "0",
			`"warnings":["some shards failed"],`:   "? incomplete answer: some shards failed",
			`"infos":["metric might not be one"],`: "0",
		} {
			got, err := ask(prom.client(t, through(shardAway(says))), 2*time.Minute, deploy("shop"))
			if err != nil {
				t.Fatal(err)
			}
			f := got["shop"]
			for name, r := range map[string]model.Reading{"now": f.Errors.Now, "hold": f.HoldErrors} {
				if s := sayReading(r); s != want && !(want[0] == '?' && strings.HasPrefix(s, want)) {
					t.Errorf("%s, %s: %s, want %s", says, name, s, want)
				}
			}
			if len(f.Errors.Samples) > 0 && want[0] == '?' {
				t.Errorf("%s: samples %v", says, f.Errors.Samples[:1])
			}
		}
	})
}
