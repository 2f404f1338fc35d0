package kube

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// build makes the line of one workload.
func (v *view) build(x *workload) *model.Component {
	w := x.key()
	line := x.line
	line.ID = v.id(w)
	newest := v.newest(x)
	if newest != nil {
		line.OwnerName = newest.name
		line.Revision = newest.revision
		line.RevisionStart, line.StartGuessed = revisionStart(newest, x.setAt)
	}
	line.PodsNo = v.why("pods", w.Namespace)
	line.Pods = v.podsOf(w, newest)
	line.NoneAvailable = v.noneAvailable(x, &line)
	line.Stuck, line.StuckSince = stuck(x, newest, &line, v.pods[w])
	if old := v.lines[w]; old != nil && old.Stuck != "" && line.Stuck != "" && old.Revision == line.Revision && old.StuckSince.Before(line.StuckSince) {
		line.StuckSince = old.StuckSince // each restart moves the time that the pod tells
	}
	return &line
}

// newest is the ReplicaSet or ControllerRevision of the running template.
func (v *view) newest(x *workload) *replicas {
	var best *replicas
	for _, r := range v.sets[x.key()] {
		switch {
		case x.update != "":
			if r.hash == x.update || r.name == x.update {
				return r
			}
			continue
		case x.line.Revision != 0 && r.revision == x.line.Revision:
			return r
		}
		if x.line.Revision == 0 && (best == nil || r.revision > best.revision) {
			best = r
		}
	}
	return best
}

// revisionStart is when a running revision was set. A ReplicaSet that was never
// the running one before was made when the template was set; one that came back
// keeps its old creation, and only managedFields tell.
func revisionStart(r *replicas, setAt time.Time) (at time.Time, guessed bool) {
	switch {
	case !r.reused:
		return r.created, false
	case !setAt.IsZero():
		return setAt, false
	}
	return r.created, true
}

// podsOf are the pods, newest revision first, failing first.
func (v *view) podsOf(w model.Workload, newest *replicas) []model.Pod {
	in := v.pods[w]
	if len(in) == 0 {
		return nil
	}
	out := make([]model.Pod, 0, len(in))
	for _, p := range in {
		q := p.Pod
		if r := v.setOfPod(w, p); r != nil {
			q.Revision, q.Owner = r.revision, r.name
		}
		out = append(out, q)
	}
	rank := func(p *model.Pod) int {
		switch {
		case newest != nil && p.Revision == newest.revision:
			return 0
		case p.Revision != 0:
			return 1
		}
		return 2
	}
	slices.SortFunc(out, func(a, b model.Pod) int {
		if d := rank(&a) - rank(&b); d != 0 {
			return d
		}
		if a.Revision != b.Revision {
			return int(b.Revision - a.Revision)
		}
		if a.Failing != b.Failing {
			if a.Failing {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

func (v *view) setOfPod(w model.Workload, p *pod) *replicas {
	if w.Kind == model.Deployment {
		return v.setOf[p.namespace+"/"+p.owner]
	}
	for _, r := range v.sets[w] {
		if r.hash == p.hash || r.name == p.hash {
			return r
		}
	}
	return nil
}

// noneAvailable is since when no pod is available. What was watched happening
// is known exactly; what had happened before the watch is read from the
// Deployment's Available condition (which may have fallen earlier, with the
// first pods) and from the pods that were ready once.
func (v *view) noneAvailable(x *workload, line *model.Component) time.Time {
	w := x.key()
	if line.Desired == 0 || line.Available > 0 || line.Observed == 0 {
		delete(v.none, w)
		return time.Time{}
	}
	if at, ok := v.none[w]; ok {
		return at
	}
	at := x.unavailable
	if at.IsZero() {
		at = x.created
	}
	for _, p := range v.pods[w] {
		if !p.notReady.IsZero() && p.notReady.Sub(p.Started) > 2*time.Second && p.notReady.After(at) {
			at = p.notReady
		}
	}
	if old := v.lines[w]; old != nil && old.Available > 0 {
		at = v.c.now()
	}
	if line.PodsNo != notRead {
		v.none[w] = at
	}
	return at
}

// stuck says why the newest rollout does not get on.
func stuck(x *workload, newest *replicas, line *model.Component, pods map[string]*pod) (string, time.Time) {
	if line.Desired == 0 || line.Observed < line.Generation {
		return "", time.Time{} // the conditions are about an older template
	}
	unfinished := line.Updated < line.Desired || line.Replicas > line.Updated || line.Available < line.Desired
	if !unfinished {
		return "", time.Time{}
	}
	if newest != nil {
		if why, at := podsStuck(newest, x, pods); why != "" {
			return why, at
		}
		if newest.message != "" {
			return "pods cannot be created: " + newest.message, newest.failing
		}
	}
	if x.failingMsg != "" {
		return "pods cannot be created: " + x.failingMsg, x.failing
	}
	if !x.timedOut.IsZero() {
		return "exceeded its progress deadline: " + x.timedOutMsg, x.timedOut
	}
	return "", time.Time{}
}

func podsStuck(newest *replicas, x *workload, pods map[string]*pod) (string, time.Time) {
	var bad, total int
	var worst *pod
	var since time.Time
	for _, p := range pods {
		if (x.line.Workload.Kind == model.Deployment && p.owner != newest.name) ||
			(x.line.Workload.Kind != model.Deployment && p.hash != newest.hash && p.hash != newest.name) || p.Deleting {
			continue
		}
		total++
		if p.bad == "" {
			continue
		}
		bad++
		at := p.notReady
		if at.IsZero() {
			at = p.ExitAt
		}
		if since.IsZero() || at.Before(since) {
			since = at
		}
		if worst == nil || p.Restarts > worst.Restarts || (p.Restarts == worst.Restarts && p.named.name < worst.named.name) {
			worst = p
		}
	}
	if worst == nil {
		return "", time.Time{}
	}
	why := fmt.Sprintf("%d of %d new pods %s", bad, total, worst.bad)
	switch {
	case worst.Exit != "" && worst.Restarts > 0:
		why += fmt.Sprintf(": %s, %d restarts", worst.Exit, worst.Restarts)
	case worst.Exit != "":
		why += ": " + worst.Exit
	case worst.Message != "":
		why += ": " + firstLine(worst.Message, 160)
	}
	return why, since
}

func firstLine(s string, limit int) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit-1]) + "…"
	}
	return s
}
