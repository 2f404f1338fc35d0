package incident

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// toClose walks a bad release up to the close.
func (w *world) toClose() {
	w.t.Helper()
	w.toRolling()
	w.wait(40 * time.Second)
	w.rolledOut()
	w.do(Next{})
	for range 9 {
		w.wait(15 * time.Second)
		w.figures("backend-python", repeat(0.0002, 3), repeat(0.2, 3))
		w.figures("frontend", repeat(0, 3), repeat(0.2, 3))
		w.do(Observed{})
	}
	w.do(Next{})
	if w.inc.Step != Close {
		w.t.Fatalf("at %s: %s", w.inc.Step.Name(), w.inc.Step.Blocked(w.snap()))
	}
}

func withChannels(s *Settings) { s.Channels = channels }

func (w *world) state(item string) string {
	for _, it := range w.inc.Items {
		if it.ID == item {
			return string(it.State)
		}
	}
	return "not there"
}

func has[T Effect](effects []Effect) bool {
	return slices.ContainsFunc(effects, func(e Effect) bool { _, ok := e.(T); return ok })
}

func TestMessages(t *testing.T) {
	w := newWorld(t, withChannels)
	w.toClose()
	chat := SendMessage{Channel: "slack/incidents", Kind: model.MessageResolved, Title: "Resolved", Text: "all is well"}
	if !has[SendOut](w.do(chat)) {
		t.Fatal("the operator's key sent nothing")
	}
	if has[SendOut](w.do(chat)) {
		t.Error("sent again while the first is on its way")
	}
	w.do(Sent{N: 1, Err: "404: no such hook", RetryAfter: time.Minute})
	if m := w.inc.Message(1); m.State != MessageNotOut || m.Retry.Sub(w.now) != time.Minute || w.state("chat") != "" {
		t.Errorf("failed: %+v, item %q", m, w.state("chat"))
	}
	if !has[SendOut](w.do(chat)) {
		t.Error("what surely was not sent cannot be sent again")
	}
	w.do(Sent{N: 2, Lost: "timeout"})
	if why := SendAsks(w.snap(), chat.Channel, chat.Kind); !strings.Contains(why, "may have been sent") {
		t.Errorf("before it goes out again it says %q", why)
	}
	if has[SendOut](w.do(chat)) {
		t.Error("sent again though it may have gone out, and nobody said so")
	}
	chat.Again = true
	w.do(chat)
	w.do(Sent{N: 3, Delivery: &model.Delivery{Ref: "ts-1"}})
	if w.state("chat") != "done" || w.state("status page") != "" {
		t.Errorf("items %+v", w.inc.Items)
	}
	w.do(Sent{N: 3, Err: "too late"})
	if w.inc.Message(3).State != MessageOut {
		t.Error("a second outcome counted")
	}
	chat.Kind, chat.Again = model.MessageUpdated, false
	w.do(chat)
	if got := w.inc.Message(4).Message.Ref; got != "ts-1" {
		t.Errorf("the next one follows %q", got)
	}
	w.do(SendMessage{Channel: "gitlab/shop", Kind: model.MessageResolved, Title: "Follow-up", Text: "x"})
	w.do(Sent{N: 5, Delivery: &model.Delivery{URL: "https://gitlab/1"}})
	if w.state("follow-up") != "done" {
		t.Error("the follow-up is created, and its item open")
	}
}

func TestMessageOnItsWayAtACrash(t *testing.T) {
	w := newWorld(t, withChannels)
	w.toClose()
	chat := SendMessage{Channel: "slack/incidents", Kind: model.MessageResolved, Title: "Resolved", Text: "all is well"}
	w.do(chat)
	w.inc = Fold(w.facts)
	if has[SendOut](w.do(TakenUp{})) || w.inc.Message(1).State != MessageUnsure {
		t.Errorf("taken up: %+v", w.inc.Message(1))
	}
	if has[SendOut](w.do(chat)) {
		t.Error("sent again without a word")
	}
}

func TestNothingIsSentReadOnly(t *testing.T) {
	w := newWorld(t, func(s *Settings) { s.Channels, s.ReadOnly = channels, true })
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
	if has[SendOut](w.do(SendMessage{Channel: "slack/incidents", Kind: model.MessageStarted, Text: "x"})) {
		t.Error("sent though read-only")
	}
}

func TestChecklistSettlesWhatWasDone(t *testing.T) {
	w := newWorld(t, withChannels)
	w.toRolling()
	if !has[GatherEvidence](w.effects) {
		t.Error("no evidence is gathered")
	}
	w.do(Gathered{Moment: model.AtOpening, Evidence: model.Evidence{Moment: model.AtOpening, Files: 2, Bytes: 2000}})
	w.do(WriteReport{})
	w.do(Reported{Path: "/x/report.md", Entries: len(w.inc.Timeline)})
	if w.inc.ReportStale() {
		t.Error("just written, and stale")
	}
	w.wait(40 * time.Second)
	w.rolledOut()
	if !w.inc.ReportStale() {
		t.Error("the rollout is not in the report, and it is not stale")
	}
	if effects := w.do(EndIncident{Outcome: "fixed otherwise", Reason: "flag"}); !has[GatherEvidence](effects) || !has[MeasureImpact](effects) {
		t.Errorf("entering the close: %v", effects)
	}
	if w.state("report") != "done" || w.state("evidence") != "" {
		t.Errorf("items %+v", w.inc.Items)
	}
	w.do(Gathered{Moment: model.InFull, Evidence: model.Evidence{Moment: model.InFull, Files: 30, Bytes: 3200000, Missing: []string{"log of a pod that is gone"}}})
	if w.state("evidence") != "" {
		t.Error("something is missing, and nobody was asked")
	}
	w.do(Gathered{Moment: model.InFull, Evidence: model.Evidence{Moment: model.InFull, Files: 31, Bytes: 3200000}})
	if w.state("evidence") != "done" {
		t.Error("all is there, and the item open")
	}
	for _, it := range w.inc.Items[:len(w.inc.Items)-1] {
		w.do(SettleItem{ID: it.ID, Waive: true, Reason: "drill"})
	}
	if !w.inc.Closed.IsZero() {
		t.Fatal("closed with an item open")
	}
	if effects := w.do(SettleItem{ID: "lessons", Reason: "docs/lessons.md"}); w.inc.Closed.IsZero() || !has[MakeReport](effects) {
		t.Errorf("closed %s, and the report is not written to the end: %v", w.inc.Closed, effects)
	}
}

func TestDowntime(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21)) // over since 5 minutes
	w.do(Observed{})
	if d, b := Downtime(w.snap()); d != 5*time.Minute || b != 0 {
		t.Errorf("over for five minutes, down for %s, %s blind", d, b)
	}
	w.do(Next{})
	w.wait(2 * time.Minute)
	w.seen.Figures = nil
	w.do(Observed{})
	w.wait(3 * time.Minute)
	w.do(Observed{})
	if d, b := Downtime(w.snap()); d != 10*time.Minute || b != 3*time.Minute {
		t.Errorf("three minutes without data: down for %s, %s blind", d, b)
	}
	w.figures("frontend", repeat(0, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.wait(time.Hour)
	w.figures("frontend", repeat(0, 21), repeat(0.2, 21))
	w.do(Observed{})
	if d, _ := Downtime(w.snap()); d != 10*time.Minute {
		t.Errorf("well for an hour, down for %s", d)
	}
	facts := len(w.facts)
	for range 20 {
		w.wait(5 * time.Second)
		w.figures("frontend", repeat(0, 21), repeat(0.2, 21))
		w.do(Observed{})
	}
	for _, f := range w.facts[facts:] {
		if _, ok := f.Body.(ClockRan); ok {
			t.Fatal("the clock is kept though nothing changed")
		}
	}
}

func TestDowntimeGoesOnThroughACrash(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
	w.do(Observed{}) // a sample: the last that is known
	w.wait(10 * time.Minute)
	board := w.seen.Board
	w.inc, w.seen.Board, w.seen.Figures = Fold(w.facts), nil, nil
	w.do(TakenUp{})
	w.do(Observed{}) // the cluster has not been seen yet
	w.wait(time.Minute)
	w.seen.Board = board
	w.figures("frontend", repeat(0, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.wait(time.Hour)
	if d, b := Downtime(w.snap()); d != 16*time.Minute || b != 11*time.Minute {
		t.Errorf("down for %s, %s of it blind", d, b)
	}
}

func TestDowntimeStandsDuringAGoodHold(t *testing.T) {
	w := newWorld(t, nil)
	w.toClose()
	if down := w.inc.Down; !down.Since.IsZero() || down.Until.After(w.inc.Recovered) {
		t.Errorf("recovered at %s, and the clock: %+v", w.inc.Recovered, down)
	}
}

func TestEscalations(t *testing.T) {
	contacts := func(s *Settings) {
		s.Contacts = []Contact{{Role: "exec", Name: "Cleo", How: "+49 30 1"}, {Role: "lead", Name: "Lena"}}
	}
	w := newWorld(t, contacts)
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
	for range 26 {
		w.wait(time.Minute)
		w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
		w.do(Observed{})
	}
	e := w.inc.Escalation("downtime")
	if e == nil || e.Who != "Cleo +49 30 1" || !strings.Contains(e.Text, "down for 3") {
		t.Fatalf("after half an hour: %+v", w.inc.Escalations)
	}
	w.do(Say{Question: QDataLoss, Answer: model.TriYes})
	w.do(Say{Question: QDataLoss, Answer: model.TriNo})
	if w.inc.Escalation("data loss") == nil {
		t.Error("data were lost, and nobody is to be called; or the line went away unanswered")
	}
	w.do(AnswerEscalation{ID: "downtime", With: "whatever"})
	if w.inc.Escalation("downtime").Answer != "" {
		t.Error("answered with a word that is none")
	}
	w.do(AnswerEscalation{ID: "downtime", With: EscalationNotNeeded, Reason: "she knows"})
	if e := w.inc.Escalation("downtime"); e.Answer != EscalationNotNeeded || e.By != "maria" {
		t.Errorf("answered: %+v", e)
	}

	w = newWorld(t, contacts)
	w.toRolling()
	w.wait(3 * time.Minute)
	w.do(Observed{})
	if w.inc.Asked != AskDeadline || w.inc.Escalation("rollback/1") == nil || w.inc.Escalation("rollback/1").Who != "Lena" {
		t.Errorf("the rollback takes too long, asks %q: %+v", w.inc.Asked, w.inc.Escalations)
	}
}

func TestRefusedWriteEscalatesNothing(t *testing.T) {
	w := newWorld(t, nil)
	p := w.toConfirm()
	for n := range 2 {
		w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
		w.do(Wrote{WriteID: WriteID{n + 1, "plan-1"}, Changed: "image"})
	}
	w.do(Observed{})
	if len(w.inc.Escalations) != 0 {
		t.Errorf("nothing was written, and %+v", w.inc.Escalations)
	}
}

func TestLeases(t *testing.T) {
	w := newWorld(t, nil)
	if got := LeasesWanted(&w.inc); got != nil {
		t.Errorf("looking takes %v", got)
	}
	p := w.toConfirm()
	if got := LeasesWanted(&w.inc); !slices.Equal(got, []string{"backend-python"}) {
		t.Errorf("confirming takes %v", got)
	}
	hear := func(now model.Lease, forced bool) {
		was := w.seen.Leases["backend-python"]
		w.seen.Leases = map[string]model.Lease{"backend-python": now}
		w.do(LeaseHeard{Component: "backend-python", Was: was, Now: now, Forced: forced, Reason: "he sleeps"})
	}
	confirm := func() bool {
		return writes(w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})) == 1
	}
	jonas := model.Lease{Holder: "jonas@desk (INC-2)", Step: "Roll back", Since: w.now.Add(-4 * time.Minute), At: w.now}
	mine := model.Lease{Holder: "maria@laptop (INC-1)", Mine: true, At: w.now}
	hear(jonas, false)
	if why := w.inc.Step.Blocked(w.snap()); !regexp.MustCompile(`^jonas@desk \(INC-2\) is on backend-python since \d\d:\d\d UTC \(4m ago\), at Roll back`).MatchString(why) || confirm() {
		t.Errorf("somebody else is on it: %q", why)
	}
	if !has[TakeLease](w.do(TakeOver{Component: "backend-python", Reason: "he sleeps"})) {
		t.Error("cannot be taken over")
	}
	taken := mine
	taken.From = jonas.Holder
	hear(taken, true)
	if f, ok := w.facts[len(w.facts)-1].Body.(LeaseTaken); !ok || f.From.Holder != jonas.Holder || f.Reason != "he sleeps" {
		t.Errorf("the journal ends with %+v", w.facts[len(w.facts)-1])
	}
	if why := w.inc.Step.Blocked(w.snap()); why != "" {
		t.Errorf("taken over, and blocked: %s", why)
	}
	hear(jonas, false)
	if why := w.inc.Step.Blocked(w.snap()); !strings.Contains(why, "took backend-python over") || confirm() {
		t.Errorf("it was taken from us: %q", why)
	}
	hear(mine, false)
	if why := w.inc.Step.Blocked(w.snap()); why != "" {
		t.Errorf("it was given back, and blocked: %s", why)
	}
	unwritable := jonas
	unwritable.Err = "you may not write leases"
	hear(jonas, false)
	hear(unwritable, true)
	if c := LeaseCheck(w.snap(), "backend-python"); c.State != model.CheckWarning || w.inc.Step.Blocked(w.snap()) != "" {
		t.Errorf("overruled without the right to take it: %+v, %q", c, w.inc.Step.Blocked(w.snap()))
	}
	other := jonas
	other.Holder = "ada@z (INC-3)"
	hear(other, false)
	if w.inc.Step.Blocked(w.snap()) == "" {
		t.Error("one was overruled, and another counts as overruled too")
	}
	hear(model.Lease{Err: "may not create leases"}, false)
	if c := LeaseCheck(w.snap(), "backend-python"); c.State != model.CheckWarning || !confirm() {
		t.Errorf("without the right to leases: %+v", c)
	}
	w.do(EndIncident{Outcome: "healed"}) // not while a write is under way
	w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
	w.do(EndIncident{Outcome: FalseAlarm, Reason: "a load test"})
	if got := LeasesWanted(&w.inc); got != nil {
		t.Errorf("ended, and holds %v", got)
	}
}

func TestLeaseIsWaitedForAtMost(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	w.seen.Leases = map[string]model.Lease{"backend-python": {Asking: w.now}}
	if w.inc.Step.Blocked(w.snap()) == "" {
		t.Error("does not wait for the first answer")
	}
	w.wait(leasePatience)
	w.seen.Cluster.Heard = w.now
	if why := w.inc.Step.Blocked(w.snap()); why != "" {
		t.Errorf("waits for ever: %s", why)
	}
}

func TestOwnChecks(t *testing.T) {
	top := 0.5
	target := model.Target{ID: "backend-python", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		Health: []model.Health{{URL: "https://shop/health", Status: 200}}, Pods: "app=shop", Logs: 20, LogsBad: "panic",
		NoUp: true, Promql: []model.OwnCheck{{Name: "queue", Query: "q", Max: &top}}}
	w := newWorld(t, func(s *Settings) { s.Components = []model.Target{target} })
	w.toRolling()
	w.rolledOut()
	find := func(key string) VerifyCheck {
		for _, v := range VerifyChecks(w.snap()) {
			if v.Key == "backend-python/"+key {
				return v
			}
		}
		return VerifyCheck{Seen: "no such check"}
	}
	keys := []string{"health:https://shop/health", "selected", "promql:queue", "log"}
	for _, k := range keys {
		if v := find(k); v.State != model.TriUnknown || v.Seen != "not asked yet" {
			t.Errorf("%s before it was asked: %+v", k, v)
		}
	}
	if v := find("up"); v.Name != "" {
		t.Errorf("up is turned off, and checked: %+v", v)
	}
	see := func(state model.Tri, ready int, bad []string, queue float64) {
		w.seen.Probes = map[string][]model.ProbeSeen{"backend-python": {{URL: "https://shop/health", State: state, Text: "200 in 3ms", At: w.now}}}
		w.seen.Selected = map[string]model.SelectedSeen{"backend-python": {Ready: ready, Total: 3, At: w.now}}
		w.seen.Tails = map[string]model.TailSeen{"backend-python": {Pod: "p", Lines: []string{"a", "b"}, Bad: bad, At: w.now}}
		w.seen.Own = map[string][]model.OwnSeen{"backend-python": {{Name: "queue", Reading: model.Reading{Known: true, Value: queue, At: w.now}}}}
	}
	see(model.TriYes, 3, nil, 0.5)
	for _, k := range keys {
		if v := find(k); v.State != model.TriYes {
			t.Errorf("%s is well: %+v", k, v)
		}
	}
	see(model.TriNo, 2, []string{"panic: x"}, 0.51)
	for _, k := range keys {
		if v := find(k); v.State != model.TriNo {
			t.Errorf("%s is bad: %+v", k, v)
		}
	}
	see(model.TriYes, 3, nil, 0.1)
	w.wait(5 * time.Minute)
	w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
	for _, k := range keys {
		if v := find(k); v.State != model.TriUnknown || !strings.Contains(v.Seen, "stale") {
			t.Errorf("%s is five minutes old: %+v", k, v)
		}
	}
	w.inc.Settings.Components[0].LogsBad = ""
	if v := find("log"); !v.Shown {
		t.Error("a log of which nothing is bad is judged")
	}
}

func TestDraft(t *testing.T) {
	w := newWorld(t, withChannels)
	w.toClose()
	w.do(Sent{}) // no such message
	m := Draft(w.snap(), channels[0], model.MessageResolved)
	for _, want := range []string{"backend-python was rolled back from revision 42 to revision 41 at 03:", "production is stable since 03:",
		"Error rate of backend-python: 0.02%.", "All services are healthy.", "Downtime: "} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("it does not say %q:\n%s", want, m.Text)
		}
	}
	public := Draft(w.snap(), channels[1], model.MessageResolved)
	if strings.Contains(public.Text+public.Title, "revision") || strings.Contains(public.Text, w.inc.ID) {
		t.Errorf("the public reads of revisions:\n%s", public.Text)
	}
	for _, internal := range []string{"backend-python", "frontend", "production is", "Downtime", "maria"} {
		if strings.Contains(public.Title+"\n"+public.Text, internal) {
			t.Errorf("the public reads %q:\n%s\n%s", internal, public.Title, public.Text)
		}
	}
	if !strings.HasPrefix(public.Text, "A service was rolled back at 03:") || !strings.Contains(public.Text, "\nIt is stable since 03:") || !strings.Contains(public.Text, "It lasted about ") {
		t.Errorf("the public reads\n%s", public.Text)
	}
	w.inc.Settings.Components = append(slices.Clone(w.inc.Settings.Components), model.Target{ID: "backend-python", Public: "Checkout"})
	if n := slices.IndexFunc(w.inc.Settings.Components, func(t model.Target) bool { return t.ID == "backend-python" }); n >= 0 {
		w.inc.Settings.Components[n].Public = "Checkout"
	}
	if named := Draft(w.snap(), channels[1], model.MessageResolved); named.Title != "Resolved: Checkout" || !strings.HasPrefix(named.Text, "Checkout was rolled back at 03:") {
		t.Errorf("the public reads\n%s\n%s", named.Title, named.Text)
	}
	issue := Draft(w.snap(), channels[2], model.MessageResolved)
	if !strings.Contains(issue.Text, "- tests for the bug (P1)") || !strings.Contains(issue.Title, w.inc.ID) {
		t.Errorf("the follow-up:\n%s\n%s", issue.Title, issue.Text)
	}
	w.seen.Figures = nil
	w.seen.Cluster.Heard = time.Time{}
	m = Draft(w.snap(), channels[0], model.MessageResolved)
	if strings.Contains(m.Text, "Error rate") || strings.Contains(m.Text, "healthy") {
		t.Errorf("says what is not known:\n%s", m.Text)
	}

	w = newWorld(t, withChannels)
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	m = Draft(w.snap(), channels[0], model.MessageStarted)
	if !strings.Contains(m.Title, "Elevated error rate on frontend") || !strings.Contains(m.Text, "errors over 5%") {
		t.Errorf("started:\n%s\n%s", m.Title, m.Text)
	}
	if strings.Contains(Draft(w.snap(), channels[0], model.MessageResolved).Text, "rolled back") {
		t.Error("says rolled back, and nothing was")
	}
	w = newWorld(t, withChannels)
	w.toRolling()
	if m := Draft(w.snap(), channels[0], model.MessageUpdated); !strings.Contains(m.Text, "it is rolling out") || m.Status != model.StatusIdentified {
		t.Errorf("updated, %s:\n%s", m.Status, m.Text)
	}
}

func TestConfirmedButNotBegunAtACrash(t *testing.T) {
	w := newWorld(t, nil)
	p := w.toConfirm()
	w.fold(Fact{At: w.now, By: "maria", Body: Confirmed{N: 1, Plans: []model.Plan{*p}}})
	effects := w.do(TakenUp{Torn: 17})
	if writes(effects) != 0 || w.inc.Step != Confirm || w.inc.Asked != AskFailed {
		t.Errorf("at %s, asks %q, %v", w.inc.Step.Name(), w.inc.Asked, effects)
	}
	if !slices.ContainsFunc(w.inc.Timeline, func(e Entry) bool { return strings.Contains(e.Text, "17 bytes were cut off") }) {
		t.Error("the torn line is not told")
	}
}

func TestOfferedIncidents(t *testing.T) {
	w := newWorld(t, nil)
	w.seen.Open = []OpenIncident{{ID: "INC-1"}, {ID: "INC-2", Abandoned: true}}
	if !has[TakeUpJournal](w.do(TakeUp{ID: "INC-1"})) || has[TakeUpJournal](w.do(TakeUp{ID: "INC-3"})) {
		t.Error("only what is offered can be taken up")
	}
	if !has[AbandonJournal](w.do(Abandon{ID: "INC-2", Reason: "old"})) {
		t.Error("cannot be abandoned")
	}
	w.figures("frontend", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
	if has[TakeUpJournal](w.do(TakeUp{ID: "INC-1"})) {
		t.Error("taken up over an incident that is open")
	}
}

// What did not help is told as done, and not as what ended the incident.
func TestResolvedOtherwise(t *testing.T) {
	w := newWorld(t, nil)
	w.do(Next{})
	w.do(EndIncident{Outcome: FalseAlarm})
	if got := strings.Join(resolved(w.snap(), false), " "); !strings.Contains(got, "It ended without a rollback: false alarm.") {
		t.Errorf("nothing was written: %s", got)
	}
	w = newWorld(t, nil)
	w.toRolling()
	w.rolledOut()
	w.do(EndIncident{Outcome: FixedOtherwise, Reason: "the flag is off"})
	if got := strings.Join(resolved(w.snap(), false), " "); !strings.Contains(got, "was rolled back from") || !strings.Contains(got, "It did not end by that: "+string(FixedOtherwise)) || strings.Contains(got, "without a rollback") {
		t.Errorf("after a write: %s", got)
	}
}
