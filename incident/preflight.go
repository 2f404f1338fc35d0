package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Recheck runs the preflight again.
type Recheck struct{}

func (Recheck) decide(d *decider) { d.checkPlans() }

// CheckPlan makes the plan for a choice and runs its preflight.
type CheckPlan struct{ Choice Choice }

func (x CheckPlan) run(r Runner) { r.CheckPlan(x) }

// checkPlans makes the plan of every choice that is still to be written.
func (d *decider) checkPlans() {
	for _, c := range openChoices(d.inc()) {
		if !c.To.IsZero() {
			d.effect(CheckPlan{c})
		}
	}
}

// checkChanged makes the preflights again whose workload is shown as another one than
// they were made for.
func (d *decider) checkChanged() {
	for _, c := range openChoices(d.inc()) {
		p := d.s.Seen.Preflight[c.Slot]
		if p != nil && p.Done && p.To == c.To.Key && p.Basis != "" && p.Basis != d.s.Seen.Component(c.Component).Basis() {
			d.effect(CheckPlan{c})
		}
	}
}

func planBlocked(s *Snapshot, c Choice) string {
	p := s.Seen.Preflight[c.Slot]
	switch {
	case c.To.IsZero():
		return "no version is chosen for " + c.Component
	case p == nil || p.To != c.To.Key:
		return "checking " + c.Component
	case !p.Done && len(p.Plans) == 0 && p.Err == "":
		text := "reading " + c.Component + " and its revisions"
		if long := s.Now.Sub(p.Started); !p.Started.IsZero() && long >= time.Second {
			text += " for " + model.Short(long)
		}
		return text
	case p.Err != "":
		return c.Component + ": " + p.Err
	case len(p.Plans) == 0:
		return c.Component + ": there is no plan; check again"
	}
	for _, k := range CheckLines(s, c) {
		if k.ID != "lease" && k.State == model.CheckBlocked && (k.Hard || !s.Incident.Overridden(c.Slot, k)) {
			return k.Text
		}
	}
	switch {
	case !slices.ContainsFunc(p.Plans, func(p model.Plan) bool { return !p.Same }):
		return fmt.Sprintf("%s: what runs already matches %s: there is nothing to write", c.Component, c.To)
	case !p.Done:
		return "checking " + c.Component
	}
	return ""
}

// OverrideCheck lifts a blocked line of the preflight, with a reason.
type OverrideCheck struct {
	Slot   model.Slot
	Check  string
	Reason string
}

func (do OverrideCheck) decide(d *decider) {
	c := d.inc().Choice(do.Slot)
	if c == nil || strings.TrimSpace(do.Reason) == "" {
		return
	}
	for _, k := range CheckLines(&d.s, *c) {
		if k.ID == do.Check && k.ID != "lease" && k.State == model.CheckBlocked && !k.Hard {
			d.fact(CheckOverridden{Slot: do.Slot, Check: k.ID, Text: k.Text, Reason: do.Reason})
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
	model.Slot
	Check  string `json:"check"`
	Text   string `json:"text"`
	Reason string `json:"reason,omitempty"`
}

func (b CheckOverridden) apply(i *Incident, f Fact) {
	i.Override = accept(i.Override, lineOf(b.Slot, b.Check), Override{At: f.At, By: f.By, Text: b.Text, Reason: b.Reason})
}

func (b CheckOverridden) entry(*Incident) (EntryKind, string) {
	return EntryAnswer, fmt.Sprintf("overridden for %s: %s%s", b.Component, b.Text, because(b.Reason))
}

// lineOf names one line of a slot's preflight.
func lineOf(s model.Slot, check string) string {
	return s.Component + "/" + string(s.Role) + "/" + check
}

// Overridden reports whether the operator lifted that line.
func (i *Incident) Overridden(s model.Slot, c model.Check) bool {
	o, ok := i.Override[lineOf(s, c.ID)]
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
