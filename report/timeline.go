package report

import (
	"fmt"
	"slices"
	"time"

	"rollbook/incident"
)

// timeline tells what happened in its order, from the release on: the releases, the
// first bad sample, the alerts, and what was seen, decided and done. What the report
// tells elsewhere (the evidence, the checklist) is not among it.
func (b *builder) timeline() []Entry {
	i := &b.i
	var out []Entry
	add := func(at Moment, by string, kind incident.EntryKind, format string, args ...any) {
		if !at.IsZero() {
			out = append(out, Entry{At: at, By: Text(by), Kind: string(kind), Text: Text(fmt.Sprintf(format, args...))})
		}
	}
	for _, s := range i.Suspects {
		add(Moment{s.At}, s.By, incident.EntrySeen, "%s %s released%s", s.Component, s.Version.Full(), quoted(s.ChangeCause))
	}
	began := "it began"
	if name := i.OnsetName(); name != "the onset" {
		began += ": " + name
	}
	add(Moment{i.BeganAt()}, "", incident.EntrySeen, "%s", began)
	for _, a := range i.Alerts {
		add(Moment{a.Since}, "", incident.EntrySeen, "alert %s begins to fire", a.Words())
		add(Moment{a.Over}, "", incident.EntrySeen, "alert %s does not fire any more", a.Words())
	}
	if i.Told.How != incident.SourceUnknown && !i.Told.At.IsZero() {
		words := map[incident.Source]string{incident.SourcePage: "paged", incident.SourceTold: "told of it by somebody", incident.SourceSaw: "saw it"}[i.Told.How]
		add(Moment{i.Told.At}, i.ToldBy, incident.EntryAnswer, "%s", words)
	}
	why := "" // that of the verdict, which is said once
	for f, e := range incident.Told(b.facts) {
		switch body := f.Body.(type) {
		case incident.Rose:
			why = body.Trigger.Text
		case incident.Judged:
			if body.Text == why {
				e.Text = "verdict: " + incident.Shouted(body.Verdict, body.Basis)
			}
			why = body.Text
		case incident.Moved:
			if body.Text == why {
				e.Text = "decided: " + incident.Shouted(body.Verdict, body.Basis)
			}
		case incident.Chosen:
			if body.Choice.To.IsZero() && body.Choice.Why == "" {
				continue // what it is to go back to follows
			}
		case incident.Noticed:
			if body.What == "revision" && b.toldRevision(f, body) {
				continue
			}
		case incident.WriteDone:
			// By which number the cluster knows it is nobody's concern.
			e.Text = body.Words(i)
		case incident.HoldBegan:
			if body.Since.Equal(i.Recovered) {
				continue // which is told with the recovery
			}
		case incident.Ended:
			if body.Outcome == incident.RolledBack && !i.Closed.IsZero() {
				continue
			}
		case incident.EvidenceKept, incident.ItemSettled, incident.ItemReopened, incident.ReportWritten, incident.SeverityTold,
			incident.Suspected, incident.AlertFired, incident.AlertOver, incident.DetectionTold:
			continue
		}
		add(Moment{e.At}, e.By, e.Kind, "%s", e.Text)
	}
	add(Moment{i.Recovered}, "", incident.EntryOutcome, "recovered: everything is good from here on")
	slices.SortStableFunc(out, func(a, b Entry) int { return a.At.Compare(b.At.Time) })
	for n := range out {
		e := &out[n]
		e.When = Text(b.clock(e.At))
	}
	return out
}

// toldRevision reports whether a revision that was seen to run is told with its release,
// or with the write that set it. An older journal has the revision in a sentence alone:
// then it is the release if it is the first that was seen.
func (b *builder) toldRevision(f incident.Fact, n incident.Noticed) bool {
	for _, s := range b.i.Suspects {
		if s.Component == n.Component && (n.Version.Is(s.Version) || n.Version.IsZero() && b.firstRevision(n.Component).Equal(f.At)) {
			return true
		}
	}
	for _, a := range b.i.Attempts {
		for _, w := range a.Writes {
			if w.Plan.Component == n.Component && !w.Intent.IsZero() && !f.At.Before(w.Intent) && (w.RolledOut.IsZero() && w.InPlace() || !f.At.After(w.RolledOut)) {
				return true
			}
		}
	}
	return false
}

// firstRevision returns when a revision of a component was seen to run first.
func (b *builder) firstRevision(component string) (at time.Time) {
	each(b.facts, func(f incident.Fact, n incident.Noticed) {
		if at.IsZero() && n.What == "revision" && n.Component == component {
			at = f.At
		}
	})
	return at
}

func quoted(words string) string {
	if words == "" {
		return ""
	}
	return ": “" + words + "”"
}
