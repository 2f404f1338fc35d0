package incident

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/engine/walktest"
	"rollbook/model"
)

var pythonSchema = Schema("backend-python")

// migrated offers to take back the migrations of backend-python: four are applied, and
// the code of revision 41 ends at the second.
func (w *world) migrated(final ...string) {
	w.seen.Ways = append(w.seen.Ways, Way{Method: "migrate", Title: "migrations", Role: model.RoleSchema, Serves: func(c string) bool { return c == "backend-python" }})
	w.schemaAt("d4", final...)
}

func (w *world) schemaAt(at string, final ...string) {
	h := &model.History{Component: "backend-python", Method: "migrate", At: w.now, Heads: []model.Head{{Owner: owner(41), Key: "b2", By: "a pod of it"}}}
	for _, key := range []string{"d4", "c3", "b2", "a1", "base"} {
		if h.Candidates == nil && key != at {
			continue
		}
		k := model.Candidate{Version: model.Version{Key: key, Label: "migration " + key, Short: key}, Current: key == at}
		if slices.Contains(final, key) {
			k.Final = "NotImplementedError"
		}
		h.Candidates = append(h.Candidates, k)
	}
	if w.seen.History == nil {
		w.seen.History = map[model.Slot]*model.History{}
	}
	w.seen.History[pythonSchema] = h
}

// planned makes the preflights of both.
func (w *world) planned() {
	w.preflight()
	c := w.inc.Choice(pythonSchema)
	if c == nil {
		return
	}
	n := len(w.inc.Attempts) + 1
	w.seen.Preflight[backend].Plans[0].ID = fmt.Sprintf("release-%d", n)
	w.seen.Preflight[pythonSchema] = &model.Preflight{Slot: pythonSchema, To: c.To.Key, Done: true, Plans: []model.Plan{{
		ID: fmt.Sprintf("schema-%d", n), Method: "migrate", Role: model.RoleSchema, Component: "backend-python", To: c.To, Title: "Take back", Sentence: "data will be lost"}}}
}

// both has the schema and the release of backend-python chosen, at the confirmation.
func both(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, nil)
	w.migrated()
	w.toConfirm()
	w.do(Back{})
	w.schemaAt("d4")
	w.do(PickSchema{Component: "backend-python", To: "b2"})
	w.do(Next{})
	w.planned()
	return w
}

func (w *world) confirmBoth() []model.Plan {
	var ids []string
	for _, c := range w.inc.Open() {
		ids = append(ids, w.seen.Preflight[c.Slot].Plans[0].ID)
	}
	w.effects = nil
	w.do(ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: ids, Sentences: []string{"data will be lost"}})
	return w.written()
}

// written are the plans that are to be written, and were not looked at before.
func (w *world) written() (out []model.Plan) {
	for _, e := range w.effects {
		if x, is := e.(WritePlan); is {
			out = append(out, x.Plan)
		}
	}
	w.effects = nil
	return out
}

func TestMigrationsAreToldOnChoose(t *testing.T) {
	for name, x := range map[string]struct {
		set  func(w *world)
		want string
	}{
		"some":         {func(*world) {}, "2 migrations since revision 41"},
		"one":          {func(w *world) { w.schemaAt("c3") }, "1 migration since revision 41"},
		"none":         {func(w *world) { w.schemaAt("b2") }, "no migration since revision 41"},
		"irreversible": {func(w *world) { w.schemaAt("d4", "c3") }, "2 migrations since revision 41, one irreversible"},
		"two of them":  {func(w *world) { w.schemaAt("d4", "c3", "d4") }, "2 migrations since revision 41, 2 irreversible"},
		"an older one": {func(w *world) { w.schemaAt("d4", "a1") }, "2 migrations since revision 41"},
		"nobody knows": {func(w *world) { w.seen.History[pythonSchema].Heads = nil }, "at which migration the code of revision 41 ends is not known"},
		"not applied":  {func(w *world) { w.seen.History[pythonSchema].Heads[0].Key = "e5" }, "ends at e5, by a pod of it, which is not among the migrations that are applied"},
		"told by the tag of its image, which git has with a v": {func(w *world) {
			w.inc.Choice(backend).To.Tag = "v1.41.0"
			w.seen.History[pythonSchema].Heads = []model.Head{{Tag: "1.41.0", Key: "b2", By: "rollbook.yaml"}}
		}, "2 migrations since v1.41.0"},
		"cannot be read": {func(w *world) {
			w.seen.History[pythonSchema] = &model.History{Component: "backend-python", Method: "migrate", Err: "no pod runs"}
		}, "no pod runs"},
		"not yet": {func(w *world) { delete(w.seen.History, pythonSchema) }, "reading which migrations are applied"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.migrated()
			w.toConfirm()
			w.schemaAt("d4")
			x.set(w)
			got := w.snap().MigrationsSince("backend-python")
			if got == nil || !strings.Contains(got.Words(), x.want) {
				t.Fatalf("%+v", got)
			}
			if name != "not yet" { // and from the journal alone
				w.do(Observed{})
				kept := Snapshot{Incident: w.inc, Now: w.now, Seen: Seen{History: map[model.Slot]*model.History{}}}
				for n := range w.inc.Histories {
					kept.Seen.History[w.inc.Histories[n].Slot()] = &w.inc.Histories[n].History
				}
				if again := kept.MigrationsSince("backend-python"); again == nil || again.Words() != got.Words() {
					t.Errorf("looked at afterwards: %+v, want %q", again, got.Words())
				}
			}
			line := slices.IndexFunc(CheckLines(w.snap(), *w.inc.Choice(backend)), func(k model.Check) bool { return k.ID == "migrations" })
			if line < 0 {
				t.Error("the preflight does not tell")
			}
		})
	}
	w := newWorld(t, nil)
	w.toConfirm()
	if got := w.snap().MigrationsSince("backend-python"); got != nil {
		t.Errorf("nothing is configured: %+v", got)
	}
}

// Entering Choose reads what is applied, without anybody asking.
func TestMigrationsAreReadOnChoose(t *testing.T) {
	w := newWorld(t, nil)
	w.migrated()
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
	w.do(Next{})
	n := 0
	for _, e := range w.effects {
		if x, is := e.(ReadHistory); is && x.Slot == pythonSchema && x.Method == "migrate" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("read %d times", n)
	}
	if ways := w.snap().Ways("backend-python"); len(ways) != 1 || ways[0].Method != "undo" {
		t.Errorf("migrations are no way back: %+v", ways)
	}
}

// The schema goes first, whatever was chosen first; the release waits for its end; the
// sentence is asked for.
func TestSchemaGoesBeforeItsRelease(t *testing.T) {
	w := both(t)
	if open := w.inc.Open(); len(open) != 2 || open[0].Slot != pythonSchema || open[1].Slot != backend {
		t.Fatalf("open %+v", open)
	}
	if got := w.snap().Sentences(); !slices.Equal(got, []string{"data will be lost"}) {
		t.Errorf("to be typed: %q", got)
	}
	w.do(ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: []string{"schema-1", "release-1"}})
	if len(w.inc.Attempts) != 0 {
		t.Fatal("confirmed without the sentence")
	}
	if got := w.confirmBoth(); len(got) != 1 || got[0].Role != model.RoleSchema {
		t.Fatalf("written first: %+v", got)
	}
	w.do(Wrote{WriteID: WriteID{1, "schema-1"}, Receipt: &model.Receipt{At: w.now}})
	w.settledAs(model.PhaseRunning)
	if got := w.written(); len(got) != 0 {
		t.Fatalf("written while the schema is on its way: %+v", got)
	}
	w.settledAs(model.PhaseFinished)
	if got := w.written(); len(got) != 1 || got[0].Role != model.RoleRelease {
		t.Fatalf("written after it: %+v", got)
	}
	if w.inc.Attempt().Writes[0].State != Done {
		t.Errorf("%+v", w.states())
	}
}

// One that ends half-way stops what was to follow. It is planned anew from where it
// stands, or left as it is.
func TestSchemaThatStopsHalfWay(t *testing.T) {
	for name, leave := range map[string]bool{"goes on": false, "is left": true} {
		t.Run(name, func(t *testing.T) {
			w := both(t)
			w.confirmBoth()
			w.do(Wrote{WriteID: WriteID{1, "schema-1"}, Receipt: &model.Receipt{At: w.now}})
			w.settledAs(model.PhaseFailed)
			if got := w.states(); !slices.Equal(got, []AttemptState{Stopped, Pending}) || len(w.written()) != 0 {
				t.Fatalf("%v", got)
			}
			if w.inc.Step != Confirm || w.inc.Asked != AskFailed || !strings.Contains(w.inc.AskText, "the schema of backend-python: failed. Nothing of what was to follow was written.") {
				t.Errorf("at %s, asked %q: %s", w.inc.Step.Name(), w.inc.Asked, w.inc.AskText)
			}
			w.schemaAt("c3")
			if leave {
				w.do(LeaveSchema{Component: "backend-python"})
			}
			w.planned()
			got := w.confirmBoth()
			if want := map[bool]model.Role{true: model.RoleRelease, false: model.RoleSchema}[leave]; len(got) != 1 || got[0].Role != want || got[0].Waits {
				t.Fatalf("written: %+v", got)
			}
			w.do(Wrote{WriteID: WriteID{2, got[0].ID}, Receipt: &model.Receipt{At: w.now}})
			w.undone()
			w.settledAs(model.PhaseFinished)
			for _, p := range w.written() {
				w.do(Wrote{WriteID: WriteID{2, p.ID}, Receipt: &model.Receipt{At: w.now}})
				w.settledAs(model.PhaseFinished)
			}
			if why := RollBack.Blocked(w.snap()); why != "" {
				t.Errorf("blocked: %s", why)
			}
		})
	}
}

// After a crash the release is confirmed anew, and still waits for the schema.
func TestReleaseWaitsForItsSchemaAfterACrash(t *testing.T) {
	w := both(t)
	w.confirmBoth()
	w.do(Wrote{WriteID: WriteID{1, "schema-1"}, Receipt: &model.Receipt{At: w.now}})
	w.inc = Fold(w.facts)
	w.do(TakenUp{})
	if w.inc.Step != Confirm || !slices.Equal(w.states(), []AttemptState{Rolling, Failed}) {
		t.Fatalf("at %s: %v", w.inc.Step.Name(), w.states())
	}
	w.planned()
	if open := w.inc.Open(); len(open) != 1 || open[0].Slot != backend {
		t.Fatalf("open %+v", open)
	}
	if got := w.confirmBoth(); len(got) != 0 {
		t.Fatalf("written while the schema is on its way: %+v", got)
	}
	w.settledAs(model.PhaseFinished)
	if got := w.written(); len(got) != 1 || !got[0].Waits {
		t.Fatalf("after its end: %+v", got)
	}
}

func TestWhatIsNoChoiceOfASchema(t *testing.T) {
	w := newWorld(t, nil)
	w.migrated()
	w.toConfirm()
	w.schemaAt("d4")
	w.seen.History[pythonSchema].Candidates[3].Refused = "c3 cannot be undone"
	for _, do := range []Act{PickSchema{"backend-python", "d4"}, PickSchema{"backend-python", "a1"}, PickSchema{"backend-python", "zz"}, PickSchema{"frontend", "b2"}, LeaveSchema{"backend-python"}} {
		w.do(do)
		if len(w.inc.Choices) != 1 {
			t.Errorf("%+v: %+v", do, w.inc.Choices)
		}
	}
	w.do(PickSchema{"backend-python", "b2"})
	w.do(Select{Component: "backend-python"})
	if len(w.inc.Choices) != 0 {
		t.Errorf("the component was taken out, and left is %+v", w.inc.Choices)
	}
}

// Whatever comes, in whatever order: a release is never written while its schema is on
// its way, nor after it in one attempt that did not come to its end; each write has one
// intent, and nothing is written on a word from before a crash.
func TestSchemaWalks(t *testing.T) {
	written, stopped := 0, 0
	taken := walktest.Each(t, 300, func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := both(t)
		for range 40 {
			w.now = w.now.Add(time.Duration(r.IntN(60)) * time.Second)
			var open []WriteID
			for _, a := range w.inc.Attempts {
				for _, x := range a.Writes {
					if x.State == Writing || x.State == Unsettled || x.State == Rolling {
						open = append(open, WriteID{a.N, x.Plan.ID})
					}
				}
			}
			id := WriteID{}
			if len(open) > 0 {
				id = open[r.IntN(len(open))]
			}
			switch r.IntN(12) {
			case 0, 1:
				if w.inc.Step == Confirm {
					w.planned()
					w.confirmOpen()
				}
			case 2, 3:
				w.do(Wrote{WriteID: id, Receipt: &model.Receipt{At: w.now}})
			case 4:
				w.do(Wrote{WriteID: id, Err: "no"})
			case 5:
				w.do(Wrote{WriteID: id, Lost: "reset"})
			case 6:
				w.do(Settled{WriteID: id, State: []model.Settled{model.SettledDone, model.SettledNot, model.SettledForeign}[r.IntN(3)]})
			case 7:
				w.settledAs([]model.Phase{model.PhaseRunning, model.PhaseFailed}[r.IntN(2)])
			case 8:
				w.settledAs([]model.Phase{model.PhaseFinished, model.PhaseReverted}[r.IntN(5)/4])
			case 9:
				w.do([]Act{LeaveSchema{"backend-python"}, PickSchema{"backend-python", "b2"}, PickSchema{"backend-python", "c3"}}[r.IntN(3)])
			case 10:
				w.do([]Act{Next{}, Back{}, Goto{Step: Confirm}}[r.IntN(3)])
			case 11:
				w.inc = Fold(w.facts)
				w.do(TakenUp{})
			}
			for _, p := range w.written() {
				written++
				w.inOrder(t, p)
			}
		}
		for _, f := range w.facts {
			if _, is := f.Body.(WriteStopped); is {
				stopped++
			}
		}
		if got := Fold(w.facts); !reflect.DeepEqual(got, w.inc) {
			t.Fatal("the fold is another incident")
		}
	})
	if taken >= 100 && (written < taken || stopped < taken/10) {
		t.Errorf("%d writes, %d of which stopped: nothing was tried", written, stopped)
	}
}

// confirmOpen confirms what is open, without looking at what follows.
func (w *world) confirmOpen() {
	var ids []string
	for _, c := range w.inc.Open() {
		if p := w.seen.Preflight[c.Slot]; p != nil {
			ids = append(ids, p.Plans[0].ID)
		}
	}
	w.do(ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: ids, Sentences: []string{"data will be lost"}})
}

func (w *world) inOrder(t *testing.T, p model.Plan) {
	t.Helper()
	a := w.inc.Attempt()
	n := slices.IndexFunc(a.Writes, func(x Write) bool { return x.Plan.ID == p.ID })
	if n < 0 {
		t.Fatalf("%s is written, and is not of the newest attempt", p.ID)
	}
	for _, x := range a.Writes[:n] {
		if x.State != Done && (p.Waits || x.State != Rolling) {
			t.Fatalf("%s is written after %s, which is %q", p.ID, x.Plan.ID, x.State)
		}
	}
	if p.Role != model.RoleRelease {
		return
	}
	for _, s := range w.inc.Standing() {
		if s.Write.Plan.Role == model.RoleSchema && s.Write.underWay() {
			t.Fatalf("%s is written while %s is %q", p.ID, s.Write.Plan.ID, s.Write.State)
		}
	}
}
