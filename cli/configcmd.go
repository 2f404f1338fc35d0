package cli

import (
	"bytes"
	"context"
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
			return usagef("config needs init, check or schema")
		},
	}
	cmd.AddCommand(newConfigInit(), newConfigSchema(), &cobra.Command{
		Use:   "check",
		Short: "Read the configuration strictly and show each value with its source",
		Long: `Check reads the files and, unless --config names the only one, the ConfigMap
rollbook of the namespace, and shows each value with its source. Queries are parsed
as Prometheus would; an environment variable that is not set is told.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(f)
			if err != nil {
				return err
			}
			cfg, inCluster, err := checkConfigMap(cmd.Context(), f, cfg)
			if err != nil {
				return err
			}
			if err := queryErrors(cfg); err != nil {
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
			fmt.Fprintln(out, inCluster)
			t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
			for _, s := range cfg.Settings() {
				fmt.Fprintf(t, "%s\t%s\t%s\n", s.Path, s.Value, s.Source)
			}
			if err := t.Flush(); err != nil {
				return err
			}
			for _, w := range cfg.Unset(os.Getenv) {
				fmt.Fprintln(out, "⚠ "+w)
			}
			return nil
		},
	})
	return cmd
}

// checkConfigMap adds the ConfigMap where there is one, and says what became of
// it. Without a cluster the files are checked all the same; a faulty ConfigMap
// is an error as a faulty file is.
func checkConfigMap(ctx context.Context, f *flags, cfg *config.Config) (all *config.Config, said string, err error) {
	quiet, err := hush()
	if err != nil {
		return nil, "", err
	}
	defer quiet.restore()
	c, err := f.look(quiet)
	if err != nil {
		return cfg, "ConfigMap " + configMapName + ": not looked for: " + err.Error(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, configMapWait)
	defer cancel()
	all, err = withConfigMap(ctx, f, cfg, c)
	said, _, failed := configMapLine(c, err)
	switch {
	case failed:
		return nil, "", err
	case err != nil:
		all = cfg
	}
	return all, said, nil
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
		Use:    "keys",
		Short:  "Print the table of keys as Markdown",
		Hidden: true,
		Args:   noArgs,
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

func newConfigSchema() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of rollbook.yaml, for editors",
		Long: `Schema prints a JSON Schema (2020-12), by which an editor completes the keys of
rollbook.yaml and marks mistakes while it is written. It is made from the fields that
read the file. What only the whole configuration shows, config check tells.

An editor with the YAML language server (VS Code, Neovim, Helix, Emacs) reads it by a
line at the top of the file:

  # yaml-language-server: $schema=rollbook.schema.json`,
		Example: `  rollbook config schema -o rollbook.schema.json`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var b bytes.Buffer
			if err := config.WriteSchema(&b); err != nil {
				return err
			}
			return writeOut(cmd.OutOrStdout(), to, b.Bytes())
		},
	}
	cmd.Flags().StringVarP(&to, "output", "o", "", "file to write instead of standard output")
	return cmd
}
