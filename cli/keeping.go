package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"rollbook/config"
	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
	reporting "rollbook/report"
	"rollbook/text"
)

// collector gathers what a snapshot is about.
type collector struct{ *reporting.Collector }

func (k collector) Gather(ctx context.Context, dir string, s *incident.Snapshot, m model.Moment) (model.Evidence, error) {
	if err := ownEvidence(dir); err != nil {
		return model.Evidence{}, fmt.Errorf("no evidence can be kept: %w", err)
	}
	return k.Collector.Gather(ctx, reporting.RequestOf(m, dir, s))
}

// ownEvidence returns an error, which wraps journal.ErrForeign, where others could have
// written the evidence of an incident's folder, or would have what is written there.
func ownEvidence(dir string) error { return journal.Ours(filepath.Join(dir, reporting.Folder)) }

// cost is what an incident cost, by Prometheus.
type cost struct{ prom *prometheus }

func (k cost) Impact(ctx context.Context, w model.ImpactOf) (model.Impact, error) {
	c := k.prom.found.Load()
	if c == nil {
		return model.Impact{}, errNotThere
	}
	return c.Impact(ctx, w)
}

// reportName is the report's name in the incident's folder.
const reportName = "report.md"

// reporter writes the report from the journal on disk, which holds at least what
// the incident does.
type reporter struct{ cfg *config.Config }

func (r reporter) Write(_ context.Context, _ *incident.Incident, dir string) (string, error) {
	c, err := journal.Read(filepath.Join(dir, journal.FileName))
	if err != nil {
		return "", err
	}
	troubles := ""
	note := func(s string) { troubles += "> " + text.Line(s) + "\n\n" }
	if c.Damage != nil {
		note(c.Damage.String())
	}
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
