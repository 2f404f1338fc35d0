package incident

import (
	"fmt"

	"rollbook/model"
)

// progressOf returns how far a write has come, as it was seen last; unknown while
// it was not seen at all.
func (s *Snapshot) progressOf(id WriteID) model.Progress { return s.Seen.Progress[id] }

// ProgressOf returns how far a write has come, as it was seen last. Its phase is
// unknown, with the reason, while nothing shows the write.
func (s *Snapshot) ProgressOf(id WriteID) model.Progress {
	p := s.progressOf(id)
	if p.Phase == model.PhaseUnknown && p.Text == "" {
		p.Text = "waiting for the cluster to show it"
	}
	return p
}

// follow watches the writes to their end, and what they wrote until the incident
// is closed.
func (d *decider) follow() {
	if d.s.clusterLost() != "" {
		return
	}
	for _, s := range d.inc().Standing() {
		w := *s.Write
		if w.State != Rolling && w.State != Done || w.State == Done && switches(&w.Plan) && w.Plan.Owes == "" {
			continue // what was put back may be scaled as anybody likes
		}
		p := d.s.ProgressOf(s.WriteID)
		switch {
		case p.Phase == model.PhaseReverted:
			by := p.By
			if by == "" {
				by = "somebody else"
			}
			if !d.inc().Verified.IsZero() {
				d.finds(Unverified{Why: w.Plan.Component + " was reverted by " + by})
			}
			d.finds(WriteReverted{WriteID: s.WriteID, By: by})
			d.finds(AskedFor{What: AskReverted, Text: w.Plan.Component + ": " + p.Text})
		case w.State == Rolling && p.Phase == model.PhaseFailed && w.Plan.Role == model.RoleAid:
			d.fact(WriteStopped{WriteID: s.WriteID, Text: p.Text})
			d.dropAid(w.Plan.Component)
			continue
		case w.State == Rolling && p.Phase == model.PhaseFailed && (p.Left || w.Plan.Role == model.RoleSchema || switches(&w.Plan)):
			d.stopped(s, p.Text)
			continue
		case w.State == Rolling && p.Phase == model.PhaseFinished:
			d.finds(RolledOut{s.WriteID, w.Plan.Role == model.RoleRelease && d.s.NoneRuns(w.Plan.Component)})
			if w.Plan.Role == model.RoleRelease {
				d.dropAid(w.Plan.Component)
			}
			d.writeNext() // one may have waited for this end
		}
		limit := d.inc().Settings.Limits.Rollout
		late := d.s.Now.Sub(w.Receipt.At) >= limit && !d.waitsForAvailable(w.Plan.Component) || p.Phase == model.PhaseFailed
		if d.inc().write(s.WriteID).State == Rolling && late && !w.Waited && d.inc().Step >= RollBack && d.inc().Asked == AskNothing {
			d.finds(AskedFor{What: AskDeadline, Text: fmt.Sprintf("%s is not %s after %s: %s. It goes on in the cluster.",
				subject(&w.Plan), arrived(&w.Plan), model.Short(d.s.Now.Sub(w.Receipt.At)), p.Text)})
		}
	}
	d.settleSteps()
	d.closeIfDone() // it may have waited for a step, or for a debt that was paid
}

// arrived says what a write is at its end.
func arrived(p *model.Plan) string {
	switch {
	case p.Role == model.RoleSchema:
		return "taken back"
	case p.Role == model.RoleMaintenance:
		return p.To.Short
	case breaks(p):
		return "broken"
	case p.Role == model.RoleFault:
		return "put back"
	case switches(p):
		return "at " + p.To.String()
	}
	return "rolled out"
}

// switches reports whether a plan switches something off for a time, or on again.
func switches(p *model.Plan) bool {
	return p.Role == model.RoleSwitch || p.Role == model.RoleMaintenance || p.Role == model.RoleFault
}

// waitsForAvailable says whether pods of a component are ready and only have to stay
// so for the workload's minReadySeconds: that time is no delay.
func (d *decider) waitsForAvailable(component string) bool {
	c := d.s.Seen.Component(component)
	if c == nil {
		return false
	}
	n, until := c.Waiting()
	return n > 0 && !d.s.Now.After(until)
}

// NoneRuns reports whether a component is scaled to 0: no pod runs what was written to
// it, and nothing can prove it.
func (s *Snapshot) NoneRuns(component string) bool {
	c := s.Seen.Component(component)
	return c != nil && c.Asleep()
}

// RolledOut is the end of a write's way: what was written is there and serves, or waits
// for the first pod.
type RolledOut struct {
	WriteID
	Asleep bool `json:"asleep,omitempty"` // it is a release, and 0 replicas run it
}

func (b RolledOut) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.State, w.RolledOut, w.Asleep = Done, f.At, b.Asleep })
	i.AskFrom = f.At
	if i.Asked == AskDeadline && !i.RolledOut.IsZero() {
		i.Asked, i.AskText = AskNothing, ""
	}
}

func (b RolledOut) entry(i *Incident) (EntryKind, string) {
	if b.Asleep {
		return EntrySeen, "version set: " + i.component(b.WriteID) + "; 0 replicas run it"
	}
	if w := i.write(b.WriteID); w != nil && w.Plan.Role == model.RoleSchema {
		return EntryOutcome, "taken back: " + i.component(b.WriteID) + " is at " + w.Plan.To.Key
	}
	if w := i.write(b.WriteID); w != nil && (switches(&w.Plan) || w.Plan.Role == model.RoleAid) {
		return EntryOutcome, "done: " + w.Plan.Title
	}
	return EntryOutcome, "rolled out: " + i.component(b.WriteID)
}

// WriteReverted is something that somebody put in the place of what was written.
type WriteReverted struct {
	WriteID
	By string `json:"by"`
}

func (b WriteReverted) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.State, w.Err = Reverted, "reverted by "+b.By })
	i.Hold = HoldRecord{}
}

func (b WriteReverted) entry(i *Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("%s was reverted by %s: it is no longer what was written", i.component(b.WriteID), b.By)
}

// rollBlocked says why the rollout's page cannot be left for Verify.
func rollBlocked(i *Incident) string {
	standing := i.Standing()
	if len(standing) == 0 {
		return "nothing was written yet"
	}
	for _, s := range standing {
		w := s.Write
		switch w.State {
		case Done:
		case Refused, Failed, Reverted, Stopped:
			if switches(&w.Plan) {
				continue // what it leaves switched off is owed
			}
			return fmt.Sprintf("%s: %s", subject(&w.Plan), w.Err)
		case Pending, Writing, Unsettled:
			return subject(&w.Plan) + " is not written yet"
		default:
			return subject(&w.Plan) + " is not " + arrived(&w.Plan) + " yet"
		}
	}
	return ""
}
