package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// Patch changes an object by a JSON patch, once; again only while the API server is
// overloaded, as it asks. was is the object as the patch was made of it. The answer is the
// object after it. The error is model.ErrChanged (what the patch tests is another value
// now, nothing was written), ErrRefused, ErrReadOnly or ErrLost.
func (a Applier) Patch(ctx context.Context, o model.Object, was, patch json.RawMessage, tell func(model.Progress)) (json.RawMessage, error) {
	c := a.c
	c.writing.Add(1)
	defer c.writing.Add(-1)
	before := &object{}
	if err := json.Unmarshal(was, before); err != nil {
		return nil, model.Told(model.ErrRefused, err, "%s was not changed: it cannot be read", o)
	}
	var body []byte
	err := c.patiently(ctx, tell, func() (err error) {
		if body, err = c.sendJSONPatch(ctx, o, patch, false); err != nil {
			return err
		}
		_, err = answered(body, model.Rehearsed{Manifest: model.Manifest{Object: o}, Live: was})
		return err
	})
	switch {
	case err == nil:
		return body, nil
	case overtaken(err), gone(err, o.Name):
		return nil, model.Told(model.ErrChanged, err, "%s was not changed: %s", o, words(err))
	}
	return nil, c.refusal(o.String(), "changed", err)
}

// TryPatch has the API server try a JSON patch without writing. refused says why it would
// not take it, in its own words.
func (a Applier) TryPatch(ctx context.Context, o model.Object, patch json.RawMessage) (refused string, err error) {
	_, err = a.c.sendJSONPatch(ctx, o, patch, true)
	var st apierrors.APIStatus
	switch {
	case err == nil:
		return "", nil
	case apierrors.IsUnauthorized(err), apierrors.IsTooManyRequests(err), !errors.As(err, &st):
		return "", model.Told(nil, err, "%s", because(err))
	case overtaken(err):
		return "it changed since it was read", nil
	}
	return words(err), nil
}

func (c *Client) sendJSONPatch(ctx context.Context, o model.Object, patch json.RawMessage, dry bool) ([]byte, error) {
	r, err := c.resourceOf(ctx, o)
	if err != nil {
		return nil, notSent{err}
	}
	q := url.Values{"fieldManager": {SwitchManager}}
	w := call{method: http.MethodPatch, path: r.path(o), query: q, body: patch, kind: "application/json-patch+json", want: o.Kind, limit: writeLimit}
	if dry {
		q.Set("dryRun", "All")
		return c.do(ctx, w)
	}
	return c.sendWrite(ctx, w)
}

// Delete deletes an object, once, if it is still what the removal holds on to. One that is
// gone already is no error. The error is model.ErrChanged (it changed, or another one has
// its name), ErrRefused, ErrReadOnly or ErrLost.
func (a Applier) Delete(ctx context.Context, o model.Object, how model.Removal, tell func(model.Progress)) error {
	c := a.c
	c.writing.Add(1)
	defer c.writing.Add(-1)
	r, err := c.resourceOf(ctx, o)
	if err != nil {
		return model.Told(model.ErrRefused, err, "%s was not deleted: %s", o, because(err))
	}
	must, policy := map[string]any{"uid": how.UID}, "Background"
	if how.Version != "" {
		must["resourceVersion"] = how.Version
	}
	if how.Orphan {
		policy = "Orphan"
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": must, "propagationPolicy": policy})
	if err != nil {
		return err
	}
	err = c.patiently(ctx, tell, func() error {
		answer, err := c.sendWrite(ctx, call{method: http.MethodDelete, path: r.path(o), body: body, kind: "application/json", limit: writeLimit})
		if err != nil {
			return err
		}
		return removed(answer, o, how.UID)
	})
	switch {
	case err == nil, gone(err, o.Name):
		return nil
	case apierrors.IsConflict(err) && how.Version != "":
		return model.Told(model.ErrChanged, err, "%s was not deleted: it changed since it was compared: %s", o, words(err))
	case apierrors.IsConflict(err):
		return model.Told(model.ErrChanged, err, "%s was not deleted: it was deleted and made again meanwhile", o)
	}
	return c.refusal(o.String(), "deleted", err)
}

// removed checks that the answer to a deletion is about the object: itself, on its way
// out, or a Status that names it.
func removed(answer []byte, o model.Object, uid string) error {
	var got struct {
		Kind     string
		Status   json.RawMessage // of some objects it is an object
		Metadata struct{ Name, UID string }
		Details  struct{ Name, UID string }
	}
	switch err := json.Unmarshal(answer, &got); {
	case err != nil:
	case got.Kind == o.Kind && got.Metadata.Name == o.Name && got.Metadata.UID == uid:
		return nil
	case got.Kind == "Status" && string(got.Status) == `"Success"` && got.Details.Name == o.Name && (got.Details.UID == "" || got.Details.UID == uid):
		return nil
	}
	return &unreached{err: errForeign, text: "the answer is not about " + o.String()}
}

// Autoscalers returns what sets the number of a workload's replicas by itself: its
// HorizontalPodAutoscalers, and KEDA's ScaledObjects where the cluster has them. An HPA
// that a ScaledObject owns is not among them.
func (a Applier) Autoscalers(ctx context.Context, w model.Workload) (out []model.Autoscaler, err error) {
	for _, kind := range []model.Object{
		{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: w.Namespace},
		{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject", Namespace: w.Namespace},
	} {
		r, err := a.c.resourceOf(ctx, kind)
		if err != nil && r.plural == "" && !unanswered(err) {
			continue // the cluster has no such kind
		}
		if err != nil {
			return out, model.Told(nil, err, "%s", because(err))
		}
		var list struct{ Items []json.RawMessage }
		if err := a.c.listInto(ctx, r.path(model.Object{Namespace: w.Namespace}), nil, &list); err != nil {
			return out, model.Told(nil, err, "%s", because(err))
		}
		for _, raw := range list.Items {
			var o struct {
				Metadata struct {
					Name            string
					OwnerReferences []metav1.OwnerReference
				}
				Spec struct {
					ScaleTargetRef struct{ Kind, Name string }
				}
			}
			if err := json.Unmarshal(raw, &o); err != nil {
				return out, fmt.Errorf("the list of %s cannot be read: %w", r.plural, err)
			}
			ref := o.Spec.ScaleTargetRef
			if ref.Kind == "" { // KEDA's default
				ref.Kind = string(model.Deployment)
			}
			if ref.Kind != string(w.Kind) || ref.Name != w.Name {
				continue
			}
			at := kind
			at.Name = text.Line(o.Metadata.Name)
			if !slices.ContainsFunc(o.Metadata.OwnerReferences, func(x metav1.OwnerReference) bool { return x.Kind == "ScaledObject" }) {
				out = append(out, model.Autoscaler{Object: at, Raw: raw})
			}
		}
	}
	return out, nil
}

// unanswered reports that it is not the cluster that says that it has no such kind.
func unanswered(err error) bool {
	var u *unreached
	var st apierrors.APIStatus
	return errors.As(err, &u) || errors.As(err, &st) || errors.Is(err, model.ErrReadOnly)
}
