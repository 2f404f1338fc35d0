package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// writeNext starts the next write of the newest attempt: in their order, one after
// the other's answer, or its end where the plan waits for that; none after one that
// did not succeed.
func (d *decider) writeNext() {
	a := d.inc().Attempt()
	for _, w := range a.Writes {
		switch w.State {
		case Writing, Unsettled, Refused, Failed, Reverted, Stopped:
			return
		case Pending:
			if w.Plan.Waits && slices.ContainsFunc(d.inc().Standing(), func(s Standing) bool {
				ours := s.N == a.N || !switches(&w.Plan) // it is no release that a replica waits for
				return ours && (s.Write.State == Rolling || s.Write.State == Writing || s.Write.State == Unsettled)
			}) {
				return // its turn comes with the end of what goes before it
			}
			d.fact(Intended{WriteID: WriteID{a.N, w.Plan.ID}, Was: d.s.was(w.Plan.Component)})
			d.effect(WritePlan{Attempt: a.N, Plan: w.Plan})
			return
		}
	}
}

// Intended is written before the write: without an outcome after it, a look at the
// world settles what happened.
type Intended struct {
	WriteID
	Was *WasBefore `json:"was,omitempty"`
}

func (b Intended) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.State, w.Intent, w.Was = Writing, f.At, b.Was })
}

func (b Intended) entry(*Incident) (EntryKind, string) { return EntryNone, "" }

// WritePlan is the write itself.
type WritePlan struct {
	Attempt int
	Plan    model.Plan
}

func (x WritePlan) run(r Runner) { r.WritePlan(x) }

// ID names the write.
func (x WritePlan) ID() WriteID { return WriteID{x.Attempt, x.Plan.ID} }

// Wrote is the outcome of a write.
type Wrote struct {
	WriteID
	Receipt *model.Receipt // set when it was written
	Changed string         // what changed and by whom: nothing was written
	Err     string         // the server refused: nothing was written
	Lost    string         // no answer: it may or may not have been written
}

// decide takes the outcome of a write.
func (do Wrote) decide(d *decider) {
	w := d.inc().write(do.WriteID)
	if w == nil || w.State != Writing && (w.State != Rolling || do.Receipt != nil || do.Lost != "") {
		return // a look was faster; a clear no counts all the same
	}
	component := subject(&w.Plan)
	switch {
	case do.Receipt != nil:
		d.fact(WriteDone{WriteID: do.WriteID, Receipt: *do.Receipt})
		d.leaveWord(&w.Plan)
		d.writeNext()
	case do.Changed != "":
		d.fact(WriteRefused{WriteID: do.WriteID, Changed: do.Changed})
		d.askAgain(AskChanged, fmt.Sprintf("Nothing was written: %s changed after you confirmed: %s", component, do.Changed))
	case do.Lost != "":
		d.fact(WriteLost{WriteID: do.WriteID, Err: do.Lost})
		d.effect(LookPlan{Attempt: do.N, Plan: w.Plan})
	default:
		d.fact(WriteFailed{WriteID: do.WriteID, Err: do.Err})
		d.askAgain(AskFailed, fmt.Sprintf("Nothing was written to %s: %s", component, do.Err))
	}
}

// WriteDone is the server's answer to the write.
type WriteDone struct {
	WriteID
	Receipt model.Receipt `json:"receipt"`
}

func (b WriteDone) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.State, w.Receipt, w.Err = Rolling, b.Receipt, "" })
}

// Words says what was written, without the server's answer.
func (b WriteDone) Words(i *Incident) string { return "written: " + i.component(b.WriteID) }

func (b WriteDone) entry(i *Incident) (EntryKind, string) {
	text := b.Words(i)
	if b.Receipt.Text != "" {
		text += " (" + b.Receipt.Text + ")"
	}
	return EntryOutcome, text
}

// WriteRefused is a plan that no longer fitted: nothing was written.
type WriteRefused struct {
	WriteID
	Changed string `json:"changed"`
}

func (b WriteRefused) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.State, w.Err = Refused, b.Changed })
}

func (b WriteRefused) entry(i *Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("nothing written to %s: %s", i.component(b.WriteID), b.Changed)
}

// WriteFailed is the server's no: nothing was written.
type WriteFailed struct {
	WriteID
	Err string `json:"err"`
}

func (b WriteFailed) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.State, w.Err = Failed, b.Err })
}

func (b WriteFailed) entry(i *Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("nothing written to %s: %s", i.component(b.WriteID), b.Err)
}

// WriteLost is a write without an answer.
type WriteLost struct {
	WriteID
	Err string `json:"err"`
}

func (b WriteLost) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.State, w.Err, w.Lost = Unsettled, b.Err, true })
}

func (b WriteLost) entry(i *Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("no answer to the write to %s: %s; looking whether it was done", i.component(b.WriteID), b.Err)
}

// LookPlan finds out whether a write happened.
type LookPlan struct {
	Attempt int
	Plan    model.Plan
}

func (x LookPlan) run(r Runner) { r.LookPlan(x) }

// ID names the write.
func (x LookPlan) ID() WriteID { return WriteID{x.Attempt, x.Plan.ID} }

// Settled is what a look says of a write without an outcome.
type Settled struct {
	WriteID
	State   model.Settled
	By      string         // see model.Looked
	Receipt *model.Receipt // see model.Looked
}

// decide takes what a look says of a write without an answer, at any time: what was
// not done may still arrive, and is done then. A look that failed is repeated by the
// engine.
func (do Settled) decide(d *decider) {
	w := d.inc().write(do.WriteID)
	if w == nil {
		return
	}
	late := w.State == Failed && w.Lost
	b := WriteSettled{WriteID: do.WriteID, State: do.State, By: do.By, Receipt: do.Receipt}
	switch {
	case do.State == model.SettledDone && (late || w.State == Writing || w.State == Unsettled):
		d.settledDone(w.Plan, b, late)
	case w.State == Unsettled && do.State == model.SettledNot:
		d.settledNot(w.Plan, b, w.Arrives())
	case w.State == Unsettled && do.State == model.SettledForeign:
		d.fact(b)
		d.askAgain(AskChanged, strings.TrimSpace(fmt.Sprintf("%s is something else now, by %s", subject(&w.Plan), do.By)))
	case do.State == model.SettledNot && !w.Until.IsZero() && !d.s.Now.Before(w.Until):
		d.fact(b) // and it will not come any more
		if d.inc().Asked == AskFailed {
			d.finds(AskedFor{What: AskFailed, Text: notWritten(subject(&w.Plan))})
		}
	}
}

// notWritten says that a write did not happen and will not.
func notWritten(component string) string {
	return "Nothing was written to " + component + ": it is still as it was before. Confirm again."
}

// settledNot takes it that a write was not done, so far.
func (d *decider) settledNot(p model.Plan, b WriteSettled, until time.Time) {
	text := notWritten(subject(&p))
	if d.s.Now.Before(until) {
		b.Until = until
		text = fmt.Sprintf("%s was not written so far; the request may still arrive until %s. You may confirm again: only one of the two can be done.", subject(&p), exactTime(until))
	}
	d.fact(b)
	d.askAgain(AskFailed, text)
}

// settledDone takes it that a write was done. late: something else was said before.
func (d *decider) settledDone(p model.Plan, b WriteSettled, late bool) {
	d.fact(b)
	if b.By == "" {
		d.leaveWord(&p)
	}
	if !late {
		d.writeNext()
		return
	}
	// What was not written after it was told not to have happened is confirmed anew.
	if d.inc().Asked == AskFailed || d.inc().Asked == AskChanged {
		d.fact(AskAnswered{What: d.inc().Asked, With: ReplyArrived})
	}
	if step := d.inc().Step; step < RollBack && step >= Choose && d.inc().End == nil {
		d.toWatch()
	}
}

// CannotLook says that nobody here can tell what became of a write. The operator has
// to look, and to say.
type CannotLook struct {
	WriteID
	Why string
}

func (do CannotLook) decide(d *decider) {
	w := d.inc().write(do.WriteID)
	if w == nil || w.State != Unsettled && w.State != Writing {
		return
	}
	if w.State == Writing {
		d.fact(WriteLost{WriteID: do.WriteID, Err: do.Why})
	}
	if d.inc().Asked == AskNothing {
		d.finds(AskedFor{What: AskSettle, Text: fmt.Sprintf("Whether %s was written cannot be looked up: %s. Look yourself, then say what you found.", subject(&w.Plan), do.Why)})
	}
}

// WriteSettled is what a look says of such a write.
type WriteSettled struct {
	WriteID
	State   model.Settled  `json:"state"`
	By      string         `json:"by,omitempty"`
	Until   time.Time      `json:"until,omitzero"` // not done so far; up to then it may still arrive
	Receipt *model.Receipt `json:"receipt,omitempty"`
}

func (b WriteSettled) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) {
		w.Until = b.Until
		switch b.State {
		case model.SettledDone:
			w.State, w.Err = Rolling, ""
			if b.Receipt != nil {
				w.Receipt = *b.Receipt
			}
			if w.Receipt.At.IsZero() {
				w.Receipt.At = f.At
			}
		case model.SettledNot:
			w.State, w.Err = Failed, "it was not written"
			if !b.Until.IsZero() {
				w.Err = "not written so far; it may still arrive until " + exactTime(b.Until)
			}
		case model.SettledForeign:
			w.State, w.Err = Refused, "changed by "+b.By
		}
	})
}

func (b WriteSettled) entry(i *Incident) (EntryKind, string) {
	c := i.component(b.WriteID)
	switch {
	case b.State == model.SettledDone && b.By != "":
		return EntryOutcome, fmt.Sprintf("looked: %s is what was wanted, by %s", c, b.By)
	case b.State == model.SettledDone:
		return EntryOutcome, fmt.Sprintf("looked: the write to %s was done", c)
	case !b.Until.IsZero():
		return EntryBad, fmt.Sprintf("looked: the write to %s was not done so far; it may still arrive until %s", c, exactTime(b.Until))
	case b.State == model.SettledNot:
		return EntryBad, fmt.Sprintf("looked: the write to %s was not done", c)
	}
	return EntryBad, fmt.Sprintf("looked: %s is something else, by %s", c, b.By)
}

// exactTime is a time of day to the second, as all read it alike.
func exactTime(t time.Time) string { return t.UTC().Format("15:04:05") + " UTC" }

// PostEvent leaves word on the workload for those who look with kubectl.
type PostEvent struct {
	Workload model.Workload
	UID      string // "" = it is not on the board
	Text     string
}

func (x PostEvent) run(r Runner) { r.PostEvent(x) }

// leaveWord tells those who look with kubectl.
func (d *decider) leaveWord(p *model.Plan) {
	if p.Workload == (model.Workload{}) {
		return
	}
	uid := ""
	if c := d.s.Seen.Component(p.Component); c != nil {
		uid = c.UID
	}
	d.effect(PostEvent{Workload: p.Workload, UID: uid, Text: fmt.Sprintf("%s: %s, with rollbook (%s)",
		d.s.Operator(), p.Title, d.inc().ID)})
}
