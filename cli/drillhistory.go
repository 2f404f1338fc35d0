package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollbook/config"
	"rollbook/model"
	reporting "rollbook/report"
)

func newDrillHistory(f *flags) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the drills, the trend by quarter, and when the next one is due",
		Long: `History lists the drills that the journals hold, how the time to recover went from
quarter to quarter, how many were within their target, and when the next one is due, by
drill.every of rollbook.yaml. It needs no cluster. With --format md it prints the same for
a wiki, with --format ics a calendar file with that day.`,
		Example: `  rollbook drill history
  rollbook drill history --format ics > drill.ics`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(drillFormats, format) {
				return usagef("--format %q: it is table, md, json or ics", format)
			}
			cfg, err := looseConfig(f)
			if err != nil {
				return err
			}
			rows, err := rowsOf(f, cfg, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return writeDrills(cmd.OutOrStdout(), format, cfg, rows, time.Now())
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "table, md, json or ics")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(drillFormats, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	return cmd
}

var drillFormats = []string{"table", "md", "json", "ics"}

// writeDrills prints the drills among the incidents in one of drillFormats.
func writeDrills(w io.Writer, format string, cfg *config.Config, rows []reporting.Row, now time.Time) error {
	switch format {
	case "json":
		out, err := reporting.DrillsJSON(rows)
		if err != nil {
			return err
		}
		return writeOut(w, "", out)
	case "md":
		out, err := reporting.MarkdownDrills(rows)
		if err != nil {
			return err
		}
		_, text := drillDue(cfg, rows, now)
		return writeOut(w, "", append(out, "\n"+text+".\n"...))
	case "ics":
		due, text := drillDue(cfg, rows, now)
		return writeOut(w, "", calendar(due, text, now))
	}
	if err := reporting.WriteDrills(w, rows); err != nil {
		return err
	}
	_, text := drillDue(cfg, rows, now)
	_, err := fmt.Fprintln(w, text)
	return err
}

// drillDue returns when the next drill is due after the newest among the incidents, and
// says so.
func drillDue(cfg *config.Config, rows []reporting.Row, now time.Time) (time.Time, string) {
	last := time.Time{}
	if all := reporting.Drills(rows); len(all) > 0 {
		last = all[0].Opened.Time
	}
	return dueAfter(cfg, last, now)
}

// dueAfter returns when the next drill is due after one of that time, and says so; the
// first one, after none, is due now.
func dueAfter(cfg *config.Config, last, now time.Time) (time.Time, string) {
	if last.IsZero() {
		return now, "The first drill is due: rollbook drill"
	}
	due := last.Add(cfg.Drill.Every)
	since := "the last was on " + last.UTC().Format(time.DateOnly)
	if days := int(now.Sub(last).Hours() / 24); days > 1 {
		since = fmt.Sprintf("the last was %d days ago", days)
	}
	if !due.After(now) {
		return due, fmt.Sprintf("A drill is due since %s: %s", due.UTC().Format(time.DateOnly), since)
	}
	return due, fmt.Sprintf("The next drill is due on %s: %s", due.UTC().Format(time.DateOnly), since)
}

// lastDrill returns when the newest drill was opened that the journals hold; zero = there
// was none. It lists the folders and reads the beginning of one journal: a drill's goes by
// a name of its own, in which its time stands.
func lastDrill(f *flags, cfg *config.Config) (time.Time, error) {
	all, _, err := shelf(f, cfg)
	if err != nil {
		return time.Time{}, err
	}
	for _, s := range drillsAmong(all) {
		for _, file := range s.files {
			if at, err := file.Opened(); err == nil {
				return at, nil
			}
		}
	}
	return time.Time{}, nil
}

// drillReminder says that a drill is due, where the team means to hold any; "" while none
// is.
func drillReminder(f *flags, cfg *config.Config, now time.Time) string {
	if !cfg.Drill.Given {
		return ""
	}
	last, err := lastDrill(f, cfg)
	if err != nil {
		return "" // the journals' own trouble is told where they are needed
	}
	due, text := dueAfter(cfg, last, now)
	switch {
	case due.After(now):
		return ""
	case last.IsZero():
		return text
	}
	return text + ": rollbook drill"
}

// drillLine is the doctor's; false where the team means to hold no drill.
func drillLine(f *flags, cfg *config.Config, now time.Time) (finding, bool) {
	if !cfg.Drill.Given {
		return finding{}, false
	}
	last, err := lastDrill(f, cfg)
	if err != nil {
		return finding{"drill", model.CheckUnknown, err.Error(), ""}, true
	}
	due, text := dueAfter(cfg, last, now)
	if due.After(now) {
		return finding{"drill", model.CheckOK, text, ""}, true
	}
	return finding{"drill", model.CheckNote, text, "rollbook drill, on what is not production"}, true
}

// calendar returns an iCalendar file (RFC 5545) with the day on which the next drill is due.
func calendar(due time.Time, text string, now time.Time) []byte {
	day := due.UTC().Format("20060102")
	lines := []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//rollbook//drill//EN", "BEGIN:VEVENT",
		"UID:rollbook-drill-" + day, "DTSTAMP:" + now.UTC().Format("20060102T150405Z"),
		"DTSTART;VALUE=DATE:" + day, "DTEND;VALUE=DATE:" + due.UTC().AddDate(0, 0, 1).Format("20060102"),
		"SUMMARY:rollback drill", "DESCRIPTION:" + escaped.Replace(text), "END:VEVENT", "END:VCALENDAR", "",
	}
	return []byte(strings.Join(lines, "\r\n"))
}

// escaped writes a text of RFC 5545, 3.3.11.
var escaped = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)
