//go:build e2e

package prom_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/sandbox/prom"
	"rollbook/sandbox/prom/traffic"
)

// parityRules are the sandbox's, quicker and in one group, so that all are
// evaluated at one time; and what those do not try. The first and the last tell
// whether an evaluation is under way.
func parityRules() string {
	text := strings.NewReplacer("[1m]", "[10s]", "for: 1m", "for: 4s", "- name: alerts\n  rules:\n", "").Replace(string(prom.DefaultRules))
	text = strings.Replace(text, "  rules:\n", "  rules:\n  - {record: evaluation_began, expr: time()}\n", 1)
	return text + `
  - alert: Waiting
    expr: up{app!=""} == 0
    for: 1h
    labels: {team: "{{ $labels.app }}-team", job: ""}
    annotations: {text: "{{ $value }} of {{ $labels.instance }}", nothing: "{{ $labels.nothing }}", fails: "{{ $value | humanizeDuration | humanizeDuration }}"}
  - {alert: AtOnce, expr: 'count(up{app="api"}) > 1'}
  - {alert: Never, expr: vector(1) > 2, for: 1d}
  - {alert: Scalar, expr: "2"}
  - {alert: Twice, expr: 'up{app="api"}', labels: {instance: x, pod: x}}
  - {record: "twice:up", expr: 'up{app="api"}', labels: {instance: x, pod: x}}
  - {record: comes_and_goes, expr: 'count by (app) (ALERTS{alertname="HighErrorRate"})', labels: {kind: x, app: ""}}
  - {record: evaluation_ended, expr: time()}
`
}

// feed is what the real one scrapes: a target for all pods. Its samples are two
// seconds ahead, so that every evaluation finds those up to its time, and the
// same can be given to ours.
type feed struct {
	mu      sync.Mutex
	traffic *traffic.Traffic
	pods    []traffic.Pod
	rounds  []round
}

type round struct {
	at      time.Time
	samples []prom.Sample
}

func (f *feed) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := time.Now().Truncate(time.Second).Add(2 * time.Second)
	if n := len(f.rounds); n == 0 || f.rounds[n-1].at.Before(at) {
		f.rounds = append(f.rounds, f.next(at))
	}
	last := f.rounds[len(f.rounds)-1]
	for _, x := range last.samples {
		m := x.Labels.Map()
		var list []string
		for k, v := range m {
			if k != "__name__" {
				list = append(list, fmt.Sprintf("%s=%q", k, v))
			}
		}
		fmt.Fprintf(w, "%s{%s} %s %d\n", m["__name__"], strings.Join(list, ","), strconv.FormatFloat(x.Value, 'g', -1, 64), last.at.UnixMilli())
	}
}

// next is well at first, then one application fails for a while, and is well
// again.
func (f *feed) next(at time.Time) round {
	errors := 0.0
	if len(f.rounds) > 0 {
		if since := at.Sub(f.rounds[0].at); since > 8*time.Second && since < 20*time.Second {
			errors = 0.3
		}
	}
	f.pods[0].Profile.Errors, f.pods[1].Profile.Errors = errors, errors
	r := round{at: at}
	for _, x := range f.traffic.Scrape(at, f.pods) {
		up := 1.0
		if x.Err != nil {
			up = 0
		}
		r.samples = append(r.samples, prom.Sample{Labels: x.Target.Series("up"), Value: up})
		if x.Err == nil {
			r.samples = append(r.samples, x.Samples...)
		}
	}
	return r
}

// TestRuleParity lets a real Prometheus evaluate rules for a while, evaluates the
// same at the same times on the same samples, and compares what both say.
func TestRuleParity(t *testing.T) {
	down := pod("gone", "5", traffic.Well)
	down.Running, down.Ready = false, false
	f := &feed{traffic: traffic.New(), pods: []traffic.Pod{pod("api", "1", traffic.Well), pod("api", "2", traffic.Well),
		pod("web", "4", profile(func(p *traffic.Profile) { p.P95 = 4 * time.Second })), down}}
	addr, _ := url.Parse(httpServer(t, f))
	rules := parityRules()
	real := realPrometheus(t, map[string]string{"rules.yaml": rules, "prometheus.yml": `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
- {job_name: feed, honor_labels: true, honor_timestamps: true, static_configs: [{targets: ["` + addr.Host + `"]}]}
`})

	const enough = 40 // evaluations, in which the failure comes and goes
	theirs, times := settled(t, real, enough)

	now := times[len(times)-1]
	s, err := prom.New(prom.Options{Rules: []byte(rules), Interval: time.Second, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	rounds := slices.Clone(f.rounds)
	f.mu.Unlock()
	for _, at := range times {
		for ; len(rounds) > 0 && !rounds[0].at.After(at); rounds = rounds[1:] {
			for _, x := range rounds[0].samples {
				if err := s.Append(rounds[0].at, x.Labels.Map(), x.Value); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.Eval(at)
	}
	ours := httpServer(t, s.Handler())
	for path, want := range theirs {
		differ(t, path, alike(t, ours+path), want)
	}
	// The first two evaluations of a real one restore what was before it.
	span := url.Values{"start": {stamp(times[4])}, "end": {stamp(now)}, "step": {"0.25"}}
	for _, query := range []string{"ALERTS", "ALERTS_FOR_STATE", "namespace_workload_pod:kube_pod_owner:relabel", "comes_and_goes", "evaluation_ended", `{__name__="twice:up"}`} {
		span.Set("query", query)
		path := "/api/v1/query_range?" + span.Encode()
		_, want := ask(t, real+path)
		_, got := ask(t, ours+path)
		differ(t, query, got, want)
	}

	// It is only a proof if there was something to see.
	states := fmt.Sprint(theirs["/api/v1/rules"])
	for _, state := range []string{"state:firing", "state:pending", "state:inactive", "health:err", "activeAt:", "lastError:"} {
		if !strings.Contains(states, state) {
			t.Errorf("the real one never said %s", state)
		}
	}
	for query, want := range map[string]float64{
		`count(count_over_time(ALERTS{alertname="HighErrorRate",app="api"}[10m]))`: 2, // pending, firing
		`count(ALERTS{alertname="HighErrorRate"}) or vector(0)`:                    0, // over
	} {
		_, answer := ask(t, real+"/api/v1/query?"+url.Values{"query": {query}, "time": {stamp(now)}}.Encode())
		if got := fmt.Sprint(answer); !strings.Contains(got, fmt.Sprintf(" %v]]", want)) {
			t.Errorf("%s: %s, want %v", query, got, want)
		}
	}
}

// settled waits for a number of evaluations, and returns what the real one then
// says of rules and alerts between two, and the times of all.
func settled(t *testing.T, real string, enough int) (says map[string]any, times []time.Time) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d evaluations, want %d", len(times), enough)
		}
		before := evaluations(t, real, "evaluation_ended")
		if times = before; len(times) < enough {
			continue
		}
		says = map[string]any{}
		for _, path := range []string{"/api/v1/alerts", "/api/v1/rules", "/api/v1/rules?type=alert&exclude_alerts=true", "/api/v1/rules?rule_name[]=Waiting", "/api/v1/rules?match[]={kind=\"x\"}"} {
			says[path] = alike(t, real+path)
		}
		if slices.Equal(before, evaluations(t, real, "evaluation_began")) {
			return says, times
		}
	}
}

func evaluations(t *testing.T, real, name string) (times []time.Time) {
	t.Helper()
	resp, err := http.Get(real + "/api/v1/query?query=" + name + "[10m]")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]json.Number }
		}
	}
	body, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			seconds, _ := v[0].Float64()
			times = append(times, time.UnixMilli(int64(seconds*1000+0.5)).UTC())
		}
	}
	return times
}

func stamp(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}

// alike is an answer about rules without what no two have in common: where the
// file is, how long it took, and when by the nanosecond.
func alike(t *testing.T, address string) any {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = u.Query().Encode()
	status, v := ask(t, u.String())
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", address, status, v)
	}
	return common(v)
}

func common(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			switch key {
			case "file", "evaluationTime", "lastEvaluation":
				if x == nil {
					panic(key + " is null")
				}
				v[key] = "-"
			case "activeAt":
				at, err := time.Parse(time.RFC3339Nano, x.(string))
				if err != nil {
					panic(err)
				}
				v[key] = at.Truncate(time.Millisecond).String()
			default:
				v[key] = common(x)
			}
		}
		if all, ok := v["alerts"].([]any); ok { // in no order there
			slices.SortFunc(all, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	case []any:
		for i := range v {
			v[i] = common(v[i])
		}
	}
	return v
}

// differ names each place where two answers are not the same.
func differ(t *testing.T, where string, ours, theirs any) {
	t.Helper()
	a, isMap := ours.(map[string]any)
	b, bothMaps := theirs.(map[string]any)
	x, isList := ours.([]any)
	y, bothLists := theirs.([]any)
	switch {
	case isMap && bothMaps:
		for key := range a {
			differ(t, where+" "+key, a[key], b[key])
		}
		for key := range b {
			if _, both := a[key]; !both {
				t.Errorf("%s: only theirs has %s: %v", where, key, b[key])
			}
		}
	case isList && bothLists && len(x) == len(y):
		for i := range x {
			differ(t, fmt.Sprintf("%s %d", where, i), x[i], y[i])
		}
	case !reflect.DeepEqual(ours, theirs):
		t.Errorf("%s: ours %.1000v, theirs %.1000v", where, ours, theirs)
	}
}
