package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
)

// Look tells whether a plan was written, by the running template: the plan's
// target, still the one from before, or neither; by names the manager of what
// is neither.
func (u Undo) Look(ctx context.Context, plan model.Plan) (model.Settled, string, error) {
	w := plan.Workload
	want, err := detail[undoDetail](plan.Detail)
	if err != nil {
		return model.SettledUnknown, "", err
	}
	o, err := u.c.get(ctx, w.Namespace, w.Kind.Resource(), w.Name)
	if apierrors.IsNotFound(err) {
		return model.SettledForeign, "somebody who deleted it", nil
	}
	if err != nil {
		return model.SettledUnknown, "", fmt.Errorf("whether %s was rolled back cannot be seen: %s: %w", w, because(err), err)
	}
	if string(o.Metadata.UID) != want.UID {
		return model.SettledForeign, "somebody who deleted it and made it again", nil
	}
	hash, err := hashOf(o.template())
	if err != nil {
		return model.SettledUnknown, "", err
	}
	by, at := templateOwner(o.Metadata.ManagedFields)
	switch {
	case hash == want.ToHash:
		return model.SettledDone, "", nil
	case hash == want.FromHash:
		return model.SettledNot, "", nil
	case slices.Contains(strings.Split(by, or), Manager):
		return model.SettledDone, "", nil // admission changed the template on its way in
	case by == "":
		return model.SettledForeign, "somebody", nil
	}
	return model.SettledForeign, fmt.Sprintf("%s at %s", by, at.UTC().Format("15:04:05 MST")), nil
}

// Judge tells how far a rollout is after its plan was written, as kubectl rollout
// status does. A ProgressDeadlineExceeded that was there before the write and was
// not updated since is a leftover (kubernetes#49637) and is not believed.
func (u Undo) Judge(c *model.Component, p *model.Plan, r *model.Receipt) model.Progress {
	want, err := detail[undoDetail](p.Detail)
	if err != nil {
		return model.Progress{Text: err.Error()}
	}
	var got undoReceipt
	if len(r.Detail) > 0 { // a write that was settled by looking has no answer
		if got, err = detail[undoReceipt](r.Detail); err != nil {
			return model.Progress{Text: err.Error()}
		}
	}
	template := got.TemplateHash
	if template == "" {
		template = want.ToHash
	}
	switch {
	case c == nil || c.Missing != "":
		return model.Progress{Text: "the workload cannot be seen"}
	case c.Generation < got.Generation:
		return model.Progress{Text: "waiting for the cluster to show the patch"}
	case c.TemplateHash != "" && c.TemplateHash != template:
		return model.Progress{Phase: model.PhaseReverted, By: c.RevisionBy, Text: fmt.Sprintf(
			"%s put another template in place: revision %d runs now", someone(c.RevisionBy), c.Revision)}
	case c.Generation > c.Observed:
		return running("waiting for the controller to see the patch")
	case c.Progressing.Reason == "ProgressDeadlineExceeded" && (want.Before.IsZero() || !c.Progressing.Updated.Equal(want.Before)):
		return model.Progress{Phase: model.PhaseFailed, Text: "the rollout exceeded its progress deadline", Share: share(c)}
	}
	k, known := kinds[c.Workload.Kind]
	if !known {
		return model.Progress{Text: fmt.Sprintf("a %s has no rollout that could be followed", c.Workload.Kind)}
	}
	out := k.progress(c)
	if out.Phase != model.PhaseRunning {
		return out
	}
	out.Share = share(c)
	if c.OnDelete {
		out.Text += ": with OnDelete each pod has to be deleted"
	}
	if stuck := stuckPod(c, p.To.Key); stuck != nil {
		out.Aid = aidFor(stuck)
		out.Text = fmt.Sprintf("pod %s is not ready, and a StatefulSet waits for it instead of replacing it", stuck.Name)
	}
	return out
}

// share returns the part of the desired pods that is new and available.
func share(c *model.Component) float64 {
	if c.Desired == 0 {
		return 0
	}
	new := 0
	for _, p := range c.Pods {
		if p.Ready && !p.Deleting && p.Owner == c.OwnerName {
			new++
		}
	}
	return min(1, float64(new)/float64(c.Desired))
}

func someone(by string) string {
	if by == "" {
		return "somebody else"
	}
	return by
}
