package incident

import "rollbook/model"

// Help takes up what would get a write on that does not get on by itself: it is
// chosen, checked and confirmed like any other write.
type Help struct{ Write WriteID }

func (do Help) decide(d *decider) {
	w, aid := d.inc().write(do.Write), d.s.ProgressOf(do.Write).Aid
	if w == nil || w.State != Rolling || aid == nil {
		return
	}
	d.fact(Chosen{Choice{Slot: model.Slot{Component: w.Plan.Component, Role: model.RoleAid}, Method: aid.Method,
		To: aid.To, Why: aid.Text, Own: true}})
	d.moveTo(Confirm)
}

// dropAid takes it that nothing of a component has to be got on any more: what was chosen
// for that, and not written, is not confirmed with the next release. Who stands before
// its confirmation is led back to the rollout.
func (d *decider) dropAid(component string) {
	slot := model.Slot{Component: component, Role: model.RoleAid}
	if d.inc().Choice(slot) == nil {
		return
	}
	d.fact(Dropped{slot})
	if d.inc().Step == Confirm && len(openChoices(d.inc())) == 0 {
		d.toWatch()
	}
}
