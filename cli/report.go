package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	reporting "rollbook/report"
)

// builtInTemplate is what --template calls the one that needs no file.
const builtInTemplate = "built-in"

func newReport(f *flags) *cobra.Command {
	var format, template, to string
	var html bool
	cmd := &cobra.Command{
		Use:   "report INCIDENT",
		Short: "Write an incident's report from its journal",
		Long: `Report reads the journal and the evidence of one incident and writes what
happened, what it cost, what is suspected, what was decided and done, how it was
verified, how long each took, and what is still to be done. It needs no cluster.

INCIDENT is a name as rollbook incidents lists it, the beginning of one, or
latest. Without --template, report.template of rollbook.yaml is used, or
docs/incidents/template.md of the working folder if it is there. A template that is
faulty loses nothing: the report comes by the built-in one, with the error, and the
exit code is 1. With --html it is one page with charts, for light and dark screens
and for paper, that fetches nothing.`,
		Example: `  rollbook report latest
  rollbook report latest --html -o report.html
  rollbook report INC-20261123-0312 --format json
  rollbook report latest --template docs/incidents/template.md -o report.md`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("one incident is needed: a name, the beginning of one, or latest; rollbook incidents lists them")
			}
			return nil
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return completeIncidents(f, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if html && !cmd.Flags().Changed("format") {
				format = "html"
			}
			if format != "md" && format != "json" && format != "html" || html && format != "html" {
				return usagef("--format %q: it is md, json or html", format)
			}
			if format != "md" && template != "" {
				return usagef("--template is for --format md")
			}
			errs := cmd.ErrOrStderr()
			b, cfg, err := namedBook(f, args[0], errs)
			if err != nil {
				return err
			}
			note := func(s string) { fmt.Fprintln(errs, "rollbook:", s) }
			if format == "html" {
				out, err := reporting.HTML(b.Facts, manifestOf(b, note))
				if err != nil {
					return err
				}
				return writeOut(cmd.OutOrStdout(), to, out)
			}
			d := reportOf(b, note)
			if format == "json" {
				out, err := reporting.JSON(d)
				if err != nil {
					return err
				}
				return writeOut(cmd.OutOrStdout(), to, out)
			}
			wd, err := os.Getwd()
			if err != nil {
				wd = "" // then only the one that the configuration names
			}
			source, from, err := ownTemplate(template, cfg.ReportTemplate(wd))
			if err != nil {
				return err
			}
			md, faulty := reporting.Markdown(d, source)
			if err := writeOut(cmd.OutOrStdout(), to, []byte(md)); err != nil {
				return errors.Join(err, faulty)
			}
			if faulty != nil {
				return fmt.Errorf("%s: %w", from, faulty)
			}
			if from != "" && template == "" {
				fmt.Fprintf(errs, "rollbook: by %s; --template %s is the other\n", from, builtInTemplate)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "md", "md, json or html")
	cmd.Flags().BoolVar(&html, "html", false, "one HTML page with charts: the same as --format html")
	cmd.Flags().StringVar(&template, "template", "", "your own Go template, or "+builtInTemplate)
	cmd.Flags().StringVarP(&to, "output", "o", "", "file to write instead of standard output")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"md", "json", "html"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// reportOf is a journal's report with the evidence that lies beside it.
func reportOf(b book, note func(string)) reporting.Data {
	return reporting.New(b.Facts, manifestOf(b, note))
}

// manifestOf returns what the evidence beside a journal says of itself; nil where there
// is none. Evidence that cannot be read, or that others could have written, is told of
// and counts as none.
func manifestOf(b book, note func(string)) *reporting.Manifest {
	dir := filepath.Dir(b.Path)
	m, err := reporting.ReadManifest(dir)
	if m != nil {
		err = ownEvidence(dir)
	}
	if err != nil {
		note(err.Error())
		return nil
	}
	return m
}

// ownTemplate reads the template that is asked for, else the team's usual one;
// "" is the built-in one.
func ownTemplate(asked, usual string) (source, from string, err error) {
	path := asked
	switch asked {
	case builtInTemplate:
		return "", "", nil
	case "":
		path = usual
	}
	if path == "" {
		return "", "", nil
	}
	b, err := os.ReadFile(path)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("the report's template: %w", err)
	case len(b) == 0:
		return "", "", fmt.Errorf("the report's template %s: it is empty", path)
	}
	return string(b), path, nil
}

func completeIncidents(f *flags, args []string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	cfg, err := looseConfig(f)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	all, _, err := shelf(f, cfg)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return append(named(byOpening(all)), "latest"), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
