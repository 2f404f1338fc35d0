package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
)

// abandonedAfter is how long an incident must be untouched to be offered instead
// of taken up.
const abandonedAfter = 24 * time.Hour

// takeUp goes through the open journals of the same cluster and namespace, once
// it is known which cluster this is and they have been looked for. One that was
// touched within a day is taken up; several, old or damaged ones are offered. A journal
// of another cluster is never touched, and one of another component than the one
// named on the command line is only told of.
func (e *Engine) takeUp() {
	id := e.seen.Identity.Cluster
	if id == "" || e.seen.Searching || e.taking || e.inc.ID != "" {
		return
	}
	e.taking = true
	e.offers = map[string]*journal.Summary{}
	var open []incident.OpenIncident
	for _, s := range e.earlier {
		if s.Header.Cluster != id || s.Header.Namespace != e.inc.Settings.Namespace {
			continue
		}
		if f := e.inc.Settings.Focus; f != "" && s.Component != "" && s.Component != f {
			// Its component is not looked at in this run.
			e.trouble(fmt.Errorf("incident %s of %s is open: rollbook without a workload goes on with it", s.Header.ID, s.Component))
			continue
		}
		o := openIncident(s, time.Now())
		if e.offers[o.ID] == nil {
			e.offers[o.ID] = s
			open = append(open, o)
		}
	}
	if len(open) == 1 && !open[0].Abandoned && open[0].Damage == "" {
		e.resume(e.offers[open[0].ID])
		return
	}
	e.seen.Open = open
}

// openIncident returns what is shown of a journal to choose by.
func openIncident(s *journal.Summary, now time.Time) incident.OpenIncident {
	o := incident.OpenIncident{ID: s.Name(), Opened: s.Opened, Touched: s.Touched, Step: s.Step,
		Component: s.Component, Operator: s.Operator, Owes: s.Owes, Abandoned: now.Sub(s.Touched) > abandonedAfter}
	if s.Damage != nil {
		o.Damage = s.Damage.String()
	}
	return o
}

func (e *Engine) takeUpJournal(x incident.TakeUpJournal) {
	if s := e.offers[x.ID]; s != nil {
		e.resume(s)
	}
}

// resume reads a journal and goes on with it.
func (e *Engine) resume(s *journal.Summary) {
	e.seen.Resuming = s.Header.ID
	e.background(func(context.Context) {
		c, err := journal.Read(s.Path)
		if err != nil {
			e.post(func() { e.notTakenUp(s, err) })
			return
		}
		var book *journal.Writer
		switch {
		case !e.cfg.Glance:
			book, err = journal.Resume(c, e.cfg.Journals, e.ack)
		case journal.Locked(s.Path):
			err = journal.ErrLocked
		}
		e.post(func() { e.tookUp(c, book, err) })
	})
}

// notTakenUp tells that the journal, which was there a moment ago, cannot be read.
func (e *Engine) notTakenUp(s *journal.Summary, err error) {
	e.seen.Resuming = ""
	e.trouble(fmt.Errorf("incident %s was not taken up: %w", s.Header.ID, err))
	e.withdraw(s.Name())
}

// tookUp replaces what was gathered since the start by the incident of the
// journal; what is still so will be found again.
func (e *Engine) tookUp(c *journal.Content, book *journal.Writer, err error) {
	e.dirty = true
	e.seen.Resuming = ""
	switch {
	case errors.Is(err, journal.ErrLocked):
		e.seen.Open = nil
		e.lookOn(c)
		return
	case err != nil:
		e.seen.JournalE = err.Error()
		return
	}
	e.book, e.pending = book, nil
	e.inc = incident.Fold(c.Facts)
	e.seen.Journal, e.seen.Resumed, e.seen.Open = c.Path, true, nil
	up := incident.TakenUp{ID: c.Header.ID, Host: e.cfg.Host, Torn: c.Torn}
	if book != nil { // else it is a glance
		e.acked, up.Aside = book.Len(), book.Aside() // before anything is added, which is on its way only
	}
	e.begin()
	if c.Damage != nil {
		up.Damaged = c.Damage.Bytes
	}
	e.handle(incident.Input{At: time.Now(), By: e.operator(), Do: up})
}

// abandonJournal closes a journal that nobody takes up, in its own words.
func (e *Engine) abandonJournal(x incident.AbandonJournal) {
	s := e.offers[x.ID]
	if s == nil {
		return
	}
	by := e.operator()
	e.background(func(context.Context) {
		c, err := journal.Read(s.Path)
		if err == nil {
			err = abandon(c, x.Reason, by)
		}
		e.post(func() {
			if err != nil {
				e.trouble(err)
				return
			}
			e.withdraw(x.ID)
		})
	})
}

// withdraw takes an incident off what is offered.
func (e *Engine) withdraw(id string) {
	e.dirty = true
	e.offers = maps.Clone(e.offers)
	delete(e.offers, id)
	e.seen.Open = slices.DeleteFunc(slices.Clone(e.seen.Open), func(o incident.OpenIncident) bool { return o.ID == id })
	if len(e.seen.Open) == 0 {
		e.seen.Open = nil
	}
}

// trouble adds to what is told of the journals of earlier runs.
func (e *Engine) trouble(err error) {
	e.seen.Trouble, e.dirty = append(slices.Clone(e.seen.Trouble), err.Error()), true
}

func abandon(c *journal.Content, reason, by string) error {
	return addTo(c, "closed", func() ([]incident.Fact, error) {
		now := time.Now()
		var facts []incident.Fact
		for _, b := range []incident.Body{incident.Resumed{}, incident.Ended{Outcome: incident.Abandoned, Reason: reason}, incident.WasClosed{}} {
			facts = append(facts, incident.Fact{At: now, By: by, Body: b})
		}
		return facts, nil
	})
}

// addTo adds facts to a journal that is not taken up, while it is locked.
func addTo(c *journal.Content, what string, facts func() ([]incident.Fact, error)) error {
	var failed error
	book, err := journal.Resume(c, nil, func(_ int, _ string, err error) { failed = err })
	if err != nil {
		return fmt.Errorf("incident %s was not %s: %w", c.Header.ID, what, err)
	}
	all, err := facts()
	for _, f := range all {
		if _, e := book.Append(f); e != nil {
			err = e
		}
	}
	book.Close() // waits for the last acknowledgement
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("incident %s was not %s: %w", c.Header.ID, what, err)
	}
	return nil
}

// finishReports writes, one after the other, the reports that an earlier run could
// not.
func (e *Engine) finishReports(all []*journal.Summary) {
	if e.cfg.Reporter == nil || len(all) == 0 {
		return
	}
	e.background(func(ctx context.Context) {
		for _, s := range all {
			if ctx.Err() != nil {
				return
			}
			if err := e.finishReport(ctx, s); err != nil {
				e.post(func() { e.trouble(err) })
			}
		}
	})
}

func (e *Engine) finishReport(ctx context.Context, s *journal.Summary) error {
	ctx, cancel := context.WithTimeout(ctx, reportDeadline)
	defer cancel()
	c, err := journal.Read(s.Path)
	if err != nil {
		return fmt.Errorf("incident %s was not reported: %w", s.Header.ID, err)
	}
	inc := incident.Fold(c.Facts)
	return addTo(c, "reported", func() ([]incident.Fact, error) {
		path, err := e.cfg.Reporter.Write(ctx, &inc, filepath.Dir(c.Path))
		if err != nil {
			return nil, err
		}
		return []incident.Fact{{At: time.Now(), Body: incident.ReportWritten{Path: path, Entries: len(inc.Timeline)}}}, nil
	})
}
