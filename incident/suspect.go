package incident

import (
	"cmp"
	"slices"
	"time"

	"rollbook/model"
)

// suspectWindow is how long before the onset a change is suspected of it.
const suspectWindow = time.Hour

// suspectSlack is how long after the first bad sample a change may still have
// caused it: scrapes and the cluster's clock are not exact.
const suspectSlack = time.Minute

// Suspect is a workload that changed within the hour before the onset.
type Suspect struct {
	Component string
	Version   model.Version
	At        time.Time
	Before    time.Duration // onset − At; negative = after the first bad sample
	By        string
	Text      string // "revision 42, released 11m ago, 38s before the first bad sample"
}

// Suspects ranks what changed by how close to the onset it did; without an
// onset, by how lately.
func Suspects(s *Snapshot) []Suspect {
	var out []Suspect
	for _, c := range s.Seen.Board {
		before, suspect := s.suspect(c)
		if !suspect {
			continue
		}
		o := Suspect{Component: c.ID, Version: c.Running(), At: c.RevisionStart, Before: before, By: c.RevisionBy}
		o.Text = o.Version.String() + ", released " + ago(s.Now, c.RevisionStart)
		switch {
		case s.Incident.Onset.IsZero():
		case before < 0:
			o.Text += ", " + model.Short(-before) + " after the first bad sample"
		default:
			o.Text += ", " + model.Short(before) + " before the first bad sample"
		}
		out = append(out, o)
	}
	slices.SortStableFunc(out, func(a, b Suspect) int { return cmp.Compare(a.Before.Abs(), b.Before.Abs()) })
	return out
}

// suspect says whether a component changed so close to the onset, or without one
// so lately, that the change may be to blame, and how long before it was. One
// that fails and was changed since, as by a hotfix, is suspected for what that
// change replaced: its history tells.
func (s *Snapshot) suspect(c *model.Component) (before time.Duration, is bool) {
	if c.RevisionStart.IsZero() {
		return 0, false
	}
	onset := s.Incident.Onset
	if onset.IsZero() {
		onset = s.Now
	}
	before = onset.Sub(c.RevisionStart)
	return before, before <= suspectWindow && (before >= -suspectSlack || s.fails(c.ID))
}
