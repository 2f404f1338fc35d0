package incident

// Observed says that Seen is new; a tick is one too.
type Observed struct{}

// decide is what follows from a new observation, or from time going on.
func (Observed) decide(d *decider) {
	switch {
	case !d.inc().Closed.IsZero():
		return
	case d.inc().End != nil:
		d.follow() // a debt may be paid after the end
		return
	}
	d.triggers()
	d.notice()
	d.suspects()
	if len(d.s.Seen.Board) > 0 {
		d.judge()
	}
	if step := d.inc().Step; step == Choose || step == Confirm {
		d.propose()
	}
	d.baselines()
	d.follow()
	d.verifyHold()
	d.clock()
	d.escalate()
	d.sample()
}
