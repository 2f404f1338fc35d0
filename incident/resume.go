package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// OpenIncident is a journal of an earlier run that was not closed.
type OpenIncident struct {
	ID        string // its folder's name: unique
	Opened    time.Time
	Touched   time.Time // its last fact
	Step      Step
	Component string // the first of it
	Operator  string
	Abandoned bool     // untouched for a day
	Owes      []string // what it has switched off and not put back
	Damage    string   // which line of its journal cannot be read, and what is lost by that; "" = none
}

// TakeUp goes on with one of Seen.Open.
type TakeUp struct{ ID string }

func (do TakeUp) decide(d *decider) {
	if d.offered(do.ID) {
		d.effect(TakeUpJournal(do))
	}
}

// TakeUpJournal and AbandonJournal are about journals of earlier runs.
type TakeUpJournal struct{ ID string }

func (x TakeUpJournal) run(r Runner) { r.TakeUpJournal(x) }

// TakenUp is the input that a journal was found and folded by a later run.
type TakenUp struct {
	ID   string // by the journal's header
	Host string
	Torn int64 // bytes of a torn last line that were cut off
	// Damaged are the bytes from a line on that could not be read, which lie in Aside
	// now.
	Damaged int64
	Aside   string
}

// decide settles every write whose outcome the journal does not tell by
// looking at the cluster, and goes to where the attempt stands.
func (do TakenUp) decide(d *decider) {
	last := d.inc().lastKnown()
	if d.inc().ID == "" && do.ID != "" {
		// The very first write was torn: what it said of the opening is lost.
		d.fact(Opened{ID: do.ID, Cluster: d.s.Seen.Identity.Cluster, User: d.s.Seen.Identity.User, Onset: d.inc().Onset,
			Operator: d.s.Operator(), Run: d.s.Seen.Run})
	}
	d.fact(Resumed{Host: do.Host, Operator: d.s.Operator()})
	if do.Damaged > 0 {
		d.fact(Mended{Bytes: do.Damaged, Aside: do.Aside})
	}
	if do.Torn > 0 {
		d.fact(Mended{Bytes: do.Torn})
	}
	d.unwatched()
	if i := d.inc(); len(i.Attempts) > 0 && i.Closed.IsZero() {
		d.finds(Unwatched{For: max(0, d.s.Now.Sub(last)), Off: true})
	}
	for _, m := range d.inc().Messages {
		if m.State == MessageSending {
			d.fact(MessageLost{N: m.N, Err: "rollbook ended before the answer came"})
		}
	}
	d.unfinished()
	d.settleSteps() // the crash may have come between a write's end and its step's
	if d.inc().Step >= Choose {
		d.effect(ReadBaseline{Onset: d.onset()})
		d.readChoices()
	}
	if d.inc().Step == Confirm {
		d.checkPlans()
	}
	d.gatherMissing()
}

// unfinished settles what an earlier run left open, in every attempt: what was on
// its way by looking, what had not begun by asking anew. Nothing is written on a word
// from before the crash.
func (d *decider) unfinished() {
	looking, failed := false, ""
	for _, a := range d.inc().Attempts {
		for _, w := range a.Writes {
			switch w.State {
			case Writing, Unsettled:
				looking = true
				if w.State == Writing {
					d.fact(WriteLost{WriteID: WriteID{a.N, w.Plan.ID}, Err: "rollbook ended before the answer came"})
				}
				d.effect(LookPlan{Attempt: a.N, Plan: w.Plan})
			case Pending:
				failed = subject(&w.Plan)
				d.fact(WriteFailed{WriteID: WriteID{a.N, w.Plan.ID}, Err: "rollbook ended before it was written"})
			}
		}
	}
	switch a := d.inc().Attempt(); {
	case a == nil:
	case failed != "" && !looking:
		d.askAgain(AskFailed, "Nothing was written to "+failed+": rollbook ended before. Confirm again.")
	case a.Active() && !a.breaks() && d.inc().Step != RollBack:
		d.fact(Moved{To: RollBack})
	}
}

// unwatched counts the time since the last sample as one of which nothing is
// known, if the downtime's clock ran then.
func (d *decider) unwatched() {
	down, last := d.inc().Down, d.inc().SampledAt
	if down.Since.IsZero() || down.Unseen {
		return
	}
	if last.Before(down.Since) {
		last = down.Since
	}
	d.fact(ClockRan{Running: true, Blind: true, Since: last})
}

// lastKnown returns when the newest sample or line of the timeline was taken.
func (i *Incident) lastKnown() time.Time {
	at := i.SampledAt
	for _, e := range i.Timeline {
		if e.At.After(at) {
			at = e.At
		}
	}
	return at
}

// gatherMissing goes on with what was being gathered.
func (d *decider) gatherMissing() {
	i := d.inc()
	_, opened := i.Evidence[model.AtOpening]
	_, full := i.Evidence[model.InFull]
	switch {
	case i.Step == Close && i.Closed.IsZero():
		d.enterClose()
	case !opened:
		d.effect(GatherEvidence{model.AtOpening})
	case !full:
		d.gatherInFull()
	case !i.Verified.IsZero() && i.Impact.At.Before(i.Verified):
		d.effect(MeasureImpact{})
	}
}

// Resumed is a later run of the program that took the incident up again.
type Resumed struct {
	Host     string `json:"host,omitempty"`
	Operator string `json:"operator,omitempty"`
}

func (b Resumed) apply(i *Incident, f Fact) {
	if b.Operator != "" {
		i.Operator = b.Operator
	}
}

func (b Resumed) entry(*Incident) (EntryKind, string) {
	if b.Host == "" {
		return EntryNote, "taken up again"
	}
	return EntryNote, "taken up again on " + b.Host
}

// Mended is a journal whose last line a crash had torn, or that was damaged.
type Mended struct {
	Bytes int64  `json:"bytes"`
	Aside string `json:"aside,omitempty"` // where they are kept; "" = a torn line, which is gone
}

func (b Mended) apply(i *Incident, f Fact) {}

func (b Mended) entry(*Incident) (EntryKind, string) {
	if b.Aside != "" {
		return EntryBad, fmt.Sprintf("the journal was damaged: what followed the last good line, %d bytes, is kept in %s", b.Bytes, b.Aside)
	}
	return EntryBad, fmt.Sprintf("the journal's last line was torn: %d bytes were cut off", b.Bytes)
}

// Abandon closes one of Seen.Open without taking it up.
type Abandon struct{ ID, Reason string }

func (do Abandon) decide(d *decider) {
	if d.offered(do.ID) && d.by != "" {
		d.effect(AbandonJournal(do))
	}
}

type AbandonJournal struct{ ID, Reason string }

func (x AbandonJournal) run(r Runner) { r.AbandonJournal(x) }

// offered says whether a journal of an earlier run may be taken up.
func (d *decider) offered(id string) bool {
	return d.inc().ID == "" && slices.ContainsFunc(d.s.Seen.Open, func(o OpenIncident) bool { return o.ID == id })
}
