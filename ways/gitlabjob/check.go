package gitlabjob

import (
	"context"
	"slices"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Check tells, before there is an incident, whether a component could be gone back by
// its job: for doctor. Nothing is started.
func (j Job) Check(ctx context.Context, component string) []model.Check {
	w := world{}
	var err error
	if w.target, err = j.target(component); err == nil {
		err = j.look(ctx, &w)
	}
	if err != nil {
		return []model.Check{ways.Line("project", model.CheckBlocked, "look at methods.gitlab, and at gitlab of "+component+", in your own rollbook.yaml", "%s", because(err))}
	}
	all := candidates(w.done, &model.Component{})
	other := slices.ContainsFunc(all, func(x candidate) bool { return !x.Current && x.Refused == "" })
	env := text.Line(w.target.Environment)
	versions := ways.Line("versions", model.CheckOK, "", "%s deployed to %s, the last is %s", model.Plural(len(all), "version"), env, lastOf(all))
	if !other {
		versions = ways.Line("versions", model.CheckWarning, "look at environment of gitlab of "+component, "no version was deployed to %s that could be gone back to", env)
	}
	return append([]model.Check{versions}, j.rights(ctx, &w)...)
}

func lastOf(all []candidate) string {
	if len(all) == 0 {
		return "none"
	}
	return all[0].Full()
}
