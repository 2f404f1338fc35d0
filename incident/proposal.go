package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
)

// propose sets the version of every choice that has none, once its history was
// read.
func (d *decider) propose() {
	for _, c := range d.inc().Choices {
		h := d.s.History(&c)
		if !c.To.IsZero() || c.Why != "" || h.Pending() {
			continue
		}
		c.To, c.Why = d.s.Proposal(h)
		d.finds(Chosen{c})
	}
}

// Proposal returns the last known good version of a history, with the reason: the
// newest one, other than the running one and more than a restart away from it,
// that served well before the onset: at least the configured number of requests
// at no more than half of each trigger's limit. Not one that did badly since, nor
// one that was rolled back from, if that was not wrong. Zero when none is known.
func (s *Snapshot) Proposal(h *model.History) (to model.Version, why string) {
	none := model.Version{}
	if h.Err != "" {
		return none, "no history: " + h.Err
	}
	others := 0
	for n := range h.Candidates {
		r := &h.Candidates[n]
		if r.Current || r.Refused != "" || restartOfCurrent(h, r) {
			continue
		}
		others++
	}
	current := h.Current()
	if current != nil && current.Returned {
		if ok, text := s.good(h, current); ok {
			return none, fmt.Sprintf("no proposal: %s was gone back to already, %s", current.Name(), text)
		}
	}
	if r := s.lastGood(h, func(r *model.Candidate) bool { return r.Current || restartOfCurrent(h, r) }); r != nil {
		_, text := s.good(h, r)
		return r.Version, text
	}
	switch {
	case others == 0:
		return none, "no other version is kept: use another method"
	case h.FiguresErr != "":
		return none, "no proposal: how the others behaved is unknown: " + h.FiguresErr
	}
	return none, "no proposal: no other version is known to have served well before the onset"
}

// lastGood returns the newest version that is known to be good, less those that are
// left out; nil when there is none.
func (s *Snapshot) lastGood(h *model.History, leave func(*model.Candidate) bool) *model.Candidate {
	for n := range h.Candidates {
		r := &h.Candidates[n]
		if r.Refused != "" || leave != nil && leave(r) {
			continue
		}
		if ok, _ := s.good(h, r); ok {
			return r
		}
	}
	return nil
}

// good reports whether a version served well before the onset, and did not do badly
// since; with its figures in words.
func (s *Snapshot) good(h *model.History, r *model.Candidate) (bool, string) {
	measured := slices.ContainsFunc(h.Candidates, func(r model.Candidate) bool { return r.Behaviour.P95.Known || r.Now.P95.Known })
	if s.badVersion(h, r) != "" {
		return false, ""
	}
	return servedWell(r, s.Incident.Settings.Limits, measured)
}

// badVersion says what is known against a version; "" when nothing is. What this
// incident saw of it last counts before what it did earlier.
func (s *Snapshot) badVersion(h *model.History, r *model.Candidate) string {
	i, l := &s.Incident, s.Incident.Settings.Limits
	k := i.known(h.Component, r.Key)
	if why := cmp.Or(k.beyond(l).bad(), i.madeWorseBy(h.Component, r.Version)); why != "" || k.good() {
		return why
	}
	switch why := i.leftBad(h.Component, r.Key); {
	case why != "":
		return why
	case bad(r.Behaviour, l):
		return "was over the limits while it served: " + behaved(beyond(r.Behaviour, l))
	case !r.Behaviour.Errors.Known && bad(r.Now, l):
		return "was over the limits while it served: " + behaved(beyond(r.Now, l))
	}
	return ""
}

// madeWorseBy says that it became worse when a write of this incident went to a
// version, and that nobody has seen it well since; "" when it did not.
func (i *Incident) madeWorseBy(component string, v model.Version) string {
	if !i.Verified.IsZero() {
		return ""
	}
	for w := range i.writes() {
		if w.Worse != "" && w.Plan.Slot() == model.Release(component) && w.Plan.To.Is(v) {
			return "made it worse when it was gone to: " + w.Worse
		}
	}
	return ""
}

// leftBad says that a version was over the limits when a write of this incident left
// it; "" when it was not, or nobody knows.
func (i *Incident) leftBad(component, key string) string {
	l := i.Settings.Limits
	for w := range i.writes() {
		if !w.happened() || w.Plan.Slot() != model.Release(component) || w.Plan.From.Key != key || key == "" || w.Was == nil {
			continue
		}
		if e := w.Was.Errors; e != nil && *e > l.Errors {
			return "was over the limits when it was left: " + model.Percent(*e) + " errors"
		}
		if p := w.Was.P95; p != nil && *p > l.P95.Seconds() {
			return "was over the limits when it was left: P95 " + model.Seconds(*p)
		}
	}
	return ""
}

// behaved says a behaviour's figures.
func behaved(b model.Behaviour) string {
	var out []string
	if b.Errors.Known {
		out = append(out, model.Percent(b.Errors.Value)+" errors")
	}
	if b.P95.Known {
		out = append(out, "P95 "+model.Seconds(b.P95.Value))
	}
	return strings.Join(out, ", ")
}

// restartOfCurrent reports whether r and the running version differ by restarts
// alone.
func restartOfCurrent(h *model.History, r *model.Candidate) bool {
	root := func(key string) string {
		for range h.Candidates {
			r := h.Candidate(key)
			if r == nil || r.RestartOf == "" {
				break
			}
			key = r.RestartOf
		}
		return key
	}
	current := h.Current()
	return current != nil && root(r.Key) == root(current.Key)
}

// servedWell says whether a revision is known to have been good, and how. A P95
// that no revision has is not measured; one that only this one lacks is unknown.
func servedWell(r *model.Candidate, l model.Limits, measured bool) (bool, string) {
	b := r.Behaviour
	if !b.Errors.Known || !b.Requests.Known || b.Requests.Value < l.Requests || b.Errors.AtLeast || b.Errors.Value > l.Errors/2 {
		return false, ""
	}
	if measured && (!b.P95.Known || b.P95.AtLeast || b.P95.Value > l.P95.Seconds()/2) {
		return false, ""
	}
	text := fmt.Sprintf("the newest that served well before the onset: %s errors", model.Percent(b.Errors.Value))
	if b.P95.Known {
		text += ", P95 " + model.Seconds(b.P95.Value)
	}
	return true, text + ", " + model.Count(b.Requests.Value) + " requests"
}

func bad(b model.Behaviour, l model.Limits) bool {
	b = beyond(b, l)
	return b.Errors.Known || b.P95.Known
}

// beyond returns of a behaviour the figures over their limits alone: what speaks against a
// version is not said with what does not.
func beyond(b model.Behaviour, l model.Limits) (out model.Behaviour) {
	if b.Errors.Value > l.Errors {
		out.Errors = b.Errors
	}
	if b.P95.Value > l.P95.Seconds() {
		out.P95 = b.P95
	}
	return out
}
