package metrics

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

// The figures of a made-up hour, to the tenth digit, with what is asked for them:
// however they are read, they stay what they are.
func TestGoldenFigures(t *testing.T) {
	for name, write := range map[string]func(*testing.T, *figures){
		"poll":      goldenPoll,
		"intervals": goldenIntervals,
		"window":    goldenWindow,
		"impact":    goldenImpact,
		"past":      goldenPast,
		"check":     goldenCheck,
		"spoilt":    goldenSpoilt,
	} {
		t.Run(name, func(t *testing.T) {
			f := &figures{}
			synctest.Test(t, func(t *testing.T) { write(t, f) }) // a slow machine misses no deadline
			path := filepath.Join("testdata", "figures", name+".golden")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, f.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v; UPDATE_GOLDEN=1 writes it", err)
			}
			if !bytes.Equal(f.Bytes(), want) {
				t.Errorf("%s differs (UPDATE_GOLDEN=1 rewrites it): %s", path, firstDifference(f.String(), string(want)))
			}
		})
	}
}

// firstDifference returns where two texts part, with the line of each.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		line := func(of []string) string {
			if i < len(of) {
				return of[i]
			}
			return "(the end)"
		}
		if line(g) != line(w) {
			return fmt.Sprintf("line %d\n--- got\n%s\n--- want\n%s", i+1, line(g), line(w))
		}
	}
	return "nowhere"
}

// later is the minute of the history that lies in the future of the first round.
const later = time.Minute

func shopEngine(t *testing.T) *engine {
	e := shopUntil(fakeNow).sandboxed(t)
	e.now = fakeNow.Add(-later)
	return e
}

// ownTarget is the component good, measured by PromQL of its own.
func ownTarget(id, errs, p95, requests string) model.Target {
	d := deploy("good")
	d.ID, d.Errors, d.P95, d.Requests = id, errs, p95, requests
	return d
}

// shopTargets are all components of the shop, and some that own PromQL is wrong for.
func shopTargets() []model.Target {
	bad := `namespace="prod",pod=~"bad-7.*"`
	matched := deploy("good")
	matched.ID, matched.Match = "matched", `status="200"`
	nameless := ownTarget("nameless", "vector(0.2)", "vector(0.3)", "")
	nameless.Workload = model.Workload{}
	lost := ownTarget("lost", "", "vector(0.3)", "")
	lost.Workload = model.Workload{}
	ts := []model.Target{
		deploy("bad"), deploy("good"), deploy("inf"), deploy("idle"), deploy("three"), deploy("rare"), deploy("dead"), deploy("plain"), deploy("gone"), deploy("node"),
		{ID: "node-bcx", Workload: model.Workload{Kind: model.DaemonSet, Namespace: "prod", Name: "node-bcx"}},
		{ID: "db", Workload: model.Workload{Kind: model.StatefulSet, Namespace: "prod", Name: "db"}},
		longNamed(), matched, nameless, lost, {ID: "pg", NotMeasured: true},
		ownTarget("own", `sum(rate(http_requests_total{`+bad+`,status="503"}[1m]))/sum(rate(http_requests_total{`+bad+`}[$window]))`,
			`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{pod=~"inf-.*"}[1m])))`, ""),
		ownTarget("many", `rate(http_requests_total{namespace="prod",pod="good-7c9f5d8-2kq4x"}[1m]) or up{pod="db-0"}`, `sum(rate(nothing[1m]))/sum(rate(http_requests_total[1m]))`, ""),
		ownTarget("percent", `vector(12.4)`, `vector(0)/0`, ""),
		ownTarget("negative", `vector(-0.1)`, `vector(-1)`, "vector(-2)"),
		ownTarget("few", `vector(0)`, `vector(0.1)`, `vector(3)`),
		ownTarget("counted", `vector(0.01)`, `vector(0.1)`, `sum(increase(http_requests_total{namespace="prod",pod=~"good-.*"}[1m]))`),
		ownTarget("scalar", `0.25`, ``, ``),
		ownTarget("only requests", ``, ``, `vector(700)`),
		ownTarget("broken", `sum(rate(`, ``, ``),
	}
	return ts
}

// longNamed is the component whose pods' names are cut.
func longNamed() model.Target {
	d := deploy(strings.Repeat("long-", 9) + "name")
	d.Seen = map[string]string{longPod: d.ID + "-7c9f5d8"}
	return d
}

// figures is the text of a golden file.
type figures struct {
	bytes.Buffer
	whole bool   // the queries beside the figures, too
	id    string // whose figures are written
}

func (f *figures) heading(format string, args ...any) { fmt.Fprintf(f, "\n# "+format+"\n", args...) }

// whose begins the figures of one.
func (f *figures) whose(id string) {
	f.id = id + " "
	if f.whole {
		fmt.Fprintf(f, "## %s\n", id)
		f.id = ""
	}
}

func (f *figures) failed(err error) {
	if err != nil {
		fmt.Fprintf(f, "error: %v\n", err)
	}
}

// clock is a time of the history's day.
func clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("15:04:05.999")
}

func (f *figures) reading(name string, r model.Reading) {
	s := f.id + name + ": "
	if r.Known {
		if r.AtLeast {
			s += "≥"
		}
		s += fmt.Sprintf("%.10g", r.Value)
	} else {
		s += "?"
	}
	if r.Why != "" {
		s += " " + r.Why
	}
	s += " at " + clock(r.At)
	if r.Query != "" && f.whole {
		s += "\n    " + r.Query
	}
	fmt.Fprintln(f, s)
}

// samples writes those that are alike as one, and of many that differ the sum.
func (f *figures) samples(step time.Duration, samples []model.Sample) {
	var runs []string
	sum, digest := 0.0, fnv.New32a()
	for i := 0; i < len(samples); {
		n, s := 1, samples[i]
		for i+n < len(samples) && samples[i+n].V == s.V && samples[i+n].AtLeast == s.AtLeast && samples[i+n].At.Equal(s.At.Add(time.Duration(n)*step)) {
			n++
		}
		least := ""
		if s.AtLeast {
			least = "≥"
		}
		runs = append(runs, fmt.Sprintf("%s %d × %s%.10g", clock(s.At), n, least, s.V))
		sum += s.V * float64(n)
		i += n
	}
	if len(runs) > 4 {
		fmt.Fprint(digest, runs)
		runs = []string{runs[0], fmt.Sprintf("… %d more, sum %.10g, digest %x", len(runs)-2, sum, digest.Sum32()), runs[len(runs)-1]}
	}
	if len(runs) > 0 {
		fmt.Fprintln(f, "    "+f.id+strings.Join(runs, ", "))
	}
}

func (f *figures) figure(name string, g model.Figure) {
	f.reading(name, g.Now)
	fmt.Fprintf(f, "    %s%s: %d steps of %s\n", f.id, name, len(g.Samples), g.Step)
	if f.whole {
		f.samples(g.Step, g.Samples)
	}
}

func (f *figures) of(id string, g *model.Figures) {
	f.whose(id)
	if g.NotMeasured {
		fmt.Fprintln(f, "not measured")
		return
	}
	fmt.Fprintf(f, "%sat %s, fresh for %s\n", f.id, clock(g.At), g.Fresh)
	f.figure("errors", g.Errors)
	f.figure("P95", g.P95)
	f.reading("requests", g.Requests)
	f.reading("up", g.Up)
	f.reading("targets", g.Targets)
	f.reading("hold errors", g.HoldErrors)
	f.reading("hold P95", g.HoldP95)
	f.reading("hold requests", g.HoldRequests)
}

func (f *figures) asked(e *engine) {
	fmt.Fprintln(f, "## asked")
	slices.Sort(e.asked)
	for _, a := range e.asked {
		if n := 60; !f.whole && len(a) > 2*n { // its PromQL stands above, but for the names
			digest := fnv.New32a()
			fmt.Fprint(digest, a)
			a = fmt.Sprintf("%s… %x …%s", a[:n], digest.Sum32(), a[len(a)-n:])
		}
		fmt.Fprintln(f, a)
	}
	e.asked = nil
}

func (f *figures) poll(t *testing.T, c *Client, hold time.Duration, targets []model.Target) {
	got, err := c.Poll(t.Context(), model.Poll{Targets: targets, Hold: hold})
	f.failed(err)
	if len(got) != len(targets) {
		t.Errorf("%d figures of %d targets", len(got), len(targets))
	}
	for _, of := range targets {
		f.of(of.ID, got[of.ID])
	}
}

func goldenPoll(t *testing.T, f *figures) {
	f.whole = true
	e := shopEngine(t)
	c := e.client(t)
	targets := shopTargets()
	f.heading("the first round")
	f.poll(t, c, 2*time.Minute, targets)
	f.asked(e)
	f.whole = false
	for _, d := range []time.Duration{7 * time.Second, 15 * time.Second, 38 * time.Second} {
		e.now = e.now.Add(d)
		f.heading("after %s more, with one component less and another new", d)
		targets = append(targets[1:], deploy(fmt.Sprint("new-", d)))
		f.poll(t, c, 2*time.Minute, targets)
		f.asked(e)
	}
	f.heading("far more than a query can name")
	for n := range explicitMost {
		targets = append(targets, deploy(fmt.Sprint("extra-", n)))
	}
	got, err := e.client(t).Poll(t.Context(), model.Poll{Targets: targets})
	f.failed(err)
	for _, of := range targets[:12] {
		f.of(of.ID, got[of.ID])
	}
	f.asked(e)
}

func goldenIntervals(t *testing.T, f *figures) {
	for _, interval := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
		e := shopEngine(t)
		c := e.client(t, func(o *Options) { o.ScrapeInterval = interval })
		f.heading("scrapes every %s", interval)
		targets := []model.Target{deploy("bad"), deploy("rare"), deploy("dead"), ownTarget("own", "vector(0.1)", "", "")}
		f.poll(t, c, 2*time.Minute, targets)
		e.now = fakeNow
		f.poll(t, c, 2*time.Minute, targets)
		series, err := c.Window(t.Context(), targets, e.now.Add(-20*time.Minute), e.now)
		f.failed(err)
		f.series(series)
		f.asked(e)
	}
}

func (f *figures) series(all []model.Series) {
	for _, s := range all {
		f.id = ""
		fmt.Fprintf(f, "## %s of %s in %s, limit %g: %d samples %s\n", s.Figure, s.Component, s.Unit, s.Limit, len(s.Samples), s.Why)
		if f.whole {
			fmt.Fprintln(f, "    "+s.Query)
		}
		f.samples(15*time.Second, s.Samples)
	}
}

func goldenWindow(t *testing.T, f *figures) {
	f.whole = true
	e := shopEngine(t)
	for _, d := range []time.Duration{20 * time.Minute, 12 * time.Hour} {
		f.heading("%s until now", d)
		series, err := e.client(t).Window(t.Context(), shopTargets(), e.now.Add(-d), fakeNow)
		f.failed(err)
		f.series(series)
		f.asked(e)
	}
}

func (f *figures) impact(i model.Impact) {
	fmt.Fprintf(f, "from %s to %s, objective %g of %s\n", clock(i.From), clock(i.To), i.Objective, i.Period)
	for _, c := range append(i.Components, i.All) {
		f.whose(cmp.Or(c.Component, "all"))
		f.reading("failed", c.Failed)
		f.reading("requests", c.Requests)
		f.reading("minutes over", c.MinutesOver)
		f.reading("no data", c.NoData)
		f.reading("budget", c.BudgetShare)
	}
}

func goldenImpact(t *testing.T, f *figures) {
	f.whole = true
	e := shopEngine(t)
	for _, tt := range []struct {
		objective float64
		targets   []model.Target
	}{{0.999, shopTargets()}, {0, []model.Target{deploy("bad"), deploy("inf")}}, {0.999, []model.Target{{ID: "pg", NotMeasured: true}}}} {
		f.heading("%d targets at an objective of %g", len(tt.targets), tt.objective)
		got, err := e.client(t).Impact(t.Context(), model.ImpactOf{Targets: tt.targets, From: e.now.Add(-30 * time.Minute), To: fakeNow,
			Limits: model.DefaultLimits(), Objective: tt.objective, Period: 30 * 24 * time.Hour})
		f.failed(err)
		f.impact(got)
		f.asked(e)
	}
}

// releases is three hours with several ReplicaSets of one Deployment.
func releases(t *testing.T) *engine {
	h := historyUntil(fakeNow, 3*time.Hour, 15*time.Second)
	m := time.Minute
	h.app(app{namespace: "prod", pod: "shop-66b6c48dd5-2kq4x", ok: steady(10), le: "0.25", to: 170 * m})
	h.app(app{namespace: "prod", pod: "shop-66b6c48dd5-b8v7m", ok: steady(10), bad: steady(0.1), le: "0.5", to: 170 * m})
	h.app(app{namespace: "prod", pod: "shop-7c9f5d8-9lmn2", ok: steady(5), bad: steady(5), le: "+Inf", from: 169 * m})
	h.app(app{namespace: "prod", pod: "shop-5d4b9c-9lmn2", ok: steady(0.01), le: "0.1", to: 20 * m})
	h.app(app{namespace: "prod", pod: "shop-plain-9lmn2", ok: steady(1)})
	return h.sandboxed(t)
}

var releaseOwners = []string{"shop-66b6c48dd5", "shop-7c9f5d8", "shop-5d4b9c", "shop-plain", "shop-never"}

func (f *figures) behaviour(t *testing.T, c *Client, of model.Target, owners []string, until time.Time) {
	got, err := c.Behaviour(t.Context(), of, owners, until)
	f.failed(err)
	for _, o := range owners {
		f.whose(o)
		f.reading("errors", got[o].Errors)
		f.reading("P95", got[o].P95)
		f.reading("requests", got[o].Requests)
	}
}

func (f *figures) baseline(t *testing.T, c *Client, targets []model.Target, onset time.Time) {
	got, err := c.Baseline(t.Context(), targets, onset)
	f.failed(err)
	for _, of := range targets {
		b, there := got[of.ID]
		if !there {
			fmt.Fprintf(f, "## %s is absent\n", of.ID)
			continue
		}
		f.whose(of.ID)
		f.reading("errors", b.Errors)
		f.reading("P95", b.P95)
	}
}

func goldenPast(t *testing.T, f *figures) {
	f.whole = true
	e := releases(t)
	own := deploy("shop")
	own.Errors = "vector(0.1)"
	both := own
	both.P95 = "vector(0.2)"
	matched := deploy("shop")
	matched.Match = `status="200"`
	set := deploy("shop")
	set.Workload.Kind = model.StatefulSet
	for _, tt := range []struct {
		what  string
		of    model.Target
		until time.Time
	}{{"now", deploy("shop"), time.Time{}}, {"until ten minutes ago", deploy("shop"), fakeNow.Add(-10 * time.Minute)}, {"with own errors", own, fakeNow},
		{"with own PromQL alone", both, fakeNow}, {"with a match", matched, fakeNow}, {"of a StatefulSet", set, fakeNow}, {"not measured", model.Target{NotMeasured: true}, fakeNow}} {
		f.heading("behaviour %s", tt.what)
		f.behaviour(t, e.client(t), tt.of, releaseOwners, tt.until)
		f.asked(e)
	}
	f.heading("baseline")
	f.baseline(t, e.client(t), []model.Target{deploy("shop"), deploy("gone"), own, {ID: "pg", NotMeasured: true}}, fakeNow.Add(-10*time.Minute))
	f.asked(e)
	f.heading("baseline without an onset")
	f.baseline(t, e.client(t), []model.Target{deploy("shop"), {ID: "pg", NotMeasured: true}}, time.Time{})
	f.asked(e)
	f.heading("baseline of the shop")
	e = shopEngine(t)
	f.baseline(t, e.client(t), shopTargets(), e.now)
	f.asked(e)
}

// ownChecks are the team's own, right and wrong.
func ownChecks() model.Target {
	limit := 0.5
	of := deploy("good")
	for _, q := range []string{"up{namespace=\"prod\"} * 0.7", "max_over_time(up{pod=\"db-0\"}[$window])", "nothing", "vector(0)/0", "sum(", "0.3", "up{pod=\"db-0\"}[$window]", `"text"`} {
		of.Promql = append(of.Promql, model.OwnCheck{Name: "most " + q, Query: q, Max: &limit}, model.OwnCheck{Name: "least " + q, Query: q, Min: &limit})
	}
	return of
}

func (f *figures) own(t *testing.T, c *Client, of model.Target) {
	f.id = ""
	for _, o := range c.Own(t.Context(), of) {
		f.reading(o.Name, o.Reading)
	}
}

func (f *figures) check(t *testing.T, c *Client, targets []model.Target) {
	for _, l := range c.Check(t.Context(), targets) {
		fmt.Fprintf(f, "## %s: state %v: %s\n", l.Name, l.State, l.Text)
		if f.whole {
			fmt.Fprintln(f, "    "+l.Query)
		}
	}
}

func goldenCheck(t *testing.T, f *figures) {
	f.whole = true
	e := shopEngine(t)
	f.heading("check")
	f.check(t, e.client(t, func(o *Options) { o.Now = func() time.Time { return e.now } }), shopTargets())
	f.asked(e)
	f.heading("this machine's clock is off")
	f.check(t, e.client(t, func(o *Options) { o.Now = func() time.Time { return e.now.Add(time.Hour) } }), []model.Target{deploy("good")})
	f.asked(e)
	f.heading("own checks")
	f.own(t, e.client(t), ownChecks())
	f.asked(e)
}

// goldenSpoilt asks everything of a Prometheus that spoils some answers, and
// writes what is other than it was before.
func goldenSpoilt(t *testing.T, f *figures) {
	e := shopEngine(t)
	well := everything(t, e, nil)
	for _, what := range []string{"timestamp(", "increase(", "[1m]", "[5m]", "[2m]", "[30m]", "[1h]", "[7d]", "histogram_quantile(0.95", "histogram_quantile(1,",
		"label/le/values", "count_values", "up{", "vector(time())", "own_"} {
		for _, s := range []struct {
			how    string
			status int
			body   string
		}{{"refused", 422, refusal("execution", "too many samples")}, {"given up", 503, refusal("timeout", "query timed out")}, {"broken", 500, "boom"},
			{"incomplete", 200, `{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["store gone"]}`}} {
			f.heading("%s %s", what, s.how)
			for i, part := range everything(t, e, func(asked string) (int, string) {
				if strings.Contains(asked, what) {
					return s.status, s.body
				}
				return 0, ""
			}) {
				part = slices.DeleteFunc(part, func(line string) bool { return slices.Contains(well[i][1:], line) })
				if len(part) > 1 {
					fmt.Fprintln(f, strings.Join(part, "\n"))
				}
			}
		}
	}
}

// everything is what a client says that was well for a round and is then
// answered with spoil: the lines of each question, with its name first.
func everything(t *testing.T, e *engine, spoil func(string) (int, string)) (parts [][]string) {
	own := ownTarget("own", "own_errors or vector(0.1)", "own_p95 or vector(0.2)", "own_requests or vector(100)")
	targets := []model.Target{deploy("bad"), deploy("rare"), own}
	e.now, e.spoil = fakeNow.Add(-later), nil
	c := e.client(t)
	if _, err := c.Poll(t.Context(), model.Poll{Targets: targets, Hold: 2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	e.now, e.spoil = fakeNow, spoil
	fresh := e.client(t)
	from := e.now.Add(-30 * time.Minute)
	for _, ask := range []struct {
		name string
		of   func(*figures)
	}{
		{"poll", func(f *figures) { f.poll(t, c, 2*time.Minute, targets) }},
		{"first poll", func(f *figures) { f.poll(t, fresh, 2*time.Minute, targets) }},
		{"window", func(f *figures) {
			series, err := fresh.Window(t.Context(), targets, from, e.now)
			f.failed(err)
			f.series(series)
		}},
		{"impact", func(f *figures) {
			got, err := fresh.Impact(t.Context(), model.ImpactOf{Targets: targets, From: from, To: e.now, Limits: model.DefaultLimits(), Objective: 0.999, Period: time.Hour})
			f.failed(err)
			f.impact(got)
		}},
		{"behaviour", func(f *figures) { f.behaviour(t, fresh, deploy("good"), []string{"good-7c9f5d8"}, e.now) }},
		{"baseline", func(f *figures) { f.baseline(t, fresh, targets, e.now) }},
		{"check", func(f *figures) { f.check(t, fresh, targets) }},
		{"own checks", func(f *figures) {
			of := deploy("good")
			of.Promql = []model.OwnCheck{{Name: "own check", Query: "own_check or vector(1)"}}
			f.own(t, fresh, of)
		}},
	} {
		f := &figures{}
		ask.of(f)
		parts = append(parts, append([]string{"## " + ask.name}, strings.Split(strings.TrimSpace(f.String()), "\n")...))
	}
	return parts
}
