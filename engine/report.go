package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

const (
	impactDeadline = 30 * time.Second
	reportDeadline = 20 * time.Second
)

// measure asks what the incident cost, from the onset to the recovery or to now.
// A later measuring takes an earlier one's place. What waits for it begins at its
// end, however it ends.
func (e *Engine) measure() {
	i := &e.inc
	w := model.ImpactOf{From: i.Onset, To: time.Now(), Limits: i.Settings.Limits, Objective: i.Settings.Objective,
		Period: i.Settings.Period, Targets: e.concerned()}
	if !i.Recovered.IsZero() {
		w.To = i.Recovered
	}
	why := ""
	_, off := e.cfg.Metrics.To()
	switch {
	case e.cfg.Impact == nil:
		why = notConfigured
	case off != "":
		why = off
	case w.From.IsZero():
		why = "it is not known when it began"
	}
	end := func(out incident.Measured) {
		e.seen.Measuring = time.Time{}
		e.handle(incident.Input{At: time.Now(), Do: out})
		e.gatherMeasured()
	}
	e.seen.Measuring = time.Now()
	if why != "" {
		e.post(func() { end(incident.Measured{Err: why}) })
		return
	}
	e.anew("impact", impactDeadline, func(ctx context.Context, tell func(func())) {
		cost, err := e.cfg.Impact.Impact(ctx, w)
		out := incident.Measured{Impact: cost}
		if err != nil {
			out = incident.Measured{Err: err.Error()}
		}
		tell(func() { end(out) })
	})
}

// concerned are the targets that the incident is about; all where it is about
// none in particular.
func (e *Engine) concerned() []model.Target {
	about := e.inc.Concerned()
	var out []model.Target
	for _, t := range e.targets() {
		if len(about) == 0 || slices.Contains(about, t.ID) {
			out = append(out, t)
		}
	}
	return out
}

// report writes the report when everything that it tells is on disk. One is
// written at a time; what was asked meanwhile follows.
func (e *Engine) report() {
	tell := func(r incident.Reported) { e.post(func() { e.handle(incident.Input{At: time.Now(), Do: r}) }) }
	switch {
	case e.cfg.Reporter == nil:
		tell(incident.Reported{Err: notConfigured})
		return
	case !e.seen.Reporting.IsZero():
		e.reportAgain = true
		return
	}
	e.seen.Reporting = time.Now()
	inc := e.inc
	end := func(r incident.Reported) {
		e.seen.Reporting = time.Time{}
		e.handle(incident.Input{At: time.Now(), Do: r})
		if e.reportAgain {
			e.reportAgain = false
			e.report()
		}
	}
	// Not cut short when the program is left: the close writes it once more.
	ctx := context.WithoutCancel(e.ctx)
	e.holdOwed(func(dir string) func() {
		ctx, cancel := context.WithTimeout(ctx, reportDeadline)
		defer cancel()
		out := incident.Reported{Entries: len(inc.Timeline)}
		var err error
		if out.Path, err = e.writeReport(ctx, &inc, dir); err != nil {
			out = incident.Reported{Err: err.Error()}
		}
		return func() { end(out) }
	}, func(err error) { end(incident.Reported{Err: err.Error()}) })
}

var errNoFolder = errors.New("there is no folder for it: the journal cannot be written")

// writeReport writes it beside the journal.
func (e *Engine) writeReport(ctx context.Context, i *incident.Incident, dir string) (string, error) {
	if dir == "" {
		return "", errNoFolder
	}
	return e.cfg.Reporter.Write(ctx, i, dir)
}
