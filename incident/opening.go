package incident

import (
	"strings"
	"time"

	"rollbook/model"
)

// Began is the first fact of every incident: by which rules it is worked.
type Began struct {
	Settings Settings `json:"settings"`
	Version  string   `json:"version"` // of rollbook
}

func (b Began) apply(i *Incident, f Fact) {
	rehearsed := i.Settings.Drill
	i.Settings, i.Operator = b.Settings, b.Settings.Operator
	if b.Settings.Drill == nil { // a drill that is taken up by a program that was not started for one is still one
		i.Settings.Drill = rehearsed
	}
}

func (b Began) entry(*Incident) (EntryKind, string) { return EntryNone, "" }

// open begins the incident's journal.
func (d *decider) open() { d.openAs("INC-") }

// openAs begins the journal of an incident whose ID begins so.
func (d *decider) openAs(kind string) {
	onset := d.inc().Onset
	if onset.IsZero() {
		onset = d.s.Now
	}
	d.fact(Opened{
		ID:      kind + onset.UTC().Format("20060102-1504") + "-" + d.subject(),
		Cluster: d.s.Seen.Identity.Cluster, User: d.s.Seen.Identity.User, Onset: d.inc().Onset,
		Operator: d.s.Operator(), Run: d.s.Seen.Run,
	})
	d.suspects()
	d.effect(OpenJournal{})
	d.effect(GatherEvidence{model.AtOpening})
}

// subject names the incident's component: the one with the first trigger, the
// first suspect, the one named on the command line, else the namespace.
func (d *decider) subject() string {
	if x := d.inc().Settings.Drill; x != nil && x.Surprise {
		return "surprise"
	}
	if t := d.inc().Triggers; len(t) > 0 {
		return slug(t[0].Component)
	}
	if s := d.s.Suspects(); len(s) > 0 {
		return slug(s[0].Component)
	}
	if f := d.inc().Settings.Focus; f != "" {
		return slug(f)
	}
	return slug(d.inc().Settings.Namespace)
}

// slug keeps what may stand in a folder's name on every system.
func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	s = strings.Trim(s, "-")
	if len(s) > 63 {
		s = s[:63]
	}
	if s == "" {
		return "incident"
	}
	return s
}

// OpenJournal begins the journal; the facts kept so far are written first.
type OpenJournal struct{}

func (x OpenJournal) run(r Runner) { r.OpenJournal(x) }

// Opened is when the operator turned to the incident; from here on there is a journal.
type Opened struct {
	ID      string    `json:"id"`
	Cluster string    `json:"cluster"`
	User    string    `json:"user,omitempty"`
	Onset   time.Time `json:"onset,omitzero"`
	// Operator is the name by which the operator is known everywhere; Run tells two
	// incidents of one operator apart, also of one name.
	Operator string `json:"operator,omitempty"`
	Run      string `json:"run,omitempty"`
}

func (b Opened) apply(i *Incident, f Fact) {
	i.ID, i.Cluster, i.Opened, i.Run = b.ID, b.Cluster, f.At, b.Run
	if b.Operator != "" {
		i.Operator = b.Operator
	}
	if i.Onset.IsZero() {
		i.Onset = b.Onset
	}
}

func (b Opened) entry(*Incident) (EntryKind, string) {
	return EntryNote, "incident " + b.ID + " opened"
}

// NoJournal lets the walk go on though the journal cannot be written.
type NoJournal struct{}

func (NoJournal) decide(d *decider) { d.fact(JournalGivenUp{}) }

// JournalGivenUp is the operator's word that the walk goes on without a journal.
type JournalGivenUp struct{}

func (b JournalGivenUp) apply(i *Incident, f Fact) { i.WithoutJournal = true }

func (b JournalGivenUp) entry(*Incident) (EntryKind, string) {
	return EntryBad, "going on without a journal"
}
