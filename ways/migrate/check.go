package migrate

import (
	"context"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Check tells, before there is an incident, whether a component's migrations could be
// taken back: for doctor. It asks for the right to run commands, whether or not there is
// a pod now, and runs the tool in one, to look.
func (m *Migrate) Check(ctx context.Context, component string, w model.Workload) []model.Check {
	t, err := m.target(component)
	if err != nil {
		return []model.Check{ways.Line("migrations", model.CheckBlocked, "", "%s", because(err))}
	}
	may := m.mayExec(ctx, w.Namespace, "")
	out := []model.Check{may}
	if may.State != model.CheckBlocked {
		out = append(out, m.checkTool(ctx, component, &t, w))
	}
	return out
}

// checkTool tells whether the tool is in a pod, and sees the schema.
func (m *Migrate) checkTool(ctx context.Context, component string, t *Target, w model.Workload) model.Check {
	all, err := m.places(ctx, t, w)
	if err != nil {
		return ways.Line("migrations", model.CheckBlocked, "ask for the verb list on pods", "its pods cannot be listed: %s", because(err))
	}
	if m.ReadOnly {
		return ways.Line("migrations", model.CheckNote, "look without --read-only", "%s was not looked for: rollbook runs read-only, and runs no command in a pod", t.Tool)
	}
	for _, at := range all {
		args := t.tool().look()
		o, err := m.runner(at)(ctx, args)
		if err == nil {
			err = o.failed(args)
		}
		if err != nil {
			return ways.Line("migrations", model.CheckBlocked, "mend migrations of "+component+" in your own rollbook.yaml: tool, command, container", "%s cannot be run in pod %s: %s", t.Tool, at.Pod, because(err))
		}
		s, err := t.tool().read(ctx, m.runner(at))
		if err != nil {
			return ways.Line("migrations", model.CheckWarning, "", "%s is in pod %s, and where the schema is cannot be seen: %s", t.Tool, at.Pod, because(err))
		}
		return ways.Line("migrations", model.CheckOK, "", "%s runs in pod %s (%s): the schema is at %s", t.Tool, at.Pod, text.Line(strings.Join(t.command(), " ")), text.Line(s.At))
	}
	return ways.Line("migrations", model.CheckUnknown, "", "no pod of %s runs in which %s could be looked for", w, t.Tool)
}
