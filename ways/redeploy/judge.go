package redeploy

import (
	"cmp"
	"fmt"

	"rollbook/model"
	"rollbook/ways"
)

// Judge tells how far the rollout of the workload is. Where not all objects were applied,
// it does not get on by itself.
func (r Redeploy) Judge(c *model.Component, p *model.Plan, receipt *model.Receipt) model.Progress {
	want, err := ways.Detail[detail](p.Detail)
	if err != nil {
		return model.Progress{Text: err.Error()}
	}
	var got applied
	if len(receipt.Detail) > 0 { // a write that was settled by looking may have no answer
		if got, err = ways.Detail[applied](receipt.Detail); err != nil {
			return model.Progress{Text: err.Error()}
		}
	}
	if len(got.Left) > 0 {
		return model.Progress{Phase: model.PhaseFailed, Left: true, Share: float64(len(got.Done)) / float64(len(got.Done)+len(got.Left)), Text: fmt.Sprintf(
			"stopped after %d of %d objects: %s%s; left: %s", len(got.Done), len(got.Done)+len(got.Left), got.Stopped, got.between(), some(got.Left))}
	}
	template := cmp.Or(got.Template, want.Template)
	switch {
	case got.UID != "" && c != nil && c.UID != got.UID && c.Missing == "", got.UID != "" && c != nil && c.Missing == model.NotFound:
		return model.Progress{Text: "waiting for the cluster to show the new " + p.Workload.String()}
	case c != nil && c.Missing == model.NotFound:
		return model.Progress{Phase: model.PhaseReverted, Text: p.Workload.String() + " was deleted"}
	case c == nil || c.Missing != "":
		return model.Progress{Text: "the workload cannot be seen"}
	case c.Generation < got.Generation:
		return model.Progress{Text: "waiting for the cluster to show what was applied"}
	case template != "" && c.TemplateHash != "" && c.TemplateHash != template:
		return model.Progress{Phase: model.PhaseReverted, By: c.RevisionBy, Text: fmt.Sprintf(
			"%s put another template in place: revision %d runs now", cmp.Or(c.RevisionBy, "somebody else"), c.Revision)}
	case c.Generation > c.Observed:
		return model.Progress{Phase: model.PhaseRunning, Text: "waiting for the controller to see what was applied"}
	}
	return r.Rollout(c, c.OwnerName, want.Before)
}
