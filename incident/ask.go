package incident

import (
	"fmt"
	"time"
)

// Asked is a question of the walk's own that waits for an answer.
type Asked string

// The questions. The zero value is none.
const (
	AskNothing  Asked = ""
	AskDeadline Asked = "deadline" // the rollout took longer than its bar: wait, another revision, recovery
	AskNotGreen Asked = "not green"
	AskChanged  Asked = "changed"  // nothing was written, because the workload changed after the confirmation
	AskReverted Asked = "reverted" // somebody put another template in place
	AskFailed   Asked = "failed"
	AskSettle   Asked = "settle" // a write's outcome is unknown and the cluster cannot be asked
)

// AskedFor is a question of the walk's own; AskAnswered its answer.
type AskedFor struct {
	What Asked  `json:"what"`
	Text string `json:"text"`
}

func (b AskedFor) apply(i *Incident, f Fact) { i.Asked, i.AskText, i.AskFrom = b.What, b.Text, f.At }

func (b AskedFor) entry() (string, string) { return "bad", b.Text }

// askAgain leads back to a fresh preflight after a write that did not happen.
func (d *decider) askAgain(what Asked, text string) {
	d.fact(AskedFor{What: what, Text: text})
	d.fact(Moved{To: Confirm})
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

// Answered settles Incident.Asked: "wait", "another", "recovery", "undo".
type Answered struct{ With string }

// decide settles the walk's own question.
func (do Answered) decide(d *decider) {
	what := d.inc().Asked
	if what == AskNothing {
		return
	}
	d.fact(AskAnswered{What: what, With: do.With})
	a := d.inc().Attempt()
	switch do.With {
	case "another":
		if a == nil {
			return
		}
		for _, w := range a.Writes {
			if w.State == Rolling || w.State == Done {
				d.fact(Chosen{Choice{Component: w.Plan.Component, From: w.Plan.To}})
			}
		}
		d.moveTo(Choose)
	case "undo":
		if a == nil {
			return
		}
		for _, w := range a.Writes {
			if w.State == Rolling || w.State == Done {
				d.fact(Chosen{Choice{Component: w.Plan.Component, From: w.Plan.To, Own: true,
					Why: fmt.Sprintf("undo the undo: revision %d, which was bad, came from here", w.Plan.From)}})
			}
		}
		d.moveTo(Choose)
	}
}

type AskAnswered struct {
	What Asked  `json:"what"`
	With string `json:"with"`
}

func (b AskAnswered) apply(i *Incident, f Fact) {
	if b.With == "wait" && b.What == AskDeadline {
		for _, a := range i.Attempts {
			for _, w := range a.Writes {
				if w.State == Rolling {
					i.onWrite(a.N, w.Plan.Component, func(w *Write) { w.Waited = true })
				}
			}
		}
	}
	i.Asked, i.AskText, i.AskFrom = AskNothing, "", f.At
}

func (b AskAnswered) entry() (string, string) { return "answer", string(b.What) + ": " + b.With }
