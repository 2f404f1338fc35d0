package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// Drills returns the rehearsals among the incidents, newest first.
func Drills(rows []Row) []Row {
	return newestFirst(slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !r.Drill }))
}

// within reports whether a drill recovered within the target that it had.
func (r *Row) within() bool {
	return r.Drill && r.Verified && r.Took.Recover.Known && r.Target.Known && r.Took.Recover.Seconds <= r.Target.Seconds
}

// WriteDrills prints the table of the drills among the incidents, newest first, and then
// how the time to recover went from quarter to quarter, against the target of the newest:
// what a terminal of 24 lines shows of it is the trend.
func WriteDrills(w io.Writer, rows []Row) error {
	rows = Drills(rows)
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "no drill yet")
		return err
	}
	writeDrillRows(w, rows)
	writeOwed(w, rows)
	return writeDrillQuarters(w, rows)
}

// writeDrillRows prints a line of 80 columns for each drill. It names the minute in which it
// was opened, which is the beginning of its name and stands for it on the command line.
func writeDrillRows(w io.Writer, rows []Row) {
	line := func(id, component, fault, outcome, decide, recovered, in string) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-19s %-16s %-9s %-13s %-6s %-7s %s", id, shortened(component, 16), shortened(fault, 9), outcome, decide, recovered, in), " "))
	}
	line("DRILL", "COMPONENT", "FAULT", "OUTCOME", "DECIDE", "RECOVER", "")
	open := false
	for _, r := range rows {
		in := ""
		if r.Verified && r.Took.Recover.Known && r.Target.Known && !r.within() {
			in = "late"
		}
		line(r.begins(), r.component(), text.Clean(r.Fault), r.outcome(), brief(r.Took.Decide), brief(r.Took.Recover), in)
		open = open || r.State != closed
	}
	if open {
		fmt.Fprintln(w, "* its checklist is not done")
	}
}

// begins returns the beginning of a drill's name that holds its minute, else all of it.
func (r *Row) begins() string {
	const minute = len(incident.DrillPrefix + "20060102-1504")
	id := text.Clean(r.ID)
	if strings.HasPrefix(id, incident.DrillPrefix) && len(id) > minute {
		return id[:minute]
	}
	return id
}

// component returns the first component; "" = there is none.
func (r *Row) component() string {
	if len(r.Components) == 0 {
		return ""
	}
	return text.Clean(r.Components[0])
}

// writeDrillQuarters prints the chart of the median by quarter, with the target as a line
// through it.
func writeDrillQuarters(w io.Writer, rows []Row) error {
	const cells = 26
	quarters, target := Quarters(rows), rows[0].Target
	most := max(1, target.Seconds)
	for _, q := range quarters {
		most = max(most, q.Median.Seconds)
	}
	at := -1 // cell of the target
	title := "\nTime to recover, by quarter (median)"
	if target.Known {
		at = min(cells-1, int(target.Seconds/most*cells))
		title += fmt.Sprintf("; │ is the target of %s", model.Short(target.D()))
	}
	fmt.Fprintf(w, "%s\n%-8s %6s  %-8s %s\n", title, "QUARTER", "DRILLS", "IN TIME", "MEDIAN")
	in, all := 0, 0
	for _, q := range quarters {
		in, all = in+q.Within, all+q.Incidents
		bar := []rune(strings.Repeat(" ", cells))
		for n := range int(q.Median.Seconds/most*cells + 0.5) {
			bar[n] = '█'
		}
		if at >= 0 {
			bar[at] = '│'
		}
		says := q.changed()
		if !q.Median.Known {
			says = "none was verified"
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-8s %6d  %-8s %-7s %s %s", q.Name, q.Incidents, fmt.Sprintf("%d of %d", q.Within, q.Incidents), brief(q.Median), string(bar), says), " "))
	}
	_, err := fmt.Fprintf(w, "Within their target: %d of %d\n", in, all)
	return err
}

// MarkdownDrills returns the same as Markdown, for a wiki.
func MarkdownDrills(rows []Row) ([]byte, error) {
	rows = Drills(rows)
	var b strings.Builder
	b.WriteString("# Rollback drills\n\n")
	if len(rows) == 0 {
		b.WriteString("No drill yet.\n")
		return []byte(b.String()), nil
	}
	b.WriteString("| Drill | Component | Fault | Outcome | To decide | To roll back | To recover | Target |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", Text(r.ID), Text(r.component()), Text(r.Fault), Text(r.outcome()),
			brief(r.Took.Decide), brief(r.Took.RollBack), brief(r.Took.Recover), brief(r.Target))
	}
	b.WriteString("\n```text")
	if err := writeDrillQuarters(&b, rows); err != nil {
		return nil, err
	}
	b.WriteString("```\n")
	return []byte(b.String()), nil
}

// DrillsJSON is the same for programs.
func DrillsJSON(rows []Row) ([]byte, error) {
	rows = Drills(rows)
	b, err := json.MarshalIndent(struct {
		Incidents []Row     `json:"incidents"`
		Quarters  []Quarter `json:"quarters"`
	}{append([]Row{}, rows...), append([]Quarter{}, Quarters(rows)...)}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the drills cannot be written as JSON: %w", err)
	}
	return append(b, '\n'), nil
}
