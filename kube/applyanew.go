package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"rollbook/model"
	"rollbook/text"
)

// Some fields never change. Where an apply would change one, the object can only be deleted
// and made anew: rollbook does that with a few kinds, of which it is known what goes with
// them, and with none that holds other things or data.

// immutable reports whether a write was refused because a field cannot be changed. Not
// every kind says so in the same words.
func immutable(err error) bool {
	said := strings.ToLower(err.Error())
	return apierrors.IsInvalid(err) && slices.ContainsFunc([]string{"immutable", "may not change once set", "updates to statefulset spec for fields other than"},
		func(words string) bool { return strings.Contains(said, words) })
}

const podsEnd = "its pods end at once, without a rollout, and none serves until new ones are ready; its earlier revisions are lost, no undo goes back to them"

// remade are the kinds that are deleted and made anew, and what that costs.
var remade = map[string]string{
	"apps/v1 Deployment":  podsEnd,
	"apps/v1 DaemonSet":   podsEnd,
	"apps/v1 StatefulSet": podsEnd + "; its volume claims stay",
	"batch/v1 Job":        "its pods end and their logs are lost, and it runs once more from its beginning, also what it has done already",
	"v1 Service":          "nothing reaches it for a moment, connections to it may break, and it gets another cluster IP unless the manifest names one",
	"v1 ConfigMap":        "a pod that starts in the moment between waits for it",
	"v1 Secret":           "a pod that starts in the moment between waits for it",
}

// rehearseAnew finds out whether an object that cannot be changed may be deleted and made
// anew. That the API server takes it is tried by a dry run under another name, before
// anything is deleted.
func (c *Client) rehearseAnew(ctx context.Context, r *rehearsing, live *object) error {
	r.Anew = &model.Anew{}
	if r.Anew.Costs, r.Anew.Orphan, r.Anew.Never = remaking(&r.Manifest, live); r.Anew.Never != "" {
		return nil
	}
	r.Conflicts, r.Left, r.Adopts = nil, nil, nil // it will be the manager's own
	var err error
	if r.Raw, err = withReplicas(r.Raw, r.Scaler+r.ScalerErr != "", live); err != nil {
		return err
	}
	m := r.Manifest
	m.Name, m.Version, m.UID, m.Force = "anew-"+model.Digest(m.Object)[:12], "", "", false
	body, err := c.sendApply(ctx, m, true)
	if err != nil {
		r.Anew.Never = "whether the API server takes it anew is not known: " + because(err)
		return nil
	}
	v, err := tree(body)
	if err != nil {
		return fmt.Errorf("the dry run of %s cannot be read: %w", r.Object, err)
	}
	o := object2(v)
	if meta := object2(o["metadata"]); meta != nil {
		meta["name"] = r.Name
	}
	if r.After, err = json.Marshal(o); err != nil {
		return err
	}
	after := &object{}
	if err := json.Unmarshal(r.After, after); err != nil {
		return fmt.Errorf("the dry run of %s cannot be read: %w", r.Object, err)
	}
	if t := after.template(); t != nil {
		r.Template, _ = hashOf(t)
	}
	changes, err := changesOfObject(r.Object, live, after, r.Live, r.After)
	r.Changes = append([]model.Change{{Kind: "object", What: r.Object.String(), From: "there", To: "deleted and made anew"}}, changes...)
	return err
}

// remaking says what deleting an object and making it anew costs, whether its pods stay
// and are taken over, and why it is never done.
func remaking(m *model.Manifest, live *object) (costs string, orphan bool, never string) {
	costs, is := remade[m.APIVersion+" "+m.Kind]
	meta := &live.Metadata
	owner := metav1.GetControllerOfNoCopy(meta)
	switch {
	case !is:
		return "", false, "rollbook never deletes a " + m.Kind
	case meta.DeletionTimestamp != nil:
		return "", false, "it is being deleted already"
	case len(meta.Finalizers) > 0:
		return "", false, "it would not be gone before its finalizers are done: " + text.Line(strings.Join(meta.Finalizers, ", "))
	case slices.ContainsFunc(slices.Concat(slices.Collect(maps.Keys(meta.Labels)), slices.Collect(maps.Keys(meta.Annotations))), ofRollbook):
		return "", false, "rollbook has switched something off on it, which would be forgotten: put that back first"
	case owner != nil:
		return "", false, fmt.Sprintf("it belongs to %s/%s, which makes it anew by itself", strings.ToLower(text.Line(owner.Kind)), text.Line(owner.Name))
	case m.Kind == "Service" && string(live.Spec["type"]) == `"LoadBalancer"`:
		return "", false, "its load balancer may get another address"
	case m.Kind != string(model.StatefulSet):
		return costs, false, ""
	case adopts(m, live):
		return "its pods stay and are taken over by the new one, which replaces them one after the other where its template is another", true, ""
	}
	var keep struct{ WhenDeleted string }
	_ = json.Unmarshal(live.Spec["persistentVolumeClaimRetentionPolicy"], &keep) // without one they stay
	if keep.WhenDeleted == "Delete" {
		return "", false, "its volumes would be deleted with it"
	}
	return costs, false, ""
}

// ofRollbook reports whether a label or an annotation keeps what rollbook has switched off.
func ofRollbook(key string) bool { return strings.HasPrefix(key, "rollbook/") }

// adopts reports whether the pods of an object are found by the selector of the one that is
// made in its place.
func adopts(m *model.Manifest, live *object) bool {
	var sent struct {
		Spec struct{ Selector *metav1.LabelSelector }
	}
	var template struct{ Metadata struct{ Labels labels.Set } }
	if json.Unmarshal(m.Raw, &sent) != nil || json.Unmarshal(live.template(), &template) != nil || sent.Spec.Selector == nil {
		return false
	}
	s, err := metav1.LabelSelectorAsSelector(sent.Spec.Selector)
	return err == nil && !s.Empty() && s.Matches(template.Metadata.Labels)
}

// withReplicas returns a manifest with as many replicas as the object has now, where others
// decide on them.
func withReplicas(raw json.RawMessage, others bool, live *object) (json.RawMessage, error) {
	now, has := live.Spec["replicas"]
	if !others || !has {
		return raw, nil
	}
	var whole, spec map[string]json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(whole["spec"], &spec); err != nil {
		return nil, err
	}
	spec = maps.Clone(spec)
	spec["replicas"] = now
	var err error
	if whole["spec"], err = json.Marshal(spec); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}
