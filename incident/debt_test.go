package incident

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"rollbook/model"
)

// off is a plan that switches a component off, on one that puts it back.
func switched(component, id, from, to, owes string) model.Plan {
	v := func(n string) model.Version {
		return model.Version{Key: n, Label: n + " replicas", Short: n}
	}
	return model.Plan{ID: id, Method: "scale", Role: model.RoleSwitch, Component: component, From: v(from), To: v(to),
		Title: "Scale " + component + " from " + from + " to " + to, Owes: owes}
}

// choosing puts a write into the confirmation, as a page of recovery would.
func (w *world) choosing(p model.Plan) {
	slot := p.Slot()
	w.fold(Fact{At: w.now, By: "maria", Body: Chosen{Choice{Slot: slot, Method: p.Method, From: p.From, To: p.To, Own: true}}})
	w.fold(Fact{At: w.now, By: "maria", Body: Moved{To: Confirm}})
	w.checked(p)
}

func (w *world) checked(p model.Plan) {
	w.seen.Preflight = map[model.Slot]*model.Preflight{p.Slot(): {Slot: p.Slot(), To: p.To.Key, Done: true, Plans: []model.Plan{p}}}
}

// settledAs tells Decide how far each write is, instead of the board.
func (w *world) settledAs(phase model.Phase) {
	w.cameTo(model.Progress{Phase: phase, Text: string(phase)})
}

func (w *world) cameTo(p model.Progress) {
	w.seen.Progress = map[WriteID]model.Progress{}
	for _, s := range w.inc.Standing() {
		w.seen.Progress[s.WriteID] = p
	}
	w.seen.Cluster.Heard = w.now
	facts, effects := Decide(w.inc, w.seen, Input{At: w.now, Do: Observed{}})
	for _, f := range facts {
		w.fold(f)
	}
	w.effects = append(w.effects, effects...)
}

func (w *world) confirms(t *testing.T, p model.Plan) WriteID {
	t.Helper()
	id := WriteID{len(w.inc.Attempts) + 1, p.ID}
	if n := writes(w.do(ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: []string{p.ID}})); n != 1 {
		t.Fatalf("%s: %d writes: %s", p.Title, n, w.inc.Step.Blocked(w.snap()))
	}
	return id
}

func TestDebt(t *testing.T) {
	w := newWorld(t, nil)
	w.do(Next{})
	off := switched("backend-python", "off", "3", "0", "backend-python is scaled to 0")
	w.choosing(off)
	if len(w.inc.Owed()) != 0 {
		t.Fatal("owed before anything was written")
	}
	id := w.confirms(t, off)
	// From the intent on: after kill -9 nobody knows whether it was written.
	if o := w.inc.Owed(); len(o) != 1 || !o[0].Unsure || o[0].By != "maria" || o[0].What != off.Owes {
		t.Fatalf("owed %+v", o)
	}
	w.wait(time.Second)
	w.do(Wrote{WriteID: id, Receipt: &model.Receipt{At: w.now, Text: "scaled"}})
	w.settledAs(model.PhaseFinished)
	if o := w.inc.Owed(); len(o) != 1 || o[0].Unsure || o[0].Paying || !o[0].Since.Equal(w.now) {
		t.Fatalf("owed %+v", o)
	}
	if got := LeaseOwes(&w.inc, "backend-python"); len(got) != 1 {
		t.Errorf("the Lease tells %q", got)
	}

	// Everything of the checklist is settled, and it stays open.
	w.do(EndIncident{Outcome: FixedOtherwise})
	for _, it := range w.inc.Items {
		w.do(SettleItem{ID: it.ID, Waive: true, Reason: "test"})
	}
	if !w.inc.Closed.IsZero() {
		t.Fatal("closed with a debt")
	}
	if why := Close.Blocked(w.snap()); why != "to be put back first: backend-python is scaled to 0" {
		t.Errorf("blocked by %q", why)
	}
	if l := LeasesWanted(&w.inc); len(l) != 1 || l[0] != "backend-python" {
		t.Errorf("its Lease is given up: %q", l)
	}

	// The one who ended in between is resumed from the journal alone.
	raw, err := json.Marshal(w.facts)
	if err != nil {
		t.Fatal(err)
	}
	var back []Fact
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if again := Fold(back); !reflect.DeepEqual(again.Owed(), w.inc.Owed()) {
		t.Errorf("read back: %+v, want %+v", again.Owed(), w.inc.Owed())
	}

	// Putting it back is a write like any other, and pays when it has come to its end.
	w.do(Pay{Write: id})
	c := w.inc.Choice(off.Slot())
	if c == nil || c.Pays != "off" || c.To != off.From || c.From != off.To || w.inc.Step != Confirm {
		t.Fatalf("chosen %+v at %s", c, w.inc.Step.Name())
	}
	on := switched("backend-python", "on", "0", "3", "")
	w.checked(on)
	paying := w.confirms(t, on)
	w.do(Wrote{WriteID: paying, Receipt: &model.Receipt{At: w.now, Text: "scaled"}})
	w.settledAs(model.PhaseRunning)
	if o := w.inc.Owed(); len(o) != 1 || !o[0].Paying {
		t.Fatalf("on its way back: %+v", o)
	}
	w.settledAs(model.PhaseFinished)
	if o := w.inc.Owed(); len(o) != 0 {
		t.Fatalf("still owed %+v", o)
	}
}

// A debt is waived by name and with a reason, never in passing.
func TestDebtWaived(t *testing.T) {
	w := newWorld(t, nil)
	w.do(Next{})
	off := switched("frontend", "off", "2", "0", "frontend is scaled to 0")
	w.choosing(off)
	id := w.confirms(t, off)
	w.do(Wrote{WriteID: id, Receipt: &model.Receipt{At: w.now}})
	w.do(WaiveDebt{Write: id})
	w.do(WaiveDebt{Write: WriteID{1, "other"}, Reason: "x"})
	if len(w.inc.Owed()) != 1 {
		t.Fatal("waived without a reason")
	}
	w.do(WaiveDebt{Write: id, Reason: "it is to be deleted"})
	if len(w.inc.Owed()) != 0 || w.inc.Waived[id].Reason != "it is to be deleted" || w.inc.Waived[id].By != "maria" {
		t.Errorf("%+v", w.inc.Waived)
	}
}

// Nothing is owed for a write that is known not to have happened.
func TestNoDebtWithoutAWrite(t *testing.T) {
	for name, out := range map[string]func(WriteID) Act{
		"changed": func(id WriteID) Act { return Wrote{WriteID: id, Changed: "image"} },
		"refused": func(id WriteID) Act { return Wrote{WriteID: id, Err: "forbidden"} },
		"looked":  func(id WriteID) Act { return Settled{WriteID: id, State: model.SettledNot} },
	} {
		w := newWorld(t, nil)
		w.do(Next{})
		off := switched("frontend", "off", "2", "0", "frontend is scaled to 0")
		w.choosing(off)
		id := w.confirms(t, off)
		if name == "looked" {
			w.do(Wrote{WriteID: id, Lost: "reset"})
			w.do(out(id))
			if o := w.inc.Owed(); len(o) != 1 || !o[0].Unsure {
				t.Errorf("it may still arrive, and nothing is owed: %+v", o)
			}
			w.now = w.now.Add(2 * time.Minute)
		}
		w.do(out(id))
		if o := w.inc.Owed(); len(o) != 0 {
			t.Errorf("%s: owed %+v", name, o)
		}
	}
	// Without an answer, and with somebody else's hand on it, it may be.
	w := newWorld(t, nil)
	w.do(Next{})
	off := switched("frontend", "off", "2", "0", "frontend is scaled to 0")
	w.choosing(off)
	id := w.confirms(t, off)
	w.do(Wrote{WriteID: id, Lost: "reset"})
	if len(w.inc.Owed()) != 1 {
		t.Error("an unknown outcome owes nothing")
	}
	w.do(Settled{WriteID: id, State: model.SettledDone})
	w.settledAs(model.PhaseReverted)
	if len(w.inc.Owed()) != 1 {
		t.Error("reverted by somebody else, and nobody has looked")
	}
}

// A plan that waits is written when what goes before it has finished, not when it was
// accepted; after a crash it is confirmed anew, and waits again.
func TestWaits(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	schema := model.Slot{Component: "backend-python", Role: model.RoleSchema}
	w.fold(Fact{At: w.now, By: "maria", Body: Chosen{Choice{Slot: schema, Method: "migrate", To: model.Version{Key: "b2"}, Own: true}}})
	first := model.Plan{ID: "schema", Method: "migrate", Role: model.RoleSchema, Component: "backend-python", To: model.Version{Key: "b2"}, Title: "Downgrade"}
	w.seen.Preflight[schema] = &model.Preflight{Slot: schema, To: "b2", Done: true, Plans: []model.Plan{first}}
	w.seen.Preflight[backend].Plans[0].Waits = true
	w.inc.Choices[0], w.inc.Choices[1] = w.inc.Choices[1], w.inc.Choices[0] // the schema goes first
	if n := writes(w.do(ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: []string{"plan-1", "schema"}})); n != 1 {
		t.Fatalf("%d writes at once", n)
	}
	w.effects = nil
	w.do(Wrote{WriteID: WriteID{1, "schema"}, Receipt: &model.Receipt{At: w.now}})
	if n := writes(w.effects); n != 0 {
		t.Fatal("written while what goes before it is still on its way")
	}
	crashed := *w
	crashed.inc, crashed.effects = Fold(w.facts), nil
	crashed.do(TakenUp{})
	if n := writes(crashed.effects); n != 0 {
		t.Error("written after a crash, without a new word")
	}
	w.settledAs(model.PhaseFinished)
	if n := writes(w.effects); n != 1 {
		t.Fatalf("%d writes after the end of the first", n)
	}
}

// Steps go in their order, but for those that may go first; each is settled by a
// write, by hand, or left out with a reason.
func TestProcedure(t *testing.T) {
	w := newWorld(t, nil)
	w.do(Next{})
	off := switched("backend-python", "off", "3", "0", "backend-python is scaled to 0")
	w.do(BeginProcedure{Course: CourseRecovery, Steps: []ProcedureStep{
		{ID: "stop", Text: "stop the traffic", Slot: off.Slot(), Method: "scale", To: off.To},
		{ID: "restore", Text: "restore the database"},
		{ID: "tell", Text: "tell the users", Any: true},
	}})
	p := func() *Procedure { return w.inc.Procedure(CourseRecovery) }
	if p() == nil || p().Open() != 3 {
		t.Fatalf("%+v", w.inc.Procedures)
	}
	w.do(SettleStep{Course: CourseRecovery, ID: "restore"})
	if p().Step("restore").State != ItemOpen {
		t.Error("out of turn")
	}
	w.do(SettleStep{Course: CourseRecovery, ID: "tell"})
	if p().Step("tell").State != ItemDone {
		t.Error("it may be done at any time")
	}
	w.do(SettleStep{Course: CourseRecovery, ID: "restore", Waive: true})
	if p().Step("restore").State != ItemOpen {
		t.Error("left out without a reason")
	}
	w.do(TakeStep{Course: CourseRecovery, ID: "restore"})
	if w.inc.Step == Confirm {
		t.Error("what is done by hand is no write")
	}
	w.do(TakeStep{Course: CourseRecovery, ID: "stop"})
	w.checked(off)
	id := w.confirms(t, off)
	if a := w.inc.Attempt(); a.Course != CourseRecovery || a.Step != "stop" {
		t.Fatalf("attempt %+v", a)
	}
	w.do(Wrote{WriteID: id, Receipt: &model.Receipt{At: w.now}})
	if p().Step("stop").State != ItemOpen {
		t.Error("settled before its end")
	}
	w.settledAs(model.PhaseFinished)
	if s := p().Step("stop"); s.State != ItemDone {
		t.Errorf("%+v", s)
	}
	w.do(SettleStep{Course: CourseRecovery, ID: "restore", Waive: true, Reason: "no data was touched"})
	if p().Open() != 0 {
		t.Errorf("%+v", p())
	}
	if got := Fold(w.facts); !reflect.DeepEqual(got.Procedures, w.inc.Procedures) {
		t.Error("the fold is another procedure")
	}
	// A switch is no release: nothing of it is verified.
	if checks := VerifyChecks(w.snap()); len(checks) != 0 {
		t.Errorf("verified %+v", checks)
	}
}
