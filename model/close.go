package model

import "fmt"

// gathered takes the end of a gathering. What is thrown away first was gathered
// first; all the rest follows it.
func (d *decider) gathered(do Gathered) {
	switch {
	case !d.inc().Closed.IsZero():
		return // the evidence's own list tells of it; the report is about what was before
	case do.Err != "" && do.Err == d.inc().Evidence[do.Moment].Err:
		return // told already
	}
	if do.Err != "" {
		d.fact(EvidenceFailed{Moment: do.Moment, Err: do.Err})
	} else {
		d.fact(EvidenceKept{Evidence: do.Evidence})
	}
	if do.Moment == AtOpening {
		d.effect(GatherEvidence{InFull})
	}
	if do.Moment == InFull && do.Err == "" && len(do.Evidence.Missing) == 0 && d.inc().Step == Close {
		d.settle("evidence", fmt.Sprintf("%d files, %s", do.Evidence.Files, Bytes(do.Evidence.Bytes)))
		d.closeIfDone()
	}
}

func (d *decider) measured(do Measured) {
	switch {
	case !d.inc().Closed.IsZero():
	case do.Err != "" && do.Err == d.inc().Impact.Err: // told already
	case do.Err != "":
		d.fact(ImpactFailed{Err: do.Err})
	default:
		d.fact(ImpactMeasured{Impact: do.Impact})
	}
}

// reported takes the report. One that was written once more after the closing
// changes nothing else.
func (d *decider) reported(do Reported) {
	if do.Err != "" {
		d.fact(ReportFailed{Err: do.Err})
		return
	}
	d.fact(ReportWritten{Path: do.Path, Entries: do.Entries})
	d.settleDone()
}

// enterClose asks for what the close shows.
func (d *decider) enterClose() {
	d.effect(GatherEvidence{InFull})
	d.effect(MeasureImpact{})
	d.settleDone()
}

// settleDone settles the items of the checklist that were done by their own
// keys: the report, the messages, the follow-up.
func (d *decider) settleDone() {
	if r := d.inc().Report; !r.At.IsZero() {
		d.settle("report", r.Path)
	}
	by := d.by
	for _, m := range d.inc().Messages {
		if item := itemOf(d.inc(), &m); item != "" && m.State == MessageOut {
			d.by = m.By
			d.settle(item, m.Message.Channel)
		}
	}
	d.by = by
	d.closeIfDone()
}

// itemOf is the item that a message settles; "" when none.
func itemOf(i *Incident, m *MessageRecord) string {
	c := i.Settings.Channel(m.Message.Channel)
	switch {
	case c == nil:
	case c.Kind == ChannelGitLab:
		return "follow-up"
	case m.Message.Kind != MessageResolved:
	case c.Kind == ChannelStatuspage, c.Kind == ChannelWebhook:
		return "status page"
	default:
		return "chat"
	}
	return ""
}

// settle settles an item that is open.
func (d *decider) settle(id, reason string) {
	for _, it := range d.inc().Items {
		if it.ID == id && it.State == "" {
			d.fact(ItemSettled{ID: id, Reason: reason})
			return
		}
	}
}

func (d *decider) item(do SettleItem) {
	for _, it := range d.inc().Items {
		if it.ID == do.ID && it.State == "" {
			d.fact(ItemSettled{ID: do.ID, Waived: do.Waive, Reason: do.Reason})
			d.closeIfDone()
			return
		}
	}
}

// closeIfDone closes the incident with the last item. A report that was written
// is written once more, so that it tells of the end.
func (d *decider) closeIfDone() {
	i := d.inc()
	if i.Items == nil || openItems(i) > 0 || !i.Closed.IsZero() {
		return
	}
	if i.End == nil {
		d.fact(Ended{Outcome: "rolled back"})
	}
	d.fact(WasClosed{})
	if !d.inc().Report.At.IsZero() {
		d.effect(MakeReport{})
	}
}

func openItems(i *Incident) int {
	n := 0
	for _, it := range i.Items {
		if it.State == "" {
			n++
		}
	}
	return n
}

// checklist is the runbook's rows A2 to A4 and P1 to P5.
func checklist() []Item {
	return []Item{
		{ID: "evidence", Text: "logs, events and metrics kept (A2)"},
		{ID: "report", Text: "incident report written (A3)"},
		{ID: "status page", Text: "status page says “resolved” (A4)"},
		{ID: "chat", Text: "Slack/Teams told (A4)"},
		{ID: "follow-up", Text: "follow-up task created (A4)"},
		{ID: "tests", Text: "tests for the bug (P1)"},
		{ID: "monitoring", Text: "better monitoring and alerts (P2)"},
		{ID: "deploy checklist", Text: "deployment checklist updated (P3)"},
		{ID: "canary", Text: "canary considered (P4)"},
		{ID: "lessons", Text: "lessons written down (P5)"},
	}
}
