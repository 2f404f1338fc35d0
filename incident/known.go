package incident

import (
	"maps"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Known is what this incident saw of one version of a component while it ran. It
// stays when the version is left.
type Known struct {
	Component string        `json:"component"`
	Version   model.Version `json:"version"`
	Since     time.Time     `json:"since,omitzero"` // when it was set; zero = unknown
	By        string        `json:"by,omitempty"`   // who released it
	Cause     string        `json:"cause,omitempty"`
	Ill       Illness       `json:"ill,omitempty"`
	// The figures while it alone ran; nil = unknown. Over says that one of them was
	// over its trigger's limit.
	Errors *float64  `json:"errors,omitempty"`
	P95    *float64  `json:"p95,omitempty"`
	Over   bool      `json:"over,omitempty"`
	At     time.Time `json:"at,omitzero"` // of these figures
}

// Illness is why the pods of a version did not serve. The zero value is that
// nobody saw them fail.
type Illness string

// The illnesses. They stand in journals.
const (
	IllCrash Illness = "crash loop"
	IllImage Illness = "no image"
	IllReady Illness = "never ready"
)

// sentence says it of a version, after its name.
func (x Illness) sentence() string {
	switch x {
	case IllCrash:
		return "crash-looped when it last ran"
	case IllImage:
		return "did not start when it last ran: its image could not be pulled"
	}
	return "never got ready when it last ran"
}

// figures says the figures in words; "" when none is known.
func (k *Known) figures() string {
	var out []string
	if k.Errors != nil {
		out = append(out, model.Percent(*k.Errors)+" errors")
	}
	if k.P95 != nil {
		out = append(out, "P95 "+model.Seconds(*k.P95))
	}
	return strings.Join(out, ", ")
}

// beyond returns what is known of a version less the figures within their limits. Where
// all are within them now, it stays as it is.
func (k Known) beyond(l model.Limits) *Known {
	errors, p95 := k.Errors, k.P95
	if errors != nil && *errors <= l.Errors {
		errors = nil
	}
	if p95 != nil && *p95 <= l.P95.Seconds() {
		p95 = nil
	}
	if errors != nil || p95 != nil {
		k.Errors, k.P95 = errors, p95
	}
	return &k
}

// bad says what speaks against the version; "" when nothing does.
func (k *Known) bad() string {
	switch {
	case k.Ill != "":
		return k.Ill.sentence()
	case k.Over:
		return "was over the limits when it last ran: " + k.figures()
	}
	return ""
}

// good reports whether the version was seen to do well.
func (k *Known) good() bool { return k.bad() == "" && k.Errors != nil }

// known returns what this incident saw of a version.
func (i *Incident) known(component, key string) Known { return i.Known[component+"/"+key] }

// VersionSeen is what was seen of a version, in place of what was known before.
type VersionSeen struct{ Known }

func (b VersionSeen) apply(i *Incident, f Fact) {
	all := maps.Clone(i.Known)
	if all == nil {
		all = map[string]Known{}
	}
	all[b.Component+"/"+b.Version.Key] = b.Known
	i.Known = all
}

func (b VersionSeen) entry(*Incident) (EntryKind, string) { return EntryNone, "" }

// learn keeps what is seen of the running versions of the components that the
// incident is about, and of those whose pods fail.
func (d *decider) learn() {
	if d.s.clusterLost() != "" || d.s.Seen.Reading {
		return
	}
	concerned := d.inc().Concerned()
	for _, l := range d.s.Judgement().Lines {
		c := l.Component
		if c.Missing != "" || c.OwnerName == "" || c.Stuck == "" && !slices.Contains(concerned, c.ID) {
			continue
		}
		was := d.inc().known(c.ID, c.OwnerName)
		if k := d.s.see(l, was); !k.equal(was) {
			d.fact(VersionSeen{k})
		}
	}
}

// equal compares the whole.
func (k Known) equal(o Known) bool {
	same := func(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }
	return k.Component == o.Component && k.Version == o.Version && k.Since.Equal(o.Since) && k.By == o.By && k.Cause == o.Cause &&
		k.Ill == o.Ill && same(k.Errors, o.Errors) && same(k.P95, o.P95) && k.Over == o.Over && k.At.Equal(o.At)
}

// see returns what is known of the running version, with what is seen now.
func (s *Snapshot) see(l *Line, k Known) Known {
	c := l.Component
	k.Component, k.Version = c.ID, c.Running()
	if !c.StartGuessed && !c.RevisionStart.IsZero() {
		k.Since = c.RevisionStart
	}
	if k.By == "" && !s.Incident.ours(c.ID, c.OwnerName, c.RevisionStart) {
		k.By = c.RevisionBy
	}
	if k.Cause == "" {
		k.Cause = c.ChangeCause
	}
	switch {
	case c.Stuck != "":
		k.Ill = illness(c, k.Ill)
	case c.Desired > 0 && c.Updated >= c.Desired && c.Ready >= c.Desired:
		k.Ill = "" // it ran, in the end
	}
	if l.Figures == nil || l.Figures.NotMeasured || !s.settled(c) {
		return k
	}
	e, p := l.Figures.Errors.Now, l.Figures.P95.Now
	over := l.Errors.State == model.TriYes || l.P95.State == model.TriYes
	if !e.Known && !p.Known || !over && (l.Errors.State == model.TriUnknown && e.Known || l.P95.State == model.TriUnknown && p.Known) {
		return k
	}
	if !over && (k.Errors != nil && !e.Known || k.P95 != nil && !p.Known) {
		return k // what is not known now may be what was bad
	}
	far := k.Errors == nil && e.Known || k.P95 == nil && p.Known
	if over && k.Errors != nil && e.Known && s.Now.Sub(k.At) >= time.Minute {
		d := e.Value - *k.Errors
		far = far || max(d, -d) > s.Incident.Settings.Limits.Errors/2
	}
	if far || over != k.Over {
		k.Over, k.At = over, s.Now
		if v := pointer(e); v != nil {
			k.Errors = rounded(*v)
		}
		if v := pointer(p); v != nil {
			k.P95 = rounded(*v)
		}
	}
	return k
}

func rounded(v float64) *float64 {
	r := float64(int64(v*10000+0.5)) / 10000
	return &r
}

// illness says why the pods of the running template do not serve: as they are now,
// else as they were.
func illness(c *model.Component, was Illness) Illness {
	now := was
	ready := false
	for n := range c.Pods {
		p := &c.Pods[n]
		if p.Owner != c.OwnerName || p.Deleting {
			continue
		}
		ready = ready || p.Ready
		switch {
		case !p.Failing:
		case strings.Contains(p.State, "Image"):
			now = IllImage
		case p.Restarts > 0 || p.Exit != "" || strings.Contains(p.State, "CrashLoop"):
			now = IllCrash
		}
	}
	if now == "" && !ready {
		return IllReady
	}
	return now
}

// window is over how long a figure of a component looks back: a minute, at least
// four scrapes, and five minutes where there are few requests.
func (s *Snapshot) window(component string) time.Duration {
	out := max(time.Minute, 4*s.Incident.Settings.Scrape)
	if f := s.Seen.Figures[component]; f != nil {
		out = max(out, f.Errors.Window, f.P95.Window)
	}
	return out
}

// settled reports whether the figures of a component rest on requests to its
// running version alone: there are no pods of another one, and its own have been
// there for longer than the figures look back.
func (s *Snapshot) settled(c *model.Component) bool {
	if c.Desired == 0 || c.Updated < c.Desired || c.Replicas > c.Updated || c.Ready == 0 {
		return false
	}
	at := c.RevisionStart
	for n := range c.Pods {
		if p := &c.Pods[n]; p.Owner != c.OwnerName {
			return false
		} else if p.Started.After(at) {
			at = p.Started
		}
	}
	for _, st := range s.Incident.Standing() {
		if w := st.Write; w.Plan.Component == c.ID && w.Plan.Role == model.RoleRelease && w.happened() {
			if w.RolledOut.IsZero() {
				return false
			}
			if w.RolledOut.After(at) {
				at = w.RolledOut
			}
		}
	}
	return !s.Now.Before(at.Add(s.window(c.ID)))
}
