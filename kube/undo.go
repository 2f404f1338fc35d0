package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// How often, and for how long, a write is tried again because the object's
// resourceVersion had moved between the read and the write.
const (
	undoTries  = 5
	undoWithin = 2 * time.Second
)

// Undo writes the plan, if the workload is still what the plan was made of: it
// reads everything again, makes the plan again, and writes only when that comes
// out equal. The patch is sent once for each resourceVersion, and never again
// without a clear "no" from the API server.
//
// The error is ErrChanged, ErrRefused or ErrReadOnly (nothing was written), or
// ErrLost (nobody knows; Look tells), with the details in its words.
func (c *Client) Undo(ctx context.Context, plan model.Plan) (model.Written, error) {
	if c.readOnly {
		return model.Written{}, say(model.ErrReadOnly, nil, "%s was not rolled back: rollbook runs read-only", plan.Workload)
	}
	c.writing.Add(1)
	defer c.writing.Add(-1)
	begun := c.now()
	var err error
	for reads := range undoTries {
		var p *planned
		if p, err = c.again(ctx, plan); err != nil {
			return model.Written{}, err
		}
		if p.Same {
			return model.Written{}, say(model.ErrRefused, nil, "skipped rollback (current template already matches revision %d)", plan.To)
		}
		var out *model.Written
		if out, err = c.patch(ctx, p); err == nil {
			out.Reads = reads
			return *out, nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsTooManyRequests(err) {
			return model.Written{}, c.refusal(plan, err)
		}
		if c.now().Sub(begun) > undoWithin || ctx.Err() != nil {
			break
		}
	}
	return model.Written{}, say(model.ErrRefused, err, "%s was not rolled back: it was written to by others faster than it could be read (%s): try again", plan.Workload, words(err))
}

// again reads the Deployment and the ReplicaSet anew and makes the plan of
// them; the error is ErrChanged when it is not the plan that was confirmed.
func (c *Client) again(ctx context.Context, plan model.Plan) (*planned, error) {
	var d, rs *object
	var errD, errRS error
	var wg sync.WaitGroup
	wg.Go(func() { d, errD = c.get(ctx, plan.Workload.Namespace, "deployments", plan.Workload.Name) })
	wg.Go(func() { rs, errRS = c.get(ctx, plan.Workload.Namespace, "replicasets", plan.Owner) })
	wg.Wait()
	switch {
	case apierrors.IsNotFound(errD):
		return nil, say(model.ErrChanged, errD, "%s is gone: it was deleted", plan.Workload)
	case errD != nil:
		return nil, say(model.ErrRefused, errD, "%s was not rolled back: it could not be read again before the write: %s", plan.Workload, because(errD))
	case apierrors.IsNotFound(errRS):
		return nil, say(model.ErrChanged, errRS, "revision %d of %s is gone: replicaset %s was deleted", plan.To, plan.Workload, plan.Owner)
	case errRS != nil:
		return nil, say(model.ErrRefused, errRS, "%s was not rolled back: revision %d could not be read again before the write: %s", plan.Workload, plan.To, because(errRS))
	}
	p, err := makePlan(plan.Component, d, rs)
	if err != nil {
		return nil, say(model.ErrRefused, err, "%s was not rolled back: %s", plan.Workload, words(err))
	}
	if why := c.differs(&plan, p); why != "" {
		return nil, say(model.ErrChanged, nil, "%s", why)
	}
	return p, nil
}

// differs says what is no longer as it was confirmed; "" when all is. From is
// not compared: the controller writes that number a moment after the template.
func (c *Client) differs(plan *model.Plan, p *planned) string {
	w, old := plan.Workload.String(), c.plans.get(plan.ID)
	switch {
	case p.UID != plan.UID:
		return w + " was deleted and made again since it was confirmed"
	case p.To != plan.To:
		return fmt.Sprintf("revision %d of %s is revision %d now: it was rolled back to by %s", plan.To, w, p.To, byWhom(old, p.deployment))
	case p.Guard != plan.Guard || p.FromHash != plan.FromHash || p.Unpause != plan.Unpause:
		return fmt.Sprintf("%s changed since it was confirmed: %s by %s", w, whatChanged(old, p.deployment), byWhom(old, p.deployment))
	case p.ToHash != plan.ToHash || p.Patch != plan.Patch || p.Owner != plan.Owner:
		return fmt.Sprintf("revision %d of %s changed since it was confirmed: replicaset %s was written by %s", plan.To, w, text.Line(p.Owner), byWhom(nil, p.target))
	}
	return ""
}

// byWhom names the last writer of an object, of those since an older read when
// there is one.
func byWhom(old, o *object) string {
	who, at := "", time.Time{}
	if old != nil {
		who, at = lastWrite(newWrites(old.Metadata.ManagedFields, o.Metadata.ManagedFields))
	}
	if who == "" {
		who, at = lastWrite(o.Metadata.ManagedFields)
	}
	if who == "" {
		return "somebody"
	}
	return fmt.Sprintf("%s at %s", who, at.UTC().Format("15:04:05 MST"))
}

// whatChanged names the fields that differ between two reads of a Deployment,
// values only where they are known not to be secret.
func whatChanged(old, now *object) string {
	if old == nil {
		return "its spec or its annotations,"
	}
	var parts []string
	if changes, err := diff(old.template(), now.template()); err == nil {
		for _, ch := range changes {
			s := strings.TrimSpace(ch.Kind + " " + ch.What)
			if ch.Kind == "image" {
				s = strings.TrimSpace("image "+ch.What) + " " + ch.From + " → " + ch.To
			}
			parts = append(parts, s)
		}
	}
	keys := map[string]bool{}
	for _, o := range []*object{old, now} {
		for k := range o.Spec {
			keys[k] = true
		}
	}
	for k := range keys {
		if k != "template" && k != "replicas" && string(old.Spec[k]) != string(now.Spec[k]) {
			parts = append(parts, "spec."+text.Line(k))
		}
	}
	a, b := withoutController(old.Metadata.Annotations), withoutController(now.Metadata.Annotations)
	for k := range a {
		if v, ok := b[k]; !ok || v != a[k] {
			parts = append(parts, "annotation "+text.Line(k))
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			parts = append(parts, "annotation "+text.Line(k))
		}
	}
	slices.Sort(parts)
	if len(parts) > 4 {
		parts = append(parts[:4], fmt.Sprintf("and %d more", len(parts)-4))
	}
	if len(parts) == 0 {
		return "its spec"
	}
	return strings.Join(parts, ", ")
}

// patch sends the write, once.
func (c *Client) patch(ctx context.Context, p *planned) (*model.Written, error) {
	answer, err := c.sendPatch(ctx, p, nil)
	if err != nil {
		return nil, err
	}
	o := &object{}
	if err := json.Unmarshal(answer, o); err != nil {
		return nil, &unreached{err: err, text: "the API server's answer could not be read"}
	}
	w := &model.Written{ResourceVersion: o.Metadata.ResourceVersion, Generation: o.Metadata.Generation, At: c.now()}
	w.TemplateHash, _ = hashOf(o.template()) // the write is done all the same
	return w, nil
}

// notSent marks a transport error of a request of which not a byte left.
type notSent struct{ error }

func (n notSent) Unwrap() error { return n.error }

func (c *Client) sendPatch(ctx context.Context, p *planned, query url.Values) ([]byte, error) {
	body, err := p.body()
	if err != nil {
		return nil, notSent{err}
	}
	q := url.Values{"fieldManager": {Manager}}
	for k, v := range query {
		q[k] = v
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	answer, err := c.do(ctx, call{method: http.MethodPatch, path: workloadPath(p.Workload), query: q,
		body: body, kind: "application/json-patch+json", limit: writeLimit})
	var u *unreached
	if errors.As(err, &u) && !connected.Load() {
		return nil, notSent{err}
	}
	return answer, err
}

// refusal sorts a failed write: a clear "no" and a request that never left are
// ErrRefused; after anything else it may have been written.
func (c *Client) refusal(plan model.Plan, err error) error {
	var u *unreached
	var not notSent
	var st apierrors.APIStatus
	switch {
	case errors.Is(err, model.ErrReadOnly):
		return say(model.ErrReadOnly, err, "%s was not rolled back: rollbook runs read-only", plan.Workload)
	case errors.As(err, &not):
		return say(model.ErrRefused, err, "%s was not rolled back, the request never left: %s", plan.Workload, words(not.error))
	case errors.As(err, &u):
		return say(model.ErrLost, err, "the write to %s had no answer: %s: it may or may not have been done", plan.Workload, u.text)
	case errors.As(err, &st) && st.Status().Code >= 500 && !byWebhook(st.Status().Message):
		return say(model.ErrLost, err, "the write to %s ended in an error of the server: %s: it may or may not have been done", plan.Workload, words(err))
	}
	return say(model.ErrRefused, err, "%s was not rolled back: %s", plan.Workload, because(err))
}

// byWebhook recognises the 500 that stands for "admission could not be asked":
// then nothing was written.
func byWebhook(message string) bool {
	return strings.Contains(message, "failed calling webhook") || strings.Contains(message, "admission webhook")
}

// Look tells whether a plan was written, by the running template: the plan's
// target, still the one from before, or neither; by names the manager of what
// is neither.
func (c *Client) Look(ctx context.Context, plan model.Plan) (model.SettledState, string, error) {
	d, err := c.get(ctx, plan.Workload.Namespace, plan.Workload.Kind.Resource(), plan.Workload.Name)
	if apierrors.IsNotFound(err) {
		return model.SettledForeign, "somebody who deleted it", nil
	}
	if err != nil {
		return model.SettledUnknown, "", fmt.Errorf("whether %s was rolled back cannot be seen: %s: %w", plan.Workload, because(err), err)
	}
	if string(d.Metadata.UID) != plan.UID {
		return model.SettledForeign, "somebody who deleted it and made it again", nil
	}
	hash, err := hashOf(d.template())
	if err != nil {
		return model.SettledUnknown, "", err
	}
	by, at := templateOwner(d.Metadata.ManagedFields)
	switch {
	case hash == plan.ToHash:
		return model.SettledDone, "", nil
	case hash == plan.FromHash:
		return model.SettledNot, "", nil
	case slices.Contains(strings.Split(by, or), Manager):
		return model.SettledDone, "", nil // admission changed the template on its way in
	case by == "":
		return model.SettledForeign, "somebody", nil
	}
	return model.SettledForeign, fmt.Sprintf("%s at %s", by, at.UTC().Format("15:04:05 MST")), nil
}
