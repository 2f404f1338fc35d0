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

// Undo goes back to an earlier revision as kubectl rollout undo does.
type Undo struct{ c *Client }

// NewUndo returns the undo of a cluster's rollouts.
func NewUndo(c *Client) Undo { return Undo{c} }

// Name returns MethodUndo.
func (Undo) Name() model.Method { return MethodUndo }

// Do writes the plan, if the workload is still what the plan was made of: it reads
// everything again, makes the plan again, and writes only when that comes out equal.
// The patch is sent once for each resourceVersion, and never again without a clear
// "no" from the API server.
//
// The error is model.ErrChanged, ErrRefused or ErrReadOnly (nothing was written), or
// ErrLost (nobody knows; Look tells), with the details in its words.
func (u Undo) Do(ctx context.Context, plan model.Plan, _ func(model.Progress)) (model.Receipt, error) {
	c := u.c
	if c.readOnly {
		return model.Receipt{}, say(model.ErrReadOnly, nil, "%s was not rolled back: rollbook runs read-only", plan.Workload)
	}
	want, err := detail[undoDetail](plan.Detail)
	if err != nil {
		return model.Receipt{}, say(model.ErrRefused, err, "%s was not rolled back: %s", plan.Workload, err)
	}
	c.writing.Add(1)
	defer c.writing.Add(-1)
	begun := c.now()
	for reads := range undoTries {
		var p *planned
		if p, err = c.again(ctx, plan, want); err != nil {
			return model.Receipt{}, err
		}
		if p.Same {
			return model.Receipt{}, say(model.ErrRefused, nil, "skipped rollback (current template already matches revision %d)", want.ToNumber)
		}
		var out *undoReceipt
		if out, err = c.patch(ctx, p); err == nil {
			out.Reads = reads
			return out.receipt(c.now())
		}
		if !apierrors.IsConflict(err) && !apierrors.IsTooManyRequests(err) {
			return model.Receipt{}, c.refusal(plan.Workload.String(), "rolled back", err)
		}
		if c.now().Sub(begun) > undoWithin || ctx.Err() != nil {
			break
		}
	}
	return model.Receipt{}, say(model.ErrRefused, err, "%s was not rolled back: it was written to by others faster than it could be read (%s): try again", plan.Workload, words(err))
}

// receipt is the API server's answer as the journal keeps it.
func (w *undoReceipt) receipt(at time.Time) (model.Receipt, error) {
	text := fmt.Sprintf("resourceVersion %s, generation %d", w.ResourceVersion, w.Generation)
	if w.Reads > 1 {
		text += fmt.Sprintf(", read %d times: its status kept changing", w.Reads)
	}
	raw, err := json.Marshal(w)
	return model.Receipt{At: at, Text: text, Detail: raw}, err
}

// again reads the workload and its revisions anew and makes the plan of them; the
// error is ErrChanged when it is not the plan that was confirmed.
func (c *Client) again(ctx context.Context, plan model.Plan, want undoDetail) (*planned, error) {
	w, k := plan.Workload, kinds[plan.Workload.Kind]
	var o, target *object
	var errO, errT error
	several(
		func() { o, errO = c.get(ctx, w.Namespace, w.Kind.Resource(), w.Name) },
		func() { target, errT = c.revision(ctx, k, w.Namespace, plan.To.Key) })
	switch {
	case apierrors.IsNotFound(errO):
		return nil, say(model.ErrChanged, errO, "%s is gone: it was deleted", w)
	case errO != nil:
		return nil, say(model.ErrRefused, errO, "%s was not rolled back: it could not be read again before the write: %s", w, because(errO))
	case apierrors.IsNotFound(errT):
		return nil, say(model.ErrChanged, errT, "%s of %s is gone: %s %s was deleted", plan.To, w, strings.TrimSuffix(k.revisions, "s"), plan.To.Key)
	case errT != nil:
		return nil, say(model.ErrRefused, errT, "%s was not rolled back: %s could not be read again before the write: %s", w, plan.To, because(errT))
	}
	p, err := makePlan(plan.Component, w, o, target, []*object{target})
	if err != nil {
		return nil, say(model.ErrRefused, err, "%s was not rolled back: %s", w, words(err))
	}
	if why := c.differs(&plan, want, p); why != "" {
		return nil, say(model.ErrChanged, nil, "%s", why)
	}
	return p, nil
}

// differs says what is no longer as it was confirmed; "" when all is. From is
// not compared: the controller writes that number a moment after the template.
func (c *Client) differs(plan *model.Plan, want undoDetail, p *planned) string {
	w, old := plan.Workload.String(), c.plans.get(plan.ID)
	switch {
	case p.UID != want.UID:
		return w + " was deleted and made again since it was confirmed"
	case p.ToNumber != want.ToNumber:
		return fmt.Sprintf("revision %d of %s is revision %d now: it was rolled back to by %s", want.ToNumber, w, p.ToNumber, byWhom(old, p.workload))
	case p.Guard != want.Guard || p.FromHash != want.FromHash || p.Unpause != want.Unpause:
		return fmt.Sprintf("%s changed since it was confirmed: %s by %s", w, whatChanged(old, p.workload), byWhom(old, p.workload))
	case p.ToHash != want.ToHash || p.Patch != want.Patch:
		return fmt.Sprintf("%s of %s changed since it was confirmed: %s was written by %s", plan.To, w, text.Line(plan.To.Key), byWhom(nil, p.target))
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
func (c *Client) patch(ctx context.Context, p *planned) (*undoReceipt, error) {
	answer, err := c.sendPatch(ctx, p, nil)
	if err != nil {
		return nil, err
	}
	o := &object{}
	if err := json.Unmarshal(answer, o); err != nil {
		return nil, &unreached{err: err, text: "the API server's answer could not be read"}
	}
	w := &undoReceipt{ResourceVersion: o.Metadata.ResourceVersion, Generation: o.Metadata.Generation}
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
	return c.sendWrite(ctx, call{method: http.MethodPatch, path: workloadPath(p.Workload), query: q,
		body: body, kind: "application/json-patch+json", limit: writeLimit})
}

// sendWrite sends a write once, and tells one of which not a byte left (notSent)
// from one without an answer.
func (c *Client) sendWrite(ctx context.Context, w call) ([]byte, error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	answer, err := c.do(ctx, w)
	var u *unreached
	if errors.As(err, &u) && !connected.Load() {
		return nil, notSent{err}
	}
	return answer, err
}

// refusal sorts a failed write: a clear "no" and a request that never left are
// ErrRefused; after anything else it may have been written.
//
// what and done say what did not happen: "deployment/api", "rolled back".
func (c *Client) refusal(what, done string, err error) error {
	not := what + " was not " + done
	var u *unreached
	var never notSent
	var st apierrors.APIStatus
	switch {
	case errors.Is(err, model.ErrReadOnly):
		return say(model.ErrReadOnly, err, "%s: rollbook runs read-only", not)
	case errors.As(err, &never):
		return say(model.ErrRefused, err, "%s, the request never left: %s", not, words(never.error))
	case errors.As(err, &u):
		return say(model.ErrLost, err, "the write to %s had no answer: %s: it may or may not have been done", what, u.text)
	case errors.As(err, &st) && st.Status().Code >= 500 && !byWebhook(st.Status().Message):
		return say(model.ErrLost, err, "the write to %s ended in an error of the server: %s: it may or may not have been done", what, words(err))
	}
	return say(model.ErrRefused, err, "%s: %s", not, because(err))
}

// byWebhook recognises the 500 that stands for "admission could not be asked":
// then nothing was written.
func byWebhook(message string) bool {
	return strings.Contains(message, "failed calling webhook") || strings.Contains(message, "admission webhook")
}
