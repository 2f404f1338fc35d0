package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Look tells whether a plan was written, by the running template: the plan's
// target, the one from before, or neither. A template that is neither is ours where
// admission changed it on its way in, and another rollbook's where it is that of an
// earlier revision.
func (u Undo) Look(ctx context.Context, plan model.Plan) (model.Looked, error) {
	w := plan.Workload
	want, err := detail[undoDetail](plan.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	unseen := func(err error) (model.Looked, error) {
		return model.Looked{}, model.Told(nil, err, "whether %s was rolled back cannot be seen: %s", w, because(err))
	}
	o, err := u.c.get(ctx, w.Namespace, w.Kind.Resource(), w.Name)
	if gone(err, w.Name) {
		return model.Looked{State: model.SettledForeign, By: "somebody who deleted it"}, nil
	}
	if err != nil {
		return unseen(err)
	}
	if string(o.Metadata.UID) != want.UID {
		return model.Looked{State: model.SettledForeign, By: "somebody who deleted it and made it again"}, nil
	}
	hash, err := hashOf(o.template())
	if err != nil {
		return model.Looked{}, err
	}
	manager, at := templateOwner(o.Metadata.ManagedFields)
	ours := manager == "" || slices.Contains(strings.Split(manager, or), Manager) // "" = somebody cleared who wrote what
	by, doer := fmt.Sprintf("%s at %s", manager, at.UTC().Format("15:04:05 MST")), ""
	switch {
	case hash == want.FromHash:
		return model.Looked{State: model.SettledNot}, nil
	case hash == want.ToHash && !ours:
		doer = by
	case hash == want.ToHash:
	case manager == "":
		return model.Looked{State: model.SettledForeign, By: "somebody"}, nil
	case !ours:
		return model.Looked{State: model.SettledForeign, By: by}, nil
	default:
		_, revs, err := u.c.read(ctx, w)
		if err != nil {
			return unseen(err)
		}
		// Times have whole seconds.
		if r := runningOf(o, revs); r != nil && r.Metadata.CreationTimestamp.Time.Before(at.Add(-time.Second)) {
			return model.Looked{State: model.SettledForeign, By: "another " + by}, nil
		}
	}
	// Also of somebody else's write: Judge waits until the board has seen as much.
	out := undoReceipt{ResourceVersion: o.Metadata.ResourceVersion, Generation: o.Metadata.Generation, TemplateHash: hash}
	r, err := out.receipt(u.c.now())
	return model.Looked{State: model.SettledDone, By: doer, Receipt: &r}, err
}

// Judge tells how far a rollout is after its plan was written, as kubectl rollout
// status does.
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
	template, owner := want.ToHash, p.To.Key
	if got.TemplateHash != "" && got.TemplateHash != template { // admission made another one of it
		template, owner = got.TemplateHash, ""
		if c != nil && c.TemplateHash == template && c.Observed >= got.Generation {
			owner = c.OwnerName
		}
	}
	switch {
	case c != nil && c.Missing == model.NotFound:
		return model.Progress{Phase: model.PhaseReverted, Text: p.Workload.String() + " was deleted"}
	case c != nil && c.UID != "" && want.UID != "" && c.UID != want.UID:
		return model.Progress{Phase: model.PhaseReverted, Text: p.Workload.String() + " was deleted and made again"}
	case c == nil || c.Missing != "":
		return model.Progress{Text: "the workload cannot be seen"}
	case c.Generation < got.Generation:
		return model.Progress{Text: "waiting for the cluster to show the patch"}
	case c.TemplateHash != "" && c.TemplateHash != template:
		return model.Progress{Phase: model.PhaseReverted, By: c.RevisionBy, Text: fmt.Sprintf(
			"%s put another template in place: revision %d runs now", someone(c.RevisionBy), c.Revision)}
	case c.Generation > c.Observed:
		out := running("waiting for the controller to see the patch")
		out.Owner = owner
		return out
	}
	return Rollout(c, owner, want.Before)
}

// Rollout tells how far the rollout to an owner's pods is, once the controller has seen
// the template, as kubectl rollout status does. A ProgressDeadlineExceeded that was there
// before the write (before) and was not updated since is a leftover (kubernetes#49637)
// and is not believed.
func Rollout(c *model.Component, owner string, before time.Time) model.Progress {
	if c.Progressing.Reason == "ProgressDeadlineExceeded" && (before.IsZero() || !c.Progressing.Updated.Equal(before)) {
		return model.Progress{Phase: model.PhaseFailed, Text: "the rollout exceeded its progress deadline", Share: share(c, owner), Owner: owner}
	}
	k, known := kinds[c.Workload.Kind]
	if !known {
		return model.Progress{Text: fmt.Sprintf("a %s has no rollout that could be followed", c.Workload.Kind)}
	}
	out := k.progress(c)
	out.Owner = owner
	if out.Phase != model.PhaseRunning {
		return out
	}
	out.Share = share(c, owner)
	if c.OnDelete {
		out.Text += ": with OnDelete each pod has to be deleted"
	}
	if stuck := stuckPod(c, owner); stuck != nil && owner != "" {
		out.Aid = aidFor(stuck)
		out.Text = fmt.Sprintf("pod %s is not ready, and a StatefulSet waits for it instead of replacing it", stuck.Name)
	}
	return out
}

// share returns the part of the desired pods that is new and available. The plan
// tells which are new: which revision is the newest the board knows only when the
// controller has taken the write up.
func share(c *model.Component, to string) float64 {
	if c.Desired == 0 {
		return 0
	}
	new := 0
	for _, p := range c.Pods {
		if p.Ready && !p.Deleting && p.Owner == to {
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
