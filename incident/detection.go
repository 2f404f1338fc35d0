package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// Source is who or what an incident was detected by.
type Source string

// The sources.
const (
	SourceUnknown Source = ""       // nobody said
	SourceLimit   Source = "limit"  // rollbook, as it showed the first trigger
	SourceAnswer  Source = "answer" // the operator answered yes to a question of the tree
	SourceAlert   Source = "alert"  // an alert that began to fire
	SourcePage    Source = "page"   // the operator was paged
	SourceTold    Source = "told"   // somebody told the operator
	SourceSaw     Source = "saw"    // the operator saw it
)

// alertWithin is how long before the onset an alert may have begun to fire to be the
// one that detected the incident: as long as a change may lie back that caused it.
const alertWithin = time.Hour

// alerts keeps which alerts fire about the components that the incident is about, and
// when they stop. The program may be opened long after they began: the detection is
// theirs.
func (d *decider) alerts() {
	from, onset := d.inc().Broke(), d.inc().Onset // what fired before a drill broke it is not the drill's
	if from.IsZero() && !onset.IsZero() {
		from = onset.Add(-alertWithin)
	}
	for _, id := range d.inc().Concerned() {
		f := d.s.FiguresOf(id)
		if f == nil || from.IsZero() {
			continue
		}
		for _, a := range f.Alerts {
			known := slices.ContainsFunc(d.inc().Alerts, func(k AlertFired) bool {
				return k.Component == id && k.Name == a.Name && k.Since.Equal(a.Since)
			})
			if known || a.Before || a.Since.Before(from) {
				continue
			}
			d.fact(AlertFired{Component: id, Name: a.Name, Severity: a.Severity, Since: a.Since})
		}
	}
	for _, k := range d.inc().Alerts {
		f := d.s.FiguresOf(k.Component)
		if f == nil || f.AlertsNo != "" || f.At.IsZero() || !k.Over.IsZero() {
			continue
		}
		if !slices.ContainsFunc(f.Alerts, func(a model.Alert) bool { return a.Name == k.Name }) {
			d.fact(AlertOver{Component: k.Component, Name: k.Name})
		}
	}
}

// AlertFired is an alert about a component that the incident is about, and since when
// it has been firing.
type AlertFired struct {
	Component string    `json:"component"`
	Name      string    `json:"name"`
	Since     time.Time `json:"since"`
	Severity  string    `json:"severity,omitempty"`
	// Over is when it was seen not to fire any more; zero = it fires.
	Over time.Time `json:"-"`
}

func (b AlertFired) apply(i *Incident, _ Fact) {
	i.Alerts = with(i.Alerts, b)
	i.detect()
}

func (b AlertFired) entry(*Incident) (EntryKind, string) {
	return EntrySeen, fmt.Sprintf("alert %s has been firing since %s", b.Words(), secondOf(b.Since))
}

// Words names the alert and what it is about: "HighErrorRate (page) about frontend".
func (b AlertFired) Words() string {
	name := b.Name
	if b.Severity != "" {
		name += " (" + b.Severity + ")"
	}
	return name + " about " + b.Component
}

// AlertOver is an alert that does not fire any more.
type AlertOver struct {
	Component string `json:"component"`
	Name      string `json:"name"`
}

func (b AlertOver) apply(i *Incident, f Fact) {
	i.Alerts = slices.Clone(i.Alerts)
	for n := range i.Alerts {
		if a := &i.Alerts[n]; a.Component == b.Component && a.Name == b.Name && a.Over.IsZero() {
			a.Over = f.At
		}
	}
}

func (b AlertOver) entry(*Incident) (EntryKind, string) {
	return EntrySeen, fmt.Sprintf("alert %s about %s does not fire any more", b.Name, b.Component)
}

// shown keeps when the first reason for a rollback was on the screen.
func (i *Incident) shown(at time.Time, by Detector) {
	if i.Shown.IsZero() {
		i.Shown, i.ShownBy = at, by
		i.detect()
	}
}

// detect works out when it was detected, and by what: by the first of the alerts, of
// what the operator said, and of the trigger as it was shown.
func (i *Incident) detect() {
	i.Detected, i.DetectedBy = i.Shown, i.ShownBy
	first := func(at time.Time, by Detector) {
		if !at.IsZero() && (i.Detected.IsZero() || at.Before(i.Detected)) {
			i.Detected, i.DetectedBy = at, by
		}
	}
	for _, a := range i.Alerts {
		first(a.Since, Detector{Source: SourceAlert, Name: a.Name})
	}
	first(i.Told.At, Detector{Source: i.Told.How, Name: i.ToldBy})
}

// Detector names who or what an incident was detected by: an alert, a limit that was
// shown, or the operator's own word.
type Detector struct {
	Source Source
	Name   string // of the alert, or of the operator
}

// String returns it as a sentence goes on after "detected by"; "" = by the limit, as it
// was shown.
func (d Detector) String() string {
	switch d.Source {
	case SourceAnswer:
		return "the answer of " + d.Name
	case SourceAlert:
		return "the alert " + d.Name
	case SourcePage:
		return "a page to " + d.Name
	case SourceTold:
		return "somebody who told " + d.Name
	case SourceSaw:
		return d.Name + ", who saw it"
	}
	return ""
}

// ItemDetection is the item of the checklist that asks when the operator was paged.
const ItemDetection = "detection"

// PagedDefault returns when the alert began to fire that may have paged the operator,
// and its name: the first about what fails; zero = none is known.
func (i *Incident) PagedDefault() (at time.Time, name string) {
	for _, a := range i.Alerts {
		if at.IsZero() || a.Since.Before(at) {
			at, name = a.Since, a.Name
		}
	}
	return at, name
}

// TellDetection says how the operator came to know of the incident, and when; what is
// not known is zero.
type TellDetection struct {
	How Source
	At  time.Time
}

func (do TellDetection) decide(d *decider) {
	if i := d.inc(); i.ID == "" || !i.Closed.IsZero() || DetectionWrong(&d.s, do.At) != "" {
		return
	}
	d.fact(DetectionTold(do))
	d.closeIfDone()
}

// DetectionWrong says why an incident cannot have been detected then, by the operator's
// word; "" when it can, or the time is not known.
func DetectionWrong(s *Snapshot, at time.Time) string {
	switch i := &s.Incident; {
	case at.IsZero():
	case at.After(s.Now):
		return "that is still to come: it is " + secondOf(s.Now)
	case !i.Decided.IsZero() && at.After(i.Decided):
		return "that is after the decision at " + secondOf(i.Decided) + ": it was known by then"
	}
	return ""
}

// DetectionOdd says what is odd about a time that is possible: that it was before the
// change that is suspected, or long before the onset; "" for nothing.
func DetectionOdd(s *Snapshot, at time.Time) string {
	i := &s.Incident
	if len(i.Suspects) > 0 {
		if x := &i.Suspects[0]; !x.Later() && at.Before(x.At) {
			return fmt.Sprintf("%s before %s of %s was released", model.Short(x.At.Sub(at)), x.Version.Name(), x.Component)
		}
	}
	if early := i.Onset.Sub(at); !i.Onset.IsZero() && early > 0 {
		return model.Short(early) + " before " + i.OnsetName()
	}
	return ""
}

// DetectionTold records the operator's answer to "when were you paged?": by a page, by
// somebody, or by their own eyes, and when.
type DetectionTold struct {
	How Source    `json:"how,omitempty"`
	At  time.Time `json:"at,omitzero"`
}

func (b DetectionTold) apply(i *Incident, f Fact) {
	i.Told, i.ToldBy = b, f.By
	i.setItem(Item{ID: ItemDetection, State: ItemDone, By: f.By, At: f.At, Reason: b.Words()})
	i.detect()
}

func (b DetectionTold) entry(*Incident) (EntryKind, string) { return EntryAnswer, b.Words() }

// Words tells it in a few words, without by whom it was said.
func (b DetectionTold) Words() string { return b.WordsAs(secondOf) }

// WordsAs is Words with the time as a function says it.
func (b DetectionTold) WordsAs(say func(time.Time) string) string {
	at := ", when is not known"
	if !b.At.IsZero() {
		at = " at " + say(b.At)
	}
	switch b.How {
	case SourcePage:
		return "paged" + at
	case SourceTold:
		return "told by somebody" + at
	case SourceSaw:
		return "saw it" + at
	}
	return "how it was detected is not known"
}

// secondOf is a time to the second, as all read it alike.
func secondOf(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }
