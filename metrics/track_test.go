package metrics

import (
	"fmt"
	"testing"
	"time"

	"rollbook/model"
)

// What arrived late takes the place of what was known: another value, another bound, and
// a sample that is gone.
func TestLateSamples(t *testing.T) {
	base := fakeNow.Truncate(15 * time.Second)
	step := func(n int) time.Time { return base.Add(time.Duration(n) * 15 * time.Second) }
	for _, tt := range []struct {
		name string
		late []model.Sample
		want string
	}{
		{"the same", []model.Sample{{At: step(1), V: 2}}, "0:1 1:2"},
		{"another value", []model.Sample{{At: step(1), V: 9}}, "0:1 1:9"},
		{"only a bound", []model.Sample{{At: step(1), V: 2, AtLeast: true}}, "0:1 1:≥2"},
		{"of another step", []model.Sample{{At: step(2), V: 2}}, "0:1 2:2"},
		{"nothing", nil, "0:1"},
		{"one more", []model.Sample{{At: step(1), V: 2}, {At: step(2), V: 3}}, "0:1 1:2 2:3"},
	} {
		p := past{failed: 3}
		p.merge(grid{from: base}, []model.Sample{{At: step(0), V: 1}, {At: step(1), V: 2}}, step(1))
		p.merge(grid{from: step(1)}, tt.late, step(2))
		got := ""
		for _, s := range p.samples {
			bound := ""
			if s.AtLeast {
				bound = "≥"
			}
			got += fmt.Sprintf(" %d:%s%g", s.At.Sub(base)/(15*time.Second), bound, s.V)
		}
		if got != " "+tt.want {
			t.Errorf("%s:%s, want %s", tt.name, got, tt.want)
		}
		if !p.until.Equal(step(2)) || p.failed != 0 {
			t.Errorf("%s: answered until %s, failed %d times since", tt.name, p.until, p.failed)
		}
	}
}

// What is asked for is what was not answered so far, with two steps of overlap. It is
// finer than a step where it is short, and of few workloads.
func TestWhatIsAskedAgain(t *testing.T) {
	end := fakeNow.Truncate(15 * time.Second)
	for _, tt := range []struct {
		name      string
		until     []time.Duration // before the last step; negative = never
		failed    int
		workloads int
		step      time.Duration
		from, res time.Duration
	}{
		{"nothing so far", []time.Duration{-1}, 0, 1, 15 * time.Second, kept, 15 * time.Second},
		{"the last step", []time.Duration{0}, 0, 1, 15 * time.Second, 30 * time.Second, 5 * time.Second},
		{"two steps ago", []time.Duration{30 * time.Second}, 0, 1, 15 * time.Second, time.Minute, 5 * time.Second},
		{"three steps ago", []time.Duration{45 * time.Second}, 0, 1, 15 * time.Second, 75 * time.Second, 15 * time.Second},
		{"the oldest counts", []time.Duration{0, 2 * time.Minute, 15 * time.Second}, 0, 1, 15 * time.Second, 150 * time.Second, 15 * time.Second},
		{"of 200", []time.Duration{0}, 0, 200, 15 * time.Second, 30 * time.Second, 5 * time.Second},
		{"of 201", []time.Duration{0}, 0, 201, 15 * time.Second, 30 * time.Second, 15 * time.Second},
		{"a step that has no thirds", []time.Duration{0}, 0, 1, 20 * time.Second, 40 * time.Second, 20 * time.Second},
		{"refused once", []time.Duration{-1}, 1, 1, 15 * time.Second, 450 * time.Second, 15 * time.Second},
		{"refused twice", []time.Duration{-1}, 2, 1, 15 * time.Second, 2 * time.Minute, 15 * time.Second},
		{"refused always", []time.Duration{-1}, 100, 1, 15 * time.Second, 30 * time.Second, 15 * time.Second},
	} {
		r := &round{inquiry: &inquiry{step: tt.step}, now: fakeNow}
		end := floor(end, tt.step)
		var pasts []*past
		for _, ago := range tt.until {
			p := &past{failed: tt.failed}
			if ago >= 0 {
				p.until = end.Add(-ago)
			}
			pasts = append(pasts, p)
		}
		g := r.window(tt.workloads, pasts)
		if last := g.time(g.n - 1); end.Sub(g.from) != tt.from || g.res != tt.res || last.After(fakeNow) || !last.Add(g.res).After(fakeNow) {
			t.Errorf("%s: from %s before the last step, every %s, until %s", tt.name, end.Sub(g.from), g.res, last)
		}
	}
}

// Samples of other steps, or over other windows, do not go together.
func TestPastOfAnotherPace(t *testing.T) {
	for _, tt := range []struct {
		name        string
		step, short time.Duration
		kept        int
	}{
		{"the same", 15 * time.Second, time.Minute, 1},
		{"another step", 30 * time.Second, time.Minute, 0},
		{"another window", 15 * time.Second, 2 * time.Minute, 0},
	} {
		c := healthy(t, 0).client(t)
		c.step, c.short = 15*time.Second, time.Minute
		c.tracks = map[string]*track{"shop": {errors: past{samples: make([]model.Sample, 1)}, p95: past{samples: make([]model.Sample, 1)}}, "gone": {}}
		r := &round{inquiry: &inquiry{c: c, step: tt.step, short: tt.short}}
		r.keepTracks([]model.Target{shop()})
		if k := c.tracks["shop"]; len(k.errors.samples) != tt.kept || len(k.p95.samples) != tt.kept || len(c.tracks) != 1 || c.step != tt.step || c.short != tt.short {
			t.Errorf("%s: %+v", tt.name, k)
		}
	}
}
