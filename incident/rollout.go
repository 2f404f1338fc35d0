package incident

import (
	"fmt"

	"rollbook/model"
)

// RolloutStatus is where a rollout stands, as kubectl rollout status judges it.
type RolloutStatus struct {
	Known    bool // the board shows the workload as of the write or later
	Done     bool
	Failed   bool   // exceeded its progress deadline
	Reverted bool   // the template is no longer the plan's
	Text     string // "3 out of 6 new replicas have been updated"
}

// Rollout judges a component's rollout after its plan was written, in the order
// of kubectl's own DeploymentStatusViewer. A ProgressDeadlineExceeded that was
// there before the write and was not updated since is a leftover
// (kubernetes#49637) and is not believed.
func Rollout(c *model.Component, w *Write) RolloutStatus {
	switch {
	case c == nil || c.Missing != "":
		return RolloutStatus{Text: "the workload cannot be seen"}
	case c.Generation < w.Written.Generation:
		return RolloutStatus{Text: "waiting for the cluster to show the patch"}
	case c.TemplateHash != "" && c.TemplateHash != w.template():
		return RolloutStatus{Known: true, Reverted: true, Text: "the template is no longer the one that was written"}
	case c.Generation > c.Observed:
		return RolloutStatus{Known: true, Text: "waiting for the controller to see the patch"}
	}
	leftover := !w.Plan.Before.IsZero() && c.Progressing.Updated.Equal(w.Plan.Before)
	switch {
	case c.Progressing.Reason == "ProgressDeadlineExceeded" && !leftover:
		return RolloutStatus{Known: true, Failed: true, Text: "the rollout exceeded its progress deadline"}
	case c.Updated < c.Desired:
		return RolloutStatus{Known: true, Text: fmt.Sprintf("%d of %d new pods are there", c.Updated, c.Desired)}
	case c.Replicas > c.Updated:
		return RolloutStatus{Known: true, Text: fmt.Sprintf("%d old pods still have to end", c.Replicas-c.Updated)}
	case c.Available < c.Updated:
		return RolloutStatus{Known: true, Text: fmt.Sprintf("%d of %d new pods are available", c.Available, c.Updated)}
	}
	return RolloutStatus{Known: true, Done: true, Text: "rolled out"}
}

// template is the hash of what was written: as the server stored it, else as the
// plan has it.
func (w *Write) template() string {
	if h := w.Written.TemplateHash; h != "" {
		return h
	}
	return w.Plan.ToHash
}

// follow watches the rollouts to their end, and their templates until the
// incident is closed.
func (d *decider) follow() {
	if d.s.clusterLost() != "" {
		return
	}
	for _, s := range d.inc().Standing() {
		n, w := s.N, *s.Write
		if w.State != Rolling && w.State != Done {
			continue
		}
		c := d.s.Seen.Component(w.Plan.Component)
		st := Rollout(c, &w)
		switch {
		case !st.Known:
		case st.Reverted:
			by := c.RevisionBy
			if by == "" {
				by = "somebody else"
			}
			d.fact(WriteReverted{N: n, Component: w.Plan.Component, By: by})
			d.fact(AskedFor{What: AskReverted, Text: fmt.Sprintf("%s put another template on %s: it runs revision %d now", by, w.Plan.Component, c.Revision)})
		case w.State == Rolling && st.Done:
			d.fact(RolledOut{N: n, Component: w.Plan.Component})
		}
		limit := d.inc().Settings.Limits.Rollout
		late := d.s.Now.Sub(w.Written.At) >= limit || st.Failed
		if d.write(n, w.Plan.Component).State == Rolling && late && !w.Waited && d.inc().Step >= RollBack && d.inc().Asked == AskNothing {
			d.fact(AskedFor{What: AskDeadline, Text: fmt.Sprintf("%s is not rolled out after %s: %s. It goes on in the cluster.",
				w.Plan.Component, model.Short(d.s.Now.Sub(w.Written.At)), st.Text)})
		}
	}
}

// RolledOut is a rollout's end, as kubectl judges it.
type RolledOut struct {
	N         int    `json:"n"`
	Component string `json:"component"`
}

func (b RolledOut) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.RolledOut = Done, f.At })
	i.AskFrom = f.At
	if a := i.Attempt(); a != nil && !a.Active() {
		i.RolledOut = f.At
		if i.Asked == AskDeadline {
			i.Asked, i.AskText = AskNothing, ""
		}
	}
}

func (b RolledOut) entry() (string, string) { return "outcome", "rolled out: " + b.Component }

// WriteReverted is a template that somebody replaced after we wrote it.
type WriteReverted struct {
	N         int    `json:"n"`
	Component string `json:"component"`
	By        string `json:"by"`
}

func (b WriteReverted) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Err = Reverted, "reverted by "+b.By })
	i.Hold = HoldRecord{}
}

func (b WriteReverted) entry() (string, string) {
	return "bad", fmt.Sprintf("%s was reverted by %s: its template is no longer ours", b.Component, b.By)
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
		case Refused, Failed, Reverted:
			return fmt.Sprintf("%s: %s", w.Plan.Component, w.Err)
		case Pending, Writing, Unsettled:
			return w.Plan.Component + " is not written yet"
		default:
			return w.Plan.Component + " is not rolled out yet"
		}
	}
	return ""
}
