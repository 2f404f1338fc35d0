package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNotifications(t *testing.T) {
	c := mustLoad(t, Source{Kind: User, Name: FileName, Data: uncommented()})
	n := c.Notifications
	if len(n.Slack) != 1 || n.Slack[0].Name != "incidents" || n.Slack[0].URL != (Secret{Env: "SLACK_WEBHOOK_URL"}) {
		t.Errorf("slack: %+v", n.Slack)
	}
	if len(n.Teams) != 1 || n.Teams[0].Name != "operations" || !filepath.IsAbs(n.Teams[0].URL.File) {
		t.Errorf("teams: %+v", n.Teams)
	}
	if s := n.Statuspage; len(s) != 1 || s[0].Page != "kctbh9vrtdwd" || len(s[0].Components) != 1 || s[0].Quiet || s[0].Token.Env == "" {
		t.Errorf("statuspage: %+v", s)
	}
	if w := n.Webhook; len(w) != 1 || !strings.Contains(w[0].Body, "{{json .Text}}") || w[0].Token.Env != "CHAT_TOKEN" {
		t.Errorf("webhook: %+v", w)
	}
	if g := n.GitLab; len(g) != 1 || g[0].Project != "shop/shop" || g[0].HTTP == nil || g[0].HTTP.TLSConfig.CAFile == "" {
		t.Errorf("gitlab: %+v", g)
	}
	first := c.Contacts[0]
	if first.Grafana == nil || first.Grafana.Schedule != "shop primary" || first.PagerDuty == nil || len(first.PagerDuty.Schedules) != 1 {
		t.Errorf("contact: %+v", first)
	}
	checks := c.Components[2].Checks
	if checks.Logs != 50 || checks.BadLog != "panic|FATAL" || len(checks.PromQL) != 1 || checks.PromQL[0].Limit() != "≤ 100" {
		t.Errorf("checks: %+v", checks)
	}
	shown := map[string]string{}
	for _, s := range c.Settings() {
		shown[s.Path] = s.Value
		if s.Source == "default" && (strings.HasPrefix(s.Path, "notifications.") || strings.Contains(s.Path, ".pagerduty.") || strings.Contains(s.Path, "promql")) {
			t.Errorf("%s does not say where it was set", s.Path)
		}
	}
	for path, want := range map[string]string{
		"notifications.slack.incidents.url_env":          "SLACK_WEBHOOK_URL",
		"notifications.statuspage.public.components":     "8kbf7d35c070",
		"notifications.gitlab.follow-up.labels":          "incident",
		"contacts.on_call.grafana.schedule":              "shop primary",
		"contacts.on_call.pagerduty.schedule_ids":        "PI7DH85",
		"components[backend-rust].checks.logs.bad":       "panic|FATAL",
		"components[backend-rust].checks.promql":         `queue length: sum(queue_length{service="rust"}) ≤ 100`,
		"recovery.restore":                               "https://wiki.example/runbooks/restore",
		"report.template":                                "/srv/shop/docs/incidents/template.md",
		"notifications.webhook.chat.token_env":           "CHAT_TOKEN",
		"contacts.on_call.grafana.grafana_url":           "https://shop.grafana.example",
		"notifications.gitlab.follow-up.url":             "https://gitlab.example",
		"notifications.statuspage.public.outage":         "partial_outage",
		"notifications.statuspage.public.page":           "kctbh9vrtdwd",
		"contacts.on_call.pagerduty.escalation_policies": "PT20YPA",
		"notifications.statuspage.public.token_env":      "STATUSPAGE_API_KEY",
		"components[backend-python].checks.logs":         "20",
		"notifications.gitlab.follow-up.project":         "shop/shop",
		"contacts.on_call.grafana.token_env":             "GRAFANA_ONCALL_TOKEN",
		"contacts.on_call.grafana.url":                   "https://oncall-prod-eu.grafana.example/oncall",
	} {
		if shown[path] != want {
			t.Errorf("%s is shown as %q, want %q", path, shown[path], want)
		}
	}
}

// Who asks for a schedule need not say who is on call.
func TestAContactThatIsAskedFor(t *testing.T) {
	c, err := load(t, User, "contacts: {on_call: {grafana: {url: https://oncall.example, schedule: shop, token_env: T}}}")
	if err != nil {
		t.Fatal(err)
	}
	if k := c.Contacts[0]; k.Who != "who is on call by schedule shop in Grafana OnCall" || k.How != "https://oncall.example" {
		t.Errorf("%+v", k)
	}
}

func TestLimits(t *testing.T) {
	c, err := load(t, User, "components: [{name: a, workload: deploy/a, checks: {promql: [{name: x, query: up, min: 1.5e3}, {name: y, query: up, max: -2}]}}]")
	if err != nil {
		t.Fatal(err)
	}
	if q := c.Components[0].Checks.PromQL; q[0].Limit() != "≥ 1500" || q[1].Limit() != "≤ -2" {
		t.Errorf("%v, %v", q[0].Limit(), q[1].Limit())
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	env := func(k string) string { return map[string]string{"TOKEN": " hunter2\n"}[k] }
	file := func(name, text string) Secret { return Secret{File: write(t, filepath.Join(dir, name), text)} }
	for _, tc := range []struct {
		name      string
		in        Secret
		want, err string
	}{
		{"none", Secret{}, "", ""},
		{"variable", Secret{Env: "TOKEN"}, "hunter2", ""},
		{"variable not set", Secret{Env: "OTHER"}, "", "the environment variable OTHER is not set"},
		{"file", file("token", "hunter2\n"), "hunter2", ""},
		{"empty file", file("empty", "\n"), "", "empty is empty"},
		{"large file", file("large", strings.Repeat("hunter2", 10_000)), "", "is larger than 64 kB"},
		{"no file", Secret{File: filepath.Join(dir, "none")}, "", "none cannot be read: no such file or directory"},
		{"folder", Secret{File: dir}, "", "is not a regular file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.in.Read(env)
			if got != tc.want || (err == nil) != (tc.err == "") {
				t.Fatalf("%q, %v", got, err)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "config init")) {
				t.Errorf("%v, want %q", err, tc.err)
			}
		})
	}
}

func TestReportTemplate(t *testing.T) {
	work, other := t.TempDir(), t.TempDir()
	c := mustLoad(t)
	if got := c.ReportTemplate(work); got != "" {
		t.Errorf("none there: %q", got)
	}
	path := write(t, filepath.Join(work, defaultTemplate), "x")
	if got := c.ReportTemplate(work); got != path {
		t.Errorf("the usual place: %q", got)
	}
	if got := c.ReportTemplate(""); got != "" {
		t.Errorf("no working folder: %q", got)
	}
	own, err := load(t, User, "report: {template: /srv/t.md}")
	if err != nil || own.ReportTemplate(work) != "/srv/t.md" {
		t.Errorf("configured: %v, %v", own, err)
	}
	// Whoever can write into the folder must not choose what goes into a report.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(write(t, filepath.Join(other, "id_ed25519"), "x"), path); err != nil {
		t.Fatal(err)
	}
	if got := c.ReportTemplate(work); got != "" {
		t.Errorf("a link out of the folder is followed: %q", got)
	}
}
