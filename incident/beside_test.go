package incident

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"rollbook/model"
)

var channels = []model.Channel{
	{ID: "slack/incidents", Kind: model.ChannelSlack, Name: "incidents"},
	{ID: "statuspage/public", Kind: model.ChannelStatuspage, Name: "public"},
	{ID: "gitlab/shop", Kind: model.ChannelGitLab, Name: "shop"},
}

// promises are what must hold over a whole random walk, beside the rollback.
type promises struct {
	sent map[int]bool // messages that went to the engine
}

func (p *promises) hold(t *testing.T, before *Incident, w *world, in Act, facts []Fact, effects []Effect) {
	t.Helper()
	if p.sent == nil {
		p.sent = map[int]bool{}
	}
	evidence := false
	for _, e := range effects {
		switch e := e.(type) {
		case SendOut:
			m := w.inc.Message(e.N)
			if _, ok := in.(SendMessage); !ok || m == nil || m.By == "" {
				t.Fatalf("message %d sent by %T", e.N, in)
			}
			if p.sent[e.N] {
				t.Fatalf("message %d sent twice", e.N)
			}
			p.sent[e.N] = true
			for _, o := range before.Messages {
				same := o.Message.Channel == m.Message.Channel && o.Message.Kind == m.Message.Kind
				if same && o.State != MessageNotOut && !in.(SendMessage).Again {
					t.Fatalf("%q went to %s again, and nobody said so", m.Message.Kind, m.Message.Channel)
				}
			}
		case GatherEvidence:
			evidence = true
		case WritePlan:
			if evidence {
				t.Fatal("evidence stands before a write")
			}
		}
	}
	for _, e := range before.Escalations {
		now := w.inc.Escalation(e.ID)
		answered := now != nil && now.Answer != ""
		if _, ok := in.(AnswerEscalation); now == nil || e.Answer != "" && !reflect.DeepEqual(*now, e) || e.Answer == "" && answered && !ok {
			t.Fatalf("escalation %+v became %+v by %T", e, now, in)
		}
	}
	total, blind := Downtime(w.snap())
	if blind > total || total > w.now.Sub(t0)+time.Hour || total < w.inc.Down.Total {
		t.Fatalf("down for %s, %s of it blind", total, blind)
	}
	if !before.Closed.IsZero() && w.inc.Closed != before.Closed {
		t.Fatal("closed twice")
	}
	if _, ok := in.(Observed); ok && w.inc.ID != "" && w.inc.Closed.IsZero() {
		// What is verified by is the same to a reader of the journal alone.
		alone := *w.snap()
		alone.Seen.Baseline = nil
		for _, c := range w.inc.Choices {
			was, now := w.snap().baseline(c.Component), alone.baseline(c.Component)
			if was.Errors.Known != now.Errors.Known || was.Errors.Value != now.Errors.Value || was.P95.Known != now.P95.Known || was.P95.Value != now.P95.Value {
				t.Fatalf("the baseline is %+v, and in the journal %+v", was, now)
			}
		}
	}
	for c, was := range before.Baseline {
		if now := w.inc.Baseline[c]; was.Errors.Known && !now.Errors.Known || was.P95.Known && !now.P95.Known {
			t.Fatalf("a baseline was forgotten: %+v became %+v", was, now)
		}
	}
	p.ends(t, before, w, in, facts, effects)
	for _, it := range before.Items {
		for _, now := range w.inc.Items {
			if now.ID == it.ID && it.State != "" && !reflect.DeepEqual(now, it) {
				t.Fatalf("item %s was settled, and is %+v", it.ID, now)
			}
		}
	}
}

// ends is what must hold of the end of an incident: of Verify, the downtime and the
// confirmation.
func (p *promises) ends(t *testing.T, before *Incident, w *world, in Act, facts []Fact, effects []Effect) {
	t.Helper()
	s := w.snap()
	if before.Verified.IsZero() && !w.inc.Verified.IsZero() {
		if over := overNow(s, w.inc.Covered(), false); len(over) > 0 {
			t.Fatalf("verified while %s", briefs(over))
		}
		checks := VerifyChecks(s)
		for _, v := range checks {
			if v.State != model.TriYes && !v.Accepted && !v.Shown {
				t.Fatalf("verified with %+v", v)
			}
		}
		for _, x := range w.inc.Failed {
			if !slices.ContainsFunc(checks, func(v VerifyCheck) bool { return v.Component == x }) {
				t.Fatalf("verified, and nobody looked at %s, which had failed", x)
			}
		}
	}
	if Unresolved(s) == "" && len(overNow(s, w.inc.Covered(), false)) > 0 {
		t.Fatalf("“resolved” may be told while %s", EndAgainst(s))
	}
	for _, f := range facts {
		if c, ok := f.Body.(Confirmed); ok && (before.End != nil || !before.Closed.IsZero()) {
			t.Fatalf("confirmed in an incident that has ended: %+v", c)
		}
	}
	for _, e := range effects {
		if _, ok := e.(WritePlan); ok && (w.inc.End != nil || !w.inc.Closed.IsZero()) {
			t.Fatal("written in an incident that has ended")
		}
	}
	if _, ok := in.(Observed); !ok || w.inc.ID == "" || !w.inc.Closed.IsZero() {
		return
	}
	over := len(overNow(s, w.inc.Concerned(), false)) > 0 && (w.inc.End == nil || w.inc.holds())
	if counts := !w.inc.Down.Since.IsZero() && !w.inc.Down.Unseen; counts != over {
		t.Fatalf("over a limit %v (%s), and the clock of the downtime runs %v", over, EndAgainst(s), counts)
	}
}

// randomBeside is an input of what goes beside the walk.
func (w *world) randomBeside(r *rand.Rand) Act {
	n := 1 + r.IntN(len(w.inc.Messages)+1)
	switch r.IntN(17) {
	case 0, 1, 2:
		return SendMessage{Channel: channels[r.IntN(3)].ID, Kind: []model.MessageKind{model.MessageStarted, model.MessageResolved}[r.IntN(2)],
			Title: "t", Text: "x", Again: r.IntN(4) == 0}
	case 3, 4:
		return []Act{Sent{N: n, Delivery: &model.Delivery{Ref: "7", URL: "https://chat/7"}}, Sent{N: n, Err: "404"},
			Sent{N: n, Lost: "timeout"}}[r.IntN(3)]
	case 5:
		return Gathered{Moment: []model.Moment{model.AtOpening, model.AtConfirm, model.InFull}[r.IntN(3)], Evidence: model.Evidence{Moment: model.InFull, Files: 3, Bytes: 9000}}
	case 6:
		return Gathered{Moment: model.InFull, Err: "disk full"}
	case 7:
		return []Act{Measured{Impact: model.Impact{From: t0, To: w.now}}, Measured{Err: "no Prometheus"}}[r.IntN(2)]
	case 8:
		return []Act{WriteReport{}, Reported{Path: "/x/report.md", Entries: len(w.inc.Timeline)}, Reported{Err: "disk full"}}[r.IntN(3)]
	case 9:
		return AnswerEscalation{ID: []string{"downtime", "data loss", "rollback/1"}[r.IntN(3)], With: EscalationCalled}
	case 10:
		was := w.seen.Leases["backend-python"]
		now := []model.Lease{{Holder: "jonas@y (INC-2)", At: w.now}, {Holder: "maria@x (INC-1)", Mine: true, At: w.now}, {Err: "forbidden"}}[r.IntN(3)]
		w.seen.Leases = map[string]model.Lease{"backend-python": now}
		return LeaseHeard{Component: "backend-python", Was: was, Now: now, Forced: r.IntN(3) == 0}
	case 11:
		return TakeOver{Component: "backend-python", Reason: "he sleeps"}
	case 12:
		if len(w.inc.Items) == 0 {
			return Goto{Close}
		}
		return SettleItem{ID: w.inc.Items[r.IntN(len(w.inc.Items))].ID, Waive: r.IntN(2) == 0, Reason: "because"}
	case 13:
		if r.IntN(8) == 0 {
			return EndIncident{Outcome: []Outcome{RecoveredAlone, FixedOtherwise, FalseAlarm}[r.IntN(3)], Reason: []string{"", "they say so"}[r.IntN(2)]}
		}
	case 14:
		if w.inc.End != nil && r.IntN(4) == 0 {
			return Reopen{Reason: "it is back"}
		}
		if checks := VerifyChecks(w.snap()); len(checks) > 0 {
			return AcceptUnknown{Key: checks[r.IntN(len(checks))].Key, Reason: "looked by hand"}
		}
	case 15:
		return Observed{Passed: time.Duration(r.IntN(40)) * time.Second, Jump: []time.Duration{0, 0, 0, time.Hour, -time.Hour}[r.IntN(5)]}
	case 16:
		x := said(r.IntN(2)*30, model.SaidLine{Text: "KeyError", Count: 1 + r.IntN(9), New: r.IntN(2) == 0})
		x.Lines = x.Lines[:r.IntN(2)]
		return PodLogsRead{x}
	}
	return Observed{}
}
