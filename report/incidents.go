package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// Row is one incident in the table of all.
type Row struct {
	ID         string   `json:"id"`
	Opened     Moment   `json:"opened,omitzero"`
	Components []string `json:"components,omitempty"`
	State      string   `json:"state"` // open, ended, closed
	Outcome    string   `json:"outcome,omitempty"`
	Verified   bool     `json:"verified"` // a rollback of it was green for the whole hold, of all that failed
	Took       Took     `json:"took"`
	DetectedBy string   `json:"detectedBy,omitempty"` // limit, answer, alert, page, told, saw
	Attempts   int      `json:"attempts"`
	Drill      bool     `json:"drill,omitempty"` // it was a rehearsal
	Fault      string   `json:"fault,omitempty"` // by which a rehearsal broke it
	Target     Span     `json:"target,omitzero"` // within which a rehearsal was to recover
	Owes       []string `json:"owes,omitempty"`  // what it switched off and did not put back, in words
	detected   time.Time
}

// closed is the state of an incident of which nothing is left to do.
const closed = "closed"

// RowOf returns an incident's line in the table, from its journal's facts.
func RowOf(facts []incident.Fact) Row {
	b := builder{i: incident.Fold(facts), facts: facts}
	times, took := b.times()
	r := Row{ID: b.i.ID, Opened: times.Opened, State: b.state(), Verified: b.i.Hold.Green, Took: took, DetectedBy: string(b.i.DetectedBy.Source), detected: times.Detected.Time}
	if b.i.End != nil {
		r.Outcome = string(b.i.End.Outcome)
	}
	if x := b.i.Rehearsed(); x != nil {
		r.Fault, r.Target = x.Fault.Key, Span{Known: x.Target > 0, Seconds: x.Target.Seconds()}
	}
	r.Drill = b.i.IsDrill()
	r.Components = b.components()
	for _, d := range b.i.Owed() {
		r.Owes = append(r.Owes, d.What)
	}
	for _, a := range b.i.Attempts {
		if len(a.Writes) > 0 {
			r.Attempts = max(r.Attempts, a.N)
		}
	}
	return r
}

// state returns open, ended (its checklist is not done) or closed.
func (b *builder) state() string {
	switch {
	case !b.i.Closed.IsZero():
		return closed
	case b.i.End != nil:
		return "ended"
	}
	return "open"
}

// rowFormat is raised with each change of what RowOf returns of a journal: rows
// that were kept in another format are worked out anew.
const rowFormat = 7

// keptRow is a row as it is kept beside its journal.
type keptRow struct {
	Format   int    `json:"format"`
	Detected Moment `json:"detected,omitzero"`
	Row
}

// Keep returns the row in the form that KeptRow reads.
func (r Row) Keep() (json.RawMessage, error) {
	b, err := json.Marshal(keptRow{rowFormat, Moment{r.detected}, r})
	if err != nil {
		return nil, fmt.Errorf("incident %s: its row cannot be kept: %w", r.ID, err)
	}
	return b, nil
}

// KeptRow returns the row that was kept; false when none was, or in another
// format.
func KeptRow(raw json.RawMessage) (Row, bool) {
	var k keptRow
	if len(raw) == 0 || json.Unmarshal(raw, &k) != nil || k.Format != rowFormat {
		return Row{}, false
	}
	k.Row.detected = k.Detected.Time
	return k.Row, true
}

// Quarter is how long it took to restore service in three months.
type Quarter struct {
	Name      string  `json:"quarter"`   // 2026-Q4
	Incidents int     `json:"incidents"` // in all
	Restored  int     `json:"restored"`  // of which were verified, and the time to recover is known
	Median    Span    `json:"median"`
	Change    float64 `json:"changeSeconds"`   // against the last quarter before it that has one; negative = faster
	Within    int     `json:"within,omitzero"` // of drills: recovered within their target
}

// Quarters are the incidents by the quarter in which they were detected, or
// opened, oldest first.
func Quarters(rows []Row) []Quarter {
	took := map[string][]time.Duration{}
	count, within := map[string]int{}, map[string]int{}
	for _, r := range rows {
		at := r.detected
		if at.IsZero() {
			at = r.Opened.Time
		}
		if at.IsZero() {
			continue
		}
		at = at.UTC()
		q := fmt.Sprintf("%04d-Q%d", at.Year(), (at.Month()-1)/3+1)
		count[q]++
		if r.Verified && r.Took.Recover.Known {
			took[q] = append(took[q], r.Took.Recover.D())
		}
		if r.within() {
			within[q]++
		}
	}
	var out []Quarter
	var last *Quarter
	for q, n := range count {
		out = append(out, Quarter{Name: q, Incidents: n, Restored: len(took[q]), Median: median(took[q]), Within: within[q]})
	}
	slices.SortFunc(out, func(a, b Quarter) int { return strings.Compare(a.Name, b.Name) })
	for n := range out {
		q := &out[n]
		if !q.Median.Known {
			continue
		}
		if last != nil {
			q.Change = q.Median.Seconds - last.Median.Seconds
		}
		last = q
	}
	return out
}

func median(all []time.Duration) Span {
	if len(all) == 0 {
		return Span{Why: "none was verified as restored"}
	}
	slices.Sort(all)
	m := all[len(all)/2]
	if len(all)%2 == 0 {
		m = (all[len(all)/2-1] + m) / 2
	}
	return Span{Known: true, Seconds: m.Seconds()}
}

// WriteIncidents prints the table of all incidents, newest first, and the time to
// restore by quarter.
func WriteIncidents(w io.Writer, rows []Row) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "no incident yet")
		return err
	}
	writeRows(w, rows)
	return writeQuarters(w, Quarters(slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Drill })))
}

// writeRows prints the table, newest first, and what is owed.
func writeRows(w io.Writer, rows []Row) {
	sorted := newestFirst(rows)
	// The ID has the time of the onset (UTC) and the first component. One that is too
	// long for a line of 80 has a line of its own, since it is what is copied.
	const room = 32
	line := func(id, outcome, detect, decide, back, recovered string) {
		if len(id) > room {
			fmt.Fprintln(w, id)
			id = ""
		}
		fmt.Fprintf(w, "%-*s %-13s %-12s %-6s %-5s %s\n", room, id, outcome, detect, decide, back, recovered)
	}
	line("INCIDENT", "OUTCOME", "DETECTED BY", "DECIDE", "BACK", "RECOVER")
	open := false
	for _, r := range sorted {
		line(text.Clean(r.ID), r.outcome(), strings.TrimSpace(brief(r.Took.Detect)+" "+text.Clean(r.DetectedBy)), brief(r.Took.Decide), brief(r.Took.RollBack), brief(r.Took.Recover))
		open = open || r.State != closed
	}
	if open {
		fmt.Fprintln(w, "* its checklist is not done")
	}
	writeOwed(w, sorted)
}

// writeQuarters prints the time to restore by quarter, as a chart.
func writeQuarters(w io.Writer, quarters []Quarter) error {
	if len(quarters) == 0 {
		return nil
	}
	longest, known := 0.0, 0
	for _, q := range quarters {
		if q.Median.Known {
			longest, known = max(longest, q.Median.Seconds), known+1
		}
	}
	if known == 1 {
		longest = 0 // there is nothing to compare it with
	}
	fmt.Fprintln(w, "\nTime to restore (recovered − detected)")
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "QUARTER\tINCIDENTS\tRESTORED\tMEDIAN\t")
	for _, q := range quarters {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", q.Name, q.Incidents, q.Restored, brief(q.Median), trend(q, longest))
	}
	return t.Flush()
}

// writeOwed lists what incidents switched off and did not put back: somebody has to.
func writeOwed(w io.Writer, rows []Row) {
	title := "\nSwitched off and not put back"
	for _, r := range rows {
		for _, what := range r.Owes {
			if title != "" {
				fmt.Fprintln(w, title)
				title = ""
			}
			fmt.Fprintf(w, "%s: %s\n", text.Clean(r.ID), text.Clean(what))
		}
	}
}

// outcome returns how the incident went, in a word or two, and whether something is
// left to do.
func (r Row) outcome() string {
	word := text.Clean(r.Outcome)
	switch o := incident.Outcome(r.Outcome); {
	case r.Verified && (o == "" || o == incident.RolledBack):
		word = "verified"
	case o == "":
		return "open"
	case o == incident.RolledBack:
		word = "not verified"
	case o == incident.RecoveredAlone:
		word = "recovered"
	case o == incident.FixedOtherwise:
		word = "fixed"
	}
	if r.State != closed {
		word += "*"
	}
	return word
}

// trend is a bar as long as the median, as a part of the longest (0 = no bar), and
// how it compares with the quarter before, in words.
func trend(q Quarter, longest float64) string {
	if !q.Median.Known {
		return string(q.Median.Why)
	}
	const cells = 20
	bar := ""
	if longest > 0 {
		bar = strings.Repeat("█", max(1, int(q.Median.Seconds/max(1, longest)*cells+0.5)))
	}
	return strings.TrimRight(bar+" "+q.changed(), " ")
}

// changed says how the median compares with that of the quarter before; "" = it does not
// differ.
func (q *Quarter) changed() string {
	switch change := time.Duration(q.Change * float64(time.Second)); {
	case change <= -time.Second:
		return model.Short(-change) + " faster"
	case change >= time.Second:
		return model.Short(change) + " slower"
	}
	return ""
}

// newestFirst returns the incidents, the one opened last first.
func newestFirst(rows []Row) []Row {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b Row) int { return b.Opened.Compare(a.Opened.Time) })
	return sorted
}

func brief(s Span) string {
	if !s.Known {
		return "?"
	}
	return model.Short(s.D())
}

// IncidentsJSON is the same for programs.
func IncidentsJSON(rows []Row) ([]byte, error) {
	b, err := json.MarshalIndent(struct {
		Incidents []Row     `json:"incidents"`
		Quarters  []Quarter `json:"quarters"`
	}{append([]Row{}, rows...), append([]Quarter{}, Quarters(slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Drill }))...)}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the incidents cannot be written as JSON: %w", err)
	}
	return append(b, '\n'), nil
}
