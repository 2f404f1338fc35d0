package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// undoTries is how often a write is tried again that the API server refused
// because the workload changed between the read and the write.
const undoTries = 5

// Undo goes back to an earlier revision as kubectl rollout undo does.
type Undo struct{ c *Client }

// NewUndo returns the undo of a cluster's rollouts.
func NewUndo(c *Client) Undo { return Undo{c} }

// Name returns MethodUndo.
func (Undo) Name() model.Method { return MethodUndo }

// Title returns what Choose calls the undo.
func (Undo) Title() string { return "Kubernetes undo" }

// Serves returns true: every workload that is seen has a history.
func (Undo) Serves(string) bool { return true }

// Near says that the versions are read from the cluster alone.
func (Undo) Near() {}

// Do writes the plan, if the workload is still what the plan was made of: it reads
// everything again, makes the plan again, and writes only when that comes out equal.
// The patch holds on to what the plan is made of, so that it lands on nothing else
// and other writers of the workload do not keep it out. It is sent again only after
// a clear "no" from the API server; while that is overloaded, as it asks.
//
// The error is model.ErrChanged, ErrRefused or ErrReadOnly (nothing was written), or
// ErrLost (nobody knows; Look tells), with the details in its words.
func (u Undo) Do(ctx context.Context, plan model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	c := u.c
	if c.readOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "%s was not rolled back: rollbook runs read-only", plan.Workload)
	}
	want, err := detail[undoDetail](plan.Detail)
	if err != nil {
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s was not rolled back: %s", plan.Workload, err)
	}
	c.writing.Add(1)
	defer c.writing.Add(-1)
	for reads := range undoTries {
		var p *planned
		err = c.patiently(ctx, tell, func() (err error) {
			p, err = c.again(ctx, plan, want)
			return err
		})
		if err != nil {
			return model.Receipt{}, err
		}
		if p.Same {
			return model.Receipt{}, model.Told(model.ErrRefused, nil, "skipped rollback (current template already matches revision %d)", want.ToNumber)
		}
		var out *undoReceipt
		err = c.patiently(ctx, tell, func() (err error) {
			out, err = c.patch(ctx, p)
			return err
		})
		if err == nil {
			out.Reads, out.Ending = reads, p.ending
			return out.receipt(c.now())
		}
		if !overtaken(err) || ctx.Err() != nil {
			return model.Receipt{}, c.refusal(plan.Workload.String(), "rolled back", err)
		}
	}
	return model.Receipt{}, model.Told(model.ErrRefused, err, "%s was not rolled back: each of %d times it changed between the read and the write, and was as before again (%s): try again", plan.Workload, undoTries, words(err))
}

// receipt is the API server's answer as the journal keeps it.
func (w *undoReceipt) receipt(at time.Time) (model.Receipt, error) {
	text := fmt.Sprintf("resourceVersion %s, generation %d", w.ResourceVersion, w.Generation)
	if w.Admitted != "" {
		text += ", admission changed the template: " + w.Admitted
	}
	if w.Ending {
		text += ", in a namespace that is being deleted"
	}
	if w.Reads > 0 {
		text += fmt.Sprintf(", sent %d times: it changed in between", w.Reads+1)
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
	var ending bool
	several(
		func() { ending, _ = c.ending(ctx, w.Namespace) }, // who may not know it is not told
		func() { o, errO = c.get(ctx, w.Namespace, w.Kind.Resource(), w.Name) },
		func() { target, errT = c.revision(ctx, k, w.Namespace, plan.To.Key) })
	switch {
	case gone(errO, w.Name):
		return nil, model.Told(model.ErrChanged, errO, "%s is gone: it was deleted", w)
	case errO != nil:
		return nil, model.Told(model.ErrRefused, errO, "%s was not rolled back: it could not be read again before the write: %s", w, because(errO))
	case o.Metadata.DeletionTimestamp != nil:
		return nil, model.Told(model.ErrChanged, nil, "%s is being deleted", w)
	case gone(errT, plan.To.Key):
		return nil, model.Told(model.ErrChanged, errT, "%s of %s is gone: %s %s was deleted", plan.To, w, strings.TrimSuffix(k.revisions, "s"), plan.To.Key)
	case errT != nil:
		return nil, model.Told(model.ErrRefused, errT, "%s was not rolled back: %s could not be read again before the write: %s", w, plan.To, because(errT))
	}
	p, err := makePlan(plan.Component, w, o, target, []*object{target})
	if err != nil {
		return nil, model.Told(model.ErrRefused, err, "%s was not rolled back: %s", w, words(err))
	}
	if why := c.differs(&plan, want, p); why != "" {
		return nil, model.Told(model.ErrChanged, nil, "%s", why)
	}
	p.ending = ending
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
	parts := changesOf(old.template(), now.template())
	fields := maps.Clone(old.Spec)
	maps.Copy(fields, now.Spec)
	for k := range fields {
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
	if len(parts) == 0 {
		return "its spec"
	}
	return someOf(parts)
}

// changesOf names what differs between two templates, values only where they are
// known not to be secret.
func changesOf(from, to json.RawMessage) []string {
	changes, err := diff(from, to)
	if err != nil {
		return nil
	}
	var parts []string
	for _, ch := range changes {
		s := strings.TrimSpace(ch.Kind + " " + ch.What)
		if ch.Kind == "image" {
			s = strings.TrimSpace("image "+ch.What) + " " + ch.From + " → " + ch.To
		}
		parts = append(parts, s)
	}
	return parts
}

// someOf lists the first four of what changed, and how many more there are.
func someOf(parts []string) string {
	slices.Sort(parts)
	if len(parts) > 4 {
		parts = append(parts[:4], fmt.Sprintf("and %d more", len(parts)-4))
	}
	return strings.Join(parts, ", ")
}
