package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rollbook/config"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/model"
	"rollbook/ways/migrate"
)

// doctorDeadline ends the whole examination.
const doctorDeadline = 30 * time.Second

// finding is one line of the doctor's table.
type finding struct {
	name  string
	state model.CheckState
	text  string
	do    string
}

func newDoctor(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [KIND/NAME]",
		Short: "Is everything ready for the next incident?",
		Long: `Doctor checks what the walk will need: configuration, journal, the API server
and each right on it, Prometheus and each query, health URLs, where messages go and
who is on call. It needs no terminal, changes nothing and sends no message. It
exits with 1 when something failed.`,
		Args:              atMostOneWorkload,
		ValidArgsFunction: completeWorkloads(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), doctorDeadline)
			defer cancel()
			found, err := examine(ctx, f, args)
			if err != nil {
				return err
			}
			return report(cmd.OutOrStdout(), found)
		},
	}
}

// examine gathers all lines; its error is for what no table can be made of.
func examine(ctx context.Context, f *flags, args []string) ([]finding, error) {
	cfg, err := loadConfig(f)
	if err != nil {
		return nil, err
	}
	masked(cfg)
	quiet, err := hush()
	if err != nil {
		return nil, err
	}
	defer quiet.restore()
	c, err := f.look(quiet)
	if err != nil {
		return nil, err
	}
	cfg, mapErr := withConfigMapSoon(ctx, configMapWait, f, cfg, c)
	set, err := settings(cfg, c, f, args)
	if err != nil {
		return nil, err
	}
	c.SetTargets(set.Components)
	dirs, err := journalDirs(f, cfg)
	if err != nil {
		return nil, err
	}
	out := []finding{configLine(cfg), configMapFinding(c, mapErr), journalLine(dirs[0]), placeLine(set)}
	if line, is := drillLine(f, cfg, time.Now()); is {
		out = append(out, line)
	}
	reached := true
	for _, k := range c.Check(ctx, set.Components) {
		reached = reached && (k.ID != "API server" || k.State == model.CheckOK)
		out = append(out, finding{name: checkName(k.ID), state: k.State, text: k.Text, do: k.Do})
	}
	if reached {
		for _, t := range set.Components {
			if t.Pods != "" {
				k := c.CheckSelector(ctx, t.ID, t.Workload.Namespace, t.Pods)
				out = append(out, finding{name: k.ID, state: k.State, text: k.Text, do: k.Do})
			}
		}
	}
	if reached {
		// A read-only client lets no command be run, not even one that looks.
		runs, err := f.reach(quiet, f.readOnly)
		if err != nil {
			return nil, err
		}
		out = append(out, migrationLines(ctx, migrations(runs, cfg, f.readOnly), set.Components)...)
	}
	out = append(out, aroundLines(ctx, cfg)...)
	if reached {
		out = append(out, redeployLines(ctx, f, cfg, c, quiet, set.Components)...)
		out = append(out, maintenanceLines(ctx, f, cfg, c, quiet, set.Components)...)
	}
	prom, err := newPrometheus(f, cfg, c, set.Limits)
	if err != nil {
		return nil, err
	}
	if prom.found.Load() == nil && !reached {
		return append(out, finding{name: "Prometheus", state: model.CheckUnknown, text: "not looked for in the cluster: the API server was not reached",
			do: "give --prometheus, or set prometheus.url in your own rollbook.yaml"}), nil
	}
	if prom.found.Load() == nil {
		if err := prom.find(ctx, c); err != nil {
			return append(out, finding{name: "Prometheus", state: model.CheckWarning, text: err.Error(),
				do: "give --prometheus, or set prometheus.url in your own rollbook.yaml"}), nil
		}
	}
	targets, err := c.Targets(ctx, set.Components)
	if err != nil {
		return append(out, finding{name: "workloads", state: model.CheckBlocked, text: err.Error()}), nil
	}
	for _, l := range prom.found.Load().Check(ctx, targets) {
		text := l.Text
		if l.Took > 0 {
			text += fmt.Sprintf(" (%d ms)", l.Took.Milliseconds())
		}
		out = append(out, finding{name: l.Name, state: l.State, text: text})
	}
	return out, nil
}

// migrationLines tell whether the migrations of the components could be taken back. The
// tool is run in a pod, to look: nothing is changed.
func migrationLines(ctx context.Context, m *migrate.Migrate, targets []model.Target) (out []finding) {
	for _, t := range targets {
		if !m.Serves(t.ID) {
			continue
		}
		for _, k := range m.Check(ctx, t.ID, t.Workload) {
			out = append(out, finding{name: checkName(k.ID) + " " + t.ID, state: k.State, text: k.Text, do: k.Do})
		}
	}
	return out
}

func configLine(cfg *config.Config) finding {
	if len(cfg.Sources) == 0 {
		return finding{"configuration", model.CheckNote, "none: the namespace's workloads and the runbook's limits", "rollbook config init -o rollbook.yaml"}
	}
	var names []string
	for _, s := range cfg.Sources {
		names = append(names, s.Label())
	}
	return finding{"configuration", model.CheckOK, strings.Join(names, ", "), ""}
}

func configMapFinding(c *kube.Client, err error) finding {
	text, do, failed := configMapLine(c, err)
	out := finding{"ConfigMap", model.CheckNote, text, do}
	switch {
	case err == nil:
		out.state = model.CheckOK
	case failed:
		out.state = model.CheckBlocked
	case errors.Is(err, kube.ErrForbidden):
		out.state = model.CheckWarning
	case !errors.Is(err, kube.ErrNotFound) && !errors.Is(err, errAlone):
		out.state = model.CheckUnknown
	}
	return out
}

// journalLine tries whether a journal could be written.
func journalLine(dir string) finding {
	probe, err := probeDir(dir)
	if err != nil {
		return finding{"journal", model.CheckBlocked, err.Error(), "give --journal-dir a folder that you may write"}
	}
	return finding{"journal", model.CheckOK, probe, ""}
}

// probeDir writes and removes a file in dir, or in the nearest folder above that
// is there: looking leaves no trace.
func probeDir(dir string) (string, error) {
	at := dir
	for {
		if _, err := os.Stat(at); err == nil || filepath.Dir(at) == at {
			break
		}
		at = filepath.Dir(at)
	}
	file, err := os.CreateTemp(at, ".rollbook-doctor-*")
	if err != nil {
		return "", fmt.Errorf("journal folder %s: %w", dir, err)
	}
	defer os.Remove(file.Name())
	return dir, file.Close()
}

func placeLine(set incident.Settings) finding {
	what := "not production: "
	if set.Production {
		what = "production, the name is typed: "
	}
	return finding{"context", model.CheckOK, fmt.Sprintf("%s, namespace %s, %s (%s%s)", set.Context, set.Namespace, set.Server, what, set.Why), ""}
}

// checkName is what stands before the colon, or the ID's words.
func checkName(id string) string {
	name, _, _ := strings.Cut(id, ":")
	return strings.ReplaceAll(name, ".", " ")
}

// report prints the table and fails when a line does.
func report(out io.Writer, found []finding) error {
	bad := 0
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, k := range found {
		sign := [...]string{"? unknown", "✓ ok", "· note", "⚠ warning", "✗ failed"}[k.state]
		if k.state == model.CheckBlocked {
			bad++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", sign, k.name, k.text)
		if k.do != "" && k.state != model.CheckOK {
			fmt.Fprintf(t, "\t\tdo: %s\n", k.do)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d checks failed", bad, len(found))
	}
	return nil
}
