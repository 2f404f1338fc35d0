package model

import (
	"fmt"
	"slices"
	"strings"
)

// ConfirmWord is what must be typed to confirm: in production the component's
// name, or "rollback N" for several; elsewhere "y".
func ConfirmWord(i *Incident) string {
	open := openChoices(i)
	switch {
	case !i.Settings.Production:
		return "y"
	case len(open) == 1:
		return open[0].Component
	}
	return fmt.Sprintf("rollback %d", len(open))
}

// Open are the choices that are still to be written, in the order in which they
// will be: what the confirmation's page shows and asks to confirm.
func (i *Incident) Open() []Choice { return openChoices(i) }

// openChoices are the choices that the newest attempt has not written already,
// in the order of the configuration.
func openChoices(i *Incident) []Choice {
	var out []Choice
	for _, c := range i.Choices {
		if !written(i, c) {
			out = append(out, c)
		}
	}
	rank := map[string]int{}
	for n, t := range i.Settings.Components {
		rank[t.ID] = n
	}
	slices.SortStableFunc(out, func(a, b Choice) int { return rank[a.Component] - rank[b.Component] })
	return out
}

// written says whether the write that counts for a component brought this choice
// about, or is on its way to.
func written(i *Incident, c Choice) bool {
	for _, s := range i.Standing() {
		w := s.Write
		if w.Plan.Component == c.Component && w.Plan.To == c.To &&
			(w.State == Writing || w.State == Unsettled || w.State == Rolling || w.State == Done) {
			return true
		}
	}
	return false
}

// checkPlans makes the plan of every choice that is still to be written.
func (d *decider) checkPlans() {
	for _, c := range openChoices(d.inc()) {
		if c.To != 0 {
			d.effect(CheckPlan{Component: c.Component, To: c.To})
		}
	}
}

// Overridden says whether the operator lifted that line.
func (i *Incident) Overridden(component string, c Check) bool {
	o, ok := i.Override[component+"/"+c.ID]
	return ok && o.Text == c.Text
}

// confirmBlocked says why the confirmation is not open.
func confirmBlocked(s *Snapshot) string {
	i := &s.Incident
	if s.Seen.LookingOn != "" {
		return "looking on: another rollbook on this machine works on " + s.Seen.LookingOn
	}
	if i.Settings.ReadOnly {
		return "read-only: no request that changes anything may leave; start again without --read-only"
	}
	if a := i.Attempt(); a != nil && writing(a) {
		return "a write is under way"
	}
	if s.Seen.JournalE != "" && !i.WithoutJournal {
		return "the journal cannot be written: " + s.Seen.JournalE
	}
	open := openChoices(i)
	if len(open) == 0 {
		return "what is chosen was written already"
	}
	for _, c := range open {
		if why := planBlocked(s, c); why != "" {
			return why
		}
		if why := leaseBlocked(s, c.Component); why != "" {
			return why
		}
	}
	return ""
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
		if k.State == CheckBlocked && (k.Hard || !s.Incident.Overridden(c.Component, k)) {
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

func (d *decider) overrideCheck(do OverrideCheck) {
	p := d.s.Seen.Preflight[do.Component]
	if p == nil {
		return
	}
	for _, k := range p.Checks {
		if k.ID == do.Check && k.State == CheckBlocked && !k.Hard {
			d.fact(CheckOverridden{Component: do.Component, Check: k.ID, Text: k.Text, Reason: do.Reason})
		}
	}
}

// confirm begins an attempt, if what was typed is the word, nothing is blocked,
// and the plans are the ones that the operator saw.
func (d *decider) confirm(do ConfirmWrite) {
	i := d.inc()
	if i.Step != Confirm || confirmBlocked(&d.s) != "" || do.Word != ConfirmWord(i) || d.by == "" {
		return
	}
	var plans []Plan
	var checks []Check
	for _, c := range openChoices(i) {
		p := d.s.Seen.Preflight[c.Component]
		if !slices.Contains(do.Plans, p.Plan.ID) {
			return
		}
		plans = append(plans, *p.Plan)
		lines := p.Checks
		if l := LeaseCheck(&d.s, c.Component); l != nil {
			lines = with(lines, *l)
		}
		for _, k := range lines {
			k.Component = c.Component
			checks = append(checks, k)
		}
	}
	d.fact(Confirmed{N: len(i.Attempts) + 1, Plans: plans, Checks: checks})
	d.fact(Moved{To: RollBack})
	d.writeNext()
	d.effect(GatherEvidence{AtConfirm}) // beside the write, which does not wait for it
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

// wrote takes the outcome of a write.
func (d *decider) wrote(do Wrote) {
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

// askAgain leads back to a fresh preflight after a write that did not happen.
func (d *decider) askAgain(what Asked, text string) {
	d.fact(AskedFor{What: what, Text: text})
	d.fact(Moved{To: Confirm})
	d.checkPlans()
}

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

// settled takes what a look at the cluster says of a write without an outcome.
// A look that failed is repeated by the engine.
func (d *decider) settled(do Settled) {
	w := d.write(do.Attempt, do.Component)
	if w == nil || w.State != Unsettled && w.State != Writing || do.State == SettledUnknown {
		return
	}
	plan := *w
	d.fact(WriteSettled{N: do.Attempt, Component: do.Component, State: do.State, By: do.By})
	switch do.State {
	case SettledDone:
		d.leaveWord(&plan)
		d.writeNext()
	case SettledNot:
		d.askAgain(AskFailed, "Nothing was written to "+do.Component+": it still has the template from before. Confirm again.")
	case SettledForeign:
		d.askAgain(AskChanged, strings.TrimSpace(fmt.Sprintf("%s has another template now, by %s", do.Component, do.By)))
	}
}
