package incident

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// kept returns the histories that are among facts.
func kept(facts []Fact) (out []HistoryRead) {
	for _, f := range facts {
		if b, ok := f.Body.(HistoryRead); ok {
			out = append(out, b)
		}
	}
	return out
}

// What could be chosen from is kept once for each reading, before what is proposed of it.
func TestHistoryIsKept(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
	w.do(Next{})
	current := served(42, 0.3)
	current.Current = true
	w.history(current, served(41, 0.002))
	w.seen.History[backend].At = time.Time{}
	w.do(Observed{})
	if all := kept(w.facts); len(all) != 0 {
		t.Fatalf("kept before its figures were read: %+v", all)
	}
	w.history(current, served(41, 0.002))
	w.do(Observed{})
	w.do(Observed{})
	all := kept(w.facts)
	if len(all) != 1 || all[0].Slot() != backend || len(all[0].Candidates) != 2 || w.inc.HistoryRead(backend) == nil {
		t.Fatalf("%+v", all)
	}
	if c, ok := w.facts[len(w.facts)-1].Body.(Chosen); !ok || c.Choice.To.Key != owner(41) {
		t.Errorf("what is proposed comes before what it is of: %+v", w.facts[len(w.facts)-1])
	}
	w.wait(time.Minute)
	w.history(current)
	w.do(Observed{})
	w.seen.History = map[model.Slot]*model.History{backend: {Component: "backend-python", Method: "undo", Err: "forbidden"}}
	w.do(Observed{})
	w.do(Observed{})
	if all := kept(w.facts); len(all) != 3 || all[2].Err != "forbidden" || len(w.inc.Histories) != 1 {
		t.Errorf("read twice more: %+v", all)
	}
}

// A journal keeps of a history what a page shows, and not more than it needs: no query,
// no more than so many versions and changes, and how many it left out.
func TestHistoryIsKeptSmall(t *testing.T) {
	h := model.History{Component: "a", Method: "undo", At: time.Now()}
	for range 50 {
		c := served(41, 0.002)
		c.Start, c.Now = time.Now(), c.Behaviour
		c.Now.P95.Query = strings.Repeat("q", 1000)
		c.Behaviour.Requests = model.Unknown(c.Now.P95.Query, "no series")
		for range 40 {
			c.Changes = append(c.Changes, model.Change{Kind: "env", What: "A", From: "literal", To: "changed"})
		}
		h.Candidates = append(h.Candidates, c)
	}
	b := keptHistory(model.RoleRelease, h)
	f := Fact{At: t0, Body: b}
	line, err := f.MarshalJSON()
	if err != nil || len(line) > 40<<10 {
		t.Fatalf("%d bytes, %v", len(line), err)
	}
	if len(b.Candidates) != historyMost || b.Left != 30 || len(b.Candidates[0].Changes) != changesMost || b.Candidates[0].ChangesLeft != 28 {
		t.Errorf("%d versions and %d more, %d changes and %d more", len(b.Candidates), b.Left, len(b.Candidates[0].Changes), b.Candidates[0].ChangesLeft)
	}
	if h.Candidates[0].ChangesLeft != 0 || len(h.Candidates[0].Changes) != 40 {
		t.Error("what is shown was changed")
	}
	var again Fact
	if err := json.Unmarshal(line, &again); err != nil || !reflect.DeepEqual(again.Body, f.Body) {
		t.Errorf("it is read back as\n%+v\nwant\n%+v\n%v", again.Body, f.Body, err)
	}
}

// What a release changed is read beside the walk: of what has a trigger and of which
// nothing is chosen, by a way that asks the cluster alone, once for each release.
func TestHistoriesWanted(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world)
		want int
	}{
		"an error ratio over its limit": {func(*world) {}, 1},
		"another trigger of the same":   {func(w *world) { w.inc.Triggers = append(w.inc.Triggers, w.inc.Triggers...) }, 1},
		"nothing is over a limit":       {func(w *world) { w.inc.Triggers = nil }, 0},
		"it is chosen":                  {func(w *world) { w.inc.Choices = []Choice{{Slot: backend}} }, 0},
		"the way asks elsewhere":        {func(w *world) { w.seen.Ways[0].Near = false }, 0},
		"it ran nothing before":         {func(w *world) { w.component("backend-python", func(c *model.Component) { c.Past = nil }) }, 0},
		"it has ended":                  {func(w *world) { w.inc.End = &End{} }, 0},
		"it was read":                   {func(w *world) { w.readRelease(42, 41) }, 0},
		"it was read of the one before": {func(w *world) { w.readRelease(41, 40) }, 1},
		"it could not be read": {func(w *world) {
			w.inc.Histories = []HistoryRead{{Role: backend.Role, History: model.History{Component: "backend-python", Err: "forbidden"}}}
		}, 1},
	} {
		w := newWorld(t, nil)
		w.seen.Ways = []Way{{Method: "undo", Near: true}}
		w.component("backend-python", func(c *model.Component) { c.Past = []model.Earlier{{Owner: owner(41), Revision: 41}} })
		w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
		w.do(Observed{})
		w.inc.Triggers = slices.Clone(w.inc.Triggers)
		c.do(w)
		if got := HistoriesWanted(w.snap()); len(got) != c.want || c.want > 0 && (got[0].Slot != backend || got[0].Method != "undo" || !got[0].Until.Equal(w.inc.Onset)) {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
}

// What could not be read on Choose is read again: a pod that answers late, a token that
// has run out and is there again.
func TestFailedHistoryIsReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world)
		want int
	}{
		"the schema could not be read": {func(*world) {}, 1},
		"it was read":                  {func(w *world) { w.seen.History[Schema("backend-python")].Err = "" }, 0},
		"another page":                 {func(w *world) { w.inc.Step = Confirm }, 0},
		"its component is gone":        {func(w *world) { w.seen.Board = nil }, 0},
		"it has ended":                 {func(w *world) { w.inc.End = &End{} }, 0},
	} {
		w := newWorld(t, nil)
		w.do(Observed{})
		w.inc.Step = Choose
		w.seen.History = map[model.Slot]*model.History{Schema("backend-python"): {Component: "backend-python", Method: "migrate", Err: "no answer"}}
		c.do(w)
		got := HistoriesWanted(w.snap())
		if len(got) != c.want || c.want > 0 && (got[0].Slot != Schema("backend-python") || got[0].Method != "migrate") {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
}

// readRelease lets the history of a release be kept that came after another.
func (w *world) readRelease(now, before int) {
	current := served(now, 0.3)
	current.Current = true
	was := served(before, 0.002)
	was.Changes = []model.Change{{Kind: "image", From: "a:2", To: "a:1"}}
	w.inc.Histories = []HistoryRead{{Role: backend.Role, History: model.History{Component: "backend-python", Method: "undo", Candidates: []model.Candidate{current, was}}}}
}

// What was read before anybody chose is kept, and tells what the release changed.
func TestReleaseIsKept(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.readRelease(42, 41)
	h := w.inc.Histories[0].History
	h.At, w.inc.Histories = w.now, nil
	w.seen.History = map[model.Slot]*model.History{backend: &h}
	w.do(Observed{})
	w.do(Observed{})
	if n := len(kept(w.facts)); n != 1 {
		t.Fatalf("kept %d times", n)
	}
	if x := w.inc.Released("backend-python"); x == nil || !x.To.Is(revision(42)) || !x.From.Is(revision(41)) || len(x.Changes) != 1 {
		t.Errorf("%+v", x)
	}
	if x := w.inc.Released("frontend"); x != nil {
		t.Errorf("nothing was read, and it changed %+v", x)
	}
	w.inc.Histories[0].Candidates = w.inc.Histories[0].Candidates[:1]
	if x := w.inc.Released("backend-python"); x != nil {
		t.Errorf("nothing ran before, and it changed %+v", x)
	}
}
