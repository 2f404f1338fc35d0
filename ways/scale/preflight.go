package scale

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Plan makes the plan for a number of replicas and checks it.
func (s Scale) Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	pf := model.Preflight{Slot: model.Slot{Component: c.ID, Role: model.RoleSwitch}, To: to.Key, Started: s.Now()}
	fail := func(err error) {
		pf.Done, pf.Err, pf.Checks = true, err.Error(), nil
		out(pf)
	}
	if c.Missing != "" {
		fail(fmt.Errorf("%s is not to be seen (%s): nothing is written to what nobody can watch", c.Workload, c.Missing))
		return
	}
	pf.Checks = []model.Check{{ID: "plan", Text: fmt.Sprintf("reading %s and what scales it …", c.Workload)}}
	out(pf)
	p, err := s.make(ctx, c.ID, c.Workload, to)
	if err != nil {
		fail(model.Told(nil, err, "no plan for %s: %s", c.Workload, err))
		return
	}
	var rights, dry []model.Check
	ways.Several(func() { rights = ways.MayPatch(ctx, s.cluster, p.Workload, p.changes) }, func() { dry = ways.DryRun(ctx, s.cluster, p.changes, s.ReadOnly) })
	pf.To, pf.Done, pf.Plans = p.To.Key, true, []model.Plan{p.Plan}
	pf.Checks = slices.Concat(rights, []model.Check{p.checkReplicas()}, dry, p.checkScalers(), p.checkOwners(c))
	out(pf)
}

// checkReplicas tells what is there, and who has moved it.
func (p *planned) checkReplicas() model.Check {
	const id = "replicas"
	by := ""
	if p.writer != "" {
		by = ", last written by " + p.writer
	}
	switch {
	case p.mark != nil && p.Now > p.Had:
		return ways.Line(id, model.CheckWarning, "", "%s has %s, more than the %d from before it was stopped%s: it keeps them", p.Workload, model.Replicas(p.Now), p.Had, by)
	case p.Same && p.Replicas == 0 && p.mark == nil:
		return ways.Line(id, model.CheckNote, "", "%s has 0 replicas already, and how many it had is not known%s", p.Workload, by)
	case p.Same:
		return ways.Line(id, model.CheckNote, "", "%s has %s already%s", p.Workload, model.Replicas(p.Now), by)
	case p.mark != nil:
		return ways.Line(id, model.CheckOK, "", "%s has %s now, and %d before it was stopped", p.Workload, model.Replicas(p.Now), p.Had)
	}
	return ways.Line(id, model.CheckOK, "", "%s has %s: that is remembered here and by a label on it", p.Workload, model.Replicas(p.Now))
}

// checkScalers tells what becomes of what scales the workload by itself.
func (p *planned) checkScalers() (out []model.Check) {
	if p.unknown != nil {
		return []model.Check{ways.Line("hpa", model.CheckUnknown, "look yourself: an HPA leaves 0 replicas alone, KEDA does not",
			"whether something scales it by itself is not known: %s", p.unknown)}
	}
	for n := range p.scalers {
		x := &p.scalers[n]
		switch {
		case x.keda() && p.Marked:
			out = append(out, ways.Line("keda:"+x.Name, model.CheckNote, "", "KEDA scales it by %s, which is paused at %d first (%s)", x.Object, p.Replicas, annPaused))
		case x.keda() && x.change != nil:
			out = append(out, ways.Line("keda:"+x.Name, model.CheckNote, "", "KEDA's %s goes on as before: it decides how many replicas there are", x.Object))
		case x.keda():
			out = append(out, ways.Line("keda:"+x.Name, model.CheckNote, "", "KEDA scales it by %s: it may set another number", x.Object))
		case p.Replicas == 0:
			out = append(out, ways.Line("hpa:"+x.Name, model.CheckNote, "", "HPA %s (%d..%d) does nothing while there are 0 replicas; do not delete it", x.Name, x.low, x.high))
		case x.held != "":
			out = append(out, ways.Line("hpa:"+x.Name, model.CheckNote, "", "HPA %s (%d..%d) would scale it at once: it is held at %d", x.Name, x.low, x.high, p.Replicas))
		default:
			out = append(out, ways.Line("hpa:"+x.Name, model.CheckNote, "", "HPA %s (%d..%d) decides how many replicas there are from then on", x.Name, x.low, x.high))
		}
	}
	return out
}

// checkOwners tells who else would put the number of replicas back.
func (p *planned) checkOwners(c *model.Component) (out []model.Check) {
	for _, o := range c.Owners {
		id := "owner." + strings.ToLower(strings.ReplaceAll(o.Manager, " ", ""))
		switch {
		case len(p.setters) == 0:
			out = append(out, model.OwnerCheck(id, model.CheckNote, o.Manager, o.Name, ", and leaves the number of replicas alone", "", ""))
		case o.Reverts:
			out = append(out, model.OwnerCheck(id, model.CheckBlocked, o.Manager, o.Name, ", and puts its own number of replicas back by itself", "", o.Do))
		default:
			out = append(out, model.OwnerCheck(id, model.CheckWarning, o.Manager, o.Name, ": its next sync may put its own number of replicas back", "", o.Do))
		}
	}
	return out
}

// setters returns who set spec.replicas by a manifest: not rollbook, people with kubectl
// scale, or an autoscaler, which write the scale subresource.
func setters(raw json.RawMessage) (out []string) {
	var o struct {
		Metadata struct {
			ManagedFields []struct {
				Manager, Subresource string
				FieldsV1             map[string]json.RawMessage
			}
		}
	}
	_ = json.Unmarshal(raw, &o) // it was read before
	for _, e := range o.Metadata.ManagedFields {
		var spec map[string]json.RawMessage
		_ = json.Unmarshal(e.FieldsV1["f:spec"], &spec)
		if spec["f:replicas"] != nil && e.Subresource == "" && e.Manager != ways.Manager && !strings.HasPrefix(e.Manager, "kubectl") && e.Manager != "kube-controller-manager" {
			out = append(out, text.Line(e.Manager))
		}
	}
	return out
}
