package model

import (
	"fmt"
	"time"
)

// LeasesWanted are the components whose Leases are to be held: those that are
// chosen, from the confirmation on, until the close.
func LeasesWanted(i *Incident) []string {
	if i.End != nil || i.Step >= Close || i.Step < Confirm && len(i.Attempts) == 0 {
		return nil
	}
	var out []string
	for _, c := range i.Choices {
		out = append(out, c.Component)
	}
	for _, s := range i.Standing() {
		if i.Choice(s.Write.Plan.Component) == nil {
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
func LeaseCheck(s *Snapshot, component string) *Check {
	l, asked := s.Seen.Leases[component]
	to, lost := s.Incident.LeaseLost[component]
	switch {
	case lost:
		return &Check{ID: "lease", State: CheckBlocked, Text: to.Holder + " took " + component + " over",
			Do: "look on, or take it back"}
	case l.Other():
		text := fmt.Sprintf("%s is on %s", l.Holder, component)
		if !l.Since.IsZero() {
			text += fmt.Sprintf(" since %s (%s)", clockTime(l.Since), ago(s.Now, l.Since))
		}
		if l.Step != "" {
			text += ", at " + l.Step
		}
		if l.Holder == s.Incident.LeaseOver[component] {
			return &Check{ID: "lease", State: CheckWarning, Text: text + "; you go on, and they cannot see it"}
		}
		return &Check{ID: "lease", State: CheckBlocked, Text: text, Do: "look on, or take it over"}
	case !asked || l.At.IsZero() && l.Err == "":
		return nil
	case l.Err != "":
		return &Check{ID: "lease", State: CheckWarning, Text: "others cannot see that you are on " + component + ": " + l.Err}
	case l.Mine:
		return &Check{ID: "lease", State: CheckOK, Text: "nobody else is on " + component + "; others see that you are"}
	case l.Expired:
		return &Check{ID: "lease", State: CheckNote, Text: fmt.Sprintf("%s was on %s until %s", l.Holder, component, clockTime(l.Renewed))}
	}
	return &Check{ID: "lease", State: CheckOK, Text: "nobody else is on " + component}
}

// leaseBlocked says why a component's confirmation has to wait for somebody
// else; "" when it has not.
func leaseBlocked(s *Snapshot, component string) string {
	if c := LeaseCheck(s, component); c != nil && c.State == CheckBlocked {
		return c.Text + ": " + c.Do
	}
	if l := s.Seen.Leases[component]; !l.Asking.IsZero() && s.Now.Sub(l.Asking) < leasePatience {
		return "asking whether somebody else is on " + component
	}
	return ""
}

// leaseHeard keeps what changed hands.
func (d *decider) leaseHeard(do LeaseHeard) {
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

func (d *decider) takeOver(do TakeOver) {
	if d.by == "" || d.inc().Settings.ReadOnly {
		return
	}
	if c := LeaseCheck(&d.s, do.Component); c != nil && c.State == CheckBlocked {
		d.effect(TakeLease(do))
	}
}
