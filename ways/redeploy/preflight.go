package redeploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// rights tells whether the user may read and write each object.
func (r Redeploy) rights(ctx context.Context, w *world) []model.Check {
	type ask struct {
		verb string
		o    model.Object
	}
	var asks []ask
	for _, t := range w.tries {
		asks = append(asks, ask{"get", t.Object}, ask{"patch", t.Object})
		if t.Live == nil || t.Remade() {
			asks = append(asks, ask{"create", t.Object})
		}
		if t.Remade() {
			asks = append(asks, ask{"delete", t.Object})
		}
	}
	may, errs := make([]bool, len(asks)), make([]error, len(asks))
	inTurn(len(asks), func(n int) { may[n], errs[n] = r.cluster.May(ctx, asks[n].verb, asks[n].o) })
	lacks := map[string][]string{}
	var unknown error
	for n, a := range asks {
		switch {
		case errs[n] != nil:
			unknown = errs[n]
		case !may[n]:
			lacks[a.verb] = append(lacks[a.verb], a.o.String())
		}
	}
	var out []model.Check
	for _, verb := range slices.Sorted(maps.Keys(lacks)) {
		out = append(out, ways.Hard(ways.Line("access."+verb, 0, fmt.Sprintf("ask for the verb %s on them, or let somebody do it who has it", verb),
			"you may not %s %s: the write would be refused", verb, some(lacks[verb]))))
	}
	switch {
	case unknown != nil:
		out = append(out, ways.Line("access.patch", model.CheckUnknown, "", "whether you may apply it is not known: %s", unknown))
	case len(out) == 0:
		out = append(out, ways.Line("access.patch", model.CheckOK, "", "you may get and patch all that is applied: %s", model.Plural(len(w.tries), "object")))
	}
	return out
}

// lines returns the checks of what the plan is made of: nothing more is asked for.
func (w *world) lines(stale error) []model.Check {
	out := []model.Check{w.checkSource()}
	if stale != nil {
		out = append(out, ways.Line("fetch", model.CheckUnknown, "look whether a newer tag is missing", "%s could not be fetched from, what was fetched before is used: %s", text.Line(w.repo.url), stale))
	}
	out = append(out, w.checkOrigin()...)
	out = append(out, w.checkRunning())
	out = append(out, w.checkDryRun()...)
	out = append(out, w.checkConflicts()...)
	out = append(out, w.checkLeft()...)
	out = append(out, w.checkAdopted()...)
	out = append(out, w.checkReplicas()...)
	out = append(out, w.checkReach()...)
	out = append(out, w.checkWorkload()...)
	out = append(out, w.checkOwners()...)
	if gone := w.notThere(); len(gone) > 0 {
		out = append(out, ways.Line("prune", model.CheckWarning, "delete them by hand, if they do harm",
			"%s has no %s: nothing is deleted by this", w.to.Version, some(gone)))
	}
	return out
}

func (w *world) checkSource() model.Check {
	x := w.to
	said := fmt.Sprintf("%s is commit %s", x.Version, ways.ShortCommit(x.commit))
	if x.tag == "" {
		said = fmt.Sprintf("commit %s has no tag", ways.ShortCommit(x.commit))
	}
	if x.Cause != "" {
		said += ": " + x.Cause
	}
	if x.By != "" {
		said += " (" + x.By + ")"
	}
	return ways.Line("version", model.CheckOK, "", "%s", said)
}

// checkOrigin compares the tag with that of the other side: one that was moved means
// something else to others.
func (w *world) checkOrigin() []model.Check {
	const id = "tag"
	tag := text.Line(w.to.tag)
	switch o := w.origin; {
	case !o.asked:
		return nil
	case o.err != nil:
		return []model.Check{ways.Line(id, model.CheckUnknown, "", "whether origin has the tag %s at the same commit is not known, the one here is taken: %s", tag, o.err)}
	case o.commit == "":
		return []model.Check{ways.Line(id, model.CheckWarning, "", "origin has no tag %s: it is only in this clone", tag)}
	case o.commit != w.to.commit:
		return []model.Check{ways.Line(id, model.CheckBlocked, "find out which is meant; git fetch --tags --force takes that of origin",
			"the tag %s was moved: it is at %s here, and at %s in origin", tag, ways.ShortCommit(w.to.commit), text.Line(ways.ShortCommit(o.commit)))}
	}
	return []model.Check{ways.Line(id, model.CheckOK, "", "origin has the tag %s at the same commit", tag)}
}

func (w *world) checkRunning() model.Check {
	const id = "running"
	switch {
	case w.running == nil:
		return ways.Line(id, model.CheckUnknown, "", "which version runs is not known: neither image nor annotation names a tag or a commit of the repository")
	case w.running.Key == w.to.Key:
		return ways.Line(id, model.CheckWarning, "", "%s runs already, by its image or annotation", w.to.Version)
	}
	return ways.Line(id, model.CheckOK, "", "%s runs, by its image or annotation", w.running.Version)
}

func (w *world) checkDryRun() (out []model.Check) {
	made := 0
	for _, t := range w.tries {
		switch {
		case t.Remade():
			out = append(out, ways.Line("anew:"+t.Object.String(), model.CheckBlocked, fmt.Sprintf("go back another way, if there is one; else override it, and type “%s” before the word", remakes(w.anew())),
				"%s is deleted and made anew: %s%s. Nothing else works: %s", t.Object, t.Anew.Costs, w.outage(&t), t.Refused))
		case t.Immutable:
			out = append(out, ways.Hard(ways.Line("dryrun:"+t.Object.String(), 0, "delete it and apply it again by hand, if you can do without it for that time; or go back another way",
				"%s could only be deleted and made anew, which is not done: %s. The API server says: %s", t.Object, t.Anew.Never, t.Refused)))
		case t.Refused != "":
			out = append(out, ways.Hard(ways.Line("dryrun:"+t.Object.String(), 0, "choose another version, or go back another way", "the API server refuses %s: %s", t.Object, t.Refused)))
		case t.Live == nil:
			made++
		}
	}
	if len(out) > 0 {
		return out
	}
	all, change := len(w.tries), len(w.objects)
	if change == 0 {
		return []model.Check{ways.Hard(ways.Line("dryrun", 0, "choose another version", "nothing differs from %s (%s): there is nothing to apply", w.to.Version, model.Plural(all, "object")))}
	}
	var parts []string
	for _, x := range []struct {
		n    int
		what string
	}{{change - made, "to change"}, {made, "new"}, {all - change, "unchanged"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	return []model.Check{ways.Line("dryrun", model.CheckOK, "", "the API server accepts it (dry run of %s): %s", model.Plural(all, "object"), strings.Join(parts, ", "))}
}

// outage says for how long nothing serves while an object is made anew, as far as is known.
func (w *world) outage(t *model.Rehearsed) string {
	if t.Anew.Orphan || !isWorkload(t.Object, w.comp.Workload) {
		return ""
	}
	var took time.Duration
	for _, p := range w.comp.Pods {
		if !p.ReadySince.IsZero() && !p.Started.IsZero() {
			took = max(took, p.ReadySince.Sub(p.Started))
		}
	}
	if took <= 0 {
		return "; for how long is not known"
	}
	return fmt.Sprintf("; for about %s, as its pods took to be ready", model.Short(took))
}

// checkConflicts names the fields that others have set, by owner: taking them over wants
// an answer of its own.
func (w *world) checkConflicts() (out []model.Check) {
	byOwner := map[string][]string{}
	for _, t := range w.tries {
		for _, o := range t.Conflicts {
			byOwner[o.Manager] = append(byOwner[o.Manager], t.Object.String()+" "+o.Field)
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(byOwner)) {
		out = append(out, ways.Line("conflict:"+owner, model.CheckBlocked, "override it to take them over, as --force-conflicts does; the next server-side apply by "+owner+" will conflict then",
			"%s has set what this changes: %s", owner, some(byOwner[owner])))
	}
	if len(out) == 0 {
		out = append(out, ways.Line("conflict", model.CheckOK, "", "no field belongs to another manager than %s", w.target.Manager))
	}
	return out
}

// left returns the fields of an object that stay. Some managers own all that the API
// server fills in; so those count that stand in the manifest of what runs, or, where that
// is not known, those that somebody has applied.
func (w *world) left(t *model.Rehearsed) (out []model.Owned) {
	var of map[string]any
	if w.before != nil {
		for n := range w.before.objects {
			if m := &w.before.objects[n]; m.Object == t.Object {
				of, _ = ways.Tree(m.Raw) // it was taken apart before
			}
		}
	}
	for _, o := range t.Left {
		if w.before != nil && has(of, o.Field) || w.before == nil && o.Applies {
			out = append(out, o)
		}
	}
	return out
}

// checkLeft names what stays of newer versions: a server-side apply removes no field that
// another manager has set.
func (w *world) checkLeft() (out []model.Check) {
	byOwner := map[string][]string{}
	for _, t := range w.tries {
		for _, o := range w.left(&t) {
			byOwner[o.Manager] = append(byOwner[o.Manager], t.Object.String()+" "+o.Field)
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(byOwner)) {
		state := model.CheckWarning
		if slices.ContainsFunc(byOwner[owner], func(s string) bool { return strings.Contains(s, " .spec.template.") }) {
			state = model.CheckBlocked // what runs would not be the version that was chosen
		}
		out = append(out, ways.Line("left:"+owner, state, "go back by the undo, or override it and remove them by hand; where "+owner+" applies by the server (kubectl apply --server-side), set manager: "+owner+" in redeploy of "+w.comp.ID,
			"%s has set what %s does not have, and it stays: %s", owner, w.to.Version, some(byOwner[owner])))
	}
	return out
}

// checkAdopted tells what becomes of what kubectl apply has set without --server-side.
func (w *world) checkAdopted() []model.Check {
	var names []string
	for _, t := range w.tries {
		if len(t.Adopts) > 0 && slices.ContainsFunc(w.objects, func(o object) bool { return o.Object == t.Object }) {
			names = append(names, t.Object.String())
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []model.Check{ways.Line("adopt", model.CheckNote, "", "what kubectl apply has set is handed over to %s first, as kubectl apply --server-side does: %s", w.target.Manager, some(names))}
}

func (w *world) checkReplicas() (out []model.Check) {
	for _, t := range w.tries {
		switch {
		case t.Stopped:
			out = append(out, ways.Line("stopped", model.CheckNote, "", "%s is scaled down by rollbook and stays so: how many replicas git says is left out", t.Object))
		case t.Scaler != "":
			out = append(out, ways.Line("hpa:"+t.Scaler, model.CheckNote, "", "HPA %s decides how many replicas %s has: what git says is left out", t.Scaler, t.Object))
		case t.ScalerErr != "":
			out = append(out, ways.Line("hpa", model.CheckUnknown, "", "whether an autoscaler decides how many replicas %s has is not known, they are left as they are: %s", t.Object, t.ScalerErr))
		}
	}
	return out
}

// checkReach names what changes beside the component's workload and what is its own.
func (w *world) checkReach() (out []model.Check) {
	var others, elsewhere []string
	for n := range w.objects {
		o := w.objects[n].Object
		switch {
		case isWorkload(o, w.comp.Workload):
		case o.Namespace != w.comp.Workload.Namespace:
			elsewhere = append(elsewhere, strings.TrimSuffix(o.String()+" in "+o.Namespace, " in "))
		case slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}, o.Kind):
			others = append(others, o.String())
		}
	}
	if len(others) > 0 {
		out = append(out, ways.Line("others", model.CheckWarning, "look at what else goes back with it", "it changes other workloads too: %s", some(others)))
	}
	if len(elsewhere) > 0 {
		out = append(out, ways.Line("elsewhere", model.CheckWarning, "look at whom else it concerns", "it changes what is not in namespace %s: %s", w.comp.Workload.Namespace, some(elsewhere)))
	}
	return out
}

func (w *world) checkWorkload() (out []model.Check) {
	c := w.comp
	for _, t := range w.tries {
		if isWorkload(t.Object, c.Workload) && t.Template != "" && t.Template == c.TemplateHash && len(w.objects) > 0 {
			out = append(out, ways.Line("template", model.CheckWarning, "restart it afterwards, if it reads what changes only when it starts",
				"the pods of %s stay as they are: its template does not change", c.ID))
		}
	}
	if c.Paused {
		out = append(out, ways.Line("paused", model.CheckBlocked, "resume it first, or go back by the undo, which does both at once", "%s is paused: no pod would be replaced", c.Workload))
	}
	return out
}

func (w *world) checkOwners() (out []model.Check) {
	for _, o := range w.comp.Owners {
		id := "owner." + strings.ToLower(strings.ReplaceAll(o.Manager, " ", ""))
		state, does := model.CheckWarning, ": its next release puts its own version back"
		if o.Reverts {
			state, does = model.CheckBlocked, ": it will put its own version back by itself"
		}
		out = append(out, model.OwnerCheck(id, state, o.Manager, o.Name, does, "", o.Do))
	}
	return out
}
