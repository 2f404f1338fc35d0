//go:build e2e

package metrics

import (
	"errors"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

func TestLiveFigures(t *testing.T) {
	p := shopUntil(wholeSecond()).start(t)
	c := p.client(t)
	own := func(id, errs, p95, requests string) model.Target {
		d := deploy("good")
		d.ID, d.Errors, d.P95, d.Requests = id, errs, p95, requests
		return d
	}
	bad := `namespace="prod",pod=~"bad-7.*"`
	const window = "? own PromQL has a window of its own"
	for _, tt := range []struct {
		target                          model.Target
		errs, p95, requests, up, of     string
		holdErrs, holdP95, holdRequests string
		samples                         int
	}{
		{deploy("bad"), "0.2", "0.242", "1.2e+03", "2", "2", "0.2", "0.242", "2.4e+03", 121},
		{deploy("good"), "0", "0.242", "600", "1", "1", "0", "0.242", "1.2e+03", 121},
		{deploy("inf"), "0", "≥2.5", "600", "1", "1", "0", "≥2.5", "1.2e+03", 121},
		{deploy("idle"), "? no traffic in 5m", "? no traffic in 5m", "0", "1", "1",
			"? no traffic in 2m", "? no traffic in 2m", "0", 0},
		{deploy("three"), "? 3 requests in 5m", "? 3 requests in 5m", "0", "1", "1",
			"? no traffic in 2m", "? no traffic in 2m", "0", 0},
		{deploy("rare"), "0.2", "0.975", "30", "1", "1", "0.2", "0.975", "60", 121},
		{deploy("dead"), "? stale since 3m…", "? stale since 3m…", "? stale since 3m…", "0", "1",
			"? stale since 3m…", "? stale since 3m…", "? stale since 3m…", 110},
		{deploy("plain"), "0", "? no series http_request_duration_seconds_bucket", "600", "1", "1",
			"0", "? no series http_request_duration_seconds_bucket", "1.2e+03", 121},
		{deploy("gone"), "? no series http_requests_total", "? no series http_requests_total", "? no series http_requests_total",
			"? no target with namespace and pod labels of deployment/gone", "? no target with namespace and pod labels of deployment/gone",
			"? no series http_requests_total", "? no series http_requests_total", "? no series http_requests_total", 0},
		// A Deployment "node" has no pods: node-bcx-2kq4x is the DaemonSet's.
		{deploy("node"), "? no series http_requests_total", "? no series http_requests_total", "? no series http_requests_total",
			"? no target with namespace and pod labels of deployment/node", "? no target with namespace and pod labels of deployment/node",
			"? no series http_requests_total", "? no series http_requests_total", "? no series http_requests_total", 0},
		{model.Target{ID: "node-bcx", Workload: model.Workload{Kind: model.DaemonSet, Namespace: "prod", Name: "node-bcx"}},
			"0.5", "0.487", "1.2e+03", "1", "1", "0.5", "0.487", "2.4e+03", 121},
		{model.Target{ID: "db", Workload: model.Workload{Kind: model.StatefulSet, Namespace: "prod", Name: "db"}},
			"0", "0.487", "600", "1", "1", "0", "0.487", "1.2e+03", 121},
		{longNamed(), "0", "0.487", "600", "1", "1", "0", "0.487", "1.2e+03", 121},
		{own("own", `sum(rate(http_requests_total{`+bad+`,status="503"}[1m]))/sum(rate(http_requests_total{`+bad+`}[1m]))`,
			`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{pod=~"inf-.*"}[1m])))`, ""),
			"0.1", "≥2.5", window, "1", "1", "0.1", "≥2.5", window, 121},
		{own("many", `rate(http_requests_total{namespace="prod",pod="good-7c9f5d8-2kq4x"}[1m]) or up{pod="db-0"}`, `sum(rate(nothing[1m]))/sum(rate(http_requests_total[1m]))`, ""),
			"? 2 series where one is wanted (…", "? no series", window, "1", "1", "? 2 series where one is wanted (…", "? no series",
			window, 0},
		{own("percent", `vector(12.4)`, `vector(0)/0`, ""), "? 12.4 is no ratio from 0 to 1", "? no value (absent or NaN)", window, "1", "1",
			"? 12.4 is no ratio from 0 to 1", "? no value (absent or NaN)", window, 0},
		{own("few", `vector(0)`, `vector(0.1)`, `vector(3)`), "? 3 requests", "? 3 requests", "3", "1", "1", "? 3 requests", "? 3 requests",
			window, 0},
		{own("scalar", `0.25`, ``, ``), "0.25", "0.242", "600", "1", "1", "0.25", "0.242", "1.2e+03", 121},
		{own("broken", `sum(rate(`, ``, ``), "? it refuses the query (400 Bad Request): …", "0.242", "600", "1", "1",
			"? it refuses the query (400 Bad Request): …", "0.242", "1.2e+03", 0},
	} {
		t.Run(tt.target.ID, func(t *testing.T) {
			targets := []model.Target{tt.target}
			if tt.target.ID == "node" {
				targets = append(targets, model.Target{ID: "node-bcx", Workload: model.Workload{Kind: model.DaemonSet, Namespace: "prod", Name: "node-bcx"}})
			}
			f := poll(t, c, 2*time.Minute, targets...)[tt.target.ID]
			for _, w := range []struct {
				name string
				r    model.Reading
				want string
			}{{"errors", f.Errors.Now, tt.errs}, {"p95", f.P95.Now, tt.p95}, {"requests", f.Requests, tt.requests}, {"up", f.Up, tt.up},
				{"targets", f.Targets, tt.of}, {"hold errors", f.HoldErrors, tt.holdErrs}, {"hold p95", f.HoldP95, tt.holdP95},
				{"hold requests", f.HoldRequests, tt.holdRequests}} {
				start, cut := strings.CutSuffix(w.want, "…")
				if got := sayReading(w.r); got != w.want && !(cut && strings.HasPrefix(got, start)) {
					t.Errorf("%s: %s, want %s", w.name, got, w.want)
				}
				if w.r.Known && (w.r.At.IsZero() || f.At.Sub(w.r.At) > 31*time.Second || w.r.At.After(f.At)) {
					t.Errorf("%s: at %v of %v", w.name, w.r.At, f.At)
				}
			}
			if n := len(f.Errors.Samples); n < tt.samples-1 || n > tt.samples+1 {
				t.Errorf("%d samples, want %d", n, tt.samples)
			}
		})
	}
	if got := poll(t, c, 0, model.Target{ID: "pg", NotMeasured: true})["pg"]; !got.NotMeasured || got.Errors.Now.Known {
		t.Errorf("not measured: %+v", got)
	}
}

// The board without a configuration has far more names than a query can hold.
// All at once must say what each says alone.
func TestLiveManyAtOnce(t *testing.T) {
	p := shopUntil(wholeSecond()).start(t)
	names := []string{"bad", "good", "inf", "idle", "three", "rare", "dead", "plain", "gone"}
	var all []model.Target
	for _, n := range names {
		all = append(all, deploy(n))
	}
	all = append(all, longNamed(), model.Target{ID: "node-bcx", Workload: model.Workload{Kind: model.DaemonSet, Namespace: "prod", Name: "node-bcx"}},
		model.Target{ID: "db", Workload: model.Workload{Kind: model.StatefulSet, Namespace: "prod", Name: "db"}})
	for n := range explicitMost {
		all = append(all, deploy("extra-"+string(rune('a'+n%26))+string(rune('a'+n/26))))
	}
	together := poll(t, p.client(t), time.Minute, all...)
	c := p.client(t)
	for _, tt := range all[:12] {
		one, of := poll(t, c, time.Minute, tt)[tt.ID], together[tt.ID]
		// One is asked for after the other: what is old is older.
		same := func(a, b model.Reading) bool {
			x, _, _ := strings.Cut(sayReading(a), " since ")
			y, _, _ := strings.Cut(sayReading(b), " since ")
			return x == y
		}
		if !same(one.Errors.Now, of.Errors.Now) || !same(one.P95.Now, of.P95.Now) || !same(one.Up, of.Up) || !same(one.HoldErrors, of.HoldErrors) {
			t.Errorf("%s alone: %s %s %s, among many: %s %s %s", tt.ID, sayReading(one.Errors.Now), sayReading(one.P95.Now), sayReading(one.Up),
				sayReading(of.Errors.Now), sayReading(of.P95.Now), sayReading(of.Up))
		}
	}
}

// What the operator sees as a figure's source must return the figure.
func TestLiveShownQuery(t *testing.T) {
	p := shopUntil(wholeSecond()).start(t)
	c := p.client(t)
	targets := []model.Target{deploy("bad"), deploy("good"), deploy("inf"), deploy("rare"), longNamed(),
		{ID: "db", Workload: model.Workload{Kind: model.StatefulSet, Namespace: "prod", Name: "db"}},
		{ID: "node-bcx", Workload: model.Workload{Kind: model.DaemonSet, Namespace: "prod", Name: "node-bcx"}}}
	for id, f := range poll(t, c, 2*time.Minute, targets...) {
		for name, r := range map[string]model.Reading{"errors": f.Errors.Now, "p95": f.P95.Now, "requests": f.Requests, "up": f.Up,
			"targets": f.Targets, "hold errors": f.HoldErrors, "hold p95": f.HoldP95, "hold requests": f.HoldRequests} {
			a, err := c.ask(t.Context(), question{promql: r.Query, at: at(f.At)})
			if err != nil || a.series != 1 {
				t.Fatalf("%s %s: %+v %v", id, name, a, err)
			}
			// Between the round and this query the server's time went on.
			if got := float64(a.rest[0].Values[0].Value); math.Abs(got-r.Value) > 0.02*math.Abs(r.Value)+1e-9 {
				t.Errorf("%s %s: %s returns %v, the figure is %v", id, name, r.Query, got, r.Value)
			}
		}
	}
}

func TestLiveGoesDownInTheMiddle(t *testing.T) {
	p := shopUntil(wholeSecond()).start(t)
	c := p.client(t)
	before := poll(t, c, time.Minute, deploy("bad"), deploy("pg"))
	p.kill()
	after, err := c.Poll(t.Context(), model.Poll{Targets: []model.Target{deploy("bad"), deploy("pg")}, Hold: time.Minute})
	if !errors.Is(err, ErrUnreachable) {
		t.Fatalf("error: %v", err)
	}
	b, a := before["bad"], after["bad"]
	if a.Errors.Now.Known || a.P95.Now.Known || a.HoldErrors.Known || a.Up.Known || a.Requests.Known {
		t.Errorf("known although Prometheus is gone: %+v", a)
	}
	if len(a.Errors.Samples) != len(b.Errors.Samples) || !a.Errors.Now.At.Equal(b.Errors.Now.At) {
		t.Errorf("%d samples and the newest at %v, were %d and %v", len(a.Errors.Samples), a.Errors.Now.At,
			len(b.Errors.Samples), b.Errors.Now.At)
	}
	if !strings.HasPrefix(a.Errors.Now.Why, "cannot connect: ") {
		t.Errorf("why: %s", a.Errors.Now.Why)
	}
}

// Later rounds ask for little and end up with what one round would have.
func TestLiveRoundsAddUp(t *testing.T) {
	p := shopUntil(wholeSecond()).start(t)
	c := p.client(t)
	targets := []model.Target{deploy("bad"), deploy("rare"), deploy("dead")}
	first := poll(t, c, 0, targets...)
	kept := len(first["bad"].Errors.Samples)
	c.tracks["bad"].errors.samples = c.tracks["bad"].errors.samples[:kept-1] // as if the last step had not been answered
	c.tracks["bad"].errors.until = c.tracks["bad"].errors.until.Add(-c.step)
	again, fresh := poll(t, c, 0, targets...), poll(t, p.client(t), 0, targets...)
	for _, tt := range targets {
		a, f := again[tt.ID].Errors.Samples, fresh[tt.ID].Errors.Samples
		if len(a) < len(f) || len(a) > len(f)+1 {
			t.Errorf("%s: %d samples, a fresh client has %d", tt.ID, len(a), len(f))
		}
		for i := 1; i < len(a); i++ {
			if d := a[i].At.Sub(a[i-1].At); d != c.step {
				t.Errorf("%s: %v between two samples", tt.ID, d)
			}
		}
	}
	if len(first["bad"].Errors.Samples) != kept {
		t.Error("samples that were handed out have changed")
	}
}

func TestLiveBehaviourAndBaseline(t *testing.T) {
	h := historyUntil(wholeSecond(), 3*time.Hour, 15*time.Second)
	m := time.Minute
	h.app(app{namespace: "prod", pod: "shop-66b6c48dd5-2kq4x", ok: steady(10), le: "0.25", to: 170 * m})
	h.app(app{namespace: "prod", pod: "shop-66b6c48dd5-b8v7m", ok: steady(10), bad: steady(0.1), le: "0.5", to: 170 * m})
	h.app(app{namespace: "prod", pod: "shop-7c9f5d8-9lmn2", ok: steady(5), bad: steady(5), le: "+Inf", from: 169 * m})
	h.app(app{namespace: "prod", pod: "shop-5d4b9c-9lmn2", ok: steady(0.01), le: "0.1", to: 20 * m})
	p := h.start(t)
	c := p.client(t)
	target := deploy("shop")
	now := h.now
	got, err := c.Behaviour(t.Context(), target, []string{"shop-66b6c48dd5", "shop-7c9f5d8", "shop-5d4b9c", "shop-never"}, now)
	if err != nil {
		t.Fatal(err)
	}
	for owner, want := range map[string]string{
		"shop-66b6c48dd5": "0.00498 0.475 2.05e+05",
		"shop-7c9f5d8":    "0.5 ≥2.5 6.6e+03",
		"shop-5d4b9c":     "? 12 requests in 7d ? 12 requests in 7d 12.1",
		"shop-never":      "? no series in 7d ? no series in 7d ? no series in 7d",
	} {
		b := got[owner]
		if s := sayReading(b.Errors) + " " + sayReading(b.P95) + " " + sayReading(b.Requests); s != want {
			t.Errorf("%s: %s, want %s", owner, s, want)
		}
	}
	// Before it was released, the bad one is not there.
	got, err = c.Behaviour(t.Context(), target, []string{"shop-7c9f5d8"}, now.Add(-12*m))
	if b := got["shop-7c9f5d8"]; err != nil || b.Errors.Known || b.Requests.Known {
		t.Errorf("before its release: %+v %v", b, err)
	}
	onset := now.Add(-11*m + 30*time.Second)
	base, err := c.Baseline(t.Context(), []model.Target{target, {ID: "pg", NotMeasured: true},
		{ID: "own", Workload: target.Workload, Errors: "vector(0.01)", P95: "vector(0.2)"}}, onset)
	if err != nil {
		t.Fatal(err)
	}
	if s := sayReading(base["shop"].Errors) + " " + sayReading(base["shop"].P95); s != "0.00498 0.475" {
		t.Errorf("baseline: %s", s)
	}
	if s := sayReading(base["own"].Errors) + " " + sayReading(base["own"].P95); s != "0.01 0.2" {
		t.Errorf("baseline of own PromQL: %s", s)
	}
	if _, there := base["pg"]; there {
		t.Error("baseline of what is not measured")
	}
	for _, q := range []string{got["shop-7c9f5d8"].Requests.Query, base["shop"].Errors.Query, base["shop"].P95.Query} {
		if _, err := c.ask(t.Context(), question{promql: q}); err != nil {
			t.Errorf("shown query: %v", err)
		}
	}
}

func TestLiveCheck(t *testing.T) {
	p := shopUntil(wholeSecond()).start(t)
	c := p.client(t)
	bad := deploy("bad")
	bad.Errors = "sum("
	lines := c.Check(t.Context(), []model.Target{deploy("good"), deploy("gone"), bad, {ID: "pg", NotMeasured: true}})
	states := map[string]model.CheckState{}
	for _, l := range lines {
		states[l.Name] = l.State
		if l.Took <= 0 || l.Query == "" || l.Text == "" {
			t.Errorf("%+v", l)
		}
		t.Logf("%d %-22s %8s  %s", l.State, l.Name, l.Took.Round(time.Microsecond), l.Text)
	}
	for name, want := range map[string]model.CheckState{"Prometheus": model.CheckOK, "newest samples": model.CheckWarning,
		"own error ratio of bad": model.CheckBlocked} {
		if states[name] != want {
			t.Errorf("%s: %d, want %d", name, states[name], want)
		}
	}
	u, _ := url.Parse(p.url)
	if !strings.Contains(lines[0].Text, u.Host) {
		t.Error(lines[0].Text)
	}
}
