package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/engine/journal"
	"rollbook/metrics"
	"rollbook/model"
	reporting "rollbook/report"
	"rollbook/text"
)

// collector gathers what a snapshot is about.
type collector struct{ *reporting.Collector }

func (k collector) Gather(ctx context.Context, dir string, s *model.Snapshot, m model.Moment) (model.Evidence, error) {
	return k.Collector.Gather(ctx, reporting.RequestOf(m, dir, s))
}

// ownSecrets masks what this program itself holds: the tokens and addresses of
// where messages go and of who is on call. One that cannot be read is none.
func ownSecrets(cfg *config.Config) *text.Redactor {
	var all []config.Secret
	n := cfg.Notifications
	for _, h := range append(append([]config.Hook(nil), n.Slack...), n.Teams...) {
		all = append(all, h.URL)
	}
	for _, s := range n.Statuspage {
		all = append(all, s.Token)
	}
	for _, w := range n.Webhook {
		all = append(all, w.URL, w.Token)
	}
	for _, g := range n.GitLab {
		all = append(all, g.Token)
	}
	for _, k := range cfg.Contacts {
		if k.Grafana != nil {
			all = append(all, k.Grafana.Token)
		}
		if k.PagerDuty != nil {
			all = append(all, k.PagerDuty.Token)
		}
	}
	r := &text.Redactor{}
	for _, s := range all {
		if v, err := s.Read(os.Getenv); err == nil {
			r.Add(v)
		}
	}
	return r
}

// cost is what an incident cost, by Prometheus.
type cost struct{ prom *prometheus }

func (k cost) Impact(ctx context.Context, w engine.ImpactOf) (model.Impact, error) {
	c := k.prom.found.Load()
	if c == nil {
		return model.Impact{}, errNotThere
	}
	return c.Impact(ctx, metrics.ImpactOf(w))
}

// reportName is the report's name in the incident's folder.
const reportName = "report.md"

// reporter writes the report from the journal on disk, which holds at least what
// the incident does.
type reporter struct{ cfg *config.Config }

func (r reporter) Write(_ context.Context, _ *model.Incident, dir string) (string, error) {
	c, err := journal.Read(filepath.Join(dir, journal.FileName))
	if err != nil {
		return "", err
	}
	troubles := ""
	note := func(s string) { troubles += "> " + text.Line(s) + "\n\n" }
	d := reportOf(book{Content: c}, note)
	wd, err := os.Getwd()
	if err != nil {
		wd = "" // then only the template that the configuration names
	}
	source, from, err := ownTemplate("", r.cfg.ReportTemplate(wd))
	if err != nil {
		note(err.Error() + "; this is the built-in one")
	}
	md, err := reporting.Markdown(d, source)
	if err != nil {
		note(fmt.Sprintf("%s: %s; this is the built-in one", from, err))
	}
	path := filepath.Join(dir, reportName)
	if err := replaceFile(path, []byte(troubles+md)); err != nil {
		return "", fmt.Errorf("write the report: %w", err)
	}
	return path, nil
}
