package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	reporting "rollbook/report"
)

func newIncidents(f *flags) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "incidents",
		Short: "List all incidents and the time to restore, by quarter",
		Long: `Incidents lists what the journals hold: when each incident was opened, of what,
how it ended, how long it took to detect, decide, roll back and recover, and how the
time to restore went from quarter to quarter. It needs no cluster.

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
			books, bad, err := readJournals(f, cfg)
			if err != nil {
				return err
			}
			tell(cmd.ErrOrStderr(), books, bad)
			if len(books) == 0 && len(bad) > 0 {
				return fmt.Errorf("none of %d journals could be read", len(bad))
			}
			rows := make([]reporting.Row, len(books))
			for n, b := range books {
				rows[n] = reporting.RowOf(b.Facts)
				rows[n].ID = b.name
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
