package model

// TakenUp is the input that a journal was found and folded by a later run.
type TakenUp struct {
	ID   string // by the journal's header
	Host string
	Torn int64 // bytes of a torn last line that were cut off
}

// takenUp settles every write whose outcome the journal does not tell by
// looking at the cluster, and goes to where the attempt stands.
func (d *decider) takenUp(do TakenUp) {
	if d.inc().ID == "" && do.ID != "" {
		// The very first write was torn: what it said of the opening is lost.
		d.fact(Opened{ID: do.ID, Cluster: d.s.Seen.Identity.Cluster, User: d.s.Seen.Identity.User, Onset: d.inc().Onset})
	}
	d.fact(Resumed{Host: do.Host})
	if do.Torn > 0 {
		d.fact(Mended{Bytes: do.Torn})
	}
	d.unwatched()
	for _, m := range d.inc().Messages {
		if m.State == MessageSending {
			d.fact(MessageLost{N: m.N, Err: "rollbook ended before the answer came"})
		}
	}
	d.unfinished()
	if d.inc().Step >= Choose {
		d.effect(ReadBaseline{Onset: d.onset()})
		d.readChoices()
	}
	if d.inc().Step == Confirm {
		d.checkPlans()
	}
	d.gatherMissing()
}

// unfinished settles the newest attempt: what was on its way by looking, what had
// not begun by asking anew. Nothing is written on a word from before the crash.
func (d *decider) unfinished() {
	a := d.inc().Attempt()
	if a == nil {
		return
	}
	looking, failed := false, ""
	for _, w := range a.Writes {
		switch w.State {
		case Writing, Unsettled:
			looking = true
			d.effect(LookPlan{Attempt: a.N, Plan: w.Plan})
		case Pending:
			failed = w.Plan.Component
			d.fact(WriteFailed{N: a.N, Component: failed, Err: "rollbook ended before it was written"})
		}
	}
	switch a := d.inc().Attempt(); {
	case failed != "" && !looking:
		d.askAgain(AskFailed, "Nothing was written to "+failed+": rollbook ended before. Confirm again.")
	case a.Active() && d.inc().Step != RollBack:
		d.fact(Moved{To: RollBack})
	}
}

// unwatched counts the time since the last sample as one of which nothing is
// known, if the downtime's clock ran then.
func (d *decider) unwatched() {
	down, last := d.inc().Down, d.inc().SampledAt
	if down.Since.IsZero() || down.Unseen {
		return
	}
	if last.Before(down.Since) {
		last = down.Since
	}
	d.fact(ClockRan{Running: true, Blind: true, Since: last})
}

// gatherMissing goes on with what was being gathered.
func (d *decider) gatherMissing() {
	i := d.inc()
	_, opened := i.Evidence[AtOpening]
	_, full := i.Evidence[InFull]
	switch {
	case i.Step == Close && i.Closed.IsZero():
		d.enterClose()
	case !opened:
		d.effect(GatherEvidence{AtOpening})
	case !full:
		d.effect(GatherEvidence{InFull})
	}
	if !i.Verified.IsZero() && i.Impact.At.IsZero() && i.Step < Close {
		d.effect(MeasureImpact{})
	}
}
