package migrate

import (
	"context"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Check tells, before there is an incident, whether a component's migrations could be
// taken back: for doctor. It runs the tool in a pod, to look.
func (m *Migrate) Check(ctx context.Context, component string, w model.Workload) []model.Check {
	t, err := m.target(component)
	if err != nil {
		return []model.Check{ways.Line("migrations", model.CheckBlocked, "", "%s", because(err))}
	}
	all, err := m.places(ctx, &t, w)
	if err != nil {
		return []model.Check{ways.Line("migrations", model.CheckBlocked, "ask for the verb list on pods", "its pods cannot be listed: %s", because(err))}
	}
	if m.ReadOnly {
		return []model.Check{ways.Line("migrations", model.CheckNote, "look without --read-only", "%s was not looked for: rollbook runs read-only, and runs no command in a pod", t.Tool)}
	}
	for _, at := range all {
		if ch := m.checkExec(ctx, at); ch.State == model.CheckBlocked {
			return []model.Check{ch}
		}
		args := t.tool().look()
		o, err := m.runner(at)(ctx, args)
		if err == nil {
			err = o.failed(args)
		}
		if err != nil {
			return []model.Check{ways.Line("migrations", model.CheckBlocked, "mend migrations of "+component+" in your own rollbook.yaml: tool, command, container", "%s cannot be run in pod %s: %s", t.Tool, at.Pod, because(err))}
		}
		s, err := t.tool().read(ctx, m.runner(at))
		if err != nil {
			return []model.Check{ways.Line("migrations", model.CheckWarning, "", "%s is in pod %s, and where the schema is cannot be seen: %s", t.Tool, at.Pod, because(err))}
		}
		return []model.Check{ways.Line("migrations", model.CheckOK, "", "%s runs in pod %s (%s): the schema is at %s", t.Tool, at.Pod, text.Line(strings.Join(t.command(), " ")), text.Line(s.At))}
	}
	return []model.Check{ways.Line("migrations", model.CheckUnknown, "", "no pod of %s runs in which %s could be looked for", w, t.Tool)}
}
