package cli

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rollbook/config"
	"rollbook/engine/journal"
	reporting "rollbook/report"
)

func newIncidents(f *flags) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "incidents",
		Short: "List all incidents and the time to restore, by quarter",
		Long: `Incidents lists what the journals hold: when each incident was opened, of what,
how it ended, how long it took to detect, decide, roll back and recover, and how the
time to restore went from quarter to quarter. It needs no cluster. Beside each
journal it keeps summary.json, so that a journal which did not change is not read
again; it may be deleted at any time.

A journal that cannot be read is told on standard error and does not hide the
rest; the exit code is 1 only when none could be read.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return usagef("--format %q: it is table or json", format)
			}
			cfg, err := looseConfig(f)
			if err != nil {
				return err
			}
			rows, err := rowsOf(f, cfg, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if format == "json" {
				out, err := reporting.IncidentsJSON(rows)
				if err != nil {
					return err
				}
				return writeOut(cmd.OutOrStdout(), "", out)
			}
			return reporting.WriteIncidents(cmd.OutOrStdout(), rows)
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// listed is an incident as it is listed: the longest of its journals.
type listed struct {
	row    *reporting.Row // nil = none of them can be read
	facts  int
	torn   int64 // bytes of a last line that was cut off
	damage *journal.Damage
	opened time.Time // when the journal was last written, should it not say
	bad    []error   // of the journals that cannot be read
}

// rowsOf returns the rows of all incidents, the one opened last first, and tells
// errs what cannot be read, or only in part.
func rowsOf(f *flags, cfg *config.Config, errs io.Writer) ([]reporting.Row, error) {
	all, bad, err := shelf(f, cfg)
	if err != nil {
		return nil, err
	}
	found := make([]listed, len(all))
	next := make(chan int)
	var readers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			for n := range next {
				if err := guarded(func() error { found[n] = all[n].list(); return nil }); err != nil {
					found[n].bad = []error{fmt.Errorf("incident %s: %w", all[n].name, err)}
				}
			}
		})
	}
	for n := range all {
		next <- n
	}
	close(next)
	readers.Wait()
	for _, l := range found {
		bad = append(bad, l.bad...)
	}
	leftOut(errs, bad...)
	found = slices.DeleteFunc(found, func(l listed) bool { return l.row == nil })
	if len(found) == 0 && len(bad) > 0 {
		return nil, fmt.Errorf("none of %d journals could be read", len(bad))
	}
	slices.SortStableFunc(found, func(a, b listed) int { return b.opened.Compare(a.opened) })
	rows := make([]reporting.Row, len(found))
	for n, l := range found {
		rows[n] = *l.row
		tornLine(errs, l.row.ID, l.torn)
		damageLine(errs, l.row.ID, l.damage)
	}
	return rows, nil
}

// list reads what the list shows of the incident, from the summaries that are kept
// beside its journals where they count.
func (s shelved) list() (out listed) {
	for _, file := range s.files {
		sum, row, err := rowIn(file)
		if err != nil {
			out.bad = append(out.bad, err)
			continue
		}
		if out.row != nil && sum.Facts <= out.facts {
			continue
		}
		row.ID = s.name
		out.row, out.facts, out.torn, out.damage, out.opened = &row, sum.Facts, sum.Torn, sum.Damage, sum.Opened
		if out.opened.IsZero() {
			out.opened = file.Modified
		}
	}
	return out
}

// rowIn returns a journal's summary and row. What it has to read it keeps for the
// next time.
func rowIn(file journal.File) (*journal.Summary, reporting.Row, error) {
	if s := journal.Kept(file); s != nil {
		if row, ok := reporting.KeptRow(s.Row); ok {
			return s, row, nil
		}
	}
	c, err := journal.Read(file.Path)
	if err != nil {
		return nil, reporting.Row{}, err
	}
	s, row := c.Summary(), reporting.RowOf(c.Facts)
	if s.Row, err = row.Keep(); err == nil {
		_ = s.Keep() // a folder that takes no file costs the same time at the next look, and nothing else
	}
	return s, row, nil
}
