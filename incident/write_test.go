package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// told are the timeline's last lines.
func (w *world) told(n int) string {
	var out []string
	for _, e := range w.inc.Timeline[max(0, len(w.inc.Timeline)-n):] {
		out = append(out, string(e.Kind)+": "+e.Text)
	}
	return strings.Join(out, "\n")
}

// What became of a write is said where it was asked for and in the timeline, by what
// the cluster answered; nothing is said of a write that nobody began.
func TestOutcomeOfAWrite(t *testing.T) {
	for _, tt := range []struct {
		name  string
		do    Act
		state AttemptState
		asked Asked
		text  string // of the question
		line  string // of the timeline
		look  bool
		event bool
	}{
		{"written", Wrote{WriteID: first, Receipt: &model.Receipt{At: t0, Text: "resourceVersion 9"}}, Rolling, AskNothing, "", "outcome: written: backend-python (resourceVersion 9)", false, true},
		{"written without a word", Wrote{WriteID: first, Receipt: &model.Receipt{At: t0}}, Rolling, AskNothing, "", "outcome: written: backend-python", false, true},
		{"changed", Wrote{WriteID: first, Changed: "image by kubectl"}, Refused, AskChanged, "Nothing was written: backend-python changed after you confirmed: image by kubectl",
			"bad: nothing written to backend-python: image by kubectl", false, false},
		{"refused", Wrote{WriteID: first, Err: "forbidden"}, Failed, AskFailed, "Nothing was written to backend-python: forbidden", "bad: nothing written to backend-python: forbidden", false, false},
		{"lost", Wrote{WriteID: first, Lost: "connection reset"}, Unsettled, AskNothing, "", "bad: no answer to the write to backend-python: connection reset; looking whether it was done", true, false},
		{"of another", Wrote{WriteID: WriteID{1, "plan-9"}, Err: "forbidden"}, Writing, AskNothing, "", "", false, false},
		{"of another attempt", Wrote{WriteID: WriteID{2, "plan-1"}, Err: "forbidden"}, Writing, AskNothing, "", "", false, false},
		{"seen before its answer", Settled{WriteID: first, State: model.SettledDone}, Rolling, AskNothing, "", "outcome: looked: the write to backend-python was done", false, true},
		{"seen that it is not, before its answer", Settled{WriteID: first, State: model.SettledNot}, Writing, AskNothing, "", "", false, false},
		{"nothing was seen", Settled{WriteID: first}, Writing, AskNothing, "", "", false, false},
		{"seen of another", Settled{WriteID: WriteID{1, "plan-9"}, State: model.SettledDone}, Writing, AskNothing, "", "", false, false},
		{"nobody can look", CannotLook{WriteID: first, Why: "it is of a method that this version has not"}, Unsettled, AskSettle,
			"Whether backend-python was written cannot be looked up: it is of a method that this version has not. Look yourself, then say what you found.",
			"bad: no answer to the write to backend-python: it is of a method that this version has not; looking whether it was done", false, false},
		{"nobody can look at another", CannotLook{WriteID: WriteID{1, "plan-9"}, Why: "x"}, Writing, AskNothing, "", "", false, false},
	} {
		w := newWorld(t, nil)
		w.toWriting()
		w.effects = nil
		before := len(w.inc.Timeline)
		w.do(tt.do)
		if got := w.inc.Attempts[0].Writes[0].State; got != tt.state || w.inc.Asked != tt.asked || w.inc.AskText != tt.text {
			t.Errorf("%s: %q, asked %q: %s", tt.name, got, w.inc.Asked, w.inc.AskText)
		}
		line := ""
		if len(w.inc.Timeline) > before {
			e := w.inc.Timeline[before]
			line = string(e.Kind) + ": " + e.Text
		}
		if line != tt.line {
			t.Errorf("%s: the timeline says %q, want %q", tt.name, line, tt.line)
		}
		looks, events := 0, 0
		for _, e := range w.effects {
			switch e := e.(type) {
			case LookPlan:
				looks++
				if e.ID() != first {
					t.Errorf("%s: %+v is looked for", tt.name, e.ID())
				}
			case PostEvent:
				events++
				if e.UID != "uid-backend-python" || e.Workload.Name != "backend-python" || e.Text != fmt.Sprintf("maria@corp: Roll back backend-python from revision 42 to revision 41, with rollbook (%s)", w.inc.ID) {
					t.Errorf("%s: left is %+v", tt.name, e)
				}
			}
		}
		if looks != btoi(tt.look) || events != btoi(tt.event) {
			t.Errorf("%s: %d looks, %d events", tt.name, looks, events)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What a look says of a lost write is said by what it found, and when it may still
// arrive.
func TestOutcomeOfALostWrite(t *testing.T) {
	for _, tt := range []struct {
		name  string
		do    Settled
		after time.Duration
		state AttemptState
		asked Asked
		line  string
		at    time.Duration // what the receipt says, after t0; 0 = when it was looked
	}{
		{"done", Settled{State: model.SettledDone}, time.Second, Rolling, AskNothing, "outcome: looked: the write to backend-python was done", 0},
		{"done, with its answer", Settled{State: model.SettledDone, Receipt: &model.Receipt{At: t0.Add(time.Millisecond)}}, time.Second, Rolling, AskNothing, "outcome: looked: the write to backend-python was done", time.Millisecond},
		{"done by another", Settled{State: model.SettledDone, By: "kubectl"}, time.Second, Rolling, AskNothing, "outcome: looked: backend-python is what was wanted, by kubectl", 0},
		{"not so far", Settled{State: model.SettledNot}, time.Second, Failed, AskFailed, "bad: looked: the write to backend-python was not done so far; it may still arrive until ", 0},
		{"not, and never", Settled{State: model.SettledNot}, time.Hour, Failed, AskFailed, "bad: looked: the write to backend-python was not done", 0},
		{"something else", Settled{State: model.SettledForeign, By: "argocd"}, time.Second, Refused, AskChanged, "bad: looked: backend-python is something else, by argocd", 0},
	} {
		w := newWorld(t, nil)
		w.toWriting()
		w.do(Wrote{WriteID: first, Lost: "connection reset"})
		w.wait(tt.after)
		before := len(w.inc.Timeline)
		tt.do.WriteID = first
		w.do(tt.do)
		got := w.inc.Attempts[0].Writes[0]
		if got.State != tt.state || w.inc.Asked != tt.asked {
			t.Errorf("%s: %q, asked %q", tt.name, got.State, w.inc.Asked)
		}
		e := w.inc.Timeline[before]
		if line := string(e.Kind) + ": " + e.Text; line != tt.line && !(strings.HasSuffix(tt.line, "until ") && strings.HasPrefix(line, tt.line) && strings.HasSuffix(line, " UTC")) {
			t.Errorf("%s: the timeline says %q, want %q", tt.name, line, tt.line)
		}
		want := w.now
		if tt.at > 0 {
			want = t0.Add(tt.at)
		}
		if tt.state == Rolling && !got.Receipt.At.Equal(want) {
			t.Errorf("%s: written at %s, want %s", tt.name, got.Receipt.At, want)
		}
		if tt.state == Refused && (got.Err != "changed by argocd" || w.inc.AskText != "backend-python is something else now, by argocd") {
			t.Errorf("%s: %q, %q", tt.name, got.Err, w.inc.AskText)
		}
	}
}

// Nothing is written but by the last key of the confirmation that is open, with the word
// that it asks for, of a person, for the plans that the screen showed.
func TestOnlyTheConfirmationWrites(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(w *world, p *model.Plan)
		word    string
		plans   []string
		by      string
		writes  bool
		why     string
	}{
		{"as it should be", func(*world, *model.Plan) {}, "backend-python", []string{"plan-1"}, "maria", true, ""},
		{"another word", func(*world, *model.Plan) {}, "frontend", []string{"plan-1"}, "maria", false, ""},
		{"another plan", func(*world, *model.Plan) {}, "backend-python", []string{"plan-2"}, "maria", false, ""},
		{"nobody", func(*world, *model.Plan) {}, "backend-python", []string{"plan-1"}, "", false, ""},
		{"another page", func(w *world, _ *model.Plan) { w.do(Back{}) }, "backend-python", []string{"plan-1"}, "maria", false, ""},
		{"looking on", func(w *world, _ *model.Plan) { w.seen.LookingOn = "INC-1" }, "backend-python", []string{"plan-1"}, "maria", false, "looking on: another rollbook on this machine works on INC-1"},
		{"read-only", func(w *world, _ *model.Plan) { w.inc.Settings.ReadOnly = true }, "backend-python", []string{"plan-1"}, "maria", false, "read-only: "},
		{"no journal", func(w *world, _ *model.Plan) { w.seen.JournalE = "disk full" }, "backend-python", []string{"plan-1"}, "maria", false, "the journal cannot be written: disk full"},
		{"one of two runs already", func(w *world, p *model.Plan) {
			pf := w.seen.Preflight[backend]
			pf.Plans = append(pf.Plans, *p)
			pf.Plans[1].ID, pf.Plans[1].Same = "plan-2", true
		}, "backend-python", []string{"plan-1"}, "maria", true, ""},
		{"one of two was not shown", func(w *world, p *model.Plan) {
			pf := w.seen.Preflight[backend]
			pf.Plans = append(pf.Plans, *p)
			pf.Plans[1].ID = "plan-2"
		}, "backend-python", []string{"plan-1"}, "maria", false, ""},
		{"what runs already", func(w *world, p *model.Plan) { p.Same = true }, "backend-python", []string{"plan-1"}, "maria", false, ""},
	} {
		w := newWorld(t, nil)
		p := w.toConfirm()
		tt.prepare(w, p)
		if why := confirmBlocked(w.snap()); tt.why != "" && !strings.HasPrefix(why, tt.why) {
			t.Errorf("%s: held by %q", tt.name, why)
		}
		facts, effects := Decide(w.inc, w.seen, Input{At: w.now, By: tt.by, Do: ConfirmWrite{Word: tt.word, Plans: tt.plans}})
		var written []model.Plan
		for _, e := range effects {
			if x, is := e.(WritePlan); is {
				written = append(written, x.Plan)
				if x.ID() != first {
					t.Errorf("%s: it is called %+v", tt.name, x.ID())
				}
			}
		}
		for _, f := range facts {
			if b, is := f.Body.(Confirmed); is && len(b.Plans) != 1 {
				t.Errorf("%s: confirmed is %+v", tt.name, b.Plans)
			}
		}
		if tt.writes != (len(written) == 1 && written[0].ID == "plan-1") || len(written) > 1 {
			t.Errorf("%s: written is %+v, with %d facts", tt.name, written, len(facts))
		}
	}
}

// A confirmation begins anew: what was asked, held or accepted before it was of
// something else. It reads as what goes from where to where.
func TestConfirmationBeginsAnew(t *testing.T) {
	i := Incident{Asked: AskFailed, AskText: "x", Verified: t0, Recovered: t0, RolledOut: t0, Hold: HoldRecord{Since: t0, Green: true}, Accepted: map[string]Override{"x": {}}}
	b := Confirmed{N: 1, Plans: []model.Plan{
		{Component: "api", Role: model.RoleRelease, From: revision(42), To: revision(41), Title: "Roll back api"},
		{Component: "web", Role: model.RoleRelease, To: revision(3), Title: "Roll back web"},
		{Component: "db", Role: "aid", From: revision(1), To: revision(2), Title: "Delete pod db-1"},
	}}
	got := Apply(i, Fact{At: t0, By: "maria", Body: b})
	if got.Asked != AskNothing || got.AskText != "" || !got.Verified.IsZero() || !got.Recovered.IsZero() || !got.RolledOut.IsZero() || got.Hold != (HoldRecord{}) || len(got.Accepted) > 0 {
		t.Errorf("%+v", got)
	}
	e := got.Timeline[len(got.Timeline)-1]
	if line := string(e.Kind) + ": " + e.Text; line != "write: confirmed: api revision 42 → revision 41; Roll back web; Delete pod db-1" {
		t.Error(line)
	}
	// The one that it was is kept as it was.
	if i.Asked != AskFailed || !i.Hold.Green || len(i.Attempts) > 0 {
		t.Errorf("the incident of before changed: %+v", i)
	}
	again := got
	got.onWrite(WriteID{1, ""}, func(w *Write) { w.State = Done })
	if again.Attempts[0].Writes[0].State == Done {
		t.Error("a write of an older copy changed")
	}
}
