package incident

import (
	"math"
	"testing"
	"time"

	"rollbook/model"
)

var t0 = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

const step = 15 * time.Second

// figure makes one sample a step, ending at t0; NaN leaves the step out.
func figure(values ...float64) model.Figure {
	f := model.Figure{Step: step}
	for n, v := range values {
		if math.IsNaN(v) {
			continue
		}
		f.Samples = append(f.Samples, model.Sample{At: t0.Add(-time.Duration(len(values)-1-n) * step), V: v})
	}
	if n := len(f.Samples); n > 0 {
		last := f.Samples[n-1]
		f.Now = model.Reading{Known: true, Value: last.V, At: last.At}
	}
	return f
}

func repeat(v float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func join(parts ...[]float64) []float64 {
	var out []float64
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func TestOver(t *testing.T) {
	nan := math.NaN()
	gap := func(at, n int) []float64 {
		v := repeat(0.1, 21)
		for i := range n {
			v[at+i] = nan
		}
		return v
	}
	for _, c := range []struct {
		name   string
		values []float64
		state  model.Tri
		held   bool
		length time.Duration
	}{
		{"five minutes over", repeat(0.1, 21), model.TriYes, true, 5 * time.Minute},
		{"a step short of five minutes", join(repeat(0, 10), repeat(0.1, 20)), model.TriYes, false, 285 * time.Second},
		{"exactly at the limit is not over", repeat(0.05, 21), model.TriNo, false, 0},
		{"two of 21 steps under", join(repeat(0.1, 8), []float64{0.01, 0.01}, repeat(0.1, 11)), model.TriYes, true, 5 * time.Minute},
		{"three of 21 steps under", join(repeat(0.1, 8), repeat(0.01, 3), repeat(0.1, 10)), model.TriYes, false, 0},
		{"the newest is under", join(repeat(0.1, 20), []float64{0.01}), model.TriNo, false, 0},
		{"one step missing", gap(10, 1), model.TriYes, true, 5 * time.Minute},
		{"two steps missing: a gap above two", gap(10, 2), model.TriYes, false, 0},
		{"nothing", nil, model.TriUnknown, false, 0},
		{"one sample", []float64{0.5}, model.TriYes, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Over(figure(c.values...), 0.05, 5*time.Minute)
			if r.State != c.state || r.Held != c.held {
				t.Errorf("state %v held %v (for %s), want %v %v", r.State, r.Held, r.For, c.state, c.held)
			}
			if c.length != 0 && r.For != c.length {
				t.Errorf("for %s, want %s", r.For, c.length)
			}
			if r.State == model.TriUnknown && r.Why == "" {
				t.Error("unknown without a reason")
			}
		})
	}
}

func TestOverInTheInfBucket(t *testing.T) {
	at := func(bound float64) model.Figure {
		f := figure(repeat(bound, 21)...)
		for n := range f.Samples {
			f.Samples[n].AtLeast = true
		}
		f.Now.AtLeast = true
		return f
	}
	if r := Over(at(10), 2, 5*time.Minute); r.State != model.TriYes || !r.Held {
		t.Errorf("at least 10s against 2s: %+v", r)
	}
	if r := Over(at(2), 2, 5*time.Minute); r.State != model.TriYes || !r.Held {
		t.Errorf("at least 2s against 2s is over: %+v", r)
	}
	if r := Over(at(1), 2, 5*time.Minute); r.State != model.TriUnknown || !r.AtLeast {
		t.Errorf("at least 1s against 2s is unknown: %+v", r)
	}
}

// Why only a lower bound is known is said of each figure in its own words.
func TestLowerBounds(t *testing.T) {
	f := figure(repeat(0.01, 21)...)
	for n := range f.Samples {
		f.Samples[n].AtLeast = true
	}
	f.Now.AtLeast = true
	s := Snapshot{Now: t0}
	s.Incident.Settings.Limits = model.DefaultLimits()
	s.Seen.Board = []*model.Component{{ID: "a"}}
	s.Seen.Figures = map[string]*model.Figures{"a": {Errors: f, P95: f}}
	l := s.Judgement().Lines[0]
	if e, p := l.Errors.Why, l.P95.Why; e != "at least 1%: the outcome of some requests is unknown" || p != "at least 10ms: beyond the histogram's last bucket" {
		t.Errorf("errors %q, P95 %q", e, p)
	}
}

func TestStaleIsUnknown(t *testing.T) {
	f := figure(repeat(0, 21)...)
	s := Snapshot{Now: t0.Add(time.Minute)}
	s.Incident.Settings.Scrape, s.Incident.Settings.Poll = 15*time.Second, 5*time.Second
	s.Seen.Figures = map[string]*model.Figures{"a": {Errors: f}}
	got := s.FiguresOf("a").Errors.Now
	if got.Known || got.Why != "stale since 1m" {
		t.Errorf("a minute old: %+v", got)
	}
	if !f.Now.Known {
		t.Error("the observation itself was changed")
	}
	s.Now = t0.Add(35 * time.Second)
	if !s.FiguresOf("a").Errors.Now.Known {
		t.Error("35 s is two scrapes and a poll: still fresh")
	}
}

// What is not known now is unknown, whatever its samples were; it says why.
func TestOverWithoutAPresent(t *testing.T) {
	known := figure(repeat(0.3, 21)...)
	for _, tt := range []struct {
		name   string
		change func(f *model.Figure)
		why    string
	}{
		{"no series", func(f *model.Figure) { f.Now = model.Reading{Why: "no series"} }, "no series"},
		{"nobody says why", func(f *model.Figure) { f.Now = model.Reading{} }, unmeasured},
		{"no samples", func(f *model.Figure) { f.Samples = nil }, unmeasured},
		{"no step", func(f *model.Figure) { f.Step = 0 }, unmeasured},
	} {
		f := known
		tt.change(&f)
		if r := Over(f, 0.05, 5*time.Minute); r != (Run{Why: tt.why}) {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
	f := known
	f.Now = model.Reading{Why: "no series"}
	if at := UnderSince(f, 0.5); !at.IsZero() {
		t.Errorf("unknown, and under since %s", at)
	}
	// A lower bound under the limit is neither over nor under it.
	f = figure(repeat(0.01, 4)...)
	f.Samples[1].AtLeast = true
	if at := UnderSince(f, 0.05); !at.Equal(t0.Add(-step)) {
		t.Errorf("under since %s", at)
	}
	f.Samples[3].AtLeast = true
	if at := UnderSince(f, 0.05); !at.IsZero() {
		t.Errorf("nobody knows the newest, and it is under since %s", at)
	}
}

// Of the steps that a trigger asks for nine of ten must be there and over; a run begins
// where that holds, and with no more than a step missing.
func TestShareOfARun(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		name   string
		values []float64
		want   time.Duration
		since  time.Duration // before t0
		held   bool
	}{
		{"ten of ten", repeat(0.1, 10), 135 * time.Second, 135 * time.Second, true},
		{"nine of ten", join(repeat(0.1, 5), repeat(0, 1), repeat(0.1, 4)), 135 * time.Second, 135 * time.Second, true},
		{"eight of ten", join(repeat(0.1, 4), repeat(0, 2), repeat(0.1, 4)), 135 * time.Second, 45 * time.Second, false},
		{"one of ten is missing", join(repeat(0.1, 5), []float64{nan}, repeat(0.1, 4)), 135 * time.Second, 135 * time.Second, true},
		{"the first of ten is under", join(repeat(0, 1), repeat(0.1, 9)), 135 * time.Second, 2 * time.Minute, false},
		{"longer than it asks", repeat(0.1, 30), 135 * time.Second, 435 * time.Second, true},
		{"longer, with eight of the last ten", join(repeat(0.1, 40), repeat(0, 2), repeat(0.1, 4)), 135 * time.Second, 675 * time.Second, false},
		{"nine of eleven", join(repeat(0.1, 5), repeat(0, 2), repeat(0.1, 4)), 150 * time.Second, 45 * time.Second, false},
		{"longer, with nine of the last eleven", join(repeat(0.1, 40), repeat(0, 2), repeat(0.1, 4)), 150 * time.Second, 675 * time.Second, false},
		{"a moment", repeat(0.1, 1), 0, 0, true},
	} {
		r := Over(figure(tt.values...), 0.05, tt.want)
		if r.State != model.TriYes || r.Held != tt.held || !r.Since.Equal(t0.Add(-tt.since)) || r.For != tt.since {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

func TestUnderSince(t *testing.T) {
	if got := UnderSince(figure(0.1, 0.1, 0.01, 0.01, 0.01), 0.05); !got.Equal(t0.Add(-2 * step)) {
		t.Errorf("under since %s", got)
	}
	if got := UnderSince(figure(0.01, 0.1), 0.05); !got.IsZero() {
		t.Errorf("over now, yet under since %s", got)
	}
	if got := UnderSince(figure(0.01, math.NaN(), math.NaN(), 0.01), 0.05); !got.Equal(t0) {
		t.Errorf("nothing is known of the gap: %s", got)
	}
	if got := UnderSince(figure(0.01, math.NaN(), 0.01), 0.05); !got.Equal(t0.Add(-2 * step)) {
		t.Errorf("one step is missing: under since %s", got)
	}
}
