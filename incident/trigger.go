package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// TriggerKind is which limit was broken.
type TriggerKind string

// The kinds.
const (
	TErrors TriggerKind = "errors"
	TP95    TriggerKind = "p95"
	TNoPod  TriggerKind = "no pod"
	TStuck  TriggerKind = "stuck"
	TBurn   TriggerKind = "error budget"
)

// Trigger is a broken limit of one component, latched.
type Trigger struct {
	Component string        `json:"component"`
	Kind      TriggerKind   `json:"kind"`
	Onset     time.Time     `json:"onset"` // first sample of the run
	At        time.Time     `json:"at"`    // when it had lasted long enough
	Value     float64       `json:"value"` // ratio or seconds; 0 for pods
	AtLeast   bool          `json:"atLeast,omitempty"`
	Limit     float64       `json:"limit"`
	For       time.Duration `json:"for"`
	Query     string        `json:"query,omitempty"`
	Text      string        `json:"text"` // in words
	// Under is since when it has been under its limit again; zero = it is not, or nobody knows.
	Under time.Time `json:"under,omitzero"`
}

// Trigger returns a component's latched trigger of that kind, or nil.
func (i *Incident) Trigger(component string, kind TriggerKind) *Trigger {
	for n := range i.Triggers {
		if t := &i.Triggers[n]; t.Component == component && t.Kind == kind {
			return t
		}
	}
	return nil
}

// OnsetName returns what the onset is: "the first bad sample", "the onset" where pods
// began it and no figure did, or "the first report" where when it began is not known.
func (i *Incident) OnsetName() string {
	if i.Reported {
		return "the first report"
	}
	for n := range i.Triggers {
		if t := &i.Triggers[n]; t.Onset.Equal(i.Onset) && (t.Kind == TNoPod || t.Kind == TStuck) {
			return "the onset"
		}
	}
	return "the first bad sample"
}

// BeganAt returns when it began; zero = that is not known.
func (i *Incident) BeganAt() time.Time {
	if i.Reported {
		return time.Time{}
	}
	return i.Onset
}

// triggers latches what is broken now, and marks what is no longer. In an incident that
// has ended nothing is latched anew.
func (d *decider) triggers() {
	// What a rollback stirs up itself, or left behind in the figures, is no trigger.
	unsettled := d.s.unsettled()
	latched := map[string]bool{}
	for _, t := range d.inc().Triggers {
		latched[t.Component] = true
	}
	lost := d.s.clusterLost()
	for _, l := range d.s.Judgement().Lines {
		if l.fine() && !latched[l.Component.ID] || unsettled[l.Component.ID] {
			continue
		}
		for _, kind := range kinds {
			d.latch(l.finding(&d.s, kind, lost))
		}
	}
}

// latch keeps what a finding says as facts.
func (d *decider) latch(f finding) {
	t := d.inc().Trigger(f.Component, f.Kind)
	switch {
	case t == nil && f.State == model.TriYes && d.inc().End == nil:
		f.Trigger.At = d.s.Now
		d.fact(Rose{Trigger: f.Trigger})
	case t == nil:
	case f.State == model.TriNo && !f.Over && t.Under.IsZero():
		d.fact(Eased{Component: f.Component, Kind: f.Kind, Since: d.underSince(f)})
	case !t.Under.IsZero() && (f.State != model.TriNo || f.Over):
		d.fact(BackOver{Component: f.Component, Kind: f.Kind})
	}
}

// Rose is a limit broken for long enough.
type Rose struct {
	Trigger Trigger `json:"trigger"`
}

func (b Rose) apply(i *Incident, f Fact) {
	i.Triggers = with(i.Triggers, b.Trigger)
	if !slices.Contains(i.Failed, b.Trigger.Component) {
		i.Failed = with(i.Failed, b.Trigger.Component)
	}
	if i.Onset.IsZero() || b.Trigger.Onset.Before(i.Onset) && i.Decided.IsZero() {
		i.begins(b.Trigger.Onset)
		i.Reported = false
	}
	i.shown(f.At, Detector{Source: SourceLimit})
	i.Verdict.Overruled, i.Verdict.Reason = false, ""
}

func (b Rose) entry(*Incident) (EntryKind, string) { return EntryBad, b.Trigger.Text }

// underSince is the first sample of the run under the limit, or now.
func (d *decider) underSince(f finding) time.Time {
	limits := d.inc().Settings.Limits
	var t time.Time
	switch f.Kind {
	case TErrors:
		t = UnderSince(d.s.FiguresOf(f.Component).Errors, limits.Errors)
	case TP95:
		t = UnderSince(d.s.FiguresOf(f.Component).P95, limits.P95.Seconds())
	}
	if t.IsZero() {
		return d.s.Now
	}
	return t
}

// Eased is a latched trigger that is under its limit again.
type Eased struct {
	Component string      `json:"component"`
	Kind      TriggerKind `json:"kind"`
	Since     time.Time   `json:"since"`
}

func (b Eased) apply(i *Incident, f Fact) { i.setUnder(b.Component, b.Kind, b.Since) }

func (b Eased) entry(*Incident) (EntryKind, string) {
	return EntrySeen, fmt.Sprintf("%s of %s under its limit again", b.Kind, b.Component)
}

// BackOver is one that is over again, or that nobody can tell about any more.
type BackOver struct {
	Component string      `json:"component"`
	Kind      TriggerKind `json:"kind"`
}

func (b BackOver) apply(i *Incident, f Fact) { i.setUnder(b.Component, b.Kind, time.Time{}) }

func (b BackOver) entry(*Incident) (EntryKind, string) {
	return EntrySeen, fmt.Sprintf("%s of %s no longer known to be under its limit", b.Kind, b.Component)
}

func (i *Incident) setUnder(component string, kind TriggerKind, since time.Time) {
	i.Triggers = slices.Clone(i.Triggers)
	if t := i.Trigger(component, kind); t != nil {
		t.Under = since
	}
}

// fallAfter is how long a trigger must be under its limit before the operator
// may let it fall.
const fallAfter = 5 * time.Minute

// StandDown lets the triggers fall that have been under their limit for five minutes.
type StandDown struct{}

func (StandDown) decide(d *decider) {
	if CanStandDown(&d.s) == "" {
		d.fact(StoodDown{})
		d.judge()
	}
}

// CanStandDown says why the triggers may not fall yet; "" when the operator may
// let them: all have been under their limits for five minutes.
func CanStandDown(s *Snapshot) string {
	if len(s.Incident.Triggers) == 0 && !s.Incident.Verdict.Overruled {
		return "there is no trigger to take back"
	}
	for _, t := range s.Incident.Triggers {
		switch {
		case t.Under.IsZero():
			return fmt.Sprintf("%s of %s is not known to be under its limit", t.Kind, t.Component)
		case s.Now.Sub(t.Under) < fallAfter:
			return fmt.Sprintf("%s of %s has been under its limit for %s of %s", t.Kind, t.Component,
				model.Short(s.Now.Sub(t.Under)), model.Short(fallAfter))
		}
	}
	return ""
}

// StoodDown is the operator's word that the triggers are over.
type StoodDown struct{}

func (b StoodDown) apply(i *Incident, f Fact) {
	i.Triggers = nil
	if i.ID == "" { // that was another incident, which nobody turned to
		i.Failed = nil
	}
	i.Verdict.Overruled, i.Verdict.Reason = false, ""
}

func (b StoodDown) entry(*Incident) (EntryKind, string) {
	return EntryAnswer, "stood down: the triggers are over"
}

// sentence says a latched trigger as of now: how long it has lasted, or since
// when it is under its limit again.
func (t Trigger) sentence(s *Snapshot, j *Judgement) string {
	if !t.Under.IsZero() {
		return fmt.Sprintf("%s; under again for %s", t.Text, model.Short(s.Now.Sub(t.Under)))
	}
	for _, l := range j.Lines {
		if l.Component.ID != t.Component {
			continue
		}
		switch f := l.finding(s, t.Kind, s.clusterLost()); f.State {
		case model.TriYes:
			return f.Text
		case model.TriUnknown:
			return t.Text + " (now unknown: " + f.Why + ")"
		}
	}
	return t.Text
}
