package metrics

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// ownShop is a target all of whose figures its team asks for itself.
func ownShop() model.Target {
	t := shop()
	t.Errors, t.P95, t.Requests = "my_errors", "histogram_quantile(0.95, my_latency)", "my_requests"
	return t
}

// Own PromQL is believed where it can be so: a ratio is one from 0 to 1, and rests on as
// many requests as any other figure.
func TestOwnFigures(t *testing.T) {
	refused := func(url.Values) string { return `{"status":"error","errorType":"bad_data","error":"parse error"}` }
	for _, tt := range []struct {
		name             string
		errors, requests any // the value; nil = the query is refused, "" = it finds nothing
		want             string
	}{
		{"some fail", "0.2", "600", "0.2"},
		{"none fail", "0", "600", "0"},
		{"all fail", "1", "600", "1"},
		{"no ratio", "1.5", "600", "? 1.5 is no ratio from 0 to 1"},
		{"less than nothing", "-0.1", "600", "? -0.1 is less than nothing"},
		{"no number", "NaN", "600", "? no value (absent or NaN)"},
		{"nothing", "", "600", "? no series"},
		{"refused", nil, "600", "? it refuses the query (400 Bad Request): parse error"},
		{"just enough requests", "0.2", "50", "0.2"},
		{"too few requests", "0.2", "49", "? 49 requests"},
		{"nobody knows the requests", "0.2", "", "? requests: no series"},
		{"the requests are refused", "0.2", nil, "? it refuses the query (400 Bad Request): parse error"},
	} {
		f := &fake{t: t}
		for query, v := range map[string]any{"my_errors": tt.errors, "my_requests": tt.requests} {
			switch v {
			case nil:
				f.answers = append(f.answers, canned{[]string{query}, http.StatusBadRequest, refused})
			case "":
				f.on(mat(), query)
			default:
				f.on(mat("{}", v), query)
			}
		}
		f.on(mat("{}", "0.2"), "my_latency")
		f.answers = append(f.answers, healthy(t, 0).answers...)
		got, err := ask(f.client(t), 0, ownShop())
		if err != nil {
			t.Fatal(err)
		}
		s := got["shop"]
		if said := sayReading(s.Errors.Now); said != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, said, tt.want)
		}
		if known := len(s.Errors.Samples) > 0; known != s.Errors.Now.Known {
			t.Errorf("%s: %d samples", tt.name, len(s.Errors.Samples))
		}
		if s.HoldRequests.Why != "" {
			t.Errorf("%s: there is no hold, and it is said %q", tt.name, s.HoldRequests.Why)
		}
	}
}

// A hold is as slow as it was at its slowest; of two alike the one that is only known to
// be at least so much.
func TestOwnLatencyOverTheHold(t *testing.T) {
	turn := fakeNow.Add(-time.Minute)
	for _, tt := range []struct {
		name        string
		p95, top    [2]string // before the turn and since then
		now, inHold string
	}{
		{"between bounds", [2]string{"0.2", "0.3"}, [2]string{"0.5", "0.5"}, "0.3", "0.3"},
		{"it was slower", [2]string{"0.3", "0.2"}, [2]string{"0.5", "0.5"}, "0.2", "0.3"},
		{"beyond the last bound", [2]string{"0.5", "0.5"}, [2]string{"0.9", "0.5"}, "≥0.5", "≥0.5"},
		{"it was beyond the last bound", [2]string{"0.5", "0.5"}, [2]string{"0.5", "0.9"}, "0.5", "≥0.5"},
		{"it was slower than the last bound is", [2]string{"0.8", "0.5"}, [2]string{"0.9", "0.5"}, "≥0.5", "0.8"},
	} {
		by := func(v [2]string) func(time.Time) string {
			return func(at time.Time) string {
				if at.Before(turn) {
					return v[0]
				}
				return v[1]
			}
		}
		f := (&fake{t: t}).on(mat("{}", by(tt.p95)), "quantile(0.95, my_latency").on(mat("{}", by(tt.top)), "quantile(1, my_latency").
			on(mat("{}", "0.01"), "my_errors").on(mat("{}", "600"), "my_requests")
		f.answers = append(f.answers, healthy(t, 0).answers...)
		got, err := ask(f.client(t), 2*time.Minute, ownShop())
		if err != nil {
			t.Fatal(err)
		}
		s := got["shop"]
		if now, hold := sayReading(s.P95.Now), sayReading(s.HoldP95); now != tt.now || hold != tt.inHold {
			t.Errorf("%s: now %s, in the hold %s; want %s and %s", tt.name, now, hold, tt.now, tt.inHold)
		}
		if why := s.HoldRequests.Why; why != "own PromQL has a window of its own" {
			t.Errorf("%s: requests in the hold: %q", tt.name, why)
		}
	}
}

// Of the steps in a hold nine of ten must be known.
func TestStepsOfAnOwnHold(t *testing.T) {
	for _, tt := range []struct {
		hold  time.Duration
		known int
		want  string
	}{
		{150 * time.Second, 10, "10"},
		{150 * time.Second, 9, "9"},
		{150 * time.Second, 8, "? 8 of 10 steps known"},
		{150 * time.Second, 0, "? 0 of 10 steps known"},
		{10 * time.Second, 0, "? 0 of 0 steps known"},
		{10 * time.Second, 1, "1"},
		{0, 3, "? "},
	} {
		r := &round{inquiry: &inquiry{step: 15 * time.Second}, now: fakeNow, hold: tt.hold}
		f := model.Figure{Now: model.Reading{Known: true, At: fakeNow}}
		for n := range 20 { // those of before the hold count for nothing
			if at := fakeNow.Add(time.Duration(n-19) * r.step); n >= 20-tt.known || !at.After(fakeNow.Add(-tt.hold)) {
				f.Samples = append(f.Samples, model.Sample{At: at, V: 1})
			}
		}
		got := r.ownHold(f, "sum", func(in []model.Sample) model.Sample { return model.Sample{V: float64(len(in))} })
		if sayReading(got) != tt.want {
			t.Errorf("%d steps known of %s: %s, want %s", tt.known, tt.hold, sayReading(got), tt.want)
		}
	}
	r := &round{inquiry: &inquiry{step: 15 * time.Second}, now: fakeNow, hold: time.Minute}
	if got := r.ownHold(model.Figure{Now: model.Reading{Why: "no series"}}, "sum", nil); sayReading(got) != "? no series" {
		t.Error(sayReading(got))
	}
}

// Where it cannot be told whether a latency is beyond the last bound, nobody knows it.
func TestLastBoundThatCannotBeRead(t *testing.T) {
	f := &fake{t: t}
	f.answers = append(f.answers, canned{[]string{"histogram_quantile(1,"}, http.StatusUnprocessableEntity, func(url.Values) string {
		return `{"status":"error","errorType":"execution","error":"too many samples"}`
	}})
	f.on(mat(of("shop"), "0.25"), "histogram_quantile(0.95")
	f.answers = append(f.answers, healthy(t, 0).answers...)
	got, err := ask(f.client(t), 0, shop())
	if err != nil {
		t.Fatal(err)
	}
	if p := got["shop"].P95; p.Now.Known || !strings.Contains(p.Now.Why, "too many samples") || len(p.Samples) > 0 {
		t.Errorf("%s, %d samples", sayReading(p.Now), len(p.Samples))
	}
	if e := got["shop"].Errors.Now; !e.Known {
		t.Error(sayReading(e))
	}
}

// Which label tells the outcome: the one of the failures where there are any.
func TestLabelsThatTellTheOutcome(t *testing.T) {
	o := Outcome{Labels: []string{"status", "code"}}
	for _, tt := range []struct {
		marks []string
		want  string
	}{
		{[]string{"=", "!;"}, "[code]"},
		{[]string{"!", "=;"}, "[status]"},
		{[]string{"=", "=;"}, "[status code]"},
		{[]string{"!", "!;"}, "[status code]"},
		{[]string{""}, "[]"},
	} {
		s := &signals{counts: map[string]parts{}}
		for _, m := range tt.marks {
			s.counts["shop"] = append(s.counts["shop"], part{mark: m})
		}
		if got := fmt.Sprint(o.told("shop", s)); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.marks, got, tt.want)
		}
	}
}
