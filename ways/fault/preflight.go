package fault

import (
	"context"
	"fmt"
	"strings"

	"rollbook/model"
	"rollbook/ways"
)

// Plan makes the plan for a fault, or for putting back what was there, and checks it.
func (f Fault) Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	pf := model.Preflight{Slot: model.Slot{Component: c.ID, Role: model.RoleFault}, To: to.Key, Started: f.Now()}
	fail := func(err error) {
		pf.Done, pf.Err, pf.Checks = true, err.Error(), nil
		out(pf)
	}
	if c.Missing != "" {
		fail(fmt.Errorf("%s is not to be seen (%s): nothing is written to what nobody can watch", c.Workload, c.Missing))
		return
	}
	if !model.Fault(to.Key).IsZero() {
		if err := f.refused(); err != nil {
			fail(err)
			return
		}
	}
	pf.Checks = []model.Check{{ID: "plan", Text: fmt.Sprintf("reading %s …", c.Workload)}}
	out(pf)
	p, err := f.make(ctx, c.ID, c.Workload, to)
	if err != nil {
		fail(model.Told(nil, err, "no plan for %s: %s", c.Workload, err))
		return
	}
	var rights, dry []model.Check
	ways.Several(func() { rights = ways.MayPatch(ctx, f.cluster, p.Workload, p.changes()) }, func() { dry = ways.DryRun(ctx, f.cluster, p.changes(), f.ReadOnly) })
	pf.To, pf.Done, pf.Plans = p.To.Key, true, []model.Plan{p.Plan}
	pf.Checks = append(append(append(rights, p.checkWorkload(c)...), dry...), p.checkOwners(c)...)
	out(pf)
}

// checkWorkload tells what stands against it in the workload itself.
func (p *planned) checkWorkload(c *model.Component) (out []model.Check) {
	if len(p.stays) > 0 {
		by := p.writer
		if by == "" {
			by = "somebody"
		}
		out = append(out, ways.Line("foreign", model.CheckWarning, "look whether that is what you want", "%s was changed since by %s: it stays as it is now", strings.Join(p.stays, ", "), by))
	}
	switch {
	case c.Paused:
		out = append(out, ways.Line("paused", model.CheckBlocked, "resume it first: kubectl rollout resume "+c.Workload.String(), "%s is paused: no pod would come of it", c.Workload))
	case c.OnDelete:
		out = append(out, ways.Line("ondelete", model.CheckWarning, "delete a pod of it then", "%s replaces no pod by itself (OnDelete)", c.Workload))
	}
	if p.Broken && c.Desired == 0 {
		out = append(out, ways.Hard(ways.Line("replicas", 0, "scale it up first", "%s has 0 replicas: nothing of it can break", c.Workload)))
	}
	return out
}

// checkOwners tells who else would put the template back.
func (p *planned) checkOwners(c *model.Component) (out []model.Check) {
	for _, o := range c.Owners {
		id := "owner." + strings.ToLower(strings.ReplaceAll(o.Manager, " ", ""))
		switch {
		case !p.Broken:
			out = append(out, ways.Line(id, model.CheckNote, "", "%s owns it (%s)", o.Manager, o.Name))
		case o.Reverts:
			out = append(out, ways.Line(id, model.CheckBlocked, o.Do, "%s owns it (%s), and would repair it by itself: that is no drill", o.Manager, o.Name))
		default:
			out = append(out, ways.Line(id, model.CheckWarning, o.Do, "%s owns it (%s): its next sync may repair it", o.Manager, o.Name))
		}
	}
	return out
}
