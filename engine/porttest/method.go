package porttest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

// Trial is a method, something that it may change, and hands that reach past it.
type Trial struct {
	// Method is what is tried; every request that it sends passes Wire.
	Method engine.Method
	Wire   Wire
	// Again makes the method anew, as a program does that was started again: it
	// remembers nothing.
	Again func(t *testing.T) engine.Method
	// ReadOnly makes the method for a program that may change nothing. Its requests
	// pass Wire too.
	ReadOnly func(t *testing.T) engine.Method
	// Component returns what the board shows now.
	Component func() *model.Component
	// To is where it goes: a version that the method lists, or offered as an Aid.
	To model.Version
	// State returns what Do changes and what Change changes, in words that differ
	// when it does, and that no other program changes meanwhile.
	State func(t *testing.T) string
	// Change changes, as somebody else, what the plan was made of.
	Change func(t *testing.T)
	// Changed is what a look says after Change: SettledForeign, but where what is
	// planned has come about by it.
	Changed model.Settled
	// Sends is how many writes Do sends; 0 = one. Of several only the first is lost in the
	// trials, and what is left then is told: it ends as failed.
	Sends int
	// Blocks is the ID of a line that stands against each plan and can be overridden; "" =
	// none does.
	Blocks string
	// Denied are users who lack a right; none where everybody may do everything.
	Denied []Denial

	via Via // where Wire lies, of a method of the cluster
}

// Denial is the method as somebody has it who lacks a right that it needs.
type Denial struct {
	User   string
	Method engine.Method
	Check  string // ID of the line that tells it; "" = no plan can be made, and Err tells it
}

// Wire is what lies between a method and the service that it writes to.
type Wire interface {
	// Writes returns how many requests passed or were lost that may change
	// something, dry runs not among them.
	Writes() int
	// Lose lets the answer of the next write be lost: after the service has done
	// it, or before the service has heard of it.
	Lose(after bool)
	// Instead lets the next write go no further: something on the way answers it so.
	Instead(a Answer)
}

// RunMethod tries the contract of any method. with makes a fresh trial and hands it
// to f; it may run f in a bubble.
func RunMethod(t *testing.T, with func(t *testing.T, f func(t *testing.T, x *Trial))) {
	for _, c := range methodCases {
		t.Run(c.name, func(t *testing.T) { with(t, c.f) })
	}
}

var methodCases = []struct {
	name string
	f    func(t *testing.T, x *Trial)
}{
	{"Plan writes nothing, and is the same again", planWritesNothing},
	{"Do does it once", doesOnce},
	{"Do writes nothing after a foreign change, and Look tells it", foreignChange},
	{"a write whose answer is lost was done", lostAfter},
	{"a write that is lost on its way was not done", lostBefore},
	{"an answer that is not of the write claims nothing", foreignAnswer},
	{"a service that is overloaded is waited for as it asks", overloaded},
	{"plan and receipt survive the journal", survivesJSON},
	{"progress comes to its end", progressEnds},
	{"read-only lets nothing leave", readOnly},
	{"a right that is missing is told by Plan", deniedIsTold},
}

// plan makes a plan that nothing stands against but Blocks.
func (x *Trial) plan(t *testing.T) model.Plan {
	t.Helper()
	pf := x.preflight(t, x.Method)
	if len(pf.Plans) != 1 {
		t.Fatalf("%d plans: %s", len(pf.Plans), pf.Err)
	}
	for _, ch := range pf.Checks {
		if blocks := ch.ID == x.Blocks && !ch.Hard; ch.State == model.CheckBlocked && !blocks {
			t.Fatalf("%+v", ch)
		}
	}
	return pf.Plans[0]
}

func (x *Trial) preflight(t *testing.T, m engine.Method) model.Preflight {
	t.Helper()
	var last model.Preflight
	m.Plan(limited(t), x.Component(), x.To, func(p model.Preflight) {
		if last.Done {
			t.Error("Plan told something after it was done")
		}
		last = p
	})
	if !last.Done {
		t.Fatalf("Plan came to no end: %+v", last)
	}
	return last
}

func (x *Trial) look(t *testing.T, m engine.Method, p model.Plan, want model.Settled) {
	t.Helper()
	before := x.Wire.Writes()
	got, err := m.Look(limited(t), p)
	if err != nil || got.State != want {
		t.Errorf("Look says %+v (%v), want %q", got, err, want)
	}
	if got.State == model.SettledForeign && got.By == "" {
		t.Error("Look does not tell by whom")
	}
	if n := x.Wire.Writes(); n != before {
		t.Errorf("Look sent %d writes", n-before)
	}
}

func (x *Trial) unchanged(t *testing.T, before string) {
	t.Helper()
	if after := x.State(t); after != before {
		t.Errorf("it was written to: %s, before %s", after, before)
	}
}

// fails does the plan and wants that error, in words for the operator.
func (x *Trial) fails(t *testing.T, m engine.Method, p model.Plan, want error) {
	t.Helper()
	r, err := m.Do(limited(t), p, nothingTold)
	if !errors.Is(err, want) {
		t.Fatalf("Do: %v, want %v", err, want)
	}
	if r.Text != "" || r.Detail != nil {
		t.Errorf("a receipt for a failure: %+v", r)
	}
	if strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Errorf("not one clean line: %q", err)
	}
}

func nothingTold(model.Progress) {}

func planWritesNothing(t *testing.T, x *Trial) {
	before := x.State(t)
	p, c := x.plan(t), x.Component()
	if p.ID == "" || p.Method != x.Method.Name() || p.Role == "" || p.Component != c.ID || p.To.Key != x.To.Key || p.To.Label == "" || p.Title == "" || p.Same {
		t.Errorf("plan %+v", p)
	}
	if again := x.plan(t); again.ID != p.ID {
		t.Errorf("the plan's ID changed without a change: %s, %s", p.ID, again.ID)
	}
	if n := x.Wire.Writes(); n != 0 {
		t.Errorf("Plan sent %d writes", n)
	}
	x.unchanged(t, before)
	x.look(t, x.Method, p, model.SettledNot)
}

func doesOnce(t *testing.T, x *Trial) {
	before, p := x.State(t), x.plan(t)
	begun := time.Now()
	r, err := x.Method.Do(limited(t), p, nothingTold)
	if err != nil {
		t.Fatal(err)
	}
	if r.Text == "" || r.At.Before(begun) || r.At.After(time.Now()) {
		t.Errorf("receipt %+v", r)
	}
	if n := x.Wire.Writes(); n != max(1, x.Sends) {
		t.Errorf("Do sent %d writes", n)
	}
	after := x.State(t)
	if after == before {
		t.Error("nothing was written")
	}
	x.look(t, x.Method, p, model.SettledDone)
	if _, err := x.Method.Do(limited(t), p, nothingTold); !errors.Is(err, model.ErrChanged) && !errors.Is(err, model.ErrRefused) {
		t.Errorf("done a second time: %v", err)
	}
	x.unchanged(t, after)
}

func foreignChange(t *testing.T, x *Trial) {
	p := x.plan(t)
	time.Sleep(1100 * time.Millisecond) // times have whole seconds, and who wrote last is told by them
	x.Change(t)
	before := x.State(t)
	x.fails(t, x.Method, p, model.ErrChanged)
	x.unchanged(t, before)
	x.look(t, x.Method, p, x.Changed)
	x.look(t, x.Again(t), p, x.Changed)
}

func lostAfter(t *testing.T, x *Trial) {
	before, p := x.State(t), x.plan(t)
	x.Wire.Lose(true)
	x.fails(t, x.Method, p, model.ErrLost)
	if n := x.Wire.Writes(); n != 1 {
		t.Errorf("%d writes were sent", n)
	}
	x.look(t, x.Method, p, model.SettledDone)
	x.look(t, x.Again(t), journaled(t, p), model.SettledDone)
	after := x.State(t)
	if after == before {
		t.Error("the trial did not let it be done")
	}
	if _, err := x.Method.Do(limited(t), p, nothingTold); !errors.Is(err, model.ErrChanged) && !errors.Is(err, model.ErrRefused) {
		t.Errorf("done a second time: %v", err)
	}
	x.unchanged(t, after)
	if x.Sends <= 1 { // else it came to a part only
		x.ends(t, p, model.Receipt{}) // what was settled by looking has no receipt
	}
}

func lostBefore(t *testing.T, x *Trial) {
	before, p := x.State(t), x.plan(t)
	x.Wire.Lose(false)
	x.fails(t, x.Method, p, model.ErrLost)
	if n := x.Wire.Writes(); n != 1 {
		t.Errorf("%d writes were sent", n)
	}
	x.unchanged(t, before)
	x.look(t, x.Method, p, model.SettledNot)
	if _, err := x.Method.Do(limited(t), p, nothingTold); err != nil {
		t.Errorf("the same plan again: %v", err)
	}
	x.look(t, x.Method, p, model.SettledDone)
}

// journaled returns a value as it is after a restart.
func journaled[T any](t *testing.T, v T) (out T) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func survivesJSON(t *testing.T, x *Trial) {
	p := journaled(t, x.plan(t))
	m := x.Again(t)
	x.look(t, m, p, model.SettledNot)
	r, err := m.Do(limited(t), p, nothingTold)
	if err != nil {
		t.Fatal(err)
	}
	x.look(t, x.Again(t), p, model.SettledDone)
	x.ends(t, p, journaled(t, r))
}

func progressEnds(t *testing.T, x *Trial) {
	p, old := x.plan(t), x.Component()
	r, err := x.Method.Do(limited(t), p, nothingTold)
	if err != nil {
		t.Fatal(err)
	}
	if j, ok := x.Method.(engine.Judge); ok {
		if got := j.Judge(old, &p, &r); got.Phase == model.PhaseFinished || got.Phase == model.PhaseFailed || got.Phase == model.PhaseReverted {
			t.Errorf("judged by a board from before the write: %+v", got)
		}
		if got := j.Judge(nil, &p, &r); got.Phase != model.PhaseUnknown || got.Text == "" {
			t.Errorf("judged without a board: %+v", got)
		}
	}
	x.ends(t, p, r)
}

// ends waits for the end of what was written, as a program sees it that was started
// again meanwhile.
func (x *Trial) ends(t *testing.T, p model.Plan, r model.Receipt) {
	t.Helper()
	again := x.Again(t)
	m, judged := again.(engine.Judge)
	f, followed := again.(engine.Follower)
	if followed {
		x.followed(t, f, p, r)
	}
	if judged {
		eventually(t, time.Minute, "it is at its end", func() string {
			got := m.Judge(x.Component(), &p, &r)
			if got.Text == "" {
				t.Errorf("no words: %+v", got)
			}
			if got.Phase == model.PhaseFinished && got.Share == 1 {
				return ""
			}
			return string(got.Phase) + " " + got.Text + ": " + show(x.Component())
		})
	}
	if !judged && !followed {
		t.Errorf("%s is neither a Judge nor a Follower", x.Method.Name())
	}
}

// followed ends a following before it is at its end, and takes it up by another one.
func (x *Trial) followed(t *testing.T, m engine.Follower, p model.Plan, r model.Receipt) {
	t.Helper()
	ctx, cancel := context.WithCancel(limited(t))
	if err := m.Follow(ctx, p, r, func(model.Progress) { cancel() }); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Follow did not end with its context: %v", err)
	}
	if ctx.Err() == nil {
		t.Error("Follow ended before it told anything")
	}
	cancel()
	again, ok := x.Again(t).(engine.Follower)
	if !ok {
		t.Fatal("it is no Follower after a restart")
	}
	var last model.Progress
	if err := again.Follow(limited(t), p, r, func(got model.Progress) { last = got }); err != nil {
		t.Fatal(err)
	}
	if last.Phase != model.PhaseFinished || last.Share != 1 || last.Text == "" {
		t.Errorf("it ended at %+v", last)
	}
}

func readOnly(t *testing.T, x *Trial) {
	before, p := x.State(t), x.plan(t)
	m := x.ReadOnly(t)
	x.preflight(t, m)
	x.fails(t, m, p, model.ErrReadOnly)
	x.look(t, m, p, model.SettledNot)
	if n := x.Wire.Writes(); n != 0 {
		t.Errorf("%d writes left", n)
	}
	x.unchanged(t, before)
}

// deniedIsTold: nobody gets as far as the confirmation of what the service will
// refuse, and what is done all the same is refused.
func deniedIsTold(t *testing.T, x *Trial) {
	before, p := x.State(t), x.plan(t)
	for _, d := range x.Denied {
		pf := x.preflight(t, d.Method)
		if d.Check == "" {
			if len(pf.Plans) != 0 || !strings.Contains(pf.Err, "forbidden") {
				t.Errorf("%s has a plan, or is not told why not: %+v", d.User, pf)
			}
		} else if ch := check(t, pf, d.Check); ch.State != model.CheckBlocked || !ch.Hard || ch.Do == "" {
			t.Errorf("%s: %+v", d.User, ch)
		}
		x.fails(t, d.Method, p, model.ErrRefused)
		x.unchanged(t, before)
	}
	x.look(t, x.Method, p, model.SettledNot)
}
