package incident

import (
	"cmp"
	"slices"
	"time"

	"rollbook/model"
)

// Asked is a question of the walk's own that waits for an answer.
type Asked string

// The questions. The zero value is none.
const (
	AskNothing  Asked = ""
	AskDeadline Asked = "deadline" // the rollout took longer than its bar: wait, another revision, recovery
	AskNotGreen Asked = "not green"
	// AskUnverified: nothing speaks against it, but something is not known.
	AskUnverified Asked = "not verified"
	AskChanged    Asked = "changed"  // nothing was written, because the workload changed after the confirmation
	AskReverted   Asked = "reverted" // somebody put another template in place
	AskFailed     Asked = "failed"
	AskWorse      Asked = "worse"  // it is clearly worse than before the write
	AskSettle     Asked = "settle" // a write's outcome is unknown and the cluster cannot be asked
)

// AskedFor is a question of the walk's own.
type AskedFor struct {
	What Asked  `json:"what"`
	Text string `json:"text"`
}

func (b AskedFor) apply(i *Incident, f Fact) { i.Asked, i.AskText, i.AskFrom = b.What, b.Text, f.At }

func (b AskedFor) entry(*Incident) (EntryKind, string) {
	if b.What == AskWorse {
		return EntryNone, "" // that it is worse was told with the figures
	}
	return EntryBad, b.Text
}

// askAgain leads back to a fresh preflight after a write that did not happen. What a drill
// breaks is chosen for that once more: toWatch had dropped it.
func (d *decider) askAgain(what Asked, text string) {
	d.finds(AskedFor{What: what, Text: text})
	if a := d.inc().Attempt(); a != nil && a.breaks() {
		for _, w := range a.Writes {
			d.fact(Chosen{Choice{Slot: w.Plan.Slot(), Method: w.Plan.Method, From: w.Plan.From, To: w.Plan.To, Own: true,
				Why: d.inc().StepText(a.Course, a.Step), Course: a.Course, Step: a.Step}})
		}
	}
	d.fact(Moved{To: Confirm, Apart: d.apart()})
	d.checkPlans()
}

// asking says whether so long has passed without green that the walk asks.
func (d *decider) asking(wait time.Duration) bool {
	from := d.inc().RolledOut
	if f := d.inc().AskFrom; f.After(from) {
		from = f
	}
	return wait > 0 && d.s.Now.Sub(from) >= wait
}

// Reply is what the operator says to such a question.
type Reply string

// The replies.
const (
	ReplyWait     Reply = "wait"
	ReplyAnother  Reply = "another" // version, to be chosen
	ReplyUndo     Reply = "undo"    // the undo: back to what ran before it
	ReplyRecovery Reply = "recovery"
	// To AskSettle: what the operator found when they looked.
	ReplyWritten    Reply = "it was written"
	ReplyNotWritten Reply = "it was not written"
	// The world's own: what was said not to have happened has happened.
	ReplyArrived Reply = "it was written after all"
)

// Answered settles Incident.Asked.
type Answered struct{ With Reply }

// decide settles the walk's own question.
func (do Answered) decide(d *decider) {
	what := d.inc().Asked
	if what == AskNothing && (do.With == ReplyAnother || do.With == ReplyUndo) && d.inc().wrote() {
		d.leave(do.With)
		return
	}
	if what == AskNothing {
		return
	}
	if what == AskSettle && do.With != ReplyWritten && do.With != ReplyNotWritten {
		return
	}
	d.fact(AskAnswered{What: what, With: do.With})
	if what == AskSettle {
		d.settleByHand(do.With == ReplyWritten)
		return
	}
	if do.With == ReplyAnother || do.With == ReplyUndo {
		d.leave(do.With)
	}
}

// leave goes back to Choose for what was rolled back: to another version, or, which
// is the undo of the undo, to the one that it came from. It works at any time after
// a write.
func (d *decider) leave(with Reply) {
	for _, st := range d.inc().Standing() {
		w := st.Write
		if !w.InPlace() {
			continue
		}
		c := Choice{Slot: w.Plan.Slot(), Method: w.Plan.Method, From: w.Plan.To}
		if now := d.s.Seen.Component(w.Plan.Component); now != nil && !now.Running().IsZero() {
			c.From = now.Running()
		}
		if with == ReplyUndo {
			c.Own, c.To, c.Why = true, w.Plan.From, "undo the undo: "+d.s.UndoWords(w)
		}
		d.fact(Chosen{c})
	}
	d.moveTo(Choose)
}

// UndoWords says to what version the undo of a write goes back, and what is known of
// that version.
func (s *Snapshot) UndoWords(w *Write) string {
	h := s.Seen.History[w.Plan.Slot()]
	if h == nil {
		h = &model.History{Component: w.Plan.Component}
	}
	r := h.Candidate(w.Plan.From.Key)
	if r == nil {
		r = &model.Candidate{Version: w.Plan.From}
	}
	text := "back to " + w.Plan.From.Full()
	if why := s.badVersion(h, r); why != "" {
		return text + ", which " + why
	}
	if k := s.Incident.known(w.Plan.Component, w.Plan.From.Key); k.good() {
		return text + ", which served well when it last ran: " + k.figures()
	}
	if ok, _ := s.good(h, r); ok {
		return text + ", which served well before the onset: " + behaved(r.Behaviour)
	}
	return text + ", of which nothing is known"
}

// wrote reports whether a release was written that stands.
func (i *Incident) wrote() bool {
	return slices.ContainsFunc(i.Standing(), func(s Standing) bool { return s.Write.InPlace() })
}

// settleByHand takes the operator's word for every write whose outcome nobody here can
// tell.
func (d *decider) settleByHand(written bool) {
	state := model.SettledNot
	if written {
		state = model.SettledDone
	}
	for _, a := range d.inc().Attempts {
		for _, w := range a.Writes {
			if w.State == Unsettled {
				Settled{WriteID: WriteID{a.N, w.Plan.ID}, State: state}.decide(d)
			}
		}
	}
}

// AskAnswered is the operator's answer to it.
type AskAnswered struct {
	What Asked `json:"what"`
	With Reply `json:"with"`
}

func (b AskAnswered) apply(i *Incident, f Fact) {
	if b.With == ReplyWait && b.What == AskDeadline {
		for _, a := range i.Attempts {
			for _, w := range a.Writes {
				if w.State == Rolling {
					i.onWrite(WriteID{a.N, w.Plan.ID}, func(w *Write) { w.Waited = true })
				}
			}
		}
	}
	i.Asked, i.AskText, i.AskFrom = AskNothing, "", f.At
}

func (b AskAnswered) entry(*Incident) (EntryKind, string) {
	words := map[Reply]string{ReplyWait: "wait longer", ReplyAnother: "take another version", ReplyUndo: "undo the undo"}[b.With]
	return EntryAnswer, "answered: " + cmp.Or(words, string(b.With))
}
