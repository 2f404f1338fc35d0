package incident

import (
	"slices"
	"time"

	"rollbook/model"
)

// DownRecord is the clock of the downtime: what has been counted, and since when
// it counts now.
type DownRecord struct {
	Total time.Duration // closed runs, those without data among them
	Blind time.Duration // of these, without data
	Since time.Time     // of the run under way; zero = it stands
	Until time.Time     // of the last run's end: nothing is counted twice
	// Unseen: nothing is known about the run under way.
	Unseen bool
}

// stop counts the run under way up to a time.
func (d *DownRecord) stop(at time.Time) {
	if !d.Since.IsZero() && at.After(d.Since) {
		d.Total += at.Sub(d.Since)
		d.Until = at
		if d.Unseen {
			d.Blind += at.Sub(d.Since)
		}
	}
	d.Since, d.Unseen = time.Time{}, false
}

// Downtime is the time over a trigger's limit, without an available pod, or stopped, up to
// now; blind is the part of it of which nothing is known.
func Downtime(s *Snapshot) (total, blind time.Duration) {
	d := s.Incident.Down
	d.stop(s.Now)
	return d.Total, d.Blind
}

// clock lets the downtime's clock run, run blind, or stand, as it is now.
func (d *decider) clock() {
	running, blind, since := downNow(&d.s)
	down := d.inc().Down
	switch {
	case running && down.Since.IsZero():
		if since.Before(down.Until) {
			since = down.Until
		}
		d.fact(ClockRan{Running: true, Blind: blind, Since: since})
	case running && down.Unseen != blind:
		d.fact(ClockRan{Running: true, Blind: blind, Since: d.s.Now})
	case !running && !down.Since.IsZero():
		d.fact(ClockRan{Since: since})
	}
}

// ClockRan is a change of the downtime's clock: it began to run, to run
// without data, or stopped.
type ClockRan struct {
	Running bool      `json:"running"`
	Blind   bool      `json:"blind,omitempty"`
	Since   time.Time `json:"since"`
}

func (b ClockRan) apply(i *Incident, f Fact) {
	i.Down.stop(b.Since)
	if b.Running {
		i.Down.Since, i.Down.Unseen = b.Since, b.Blind
	}
}

func (b ClockRan) entry(*Incident) (EntryKind, string) { return EntryNone, "" }

// downNow says whether the components concerned are down, since when, and
// whether that is because nothing is known. What is over a limit counts, and what was
// stopped, on purpose or not, or shows the maintenance page instead, whatever was
// held or verified before; what nobody knows does not during a good hold and after it.
func downNow(s *Snapshot) (running, blind bool, since time.Time) {
	i := &s.Incident
	if i.End != nil && !i.holds() || !i.Closed.IsZero() {
		return false, false, s.Now
	}
	since = s.Now
	concerned := i.Concerned()
	for _, f := range findings(s) {
		if !f.Kind.outage() || !slices.Contains(concerned, f.Component) {
			continue
		}
		switch {
		case f.Over:
			running = true
			if f.Onset.Before(since) {
				since = f.Onset
			}
		case f.Kind != TP95: // unknown
			blind = true
		}
	}
	for _, id := range concerned {
		if at := s.stoppedSince(id); !at.IsZero() {
			running = true
			if at.Before(since) {
				since = at
			}
		}
	}
	for _, o := range i.Owed() {
		if o.Role == model.RoleMaintenance && !o.Unsure {
			running = true // its users see that page
			if o.Since.Before(since) {
				since = o.Since
			}
		}
	}
	switch {
	case running:
		return true, false, since
	case !i.Verified.IsZero():
		return false, false, i.Recovered
	case !i.Hold.Since.IsZero():
		return false, false, i.Hold.Since
	}
	blind = blind || unseen(s)
	return blind, blind, s.Now
}

// unseen says whether a component concerned is not on the board at all, as just
// after the start.
func unseen(s *Snapshot) bool {
	return slices.ContainsFunc(s.Incident.Concerned(), func(id string) bool { return s.Seen.Component(id) == nil })
}
