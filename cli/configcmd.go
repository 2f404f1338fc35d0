package cli

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rollbook/config"
	"rollbook/ui"
)

func newConfig(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Write, check and show the configuration",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("config needs init or check")
		},
	}
	cmd.AddCommand(newConfigInit(), &cobra.Command{
		Use:   "check",
		Short: "Read the configuration strictly and show each value with its source",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(f)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if len(cfg.Sources) == 0 {
				fmt.Fprintln(out, "no configuration file: these are the defaults")
			}
			for _, v := range cfg.Versions(cmd.Context()) {
				fmt.Fprintf(out, "%s  sha256 %.12s", v.Name, v.Hash)
				switch {
				case v.Commit == "":
				case v.Changed:
					fmt.Fprintf(out, "  changed since commit %.12s", v.Commit)
				default:
					fmt.Fprintf(out, "  commit %.12s", v.Commit)
				}
				fmt.Fprintln(out)
			}
			t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
			for _, s := range cfg.Settings() {
				fmt.Fprintf(t, "%s\t%s\t%s\n", s.Path, s.Value, s.Source)
			}
			return t.Flush()
		},
	})
	return cmd
}

func newConfigInit() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a commented example",
		Long:  "Write a commented example to standard output, or with -o to a file that must not be there yet.",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				return config.Init(cmd.OutOrStdout())
			}
			file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return fmt.Errorf("config init: %w; nothing was written", err)
			}
			if err := config.Init(file); err != nil {
				return err
			}
			return file.Close()
		},
	}
	cmd.Flags().StringVarP(&to, "output", "o", "", "file to write; one that is there is left alone")
	return cmd
}

// newKeys prints the keys as docs/keys.md has them.
func newKeys() *cobra.Command {
	return &cobra.Command{
		Use:   "keys",
		Short: "Print the table of keys as Markdown",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), ui.KeyTable())
			return err
		},
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}
