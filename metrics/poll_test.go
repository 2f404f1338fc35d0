package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

func TestPollAsksOnceForAll(t *testing.T) {
	f := healthy(t, 3*time.Second)
	c := f.client(t)
	targets := []model.Target{shop()}
	for n := range 40 {
		s := shop()
		s.ID, s.Workload.Name = fmt.Sprint("c", n), fmt.Sprint("c", n)
		targets = append(targets, s)
	}
	got, err := ask(c, time.Minute, targets...)
	if err != nil {
		t.Fatal(err)
	}
	// newest, up, alerts, counts, P95, bounds; counts, P95 and bounds of the hold.
	if len(f.asked) != 9 {
		t.Errorf("%d requests for 41 components", len(f.asked))
	}
	if f.methods["GET"] != len(f.asked) {
		t.Errorf("not only GET: %v", f.methods)
	}
	s := got["shop"]
	if e := s.Errors.Now; !e.Known || e.Value != 0.01 || !e.At.Equal(fakeNow.Add(-3*time.Second)) {
		t.Errorf("errors: %+v", e)
	}
	if !s.At.Equal(fakeNow) || s.Errors.Step != 15*time.Second || len(s.Errors.Samples) != 121 {
		t.Errorf("at %v, step %v, %d samples", s.At, s.Errors.Step, len(s.Errors.Samples))
	}
	if got["c7"].Errors.Now.Known || got["c7"].P95.Now.Known || got["c7"].Requests.Known || got["c7"].HoldErrors.Known {
		t.Errorf("known without series: %+v", got["c7"])
	}
}

func TestPollIsIncremental(t *testing.T) {
	f := healthy(t, 3*time.Second)
	c := f.client(t)
	if _, err := ask(c, 0, shop()); err != nil {
		t.Fatal(err)
	}
	f.asked = nil
	got, err := ask(c, 0, shop())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range f.asked {
		if !strings.Contains(q.Get("query"), "increase") {
			continue
		}
		if q.Get("start") != fmt.Sprint(fakeNow.Truncate(15*time.Second).Add(-30*time.Second).Unix()) || q.Get("step") != "5" {
			t.Errorf("asked from %s at steps of %s s", q.Get("start"), q.Get("step"))
		}
	}
	if n := len(got["shop"].Errors.Samples); n != 121 {
		t.Errorf("%d samples", n)
	}
	// A new component must not make the others ask for their past again.
	f.asked = nil
	other := shop()
	other.ID = "other"
	if _, err := ask(c, 0, shop(), other); err != nil {
		t.Fatal(err)
	}
	starts := map[string]int{}
	for _, q := range f.asked {
		if strings.Contains(q.Get("query"), "increase") {
			starts[q.Get("start")]++
		}
	}
	if len(starts) != 2 {
		t.Errorf("starts: %v", starts)
	}
}

// One figure fails: the others go on, and it is unknown with its samples kept.
func TestPollKeepsWhatFails(t *testing.T) {
	f := healthy(t, 3*time.Second)
	c := f.client(t)
	if _, err := ask(c, time.Minute, shop()); err != nil {
		t.Fatal(err)
	}
	f.answers = append([]canned{{[]string{"histogram_quantile(0.95"}, 422, func(url.Values) string {
		return `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`
	}}}, f.answers...)
	got, err := ask(c, time.Minute, shop())
	if err != nil {
		t.Fatal(err)
	}
	s := got["shop"]
	if !s.Errors.Now.Known || !s.HoldErrors.Known || s.P95.Now.Known || s.HoldP95.Known {
		t.Errorf("errors %+v, p95 %+v", s.Errors.Now, s.P95.Now)
	}
	if len(s.P95.Samples) != 121 || s.P95.Now.At.IsZero() || !strings.Contains(s.P95.Now.Why, "too many samples") {
		t.Errorf("p95: %d samples, %+v", len(s.P95.Samples), s.P95.Now)
	}
}

func TestPollInTheInfBucketOnlyIfAsked(t *testing.T) {
	for _, tt := range []struct {
		name     string
		p95, top string
		bounds   string
		want     string
		asksTop  bool
	}{
		{"between bounds", "0.2", "", `"0.1","0.25","+Inf"`, "0.2", false},
		{"on a bound, in its bucket", "0.25", "0.5", `"0.1","0.25","0.5","+Inf"`, "0.25", true},
		{"in the +Inf bucket", "0.5", "0.5", `"0.1","0.25","0.5","+Inf"`, "≥0.5", true},
		{"bounds not to be had", "0.5", "0.5", ``, "≥0.5", true},
		{"no observations", "NaN", "NaN", `"0.1"`, "? no latency was observed (NaN)", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{t: t}
			f.on(mat(of("shop"), tt.p95), "histogram_quantile(0.95").on(mat(of("shop"), tt.top), "histogram_quantile(1,").
				on(func(url.Values) string { return `{"status":"success","data":[` + tt.bounds + `]}` }, "/label/le/values")
			f.answers = append(f.answers, healthy(t, time.Second).answers...)
			got, err := ask(f.client(t), time.Minute, shop())
			if err != nil {
				t.Fatal(err)
			}
			s := got["shop"]
			if sayReading(s.P95.Now) != tt.want || sayReading(s.HoldP95) != tt.want {
				t.Errorf("now %s, hold %s, want %s", sayReading(s.P95.Now), sayReading(s.HoldP95), tt.want)
			}
			for _, p := range s.P95.Samples {
				if p.AtLeast != strings.HasPrefix(tt.want, "≥") {
					t.Fatalf("sample %+v", p)
				}
			}
			asked := false
			for _, q := range f.asked {
				asked = asked || strings.Contains(q.Get("query"), "histogram_quantile(1,")
			}
			if asked != tt.asksTop {
				t.Errorf("asked for the top: %t", asked)
			}
		})
	}
}

func sayReading(r model.Reading) string {
	switch {
	case !r.Known:
		return "? " + r.Why
	case r.AtLeast:
		return fmt.Sprintf("≥%.3g", r.Value)
	}
	return fmt.Sprintf("%.3g", r.Value)
}

// Which window a step uses is decided for each step.
func TestPollWidensStepByStep(t *testing.T) {
	f := &fake{t: t}
	quiet := fakeNow.Add(-10 * time.Minute)
	f.on(mat(of("shop", outLabel, "="), func(at time.Time) string {
		if at.After(quiet) {
			return "20"
		}
		return "100"
	}, of("shop", outLabel, "!;"), "10"), "[1m]", "increase(").
		on(mat(of("shop", outLabel, "="), "100", of("shop", outLabel, "!;"), "100"), "[5m]", "increase(").
		on(mat(of("shop"), "0.3"), "[5m]", "histogram_quantile(0.95")
	f.answers = append(f.answers, healthy(t, time.Second).answers...)
	got, err := ask(f.client(t), 0, shop())
	if err != nil {
		t.Fatal(err)
	}
	s := got["shop"]
	for _, p := range s.Errors.Samples {
		want := 10. / 110
		if p.At.After(quiet) {
			want = 0.5
		}
		if p.V != want {
			t.Fatalf("%v: %v, want %v", p.At, p.V, want)
		}
	}
	if s.P95.Now.Value != 0.3 || s.P95.Samples[0].V != 0.2 {
		t.Errorf("p95 %v, first %v", s.P95.Now.Value, s.P95.Samples[0].V)
	}
	if !strings.Contains(s.Errors.Now.Query, "[5m]") || !strings.Contains(s.Errors.Now.Query, `code=~"5.."`) {
		t.Error(s.Errors.Now.Query)
	}
	if s.Requests.Value != 30 {
		t.Errorf("requests %v", s.Requests.Value)
	}
}

// A dead exporter: what Prometheus still computes from old samples is not a
// figure of now.
func TestPollOfADeadExporter(t *testing.T) {
	f := healthy(t, 2*time.Minute)
	got, err := ask(f.client(t), time.Minute, shop())
	if err != nil {
		t.Fatal(err)
	}
	s := got["shop"]
	for name, r := range map[string]model.Reading{"errors": s.Errors.Now, "p95": s.P95.Now, "requests": s.Requests, "hold": s.HoldErrors} {
		if r.Known || r.Why != "stale since 2m" || !r.At.Equal(fakeNow.Add(-2*time.Minute)) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	last := s.Errors.Samples[len(s.Errors.Samples)-1].At
	if newest := fakeNow.Add(-2 * time.Minute); last.After(newest.Add(23*time.Second)) || last.Before(newest.Add(-15*time.Second)) {
		t.Errorf("last sample at %v", last)
	}
}

func TestPollWithLongScrapes(t *testing.T) {
	f := healthy(t, 10*time.Second)
	got, err := ask(f.client(t, func(o *Options) { o.ScrapeInterval = time.Minute }), 0, shop())
	if err != nil {
		t.Fatal(err)
	}
	if s := got["shop"]; s.Errors.Step != time.Minute || len(s.Errors.Samples) != 31 || !strings.Contains(s.Errors.Now.Query, "[4m]") ||
		s.Requests.Value != 150 {
		t.Errorf("step %v, %d samples, %s, %v requests a minute", s.Errors.Step, len(s.Errors.Samples), s.Errors.Now.Query, s.Requests.Value)
	}
}

// Steps that do not divide a day are steps all the same.
func TestPollWithOddScrapes(t *testing.T) {
	f := healthy(t, 10*time.Second)
	c := f.client(t, func(o *Options) { o.ScrapeInterval = 70 * time.Second })
	for range 2 {
		got, err := ask(c, 0, shop())
		if s := got["shop"].Errors; err != nil || len(s.Samples) < 25 || s.Samples[1].At.Sub(s.Samples[0].At) != s.Step {
			t.Errorf("step %v, %d samples, %v", s.Step, len(s.Samples), err)
		}
	}
}

// A query that always fails asks for less and less, and does not make the others
// ask for more.
func TestPollAsksLessOfWhatFails(t *testing.T) {
	f := healthy(t, 3*time.Second)
	f.answers = append([]canned{{[]string{"histogram_quantile(0.95"}, 503, func(url.Values) string {
		return `{"status":"error","errorType":"timeout","error":"query timed out"}`
	}}}, f.answers...)
	c := f.client(t)
	var asked []string
	for range 6 {
		f.asked = nil
		got, err := ask(c, 0, shop())
		if err != nil || !got["shop"].Errors.Now.Known || got["shop"].P95.Now.Known || len(got["shop"].Errors.Samples) != 121 {
			t.Fatalf("%+v %v", got["shop"], err)
		}
		for _, q := range f.asked {
			if strings.Contains(q.Get("query"), "histogram_quantile(0.95") {
				var start int64
				fmt.Sscan(q.Get("start"), &start)
				asked = append(asked, (time.Duration(fakeNow.Unix()-start) * time.Second).String())
			}
		}
	}
	if got := strings.Join(asked, " "); got != "30m7s 7m37s 2m7s 37s 37s 37s" {
		t.Errorf("asked for %s", got)
	}
}

func TestPollFindsTheScrapeInterval(t *testing.T) {
	f := healthy(t, 10*time.Second)
	f.answers = append([]canned{{[]string{`up{`, `}[5m]`}, 200, func(url.Values) string {
		return fmt.Sprintf(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[%d.9,"1"],[%d.9,"1"],[%d.91,"0"]]}]}}`,
			fakeNow.Unix()-70, fakeNow.Unix()-40, fakeNow.Unix()-10)
	}}}, f.answers...)
	got, err := ask(f.client(t, func(o *Options) { o.ScrapeInterval = 0 }), 0, shop())
	if err != nil || got["shop"].Errors.Step != 30*time.Second {
		t.Errorf("step %v, %v", got["shop"].Errors.Step, err)
	}
}

func TestPollWithoutPrometheus(t *testing.T) {
	c, err := New(Options{Off: "not configured"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ask(c, time.Minute, shop())
	if !errors.Is(err, ErrOff) || got["shop"].Errors.Now.Known || got["shop"].Errors.Now.Why != "not configured" {
		t.Errorf("%+v %v", got["shop"], err)
	}
	if _, off := c.To(); off != "not configured" {
		t.Error(off)
	}
	if b, err := c.Behaviour(t.Context(), shop(), []string{"a"}, fakeNow); !errors.Is(err, ErrOff) || b["a"].Errors.Known {
		t.Errorf("%+v %v", b, err)
	}
	if b, err := c.Baseline(t.Context(), []model.Target{shop()}, fakeNow); !errors.Is(err, ErrOff) || b["shop"].Errors.Known {
		t.Errorf("%+v %v", b, err)
	}
}

func TestPollConcurrently(t *testing.T) {
	f := healthy(t, time.Second)
	c := f.client(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := ask(c, time.Minute, shop())
			if err != nil || !got["shop"].Errors.Now.Known {
				t.Errorf("%+v %v", got, err)
				return
			}
			_ = append(got["shop"].Errors.Samples, model.Sample{V: 9}) // a reader's append must hit nobody
			for _, s := range got["shop"].Errors.Samples {
				if s.V != 0.01 {
					t.Errorf("%+v", s)
				}
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Poll(ctx, model.Poll{Targets: []model.Target{shop()}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestPollNotMeasured(t *testing.T) {
	f := &fake{t: t} // nothing is asked
	got, err := ask(f.client(t), 0, model.Target{ID: "pg", NotMeasured: true})
	if err != nil || !got["pg"].NotMeasured {
		t.Errorf("%+v %v", got["pg"], err)
	}
}

// Without a target it is asked whether Prometheus is there, and nothing else.
func TestPollWithoutATarget(t *testing.T) {
	f := (&fake{t: t}).on(vec("{}", fakeNow.Unix()), serverTime)
	if got, err := ask(f.client(t), 0); err != nil || len(got) != 0 || len(f.asked) != 1 {
		t.Errorf("%v %v, asked %d times", got, err, len(f.asked))
	}
}

// Merge never changes what was handed out, whatever the order of rounds.
func TestMergeLeavesReadersAlone(t *testing.T) {
	step := 15 * time.Second
	base := fakeNow.Truncate(step)
	g := func(from int) grid { return grid{from: base.Add(time.Duration(from) * step), res: step, n: 3} }
	news := func(from int, vs ...float64) (out []model.Sample) {
		for i, v := range vs {
			out = append(out, model.Sample{At: base.Add(time.Duration(from+i) * step), V: v})
		}
		return out
	}
	var p past
	p.merge(g(0), news(0, 1, 2, 3), base.Add(2*step))
	one := p.samples
	p.merge(g(1), news(1, 2, 3, 4), base.Add(3*step)) // extends
	two := p.samples
	p.merge(g(2), news(2, 9, 4, 5), base.Add(4*step)) // late data changed step 2
	p.merge(g(4), nil, base.Add(6*step))              // step 4 is gone
	for i, want := range [][]float64{{1, 2, 3}, {1, 2, 3, 4}, {1, 2, 9, 4}} {
		got := [][]model.Sample{one, two, p.samples}[i]
		if len(got) != len(want) {
			t.Fatalf("%d: %v", i, got)
		}
		for j := range got {
			if got[j].V != want[j] {
				t.Errorf("%d: %v, want %v", i, got, want)
			}
		}
	}
	p.merge(g(400), news(400, 7), base.Add(400*step))
	if len(p.samples) != 1 {
		t.Errorf("old samples stay: %v", p.samples)
	}
}

// Right after a gap in the scrapes the last five minutes are known, the last
// minute is not: the requests in it are unknown, and not none.
func TestPollAfterAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := historyUntil(fakeNow, 20*time.Minute, 15*time.Second)
		for _, name := range []string{"http_requests_total", "up"} {
			h.add(name, map[string]string{"namespace": "prod", "pod": "shop-7c9f5d8-2kq4x", "status": "200"}, func(since time.Duration) (float64, bool) {
				return 10 * since.Seconds(), since < 18*time.Minute || since == 20*time.Minute
			})
		}
		got, err := ask(h.sandboxed(t).client(t), 0, deploy("shop"))
		if err != nil {
			t.Fatal(err)
		}
		f := got["shop"]
		if e := f.Errors.Now; !e.Known || e.Value != 0 {
			t.Errorf("errors: %+v", e)
		}
		if r := f.Requests; r.Known || r.Why != "too few samples yet" {
			t.Errorf("requests: %+v", r)
		}
	})
}
