package engine

import (
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
)

// keep is how long facts are kept while nobody has turned to the incident.
const keep = 30 * time.Minute

// recent leaves out the facts from before the last half hour and from before
// the oldest trigger that still stands. The first fact always stays.
func recent(facts []incident.Fact, i *incident.Incident, now time.Time) []incident.Fact {
	from := now.Add(-keep)
	for _, t := range i.Triggers {
		if t.At.Before(from) {
			from = t.At
		}
	}
	out := make([]incident.Fact, 0, len(facts))
	for n, f := range facts {
		if n == 0 || !f.At.Before(from) {
			out = append(out, f)
		}
	}
	return out
}

// openJournal begins the journal with the facts kept so far. The incident
// becomes the fold of exactly these.
func (e *Engine) openJournal() {
	e.seen.Open = nil
	if e.cfg.Glance {
		return
	}
	e.pending = recent(e.pending, &e.inc, time.Now())
	e.inc = incident.Fold(e.pending)
	e.book = journal.Begin(e.cfg.Journals, journal.Header{ID: e.inc.ID, Cluster: e.inc.Cluster,
		Namespace: e.inc.Settings.Namespace}, e.ack)
	for _, f := range e.pending {
		e.append(f)
	}
	e.pending = nil
}

// ack takes the journal's word. It is called from the journal's goroutine.
func (e *Engine) ack(seq int, path string, err error) {
	e.post(func() {
		if err != nil {
			e.seen.JournalE, e.dirty = err.Error(), true
			e.refuseHeld(err)
			e.gatherWaiting()
			return
		}
		e.acked = max(e.acked, seq)
		e.seen.Journal, e.seen.JournalE = path, ""
		e.startHeld()
		e.gatherWaiting()
	})
}
