package incident

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// suspectWindow is how long before the onset a change is suspected of it.
const suspectWindow = time.Hour

// suspectsMost is how many suspects an incident keeps, the likeliest first.
const suspectsMost = 20

// Suspect is a workload's change within the hour before the onset. One since then,
// of a workload that fails, is kept beside them: it is a later change, and did not
// cause it.
type Suspect struct {
	Component   string        `json:"component"`
	Version     model.Version `json:"version"`
	At          time.Time     `json:"at"`     // when it was released
	Before      time.Duration `json:"before"` // the onset; negative = after it; 0 while no onset is known
	By          string        `json:"by,omitempty"`
	ChangeCause string        `json:"changeCause,omitempty"`
	Images      []string      `json:"images,omitempty"`
}

// Later reports whether the change came after the onset: it did not cause it. The
// cluster tells whole seconds.
func (x Suspect) Later() bool { return x.Before.Round(time.Second) < 0 }

// Distance returns how long before or after the onset of i it was released, in words.
func (x Suspect) Distance(i *Incident) string {
	switch d := x.Before.Round(time.Second); {
	case d > 0:
		return model.Short(d) + " before " + i.OnsetName()
	case d < 0:
		return model.Short(-d) + " after " + i.OnsetName()
	}
	return "at the moment of " + i.OnsetName()
}

// Words returns "released 11m ago, 38s before the first bad sample"; without an
// onset only the former.
func (x Suspect) Words(s *Snapshot) string {
	text := "released " + ago(s.Now, x.At)
	if !s.Incident.Onset.IsZero() {
		text += ", " + x.Distance(&s.Incident)
	}
	return text
}

func (x Suspect) is(o Suspect) bool {
	return x.Component == o.Component && x.Version.Is(o.Version)
}

func (x Suspect) equal(o Suspect) bool {
	return x.is(o) && x.Version == o.Version && x.At.Equal(o.At) && x.Before == o.Before && x.By == o.By && x.ChangeCause == o.ChangeCause && slices.Equal(x.Images, o.Images)
}

// Suspects returns what is suspected, the likeliest first: as the journal has it,
// or, while no incident is open, as the board shows it.
func (s *Snapshot) Suspects() []Suspect {
	if s.Incident.ID != "" {
		return s.Incident.Suspects
	}
	return changes(s)
}

// Causes returns those that came before the onset, the likeliest first.
func (s *Snapshot) Causes() []Suspect {
	return slices.DeleteFunc(slices.Clone(s.Suspects()), Suspect.Later)
}

// changes ranks what changed.
func changes(s *Snapshot) []Suspect {
	var out []Suspect
	for _, c := range s.Seen.Board {
		out = append(out, s.changesOf(c)...)
	}
	s.Incident.rank(out)
	return out
}

// rank puts the likeliest first: what was released of a component that fails, then what
// came closest to the onset; without an onset, the newest. Those that came after the onset
// are last.
func (i *Incident) rank(all []Suspect) {
	healthy := func(x Suspect) int {
		if slices.Contains(i.Failed, x.Component) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Suspect) int {
		switch {
		case i.Onset.IsZero():
			return b.At.Compare(a.At)
		case a.Later() || b.Later():
			return a.At.Compare(b.At)
		}
		return cmp.Or(cmp.Compare(healthy(a), healthy(b)), cmp.Compare(a.Before, b.Before))
	})
}

// begins sets the onset: what is suspected came so long before it, or after it.
func (i *Incident) begins(onset time.Time) {
	i.Onset = onset
	i.Suspects = slices.Clone(i.Suspects)
	for n := range i.Suspects {
		i.Suspects[n].Before = onset.Sub(i.Suspects[n].At)
	}
	i.rank(i.Suspects)
}

// releasesOf returns when a version of a component was set, so close to the onset, or
// without one so lately, that it may be to blame; of a component that fails also since
// then. The version that runs comes as nil. What an attempt of this incident wrote is
// none of them.
func (s *Snapshot) releasesOf(c *model.Component) iter.Seq2[*model.Earlier, time.Time] {
	onset := s.Incident.Onset
	if onset.IsZero() {
		onset = s.Now
	}
	counts := func(owner string, at time.Time) bool {
		before := onset.Sub(at)
		return before <= suspectWindow && (before.Round(time.Second) >= 0 || s.fails(c.ID)) && !s.Incident.ours(c.ID, owner, at)
	}
	return func(yield func(*model.Earlier, time.Time) bool) {
		if !s.goneBack(c) && counts(c.OwnerName, c.RevisionStart) && !yield(nil, c.RevisionStart) {
			return
		}
		for n := range c.Past {
			if r := &c.Past[n]; counts(r.Owner, r.At) && !yield(r, r.At) {
				return
			}
		}
	}
}

// changesOf returns the releases of a component as suspects, each version once.
func (s *Snapshot) changesOf(c *model.Component) []Suspect {
	var out []Suspect
	for r, at := range s.releasesOf(c) {
		x := Suspect{Component: c.ID, At: at, Before: s.before(at)}
		if r == nil {
			x.Version, x.By, x.ChangeCause, x.Images = c.Running(), c.RevisionBy, c.ChangeCause, c.Images
		} else {
			x.Version, x.By, x.ChangeCause, x.Images = c.Came(r), s.Incident.known(c.ID, r.Owner).By, r.Cause, r.Images
		}
		// The first time that a version was set is the one that counts.
		if n := slices.IndexFunc(out, x.is); n < 0 {
			out = append(out, x)
		} else if at.Before(out[n].At) {
			out[n] = x
		}
	}
	return out
}

// changed reports whether a component changed so that it is suspected.
func (s *Snapshot) changed(c *model.Component) bool {
	for range s.releasesOf(c) {
		return true
	}
	return false
}

// before returns how long before the onset something was; 0 while there is none.
func (s *Snapshot) before(at time.Time) time.Duration {
	if s.Incident.Onset.IsZero() {
		return 0
	}
	return s.Incident.Onset.Sub(at)
}

// hasCause reports whether there is one of Causes, without making a thousand of them.
func (s *Snapshot) hasCause() bool {
	if s.Incident.ID != "" {
		return len(s.Causes()) > 0
	}
	return slices.ContainsFunc(s.Seen.Board, func(c *model.Component) bool {
		for _, at := range s.releasesOf(c) {
			if !(Suspect{Before: s.before(at)}).Later() {
				return true
			}
		}
		return false
	})
}

// released reports whether anything was released in the hour before the onset.
// Nothing is said before the board was read, nor where a workload does not tell.
func (s *Snapshot) released() model.Tri {
	if s.hasCause() {
		return model.TriYes
	}
	if s.Seen.Reading || s.clusterLost() != "" || len(s.Seen.Board) == 0 {
		return model.TriUnknown
	}
	for _, c := range s.Seen.Board {
		if c.Missing != "" || c.RevisionStart.IsZero() || c.StartGuessed {
			return model.TriUnknown
		}
	}
	return model.TriNo
}

// suspects keeps who is suspected, whenever that changes while an incident is
// open. What was suspected stays when something else runs in its place.
func (d *decider) suspects() {
	i := d.inc()
	if i.ID == "" || d.s.clusterLost() != "" {
		return
	}
	now := changes(&d.s)
	onset := d.onset()
	for _, x := range i.Suspects {
		if x.Before = onset.Sub(x.At); x.Before > suspectWindow || i.ours(x.Component, x.Version.Key, x.At) {
			continue
		}
		if i.Onset.IsZero() {
			x.Before = 0
		}
		n := slices.IndexFunc(now, x.is)
		if n < 0 {
			now = append(now, x)
			continue
		}
		// What was known of it when it ran is known still.
		if y := &now[n]; !x.At.After(y.At) {
			y.At, y.Before = x.At, x.Before
			y.By, y.ChangeCause = cmp.Or(x.By, y.By), cmp.Or(x.ChangeCause, y.ChangeCause)
			if len(x.Images) > 0 {
				y.Images = x.Images
			}
			y.Version = x.Version
		}
	}
	i.rank(now)
	now = now[:min(len(now), suspectsMost)]
	if !slices.EqualFunc(now, i.Suspects, Suspect.equal) {
		d.fact(Suspected{Suspects: now})
	}
}

// ours reports whether an attempt of this incident set that version at that time: the
// one that it goes to, or, where that is made anew by what it started, whatever was
// set until it was rolled out.
func (i *Incident) ours(component, key string, at time.Time) bool {
	for w := range i.writes() {
		if breaks(&w.Plan) { // a drill's fault is to be found like any other bad release
			continue
		}
		if w.Plan.Component != component || w.refused() || w.Intent.IsZero() || at.Before(w.Intent.Add(-ourSlack)) {
			continue
		}
		if w.Plan.To.Key == key || w.State != Reverted && (w.RolledOut.IsZero() || !at.After(w.RolledOut)) {
			return true
		}
	}
	return false
}

// ourSlack is how much earlier than ours the cluster's clock may be.
const ourSlack = 5 * time.Second

// Suspected is the list of what is suspected, in place of the one before.
type Suspected struct {
	Suspects []Suspect `json:"suspects"`
}

func (b Suspected) apply(i *Incident, f Fact) { i.Suspects = b.Suspects }

// Only what was not suspected before is told.
func (b Suspected) entry(before *Incident) (EntryKind, string) {
	var said, later []string
	for _, x := range b.Suspects {
		if slices.ContainsFunc(before.Suspects, x.is) {
			continue
		}
		text := fmt.Sprintf("%s of %s", x.Version, x.Component)
		if !before.Onset.IsZero() {
			text += ", released " + x.Distance(before)
		}
		if x.Later() {
			later = append(later, text)
			continue
		}
		said = append(said, text)
	}
	if len(said) == 0 && len(later) > 0 {
		return EntrySeen, "changed later, not suspected: " + strings.Join(later, "; ")
	}
	switch {
	case len(said) == 0:
		return EntryNone, ""
	case len(said) > 3:
		said = append(said[:2], fmt.Sprintf("%d more", len(said)-2))
	}
	return EntrySeen, "suspected: " + strings.Join(said, "; ")
}
