package incident

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"rollbook/model"
)

// What is remembered of an older look never changes what is said: whatever
// happens to board, figures, connections and clock, all is as if it were judged
// for the first time.
func TestMemoryChangesNothing(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 7))
		inc, seen := thousand()
		seen.Board = slices.Clone(seen.Board[:12])
		inc.Settings.Limits.P95For = 2 * time.Minute
		now := t0
		for step := range 120 {
			now = now.Add([]time.Duration{0, time.Second, 5 * time.Second, 20 * time.Second, time.Minute, -time.Second}[r.IntN(6)])
			n := r.IntN(len(seen.Board))
			c := *seen.Board[n]
			figures := maps.Clone(seen.Figures)
			var f model.Figures
			if old := figures[c.ID]; old != nil {
				f = *old
			}
			switch r.IntN(9) {
			case 0:
				c.NoneReady = now.Add(-time.Duration(r.IntN(90)) * time.Second)
			case 1:
				c.NoneReady, c.Stuck = time.Time{}, ""
			case 2:
				c.Stuck, c.StuckSince = "exceeded its progress deadline", now
			case 3:
				c.Desired = r.IntN(2)
			case 4:
				f.Errors, f.P95, f.At = figure(repeat(r.Float64()/8, 121)...), figure(repeat(3*r.Float64(), 121)...), now
				f.NotMeasured = r.IntN(6) == 0
			case 5:
				delete(figures, c.ID)
				seen.Figures = figures
			case 6:
				seen.Metrics.Heard, seen.Metrics.Err = now, ""
			case 7:
				seen.Metrics.Err = "no answer"
			case 8:
				seen.Cluster.Heard = now.Add(-time.Duration(r.IntN(30)) * time.Second)
			}
			if old := seen.Figures[c.ID]; old != nil && !reflect.DeepEqual(*old, f) {
				figures[c.ID] = &f
				seen.Figures = figures
			}
			if !reflect.DeepEqual(*seen.Board[n], c) {
				seen.Board = slices.Clone(seen.Board)
				seen.Board[n] = &c
			}
			anew := seen
			anew.Memory = nil
			got, want := Snapshot{inc, seen, now}, Snapshot{inc, anew, now}
			if a, b := Tree(&got), Tree(&want); !reflect.DeepEqual(a, b) {
				t.Fatalf("seed %d, step %d: the tree is\n%+v\nand judged anew\n%+v", seed, step, a, b)
			}
			facts, _ := Decide(inc, seen, Input{At: now, Do: Observed{}})
			first, _ := Decide(inc, anew, Input{At: now, Do: Observed{}})
			if !reflect.DeepEqual(facts, first) {
				t.Fatalf("seed %d, step %d: the facts are\n%+v\nand judged anew\n%+v", seed, step, facts, first)
			}
			for k, l := range got.Judgement().Lines {
				if w := want.Judgement().Lines[k]; l.Component != w.Component || !reflect.DeepEqual(l.Figures, w.Figures) || l.Errors != w.Errors || l.P95 != w.P95 {
					t.Fatalf("seed %d, step %d: %+v, and judged anew %+v", seed, step, l, w)
				}
			}
			inc = ApplyAll(inc, facts)
		}
	}
}

// Time alone has nothing judged again, and a change of one component only this one.
func TestOnlyWhatChangedIsJudgedAgain(t *testing.T) {
	inc, seen := thousand()
	s := Snapshot{inc, seen, t0}
	before := s.Judgement()
	s.Now = t0.Add(5 * time.Second)
	if s.Judgement() != before {
		t.Error("five seconds have a calm board judged again")
	}
	c := *seen.Board[17]
	c.Ready--
	s.Seen.Board = slices.Clone(seen.Board)
	s.Seen.Board[17] = &c
	for n, l := range s.Judgement().Lines {
		if same := l == before.Lines[n]; same != (n != 17) {
			t.Errorf("line %d is the same: %v", n, same)
		}
	}
	s.Now = t0.Add(time.Hour)
	if l := s.Judgement().Lines[3]; l.Errors.State != model.TriUnknown {
		t.Errorf("a figure of an hour ago counts: %+v", l.Errors)
	}
}
