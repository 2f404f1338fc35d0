package metrics

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// incident answers for a shop whose errors were over 5 % for ten of thirty
// minutes, of which nothing is known for the last five.
func incident(t testing.TB) (*fake, time.Time, time.Time) {
	from := fakeNow.Add(-30 * time.Minute).Truncate(time.Minute)
	to := from.Add(30 * time.Minute)
	known := func(v, bad string) func(time.Time) string {
		return func(at time.Time) string {
			switch {
			case at.After(from.Add(25 * time.Minute)):
				return ""
			case at.After(from.Add(5*time.Minute)) && !at.After(from.Add(15*time.Minute)):
				return bad
			}
			return v
		}
	}
	f := &fake{t: t}
	f.on(vec("{}", fakeNow.Unix()), serverTime).
		on(mat(of("shop", outLabel, "="), "17100", of("shop", outLabel, "!"), "900"), "increase(", "[30m]").
		on(mat(of("shop", outLabel, "="), known("594", "540"), of("shop", outLabel, "!"), known("6", "60")), "increase(").
		on(mat(of("shop"), known("0.2", "0.2")), "histogram_quantile(0.95").
		on(mat(of("shop", upLabel, "1"), "2", of("shop", upLabel, "0"), "1"), "count_values").
		on(func(url.Values) string { return `{"status":"success","data":["0.1","0.25","0.5","+Inf"]}` }, "/label/le/values")
	return f, from, to
}

func TestImpact(t *testing.T) {
	f, from, to := incident(t)
	quiet := shop()
	quiet.ID, quiet.NotMeasured = "batch", true
	got, err := f.client(t).Impact(t.Context(), model.ImpactOf{Targets: []model.Target{shop(), quiet}, From: from, To: to,
		Limits: model.DefaultLimits(), Objective: 0.999, Period: 30 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Components) != 1 || !got.From.Equal(from) || !got.To.Equal(to) {
		t.Fatalf("%+v", got)
	}
	c := got.Components[0]
	for _, tt := range []struct {
		name string
		got  model.Reading
		want float64
	}{
		{"failed", c.Failed, 900}, {"requests", c.Requests, 18000}, {"minutes over", c.MinutesOver, 10}, {"no data", c.NoData, 5},
		// 5 % of errors for half an hour of 30 days, at an objective of 99.9 %.
		{"budget", c.BudgetShare, 0.05 / 0.001 * 30 / (30 * 24 * 60)},
		{"failed in all", got.All.Failed, 900}, {"minutes in all", got.All.MinutesOver, 10}, {"budget in all", got.All.BudgetShare, 0.05 / 0.001 * 30 / (30 * 24 * 60)},
	} {
		if !tt.got.Known || tt.got.Value < tt.want*0.999 || tt.got.Value > tt.want*1.001 || tt.got.Query == "" {
			t.Errorf("%s: %+v, want %g with its query", tt.name, tt.got, tt.want)
		}
	}
	if f.methods["GET"] == 0 || len(f.methods) != 1 {
		t.Errorf("asked by %v", f.methods)
	}
}

func TestImpactUnknown(t *testing.T) {
	empty := func(url.Values) string { return `{"status":"success","data":{"resultType":"matrix","result":[]}}` }
	f := (&fake{t: t}).on(vec("{}", fakeNow.Unix()), serverTime).on(empty, "increase(").on(empty, "histogram_quantile(")
	own := shop()
	own.ID, own.Workload.Name, own.Errors, own.P95 = "api", "", "my:errors", "my:p95"
	f.on(mat("{}", "0.5"), "my:errors").on(mat("{}", "0.1"), "my:p95")
	got, err := f.client(t).Impact(t.Context(), model.ImpactOf{Targets: []model.Target{shop(), own}, From: fakeNow.Add(-10 * time.Minute), To: fakeNow,
		Limits: model.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	s, a := got.Components[0], got.Components[1]
	for name, r := range map[string]model.Reading{"failed": s.Failed, "requests": s.Requests, "minutes": s.MinutesOver, "budget": s.BudgetShare,
		"own failed": a.Failed, "own requests": a.Requests, "all failed": got.All.Failed, "all budget": got.All.BudgetShare} {
		if r.Known || r.Why == "" {
			t.Errorf("%s: %+v, want unknown with the reason", name, r)
		}
	}
	if !a.MinutesOver.Known || a.MinutesOver.Value != 10 {
		t.Errorf("own minutes: %+v", a.MinutesOver)
	}
	if s.NoData.Value != 10 || got.All.NoData.Value != 0 || got.All.MinutesOver.Value != 10 {
		t.Errorf("no data %v, in all %v; over in all %v", s.NoData, got.All.NoData, got.All.MinutesOver)
	}
}

// What could be had is a lower bound when some components are unknown.
func TestImpactOfSomeIsALowerBound(t *testing.T) {
	f, from, to := incident(t)
	own := shop()
	own.ID, own.Errors, own.P95 = "api", "my:errors", "my:p95"
	f.answers = append([]canned{{words: []string{"my:"}, status: 200, body: mat("{}", "0")}}, f.answers...)
	got, err := f.client(t).Impact(t.Context(), model.ImpactOf{Targets: []model.Target{shop(), own}, From: from, To: to, Limits: model.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	if r := got.All.Failed; !r.Known || !r.AtLeast || r.Value != 900 || !strings.Contains(r.Why, "api") {
		t.Errorf("%+v", r)
	}
}

func TestImpactWithoutPrometheus(t *testing.T) {
	c := (&fake{t: t}).client(t, func(o *Options) { o.Off = "not configured" })
	if _, err := c.Impact(t.Context(), model.ImpactOf{Targets: []model.Target{shop()}}); !errors.Is(err, ErrOff) {
		t.Errorf("%v", err)
	}
	if _, err := c.Window(t.Context(), []model.Target{shop()}, fakeNow, fakeNow); !errors.Is(err, ErrOff) {
		t.Errorf("%v", err)
	}
}

func TestWindow(t *testing.T) {
	f, from, to := incident(t)
	got, err := f.client(t).Window(t.Context(), []model.Target{shop()}, from, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 {
		t.Fatalf("%d series", len(got))
	}
	for n, want := range []struct {
		figure string
		first  float64
		n      int
	}{{"error-ratio", 0.01, 100}, {"p95", 0.2, 100}, {"requests", 10, 100}, {"up", 2, 120}} {
		s := got[n]
		if s.Figure != want.figure || s.Component != "shop" || s.Query == "" || s.Why != "" || len(s.Samples) != want.n || s.Samples[0].V != want.first {
			t.Errorf("%s: %d samples of %s, %s, query %q; want %+v", s.Figure, len(s.Samples), s.Component, s.Why, s.Query, want)
		}
	}
}

// A window of a month is read at steps that Prometheus takes.
func TestLongWindowsHaveLongSteps(t *testing.T) {
	for window, want := range map[time.Duration]time.Duration{time.Hour: 15 * time.Second, 12 * time.Hour: time.Minute, 30 * 24 * time.Hour: time.Hour} {
		g := stepped(fakeNow.Add(-window), fakeNow, 15*time.Second)
		if g.res != want || g.n > stepsMost+1 || g.time(g.n-1).After(fakeNow) {
			t.Errorf("%s: %d steps of %s, want %s", window, g.n, g.res, want)
		}
	}
}
