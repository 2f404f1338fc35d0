package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The facts of what goes beside the walk and after it: evidence, impact, report,
// messages, the clock of the downtime, escalations, leases.
type (
	// EvidenceKept is the end of a gathering.
	EvidenceKept struct {
		Evidence Evidence `json:"evidence"`
	}
	// EvidenceFailed is one that kept nothing.
	EvidenceFailed struct {
		Moment Moment `json:"moment"`
		Err    string `json:"err"`
	}
	// ImpactMeasured is what the incident cost.
	ImpactMeasured struct {
		Impact Impact `json:"impact"`
	}
	// ImpactFailed is why that is not known.
	ImpactFailed struct {
		Err string `json:"err"`
	}
	// ReportWritten is the report on disk. Entries is how much of the timeline it tells.
	ReportWritten struct {
		Path    string `json:"path"`
		Entries int    `json:"entries"`
	}
	// ReportFailed is why there is none, or an old one.
	ReportFailed struct {
		Err string `json:"err"`
	}
	// MessageIntended is written before a message goes out: without an outcome
	// after it, it may have been sent.
	MessageIntended struct {
		N       int         `json:"n"`
		Channel string      `json:"channel"`
		Kind    MessageKind `json:"kind"`
		Title   string      `json:"title"`
		Text    string      `json:"text"`
		Status  string      `json:"status,omitempty"`
		Ref     string      `json:"ref,omitempty"` // of the earlier message that it follows
	}
	// MessageSent is the service's yes.
	MessageSent struct {
		N   int    `json:"n"`
		Ref string `json:"ref,omitempty"`
		URL string `json:"url,omitempty"`
	}
	// MessageFailed is its no: nothing was sent.
	MessageFailed struct {
		N          int           `json:"n"`
		Err        string        `json:"err"`
		RetryAfter time.Duration `json:"retryAfter,omitempty"`
	}
	// MessageLost is a message without an answer: it may have been sent.
	MessageLost struct {
		N   int    `json:"n"`
		Err string `json:"err"`
	}
	// ClockRan is a change of the downtime's clock: it began to run, to run
	// without data, or stopped.
	ClockRan struct {
		Running bool      `json:"running"`
		Blind   bool      `json:"blind,omitempty"`
		Since   time.Time `json:"since"`
	}
	// Escalated is a rule for calling somebody that came true.
	Escalated struct {
		ID   string `json:"id"`
		Text string `json:"text"`
		Who  string `json:"who"`
	}
	// EscalationAnswered is what the operator did about it.
	EscalationAnswered struct {
		ID     string `json:"id"`
		With   string `json:"with"`
		Reason string `json:"reason,omitempty"`
	}
	// LeaseTaken is a workload's Lease taken from somebody else by force.
	LeaseTaken struct {
		Component string `json:"component"`
		From      Lease  `json:"from"`
		Reason    string `json:"reason,omitempty"`
		// Unwritten is why the Lease itself could not be taken: the other side does
		// not see it.
		Unwritten string `json:"unwritten,omitempty"`
	}
	// LeaseGone is ours, taken by somebody else.
	LeaseGone struct {
		Component string `json:"component"`
		To        Lease  `json:"to"`
	}
	// Mended is a journal whose last line a crash had torn.
	Mended struct {
		Bytes int64 `json:"bytes"`
	}
)

func (b EvidenceKept) apply(i *Incident, f Fact) {
	i.evidence(b.Evidence.Moment, EvidenceRecord{Evidence: b.Evidence})
}
func (b EvidenceKept) entry() (string, string) {
	text := fmt.Sprintf("evidence kept (%s): %d files, %s", b.Evidence.Moment, b.Evidence.Files, Bytes(b.Evidence.Bytes))
	if n := len(b.Evidence.Missing); n > 0 {
		text += fmt.Sprintf("; %d could not be had", n)
	}
	return "note", text
}

func (b EvidenceFailed) apply(i *Incident, f Fact) {
	r := i.Evidence[b.Moment]
	r.Err = b.Err
	i.evidence(b.Moment, r)
}
func (b EvidenceFailed) entry() (string, string) {
	return "bad", fmt.Sprintf("no evidence kept (%s): %s", b.Moment, b.Err)
}

func (i *Incident) evidence(m Moment, r EvidenceRecord) {
	kept := maps.Clone(i.Evidence)
	if kept == nil {
		kept = map[Moment]EvidenceRecord{}
	}
	kept[m] = r
	i.Evidence = kept
}

func (b ImpactMeasured) apply(i *Incident, f Fact) {
	i.Impact = ImpactRecord{At: f.At, Impact: b.Impact}
}
func (b ImpactMeasured) entry() (string, string) { return "", "" }

func (b ImpactFailed) apply(i *Incident, f Fact) { i.Impact.Err = b.Err }
func (b ImpactFailed) entry() (string, string)   { return "bad", "impact not measured: " + b.Err }

// Its own line in the timeline does not make the report stale.
func (b ReportWritten) apply(i *Incident, f Fact) {
	i.Report = ReportRecord{At: f.At, Path: b.Path, Entries: b.Entries + 1}
}
func (b ReportWritten) entry() (string, string) { return "note", "report written: " + b.Path }

func (b ReportFailed) apply(i *Incident, f Fact) { i.Report.Err = b.Err }
func (b ReportFailed) entry() (string, string)   { return "bad", "report not written: " + b.Err }

func (b MessageIntended) apply(i *Incident, f Fact) {
	i.Messages = with(i.Messages, MessageRecord{N: b.N, At: f.At, By: f.By, Message: Message{Kind: b.Kind,
		Channel: b.Channel, Incident: i.ID, Title: b.Title, Text: b.Text, Status: b.Status, Ref: b.Ref}})
}
func (b MessageIntended) entry() (string, string) {
	return "write", fmt.Sprintf("sending to %s (%s): “%s”", b.Channel, b.Kind, oneLine(b.Title))
}

// onMessage changes one message, in a copy.
func (i *Incident) onMessage(n int, change func(*MessageRecord)) {
	i.Messages = slices.Clone(i.Messages)
	if m := i.Message(n); m != nil {
		change(m)
	}
}

func (b MessageSent) apply(i *Incident, f Fact) {
	i.onMessage(b.N, func(m *MessageRecord) {
		m.State, m.Done, m.Receipt = MessageOut, f.At, Receipt{Ref: b.Ref, URL: b.URL}
	})
}
func (b MessageSent) entry() (string, string) {
	text := fmt.Sprintf("message %d sent", b.N)
	if b.URL != "" {
		text += ": " + b.URL
	}
	return "outcome", text
}

func (b MessageFailed) apply(i *Incident, f Fact) {
	i.onMessage(b.N, func(m *MessageRecord) {
		m.State, m.Done, m.Err = MessageNotOut, f.At, b.Err
		if b.RetryAfter > 0 {
			m.Retry = f.At.Add(b.RetryAfter)
		}
	})
}
func (b MessageFailed) entry() (string, string) {
	return "bad", fmt.Sprintf("message %d: %s", b.N, b.Err)
}

func (b MessageLost) apply(i *Incident, f Fact) {
	i.onMessage(b.N, func(m *MessageRecord) { m.State, m.Done, m.Err = MessageUnsure, f.At, b.Err })
}
func (b MessageLost) entry() (string, string) {
	return "bad", fmt.Sprintf("message %d may or may not have been sent: %s", b.N, b.Err)
}

func (b ClockRan) apply(i *Incident, f Fact) {
	i.Down.stop(b.Since)
	if b.Running {
		i.Down.Since, i.Down.Unseen = b.Since, b.Blind
	}
}
func (b ClockRan) entry() (string, string) { return "", "" }

// stop counts the run under way up to a time.
func (d *DownRecord) stop(at time.Time) {
	if !d.Since.IsZero() && at.After(d.Since) {
		d.Total += at.Sub(d.Since)
		d.Until = at
		if d.Unseen {
			d.Blind += at.Sub(d.Since)
		}
	}
	d.Since, d.Unseen = time.Time{}, false
}

func (b Escalated) apply(i *Incident, f Fact) {
	i.Escalations = with(i.Escalations, Escalation{ID: b.ID, Text: b.Text, Who: b.Who, At: f.At})
}
func (b Escalated) entry() (string, string) { return "bad", b.Text + ": call " + b.Who }

func (b EscalationAnswered) apply(i *Incident, f Fact) {
	i.Escalations = slices.Clone(i.Escalations)
	if e := i.Escalation(b.ID); e != nil {
		e.Answer, e.By, e.Done, e.Reason = b.With, f.By, f.At, b.Reason
	}
}
func (b EscalationAnswered) entry() (string, string) {
	return "answer", "escalation (" + b.ID + "): " + b.With + because(b.Reason)
}

func (i *Incident) leaseLost(component string, to *Lease) {
	lost := maps.Clone(i.LeaseLost)
	if lost == nil {
		lost = map[string]Lease{}
	}
	delete(lost, component)
	if to != nil {
		lost[component] = *to
	}
	i.LeaseLost = lost
}

func (b LeaseTaken) apply(i *Incident, f Fact) {
	i.leaseLost(b.Component, nil)
	over := maps.Clone(i.LeaseOver)
	if over == nil {
		over = map[string]string{}
	}
	delete(over, b.Component)
	if b.Unwritten != "" {
		over[b.Component] = b.From.Holder
	}
	i.LeaseOver = over
}
func (b LeaseTaken) entry() (string, string) {
	text := fmt.Sprintf("took %s over from %s%s", b.Component, b.From.Holder, because(b.Reason))
	if b.Unwritten != "" {
		text += "; they cannot see it: " + b.Unwritten
	}
	return "answer", text
}

func (b LeaseGone) apply(i *Incident, f Fact) { i.leaseLost(b.Component, &b.To) }
func (b LeaseGone) entry() (string, string) {
	return "bad", fmt.Sprintf("%s took %s over", b.To.Holder, b.Component)
}

func (b Mended) apply(i *Incident, f Fact) {}
func (b Mended) entry() (string, string) {
	return "bad", fmt.Sprintf("the journal's last line was torn: %d bytes were cut off", b.Bytes)
}

// Bytes prints a size: "312 B", "48 kB", "3.2 MB".
func Bytes(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	}
	return trimmed(float64(n)/1e6, 1) + " MB"
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
