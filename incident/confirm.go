package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// ConfirmWord is what must be typed to confirm: in production the component's
// name, or "rollback N" for several, "recover N" for several of a recovery; elsewhere
// "y".
func ConfirmWord(i *Incident) string {
	open := openChoices(i)
	switch {
	case !i.Settings.Production:
		return "y"
	case len(open) == 1:
		return open[0].Component
	case len(open) > 0 && open[0].Course == CourseRecovery:
		return fmt.Sprintf("recover %d", len(open))
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
	// A schema goes before the release that knows it no more.
	role := map[model.Role]int{model.RoleSchema: -1}
	slices.SortStableFunc(out, func(a, b Choice) int {
		return cmp.Or(rank[a.Component]-rank[b.Component], role[a.Role]-role[b.Role])
	})
	return out
}

// written says whether the write that counts for a component brought this choice
// about, or is on its way to.
func written(i *Incident, c Choice) bool {
	for _, s := range i.Standing() {
		w := s.Write
		if w.Plan.Slot() == c.Slot && w.Plan.To.Key == c.To.Key &&
			(w.State == Writing || w.State == Unsettled || w.State == Rolling || w.State == Done) {
			return true
		}
	}
	return false
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
	if why := endedBlocked(i); why != "" && (len(open) == 0 || slices.ContainsFunc(open, func(c Choice) bool { return c.Pays == "" })) {
		return why
	}
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

// ConfirmWrite is the last key of the confirmation. Word is what was typed
// (in production ConfirmWord(…)); Plans are the IDs that the screen showed.
type ConfirmWrite struct {
	Word  string
	Plans []string
	// Sentences are what was typed beside it, such as that data will be lost.
	Sentences []string
}

// decide begins an attempt, if what was typed is the word, nothing is blocked,
// and the plans are the ones that the operator saw.
func (do ConfirmWrite) decide(d *decider) {
	i := d.inc()
	if i.Step != Confirm || confirmBlocked(&d.s) != "" || do.Word != ConfirmWord(i) || d.by == "" {
		return
	}
	var plans []model.Plan
	var checks []model.Check
	b := Confirmed{N: len(i.Attempts) + 1}
	for _, c := range openChoices(i) {
		if c.Course != CourseWalk {
			b.Course, b.Step = c.Course, c.Step
		}
		p := d.s.Seen.Preflight[c.Slot]
		for _, plan := range p.Plans {
			if plan.Same {
				continue
			}
			if !slices.Contains(do.Plans, plan.ID) {
				return
			}
			plan.Pays = c.Pays
			plan.Waits = plan.Waits || d.waits(&plan, plans)
			plans = append(plans, plan)
		}
		for _, k := range CheckLines(&d.s, c) {
			k.Component, k.Role = c.Component, c.Role
			checks = append(checks, k)
		}
	}
	for _, x := range sentences(plans) {
		if !slices.Contains(do.Sentences, x) {
			return
		}
	}
	b.Plans, b.Checks = plans, checks
	d.fact(b)
	d.toWatch()
	d.writeNext()
	d.effect(GatherEvidence{model.AtConfirm}) // beside the write, which does not wait for it
}

// toWatch goes to the page from which the newest attempt is watched. Of a drill's fault that
// is the board: the walk is still to begin, and nothing is chosen for it.
func (d *decider) toWatch() {
	a := d.inc().Attempt()
	if !a.breaks() {
		d.fact(Moved{To: RollBack})
		return
	}
	d.fact(Moved{To: Assess, Apart: true})
	for _, w := range a.Writes {
		d.fact(Dropped{w.Plan.Slot()})
	}
}

// Confirmed begins an attempt. It keeps the plans, hashes only, and the
// preflight's lines as the operator saw them.
type Confirmed struct {
	N      int           `json:"n"`
	Plans  []model.Plan  `json:"plans"`
	Checks []model.Check `json:"checks,omitempty"`
	Course Course        `json:"course,omitempty"`
	Step   string        `json:"step,omitempty"` // of the course's procedure
}

func (b Confirmed) apply(i *Incident, f Fact) {
	a := Attempt{N: b.N, Confirmed: f.At, By: f.By, Course: b.Course, Step: b.Step}
	for _, p := range b.Plans {
		a.Writes = append(a.Writes, Write{Plan: p})
	}
	i.Attempts = with(i.Attempts, a)
	if a.OfDrill() {
		return // what was proved stays proved
	}
	i.Asked, i.AskText = AskNothing, ""
	i.Hold, i.Verified, i.Recovered, i.RolledOut = HoldRecord{}, time.Time{}, time.Time{}, i.rolledOut()
	i.Accepted = nil
}

func (b Confirmed) entry(*Incident) (EntryKind, string) {
	var all []string
	for _, p := range b.Plans {
		switch {
		case p.Role == model.RoleRelease && !p.From.IsZero():
			all = append(all, fmt.Sprintf("%s %s → %s", p.Component, p.From.Full(), p.To.Full()))
		default:
			all = append(all, p.Title)
		}
	}
	return EntryWrite, "confirmed: " + strings.Join(all, "; ")
}
