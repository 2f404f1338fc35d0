package kube

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// build makes the line of one workload.
func (v *view) build(g *group) *model.Component {
	w, x := g.key, g.load
	line := *x.line
	line.ID = v.id(w)
	line.Revision, line.RevisionStart, line.StartGuessed = x.revision, x.setAt, false
	line.OwnerName = ""
	newest := g.newest()
	if newest != nil {
		line.OwnerName = newest.name
		line.Revision = newest.revision
		line.RevisionStart, line.StartGuessed = revisionStart(newest, x.setAt)
		line.Returned = newest.reused && newest.kind == model.Deployment
		line.Past = g.past(newest, line.RevisionStart, v.c.now())
	}
	line.Images = x.line.Images
	if newest != nil && len(newest.images) > 0 { // a template that was just written has no number yet
		line.Images = newest.images
	}
	line.NamedBy = g.namedBy(line.Images)
	line.PodsNo = v.why("pods", w.Namespace)
	line.Pods = v.podsOf(g, newest, line.Desired)
	line.NoneReady = v.noneReady(g, &line)
	line.Unmoved = g.unmoved(newest, &line)
	if line.PodsNo != notRead { // the pods tell the reason better than a condition
		line.Stuck, line.StuckSince, line.StuckPods = g.stuck(newest, &line)
	} else {
		line.Stuck, line.StuckSince, line.StuckPods = "", time.Time{}, false
	}
	if old := g.line; old != nil && old.Stuck != "" && line.Stuck != "" && old.Revision == line.Revision && old.StuckSince.Before(line.StuckSince) {
		line.StuckSince = old.StuckSince // each restart moves the time that the pod tells
	}
	return &line
}

// namedBy returns which image names the versions of the workload.
func (g *group) namedBy(running []string) string {
	if len(running) < 2 {
		return "" // the only one
	}
	others := make([][]string, 0, len(g.sets))
	for _, r := range g.sets {
		others = append(others, r.images)
	}
	return model.NamedBy(g.load.own, running, others)
}

// newest is the ReplicaSet or ControllerRevision of the running template: the one of
// the workload's number or above it. One that is gone back to is given its new number
// before the Deployment is.
func (g *group) newest() *replicas {
	var best *replicas
	for _, r := range g.sets {
		switch {
		case g.load.update != "":
			if r.hash == g.load.update || r.name == g.load.update {
				return r
			}
		case r.revision >= g.load.revision && (best == nil || r.revision > best.revision):
			best = r
		}
	}
	return best
}

// firstSet is when the template of a revision was set that had not run before: its
// ReplicaSet is made a moment later, and where the old pods go first (Recreate) only
// when they are gone. A later change by the same manager moves what managedFields
// tell, and an apply may leave it where it was.
func firstSet(created, setAt time.Time) time.Time {
	if !setAt.IsZero() && setAt.Before(created) && created.Sub(setAt) < setBefore {
		return setAt
	}
	return created
}

// setBefore is how long the pods of an older template may take to end.
const setBefore = 10 * time.Minute

// revisionStart is when a running revision was set. A ReplicaSet that was never
// the running one before was made when the template was set; one that came back
// keeps its old creation, and only managedFields tell.
func revisionStart(r *replicas, setAt time.Time) (at time.Time, guessed bool) {
	switch {
	case !r.reused:
		return firstSet(r.created(), setAt), false
	case !setAt.IsZero():
		return setAt, false
	}
	return r.created(), true
}

// pastFor is how long ago a release may lie to be told of.
const pastFor = 24 * time.Hour

// past is when other templates were set, the newest first: of the last day, and
// what ran before the newest. One that was gone back to was set once more.
func (g *group) past(newest *replicas, start, now time.Time) []model.Earlier {
	var out []model.Earlier
	after := now.Add(-pastFor).Unix()
	for _, r := range g.sets {
		if r == newest && !r.created().Before(start) || r.since < after && r.revision != newest.revision-1 {
			continue
		}
		out = append(out, model.Earlier{Owner: r.name, Revision: r.revision, At: r.created(), Images: r.images, Cause: r.cause})
	}
	slices.SortFunc(out, func(a, b model.Earlier) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Revision, a.Revision)) })
	return out
}

// podsOf are the pods, newest revision first, failing first. Pods that have ended are
// leftovers, and last, when as many as are desired are there without them.
func (v *view) podsOf(g *group, newest *replicas, desired int) []model.Pod {
	if len(g.pods) == 0 {
		return nil
	}
	in := append(v.room[:0], g.pods...)
	defer func() { clear(in); v.room = in }()
	for _, p := range in {
		if !p.ended && !p.deleting {
			desired--
		}
	}
	left := func(p *pod) bool { return p.ended && desired <= 0 }
	rank := func(revision int64) int {
		switch {
		case newest != nil && revision == newest.revision:
			return 0
		case revision != 0:
			return 1
		}
		return 2
	}
	slices.SortFunc(in, func(a, b *pod) int {
		if la, lb := left(a), left(b); la != lb {
			if lb {
				return -1
			}
			return 1
		}
		if a.controller != b.controller {
			ra, rb := g.revisionOf(a), g.revisionOf(b)
			if d := rank(ra) - rank(rb); d != 0 {
				return d
			}
			if d := cmp.Compare(rb, ra); d != 0 {
				return d
			}
		}
		if fa, fb := a.illness().failing, b.illness().failing; fa != fb {
			if fa {
				return -1
			}
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	out := make([]model.Pod, len(in))
	for i, p := range in {
		out[i] = p.shown()
		if left(p) {
			out[i].Leftover, out[i].Failing = true, false
		}
		if r := g.setOf(p); r != nil {
			out[i].Revision, out[i].Owner = r.revision, r.name
		}
	}
	return out
}

// revisionOf is the revision that a pod was made from; 0 = unknown.
func (g *group) revisionOf(p *pod) int64 {
	if r := g.setOf(p); r != nil {
		return r.revision
	}
	return 0
}

// setOf returns the ReplicaSet or ControllerRevision that a pod was made from, nil
// when it was not read.
func (g *group) setOf(p *pod) *replicas {
	for _, r := range g.sets {
		if r.made(p) {
			return r
		}
	}
	return nil
}

// made says whether a pod was made from this ReplicaSet or ControllerRevision.
func (r *replicas) made(p *pod) bool {
	by := p.controller.Value()
	if r.kind == model.Deployment {
		return by.name == r.name
	}
	return by.hash == r.hash || by.hash == r.name
}

// noneReady is since when no pod is ready. What was watched happening
// is known exactly; what had happened before the watch is read from the
// Deployment's Available condition (which may have fallen earlier, with the
// first pods) and from the pods that were ready once.
func (v *view) noneReady(g *group, line *model.Component) time.Time {
	if line.Desired == 0 || line.Ready > 0 || line.Observed == 0 {
		g.none = time.Time{}
		return g.none
	}
	if !g.none.IsZero() {
		return g.none
	}
	at := g.load.unavailable
	if at.IsZero() {
		at = g.load.created
	}
	for _, p := range g.pods {
		if ill := p.illness(); ill.once && ill.notReady.After(at) {
			at = ill.notReady
		}
	}
	if old := g.line; old != nil && old.Ready > 0 {
		at = v.c.now()
	}
	if line.PodsNo != notRead {
		g.none = at
	}
	return at
}

// stuck says why the newest rollout does not get on, since when, and whether its pods
// tell so.
func (g *group) stuck(newest *replicas, line *model.Component) (why string, since time.Time, pods bool) {
	if line.Desired == 0 || line.Observed < line.Generation {
		return "", time.Time{}, false // the conditions are about an older template
	}
	unfinished := line.Updated < line.Desired || line.Replicas > line.Updated || line.Available < line.Desired
	if !unfinished {
		return "", time.Time{}, false
	}
	if newest != nil {
		if why, at := g.podsStuck(newest); why != "" {
			return why, at, true
		}
		if f := newest.failure; f != nil {
			return "pods cannot be created: " + f.message, f.since, false
		}
	}
	if f := g.load.failure; f != nil {
		return "pods cannot be created: " + f.message, f.since, false
	}
	if f := g.load.timedOut; f != nil {
		if f.message == "" {
			return "no new pod became ready within its progress deadline", f.since, false
		}
		return "no new pod became ready within its progress deadline: " + f.message, f.since, false
	}
	return "", time.Time{}, false
}

// unmoved is since when no pod of the newest template became ready though some have
// still to, where no condition tells: a Deployment whose progress deadline is
// switched off, a StatefulSet, a DaemonSet.
func (g *group) unmoved(newest *replicas, line *model.Component) time.Time {
	if newest == nil || line.Desired == 0 || line.Observed < line.Generation || line.Progressing.Status != "" ||
		line.Paused || line.OnDelete || line.RevisionStart.IsZero() || line.PodsNo != "" {
		return time.Time{}
	}
	moved := line.RevisionStart
	for _, p := range g.pods {
		if at := p.readySince(); at.After(moved) && newest.made(p) {
			moved = at
		}
	}
	pace := model.NoProgress + line.MinReady
	for _, p := range g.pods {
		switch made := time.Unix(p.created, 0); {
		case p.deleting || p.ended:
		case !newest.made(p):
			if line.Partition == 0 || ordinal(p.name) >= line.Partition {
				return moved // it has still to be replaced
			}
		// A new one that was never ready holds the rollout up, but not if it came long
		// after the others: to a new node, or in place of one that was lost.
		case p.neverReady() && made.Before(g.paceBefore(newest, made, line.RevisionStart).Add(pace)):
			return moved
		}
	}
	return time.Time{}
}

// paceBefore is when a rollout that began at start last got on before a time.
func (g *group) paceBefore(newest *replicas, before, start time.Time) time.Time {
	for _, p := range g.pods {
		if at := p.readySince(); at.After(start) && !at.After(before) && newest.made(p) {
			start = at
		}
	}
	return start
}

func (g *group) podsStuck(newest *replicas) (string, time.Time) {
	var bad, total int
	var worst *pod
	var since time.Time
	for _, p := range g.pods {
		if !newest.made(p) || p.deleting || p.ended {
			continue
		}
		total++
		ill := p.illness()
		if ill.bad == "" {
			continue
		}
		bad++
		at := ill.notReady
		if at.IsZero() {
			at = ill.exitAt
		}
		if since.IsZero() || at.Before(since) {
			since = at
		}
		if worst == nil || p.restarts > worst.restarts || (p.restarts == worst.restarts && p.name < worst.name) {
			worst = p
		}
	}
	if worst == nil {
		return "", time.Time{}
	}
	ill := worst.illness()
	why := fmt.Sprintf("%d of %d new pods %s", bad, total, ill.bad)
	if total == 1 {
		why = "1 new pod " + ill.bad
	}
	switch {
	case ill.exit != "" && worst.restarts > 0:
		why += fmt.Sprintf(": %s, %s", ill.exit, model.Plural(int(worst.restarts), "restart"))
	case ill.exit != "":
		why += ": " + ill.exit
	case ill.message != "":
		why += ": " + firstLine(ill.message, 160)
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
