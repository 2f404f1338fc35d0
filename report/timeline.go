package report

import (
	"fmt"
	"slices"
	"strings"

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
	add(Moment{i.Onset}, "", incident.EntrySeen, "%s", strings.TrimPrefix(i.OnsetName(), "the "))
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
				e.Text = "verdict: " + body.Verdict.Name()
			}
			why = body.Text
		case incident.Moved:
			if body.Text == why {
				e.Text = "decided: " + body.Verdict.Name()
			}
		case incident.Chosen:
			if body.Choice.To.IsZero() && body.Choice.Why == "" {
				continue // what it is to go back to follows
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
		e.When = Text(e.At.Clock())
		if e.At.Day() != out[0].At.Day() {
			e.When = Text(e.At.UTC().Format("2006-01-02 15:04:05"))
		}
	}
	return out
}

func quoted(words string) string {
	if words == "" {
		return ""
	}
	return ": “" + words + "”"
}
