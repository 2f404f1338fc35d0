package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// notConfigured is what a port that was left out says.
const notConfigured = "not configured"

// gatherDeadlines end a gathering that does not end by itself.
var gatherDeadlines = map[model.Moment]time.Duration{
	model.AtOpening: 30 * time.Second,
	model.AtConfirm: 2 * time.Second,
	model.InFull:    4 * time.Minute,
}

// gathering holds what is to be gathered later.
type gathering struct {
	waiting  []model.Moment // for the incident's folder
	measured bool           // all of it, once the impact is measured
}

// gather begins a gathering, once the incident has a folder; one in full once the
// impact is measured, too. One of a moment runs at a time.
func (e *Engine) gather(m model.Moment) {
	_, busy := e.seen.Gathering[m]
	switch {
	case e.cfg.Evidence == nil:
		if m == model.InFull {
			e.gathered(incident.Gathered{Moment: m, Err: notConfigured})
		}
	case busy || slices.Contains(e.gathering.waiting, m):
	case m == model.InFull && !e.seen.Measuring.IsZero():
		e.gathering.measured = true
	case e.seen.Journal != "":
		// What was intended goes first: a write does not wait for this, nor beside it.
		e.hold(func() { e.gatherNow(m) }, func(err error) { e.gathered(incident.Gathered{Moment: m, Err: err.Error()}) })
	case e.inc.WithoutJournal || e.seen.JournalE != "":
		e.gathered(incident.Gathered{Moment: m, Err: errNoFolder.Error()})
	default:
		e.gathering.waiting = append(e.gathering.waiting, m)
	}
}

// gatherWaiting begins what waited for the folder, or gives it up.
func (e *Engine) gatherWaiting() {
	waiting := e.gathering.waiting
	e.gathering.waiting = nil
	for _, m := range waiting {
		e.gather(m)
	}
}

// gatherMeasured begins what waited for the end of a measuring.
func (e *Engine) gatherMeasured() {
	if e.gathering.measured {
		e.gathering.measured = false
		e.gather(model.InFull)
	}
}

func (e *Engine) gatherNow(m model.Moment) {
	if _, busy := e.seen.Gathering[m]; busy {
		return
	}
	e.seen.Gathering = set(e.seen.Gathering, m, time.Now())
	s := e.now()
	dir := e.dir()
	e.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, gatherDeadlines[m])
		defer cancel()
		out := incident.Gathered{Moment: m}
		kept, err := e.cfg.Evidence.Gather(ctx, dir, s, m)
		if err != nil {
			out.Err = err.Error()
		}
		out.Evidence, out.Evidence.Moment = kept, m
		e.post(func() {
			under := maps.Clone(e.seen.Gathering)
			delete(under, m)
			e.seen.Gathering = under
			e.handle(incident.Input{At: time.Now(), Do: out})
		})
	})
}

func (e *Engine) gathered(g incident.Gathered) {
	e.post(func() { e.handle(incident.Input{At: time.Now(), Do: g}) })
}

// now is what is known now.
func (e *Engine) now() *incident.Snapshot {
	return &incident.Snapshot{Incident: e.inc, Seen: e.seen, Now: time.Now()}
}
