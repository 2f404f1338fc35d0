package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rollbook/sandbox/store"
)

// opened is a scenario at its opening, whose time the test moves.
type opened struct {
	*world
	t   *testing.T
	now time.Time
}

func open(t *testing.T, name string) *opened {
	t.Helper()
	return openSeeded(t, name, 1)
}

func openSeeded(t *testing.T, name string, seed uint64) *opened {
	t.Helper()
	s, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{t: t, now: time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)}
	if o.world, err = newWorld(t.Context(), Options{Scenario: s, Seed: seed, Now: func() time.Time { return o.now }}); err != nil {
		t.Fatal(err)
	}
	return o
}

// passes lets time pass, scraped as it is live; the rules are left out.
func (o *opened) passes(d time.Duration) {
	o.t.Helper()
	for end := o.now.Add(d); o.now.Before(end); {
		o.now = o.now.Add(interval)
		if err := o.advance(o.now); err != nil {
			o.t.Fatal(err)
		}
		o.scrape(round{o.now, o.sim.Pods()})
	}
}

// ask returns the value of a query, NaN where there is none.
func (o *opened) ask(query string) float64 {
	o.t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/api/v1/query?time="+strconv.FormatInt(o.now.Unix(), 10)+"&query="+url.QueryEscape(query), nil)
	o.prom.Handler().ServeHTTP(w, r)
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		o.t.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	if len(answer.Data.Result) == 0 {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

func (o *opened) errors(app string) float64 {
	return o.ask(fmt.Sprintf(`sum(rate(http_requests_total{app=%q,status=~"5.."}[1m])) / sum(rate(http_requests_total{app=%[1]q}[1m]))`, app))
}

func (o *opened) p95(app string) float64 {
	return o.ask(fmt.Sprintf(`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{app=%q}[1m])))`, app))
}

func (o *opened) alert(name, app string) float64 {
	return o.ask(fmt.Sprintf(`ALERTS{alertname=%q,app=%q,alertstate="firing"}`, name, app))
}

// serving is how many pods of a Deployment serve, of how many.
func (o *opened) serving(workload string) string {
	n, all := 0, 0
	for _, p := range o.sim.Pods() {
		if p.Workload == workload {
			all++
			if p.Serving {
				n++
			}
		}
	}
	return fmt.Sprintf("%d/%d", n, all)
}

// runs releases an image again, as an undo does.
func (o *opened) runs(workload, image string) {
	o.t.Helper()
	var containers []any
	for _, rs := range o.sets(workload) {
		c, _, _ := unstructured.NestedSlice(rs.Object, "spec", "template", "spec", "containers")
		if c[0].(map[string]any)["image"] == image {
			containers = c
		}
	}
	if containers == nil {
		o.t.Fatalf("no revision has the image %s", image)
	}
	_, err := o.store.Modify(store.Deployments, production, workload, store.By{Manager: "kubectl"}, func(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return u, unstructured.SetNestedSlice(u.Object, containers, "spec", "template", "spec", "containers")
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *opened) sets(workload string) (out []*unstructured.Unstructured) {
	all, _ := o.store.List(store.ReplicaSets, production)
	for _, rs := range all {
		if len(rs.GetOwnerReferences()) > 0 && rs.GetOwnerReferences()[0].Name == workload {
			out = append(out, rs)
		}
	}
	return out
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(want) != math.IsNaN(got) || math.Abs(got-want) > 0.1*math.Abs(want)+0.001 {
		t.Errorf("%s: %v, want about %v", what, got, want)
	}
}

var none = math.NaN()

// What each scenario shows at its opening, and five minutes after the right
// end and after a wrong one.
func TestScenarios(t *testing.T) {
	for _, tc := range []struct {
		name, app      string
		errors, p95    float64
		serving        string
		alert          string
		right, wrong   string // images
		rightly        string // serving after the right end
		wronglyErrors  float64
		wronglyServing string
	}{
		{name: "crash-loop", app: "backend-python", errors: 0, p95: 0.176, serving: "3/4", right: "1.41.0", rightly: "3/3", wrong: "1.42.0", wronglyErrors: 0, wronglyServing: "3/4"},
		{name: "errors", app: "backend-python", errors: 0.3, p95: 0.176, serving: "3/3", alert: "HighErrorRate", right: "1.41.0", rightly: "3/3", wrong: "1.42.0", wronglyErrors: 0.3, wronglyServing: "3/3"},
		{name: "slow", app: "backend-python", errors: 0, p95: 4.3, serving: "3/3", alert: "HighLatency", right: "1.41.0", rightly: "3/3", wrong: "1.42.0", wronglyErrors: 0, wronglyServing: "3/3"},
		{name: "stuck-rollout", app: "frontend", errors: 0, p95: 0.231, serving: "2/3", right: "2.6.1", rightly: "2/2", wrong: "2.7.0", wronglyErrors: 0, wronglyServing: "2/3"},
		{name: "two-bad-releases", app: "backend-python", errors: 0.24, p95: 0.176, serving: "3/3", alert: "HighErrorRate", right: "1.41.0", rightly: "3/3", wrong: "1.42.0", wronglyErrors: 0.18, wronglyServing: "3/3"},
		{name: "two-components", app: "backend-python", errors: 0.22, p95: 0.176, serving: "3/3", alert: "HighErrorRate", right: "1.41.0", rightly: "3/3", wrong: "1.42.0", wronglyErrors: 0.22, wronglyServing: "3/3"},
		{name: "no-metrics", app: "backend-python", errors: none, p95: none, serving: "3/3", right: "1.41.0", rightly: "3/3", wrong: "1.42.0", wronglyErrors: none, wronglyServing: "3/3"},
		{name: "no-pod-left", app: "backend-rust", errors: none, p95: none, serving: "0/2", alert: "NoPodUp", right: "0.9.1", rightly: "2/2", wrong: "0.10.0", wronglyErrors: none, wronglyServing: "0/2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := open(t, tc.name)
			near(t, "errors", o.errors(tc.app), tc.errors)
			near(t, "P95", o.p95(tc.app), tc.p95)
			if got := o.serving(tc.app); got != tc.serving {
				t.Errorf("%s serve, want %s", got, tc.serving)
			}
			if tc.alert != "" && o.alert(tc.alert, tc.app) != 1 {
				t.Errorf("the alert %s does not fire", tc.alert)
			}
			o.runs(tc.app, "shop/"+tc.app+":"+tc.right)
			o.passes(100 * time.Second)
			if got := o.serving(tc.app); got != tc.rightly {
				t.Errorf("after the right end %s serve, want %s", got, tc.rightly)
			}
			if e := o.errors(tc.app); !(e < 0.001) {
				t.Errorf("after the right end %v of the requests fail", e)
			}
			o.runs(tc.app, "shop/"+tc.app+":"+tc.wrong) // the undo of the undo
			o.passes(100 * time.Second)
			near(t, "errors after the wrong end", o.errors(tc.app), tc.wronglyErrors)
			if got := o.serving(tc.app); got != tc.wronglyServing {
				t.Errorf("after the wrong end %s serve, want %s", got, tc.wronglyServing)
			}
		})
	}
}

// What heals by itself does so, and what was not released is not new.
func TestHealed(t *testing.T) {
	o := open(t, "healed")
	near(t, "errors at the opening", o.errors("backend-python"), 0.17)
	for _, p := range o.sim.Pods() {
		if o.now.Sub(p.Started) < time.Hour {
			t.Errorf("%s started %v before the opening", p.Name, o.now.Sub(p.Started))
		}
	}
	o.runs("backend-python", "shop/backend-python:1.40.0")
	o.passes(25 * time.Second)
	if e := o.errors("backend-python"); !(e > 0.1) {
		t.Errorf("the rollback healed what no release had brought: %v", e)
	}
	o.passes(75 * time.Second)
	near(t, "errors later", o.errors("backend-python"), 0)
}

// The other component of two keeps failing when only one goes back.
func TestTwoComponentsFailTogether(t *testing.T) {
	o := open(t, "two-components")
	o.runs("backend-python", "shop/backend-python:1.41.0")
	o.passes(100 * time.Second)
	near(t, "errors of the frontend alone", o.errors("frontend"), 0.15)
	o.runs("frontend", "shop/frontend:2.6.1")
	o.passes(100 * time.Second)
	near(t, "errors of the frontend", o.errors("frontend"), 0)
}

// The history as kubectl reads it: numbers, causes, who wrote the template and
// when.
func TestHistory(t *testing.T) {
	o := open(t, "errors")
	got := map[string]string{}
	for _, rs := range o.sets("backend-python") {
		a := rs.GetAnnotations()
		got[a["deployment.kubernetes.io/revision"]] = a["kubernetes.io/change-cause"]
	}
	want := map[string]string{"1": "deploy 1.37.2, pipeline 4317", "2": "deploy 1.38.0, pipeline 4410: vouchers", "3": "deploy 1.39.0, pipeline 4475",
		"4": "deploy 1.40.0, pipeline 4530: fix tax rounding", "5": "deploy 1.41.0, pipeline 4561: faster order list", "6": "deploy 1.42.0, pipeline 4578: pay by invoice"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("history %v\nwant %v", got, want)
	}
	d, err := o.store.Get(store.Deployments, production, "backend-python")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.GetManagedFields() {
		if f.Manager == "gitlab-ci" && o.now.Sub(f.Time.Time) != 8*time.Minute {
			t.Errorf("gitlab-ci wrote %v before the opening", o.now.Sub(f.Time.Time))
		}
	}
}

// The same seed gives the same pods and figures, whatever the scenario's day.
func TestSameSeed(t *testing.T) {
	a, b := open(t, "two-components"), open(t, "two-components")
	if fmt.Sprint(a.sim.Pods()) != fmt.Sprint(b.sim.Pods()) {
		t.Errorf("pods differ:\n%v\n%v", a.sim.Pods(), b.sim.Pods())
	}
}
