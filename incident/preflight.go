package incident

import (
	"fmt"
	"maps"
	"time"

	"rollbook/model"
)

// Recheck runs the preflight again.
type Recheck struct{}

func (Recheck) decide(d *decider) { d.checkPlans() }

// CheckPlan makes the plan for a component and runs its preflight.
type CheckPlan struct {
	Component string
	To        int64
}

func (x CheckPlan) run(r Runner) { r.CheckPlan(x) }

// checkPlans makes the plan of every choice that is still to be written.
func (d *decider) checkPlans() {
	for _, c := range openChoices(d.inc()) {
		if c.To != 0 {
			d.effect(CheckPlan{Component: c.Component, To: c.To})
		}
	}
}

func planBlocked(s *Snapshot, c Choice) string {
	p := s.Seen.Preflight[c.Component]
	switch {
	case c.To == 0:
		return "no revision is chosen for " + c.Component
	case p == nil || p.To != c.To || !p.Done && p.Plan == nil && p.Err == "":
		return "checking " + c.Component
	case p.Err != "":
		return c.Component + ": " + p.Err
	case p.Plan == nil:
		return c.Component + ": there is no plan; check again"
	}
	for _, k := range p.Checks {
		if k.State == model.CheckBlocked && (k.Hard || !s.Incident.Overridden(c.Component, k)) {
			return k.Text
		}
	}
	switch {
	case p.Plan.Same:
		return fmt.Sprintf("%s: the running template already matches revision %d: there is nothing to write", c.Component, c.To)
	case !p.Done:
		return "checking " + c.Component
	}
	return ""
}

// OverrideCheck lifts a blocked line of the preflight.
type OverrideCheck struct {
	Component, Check string
	Reason           string
}

func (do OverrideCheck) decide(d *decider) {
	p := d.s.Seen.Preflight[do.Component]
	if p == nil {
		return
	}
	for _, k := range p.Checks {
		if k.ID == do.Check && k.State == model.CheckBlocked && !k.Hard {
			d.fact(CheckOverridden{Component: do.Component, Check: k.ID, Text: k.Text, Reason: do.Reason})
		}
	}
}

// Override is the operator's word against a check's, with the reason.
type Override struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Text   string    `json:"text"` // the line as it was
	Reason string    `json:"reason,omitempty"`
}

// CheckOverridden is the operator's word against a blocked line.
type CheckOverridden struct {
	Component string `json:"component"`
	Check     string `json:"check"`
	Text      string `json:"text"`
	Reason    string `json:"reason,omitempty"`
}

func (b CheckOverridden) apply(i *Incident, f Fact) {
	i.Override = accept(i.Override, b.Component+"/"+b.Check, Override{At: f.At, By: f.By, Text: b.Text, Reason: b.Reason})
}

func (b CheckOverridden) entry() (string, string) {
	return "answer", fmt.Sprintf("overridden for %s: %s%s", b.Component, b.Text, because(b.Reason))
}

// Overridden says whether the operator lifted that line.
func (i *Incident) Overridden(component string, c model.Check) bool {
	o, ok := i.Override[component+"/"+c.ID]
	return ok && o.Text == c.Text
}

func accept(m map[string]Override, key string, o Override) map[string]Override {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]Override{}
	}
	m[key] = o
	return m
}
