package incident

import (
	"slices"

	"rollbook/model"
)

// Policy returns what the main key of the page where the walk stands would do now, as far
// as nobody is needed for it: what to roll back and to what is proposed, the figures ask
// for it, and no line of the checks stands against it. nil = it waits, or it takes a person:
// for an answer that no figure gives, a question, a version that is not proposed, a sentence
// that says what will be lost.
func Policy(s *Snapshot) Act {
	i := &s.Incident
	if i.Step.Blocked(s) != "" || i.End != nil {
		return nil
	}
	switch i.Step {
	case Assess, Decision:
		if v, _ := VerdictOf(s, Tree(s)); v == Now || v == Within10 {
			return Next{}
		}
	case Choose:
		if !slices.ContainsFunc(i.Choices, s.forPerson) {
			return Next{}
		}
	case Confirm:
		return confirmed(s)
	case RollBack, Verify:
		if i.Asked == AskNothing {
			return Next{}
		}
	}
	return nil
}

// forPerson reports whether a choice is not, or not yet, the one that is proposed, or leaves
// behind a schema that is newer than the release that it goes back to.
func (s *Snapshot) forPerson(c Choice) bool {
	if m := s.MigrationsSince(c.Component); m != nil && (m.Why != "" || len(m.List) > 0) {
		return true
	}
	return c.Own && c.Role == model.RoleRelease
}

// confirmed returns the confirmation of all that is chosen, as it is shown now; nil where a
// sentence has to be typed for it.
func confirmed(s *Snapshot) Act {
	if len(s.Sentences()) > 0 {
		return nil
	}
	do := ConfirmWrite{Word: ConfirmWord(&s.Incident)}
	for _, c := range s.Incident.Open() {
		if p := s.Seen.Preflight[c.Slot]; p != nil {
			for _, plan := range p.Plans {
				do.Plans = append(do.Plans, plan.ID)
			}
		}
	}
	return do
}
