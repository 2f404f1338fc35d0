package model

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Decide says what follows from an input: the facts to journal and the effects
// to start after them. It changes nothing.
func Decide(i Incident, seen Seen, in Input) ([]Fact, []Effect) {
	if seen.Resuming != "" && in.By != "" {
		return nil, nil // what was typed was about what is about to be replaced
	}
	i.lend()
	d := &decider{s: Snapshot{Incident: i, Seen: seen, Now: in.At}, by: in.By}
	defer func() { forget(d.found) }()
	switch do := in.Do.(type) {
	case Observed:
		d.observe()
	case Next:
		d.next()
	case Back:
		d.back()
	case Goto:
		if do.Step <= d.inc().Furthest {
			d.moveTo(do.Step)
		}
	case Say:
		d.say(do)
	case Overrule:
		d.overrule(do)
	case StandDown:
		if CanStandDown(&d.s) == "" {
			d.fact(StoodDown{})
			d.judge()
		}
	case Select:
		d.choose(do)
	case Pick:
		d.pick(do)
	case Recheck:
		d.checkPlans()
	case OverrideCheck:
		d.overrideCheck(do)
	case ConfirmWrite:
		d.confirm(do)
	case Wrote:
		d.wrote(do)
	case Settled:
		d.settled(do)
	case Answered:
		d.answered(do)
	case AcceptUnknown:
		d.accept(do)
	case SettleItem:
		d.item(do)
	case EndIncident:
		d.end(do)
	case NoJournal:
		d.fact(JournalGivenUp{})
	case TakenUp:
		d.takenUp(do)
	default:
		d.beside(in.Do)
	}
	return d.facts, d.effects
}

// beside takes the inputs of what goes beside the walk and after it.
func (d *decider) beside(in any) {
	switch do := in.(type) {
	case Gathered:
		d.gathered(do)
	case Measured:
		d.measured(do)
	case Reported:
		d.reported(do)
	case Sent:
		d.sent(do)
	case LeaseHeard:
		d.leaseHeard(do)
	case GatherAgain:
		if d.inc().ID != "" {
			d.effect(GatherEvidence{InFull})
		}
	case WriteReport:
		if d.inc().ID != "" {
			d.effect(MakeReport{})
		}
	case SendMessage:
		d.send(do)
	case AnswerEscalation:
		d.answerEscalation(do)
	case TakeOver:
		d.takeOver(do)
	case TakeUp:
		if d.offered(do.ID) {
			d.effect(TakeUpJournal(do))
		}
	case Abandon:
		if d.offered(do.ID) && d.by != "" {
			d.effect(AbandonJournal(do))
		}
	}
}

// offered says whether a journal of an earlier run may be taken up.
func (d *decider) offered(id string) bool {
	return d.inc().ID == "" && slices.ContainsFunc(d.s.Seen.Open, func(o OpenIncident) bool { return o.ID == id })
}

// decider gathers what follows from one input. Each fact is applied to its own
// copy of the incident at once, so that what comes after it sees it.
type decider struct {
	s       Snapshot
	by      string
	facts   []Fact
	effects []Effect
	found   []finding // by Seen, which stays the same; made at its first use
}

func (d *decider) inc() *Incident { return &d.s.Incident }

func (d *decider) fact(b Body) {
	f := Fact{At: d.s.Now, By: d.by, Body: b}
	d.facts = append(d.facts, f)
	d.s.Incident.take(f)
}

// findings judges the board once for all that ask in this decision.
func (d *decider) findings() []finding {
	if d.found == nil {
		d.found = findings(&d.s)
	}
	return d.found
}

func (d *decider) verdict() (Verdict, string) { return VerdictOf(&d.s, tree(&d.s, d.findings())) }

func (d *decider) effect(e Effect) { d.effects = append(d.effects, e) }

// judge records the verdict when it is another one than before.
func (d *decider) judge() {
	v, why := d.verdict()
	if r := d.inc().Verdict; r.Verdict != v || r.Since.IsZero() {
		by := d.by
		d.by = ""
		d.fact(Judged{Verdict: v, Text: why})
		d.by = by
	}
}

// next goes one step forward, if nothing blocks it.
func (d *decider) next() {
	step := d.inc().Step
	if step.Blocked(&d.s) != "" || step == Close || step == Confirm {
		return
	}
	d.moveTo(step + 1)
}

// back goes one step back. Nothing that was answered, chosen or done is lost.
func (d *decider) back() {
	if step := d.inc().Step; step > Assess {
		d.moveTo(step - 1)
	}
}

// moveTo enters a step and asks for what that step shows.
func (d *decider) moveTo(to Step) {
	from := d.inc().Step
	if from == to {
		return
	}
	if d.inc().ID == "" {
		d.open()
	}
	m := Moved{To: to}
	if from == Decision && to == Choose {
		m.Verdict, m.Text = d.verdict()
	}
	d.fact(m)
	switch to {
	case Choose:
		d.enterChoose()
	case Confirm:
		d.checkPlans()
		d.effect(GatherEvidence{AtConfirm})
	case Close:
		d.enterClose()
	}
}

// open begins the incident's journal.
func (d *decider) open() {
	onset := d.inc().Onset
	if onset.IsZero() {
		onset = d.s.Now
	}
	d.fact(Opened{
		ID:      "INC-" + onset.UTC().Format("20060102-1504") + "-" + d.subject(),
		Cluster: d.s.Seen.Identity.Cluster, User: d.s.Seen.Identity.User, Onset: d.inc().Onset,
	})
	d.effect(OpenJournal{})
	d.effect(GatherEvidence{AtOpening})
}

// subject names the incident's component: the one with the first trigger, the
// first suspect, the one named on the command line, else the namespace.
func (d *decider) subject() string {
	if t := d.inc().Triggers; len(t) > 0 {
		return slug(t[0].Component)
	}
	if s := Suspects(&d.s); len(s) > 0 {
		return slug(s[0].Component)
	}
	if f := d.inc().Settings.Focus; f != "" {
		return slug(f)
	}
	return slug(d.inc().Settings.Namespace)
}

// slug keeps what may stand in a folder's name on every system.
func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	s = strings.Trim(s, "-")
	if len(s) > 63 {
		s = s[:63]
	}
	if s == "" {
		return "incident"
	}
	return s
}

// Blocked says why the step cannot be left forward, in words for the operator;
// "" when it can.
func (s Step) Blocked(snap *Snapshot) string {
	i := &snap.Incident
	switch s {
	case Assess:
		if r := snap.Seen.Resuming; r != "" {
			return "taking up " + r
		}
		if snap.Seen.Cluster.Heard.IsZero() {
			return "the cluster has not answered yet"
		}
		if len(snap.Seen.Board) == 0 {
			return "there is no workload to decide on"
		}
		if snap.Seen.Identity.Cluster == "" {
			return "it is not known yet which cluster this is"
		}
	case Choose:
		return chooseBlocked(i)
	case Confirm:
		return confirmBlocked(snap)
	case RollBack:
		return rollBlocked(i)
	case Verify:
		if i.End == nil && i.Verified.IsZero() {
			return "not verified yet: wait for the hold, accept what is unknown by name, or end the incident (x)"
		}
	case Close:
		if i.Closed.IsZero() {
			return fmt.Sprintf("%d items of the checklist are open", openItems(i))
		}
		return "this is the last step"
	}
	return ""
}

func (d *decider) say(do Say) {
	a := Answer{Answer: do.Answer, At: d.s.Now, By: d.by, Reason: do.Reason}
	for _, n := range Tree(&d.s) {
		if n.Question == do.Question {
			a.Figure = n.Text
		}
	}
	d.fact(Said{Question: do.Question, Answer: a})
	d.judge()
	d.escalate()
}

func (d *decider) overrule(do Overrule) {
	v, _ := d.verdict()
	d.fact(Overruled{Verdict: do.Verdict, Against: v, Reason: do.Reason})
}

func (d *decider) end(do EndIncident) {
	if a := d.inc().Attempt(); a != nil && writing(a) {
		return
	}
	if d.inc().ID == "" {
		d.open()
	}
	d.fact(Ended{Outcome: do.Outcome, Reason: do.Reason})
	d.moveTo(Close)
}

func writing(a *Attempt) bool {
	for _, w := range a.Writes {
		if w.State == Writing {
			return true
		}
	}
	return false
}

// ago is how long ago t was, for sentences; "" when unknown.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return Short(now.Sub(t)) + " ago"
}
