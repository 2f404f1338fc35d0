package replay

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/replay/replaytest"
)

func opened(t testing.TB, facts []incident.Fact) *Reader {
	t.Helper()
	r, err := Open(replaytest.NewSource(facts), replaytest.Path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// isFold fails unless the reader shows exactly the fold of the first n facts.
func isFold(t *testing.T, r *Reader, facts []incident.Fact, n int) {
	t.Helper()
	got, want := r.Snapshot().Incident, incident.Fold(facts[:n])
	// An empty timeline may be nil or not.
	if len(got.Timeline) == 0 && len(want.Timeline) == 0 {
		got.Timeline = want.Timeline
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("after %d facts:\n got %+v\nwant %+v", n, got, want)
	}
	if at, _ := r.At(); at != n || !r.Snapshot().Now.Equal(facts[n-1].At) {
		t.Fatalf("after %d facts it is at %d, %s", n, at, r.Snapshot().Now)
	}
}

// At every position the incident is exactly the fold of the facts so far.
func TestReaderIsTheFold(t *testing.T) {
	facts := replaytest.Story()
	for len(facts) < 3*markEvery {
		facts = append(facts, facts[len(facts)-20])
	}
	r := opened(t, facts)
	for _, order := range [][]int{{1, len(facts), 64, 65, 63, 128, 129, 2}, nil} {
		if order == nil {
			for n := range facts {
				order = append(order, n+1)
			}
		}
		for _, n := range order {
			r.seek(n)
			isFold(t, r, facts, n)
		}
	}
}

// A journal that grows is at each moment what it would be if it were read anew,
// however the facts come, over the marks between which it is folded.
func TestReaderGrowsToTheSame(t *testing.T) {
	facts := replaytest.Long(3 * markEvery)
	source := replaytest.NewSource(slices.Clone(facts[:1]))
	r, err := Open(source, replaytest.Path)
	if err != nil {
		t.Fatal(err)
	}
	for n, by := 1, 1; n < len(facts); by = by%7 + 1 {
		next := min(len(facts), n+by)
		source.Add(facts[n:next]...)
		n = next
		if grew, _ := r.grow(); !grew {
			t.Fatalf("%d facts are not taken", n)
		}
		isFold(t, r, facts, n)
		whole := opened(t, facts[:n])
		whole.Last()
		if got, want := r.Snapshot().Seen, whole.Snapshot().Seen; !reflect.DeepEqual(got, want) {
			t.Fatalf("after %d facts is seen:\n got %+v\nwant %+v", n, got, want)
		}
	}
}

// One who looks back stays there while the journal grows.
func TestReaderStays(t *testing.T) {
	facts := replaytest.Story()
	source := replaytest.NewSource(slices.Clone(facts[:20]))
	r, err := Open(source, replaytest.Path)
	if err != nil {
		t.Fatal(err)
	}
	r.Last()
	r.Previous()
	source.Add(facts[20:]...)
	r.grow()
	isFold(t, r, facts, 19)
	if _, of := r.At(); of != len(facts) {
		t.Errorf("%d facts of %d", of, len(facts))
	}
}

func TestReaderMoves(t *testing.T) {
	facts := replaytest.Story()
	r := opened(t, facts)
	last := len(facts)
	confirm := r.first(incident.Confirm)
	for _, c := range []struct {
		name  string
		do    func() bool
		moved bool
		want  int
	}{
		{"before the first", r.Previous, false, 1},
		{"first", r.First, false, 1},
		{"next", r.Next, true, 2},
		{"previous", r.Previous, true, 1},
		{"last", r.Last, true, last},
		{"after the last", r.Next, false, last},
		{"a minute after the last", func() bool { return r.By(time.Minute) }, false, last},
		{"to a step", func() bool { return r.Reach(incident.Confirm) }, true, confirm},
		{"to the same step", func() bool { return r.Reach(incident.Confirm) }, false, confirm},
		{"to a time", func() bool { return r.Goto(facts[9].At) }, true, r.by(facts[9].At)},
		{"to a time before all", func() bool { return r.Goto(facts[0].At.Add(-time.Hour)) }, true, 1},
		{"a minute back from the first", func() bool { return r.By(-time.Minute) }, false, 1},
		{"to a time after all", func() bool { return r.Goto(facts[last-1].At.Add(time.Hour)) }, true, last},
		{"a day back", func() bool { return r.By(-24 * time.Hour) }, true, 1},
	} {
		moved := c.do()
		if at, _ := r.At(); moved != c.moved || at != c.want {
			t.Fatalf("%s: moved %v to %d, want %v and %d", c.name, moved, at, c.moved, c.want)
		}
	}
	if r.Reach(incident.Step(99)) {
		t.Error("a step that was never reached is reached")
	}
	was, _ := r.At()
	for r.By(30 * time.Second) { // at least a fact each time, over every gap
		if at, _ := r.At(); at <= was {
			t.Fatalf("from %d to %d", was, at)
		}
		was, _ = r.At()
	}
	if was != last {
		t.Errorf("by half minutes it ends at %d of %d", was, last)
	}
}

// When each step was first reached is known as far as the journal goes, and stays when
// the step is gone to once more.
func TestReaderSpans(t *testing.T) {
	facts := replaytest.Story()
	facts = append(facts, incident.Fact{At: facts[len(facts)-1].At.Add(time.Minute), Body: incident.Moved{To: incident.Choose}})
	source := replaytest.NewSource(facts[:1])
	r, err := Open(source, replaytest.Path)
	if err != nil {
		t.Fatal(err)
	}
	want := [incident.Close + 1]time.Time{incident.Assess: facts[0].At}
	for n, f := range facts {
		if n > 0 {
			source.Add(f)
			r.grow()
		}
		if m, ok := f.Body.(incident.Moved); ok && want[m.To].IsZero() {
			want[m.To] = f.At
		}
		if from, to, reached := r.Span(); !from.Equal(facts[0].At) || !to.Equal(f.At) || reached != want {
			t.Fatalf("after %d facts from %s to %s, reached %v, want %v", n+1, from, to, reached, want)
		}
	}
	if want[incident.Choose].IsZero() || want[incident.Verify].IsZero() {
		t.Errorf("the story reaches too little: %v", want)
	}
}

// What charts draw is in the samples of the journal: the component's figures, and
// those of the pods that a rollback brings.
func TestReaderKeepsHowItWent(t *testing.T) {
	r := opened(t, replaytest.Story())
	if !r.Reach(incident.Verify) {
		t.Fatal("Verify is not reached")
	}
	f := r.Snapshot().Seen.Figures["backend-python"]
	if n := len(f.Errors.Samples); n != 9 || f.Errors.Samples[0].V != .124 || f.Errors.Samples[n-1].V > .041 {
		t.Errorf("errors went %v", f.Errors.Samples)
	}
	if len(f.NewErrors) != 4 || f.NewErrors[0].V != 0 || !f.New.Errors.Known || f.Old.Errors.Value != f.Errors.Now.Value || len(f.NewP95) != 0 {
		t.Errorf("the new pods went %v; now %+v and %+v", f.NewErrors, f.Old, f.New)
	}
}

// A journal with nothing in it yet is nothing, and can begin.
func TestReaderOfNothing(t *testing.T) {
	source := replaytest.NewSource(nil)
	r, err := Open(source, replaytest.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, move := range []func() bool{r.First, r.Last, r.Next, r.Previous, func() bool { return r.By(time.Minute) }, func() bool { return r.Reach(incident.Assess) }} {
		if move() {
			t.Error("it moves")
		}
	}
	if at, of := r.At(); at != 0 || of != 0 || r.Snapshot() == nil || r.Snapshot().Incident.ID != "" {
		t.Errorf("at %d of %d: %+v", at, of, r.Snapshot())
	}
	facts := replaytest.Story()
	source.Add(facts...)
	r.grow()
	isFold(t, r, facts, len(facts))
	source.Fail(errors.New("the disk is gone"))
	if _, err := Open(source, replaytest.Path); err == nil || err.Error() != "the disk is gone" {
		t.Errorf("a journal that cannot be read: %v", err)
	}
}

// Follow tells each change once, asks whether the writer is there only when it
// has been quiet, and ends with its context.
func TestReaderFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		facts := replaytest.Story()
		source := replaytest.NewSource(slices.Clone(facts[:20]))
		r, err := Open(source, replaytest.Path)
		if err != nil {
			t.Fatal(err)
		}
		r.Last()
		var changes atomic.Int32
		ctx, stop := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { r.Follow(ctx, time.Second, func() { changes.Add(1) }) })
		after := func(d time.Duration, want int32, what string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := changes.Load(); got != want {
				t.Errorf("%s: %d changes, want %d", what, got, want)
			}
		}
		after(time.Minute, 0, "nothing is written")
		source.Add(facts[20:30]...)
		after(2*time.Second, 1, "facts")
		isFold(t, r, facts, 30)
		source.Fail(errors.New("line 31"))
		after(10*time.Second, 2, "it cannot be read")
		if r.Err() == nil {
			t.Error("nobody says that it cannot be read")
		}
		source.Fail(nil)
		after(2*time.Second, 3, "it can be read again")
		source.Add(facts[30])
		source.Leave(true)
		if after(10*time.Second, 4, "the writer has just left"); r.Left() {
			t.Error("it is said to have left after ten seconds without a fact")
		}
		if after(time.Minute, 5, "the writer has left"); !r.Left() {
			t.Error("nobody says that the writer has left")
		}
		source.Leave(false)
		source.Add(facts[31])
		if after(2*time.Second, 6, "another goes on"); r.Left() {
			t.Error("it has left, and writes")
		}
		select {
		case <-r.Changed():
		default:
			t.Error("Changed was not told")
		}
		stop()
		following.Wait()
		source.Add(facts[32:]...)
		after(time.Minute, 6, "after its end")
	})
}

// A step through a journal of 5,000 facts.
func BenchmarkSeek(b *testing.B) {
	facts := replaytest.Long(5000)
	r := opened(b, facts)
	for n := 0; b.Loop(); n++ {
		r.seek(1 + (n*7919)%len(facts))
	}
}

// Opening one.
func BenchmarkOpen(b *testing.B) {
	facts := replaytest.Long(5000)
	for b.Loop() {
		opened(b, facts)
	}
}

// One more fact at its end, as one who looks on gets it.
func BenchmarkGrow(b *testing.B) {
	facts := replaytest.Long(5000)
	source := replaytest.NewSource(slices.Clone(facts))
	r, err := Open(source, replaytest.Path)
	if err != nil {
		b.Fatal(err)
	}
	r.Last()
	for b.Loop() {
		source.Add(facts[len(facts)-1])
		r.grow()
	}
}

// Each slot gets its own plans, in their order, and its own lines of the preflight:
// those of one component in two roles are kept apart.
func TestReaderKnowsWhoseALineIs(t *testing.T) {
	python, front, schema := model.Release("backend-python"), model.Release("frontend"), model.Slot{Component: "backend-python", Role: model.RoleSchema}
	journal := func(first, second model.Slot) []incident.Fact {
		facts := replaytest.Story()
		for n, f := range facts {
			if c, ok := f.Body.(incident.Confirmed); ok {
				c.Plans = append(slices.Clip(c.Plans),
					model.Plan{ID: "plan-2", Role: front.Role, Component: front.Component, From: model.Revision("frontend-b", 3), To: model.Revision("frontend-a", 2)},
					model.Plan{ID: "plan-3", Role: schema.Role, Component: schema.Component, To: model.Version{Key: "0042", Label: "migration 0042", Short: "0042"}},
					model.Plan{ID: "plan-4", Role: schema.Role, Component: schema.Component, To: model.Version{Key: "0041", Label: "migration 0041", Short: "0041"}})
				c.Checks = []model.Check{{ID: "a", State: model.CheckOK, Component: first.Component, Role: first.Role},
					{ID: "b", State: model.CheckOK, Component: second.Component, Role: second.Role}}
				facts[n].Body = c
			}
		}
		return facts
	}
	for _, tt := range []struct {
		first, second model.Slot
		lines         map[model.Slot]string
	}{
		{python, front, map[model.Slot]string{python: "a", front: "b"}},
		{front, front, map[model.Slot]string{front: "ab"}},
		{schema, python, map[model.Slot]string{schema: "a", python: "b"}},
	} {
		r := opened(t, journal(tt.first, tt.second))
		r.Reach(incident.Confirm)
		all := r.Snapshot().Seen.Preflight
		for slot, plans := range map[model.Slot][]string{python: {"plan-41"}, front: {"plan-2"}, schema: {"plan-3", "plan-4"}} {
			p := all[slot]
			if p == nil {
				t.Fatalf("%v: no preflight", slot)
			}
			var ids []string
			for _, plan := range p.Plans {
				ids = append(ids, plan.ID)
			}
			lines := ""
			for _, k := range p.Checks {
				lines += k.ID
			}
			if !slices.Equal(ids, plans) || lines != tt.lines[slot] || p.Slot != slot || !p.Done {
				t.Errorf("lines of %v and %v: %v has plans %v, lines %q, slot %v, done %v", tt.first, tt.second, slot, ids, lines, p.Slot, p.Done)
			}
		}
		if len(all) != 3 {
			t.Errorf("%d preflights", len(all))
		}
	}
}

// What could be chosen from is shown as the operator saw it: not before it was read, and
// as it was read last.
func TestReaderShowsTheHistory(t *testing.T) {
	facts := replaytest.Story()
	r := opened(t, facts)
	slot := model.Release("backend-python")
	if !r.Reach(incident.Choose) {
		t.Fatal("Choose is not reached")
	}
	h := r.Snapshot().Seen.History[slot]
	if h == nil || h.Err != "" || len(h.Candidates) != 3 || h.Current() == nil || h.Candidates[1].Behaviour.Errors.Value != .002 || len(h.Candidates[1].Changes) != 2 {
		t.Fatalf("%+v", h)
	}
	if m := r.Snapshot().MarkOf(h, &h.Candidates[1]); m != incident.MarkGood {
		t.Errorf("the version that was proposed is marked %q", m)
	}
	for r.Snapshot().Incident.HistoryRead(slot) != nil {
		r.Previous()
	}
	if h := r.Snapshot().Seen.History[slot]; h == nil || h.Err != "" || !h.At.IsZero() || len(h.Candidates) != 0 {
		t.Errorf("while it was being read: %+v", h)
	}
	again := slices.DeleteFunc(slices.Clone(facts), func(f incident.Fact) bool { _, is := f.Body.(incident.HistoryRead); return is })
	r = opened(t, again)
	r.Reach(incident.Choose)
	if h := r.Snapshot().Seen.History[slot]; h == nil || !strings.Contains(h.Err, NotKept) {
		t.Errorf("of a journal that keeps none: %+v", h)
	}
}

// Each kind of fact is told in words, alone and after itself.
func TestReaderTellsEachKind(t *testing.T) {
	raw, err := os.ReadFile("../incident/testdata/format2-kinds.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var f incident.Fact
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		r := opened(t, []incident.Fact{f, f})
		for range 2 {
			if said := r.Line(); said == "" || strings.Contains(said, "incident.") {
				t.Errorf("%s: %q", line, said)
			}
			r.Next()
		}
	}
}
