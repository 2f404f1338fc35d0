package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// LeasesWanted are the components whose Leases are to be held: those that are
// chosen, from the confirmation on, until the close; those of which something is
// switched off, until it is put back.
func LeasesWanted(i *Incident) []string {
	var out []string
	for _, o := range i.Owed() {
		if !slices.Contains(out, o.Component) {
			out = append(out, o.Component)
		}
	}
	if i.End != nil || i.Step >= Close || i.Step < Confirm && len(i.Attempts) == 0 {
		return out
	}
	for _, c := range i.Choices {
		if !slices.Contains(out, c.Component) {
			out = append(out, c.Component)
		}
	}
	for _, s := range i.Standing() {
		if !slices.Contains(out, s.Write.Plan.Component) {
			out = append(out, s.Write.Plan.Component)
		}
	}
	return out
}

// leasePatience is how long the confirmation waits for the first answer about a
// Lease.
const leasePatience = 3 * time.Second

// LeaseCheck is the preflight's line about who else is on a component; nil while
// nothing is known.
func LeaseCheck(s *Snapshot, component string) *model.Check {
	l, asked := s.Seen.Leases[component]
	over := s.Incident.LeaseOver[component]
	to, lost := s.Incident.LeaseLost[component]
	if of, _ := s.Incident.Untold(); of == component && s.Incident.ConfirmsSurprise() {
		component = untoldComponent
	}
	switch {
	case lost:
		return &model.Check{ID: "lease", State: model.CheckBlocked, Text: to.Holder + " took " + component + " over",
			Do: "look on, or take it back"}
	case len(l.Owes) > 0 && !l.Mine && !l.Other():
		return &model.Check{ID: "lease", State: model.CheckWarning, Text: "left by " + nobody(l.From) + " and not put back: " + strings.Join(l.Owes, ", "),
			Do: "look into incident " + nobody(l.Incident) + " before you change it"}
	case l.Other():
		text := fmt.Sprintf("%s is on %s", l.Holder, component)
		if !l.Since.IsZero() {
			text += fmt.Sprintf(" since %s (%s)", clockTime(l.Since), ago(s.Now, l.Since))
		}
		if l.Step != "" {
			text += ", at " + l.Step
		}
		if len(l.Owes) > 0 {
			text += "; switched off: " + strings.Join(l.Owes, ", ")
		}
		if l.Holder == over {
			return &model.Check{ID: "lease", State: model.CheckWarning, Text: text + "; you go on, and they cannot see it"}
		}
		return &model.Check{ID: "lease", State: model.CheckBlocked, Text: text, Do: "look on, or take it over"}
	case !asked || l.At.IsZero() && l.Err == "":
		return nil
	case l.Err != "":
		return &model.Check{ID: "lease", State: model.CheckWarning, Text: "others cannot see that you are working on " + component + ": " + l.Err}
	case l.Mine:
		return &model.Check{ID: "lease", State: model.CheckOK, Text: "nobody else is working on " + component + "; your lock is visible to others"}
	case l.Expired:
		return &model.Check{ID: "lease", State: model.CheckNote, Text: fmt.Sprintf("%s was on %s until %s", l.Holder, component, clockTime(l.Renewed))}
	}
	return &model.Check{ID: "lease", State: model.CheckOK, Text: "nobody else is working on " + component}
}

// nobody names somebody, or says that nobody is named.
func nobody(name string) string {
	if name == "" {
		return "somebody"
	}
	return name
}

// leaseBlocked says why a component's confirmation has to wait for somebody
// else; "" when it has not.
func leaseBlocked(s *Snapshot, component string) string {
	if c := LeaseCheck(s, component); c != nil && c.State == model.CheckBlocked {
		return c.Text + ": " + c.Do
	}
	if l := s.Seen.Leases[component]; !l.Asking.IsZero() && s.Now.Sub(l.Asking) < leasePatience {
		return "asking whether somebody else is on " + component
	}
	return ""
}

// LeaseHeard is an answer about a workload's Lease. Was is the state before
// it.
type LeaseHeard struct {
	Component string
	Was, Now  model.Lease
	Forced    bool
	Reason    string // of taking it over
}

// decide keeps what changed hands.
func (do LeaseHeard) decide(d *decider) {
	lost, was := d.inc().LeaseLost[do.Component]
	from := lost
	if from.Holder == "" {
		from = do.Was
	}
	if do.Now.From != "" {
		from.Holder = do.Now.From
	}
	switch {
	case do.Forced && do.Now.Mine && (was || do.Was.Other() || do.Now.From != ""):
		d.fact(LeaseTaken{Component: do.Component, From: from, Reason: do.Reason})
	case do.Forced && do.Now.Err != "" && (was || do.Was.Other()):
		// Who may not write Leases is not held up by one.
		d.fact(LeaseTaken{Component: do.Component, From: from, Reason: do.Reason, Unwritten: do.Now.Err})
	case do.Now.Mine && was:
		d.fact(LeaseTaken{Component: do.Component, From: from, Reason: "it was given back"})
	case do.Was.Mine && do.Now.Other():
		d.fact(LeaseGone{Component: do.Component, To: do.Now})
	}
}

// TakeOver takes a workload's Lease from whoever holds it.
type TakeOver struct{ Component, Reason string }

func (do TakeOver) decide(d *decider) {
	if d.by == "" || d.inc().Settings.ReadOnly {
		return
	}
	if c := LeaseCheck(&d.s, do.Component); c != nil && c.State == model.CheckBlocked {
		d.effect(TakeLease(do))
	}
}

// TakeLease takes a workload's Lease by force.
type TakeLease struct{ Component, Reason string }

func (x TakeLease) run(r Runner) { r.TakeLease(x) }

// LeaseTaken is a workload's Lease taken from somebody else by force.
type LeaseTaken struct {
	Component string      `json:"component"`
	From      model.Lease `json:"from"`
	Reason    string      `json:"reason,omitempty"`
	// Unwritten is why the Lease itself could not be taken: the other side does
	// not see it.
	Unwritten string `json:"unwritten,omitempty"`
}

func (b LeaseTaken) apply(i *Incident, f Fact) {
	i.leaseLost(b.Component, nil)
	over := maps.Clone(i.LeaseOver)
	if over == nil {
		over = map[string]string{}
	}
	delete(over, b.Component)
	if b.Unwritten != "" {
		over[b.Component] = b.From.Holder
	}
	i.LeaseOver = over
}

func (b LeaseTaken) entry(*Incident) (EntryKind, string) {
	text := fmt.Sprintf("took %s over from %s%s", b.Component, b.From.Holder, because(b.Reason))
	if b.Unwritten != "" {
		text += "; they cannot see it: " + b.Unwritten
	}
	return EntryAnswer, text
}

// LeaseGone is ours, taken by somebody else.
type LeaseGone struct {
	Component string      `json:"component"`
	To        model.Lease `json:"to"`
}

func (b LeaseGone) apply(i *Incident, f Fact) { i.leaseLost(b.Component, &b.To) }

func (b LeaseGone) entry(*Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("%s took %s over", b.To.Holder, b.Component)
}

func (i *Incident) leaseLost(component string, to *model.Lease) {
	lost := maps.Clone(i.LeaseLost)
	if lost == nil {
		lost = map[string]model.Lease{}
	}
	delete(lost, component)
	if to != nil {
		lost[component] = *to
	}
	i.LeaseLost = lost
}
