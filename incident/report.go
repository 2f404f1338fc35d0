package incident

import (
	"time"
)

// ReportRecord is the report as it was written last.
type ReportRecord struct {
	At      time.Time // zero = not written yet
	Path    string
	Entries int    // of the timeline, when it was written: later ones make it stale
	Err     string // why the last writing failed
}

// ReportStale says whether something happened that the report does not tell.
func (i *Incident) ReportStale() bool {
	return !i.Report.At.IsZero() && len(i.Timeline) > i.Report.Entries
}

// WriteReport writes the report, again when there is one.
type WriteReport struct{}

func (WriteReport) decide(d *decider) {
	if d.inc().ID != "" {
		d.effect(MakeReport{})
	}
}

type MakeReport struct{}

func (x MakeReport) run(r Runner) { r.MakeReport(x) }

// Reported is the report on disk, or why it is not. Entries is how much of
// the timeline it tells.
type Reported struct {
	Path    string
	Entries int
	Err     string
}

// decide takes the report. One that was written once more after the closing
// changes nothing else.
func (do Reported) decide(d *decider) {
	if do.Err != "" {
		d.fact(ReportFailed{Err: do.Err})
		return
	}
	d.fact(ReportWritten{Path: do.Path, Entries: do.Entries})
	d.settleDone()
}

// ReportWritten is the report on disk. Entries is how much of the timeline it tells.
type ReportWritten struct {
	Path    string `json:"path"`
	Entries int    `json:"entries"`
}

// Its own line in the timeline does not make the report stale.
func (b ReportWritten) apply(i *Incident, f Fact) {
	i.Report = ReportRecord{At: f.At, Path: b.Path, Entries: b.Entries + 1}
}

func (b ReportWritten) entry(*Incident) (EntryKind, string) {
	return EntryNote, "report written: " + b.Path
}

// ReportFailed is why there is none, or an old one.
type ReportFailed struct {
	Err string `json:"err"`
}

func (b ReportFailed) apply(i *Incident, f Fact) { i.Report.Err = b.Err }

func (b ReportFailed) entry(*Incident) (EntryKind, string) {
	return EntryBad, "report not written: " + b.Err
}
