package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Attempt is one confirmed rollback.
type Attempt struct {
	N         int
	Confirmed time.Time
	By        string
	Writes    []Write // in the order of the configuration
}

// AttemptState is where one workload of an attempt stands.
type AttemptState string

// The states of one workload of an attempt. The zero value is: not begun.
const (
	Pending   AttemptState = ""
	Writing   AttemptState = "writing"    // the intent is journaled, the answer is not there
	Unsettled AttemptState = "unsettled"  // the answer never came: a look at the cluster will tell
	Rolling   AttemptState = "rolling"    // written, the rollout goes on
	Done      AttemptState = "rolled out" //
	Refused   AttemptState = "refused"    // not written: it was no longer what was confirmed
	Failed    AttemptState = "failed"     // not written: the API server said no
	Reverted  AttemptState = "reverted"   // written, and changed again by somebody else
)

// Active says whether any of its writes is under way or rolling out.
func (a *Attempt) Active() bool {
	for _, w := range a.Writes {
		switch w.State {
		case Pending, Writing, Unsettled, Rolling:
			return true
		}
	}
	return false
}

func writing(a *Attempt) bool {
	for _, w := range a.Writes {
		if w.State == Writing {
			return true
		}
	}
	return false
}

// wasWritten says whether an attempt changed anything in the cluster.
func wasWritten(a *Attempt) bool {
	for _, w := range a.Writes {
		switch w.State {
		case Rolling, Done, Reverted:
			return true
		}
	}
	return false
}

// Write is one workload of an attempt.
type Write struct {
	Plan      model.Plan
	State     AttemptState
	Intent    time.Time
	Written   model.Written
	RolledOut time.Time
	Err       string // the server's words, or what changed and by whom
	Waited    bool   // the operator chose to wait beyond the deadline
}

// Attempt returns the newest attempt, or nil.
func (i *Incident) Attempt() *Attempt {
	if len(i.Attempts) == 0 {
		return nil
	}
	return &i.Attempts[len(i.Attempts)-1]
}

// Standing is the write that counts for a component.
type Standing struct {
	N     int // of the attempt
	Write *Write
}

// Standing are the writes that count, one for each component: the newest, but
// one that did not happen takes no earlier one's place, and counts only while
// its component is still chosen.
func (i *Incident) Standing() []Standing {
	var out []Standing
	at := map[string]int{}
	for a := range i.Attempts {
		for w := range i.Attempts[a].Writes {
			s := Standing{N: i.Attempts[a].N, Write: &i.Attempts[a].Writes[w]}
			id, not := s.Write.Plan.Component, s.Write.State == Refused || s.Write.State == Failed
			n, had := at[id]
			switch {
			case not && (had || i.Choice(id) == nil):
			case had:
				out[n] = s
			default:
				at[id] = len(out)
				out = append(out, s)
			}
		}
	}
	return out
}

// writeNext starts the next write of the newest attempt: in the configured
// order, one after the other's answer, none after one that did not succeed.
func (d *decider) writeNext() {
	a := d.inc().Attempt()
	for _, w := range a.Writes {
		switch w.State {
		case Writing, Unsettled, Refused, Failed:
			return
		case Pending:
			d.fact(Intended{N: a.N, Component: w.Plan.Component})
			d.effect(WritePlan{Attempt: a.N, Plan: w.Plan})
			return
		}
	}
}

// Intended is written before the patch: without an outcome after it, a look
// at the cluster settles what happened.
type Intended struct {
	N         int    `json:"n"`
	Component string `json:"component"`
}

func (b Intended) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Intent = Writing, f.At })
}

func (b Intended) entry() (string, string) { return "", "" }

// WritePlan is the rollback itself.
type WritePlan struct {
	Attempt int
	Plan    model.Plan
}

func (x WritePlan) run(r Runner) { r.WritePlan(x) }

// Wrote is the outcome of a write.
type Wrote struct {
	Attempt   int
	Component string
	Written   *model.Written // set when it was written
	Changed   string         // what changed and by whom: nothing was written
	Err       string         // the server refused: nothing was written
	Lost      string         // no answer: it may or may not have been written
	Again     int            // how often the resourceVersion had moved
}

// decide takes the outcome of a write.
func (do Wrote) decide(d *decider) {
	w := d.write(do.Attempt, do.Component)
	if w == nil || w.State != Writing {
		return
	}
	n, component := do.Attempt, do.Component
	switch {
	case do.Written != nil:
		d.fact(WriteDone{N: n, Component: component, Written: *do.Written})
		d.leaveWord(w)
		d.writeNext()
	case do.Changed != "":
		d.fact(WriteRefused{N: n, Component: component, Changed: do.Changed})
		d.askAgain(AskChanged, fmt.Sprintf("Nothing was written: %s changed after you confirmed: %s", component, do.Changed))
	case do.Lost != "":
		d.fact(WriteLost{N: n, Component: component, Err: do.Lost})
		d.effect(LookPlan{Attempt: n, Plan: w.Plan})
	default:
		d.fact(WriteFailed{N: n, Component: component, Err: do.Err})
		d.askAgain(AskFailed, fmt.Sprintf("Nothing was written to %s: %s", component, do.Err))
	}
}

// WriteDone is the API server's answer to the patch.
type WriteDone struct {
	N         int           `json:"n"`
	Component string        `json:"component"`
	Written   model.Written `json:"written"`
}

func (b WriteDone) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Written, w.Err = Rolling, b.Written, "" })
	i.AskFrom = f.At
}

func (b WriteDone) entry() (string, string) {
	text := fmt.Sprintf("patched %s (resourceVersion %s, generation %d)", b.Component, b.Written.ResourceVersion, b.Written.Generation)
	if b.Written.Reads > 1 {
		text += fmt.Sprintf(", read %d times: its status kept changing", b.Written.Reads)
	}
	return "outcome", text
}

// WriteRefused is a plan that no longer fitted: nothing was written.
type WriteRefused struct {
	N         int    `json:"n"`
	Component string `json:"component"`
	Changed   string `json:"changed"`
}

func (b WriteRefused) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Err = Refused, b.Changed })
}

func (b WriteRefused) entry() (string, string) {
	return "bad", fmt.Sprintf("nothing written to %s: %s", b.Component, b.Changed)
}

// WriteFailed is the API server's no: nothing was written.
type WriteFailed struct {
	N         int    `json:"n"`
	Component string `json:"component"`
	Err       string `json:"err"`
}

func (b WriteFailed) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Err = Failed, b.Err })
}

func (b WriteFailed) entry() (string, string) {
	return "bad", fmt.Sprintf("nothing written to %s: %s", b.Component, b.Err)
}

// WriteLost is a patch without an answer.
type WriteLost struct {
	N         int    `json:"n"`
	Component string `json:"component"`
	Err       string `json:"err"`
}

func (b WriteLost) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Err = Unsettled, b.Err })
}

func (b WriteLost) entry() (string, string) {
	return "bad", fmt.Sprintf("no answer to the patch of %s: %s; looking whether it was written", b.Component, b.Err)
}

// LookPlan finds out whether a write happened.
type LookPlan struct {
	Attempt int
	Plan    model.Plan
}

func (x LookPlan) run(r Runner) { r.LookPlan(x) }

// Settled is what a look at the cluster says of a write without an outcome.
type Settled struct {
	Attempt   int
	Component string
	State     model.SettledState
	By        string // who changed it, when foreign
	Err       string // why the look failed
}

// decide takes what a look at the cluster says of a write without an outcome.
// A look that failed is repeated by the engine.
func (do Settled) decide(d *decider) {
	w := d.write(do.Attempt, do.Component)
	if w == nil || w.State != Unsettled && w.State != Writing || do.State == model.SettledUnknown {
		return
	}
	plan := *w
	d.fact(WriteSettled{N: do.Attempt, Component: do.Component, State: do.State, By: do.By})
	switch do.State {
	case model.SettledDone:
		d.leaveWord(&plan)
		d.writeNext()
	case model.SettledNot:
		d.askAgain(AskFailed, "Nothing was written to "+do.Component+": it still has the template from before. Confirm again.")
	case model.SettledForeign:
		d.askAgain(AskChanged, strings.TrimSpace(fmt.Sprintf("%s has another template now, by %s", do.Component, do.By)))
	}
}

// WriteSettled is what the cluster says of such a patch.
type WriteSettled struct {
	N         int                `json:"n"`
	Component string             `json:"component"`
	State     model.SettledState `json:"state"`
	By        string             `json:"by,omitempty"`
}

func (b WriteSettled) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) {
		switch b.State {
		case model.SettledDone:
			w.State, w.Err = Rolling, ""
			if w.Written.At.IsZero() {
				w.Written.At = f.At
			}
		case model.SettledNot:
			w.State, w.Err = Failed, "it was not written"
		case model.SettledForeign:
			w.State, w.Err = Refused, "changed by "+b.By
		}
	})
	i.AskFrom = f.At
}

func (b WriteSettled) entry() (string, string) {
	switch b.State {
	case model.SettledDone:
		return "outcome", fmt.Sprintf("looked: the patch of %s was written", b.Component)
	case model.SettledNot:
		return "bad", fmt.Sprintf("looked: the patch of %s was not written", b.Component)
	}
	return "bad", fmt.Sprintf("looked: %s has another template, by %s", b.Component, b.By)
}

// PostEvent leaves word on the workload for those who look with kubectl.
type PostEvent struct {
	Workload model.Workload
	UID      string
	Text     string
}

func (x PostEvent) run(r Runner) { r.PostEvent(x) }

// leaveWord tells those who look with kubectl.
func (d *decider) leaveWord(w *Write) {
	p := w.Plan
	d.effect(PostEvent{Workload: p.Workload, UID: p.UID, Text: fmt.Sprintf(
		"%s rolled back %s from revision %d to %d with rollbook (%s)", d.inc().Operator, p.Workload, p.From, p.To, d.inc().ID)})
}

func (d *decider) write(n int, component string) *Write {
	for k := range d.inc().Attempts {
		a := &d.inc().Attempts[k]
		for m := range a.Writes {
			if a.N == n && a.Writes[m].Plan.Component == component {
				return &a.Writes[m]
			}
		}
	}
	return nil
}

// onWrite changes one write of one attempt, in a copy.
func (i *Incident) onWrite(n int, component string, change func(*Write)) {
	i.Attempts = slices.Clone(i.Attempts)
	for k := range i.Attempts {
		a := &i.Attempts[k]
		if a.N != n {
			continue
		}
		a.Writes = slices.Clone(a.Writes)
		for m := range a.Writes {
			if a.Writes[m].Plan.Component == component {
				change(&a.Writes[m])
			}
		}
	}
}
