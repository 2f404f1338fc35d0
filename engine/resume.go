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

// takeUp looks for open journals of the same cluster and namespace, once it is
// known which cluster this is. One that was touched within a day is taken up;
// several, or old ones, are offered. A journal of another cluster is never
// touched.
func (e *Engine) takeUp() {
	id := e.seen.Identity.Cluster
	if id == "" || e.taking || e.inc.ID != "" {
		return
	}
	e.taking = true
	e.offers = map[string]*journal.Content{}
	var open []incident.OpenIncident
	for _, c := range e.cfg.Open {
		if c.Header.Cluster != id || c.Header.Namespace != e.inc.Settings.Namespace {
			continue
		}
		o := openIncident(c, time.Now())
		if e.offers[o.ID] == nil {
			e.offers[o.ID] = c
			open = append(open, o)
		}
	}
	if len(open) == 1 && !open[0].Abandoned {
		e.resume(e.offers[open[0].ID])
		return
	}
	e.seen.Open = open
}

// openIncident is what is shown of a journal to choose by.
func openIncident(c *journal.Content, now time.Time) incident.OpenIncident {
	i := incident.Fold(c.Facts)
	o := incident.OpenIncident{ID: filepath.Base(filepath.Dir(c.Path)), Path: c.Path, Opened: i.Opened, Step: i.Step,
		Operator: i.Operator, Touched: i.Opened}
	for _, f := range c.Facts {
		if f.At.After(o.Touched) {
			o.Touched = f.At
		}
	}
	if o.Touched.IsZero() {
		o.Touched = c.Modified
	}
	switch s := i.Standing(); {
	case len(s) > 0:
		o.Component = s[0].Write.Plan.Component
	case len(i.Triggers) > 0:
		o.Component = i.Triggers[0].Component
	case len(i.Choices) > 0:
		o.Component = i.Choices[0].Component
	}
	o.Abandoned = now.Sub(o.Touched) > abandonedAfter
	return o
}

func (e *Engine) takeUpJournal(x incident.TakeUpJournal) {
	if c := e.offers[x.ID]; c != nil {
		e.resume(c)
	}
}

func (e *Engine) resume(c *journal.Content) {
	e.seen.Resuming = c.Header.ID
	e.background(func(context.Context) {
		book, err := journal.Resume(c, e.cfg.Journals, e.ack)
		e.post(func() { e.tookUp(c, book, err) })
	})
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
	e.acked = book.Len()
	e.inc = incident.Fold(c.Facts)
	e.seen.Journal, e.seen.Resumed, e.seen.Open = c.Path, true, nil
	e.begin()
	e.handle(incident.Input{At: time.Now(), By: e.cfg.Settings.Operator, Do: incident.TakenUp{ID: c.Header.ID, Host: e.cfg.Host, Torn: c.Torn}})
}

// abandonJournal closes a journal that nobody takes up, in its own words.
func (e *Engine) abandonJournal(x incident.AbandonJournal) {
	c := e.offers[x.ID]
	if c == nil {
		return
	}
	by := e.inc.Settings.Operator
	e.background(func(context.Context) {
		err := abandon(c, x.Reason, by)
		e.post(func() {
			e.dirty = true
			if err != nil {
				e.seen.Trouble = append(slices.Clone(e.seen.Trouble), err.Error())
				return
			}
			e.offers = maps.Clone(e.offers)
			delete(e.offers, x.ID)
			e.seen.Open = slices.DeleteFunc(slices.Clone(e.seen.Open), func(o incident.OpenIncident) bool { return o.ID == x.ID })
			if len(e.seen.Open) == 0 {
				e.seen.Open = nil
			}
		})
	})
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

// finishReports writes the reports that an earlier run could not.
func (e *Engine) finishReports() {
	if e.cfg.Reporter == nil {
		return
	}
	for _, c := range e.cfg.Unreported {
		e.background(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, reportDeadline)
			defer cancel()
			if err := e.finishReport(ctx, c); err != nil {
				e.post(func() { e.seen.Trouble, e.dirty = append(slices.Clone(e.seen.Trouble), err.Error()), true })
			}
		})
	}
}

func (e *Engine) finishReport(ctx context.Context, c *journal.Content) error {
	inc := incident.Fold(c.Facts)
	return addTo(c, "reported", func() ([]incident.Fact, error) {
		path, err := e.cfg.Reporter.Write(ctx, &inc, filepath.Dir(c.Path))
		if err != nil {
			return nil, err
		}
		return []incident.Fact{{At: time.Now(), Body: incident.ReportWritten{Path: path, Entries: len(inc.Timeline)}}}, nil
	})
}
