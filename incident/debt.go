package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"rollbook/model"
)

// Debt is something that a write switched off and that has to be put back. Those of this
// incident are folded from its writes, by what their plans owe and pay; those of others
// are known by what the cluster remembers of them.
type Debt struct {
	WriteID // of another incident: N is 0
	model.Slot
	Method   model.Method
	What     string // in words: "api is scaled to 0"
	Since    time.Time
	By       string        // who confirmed the write
	Back     model.Version // what it is put back to
	Now      model.Version // where this incident brought it last; another's replicas as they are; zero = not known
	Unsure   bool          // whether it was written is not known yet
	Paying   bool          // what puts it back is on its way
	Incident string        // another one that owes it; "" = this one
	Foreign  bool          // it is another incident's, or nobody knows whose
}

// Owed returns the debts of this incident that are neither paid nor waived, in the order
// in which they were made. A write whose answer is still out counts: it may have happened.
// One that somebody else reverted counts too, until a person has looked. What is switched
// off further, or once more, is owed once.
func (i *Incident) Owed() []Debt {
	var out []Debt
	waived := func(at time.Time) func(Debt) bool {
		return func(o Debt) bool { w, ok := i.Waived[o.WriteID]; return ok && (at.IsZero() || w.At.Before(at)) }
	}
	for a := range i.Attempts {
		attempt := &i.Attempts[a]
		out = slices.DeleteFunc(out, waived(attempt.Confirmed))
		for w := range attempt.Writes {
			write := &attempt.Writes[w]
			out = slices.DeleteFunc(out, func(o Debt) bool {
				return o.Plan == write.Plan.Pays && o.N < attempt.N && write.State == Done
			})
			if write.happened() { // one of its slot that was not done so far can do nothing any more
				out = slices.DeleteFunc(out, func(o Debt) bool {
					return o.Unsure && o.Slot == write.Plan.Slot() && o.N < attempt.N && i.write(o.WriteID).refused()
				})
			}
			known := false
			for n := range out {
				o := &out[n]
				o.Paying = o.Paying || o.Plan == write.Plan.Pays && o.N < attempt.N && write.underWay()
				if o.Slot == write.Plan.Slot() && o.Method == write.Plan.Method && write.happened() {
					known = known || !o.Unsure
					if write.State != Stopped { // else it may not have come so far
						o.Now = write.Plan.To
					}
				}
			}
			if known || write.Plan.Owes == "" || write.State == Pending || write.refused() && write.Until.IsZero() {
				continue
			}
			out = append(out, Debt{WriteID: WriteID{attempt.N, write.Plan.ID}, Slot: write.Plan.Slot(), Method: write.Plan.Method,
				What: write.Plan.Owes, Since: write.since(), By: attempt.By, Back: write.Plan.From, Now: write.Plan.To, Unsure: !write.happened()})
		}
	}
	return slices.DeleteFunc(out, waived(time.Time{}))
}

// Owed returns all that is switched off and seen: what this incident owes, then what the
// cluster remembers of others.
func (s *Snapshot) Owed() []Debt {
	out := s.Incident.Owed()
	own := len(out)
	for _, c := range s.Seen.Board {
		for _, m := range c.Marks {
			slot := model.Slot{Component: c.ID, Role: cmp.Or(m.Role, model.RoleSwitch)}
			o := Debt{WriteID: WriteID{Plan: m.Plan}, Slot: slot, Method: m.Method, What: m.What, Since: m.Since, By: m.By, Back: m.To,
				Incident: m.Incident, Foreign: true}
			if m.Method == model.MethodScale { // the mark's words are from when it was made
				o.Now = model.Replicas(c.Desired)
			}
			known := slices.ContainsFunc(out[:own], func(o Debt) bool { return o.Slot == slot && o.Method == m.Method })
			for w := range s.Incident.writes() {
				known = known || w.Plan.ID == m.Plan || w.Plan.Pays == m.Plan && m.Plan != "" && w.State == Done // the board comes later
				o.Paying = o.Paying || w.Plan.Pays == m.Plan && m.Plan != "" && w.underWay()
			}
			if !known {
				out = append(out, o)
			}
		}
	}
	return out
}

// Words says what is switched off, and where it stands if that is another place by now.
func (o *Debt) Words() string {
	if o.Method == model.MethodScale && !o.Now.IsZero() && o.Now.Key != model.Replicas(0).Key {
		return o.What + ", and back at " + o.Now.String() + " so far"
	}
	return o.What
}

// since is when a write happened, as far as is known: its answer, else its intent.
func (w *Write) since() time.Time {
	if w.Receipt.At.IsZero() {
		return w.Intent
	}
	return w.Receipt.At
}

// Pay takes up the write that puts back what another one switched off: by the same
// method, to what was there before. It is checked and confirmed like any other, and alone.
type Pay struct{ Write WriteID }

func (do Pay) decide(d *decider) {
	i := d.s.Owed()
	n := slices.IndexFunc(i, func(o Debt) bool { return o.WriteID == do.Write })
	if n < 0 || PayBlocked(&d.s, i[n]) != "" {
		return
	}
	o := i[n]
	d.fact(Chosen{Choice{Slot: o.Slot, Method: o.Method, From: o.Now, To: o.Back, Own: true, Why: "put back: " + o.What, Pays: o.Plan}})
	d.goTo(Confirm)
}

// PayBlocked says why a debt cannot be paid now; "" when it can.
func PayBlocked(s *Snapshot, o Debt) string {
	switch {
	case o.Paying:
		return o.What + ": it is being put back"
	case o.Unsure:
		return o.What + ": whether it was written is not known yet"
	case o.Back.IsZero():
		return o.What + ": to what it is put back is not known; do it by hand"
	case !s.Incident.Closed.IsZero():
		return "this incident is closed: start rollbook anew"
	}
	return ""
}

func (d *decider) debt(id WriteID) *Debt {
	for _, o := range d.inc().Owed() {
		if o.WriteID == id {
			return &o
		}
	}
	return nil
}

// WaiveDebt is the operator's word that something stays switched off, or was put back
// by hand.
type WaiveDebt struct {
	Write  WriteID
	Reason string
}

func (do WaiveDebt) decide(d *decider) {
	if o := d.debt(do.Write); d.by == "" || do.Reason == "" || o == nil || o.Unsure { // it may still arrive
		return
	}
	d.fact(DebtWaived{WriteID: do.Write, Reason: do.Reason})
	d.settleSteps()
	d.closeIfDone()
}

// DebtWaived is that word, by name and with its reason.
type DebtWaived struct {
	WriteID
	Reason string `json:"reason"`
}

func (b DebtWaived) apply(i *Incident, f Fact) {
	all := map[WriteID]Override{}
	for id, o := range i.Waived {
		all[id] = o
	}
	text := ""
	if w := i.write(b.WriteID); w != nil {
		text = w.Plan.Owes
	}
	all[b.WriteID] = Override{At: f.At, By: f.By, Text: text, Reason: b.Reason}
	i.Waived = all
}

func (b DebtWaived) entry(i *Incident) (EntryKind, string) {
	what := "what attempt " + strconv.Itoa(b.N) + " switched off"
	if w := i.write(b.WriteID); w != nil {
		what = w.Plan.Owes
	}
	return EntryAnswer, fmt.Sprintf("not put back: %s%s", what, because(b.Reason))
}

// LeaseOwes returns what is to stand in a component's Lease as owed, so that others
// see it without this incident's journal.
func LeaseOwes(i *Incident, component string) []string {
	var out []string
	for _, d := range i.Owed() {
		if d.Component == component {
			out = append(out, d.What)
		}
	}
	return out
}

// owedBlocked says why an incident with debts cannot be closed; "" when it has none.
func owedBlocked(i *Incident) string {
	owed := i.Owed()
	if len(owed) == 0 {
		return ""
	}
	text := "to be put back first: " + owed[0].What
	if n := len(owed) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}
