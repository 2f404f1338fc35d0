package incident

import (
	"fmt"
	"slices"
	"time"
)

// Choice is what is to be rolled back, and to what.
type Choice struct {
	Component string `json:"component"`
	From      int64  `json:"from,omitempty"`
	To        int64  `json:"to,omitempty"`  // 0 = not chosen yet
	Why       string `json:"why,omitempty"` // why it is proposed, or why nothing is
	Own       bool   `json:"own,omitempty"` // the operator chose it, it was not proposed
}

// Choice returns the choice for a component, or nil.
func (i *Incident) Choice(component string) *Choice {
	for n := range i.Choices {
		if i.Choices[n].Component == component {
			return &i.Choices[n]
		}
	}
	return nil
}

// enterChoose preselects the change that came closest to the onset and those of
// components that fail themselves, and reads what is needed to propose a
// revision for them. Other suspects are shown and not selected: what changed in
// the same hour and is well must not go back by default.
func (d *decider) enterChoose() {
	i := d.inc()
	if len(i.Choices) == 0 && !i.Onset.IsZero() {
		for n, s := range Suspects(&d.s) {
			if n == 0 || d.s.fails(s.Component) {
				d.fact(Chosen{Choice{Component: s.Component, From: s.Revision}})
			}
		}
	}
	d.effect(ReadBaseline{Onset: d.onset()})
	d.readChoices()
}

// onset is the incident's, or now while nothing was found to have begun.
func (d *decider) onset() time.Time {
	if o := d.inc().Onset; !o.IsZero() {
		return o
	}
	return d.s.Now
}

// ReadHistory reads a workload's revisions and how they behaved before Until.
type ReadHistory struct {
	Component string
	Until     time.Time
}

func (x ReadHistory) run(r Runner) { r.ReadHistory(x) }

func (d *decider) readChoices() {
	for _, c := range d.inc().Choices {
		d.effect(ReadHistory{Component: c.Component, Until: d.onset()})
	}
}

// Select puts a component into the rollback, or takes it out.
type Select struct {
	Component string
	On        bool
}

func (do Select) decide(d *decider) {
	was := d.inc().Choice(do.Component)
	switch {
	case !do.On && was != nil:
		d.fact(Dropped{do.Component})
	case do.On && was == nil:
		c := d.s.Seen.Component(do.Component)
		if c == nil {
			return
		}
		d.fact(Chosen{Choice{Component: do.Component, From: c.Revision, Own: true}})
		d.effect(ReadHistory{Component: do.Component, Until: d.onset()})
		d.propose()
	}
}

// Pick sets the revision for a component.
type Pick struct {
	Component string
	To        int64
}

func (do Pick) decide(d *decider) {
	h := d.s.Seen.History[do.Component]
	if h == nil {
		return
	}
	r := h.Revision(do.To)
	c := d.s.Seen.Component(do.Component)
	if r == nil || c == nil {
		return
	}
	d.fact(Chosen{Choice{Component: do.Component, From: c.Revision, To: do.To, Own: true}})
}

// Chosen puts a component into the rollback, or sets its revision.
type Chosen struct {
	Choice Choice `json:"choice"`
}

func (b Chosen) apply(i *Incident, f Fact) {
	i.Choices = slices.Clone(i.Choices)
	if c := i.Choice(b.Choice.Component); c != nil {
		*c = b.Choice
		return
	}
	i.Choices = append(i.Choices, b.Choice)
}

func (b Chosen) entry() (string, string) {
	c := b.Choice
	if c.To == 0 {
		if c.Why == "" {
			return "choice", "selected " + c.Component
		}
		return "choice", c.Component + ": " + c.Why
	}
	verb := "proposed"
	if c.Own {
		verb = "chosen"
	}
	text := fmt.Sprintf("%s: revision %d of %s", verb, c.To, c.Component)
	if c.Why != "" {
		text += ": " + c.Why
	}
	return "choice", text
}

// Dropped takes it out again.
type Dropped struct {
	Component string `json:"component"`
}

func (b Dropped) apply(i *Incident, f Fact) {
	i.Choices = slices.DeleteFunc(slices.Clone(i.Choices), func(c Choice) bool { return c.Component == b.Component })
}

func (b Dropped) entry() (string, string) { return "choice", "left out " + b.Component }

// chooseBlocked says what is still missing before the plans can be made.
func chooseBlocked(i *Incident) string {
	if len(i.Choices) == 0 {
		return "nothing is selected: space selects a component"
	}
	for _, c := range i.Choices {
		if c.To == 0 {
			return "no revision is chosen for " + c.Component
		}
	}
	return ""
}
