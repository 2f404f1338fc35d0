package redeploy

import (
	"context"
	"errors"
	"fmt"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Check tells, before there is an incident, whether a component could be redeployed: for
// doctor. The newest version is built, and tried by dry run; nothing is applied.
func (r Redeploy) Check(ctx context.Context, component string, w model.Workload) []model.Check {
	do := "look at redeploy of " + component + " in your own rollbook.yaml"
	failed := func(id string, err error) model.Check { return ways.Line(id, model.CheckBlocked, do, "%s", err) }
	t, err := r.target(component)
	if err != nil {
		return []model.Check{failed("repository", err)}
	}
	g, err := r.repository(t)
	var stale error
	if err == nil {
		stale, err = r.fetch(ctx, g)
	}
	c := &model.Component{ID: component, Workload: w}
	var all []candidate
	if err == nil {
		all, err = r.candidates(ctx, t, g, c)
	}
	if err != nil {
		return []model.Check{failed("repository", err)}
	}
	if len(all) == 0 {
		return []model.Check{ways.Line("repository", model.CheckBlocked, do, "%s has neither tags nor commits", text.Line(t.Repository))}
	}
	out := []model.Check{ways.Line("repository", model.CheckOK, "", "%d versions in %s, the newest is %s", len(all), text.Line(t.Repository), all[0].Version)}
	if stale != nil {
		out = append(out, ways.Line("fetch", model.CheckWarning, "look whether it can be reached from here", "%s could not be fetched from: %s", text.Line(g.url), stale))
	}
	b, err := r.build(ctx, t, g, all[0].release, w.Namespace)
	if err == nil && b.find(w) == nil {
		err = fmt.Errorf("%s of %s has no %s in namespace %s", t.what(), all[0].Version, w, w.Namespace)
	}
	if err != nil {
		return append(out, failed("build", err))
	}
	out = append(out, ways.Line("build", model.CheckOK, "", "%s of %s has %s", t.what(), all[0].Version, model.Plural(len(b.objects), "object")))
	world := &world{target: t, comp: c, to: &all[0], build: b}
	world.tries, err = r.rehearse(ctx, b.objects)
	out = append(out, r.rights(ctx, world)...)
	if errors.Is(err, model.ErrReadOnly) {
		return append(out, ways.Line("dryrun", model.CheckNote, "", "no dry run was made: rollbook runs read-only"))
	}
	if err != nil {
		return append(out, ways.Line("dryrun", model.CheckBlocked, "ask for the right to patch them, or see whether the API server answers", "%s", err))
	}
	for _, x := range world.tries {
		if x.Refused != "" {
			out = append(out, ways.Line("dryrun", model.CheckWarning, "look at the manifest", "the API server refuses %s: %s", x.Object, x.Refused))
		}
	}
	return append(out, ways.Line("dryrun", model.CheckOK, "", "the dry run of %s was answered", model.Plural(len(b.objects), "object")))
}
