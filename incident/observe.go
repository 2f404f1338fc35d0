package incident

// decide is what follows from a new observation, or from time going on.
func (do Observed) decide(d *decider) {
	if !d.inc().Closed.IsZero() {
		return
	}
	d.watched(do)
	if d.inc().End != nil {
		d.triggers() // those of before, which the banner tells of
		d.baselines()
		d.follow() // a debt may be paid after the end
		d.drill()
		d.verifyHold()
		d.clock()
		return
	}
	d.triggers()
	d.alerts()
	d.notice()
	d.suspects()
	d.learn()
	d.compare()
	if len(d.s.Seen.Board) > 0 {
		d.judge()
	}
	d.keepHistories()
	if step := d.inc().Step; step == Choose || step == Confirm {
		d.propose()
	}
	if d.inc().Step == Confirm {
		d.checkChanged()
	}
	d.baselines()
	d.follow()
	d.drill()
	d.verifyHold()
	d.clock()
	d.escalate()
	d.sample()
}
