package prom_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"rollbook/metrics"
	rollbook "rollbook/model"
	"rollbook/sandbox/prom"
	"rollbook/sandbox/prom/traffic"
)

// shop is a bed with a bad release, seven minutes old.
func shop(t testing.TB) *bed {
	down := pod("api", "3", traffic.Well)
	down.Running, down.Ready = false, false
	db := pod("db", "5", traffic.Well)
	db.Name, db.OwnerKind, db.Owner, db.Namespace, db.HTTP, db.Replicas = "db-0", "StatefulSet", "db", "data", false, 1
	b := newBed(t, pod("api", "1", traffic.Well), pod("api", "2", traffic.Well), down, pod("web", "4", traffic.Well), db)
	b.run(53 * time.Minute)
	b.pods[0].Profile.Errors, b.pods[1].Profile.Errors = 0.2, 0.2
	b.run(7 * time.Minute)
	return b
}

// Every endpoint, as client_golang reads it.
func TestEndpoints(t *testing.T) {
	b := shop(t)
	ctx := t.Context()
	fatal := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	v, warnings, _, err := b.api.Query(ctx, `sum(rate(http_requests_total{status="500"}[5m]))/sum(rate(http_requests_total{app="api"}[5m]))`, b.now)
	fatal(err)
	if got := float64(v.(model.Vector)[0].Value); math.Abs(got-0.2) > 0.01 || len(warnings) > 0 {
		t.Errorf("query: %v %v", got, warnings)
	}
	_, _, infos, err := b.api.Query(ctx, `rate(up[5m])`, b.now)
	fatal(err)
	if len(infos) != 1 || !strings.Contains(infos[0], "might not be a counter") {
		t.Errorf("infos: %v", infos)
	}
	v, _, _, err = b.api.QueryRange(ctx, `sum by (app) (rate(http_requests_total[1m]))`, v1.Range{Start: b.now.Add(-30 * time.Minute), End: b.now, Step: 15 * time.Second})
	fatal(err)
	if m := v.(model.Matrix); len(m) != 2 || len(m[0].Values) != 121 || m[0].Metric["app"] != "api" {
		t.Errorf("query_range: %v", m)
	}
	v, _, _, err = b.api.Query(ctx, `up[30s]`, b.now)
	fatal(err)
	if m := v.(model.Matrix); len(m) != 6 || len(m[0].Values) != 2 { // five pods and kube-state-metrics
		t.Errorf("a range vector: %v", m)
	}
	v, warnings, _, err = b.api.Query(ctx, `up`, b.now, v1.WithLimit(2))
	fatal(err)
	if len(v.(model.Vector)) != 2 || len(warnings) != 1 {
		t.Errorf("limit: %v %v", v, warnings)
	}

	rules, err := b.api.Rules(ctx, nil)
	fatal(err)
	if len(rules.Groups) != 2 || rules.Groups[0].Name != "workloads" || rules.Groups[1].Interval != 5 {
		t.Fatalf("rules: %+v", rules)
	}
	high, ok := rules.Groups[1].Rules[0].(v1.AlertingRule)
	if !ok || high.Name != "HighErrorRate" || high.State != "firing" || high.Health != "ok" || high.Duration != 60 ||
		len(high.Alerts) != 1 || !high.LastEvaluation.Equal(b.now) {
		t.Errorf("rule: %+v", high)
	}
	if rec, ok := rules.Groups[0].Rules[0].(v1.RecordingRule); !ok || rec.Health != "ok" {
		t.Errorf("recording rule: %+v", rules.Groups[0].Rules[0])
	}
	alerts, err := b.api.Alerts(ctx)
	fatal(err)
	if len(alerts.Alerts) != 1 || alerts.Alerts[0].State != "firing" ||
		alerts.Alerts[0].ActiveAt.Before(start.Add(53*time.Minute)) || alerts.Alerts[0].ActiveAt.After(start.Add(55*time.Minute)) {
		t.Errorf("alerts: %+v", alerts)
	}

	targets, err := b.api.Targets(ctx)
	fatal(err)
	health := map[string]string{}
	for _, x := range targets.Active {
		health[string(x.Labels["instance"])] = string(x.Health) + " " + x.LastError
		if !x.LastScrape.Equal(b.now) || x.LastScrapeDuration <= 0 || x.DiscoveredLabels["__address__"] == "" {
			t.Errorf("target: %+v", x)
		}
	}
	if want := map[string]string{
		"10.0.0.1:8080": "up ", "10.0.0.2:8080": "up ", "10.0.0.4:8080": "up ", "10.0.0.5:8080": "up ", "kube-state-metrics:8080": "up ",
		"10.0.0.3:8080": `down Get "http://10.0.0.3:8080/metrics": dial tcp 10.0.0.3:8080: connect: connection refused`,
	}; !reflect.DeepEqual(health, want) {
		t.Errorf("targets: %v", health)
	}

	series, _, _, err := b.api.Series(ctx, []string{`up{app="api"}`, `up`}, b.now.Add(-time.Minute), b.now)
	fatal(err)
	if len(series) != 6 {
		t.Errorf("series: %v", series)
	}
	names, _, _, err := b.api.LabelNames(ctx, []string{`http_requests_total`}, start, b.now)
	fatal(err)
	if want := (model.LabelNames{"__name__", "app", "container", "instance", "job", "method", "namespace", "pod", "status"}); !reflect.DeepEqual(names, want) {
		t.Errorf("labels: %v", names)
	}
	values, _, _, err := b.api.LabelValues(ctx, "status", nil, time.Time{}, time.Time{})
	fatal(err)
	if want := (model.LabelValues{"200", "404", "500"}); !reflect.DeepEqual(values, want) {
		t.Errorf("label values: %v", values)
	}
	meta, err := b.api.Metadata(ctx, "", "")
	fatal(err)
	if m := meta["http_request_duration_seconds"]; len(m) != 1 || m[0].Type != "histogram" || len(meta) != 5 {
		t.Errorf("metadata: %v", meta)
	}
	build, err := b.api.Buildinfo(ctx)
	fatal(err)
	if build.Version != "3.16.0" {
		t.Errorf("buildinfo: %+v", build)
	}
	if info, err := b.api.Runtimeinfo(ctx); err != nil || !info.ReloadConfigSuccess {
		t.Errorf("runtimeinfo: %+v %v", info, err)
	}
	if all, err := b.api.QueryExemplars(ctx, "up", start, b.now); err != nil || len(all) != 0 {
		t.Errorf("exemplars: %v %v", all, err)
	}
	if text, err := b.api.FormatQuery(ctx, "sum(up)by(app)"); err != nil || text != `"sum by (app) (up)"` {
		t.Errorf("format: %q %v", text, err)
	}
}

// The version is that of the module, 0.X for 3.X.
func TestVersionIsTheModules(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil || !strings.Contains(string(text), "github.com/prometheus/prometheus v0.316.0\n") {
		t.Errorf("go.mod has another version of Prometheus: set version in api.go and here (%v)", err)
	}
}

// What client_golang does not ask, and what goes wrong.
func TestAnswers(t *testing.T) {
	b := shop(t)
	for _, tt := range []struct {
		method, path, form string
		status             int
		want               string
	}{
		{"GET", "/-/ready", "", 200, "Prometheus Server is Ready.\n"},
		{"GET", "/-/healthy", "", 200, "Healthy"},
		{"GET", "/", "", 200, "api/v1/alerts"},
		{"GET", "/nothing", "", 404, ""},
		{"GET", "/api/v1/query?query=1", "", 200, `{"status":"success","data":{"resultType":"scalar","result":[1795525200,"1"]}}`},
		{"POST", "/api/v1/query", "query=vector(1)", 200, `"result":[{"metric":{},"value":[1795525200,"1"]}]`},
		{"GET", "/api/v1/query?query=1&stats=all", "", 200, `"stats":{"timings"`},
		{"GET", `/api/v1/query?query="a<b"`, "", 200, `"resultType":"string"`},
		{"POST", "/api/v1/query_range", "query=1&start=1795525200&end=2026-11-24T13:00:30Z&step=15s", 200, `[1795525230,"1"]`},
		{"GET", "/api/v1/query?query=sum(", "", 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"}`},
		{"GET", "/api/v1/query", "", 400, `no expression found in input`},
		{"GET", "/api/v1/query?query=up&time=x", "", 400, `cannot parse \"x\" to a valid timestamp`},
		{"GET", "/api/v1/query?query=up&time=NaN", "", 400, `invalid parameter`},
		{"GET", "/api/v1/query?query=up&limit=-1", "", 400, `limit must be non-negative`},
		{"GET", "/api/v1/query?query=up&timeout=x", "", 400, `invalid parameter \"timeout\"`},
		{"GET", "/api/v1/query?query=up&timeout=0", "", 503, `"errorType":"timeout"`},
		{"GET", "/api/v1/query?query=up*on()up", "", 422, `"errorType":"execution"`},
		{"GET", "/api/v1/query_range?query=up&start=2&end=1&step=1", "", 400, `end timestamp must not be before start time`},
		{"GET", "/api/v1/query_range?query=up&start=1&end=2&step=0", "", 400, `zero or negative query resolution`},
		{"GET", "/api/v1/query_range?query=up&start=1&end=20000&step=1", "", 400, `11,000 points`},
		{"GET", "/api/v1/query_range?query=up&end=1&step=1", "", 400, `invalid parameter \"start\"`},
		{"GET", "/api/v1/series", "", 400, `no match[] parameter provided`},
		{"GET", "/api/v1/series?match[]={a=''}", "", 400, `at least one non-empty matcher`},
		{"GET", "/api/v1/series?match[]=up&start=1795600000", "", 200, `"data":[]`},
		{"GET", "/api/v1/series?match[]=up&start=2&end=1", "", 200, `"data":[]`},
		{"GET", "/api/v1/labels?match[]=nothing", "", 200, `"data":[]`},
		{"GET", "/api/v1/labels?limit=1", "", 200, `"warnings":["results truncated due to limit"]`},
		{"GET", "/api/v1/label/U__app/values", "", 200, `["api","db","web"]`},
		{"GET", "/api/v1/rules?type=record&rule_group[]=workloads", "", 200, `"type":"recording"`},
		{"GET", "/api/v1/rules?rule_name[]=NoPodUp&exclude_alerts=true", "", 200, `"alerts":null`},
		{"GET", "/api/v1/rules?type=x", "", 400, `not supported value`},
		{"GET", "/api/v1/targets?state=dropped", "", 200, `"activeTargets":[]`},
		{"GET", "/api/v1/targets?scrapePool=kube-state-metrics", "", 200, `"health":"up"`},
		{"GET", "/api/v1/metadata?metric=pg_up", "", 200, `"data":{"pg_up":[{"type":"gauge"`},
		{"POST", "/api/v1/write", "", 404, ""},
		{"DELETE", "/api/v1/query", "", 405, ""},
		{"POST", "/api/v1/query", "query=" + strings.Repeat("x", 2<<20), 400, `"errorType":"bad_data"`},
		{"POST", "/api/v1/query", "query=%zz", 400, `error parsing form values`},
	} {
		r := httptest.NewRequest(tt.method, (&url.URL{Path: "/"}).String(), strings.NewReader(tt.form))
		r.URL, _ = url.Parse(strings.NewReplacer(" ", "%20", "<", "%3C", `"`, "%22").Replace(tt.path))
		if tt.form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %.300s, want %d %s", tt.method, tt.path, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

// What rollbook itself reads of it.
func TestRollbooksFigures(t *testing.T) {
	b := shop(t)
	srv := httptest.NewServer(b.Handler())
	defer srv.Close()
	c, err := metrics.New(metrics.Options{URL: srv.URL, Now: func() time.Time { return b.now }, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	target := func(id string, k rollbook.Kind, namespace string) rollbook.Target {
		return rollbook.Target{ID: id, Workload: rollbook.Workload{Kind: k, Namespace: namespace, Name: id}}
	}
	got, err := c.Poll(t.Context(), rollbook.Poll{Targets: []rollbook.Target{
		target("api", rollbook.Deployment, "production"), target("web", rollbook.Deployment, "production"), target("db", rollbook.StatefulSet, "data")}})
	if err != nil {
		t.Fatal(err)
	}
	api, web, db := got["api"], got["web"], got["db"]
	if r := api.Errors.Now; !r.Known || math.Abs(r.Value-0.2) > 0.01 || !r.At.Equal(b.now) {
		t.Errorf("errors of api: %+v", r)
	}
	if r := web.P95.Now; !r.Known || r.Value < 0.1 || r.Value > 0.25 {
		t.Errorf("P95 of web: %+v", r)
	}
	if api.Up.Value != 2 || api.Targets.Value != 3 || !db.Up.Known || db.Up.Value != 1 || db.Errors.Now.Known {
		t.Errorf("up %v of %v; db %+v, %+v", api.Up, api.Targets, db.Up, db.Errors.Now)
	}
	if n := len(api.Errors.Samples); n < 119 {
		t.Errorf("%d samples of half an hour", n)
	}
}

// Whatever is asked, the answer is JSON in its frame, and soon.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{"up", "sum(rate(http_requests_total[5m])) by (app)", "up[1h:1s]", "{__name__=~\".+\"}", "\xff", "1e999"} {
		f.Add(q, "1795525200", "1795525260", "15")
	}
	s, err := prom.New(prom.Options{Now: func() time.Time { return start }})
	if err != nil {
		f.Fatal(err)
	}
	tr := traffic.New()
	for i := range 20 {
		at := start.Add(time.Duration(i) * 15 * time.Second)
		s.Scrape(at, tr.Scrape(at, []traffic.Pod{pod("api", "1", traffic.Well)}))
		s.Eval(at)
	}
	h := s.Handler()
	f.Fuzz(func(t *testing.T, query, from, to, step string) {
		form := url.Values{"query": {query}, "match[]": {query}, "start": {from}, "end": {to}, "time": {to}, "step": {step}}
		for _, path := range []string{"query", "query_range", "series", "labels", "label/" + url.PathEscape(query) + "/values", "rules"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL = &url.URL{Path: "/api/v1/" + path, RawQuery: form.Encode()}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			body, _ := io.ReadAll(w.Body)
			if w.Code != http.StatusNotFound && w.Code/100 != 3 && !json.Valid(body) {
				t.Errorf("%s: %d %s", path, w.Code, body)
			}
		}
	})
}
