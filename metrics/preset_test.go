package metrics

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

// meshPreset is a service mesh's, as far from http as a preset can be: its series
// name the workload itself, say errors in one label and take milliseconds, while
// `up` is of the pods. All of it stands here.
func meshPreset() Preset {
	return Preset{
		Requests: "mesh_requests_total",
		Outcome:  Outcome{Labels: []string{"classification"}, Good: "success", Failed: "failure"},
		Latency:  "mesh_duration_milliseconds_bucket",
		Unit:     0.001,
		Owner:    byName{},
		Up:       byPod{"namespace", "pod"},
	}
}

// byName tells whose a series is by the name of the workload.
type byName struct{}

func (byName) labels() (namespace, name string) { return "mesh_namespace", "mesh_workload" }

func (byName) pod() string { return "" }

func (byName) unsure(model.Target) string { return "" }

func (byName) workloads(targets []model.Target) (string, []pattern) {
	var names []string
	for _, t := range targets {
		names = append(names, t.Workload.Name)
	}
	return "mesh_workload=~" + quote(anyOf(names)), []pattern{{"$1", anyOf(names)}}
}

func (byName) owners(model.Target, []string) (string, []pattern, string) {
	return "", nil, "the mesh does not tell revisions apart"
}

func (byName) workload(t model.Target) (name, matcher string) {
	return t.Workload.Name, "mesh_workload=" + quote(t.Workload.Name)
}

func (byName) owner(_ model.Target, name string) (string, string) { return name, "" }

func mesh(t *testing.T) *engine {
	h := historyUntil(fakeNow, 70*time.Minute, 15*time.Second)
	add := func(name string, perSecond float64, labels ...string) {
		m := map[string]string{"mesh_namespace": "prod", "mesh_workload": "shop"}
		for i := 0; i < len(labels); i += 2 {
			m[labels[i]] = labels[i+1]
		}
		h.add(name, m, func(since time.Duration) (float64, bool) { return perSecond * since.Seconds(), true })
	}
	add("mesh_requests_total", 9, "classification", "success")
	add("mesh_requests_total", 1, "classification", "failure")
	add("mesh_requests_total", 50, "classification", "failure", "mesh_workload", "shopping")
	for le, perSecond := range map[string]float64{"100": 0, "500": 10, "+Inf": 10} {
		add("mesh_duration_milliseconds_bucket", perSecond, "le", le)
	}
	h.add("up", map[string]string{"namespace": "prod", "pod": "shop-7c9f5d8-2kq4x"}, func(time.Duration) (float64, bool) { return 1, true })
	return h.sandboxed(t)
}

// Everything that is read by a preset is read by any, and what is shown as a
// figure's source returns the figure.
func TestAnotherPreset(t *testing.T) { synctest.Test(t, anotherPreset) }

func anotherPreset(t *testing.T) {
	e := mesh(t)
	c := e.client(t, func(o *Options) { o.Preset = meshPreset() })
	targets := []model.Target{deploy("shop")}
	polled, err := ask(c, 2*time.Minute, targets...)
	if err != nil {
		t.Fatal(err)
	}
	f := polled["shop"]
	base, err := c.Baseline(t.Context(), targets, fakeNow)
	if err != nil {
		t.Fatal(err)
	}
	impact, err := c.Impact(t.Context(), model.ImpactOf{Targets: targets, From: fakeNow.Add(-10 * time.Minute), To: fakeNow, Limits: model.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	cost := impact.Components[0]
	for name, tt := range map[string]struct {
		got  model.Reading
		want string
	}{
		"errors": {f.Errors.Now, "0.1"}, "P95": {f.P95.Now, "0.48"}, "requests": {f.Requests, "600"}, "up": {f.Up, "1"}, "hold errors": {f.HoldErrors, "0.1"},
		"hold P95": {f.HoldP95, "0.48"}, "baseline errors": {base["shop"].Errors, "0.1"}, "baseline P95": {base["shop"].P95, "0.48"},
		"failed": {cost.Failed, "600"}, "all": {cost.Requests, "6e+03"}, "minutes": {cost.MinutesOver, "10"},
	} {
		if sayReading(tt.got) != tt.want {
			t.Errorf("%s: %s, want %s", name, sayReading(tt.got), tt.want)
		}
		a, err := c.ask(t.Context(), question{promql: tt.got.Query})
		if err != nil || a.series != 1 || math.Abs(float64(a.rest[0].Values[0].Value)-tt.got.Value) > 1e-6 {
			t.Errorf("%s: its query %s returns %+v, %v", name, tt.got.Query, a, err)
		}
	}
	series, err := c.Window(t.Context(), targets, fakeNow.Add(-10*time.Minute), fakeNow)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range series {
		if s.Why != "" || len(s.Samples) != 40 {
			t.Errorf("%s: %d samples, %s", s.Figure, len(s.Samples), s.Why)
		}
	}
	for _, l := range c.Check(t.Context(), targets) {
		if l.State != model.CheckOK {
			t.Errorf("%+v", l)
		}
	}
	if b, err := c.Behaviour(t.Context(), targets[0], []string{"shop-7c9f5d8"}, fakeNow); err != nil || !strings.Contains(b["shop-7c9f5d8"].Errors.Why, "mesh") {
		t.Errorf("%+v %v", b, err)
	}
}
