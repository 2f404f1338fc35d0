package incident

import (
	"fmt"
	"strconv"
	"time"
)

// Debt is something that a write of this incident switched off and that has to be
// put back. It is folded from the writes, by what their plans owe and pay.
type Debt struct {
	WriteID
	Component string
	What      string // in words: "api is scaled to 0"
	Since     time.Time
	By        string // who confirmed the write
	Unsure    bool   // whether it was written is not known yet
	Paying    bool   // what puts it back is on its way
}

// Owed returns the debts that are neither paid nor waived, in the order in which they
// were made. A write whose answer is still out counts: it may have happened. One that
// somebody else reverted counts too, until a person has looked.
func (i *Incident) Owed() []Debt {
	var out []Debt
	for a := range i.Attempts {
		for w := range i.Attempts[a].Writes {
			write := &i.Attempts[a].Writes[w]
			id := WriteID{i.Attempts[a].N, write.Plan.ID}
			if write.Plan.Owes == "" || write.State == Pending || write.refused() && write.Until.IsZero() {
				continue
			}
			if _, waived := i.Waived[id]; waived {
				continue
			}
			paid, paying := i.paid(id)
			if paid {
				continue
			}
			out = append(out, Debt{WriteID: id, Component: write.Plan.Component, What: write.Plan.Owes, Since: write.since(), By: i.Attempts[a].By,
				Unsure: !write.happened(), Paying: paying})
		}
	}
	return out
}

// since is when a write happened, as far as is known: its answer, else its intent.
func (w *Write) since() time.Time {
	if w.Receipt.At.IsZero() {
		return w.Intent
	}
	return w.Receipt.At
}

// paid reports whether a later write has put back what this one switched off, or is
// on its way to.
func (i *Incident) paid(id WriteID) (paid, paying bool) {
	for a := range i.Attempts {
		if i.Attempts[a].N <= id.N {
			continue
		}
		for _, w := range i.Attempts[a].Writes {
			if w.Plan.Pays == id.Plan {
				paid = paid || w.State == Done
				paying = paying || w.underWay()
			}
		}
	}
	return paid, paying
}

// Pay takes up the write that puts back what another one switched off: by the same
// method, to what was there before. It is checked and confirmed like any other.
type Pay struct{ Write WriteID }

func (do Pay) decide(d *decider) {
	w := d.inc().write(do.Write)
	if w == nil || d.debt(do.Write) == nil {
		return
	}
	d.fact(Chosen{Choice{Slot: w.Plan.Slot(), Method: w.Plan.Method, From: w.Plan.To, To: w.Plan.From, Own: true,
		Why: "put back: " + w.Plan.Owes, Pays: w.Plan.ID}})
	d.moveTo(Confirm)
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
	if d.by == "" || do.Reason == "" || d.debt(do.Write) == nil {
		return
	}
	d.fact(DebtWaived{WriteID: do.Write, Reason: do.Reason})
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
