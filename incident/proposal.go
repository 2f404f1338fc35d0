package incident

import (
	"fmt"
	"time"

	"rollbook/model"
)

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
func Proposal(h *model.History, l model.Limits, now time.Time) (to int64, why string) {
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
		if r.Current || sameBut(h, r, current) {
			continue
		}
		others++
		if ok, text := servedWell(r, l, measured); ok {
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
func sameBut(h *model.History, r *model.Revision, current int64) bool {
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
func servedWell(r *model.Revision, l model.Limits, measured bool) (bool, string) {
	b := r.Behaviour
	if !b.Errors.Known || !b.Requests.Known || b.Requests.Value < l.Requests || b.Errors.Value > l.Errors/2 {
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

// Alike says that a rollback is unlikely to help, because the chosen revision
// fails as the running one does; "" when nothing speaks for that.
func Alike(h *model.History, to int64, l model.Limits) string {
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

func bad(b model.Behaviour, l model.Limits) bool {
	return b.Errors.Known && b.Errors.Value > l.Errors || b.P95.Known && b.P95.Value > l.P95.Seconds()
}
