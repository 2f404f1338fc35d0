package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// suspectWindow is how long before the onset a change is suspected of it.
const suspectWindow = time.Hour

// suspectSlack is how long after the first bad sample a change may still have
// caused it: scrapes and the cluster's clock are not exact.
const suspectSlack = time.Minute

// suspectsMost is how many suspects an incident keeps, the likeliest first.
const suspectsMost = 20

// Suspect is a workload's change within the hour before the onset, or, of one that
// fails, since.
type Suspect struct {
	Component   string        `json:"component"`
	Version     model.Version `json:"version"`
	At          time.Time     `json:"at"`     // when it was released
	Before      time.Duration `json:"before"` // the onset; negative = after it; 0 while no onset is known
	By          string        `json:"by,omitempty"`
	ChangeCause string        `json:"changeCause,omitempty"`
	Images      []string      `json:"images,omitempty"`
}

// Later reports whether the change came after the onset: it did not cause it.
func (x Suspect) Later() bool { return x.Before < -suspectSlack }

// Distance returns how long before or after the onset it was released, in words.
func (x Suspect) Distance() string {
	switch d := x.Before.Round(time.Second); {
	case d > 0:
		return model.Short(d) + " before the first bad sample"
	case d < 0:
		return model.Short(-d) + " after the first bad sample"
	}
	return "at the moment of the first bad sample"
}

// Words returns "released 11m ago, 38s before the first bad sample"; without an
// onset only the former.
func (x Suspect) Words(s *Snapshot) string {
	text := "released " + ago(s.Now, x.At)
	if !s.Incident.Onset.IsZero() {
		text += ", " + x.Distance()
	}
	return text
}

func (x Suspect) is(o Suspect) bool {
	return x.Component == o.Component && x.Version == o.Version
}

func (x Suspect) equal(o Suspect) bool {
	return x.is(o) && x.At.Equal(o.At) && x.Before == o.Before && x.By == o.By && x.ChangeCause == o.ChangeCause && slices.Equal(x.Images, o.Images)
}

// Suspects returns what is suspected, the likeliest first: as the journal has it,
// or, while no incident is open, as the board shows it.
func (s *Snapshot) Suspects() []Suspect {
	if s.Incident.ID != "" {
		return s.Incident.Suspects
	}
	return changes(s)
}

// changes ranks what changed and still runs by how close to the onset it changed;
// without an onset, by how lately.
func changes(s *Snapshot) []Suspect {
	var out []Suspect
	for _, c := range s.Seen.Board {
		before, suspect := s.suspect(c)
		if !suspect {
			continue
		}
		if s.Incident.Onset.IsZero() {
			before = 0
		}
		out = append(out, Suspect{Component: c.ID, Version: c.Running(), At: c.RevisionStart, Before: before,
			By: c.RevisionBy, ChangeCause: c.ChangeCause, Images: c.Images})
	}
	slices.SortStableFunc(out, func(a, b Suspect) int {
		if s.Incident.Onset.IsZero() {
			return b.At.Compare(a.At)
		}
		return cmp.Compare(a.Before.Abs(), b.Before.Abs())
	})
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

// suspects keeps who is suspected, whenever that changes while an incident is
// open. What was suspected stays when something else runs in its place; what an
// attempt of this incident wrote is no suspect.
func (d *decider) suspects() {
	i := d.inc()
	if i.ID == "" || d.s.clusterLost() != "" {
		return
	}
	now := slices.DeleteFunc(changes(&d.s), func(x Suspect) bool { return i.wrote(x.Component) })
	onset := d.onset()
	for _, x := range i.Suspects {
		if x.Before = onset.Sub(x.At); x.Before > suspectWindow || slices.ContainsFunc(now, x.is) {
			continue
		}
		if i.Onset.IsZero() {
			x.Before = 0
		}
		now = append(now, x)
	}
	slices.SortStableFunc(now, func(a, b Suspect) int {
		switch {
		case i.Onset.IsZero():
			return b.At.Compare(a.At)
		case a.Later() != b.Later():
			return cmp.Compare(b.Before, a.Before)
		}
		return cmp.Compare(a.Before.Abs(), b.Before.Abs())
	})
	now = now[:min(len(now), suspectsMost)]
	if !slices.EqualFunc(now, i.Suspects, Suspect.equal) {
		d.fact(Suspected{Suspects: now})
	}
}

// wrote reports whether an attempt of this incident was confirmed for a component.
func (i *Incident) wrote(component string) bool {
	for _, a := range i.Attempts {
		for _, w := range a.Writes {
			if w.Plan.Component == component {
				return true
			}
		}
	}
	return false
}

// Suspected is the list of what is suspected, in place of the one before.
type Suspected struct {
	Suspects []Suspect `json:"suspects"`
}

func (b Suspected) apply(i *Incident, f Fact) { i.Suspects = b.Suspects }

// Only what was not suspected before is told.
func (b Suspected) entry(before *Incident) (EntryKind, string) {
	var said []string
	for _, x := range b.Suspects {
		if slices.ContainsFunc(before.Suspects, x.is) {
			continue
		}
		text := fmt.Sprintf("%s of %s", x.Version, x.Component)
		if !before.Onset.IsZero() {
			text += ", released " + x.Distance()
		}
		said = append(said, text)
	}
	switch {
	case len(said) == 0:
		return EntryNone, ""
	case len(said) > 3:
		said = append(said[:2], fmt.Sprintf("%d more", len(said)-2))
	}
	return EntrySeen, "suspected: " + strings.Join(said, "; ")
}
