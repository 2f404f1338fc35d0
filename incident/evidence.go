package incident

import (
	"fmt"
	"maps"

	"rollbook/model"
)

// EvidenceRecord is the evidence of one moment, as it was gathered last.
type EvidenceRecord struct {
	model.Evidence
	Err string // why nothing could be kept
}

// GatherAgain gathers all evidence again.
type GatherAgain struct{}

func (GatherAgain) decide(d *decider) {
	if d.inc().ID != "" {
		d.gatherInFull()
	}
}

// gatherInFull gathers all evidence. What the incident cost is measured before:
// evidence and report tell the same figures.
func (d *decider) gatherInFull() {
	d.effect(MeasureImpact{})
	d.effect(GatherEvidence{model.InFull})
}

// GatherEvidence gathers the evidence of a moment; all of it once a measuring of
// the impact that is under way has ended.
type GatherEvidence struct{ Moment model.Moment }

func (x GatherEvidence) run(r Runner) { r.GatherEvidence(x) }

// Gathered is the end of a gathering of evidence; Err is set when it kept
// nothing.
type Gathered struct {
	Moment   model.Moment
	Evidence model.Evidence
	Err      string
}

// decide takes the end of a gathering. What is thrown away first was gathered
// first; all the rest follows it.
func (do Gathered) decide(d *decider) {
	switch {
	case !d.inc().Closed.IsZero():
		return // the evidence's own list tells of it; the report is about what was before
	case do.Err != "" && do.Err == d.inc().Evidence[do.Moment].Err:
		return // told already
	}
	if do.Err != "" {
		d.fact(EvidenceFailed{Moment: do.Moment, Err: do.Err})
	} else {
		d.fact(EvidenceKept{Evidence: do.Evidence})
	}
	if do.Moment == model.AtOpening {
		d.gatherInFull()
	}
	if do.Moment == model.InFull && do.Err == "" && len(do.Evidence.Missing) == 0 && d.inc().Step == Close {
		d.settle("evidence", fmt.Sprintf("%s, %s", model.Plural(do.Evidence.Files, "file"), model.Bytes(do.Evidence.Bytes)))
		d.closeIfDone()
	}
}

// EvidenceKept is the end of a gathering.
type EvidenceKept struct {
	Evidence model.Evidence `json:"evidence"`
}

func (b EvidenceKept) apply(i *Incident, f Fact) {
	i.evidence(b.Evidence.Moment, EvidenceRecord{Evidence: b.Evidence})
}

func (b EvidenceKept) entry(*Incident) (EntryKind, string) {
	text := fmt.Sprintf("evidence kept (%s): %s, %s", b.Evidence.Moment, model.Plural(b.Evidence.Files, "file"), model.Bytes(b.Evidence.Bytes))
	if n := len(b.Evidence.Missing); n > 0 {
		text += fmt.Sprintf("; %d could not be had", n)
	}
	return EntryNote, text
}

// EvidenceFailed is one that kept nothing.
type EvidenceFailed struct {
	Moment model.Moment `json:"moment"`
	Err    string       `json:"err"`
}

func (b EvidenceFailed) apply(i *Incident, f Fact) {
	r := i.Evidence[b.Moment]
	r.Err = b.Err
	i.evidence(b.Moment, r)
}

func (b EvidenceFailed) entry(*Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("no evidence kept (%s): %s", b.Moment, b.Err)
}

func (i *Incident) evidence(m model.Moment, r EvidenceRecord) {
	kept := maps.Clone(i.Evidence)
	if kept == nil {
		kept = map[model.Moment]EvidenceRecord{}
	}
	kept[m] = r
	i.Evidence = kept
}
