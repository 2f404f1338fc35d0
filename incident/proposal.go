package incident

import (
	"fmt"

	"rollbook/model"
)

// propose sets the version of every choice that has none, once its history was
// read.
func (d *decider) propose() {
	for _, c := range d.inc().Choices {
		h := d.s.Seen.History[c.Slot]
		if !c.To.IsZero() || c.Why != "" || h == nil || h.At.IsZero() && h.Err == "" {
			continue
		}
		c.To, c.Why = Proposal(h, d.inc().Settings.Limits)
		by := d.by
		d.by = ""
		d.fact(Chosen{c})
		d.by = by
	}
}

// Proposal returns the last known good version of a history, with the reason: the
// newest one, other than the running one and more than a restart away from it,
// that served well before the onset: at least the configured number of requests
// at no more than half of each trigger's limit. Zero when none is known to have.
func Proposal(h *model.History, l model.Limits) (to model.Version, why string) {
	none := model.Version{}
	if h.Err != "" {
		return none, "no history: " + h.Err
	}
	measured := false
	for _, r := range h.Candidates {
		measured = measured || r.Behaviour.P95.Known || r.Now.P95.Known
	}
	others := 0
	for n := range h.Candidates {
		r := &h.Candidates[n]
		if r.Current || r.Refused != "" || restartOfCurrent(h, r) {
			continue
		}
		others++
		if ok, text := servedWell(r, l, measured); ok {
			return r.Version, text
		}
	}
	switch {
	case others == 0:
		return none, "no other version is kept: use another method"
	case h.FiguresErr != "":
		return none, "no proposal: how the others behaved is unknown: " + h.FiguresErr
	}
	return none, "no proposal: no other version is known to have served well before the onset"
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
	return true, text + fmt.Sprintf(", %.0f requests", b.Requests.Value)
}

// Alike says that a rollback is unlikely to help, because the version of that key
// fails as the running one does; "" when nothing speaks for that.
func Alike(h *model.History, key string, l model.Limits) string {
	old, current := h.Candidate(key), h.Current()
	if old == nil {
		return ""
	}
	if current != nil && current != old && bad(current.Now, l) && bad(old.Now, l) {
		return fmt.Sprintf("%s and %s fail alike right now: a rollback is unlikely to help", current.Label, old.Label)
	}
	if bad(old.Behaviour, l) {
		return fmt.Sprintf("%s was over the limits itself while it served", old.Label)
	}
	return ""
}

func bad(b model.Behaviour, l model.Limits) bool {
	return b.Errors.Known && b.Errors.Value > l.Errors || b.P95.Known && b.P95.Value > l.P95.Seconds()
}
