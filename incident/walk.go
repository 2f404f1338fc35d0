package incident

import (
	"fmt"
	"slices"

	"rollbook/model"
)

// Step is one of the seven of the walk.
type Step int

// The steps in their order.
const (
	Assess Step = iota
	Decision
	Choose
	Confirm
	RollBack
	Verify
	Close
)

var stepTitles = model.Names{"Assess", "Decide", "Choose", "Confirm", "Roll back", "Verify", "Close"}

// Name returns what the rail shows.
func (s Step) Name() string { return stepTitles.Of(int(s)) }

var steps = model.Names{"assess", "decide", "choose", "confirm", "roll back", "verify", "close"}

// MarshalText gives the step's name in a journal.
func (s Step) MarshalText() ([]byte, error) { return steps.Text(int(s)) }

// UnmarshalText reads a step's name; one that is not known is an error.
func (s *Step) UnmarshalText(b []byte) error { return steps.Parse("step", b, (*int)(s)) }

// Next goes forward one step. Step.Blocked says why it cannot.
type Next struct{}

// decide goes one step forward, if nothing blocks it.
func (Next) decide(d *decider) {
	step := d.inc().Step
	if step.Blocked(&d.s) != "" || step == Close || step == Confirm {
		return
	}
	d.moveTo(step + 1)
}

// Back goes back one step; no answer is lost.
type Back struct{}

// decide goes one step back. Nothing that was answered, chosen or done is lost.
func (Back) decide(d *decider) {
	switch step := d.inc().Step; {
	case step == Confirm && d.apart():
		d.moveTo(Assess)
	case step > Assess:
		d.moveTo(step - 1)
	}
}

// Goto goes to a step that was reached before.
type Goto struct{ Step Step }

func (do Goto) decide(d *decider) {
	if do.Step <= d.inc().Furthest {
		d.moveTo(do.Step)
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
	apart := d.apart()
	m := Moved{To: to, Apart: apart && to != Close}
	if from == Decision && to == Choose {
		nodes := Tree(&d.s)
		m.Verdict, m.Text, m.Basis = ruling(&d.s, nodes)
		if n := decisive(nodes); n != nil && n.Figure == model.TriYes {
			m.Query = n.Query
		}
	}
	if to == Close && d.inc().Items == nil {
		for _, it := range checklist() {
			if it.asks(d.inc().IsDrill()) {
				m.Items = append(m.Items, it.ID)
			}
		}
	}
	d.fact(m)
	if apart && from == Confirm { // left unconfirmed; its step chooses it again
		for _, c := range openChoices(d.inc()) {
			d.fact(Dropped{c.Slot})
		}
	}
	d.enter(to)
}

// apart reports whether what is chosen is a drill's, which is confirmed beside the walk.
func (d *decider) apart() bool {
	return slices.ContainsFunc(openChoices(d.inc()), func(c Choice) bool { return c.Role == model.RoleFault })
}

// goTo enters a step, also the one where the operator is, and asks for what it shows.
func (d *decider) goTo(to Step) {
	if d.inc().Step == to {
		d.enter(to)
		return
	}
	d.moveTo(to)
}

func (d *decider) enter(to Step) {
	switch to {
	case Choose:
		d.enterChoose()
	case Confirm:
		d.checkPlans()
		d.effect(GatherEvidence{model.AtConfirm})
	case Close:
		d.enterClose()
	}
}

// Moved is a change of the step.
type Moved struct {
	To Step `json:"to"`
	// Verdict is with what Decide was left.
	Verdict Verdict `json:"verdict,omitempty"`
	Text    string  `json:"text,omitempty"`
	Basis   Basis   `json:"basis,omitempty"` // of Text
	// Apart says that it is no step of the walk: the confirmation of a drill's fault. How far
	// the walk came stays.
	Apart bool `json:"apart,omitempty"`
	// Query is of the figure that the verdict rests on; "" = it rests on none.
	Query string `json:"query,omitempty"`
	// Items are the checklist's, by their IDs, where the close is reached first.
	Items []string `json:"items,omitempty"`
}

func (b Moved) apply(i *Incident, f Fact) {
	if i.Step == Decision && b.To > Decision && i.Decided.IsZero() {
		i.Decided = f.At
		i.Verdict.Deadline = f.At.Add(i.Settings.Limits.Within)
	}
	if b.Apart {
		i.Step = b.To
		return
	}
	if b.To < i.Step && i.Step < RollBack && f.By != "" { // after a write it is another attempt, or a look
		i.Backs++
	}
	i.Step = b.To
	i.Furthest = max(i.Furthest, b.To)
	if b.To == Close && i.Items == nil {
		i.Items = checklistOf(b.Items)
	}
}

func (b Moved) entry(*Incident) (EntryKind, string) {
	if b.To == Choose && b.Text != "" {
		return EntryChoice, fmt.Sprintf("decided: %s (%s)", Shouted(b.Verdict, b.Basis), b.Text)
	}
	return EntryNone, ""
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
		if snap.Seen.Searching {
			return "looking for open incidents of earlier runs in the journals"
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
		if n := openItems(i); n > 0 {
			return "still open of the checklist: " + model.Plural(n, "item")
		}
		if why := proceduresBlocked(i); why != "" {
			return why
		}
		if i.Closed.IsZero() {
			return owedBlocked(i)
		}
		return "this is the last step"
	}
	return ""
}
