package model

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// suspectWindow is how long before the onset a change is suspected of it.
const suspectWindow = time.Hour

// suspectSlack is how long after the first bad sample a change may still have
// caused it: scrapes and the cluster's clock are not exact.
const suspectSlack = time.Minute

// Suspect is a workload that changed within the hour before the onset.
type Suspect struct {
	Component string
	Revision  int64
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
		o := Suspect{Component: c.ID, Revision: c.Revision, At: c.RevisionStart, Before: before, By: c.RevisionBy}
		o.Text = "revision " + strconv.FormatInt(c.Revision, 10) + ", released " + ago(s.Now, c.RevisionStart)
		switch {
		case s.Incident.Onset.IsZero():
		case before < 0:
			o.Text += ", " + Short(-before) + " after the first bad sample"
		default:
			o.Text += ", " + Short(before) + " before the first bad sample"
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
func (s *Snapshot) suspect(c *Component) (before time.Duration, is bool) {
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

// fails says whether a component has a trigger.
func (s *Snapshot) fails(component string) bool {
	return slices.ContainsFunc(s.Incident.Triggers, func(t Trigger) bool { return t.Component == component })
}

// enterChoose preselects the change that came closest to the onset and those of
// components that fail themselves, and reads what is needed to propose a
// revision for them. Other suspects are shown and not selected: what changed in
// the same hour and is well must not go back by default.
func (d *decider) enterChoose() {
	i := d.inc()
	if len(i.Choices) == 0 && !i.Onset.IsZero() {
		for n, s := range Suspects(&d.s) {
			if n == 0 || d.s.fails(s.Component) {
				d.fact(Chosen{Choice{Component: s.Component, From: s.Revision}})
			}
		}
	}
	d.effect(ReadBaseline{Onset: d.onset()})
	d.readChoices()
}

// onset is the incident's, or now while nothing was found to have begun.
func (d *decider) onset() time.Time {
	if o := d.inc().Onset; !o.IsZero() {
		return o
	}
	return d.s.Now
}

func (d *decider) readChoices() {
	for _, c := range d.inc().Choices {
		d.effect(ReadHistory{Component: c.Component, Until: d.onset()})
	}
}

func (d *decider) choose(do Select) {
	was := d.inc().Choice(do.Component)
	switch {
	case !do.On && was != nil:
		d.fact(Dropped{do.Component})
	case do.On && was == nil:
		c := d.s.Seen.Component(do.Component)
		if c == nil {
			return
		}
		d.fact(Chosen{Choice{Component: do.Component, From: c.Revision, Own: true}})
		d.effect(ReadHistory{Component: do.Component, Until: d.onset()})
		d.propose()
	}
}

func (d *decider) pick(do Pick) {
	h := d.s.Seen.History[do.Component]
	if h == nil {
		return
	}
	r := h.Revision(do.To)
	c := d.s.Seen.Component(do.Component)
	if r == nil || c == nil {
		return
	}
	d.fact(Chosen{Choice{Component: do.Component, From: c.Revision, To: do.To, Own: true}})
}

// propose sets the revision of every choice that has none, once its history was
// read.
func (d *decider) propose() {
	for _, c := range d.inc().Choices {
		h := d.s.Seen.History[c.Component]
		if c.To != 0 || c.Why != "" || h == nil || h.At.IsZero() && h.Err == "" {
			continue
		}
		c.To, c.Why = Proposal(h, d.inc().Settings.Limits, d.s.Now)
		by := d.by
		d.by = ""
		d.fact(Chosen{c})
		d.by = by
	}
}

// Proposal is the last known good revision of a history, with the reason: the
// newest one, other than the running one and more than a restart away from it,
// that served well before the onset: at least the configured number of requests
// at no more than half of each trigger's limit. 0 when none is known to have.
func Proposal(h *History, l Limits, now time.Time) (to int64, why string) {
	if h.Err != "" {
		return 0, "no history: " + h.Err
	}
	current, measured := int64(0), false
	for _, r := range h.Revisions {
		if r.Current {
			current = r.Number
		}
		measured = measured || r.Behaviour.P95.Known || r.Now.P95.Known
	}
	others := 0
	for n := range h.Revisions {
		r := &h.Revisions[n]
		if r.Current || h.sameBut(r, current) {
			continue
		}
		others++
		if ok, text := r.servedWell(l, measured); ok {
			return r.Number, text
		}
	}
	switch {
	case others == 0:
		return 0, "no other revision is kept: use another method"
	case h.FiguresErr != "":
		return 0, "no proposal: how the revisions behaved is unknown: " + h.FiguresErr
	}
	return 0, "no proposal: no other revision is known to have served well before the onset"
}

// sameBut says whether r and the running revision differ by restarts alone.
func (h *History) sameBut(r *Revision, current int64) bool {
	root := func(n int64) int64 {
		for range h.Revisions {
			r := h.Revision(n)
			if r == nil || r.RestartOf == 0 {
				break
			}
			n = r.RestartOf
		}
		return n
	}
	return root(r.Number) == root(current)
}

// servedWell says whether a revision is known to have been good, and how. A P95
// that no revision has is not measured; one that only this one lacks is unknown.
func (r *Revision) servedWell(l Limits, measured bool) (bool, string) {
	b := r.Behaviour
	if !b.Errors.Known || !b.Requests.Known || b.Requests.Value < l.Requests || b.Errors.Value > l.Errors/2 {
		return false, ""
	}
	if measured && (!b.P95.Known || b.P95.AtLeast || b.P95.Value > l.P95.Seconds()/2) {
		return false, ""
	}
	text := fmt.Sprintf("the newest that served well before the onset: %s errors", Percent(b.Errors.Value))
	if b.P95.Known {
		text += ", P95 " + Seconds(b.P95.Value)
	}
	return true, text + fmt.Sprintf(", %.0f requests", b.Requests.Value)
}

// Alike says that a rollback is unlikely to help, because the chosen revision
// fails as the running one does; "" when nothing speaks for that.
func Alike(h *History, to int64, l Limits) string {
	old := h.Revision(to)
	if old == nil {
		return ""
	}
	for _, r := range h.Revisions {
		if !r.Current || r.Number == to {
			continue
		}
		if bad(r.Now, l) && bad(old.Now, l) {
			return fmt.Sprintf("revisions %d and %d fail alike right now: a rollback is unlikely to help", r.Number, to)
		}
	}
	if bad(old.Behaviour, l) {
		return fmt.Sprintf("revision %d was over the limits itself while it served", to)
	}
	return ""
}

func bad(b Behaviour, l Limits) bool {
	return b.Errors.Known && b.Errors.Value > l.Errors || b.P95.Known && b.P95.Value > l.P95.Seconds()
}

// chooseBlocked says what is still missing before the plans can be made.
func chooseBlocked(i *Incident) string {
	if len(i.Choices) == 0 {
		return "nothing is selected: space selects a component"
	}
	for _, c := range i.Choices {
		if c.To == 0 {
			return "no revision is chosen for " + c.Component
		}
	}
	return ""
}
