package maintenance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Plan makes the plan for showing the page, or for taking it away, and checks it.
func (m Maintenance) Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	pf := model.Preflight{Slot: model.Slot{Component: c.ID, Role: model.RoleMaintenance}, To: to.Key, Started: m.Now()}
	pf.Checks = []model.Check{{ID: "plan", Text: "reading the maintenance page and the cluster …"}}
	out(pf)
	p, err := m.make(ctx, c.ID, c.Workload, to)
	pf.Checks, pf.Done = nil, true
	if err != nil {
		pf.Err = model.Told(nil, err, "no plan for the maintenance page: %s", err).Error()
		out(pf)
		return
	}
	pf.To, pf.Plans = p.To.Key, []model.Plan{p.Plan}
	pf.Checks = slices.Concat(m.rights(ctx, p), p.checks(), p.lines)
	out(pf)
}

// rights tells whether the user may write each object, and take it away again.
func (m Maintenance) rights(ctx context.Context, p *planned) []model.Check {
	lacks, unknown := map[string][]string{}, error(nil)
	ask := func(verb string, o model.Object) {
		may, err := m.cluster.May(ctx, verb, o)
		switch {
		case err != nil:
			unknown = err
		case !may:
			lacks[verb] = append(lacks[verb], o.String())
		}
	}
	if p.Same {
		ask("patch", p.Workload.Object())
	}
	for n := range p.changes {
		switch c := &p.changes[n]; {
		case c.apply != nil:
			ask("create", c.Object)
			ask("patch", c.Object)
			ask("delete", c.Object)
		case c.Gone:
			ask("delete", c.Object)
		default:
			ask("patch", c.Object)
		}
	}
	var out []model.Check
	for _, verb := range []string{"create", "patch", "delete"} {
		if len(lacks[verb]) == 0 {
			continue
		}
		cost := "the write would be refused"
		if verb == "delete" && p.To.Key == model.MaintenancePage(true).Key {
			cost = "you could not take the page away again"
		}
		out = append(out, ways.Hard(ways.Line("access."+verb, 0, fmt.Sprintf("ask for the verb %s on them, or let somebody do it who has it", verb),
			"you may not %s %s: %s", verb, text.Line(strings.Join(lacks[verb], ", ")), cost)))
	}
	switch {
	case unknown != nil:
		out = append(out, ways.Line("access.patch", model.CheckUnknown, "", "whether you may write them is not known: %s", unknown))
	case len(out) == 0:
		out = append(out, ways.Line("access.patch", model.CheckOK, "", "you may write each object: %d", len(p.changes)))
	}
	return out
}

// checks tell what the page is made of, and what was there before.
func (p *planned) checks() (out []model.Check) {
	made := 0
	for n := range p.changes {
		c := &p.changes[n]
		if c.apply != nil {
			made++
		}
		if len(c.taken) > 0 {
			out = append(out, ways.Line("taken:"+c.Object.String(), model.CheckWarning, "look at what changes in it",
				"%s is there already and is changed; what it has now stands in its annotation %s, and is put back", c.Object, ways.AnnBefore))
		}
	}
	if made > 0 {
		out = append(out, ways.Line("dryrun", model.CheckOK, "", "admission accepts each object that is made: %d (server dry run)", made))
	}
	if p.Same {
		out = append(out, ways.Line("page", model.CheckNote, "", "there is nothing to do: the %s", p.To.Label))
	}
	return out
}

// Check tells, before there is an incident, whether the page could be shown: for doctor.
// The manifest is tried by dry run; nothing is applied.
func (m Maintenance) Check(ctx context.Context, component string, w model.Workload) []model.Check {
	do := "look at recovery.maintenance in your own rollbook.yaml, and at what it names"
	p, err := m.make(ctx, component, w, model.MaintenancePage(true))
	if errors.Is(err, model.ErrReadOnly) {
		return []model.Check{ways.Line("maintenance", model.CheckNote, "", "no dry run was made: rollbook runs read-only")}
	}
	if err != nil {
		return []model.Check{ways.Line("maintenance", model.CheckBlocked, do, "%s", err)}
	}
	out := slices.DeleteFunc(append(m.rights(ctx, p), p.checks()...), func(c model.Check) bool { return c.State == model.CheckOK })
	for n := range out {
		if out[n].ID = "maintenance"; out[n].State == model.CheckWarning {
			out[n].State = model.CheckNote // it is weighed when the page is shown
		}
	}
	return append(out, ways.Line("maintenance", model.CheckOK, "", "the dry run of the page's objects was answered"))
}
