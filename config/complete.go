package config

import (
	"fmt"
	"slices"
	"strings"
)

// complete checks what can only be judged when all files are combined. Its
// mistakes are told where the most trusted file set the value.
func (c *Config) complete(errs *Errors) {
	fail := func(path, format string, args ...any) {
		e := &Error{Path: path, Msg: fmt.Sprintf(format, args...), File: "the defaults"}
		if o, ok := c.originOf(path); ok {
			e.File, e.Line, e.Col = o.file, o.line, o.col
		}
		*errs = append(*errs, e)
	}
	// later picks the one of two paths that a file set, so that the message
	// points at something that can be changed.
	later := func(a, b string) string {
		if _, ok := c.origins[a]; ok {
			return a
		}
		return b
	}
	if c.Verify.Errors >= c.Limits.Errors {
		fail(later("verify.errors", "limits.errors.over"), "verify.errors (%s) must be below limits.errors.over (%s), or every rollback would look good", c.Verify.Errors, c.Limits.Errors)
	}
	if c.Verify.P95 >= c.Limits.P95 {
		fail(later("verify.p95", "limits.p95.over"), "verify.p95 (%s) must be below limits.p95.over (%s), or every rollback would look good", FormatDuration(c.Verify.P95), FormatDuration(c.Limits.P95))
	}
	if c.Limits.PollIdle < c.Limits.Poll {
		fail(later("limits.poll.idle", "limits.poll.incident"), "limits.poll.idle (%s) must not be below limits.poll.incident (%s)", FormatDuration(c.Limits.PollIdle), FormatDuration(c.Limits.Poll))
	}
	if c.SLO != nil && c.SLO.Objective == 0 {
		fail("slo", "the objective is missing, such as objective: 99.9%%")
	}
	workloads := map[string]string{}
	for i, comp := range c.Components {
		path := componentPath(comp.Name)
		if m := comp.Metrics; m.Preset == "" && m.Errors == "" && m.P95 == "" {
			c.Components[i].Metrics.Preset = defaultPreset
		}
		if comp.GitLab != nil && c.Methods.GitLab == nil {
			fail(path+".gitlab", "methods.gitlab is missing: it says which GitLab, and where its token is")
		}
		if comp.GitLab == nil && slices.Contains(comp.Methods, MethodGitLab) {
			fail(path+".methods", "gitlab is among them, and the component does not say where it is deployed from: gitlab, with project and environment")
		}
		if comp.Redeploy == nil && slices.Contains(comp.Methods, MethodRedeploy) {
			fail(path+".methods", "redeploy is among them, and the component does not say what is applied: redeploy, with repository and overlay")
		}
		if comp.Workload == (Workload{}) {
			fail(path, "the workload is missing, such as workload: Deployment/%s", comp.Name)
			continue
		}
		w := comp.Namespace + "/" + comp.Workload.String()
		if other, twice := workloads[w]; twice {
			fail(path+".workload", "%s belongs to the component %s already", comp.Workload, other)
		}
		workloads[w] = comp.Name
	}
	for i := range c.Contacts {
		c.Contacts[i].asked()
		contact := c.Contacts[i]
		var missing []string
		for _, f := range []struct{ name, v string }{{"who", contact.Who}, {"how", contact.How}, {"when", contact.When}} {
			if f.v == "" {
				missing = append(missing, f.name)
			}
		}
		if missing == nil {
			continue
		}
		hint := ""
		if n := nearest(contact.Role, []string{"on_call", "lead", "exec"}); n != "" && defaultWhen[contact.Role] == "" {
			hint = "; or did you mean " + n + "?"
		}
		fail("contacts."+contact.Role, "missing: %s%s", strings.Join(missing, ", "), hint)
	}
}

// originOf returns where path was set: the place of the path itself, or of
// what holds it.
func (c *Config) originOf(path string) (origin, bool) {
	for {
		if o, ok := c.origins[path]; ok {
			return o, true
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 || strings.HasSuffix(path, "]") && strings.IndexByte(path, '[') < i {
			return origin{}, false
		}
		path = path[:i]
	}
}
