package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"rollbook/model"
	"rollbook/text"
)

// History lists the revisions of a component's workload, newest first, without
// figures. Changes are from the running template to each revision's.
//
// A revision's start is when it last became the running one: for a ReplicaSet
// that was never the running one before, its creation; for one that came back,
// managedFields (the running one) or the event of its scaling up (the others);
// failing these its creation, marked as guessed.
func (c *Client) History(ctx context.Context, comp *model.Component) (*model.History, error) {
	w := comp.Workload
	o, err := c.get(ctx, w.Namespace, w.Kind.Resource(), w.Name)
	if err != nil {
		return nil, historyError(w, err)
	}
	h := &model.History{Component: comp.ID, At: c.now()}
	if w.Kind == model.Deployment {
		h.Revisions, err = c.deploymentRevisions(ctx, o)
	} else {
		h.Revisions, err = c.controllerRevisions(ctx, o)
	}
	if err != nil {
		return nil, historyError(w, err)
	}
	mark(h.Revisions)
	return h, nil
}

func historyError(w model.Workload, err error) error {
	return fmt.Errorf("the history of %s in %s cannot be read: %s: %w", w, w.Namespace, because(err), err)
}

// revisionOf is a revision while it is being read, beside its raw template.
type revisionOf struct {
	model.Revision
	raw     json.RawMessage
	restart string // withoutRestart of the template
}

func (c *Client) deploymentRevisions(ctx context.Context, d *object) ([]model.Revision, error) {
	sets, err := c.owned(ctx, "replicasets", d)
	if err != nil {
		return nil, err
	}
	ups := c.scaledUp(ctx, d)
	running := runningSet(d, sets)
	by, at := templateOwner(d.Metadata.ManagedFields)
	var out []revisionOf
	for _, rs := range sets {
		n, ok := rs.number()
		if !ok || n == 0 {
			continue
		}
		r := revisionOf{raw: rs.template()}
		r.Number, r.Owner, r.Current = n, text.Line(rs.Metadata.Name), rs == running
		r.ChangeCause = text.Line(rs.Metadata.Annotations[annCause])
		r.Start = rs.Metadata.CreationTimestamp.Time
		if rs.Metadata.Annotations[annHistory] != "" {
			r.Start, r.Guessed = cameBack(r.Start, at, ups[rs.Metadata.Name], r.Current)
		}
		if r.Current {
			r.By = by
		}
		var st struct{ Replicas int }
		_ = json.Unmarshal(rs.Status, &st)
		r.Replicas = st.Replicas
		out = append(out, r)
	}
	return finish(out, d.template())
}

// cameBack is when a ReplicaSet that was the running one before became it again.
// The event of its scaling up from nothing may be the one of its first time:
// then it came back while it still had pods, and nothing tells when.
func cameBack(created, setAt, up time.Time, current bool) (start time.Time, guessed bool) {
	switch {
	case current && !setAt.IsZero():
		return setAt, false
	case up.Sub(created) > 2*time.Second:
		return up, false
	}
	return created, true
}

// finish fills in what is read off the templates, newest first.
func finish(in []revisionOf, running json.RawMessage) ([]model.Revision, error) {
	slices.SortFunc(in, func(a, b revisionOf) int { return int(b.Number - a.Number) })
	for i := range in {
		t, err := typed(in[i].raw)
		if err != nil {
			return nil, err
		}
		in[i].TemplateHash, in[i].Images = templateHash(t), images(t)
		in[i].restart = withoutRestart(in[i].raw)
		if in[i].Changes, err = diff(running, in[i].raw); err != nil {
			return nil, err
		}
	}
	out := make([]model.Revision, 0, len(in))
	for i, r := range in {
		for _, older := range in[i+1:] {
			if older.restart == r.restart {
				r.RestartOf = older.Number
				break
			}
		}
		out = append(out, r.Revision)
	}
	return out, nil
}

// mark says where a change-cause is most likely not the revision's own: kubectl
// leaves the annotation on the Deployment, and each later revision inherits it.
func mark(revisions []model.Revision) {
	for i := range revisions {
		r := &revisions[i]
		r.CauseCopied = r.ChangeCause != "" && slices.ContainsFunc(revisions[i+1:], func(older model.Revision) bool {
			return older.ChangeCause == r.ChangeCause
		})
	}
}

// runningSet is the ReplicaSet of the Deployment's template, the oldest of
// several as the controller has it; nil while there is none.
func runningSet(d *object, sets []*object) *object {
	want, err := hashOf(d.template())
	if err != nil {
		return nil
	}
	for _, rs := range sets {
		if have, err := hashOf(rs.template()); err == nil && have == want {
			return rs
		}
	}
	return nil
}

// scaledUp reads from events when each ReplicaSet was last scaled up from
// nothing. Events are kept for an hour by default; without them nothing is known.
func (c *Client) scaledUp(ctx context.Context, d *object) map[string]time.Time {
	body, err := c.do(ctx, call{method: http.MethodGet, path: corePath(d.Metadata.Namespace, "events", ""), limit: 3 * time.Second,
		query: url.Values{"fieldSelector": {"involvedObject.kind=Deployment,reason=ScalingReplicaSet,involvedObject.name=" + d.Metadata.Name}}})
	if err != nil {
		return nil
	}
	var list corev1.EventList
	if json.Unmarshal(body, &list) != nil {
		return nil
	}
	return scaleEvents(list.Items)
}

func scaleEvents(events []corev1.Event) map[string]time.Time {
	out := map[string]time.Time{}
	for i := range events {
		e := &events[i]
		rest, ok := strings.CutPrefix(e.Message, "Scaled up replica set ")
		if !ok {
			continue
		}
		name, how, _ := strings.Cut(rest, " ")
		if !strings.HasPrefix(how, "from 0 to ") {
			continue
		}
		if t := eventTime(e); t.After(out[name]) {
			out[name] = t
		}
	}
	return out
}

// controllerRevisions are the revisions of a StatefulSet or DaemonSet. Their
// data is a patch that holds the whole template.
func (c *Client) controllerRevisions(ctx context.Context, w *object) ([]model.Revision, error) {
	revs, err := c.owned(ctx, "controllerrevisions", w)
	if err != nil {
		return nil, err
	}
	var status struct{ UpdateRevision, CurrentRevision string }
	_ = json.Unmarshal(w.Status, &status)
	by, at := templateOwner(w.Metadata.ManagedFields)
	highest := int64(0)
	for _, r := range revs {
		highest = max(highest, r.Revision)
	}
	var out []revisionOf
	for _, cr := range revs {
		raw, err := templateOf(cr)
		if err != nil {
			return nil, err
		}
		r := revisionOf{raw: raw}
		r.Number, r.Owner = cr.Revision, text.Line(cr.Metadata.Name)
		r.ChangeCause = text.Line(cr.Metadata.Annotations[annCause])
		r.Start, r.Guessed = cr.Metadata.CreationTimestamp.Time, true
		if r.Current = cr.Revision == highest; r.Current {
			r.By = by
			if !at.IsZero() {
				r.Start, r.Guessed = at, false
			}
		}
		out = append(out, r)
	}
	return finish(out, w.template())
}

func templateOf(cr *object) (json.RawMessage, error) {
	var data struct {
		Spec struct{ Template json.RawMessage }
	}
	if err := json.Unmarshal(cr.Data, &data); err != nil || len(data.Spec.Template) == 0 {
		return nil, fmt.Errorf("controllerrevision %s holds no pod template", cr.Metadata.Name)
	}
	var t map[string]json.RawMessage
	if err := json.Unmarshal(data.Spec.Template, &t); err != nil {
		return nil, fmt.Errorf("controllerrevision %s holds no pod template: %w", cr.Metadata.Name, err)
	}
	delete(t, "$patch")
	return json.Marshal(t)
}
