package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"rollbook/model"
	"rollbook/text"
)

// Applier reads and applies objects of any kind, for methods that write more than a
// workload.
type Applier struct{ c *Client }

// NewApplier returns what a cluster's objects are read and applied by.
func NewApplier(c *Client) Applier { return Applier{c} }

// Kubectl returns the kubectl command that does something in a namespace.
func (a Applier) Kubectl(namespace, what string) string { return a.c.KubectlIn(namespace, what) }

// Namespaced reports whether objects of a kind are in a namespace. The error is for a
// kind that the cluster does not have, too.
func (a Applier) Namespaced(ctx context.Context, o model.Object) (bool, error) {
	r, err := a.c.resourceOf(ctx, o)
	return r.namespaced, err
}

// May reports whether the user may do something with an object.
func (a Applier) May(ctx context.Context, verb string, o model.Object) (bool, error) {
	r, err := a.c.resourceOf(ctx, o)
	if err != nil {
		return false, err
	}
	group, _ := groupOf(o)
	return a.c.review(ctx, o.Namespace, verb, group, r.plural, o.Name)
}

// Read returns an object as it is, and who wrote it last; nil when it is not there.
func (a Applier) Read(ctx context.Context, o model.Object) (raw json.RawMessage, writer string, err error) {
	live, raw, err := a.c.readObject(ctx, o)
	if err != nil {
		return nil, "", model.Told(nil, err, "%s", because(err))
	}
	if live == nil {
		return nil, "", nil
	}
	return raw, byWhom(nil, live), nil
}

// readObject reads an object of any kind; nil when it is not there.
func (c *Client) readObject(ctx context.Context, o model.Object) (*object, json.RawMessage, error) {
	r, err := c.resourceOf(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	raw, err := c.do(ctx, call{method: http.MethodGet, path: r.path(o), want: o.Kind})
	if gone(err, o.Name) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	live := &object{}
	if err := json.Unmarshal(raw, live); err != nil {
		return nil, nil, fmt.Errorf("%s cannot be read: %w", o, err)
	}
	if m := &live.Metadata; m.Name != o.Name || m.Namespace != o.Namespace || m.UID == "" {
		return nil, nil, &unreached{err: errForeign, text: fmt.Sprintf("the answer is not %s", o)}
	}
	return live, raw, nil
}

// rehearsing is a dry run under way.
type rehearsing struct {
	model.Rehearsed
	clients sets.Set[string] // managers of kubectl apply without --server-side
	said    []byte           // what it says that it applied last
}

// Rehearse reads an object and has the API server try the apply without writing. Where
// fields belong to others, it tries with force too, and tells whose they are.
func (a Applier) Rehearse(ctx context.Context, m model.Manifest) (model.Rehearsed, error) {
	r := rehearsing{Rehearsed: model.Rehearsed{Manifest: m}}
	err := a.c.rehearse(ctx, &r)
	return r.Rehearsed, err
}

func (c *Client) rehearse(ctx context.Context, r *rehearsing) error {
	live, raw, err := c.readObject(ctx, r.Object)
	if err != nil {
		return model.Told(nil, err, "%s cannot be read: %s", r.Object, because(err))
	}
	if live != nil {
		r.Live, r.Version, r.UID = raw, live.Metadata.ResourceVersion, string(live.Metadata.UID)
		r.Before, r.Writer = live.progressing(), byWhom(nil, live)
		if err := c.leaveReplicas(ctx, &r.Rehearsed, live); err != nil {
			return err
		}
		if err := r.adopt(live); err != nil {
			return err
		}
	}
	body, err := c.sendApply(ctx, r.Manifest, true)
	if owned := conflicts(err); len(owned) > 0 {
		r.Conflicts = slices.DeleteFunc(owned, func(o model.Owned) bool { return r.clients.Has(o.Manager) && strings.Contains(o.Field, annLastApplied) })
		forced := r.Manifest
		forced.Force = true
		body, err = c.sendApply(ctx, forced, true)
	}
	var st apierrors.APIStatus
	switch {
	case err == nil:
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), apierrors.IsTooManyRequests(err), !errors.As(err, &st):
		return model.Told(nil, err, "what the API server makes of %s is not known (dry run): %s", r.Object, because(err))
	default:
		r.Refused = words(err)
		if r.Immutable = live != nil && immutable(err); r.Immutable {
			return c.rehearseAnew(ctx, r, live)
		}
		return nil
	}
	after := &object{}
	if err = json.Unmarshal(body, after); err == nil {
		r.Left = slices.DeleteFunc(leftover(after.Metadata.ManagedFields, r.Manager), func(o model.Owned) bool { return len(r.Adopts) > 0 && r.clients.Has(o.Manager) })
		if body, err = r.drop(after, body); err == nil {
			after = &object{}
			err = json.Unmarshal(body, after)
		}
	}
	if err != nil {
		return model.Told(nil, err, "the dry run of %s cannot be read: %s", r.Object, words(err))
	}
	r.After = body
	if t := after.template(); t != nil {
		r.Template, _ = hashOf(t) // what has no pod template has no hash
	}
	r.Changes, err = changesOfObject(r.Object, live, after, raw, body)
	return err
}

// leaveReplicas takes spec.replicas out of what is applied, where an autoscaler decides
// on it, where that cannot be known, or where a mark says that it is scaled down for a time. Where the manager set it before, leaving it out
// would put it back to one: then it is what it is now.
func (c *Client) leaveReplicas(ctx context.Context, r *model.Rehearsed, live *object) error {
	now, has := live.Spec["replicas"]
	if !has {
		return nil
	}
	var o struct{ Spec map[string]json.RawMessage }
	_ = json.Unmarshal(r.Raw, &o) // what is no object is refused by the API server, in its words
	if o.Spec["replicas"] == nil {
		return nil
	}
	r.Stopped = model.MarkOf(model.MethodScale, live.Metadata.Labels, live.Metadata.Annotations) != nil
	var err error
	if r.Scaler, err = c.scalerOf(ctx, r.Object); err != nil {
		r.ScalerErr = because(err)
	}
	if r.Scaler == "" && r.ScalerErr == "" && !r.Stopped {
		return nil
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(r.Raw, &whole); err != nil {
		return fmt.Errorf("%s cannot be read: %w", r.Object, err)
	}
	delete(o.Spec, "replicas")
	if owns(live.Metadata.ManagedFields, r.Manager, "spec", "replicas") {
		o.Spec["replicas"] = now
	}
	if whole["spec"], err = json.Marshal(o.Spec); err == nil {
		r.Raw, err = json.Marshal(whole)
	}
	return err
}

// scalerOf returns the name of the autoscaler that decides how many replicas an object
// has; "" = none does.
func (c *Client) scalerOf(ctx context.Context, o model.Object) (string, error) {
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct {
				ScaleTargetRef struct{ Kind, Name string }
			}
		}
	}
	err := c.listInto(ctx, objectPath("/apis/autoscaling/v2", o.Namespace, "horizontalpodautoscalers", ""), nil, &list)
	if err != nil && !apierrors.IsNotFound(err) {
		return "", err
	}
	for _, h := range list.Items {
		if r := h.Spec.ScaleTargetRef; r.Kind == o.Kind && r.Name == o.Name {
			return text.Line(h.Metadata.Name), nil
		}
	}
	return "", nil
}

// Apply writes an object by a server-side apply, once; again only while the API server
// is overloaded, as it asks. The error is model.ErrChanged (it is not what was rehearsed
// any more, nothing was written), ErrRefused, ErrReadOnly or ErrLost.
func (a Applier) Apply(ctx context.Context, r model.Rehearsed, tell func(model.Progress)) (model.AppliedObject, error) {
	c, m := a.c, r.Manifest
	c.writing.Add(1)
	defer c.writing.Add(-1)
	var out model.AppliedObject
	err := c.patiently(ctx, tell, func() error {
		body, err := c.sendApply(ctx, m, false)
		if err != nil {
			return err
		}
		out, err = answered(body, r)
		return err
	})
	switch {
	case err == nil:
		return out, nil
	case apierrors.IsConflict(err), gone(err, m.Name):
		return out, model.Told(model.ErrChanged, err, "%s was not applied: %s", m.Object, words(err))
	}
	return out, c.refusal(m.Object.String(), "applied", err)
}

// answered checks that the answer to an apply is the object as it was written.
func answered(body []byte, r model.Rehearsed) (model.AppliedObject, error) {
	foreign := func(what string) (model.AppliedObject, error) {
		return model.AppliedObject{}, &unreached{err: errForeign, text: "the answer is " + what}
	}
	o, live := &object{}, &object{}
	if err := json.Unmarshal(body, o); err != nil {
		return foreign("something that cannot be read")
	}
	if r.Live != nil {
		if err := json.Unmarshal(r.Live, live); err != nil {
			return model.AppliedObject{}, err
		}
	}
	m := &o.Metadata
	switch {
	case m.Name != r.Name || m.Namespace != r.Namespace:
		return foreign("about " + text.Line(m.Namespace+"/"+m.Name))
	case r.Live != nil && m.UID != live.Metadata.UID:
		return foreign("about another " + r.Kind + " of that name")
	case m.UID == "" || m.ResourceVersion == "":
		return foreign("without a uid or a resourceVersion")
	case r.Live != nil && m.ResourceVersion == live.Metadata.ResourceVersion:
		return foreign("as it was before the write")
	}
	out := model.AppliedObject{Version: m.ResourceVersion, UID: string(m.UID), Generation: m.Generation}
	if t := o.template(); t != nil {
		out.Template, _ = hashOf(t)
	}
	return out, nil
}

// sendApply sends a server-side apply, or a dry run of one.
func (c *Client) sendApply(ctx context.Context, m model.Manifest, dry bool) ([]byte, error) {
	r, err := c.resourceOf(ctx, m.Object)
	if err != nil {
		return nil, notSent{err}
	}
	if dry {
		m.Version = "" // the status moves while it is asked
	}
	body, err := asSent(m)
	if err != nil {
		return nil, notSent{err}
	}
	q := url.Values{"fieldManager": {m.Manager}}
	if m.Force {
		q.Set("force", "true")
	}
	w := call{method: http.MethodPatch, path: r.path(m.Object), query: q, body: body, kind: "application/apply-patch+yaml", want: m.Kind, limit: writeLimit}
	if dry {
		q.Set("dryRun", "All")
		return c.do(ctx, w)
	}
	return c.sendWrite(ctx, w)
}

// asSent returns a manifest with what names the object, and with the resourceVersion
// that it must have.
func asSent(m model.Manifest) ([]byte, error) {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(m.Raw, &o); err != nil {
		return nil, fmt.Errorf("%s is no object: %w", m.Object, err)
	}
	meta := map[string]json.RawMessage{}
	_ = json.Unmarshal(o["metadata"], &meta) // without one there is a name all the same
	set := func(key, value string) {
		if delete(meta, key); value != "" {
			meta[key], _ = json.Marshal(value)
		}
	}
	set("name", m.Name)
	set("namespace", m.Namespace)
	set("resourceVersion", m.Version)
	set("uid", m.UID)
	for _, key := range []string{"managedFields", "generation", "creationTimestamp"} {
		delete(meta, key)
	}
	delete(o, "status")
	var err error
	if o["metadata"], err = json.Marshal(meta); err != nil {
		return nil, err
	}
	return json.Marshal(o)
}

// byManager finds the manager in the words of a conflict: conflict with "kubectl" using
// apps/v1.
var byManager = text.Pattern(`^conflict with "((?:[^"\\]|\\.)*)"`)

// conflicts returns the fields of others that an apply was refused for.
func conflicts(err error) (out []model.Owned) {
	var st apierrors.APIStatus
	if !apierrors.IsConflict(err) || !errors.As(err, &st) || st.Status().Details == nil {
		return nil
	}
	for _, c := range st.Status().Details.Causes {
		if c.Type != metav1.CauseTypeFieldManagerConflict {
			continue
		}
		who := "somebody"
		if found := byManager().FindStringSubmatch(c.Message); found != nil {
			who = text.Line(found[1])
		}
		out = append(out, model.Owned{Manager: who, Field: text.Line(c.Field)})
	}
	slices.SortFunc(out, func(a, b model.Owned) int { return strings.Compare(a.Manager+"\x00"+a.Field, b.Manager+"\x00"+b.Field) })
	return out
}

// apiResource names the objects of a kind in the API.
type apiResource struct {
	plural     string
	namespaced bool
	group      string // path of the group and its version
}

func (r *apiResource) path(o model.Object) string {
	if !r.namespaced {
		return objectPath(r.group, "", r.plural, o.Name)
	}
	return objectPath(r.group, o.Namespace, r.plural, o.Name)
}

func groupOf(o model.Object) (group, path string) {
	if group, _, ok := strings.Cut(o.APIVersion, "/"); ok {
		return group, "/apis/" + o.APIVersion
	}
	return "", "/api/" + o.APIVersion
}

// resourceOf looks up what the API calls the objects of a kind.
func (c *Client) resourceOf(ctx context.Context, o model.Object) (*apiResource, error) {
	key := o.APIVersion + " " + o.Kind
	if r, ok := c.resources.Load(key); ok {
		return r.(*apiResource), nil
	}
	_, path := groupOf(o)
	body, err := c.do(ctx, call{method: http.MethodGet, path: path, want: "APIResourceList"})
	if apierrors.IsNotFound(err) {
		return &apiResource{}, fmt.Errorf("the cluster does not have %s", text.Line(o.APIVersion))
	}
	if err != nil {
		return &apiResource{}, err
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(body, &list); err != nil {
		return &apiResource{}, err
	}
	for _, r := range list.APIResources {
		if r.Kind == o.Kind && !strings.Contains(r.Name, "/") {
			found := &apiResource{plural: r.Name, namespaced: r.Namespaced, group: path}
			c.resources.Store(key, found)
			return found, nil
		}
	}
	return &apiResource{}, fmt.Errorf("the cluster has no %s in %s", text.Line(o.Kind), text.Line(o.APIVersion))
}
