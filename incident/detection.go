package incident

import (
	"fmt"
	"slices"
	"time"
)

// alertWithin is how long before the onset an alert may have begun to fire to be the
// one that detected the incident: as long as a change may lie back that caused it.
const alertWithin = time.Hour

// alerts keeps which alerts fire about the components that fail. The program may be
// opened long after they began: the detection is theirs.
func (d *decider) alerts() {
	for _, t := range d.inc().Triggers {
		f := d.s.FiguresOf(t.Component)
		if f == nil {
			continue
		}
		for _, a := range f.Alerts {
			known := slices.ContainsFunc(d.inc().Alerts, func(k AlertFired) bool {
				return k.Component == t.Component && k.Name == a.Name && k.Since.Equal(a.Since)
			})
			if known || a.Before || a.Since.Before(d.inc().Onset.Add(-alertWithin)) {
				continue
			}
			d.fact(AlertFired{Component: t.Component, Name: a.Name, Since: a.Since})
		}
	}
}

// AlertFired is an alert about a component that fails, and since when it has been
// firing.
type AlertFired struct {
	Component string    `json:"component"`
	Name      string    `json:"name"`
	Since     time.Time `json:"since"`
}

func (b AlertFired) apply(i *Incident, f Fact) {
	i.Alerts = with(i.Alerts, b)
	if i.Detected.IsZero() || b.Since.Before(i.Detected) {
		i.Detected, i.DetectedBy = b.Since, "the alert "+b.Name
	}
}

func (b AlertFired) entry(*Incident) (EntryKind, string) {
	return EntrySeen, fmt.Sprintf("alert %s about %s has been firing since %s", b.Name, b.Component, b.Since.UTC().Format("15:04:05 UTC"))
}
