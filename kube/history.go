package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"rollbook/model"
	"rollbook/text"
)

// Versions lists the revisions of a component's workload, newest first, without
// figures. Changes are from the running template to each revision's.
//
// A revision's start is when it last became the running one: for a ReplicaSet
// that was never the running one before, its creation; for one that came back,
// managedFields (the running one) or the event of its scaling up (the others);
// failing these its creation, marked as guessed.
func (u Undo) Versions(ctx context.Context, comp *model.Component, _ time.Time) (*model.History, error) {
	w := comp.Workload
	if _, known := kinds[w.Kind]; !known {
		return nil, fmt.Errorf("a %s has no rollout history", w.Kind)
	}
	var o *object
	var revs []*object
	var ups map[string]time.Time
	var err error
	several(
		func() { o, revs, err = u.c.read(ctx, w) },
		func() {
			if w.Kind == model.Deployment {
				ups = u.c.scaledUp(ctx, w)
			}
		})
	if err != nil {
		return nil, historyError(w, err)
	}
	h := &model.History{Component: comp.ID, Method: MethodUndo, At: u.c.now()}
	h.Candidates = candidates(o, revs, ups)
	u.c.tellRewritten(ctx, w.Namespace, h.Candidates, revs)
	return h, nil
}

// rewrittenMost bounds how many ConfigMaps a history asks for.
const rewrittenMost = 16

// tellRewritten says of each revision which ConfigMaps that it reads were written since it
// ran. One that cannot be read is not told of: the preflight says which those are. Secrets
// are not asked for: whoever may get one may read it, and nobody has chosen anything yet.
func (c *Client) tellRewritten(ctx context.Context, namespace string, all []model.Candidate, revs []*object) {
	ctx, cancel := c.within(ctx, 3*time.Second)
	defer cancel()
	reads := map[string][]ref{} // by the name of the revision's object
	var asked []ref
	for _, rev := range revs {
		t, err := typed(rev.template())
		if err != nil {
			continue
		}
		for _, r := range refs(t) {
			if known := slices.Contains(asked, r); r.kind != "configmap" || !known && len(asked) == rewrittenMost {
				continue
			} else if !known {
				asked = append(asked, r)
			}
			owner := text.Line(rev.Metadata.Name)
			reads[owner] = append(reads[owner], r)
		}
	}
	wrote := make([]model.Rewritten, len(asked))
	fs := make([]func(), 0, len(asked))
	for n, r := range asked {
		fs = append(fs, func() {
			if by, at, err := c.lastWritten(ctx, namespace, r); err == nil {
				wrote[n] = model.Rewritten{Name: text.Line(r.name), At: at, By: by}
			}
		})
	}
	several(fs...)
	for n := range all {
		r := &all[n]
		for _, named := range reads[r.Owner] {
			x := wrote[slices.Index(asked, named)]
			switch {
			case r.Current && x.At.After(r.Start.Add(-withRelease)),
				!r.Current && n > 0 && !all[n-1].Guessed && wroteSince(x.At, r.Start, all[n-1].Start):
				r.Rewritten = append(r.Rewritten, x)
			}
		}
	}
}

func historyError(w model.Workload, err error) error {
	return model.Told(nil, err, "the history of %s in %s cannot be read: %s", w, w.Namespace, because(err))
}

// candidates reads the revisions off their objects, newest first. ups is when each
// ReplicaSet was last scaled up from nothing.
func candidates(w *object, revs []*object, ups map[string]time.Time) []model.Candidate {
	current := runningOf(w, revs)
	by, at := templateOwner(w.Metadata.ManagedFields)
	numbers := map[*object]int64{}
	for _, r := range revs {
		numbers[r], _ = r.number() // one that is no number is shown like a missing one
	}
	revs = slices.Clone(revs)
	slices.SortStableFunc(revs, func(a, b *object) int {
		if d := cmp.Compare(numbers[b], numbers[a]); d != 0 {
			return d
		}
		return b.Metadata.CreationTimestamp.Compare(a.Metadata.CreationTimestamp.Time)
	})
	named := namedBy(w, revs)
	out := make([]model.Candidate, len(revs))
	for i, rev := range revs {
		m := &rev.Metadata
		r := model.Candidate{Version: model.Revision(text.Line(m.Name), numbers[rev]), Owner: text.Line(m.Name), Current: rev == current,
			Cause: text.Line(m.Annotations[annCause]), Start: m.CreationTimestamp.Time, Ambiguous: sameNumber(rev, revs)}
		if m.Annotations[annHistory] != "" || len(rev.Data) > 0 { // a ControllerRevision does not tell whether it came back
			r.Start, r.Guessed = cameBack(r.Start, at, ups[m.Name], r.Current)
			r.Returned = m.Annotations[annHistory] != ""
		}
		if r.Current {
			r.By = by
			if !r.Guessed && !r.Returned {
				r.Start = firstSet(r.Start, at)
			}
		}
		var st struct{ Replicas int }
		_ = json.Unmarshal(rev.Status, &st)
		r.Replicas = st.Replicas
		// One that cannot be read must not hide the others: it may be what broke.
		if t, err := typed(rev.template()); err != nil {
			r.Refused = text.Line(err.Error())
		} else if r.Changes, err = diff(w.template(), rev.template()); err != nil {
			r.Refused = text.Line(err.Error())
		} else {
			r.Images = images(t)
			r.Tag = model.TagOf(r.Images, named)
		}
		out[i] = r
	}
	tellApart(out)
	markRestarts(out, revs)
	markCauses(out)
	return out
}

// markRestarts says which revision differs from an older one by a restart alone.
func markRestarts(all []model.Candidate, revs []*object) {
	bare := make([]string, len(revs))
	for i, r := range revs {
		bare[i] = withoutRestart(r.template())
	}
	for i := range all {
		for older := i + 1; older < len(all); older++ {
			if bare[older] == bare[i] {
				all[i].RestartOf = all[older].Key
				break
			}
		}
	}
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

// markCauses says where a change-cause is most likely not the revision's own: kubectl
// leaves the annotation on the Deployment, and each later revision inherits it.
func markCauses(all []model.Candidate) {
	for i := range all {
		r := &all[i]
		r.CauseCopied = r.Cause != "" && slices.ContainsFunc(all[i+1:], func(older model.Candidate) bool { return older.Cause == r.Cause })
	}
}

// runningOf is the revision of the workload's template, the oldest of several as
// the Deployment controller has it; nil while there is none.
func runningOf(w *object, revs []*object) *object {
	want, err := hashOf(w.template())
	if err != nil {
		return nil
	}
	for _, rs := range revs {
		if have, err := hashOf(rs.template()); err == nil && have == want {
			return rs
		}
	}
	return nil
}

// scaledUp reads from events when each ReplicaSet was last scaled up from
// nothing. Events are kept for an hour by default; without them nothing is known.
func (c *Client) scaledUp(ctx context.Context, w model.Workload) map[string]time.Time {
	ctx, cancel := c.within(ctx, 3*time.Second)
	defer cancel()
	out := map[string]time.Time{}
	err := c.eachEvent(ctx, w.Namespace, "involvedObject.kind=Deployment,reason=ScalingReplicaSet,involvedObject.name="+w.Name, func(e *corev1.Event) {
		rest, ok := strings.CutPrefix(e.Message, "Scaled up replica set ")
		if !ok {
			return
		}
		name, how, _ := strings.Cut(rest, " ")
		if t := eventTime(e); strings.HasPrefix(how, "from 0 to ") && t.After(out[name]) {
			out[name] = t
		}
	})
	if err != nil {
		return nil
	}
	return out
}
