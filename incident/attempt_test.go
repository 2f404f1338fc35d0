package incident

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// What a write counts for, by where it stands.
func TestWhatAWriteCountsFor(t *testing.T) {
	for _, tt := range []struct {
		state AttemptState
		lost  bool
		// active: its end is still to come. wrote: it changed something. stands: what was
		// written is there. asked: an answer is waited for. again: it may be confirmed again.
		active, wrote, stands, asked, again bool
		held                                string // why nothing else is confirmed meanwhile
	}{
		{Pending, false, true, false, false, false, true, ""},
		{Writing, false, true, false, false, true, false, "a write is under way"},
		{Unsettled, true, true, false, false, true, false, ""},
		{Rolling, false, true, true, true, false, false, ""},
		{Done, false, false, true, true, false, false, ""},
		{Refused, false, false, false, false, false, true, ""},
		{Failed, false, false, false, false, false, true, ""},
		{Failed, true, false, false, false, true, true, ""},
		{Reverted, false, false, true, false, false, true, ""},
	} {
		w := newWorld(t, nil)
		w.toConfirm()
		c := w.inc.Choices[0]
		write := Write{Plan: model.Plan{ID: "plan-1", Role: model.RoleRelease, Component: "backend-python", From: revision(42), To: c.To}, State: tt.state, Lost: tt.lost}
		w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{write}}}
		i, a := &w.inc, w.inc.Attempt()
		name := fmt.Sprintf("%q (lost: %v)", tt.state, tt.lost)
		if a.Active() != tt.active || wasWritten(a) != tt.wrote || i.wrote() != tt.stands || len(i.Unanswered()) > 0 != tt.asked {
			t.Errorf("%s: active %v, written %v, stands %v, asked for %d", name, a.Active(), wasWritten(a), i.wrote(), len(i.Unanswered()))
		}
		a.Writes[0].Plan.Role = "aid"
		if i.wrote() {
			t.Errorf("%s: what only helps another on is taken for a release", name)
		}
		a.Writes[0].Plan.Role = model.RoleRelease
		if again := len(i.Open()) == 1; again != tt.again {
			t.Errorf("%s: may be confirmed again: %v", name, again)
		}
		want := tt.held
		if want == "" && !tt.again {
			want = "what is chosen was written already"
		}
		if why := confirmBlocked(w.snap()); why != want {
			t.Errorf("%s: held by %q, want %q", name, why, want)
		}
		w.do(EndIncident{Outcome: FalseAlarm, Reason: "a load test"})
		if ended := w.inc.End != nil; ended != (tt.state != Writing) {
			t.Errorf("%s: it can be ended: %v", name, ended)
		}
	}
}

// Only a release that was written and is followed by another one did not help: not one
// of which nothing was written, nor one beside which something else was done.
func TestWhichRollbackDidNotHelp(t *testing.T) {
	of := func(state AttemptState, roles ...model.Role) (a Attempt) {
		for _, r := range roles {
			a.Writes = append(a.Writes, Write{Plan: model.Plan{ID: "p", Role: r, Component: "backend-python"}, State: state})
		}
		return a
	}
	verified := func(a Attempt) Attempt {
		a.Verified = t0
		return a
	}
	for _, tt := range []struct {
		name     string
		attempts []Attempt
		want     string
	}{
		{"one", []Attempt{of(Done, model.RoleRelease)}, ""},
		{"two", []Attempt{of(Done, model.RoleRelease), of(Rolling, model.RoleRelease)}, "rollback/1"},
		{"two, with more in them", []Attempt{of(Done, "aid", model.RoleRelease), of(Rolling, "aid", model.RoleRelease)}, "rollback/1"},
		{"reverted", []Attempt{of(Reverted, model.RoleRelease), of(Rolling, model.RoleRelease)}, "rollback/1"},
		{"the first was refused", []Attempt{of(Refused, model.RoleRelease), of(Rolling, model.RoleRelease)}, ""},
		{"the second only helps", []Attempt{of(Done, model.RoleRelease), of(Done, "aid")}, ""},
		{"the first only helped", []Attempt{of(Done, "aid"), of(Done, model.RoleRelease)}, ""},
		{"the first was verified", []Attempt{verified(of(Done, model.RoleRelease)), of(Rolling, model.RoleRelease)}, ""},
		{"the second was", []Attempt{of(Done, model.RoleRelease), verified(of(Done, model.RoleRelease)), of(Rolling, model.RoleRelease)}, "rollback/1"},
		{"three", []Attempt{of(Done, model.RoleRelease), of(Done, model.RoleRelease), of(Rolling, model.RoleRelease)}, "rollback/1 rollback/2"},
	} {
		w := newWorld(t, nil)
		w.inc.Attempts = tt.attempts
		for n := range tt.attempts {
			w.inc.Attempts[n].N = n + 1
		}
		d := &decider{s: *w.snap()}
		d.escalate()
		var got []string
		for _, e := range d.inc().Escalations {
			got = append(got, e.ID)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
	}
}

// A write without an answer is looked for until a later one to the same place may have
// happened: that one says what is there now.
func TestWhichWritesAreLookedFor(t *testing.T) {
	of := func(component string, state AttemptState) Write {
		return Write{Plan: model.Plan{ID: "plan-" + component, Role: model.RoleRelease, Component: component}, State: state, Lost: state == Failed}
	}
	for _, tt := range []struct {
		name     string
		attempts [][]Write
		want     string
	}{
		{"both of one attempt", [][]Write{{of("a", Unsettled), of("b", Writing)}}, "1a 1b"},
		{"of two places", [][]Write{{of("a", Unsettled)}, {of("b", Writing)}}, "2b 1a"},
		{"the newer is waited for", [][]Write{{of("a", Unsettled)}, {of("a", Writing)}}, "2a"},
		{"the newer is lost", [][]Write{{of("a", Failed)}, {of("a", Failed)}}, "2a"},
		{"the newer happened", [][]Write{{of("a", Failed)}, {of("a", Done)}}, ""},
		{"the newer was reverted", [][]Write{{of("a", Failed)}, {of("a", Reverted)}}, ""},
		{"the newer was refused", [][]Write{{of("a", Failed)}, {of("a", Refused)}}, "1a"},
		{"the newer has not begun", [][]Write{{of("a", Failed)}, {of("a", Pending)}}, "1a"},
		{"the newer happened elsewhere", [][]Write{{of("a", Failed)}, {of("b", Done)}}, "1a"},
	} {
		var i Incident
		for n, w := range tt.attempts {
			i.Attempts = append(i.Attempts, Attempt{N: n + 1, Writes: w})
		}
		var got []string
		for _, s := range i.Unanswered() {
			got = append(got, fmt.Sprint(s.N, s.Write.Plan.Component))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
	}
}

// All that was written is covered, each component once, whichever write it was.
func TestCoveredByAllWrites(t *testing.T) {
	of := func(component string) Write {
		return Write{Plan: model.Plan{Role: model.RoleRelease, Component: component}, State: Done}
	}
	i := Incident{Attempts: []Attempt{{N: 1, Writes: []Write{of("a"), of("b")}}, {N: 2, Writes: []Write{of("a"), of("c")}}}}
	if got := i.Covered(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%v", got)
	}
	for id, want := range map[string]bool{"a": true, "b": true, "c": true, "d": false} {
		if i.wroteRelease(id) != want {
			t.Errorf("%s was written to: %v", id, !want)
		}
	}
}

// What is confirmed is written in the order of the configuration; what another component
// goes to does not count for this one.
func TestOrderOfTheConfiguration(t *testing.T) {
	w := newWorld(t, func(x *Settings) { x.Components = []model.Target{{ID: "frontend"}, {ID: "backend-python"}} })
	w.toConfirmBoth()
	var got []string
	for _, c := range w.inc.Open() {
		got = append(got, c.Component)
	}
	if !slices.Equal(got, []string{"frontend", "backend-python"}) {
		t.Errorf("%v", got)
	}
	same := w.inc.Choices
	for n := range same {
		same[n].To = revision(7)
	}
	w.inc.Attempts = []Attempt{{N: 1, Writes: []Write{{Plan: model.Plan{Role: model.RoleRelease, Component: "frontend", To: revision(7)}, State: Done}}}}
	if open := w.inc.Open(); len(open) != 1 || open[0].Component != "backend-python" {
		t.Errorf("still to be written: %+v", open)
	}
}

// What is confirmed in an incident that has ended, or where nothing is left to write, is
// held back by that.
func TestNothingIsLeftToConfirm(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	w.do(EndIncident{Outcome: FalseAlarm, Reason: "a load test"})
	w.inc.Step, w.inc.Choices = Confirm, nil
	if why := confirmBlocked(w.snap()); why != "this incident has ended (false alarm): x reopens it" {
		t.Errorf("ended, with nothing chosen: %q", why)
	}
	w.inc.End = nil
	if why := confirmBlocked(w.snap()); why != "what is chosen was written already" {
		t.Errorf("nothing chosen: %q", why)
	}
}

// The evidence is gathered beside the first write, which does not wait for it.
func TestEvidenceBesideTheWrite(t *testing.T) {
	w := newWorld(t, nil)
	p := w.toConfirm()
	var got []string
	for _, e := range w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}}) {
		switch e := e.(type) {
		case WritePlan:
			got = append(got, "write "+e.Plan.ID)
		case GatherEvidence:
			got = append(got, fmt.Sprint("evidence ", e.Moment))
		}
	}
	if want := []string{"write plan-1", fmt.Sprint("evidence ", model.AtConfirm)}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// threePlans confirms a release with two writes that follow it.
func (w *world) threePlans() {
	w.t.Helper()
	p := w.toConfirm()
	pf := w.seen.Preflight[backend]
	for _, id := range []string{"plan-2", "plan-3"} {
		x := *p
		x.ID, x.Role = id, "aid"
		pf.Plans = append(pf.Plans, x)
	}
	w.do(ConfirmWrite{Word: "backend-python", Plans: []string{"plan-1", "plan-2", "plan-3"}})
}

// states are those of the newest attempt's writes.
func (w *world) states() (out []AttemptState) {
	for _, x := range w.inc.Attempt().Writes {
		out = append(out, x.State)
	}
	return out
}

// One follows the other's answer; none follows one that is not known to be written,
// whatever ends meanwhile.
func TestOneAfterTheOther(t *testing.T) {
	second := WriteID{1, "plan-2"}
	for name, tt := range map[string]struct {
		then Act
		want AttemptState
		next AttemptState
	}{
		"written":      {Wrote{WriteID: second, Receipt: &model.Receipt{At: t0}}, Rolling, Writing},
		"no answer":    {nil, Writing, Pending},
		"lost":         {Wrote{WriteID: second, Lost: "reset"}, Unsettled, Pending},
		"refused":      {Wrote{WriteID: second, Changed: "image"}, Refused, Pending},
		"failed":       {Wrote{WriteID: second, Err: "forbidden"}, Failed, Pending},
		"seen at last": {Settled{WriteID: second, State: model.SettledDone}, Rolling, Writing},
	} {
		w := newWorld(t, nil)
		w.threePlans()
		w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
		if tt.then != nil {
			w.do(tt.then)
		}
		w.undone()
		w.judge()
		w.seen.Progress = map[WriteID]model.Progress{first: w.seen.Progress[first]}
		facts, effects := Decide(w.inc, w.seen, Input{At: w.now, Do: Observed{}})
		for _, f := range facts {
			w.fold(f)
		}
		if got, want := w.states(), []AttemptState{Done, tt.want, tt.next}; !slices.Equal(got, want) || writes(effects) > 0 {
			t.Errorf("%s: %q, want %q; %d writes", name, got, want, writes(effects))
		}
	}
}

// A write's outcome, or what a look says, counts only while it is not known: a late word
// changes nothing that has happened, nor what is known not to have.
func TestLateWordsChangeNothing(t *testing.T) {
	receipt := &model.Receipt{At: t0, Text: "late"}
	for _, state := range []AttemptState{Pending, Rolling, Done, Refused, Failed, Reverted} {
		for _, act := range []Act{
			Wrote{WriteID: first, Receipt: receipt}, Wrote{WriteID: first, Changed: "image"}, Wrote{WriteID: first, Err: "forbidden"}, Wrote{WriteID: first, Lost: "reset"},
			Settled{WriteID: first, State: model.SettledDone}, Settled{WriteID: first, State: model.SettledNot}, Settled{WriteID: first, State: model.SettledForeign, By: "jonas"},
			Settled{WriteID: first}, CannotLook{WriteID: first, Why: "x"},
		} {
			x, wrote := act.(Wrote)
			if state == Rolling && wrote && (x.Changed != "" || x.Err != "") {
				continue // a clear no counts, though a look was faster
			}
			w := newWorld(t, nil)
			w.toWriting()
			w.inc.Attempts[0].Writes[0].State = state
			facts, effects := Decide(w.inc, w.seen, Input{At: w.now, Do: act})
			if len(facts)+len(effects) > 0 {
				t.Errorf("%q, and %+v: %d facts, the first %T, %d effects", state, act, len(facts), facts[0].Body, len(effects))
			}
		}
	}
	for _, act := range []Act{Settled{WriteID: first, State: model.SettledNot}, Settled{WriteID: first, State: model.SettledForeign, By: "jonas"}, Settled{WriteID: first}} {
		w := newWorld(t, nil)
		w.toWriting()
		if facts, _ := Decide(w.inc, w.seen, Input{At: w.now, Do: act}); len(facts) > 0 {
			t.Errorf("its answer is still waited for, and %+v counts", act)
		}
	}
	w := newWorld(t, nil)
	w.toWriting()
	w.do(Wrote{WriteID: first, Lost: "reset"})
	if facts, _ := Decide(w.inc, w.seen, Input{At: w.now, Do: Settled{WriteID: first}}); len(facts) > 0 {
		t.Errorf("nothing was seen, and %T follows", facts[0].Body)
	}
}

// A lost write that was not done so far may still arrive until its deadline and a minute
// have passed; to the second. Then it is asked about once more, if it still is.
func TestUntilWhenItMayArrive(t *testing.T) {
	const until = WriteDeadline + time.Minute
	for _, tt := range []struct {
		after time.Duration
		may   bool
	}{{until - time.Second, true}, {until, false}} {
		w := newWorld(t, nil)
		w.toWriting()
		w.do(Wrote{WriteID: first, Lost: "reset"})
		w.wait(tt.after)
		w.do(Settled{WriteID: first, State: model.SettledNot})
		x := w.inc.Attempts[0].Writes[0]
		if may := !x.Until.IsZero(); may != tt.may || may != strings.Contains(x.Err, "may still arrive until 03:01:30 UTC") || !may && x.Err != "it was not written" {
			t.Errorf("after %s: until %s, %q", tt.after, x.Until, x.Err)
		}
	}
	for _, asked := range []Asked{AskFailed, AskNothing} {
		w := newWorld(t, nil)
		w.toWriting()
		w.do(Wrote{WriteID: first, Lost: "reset"})
		w.do(Settled{WriteID: first, State: model.SettledNot})
		w.inc.Asked, w.inc.AskText = asked, ""
		w.wait(until - time.Second)
		if facts, _ := Decide(w.inc, w.seen, Input{At: w.now, Do: Settled{WriteID: first, State: model.SettledNot}}); len(facts) > 0 {
			t.Errorf("a second before, and %T", facts[0].Body)
		}
		w.wait(time.Second)
		w.do(Settled{WriteID: first, State: model.SettledNot})
		want := ""
		if asked == AskFailed {
			want = "Nothing was written to backend-python: it is still as it was before. Confirm again."
		}
		if x := w.inc.Attempts[0].Writes[0]; !x.Until.IsZero() || w.inc.Asked != asked || w.inc.AskText != want {
			t.Errorf("asked %q: until %s, asked %q: %s", asked, x.Until, w.inc.Asked, w.inc.AskText)
		}
	}
}

// A write that arrives after all answers what was asked of it, and leads to its rollout
// from where a new one would be confirmed; nowhere else.
func TestWhereALateWriteLeads(t *testing.T) {
	for _, tt := range []struct {
		step, want Step
		asked      Asked
		ended      bool
		answered   bool
	}{
		{Assess, Assess, AskFailed, false, true},
		{Decision, Decision, AskFailed, false, true},
		{Choose, RollBack, AskFailed, false, true},
		{Confirm, RollBack, AskFailed, false, true},
		{Confirm, RollBack, AskChanged, false, true},
		{Confirm, RollBack, AskNothing, false, false},
		{Confirm, RollBack, AskWorse, false, false},
		{RollBack, RollBack, AskFailed, false, true},
		{Verify, Verify, AskNothing, false, false},
		{Confirm, Confirm, AskFailed, true, true},
	} {
		w := newWorld(t, nil)
		w.toWriting()
		w.do(Wrote{WriteID: first, Lost: "reset"})
		w.do(Settled{WriteID: first, State: model.SettledNot})
		w.inc.Step, w.inc.Asked = tt.step, tt.asked
		if tt.ended {
			w.inc.End = &End{Outcome: FixedOtherwise}
		}
		from := len(w.facts)
		w.do(Settled{WriteID: first, State: model.SettledDone})
		moved, answered := false, false
		for _, f := range w.facts[from:] {
			switch b := f.Body.(type) {
			case Moved:
				moved = true
			case AskAnswered:
				answered = b == AskAnswered{What: tt.asked, With: ReplyArrived}
			}
		}
		if w.inc.Step != tt.want || moved != (tt.step != tt.want) || answered != tt.answered || w.inc.Attempts[0].Writes[0].State != Rolling {
			t.Errorf("at %s, asked %q, ended %v: at %s (moved: %v), answered: %v", tt.step.Name(), tt.asked, tt.ended, w.inc.Step.Name(), moved, answered)
		}
	}
	// One that is settled before anything else was said leads nowhere.
	w := newWorld(t, nil)
	w.toWriting()
	w.do(Wrote{WriteID: first, Lost: "reset"})
	w.inc.Step = Choose
	if w.do(Settled{WriteID: first, State: model.SettledDone}); w.inc.Step != Choose {
		t.Errorf("at %s", w.inc.Step.Name())
	}
}

// Where nobody here can look, the operator is asked, once, and over nothing else.
func TestNobodyCanLook(t *testing.T) {
	for _, tt := range []struct {
		lost  bool
		asked Asked
		want  Asked
		facts int
	}{{false, AskNothing, AskSettle, 2}, {true, AskNothing, AskSettle, 1}, {true, AskWorse, AskWorse, 0}, {false, AskWorse, AskWorse, 1}} {
		w := newWorld(t, nil)
		w.toWriting()
		if tt.lost {
			w.do(Wrote{WriteID: first, Lost: "reset"})
		}
		w.inc.Asked = tt.asked
		from := len(w.facts)
		w.do(CannotLook{WriteID: first, Why: "of a method that is not here"})
		if got := len(w.facts) - from; w.inc.Asked != tt.want || got != tt.facts || w.inc.Attempts[0].Writes[0].State != Unsettled {
			t.Errorf("lost %v, asked %q: asked %q, %d facts, %q", tt.lost, tt.asked, w.inc.Asked, got, w.inc.Attempts[0].Writes[0].State)
		}
	}
}

// Word is left on the workload that was written to, also when the board shows it no
// more; where there is none, nowhere.
func TestWhereWordIsLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(w *world, p *model.Plan)
		want   string
	}{
		"on the board":  {func(*world, *model.Plan) {}, "backend-python uid-backend-python"},
		"off the board": {func(w *world, _ *model.Plan) { w.seen.Board = nil }, "backend-python "},
		"no workload":   {func(_ *world, p *model.Plan) { p.Workload = model.Workload{} }, ""},
	} {
		w := newWorld(t, nil)
		w.toWriting()
		tt.change(w, &w.inc.Attempts[0].Writes[0].Plan)
		got := ""
		for _, e := range w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}}) {
			if x, ok := e.(PostEvent); ok {
				got = x.Workload.Name + " " + x.UID
			}
		}
		if got != tt.want {
			t.Errorf("%s: on %q, want %q", name, got, tt.want)
		}
	}
}

// What was verified keeps that when another attempt follows, and loses it when it is
// over a limit again.
func TestAttemptThatWasVerified(t *testing.T) {
	attempts := Incident{Attempts: []Attempt{{N: 1}}}
	good := Apply(attempts, Fact{At: t0, Body: WasVerified{Recovered: t0}})
	next := Apply(good, Fact{At: t0.Add(time.Minute), Body: Confirmed{N: 2}})
	if !next.Attempts[0].Verified.Equal(t0) || !next.Attempts[1].Verified.IsZero() || !next.Verified.IsZero() {
		t.Errorf("%+v", next.Attempts)
	}
	bad := Apply(good, Fact{At: t0.Add(time.Minute), Body: Unverified{Why: "errors 30%"}})
	if !bad.Attempts[0].Verified.IsZero() || !good.Attempts[0].Verified.Equal(t0) || !attempts.Attempts[0].Verified.IsZero() {
		t.Errorf("%+v, and before it %+v", bad.Attempts, good.Attempts)
	}
}
