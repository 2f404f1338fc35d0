package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// A Setting is one value of the effective configuration and where it comes
// from, for config check.
type Setting struct {
	Path   string
	Value  string
	Source string // FILE:LINE, or "default"
}

// Settings lists the effective configuration in the order of the example. It
// holds no secret.
func (c *Config) Settings() []Setting {
	var all []Setting
	add := func(path, value string) {
		source := "default"
		if o, ok := c.origins[path]; ok {
			source = fmt.Sprintf("%s:%d", o.file, o.line)
		}
		all = append(all, Setting{path, value, source})
	}
	some := func(path, value string) {
		if value != "" {
			add(path, printable(value))
		}
	}
	dur := FormatDuration

	l, v := c.Limits, c.Verify
	add("limits.errors.over", l.Errors.String())
	add("limits.errors.for", dur(l.ErrorsFor))
	add("limits.p95.over", dur(l.P95))
	add("limits.p95.for", dur(l.P95For))
	add("limits.min_requests", fmt.Sprint(l.MinRequests))
	add("limits.rollout", dur(l.Rollout))
	add("limits.poll.incident", dur(l.Poll))
	add("limits.poll.idle", dur(l.PollIdle))
	add("verify.errors", v.Errors.String())
	add("verify.p95", dur(v.P95))
	add("verify.hold", dur(v.Hold))
	if c.SLO != nil {
		add("slo.objective", c.SLO.Objective.String())
		add("slo.window", dur(c.SLO.Window))
	}
	for _, p := range c.NotProduction {
		var parts []string
		for _, f := range [][2]string{{"context", p.Context}, {"server", p.Server}, {"namespace", p.Namespace}} {
			if f[1] != "" {
				parts = append(parts, f[0]+" "+printable(f[1]))
			}
		}
		add("not_production", strings.Join(parts, ", "))
	}
	for _, comp := range c.Components {
		path := componentPath(comp.Name)
		add(path+".workload", comp.Workload.String())
		some(path+".namespace", comp.Namespace)
		some(path+".public", comp.Public)
		m := comp.Metrics
		some(path+".metrics.preset", m.Preset)
		some(path+".metrics.match", JoinMatchers(m.Match))
		some(path+".metrics.errors", m.Errors)
		some(path+".metrics.p95", m.P95)
		some(path+".metrics.requests", m.Requests)
		for _, h := range comp.Checks.Health {
			expect := "below 400"
			if h.Expect != 0 {
				expect = fmt.Sprint(h.Expect)
			}
			add(path+".checks.health", fmt.Sprintf("%s, %s within %s", printable(h.URL), expect, dur(h.Timeout)))
		}
		some(path+".checks.pods", comp.Checks.Pods)
		add(path+".checks.logs", fmt.Sprint(comp.Checks.Logs))
		some(path+".checks.logs.bad", comp.Checks.BadLog)
		add(path+".checks.up", fmt.Sprint(comp.Checks.Up))
		for _, q := range comp.Checks.PromQL {
			add(path+".checks.promql", fmt.Sprintf("%s: %s %s", printable(q.Name), printable(q.Query), q.Limit()))
		}
		some(path+".methods", strings.Join(comp.Methods, ", "))
		if g := comp.GitLab; g != nil {
			some(path+".gitlab.project", g.Project)
			some(path+".gitlab.environment", g.Environment)
			some(path+".gitlab.job", g.Job)
		}
		if r := comp.Redeploy; r != nil {
			some(path+".redeploy.repository", r.Repository)
			some(path+".redeploy.tags", r.Tags)
			some(path+".redeploy.overlay", r.Overlay)
			some(path+".redeploy.manifests", r.Manifests)
			some(path+".redeploy.command", strings.Join(r.Command, " "))
			some(path+".redeploy.manager", r.Manager)
			if r.Remote {
				add(path+".redeploy.remote", "true")
			}
		}
		comp.Migrations.settings(path+".migrations", some)
	}
	p := c.Prometheus
	some("prometheus.url", p.Address.String())
	interval := "found out from the samples"
	if p.ScrapeInterval > 0 {
		interval = dur(p.ScrapeInterval)
	}
	add("prometheus.scrape_interval", interval)
	some("prometheus.match", JoinMatchers(p.Match))
	some("prometheus.labels.namespace", p.Namespace)
	some("prometheus.labels.pod", p.Pod)
	some("prometheus.token_env", p.TokenEnv)
	some("prometheus.token_file", p.TokenFile)
	if p.HTTP != nil {
		add("prometheus.http_config", compact(p.HTTP))
	}
	c.Methods.settings(some)
	for _, x := range c.Links {
		add("links."+x.Name, x.URL)
	}
	for _, x := range c.Contacts {
		x.settings(add, some)
	}
	c.Notifications.settings(some)
	some("report.template", c.Report.Template)
	some("recovery.maintenance", c.Recovery.Maintenance)
	some("recovery.restore", c.Recovery.Restore)
	for n, s := range c.Recovery.Steps {
		some(fmt.Sprintf("recovery.steps[%d].text", n), s.Text)
		some(fmt.Sprintf("recovery.steps[%d].command", n), s.Command)
	}
	some("recovery.overlay", c.Recovery.Overlay)
	if n := c.Recovery.Replicas; n > 0 {
		add("recovery.replicas", fmt.Sprint(n))
	}
	add("drill.fault", c.Drill.Fault)
	if name, _, is := strings.Cut(c.Drill.Env, "="); is {
		add("drill.env", printable(name)+"=…")
	}
	some("drill.patch", c.Drill.Patch)
	some("drill.alert", c.Drill.Alert)
	add("drill.target", dur(c.Drill.Target))
	add("drill.healthy", dur(c.Drill.Healthy))
	add("drill.every", dur(c.Drill.Every))
	add("signals.bell", fmt.Sprint(c.Signals.Bell))
	add("signals.title", fmt.Sprint(c.Signals.Title))
	add("signals.notify", fmt.Sprint(c.Signals.Notify))
	some("journal_dir", c.JournalDir)
	return all
}

// compact prints a value of prometheus/common on one line. Its types mask
// secrets and leave out what is not set.
func compact(v any) string {
	data, err := yaml.MarshalWithOptions(v, yaml.Flow(true))
	if err != nil {
		return "set"
	}
	return printable(strings.TrimSpace(string(data)))
}
