package report

import (
	"encoding/json"
	"slices"
	"time"

	"rollbook/model"
)

// Data is what a report says: the fields of a template, and the document of
// --format json. docs/report.md describes each of them. Everything in it comes
// from the journal or from the evidence; what is not known says so.
type Data struct {
	ID          Text       `json:"id"`
	State       string     `json:"state"`             // open, ended (its checklist is not done), closed
	Outcome     Text       `json:"outcome,omitempty"` // incident.Outcome; "" while open
	Reason      Text       `json:"reason,omitempty"`  // why it ended so, in the operator's words
	Components  []Text     `json:"components,omitempty"`
	Namespace   Text       `json:"namespace"`
	Context     Text       `json:"context"`
	Server      Text       `json:"server,omitempty"`
	Production  bool       `json:"production"`
	Rule        Text       `json:"rule,omitempty"` // by which it is, or is not, production
	Severity    Text       `json:"severity,omitempty"`
	Users       Text       `json:"users,omitempty"`     // who was affected, in the operator's words
	Operators   []Text     `json:"operators,omitempty"` // who did something, in the order of their first act
	Summary     []Text     `json:"summary"`             // what happened, in sentences for everybody
	Times       Times      `json:"times"`
	DetectedBy  Text       `json:"detectedBy,omitempty"`  // "the alert HighErrorRate"; "" = the limit, as it was shown
	DetectedHow string     `json:"detectedHow,omitempty"` // limit, answer, alert, page, told, saw
	Noticed     []Text     `json:"noticed"`               // the alerts, and what the operator said of how they came to know of it
	Took        Took       `json:"took"`
	Triggers    []Text     `json:"triggers,omitempty"` // the limits that were broken, in words
	Impact      Impact     `json:"impact"`
	Downtime    Downtime   `json:"downtime"`
	Cause       Cause      `json:"cause"`
	Decision    Decision   `json:"decision"`
	Escalations []Call     `json:"escalations,omitempty"`
	Attempts    []Try      `json:"attempts,omitempty"`
	Drill       *Drill     `json:"drill,omitempty"`      // it was a rehearsal; null = it was none
	Recoveries  []Recovery `json:"recoveries,omitempty"` // what followed a rollback that failed or made it worse
	Left        []Item     `json:"left,omitempty"`       // what the writes did not bring back, by component
	Proof       Proof      `json:"proof"`
	Timeline    []Entry    `json:"timeline,omitempty"`
	Evidence    Kept       `json:"evidence"`
	Config      Version    `json:"config"`
	Actions     []Action   `json:"actions,omitempty"`   // P1 to P5
	Checklist   []Action   `json:"checklist,omitempty"` // A2 to A4
	Links       []Link     `json:"links,omitempty"`

	begin time.Time // the first moment that is told of
}

// Day is the date of the first moment that the report tells of, in UTC.
func (d Data) Day() string { return Moment{d.begin}.Day() }

// Clock says a time of day in UTC, to the second, with its date where it is not Day.
func (d Data) Clock(m Moment) string {
	if !m.IsZero() && !d.begin.IsZero() && m.Day() != d.Day() {
		return m.UTC().Format("2006-01-02 15:04:05")
	}
	return m.Clock()
}

// Times are the moments of an incident; a zero one is not known.
type Times struct {
	Onset     Moment `json:"onset,omitzero"`
	Detected  Moment `json:"detected,omitzero"`
	Opened    Moment `json:"opened,omitzero"`
	Decided   Moment `json:"decided,omitzero"`
	Confirmed Moment `json:"confirmed,omitzero"` // of the last attempt
	RolledOut Moment `json:"rolledOut,omitzero"`
	Recovered Moment `json:"recovered,omitzero"`
	Verified  Moment `json:"verified,omitzero"`
	Closed    Moment `json:"closed,omitzero"`
}

// Took is how long what took: the drill's figures.
type Took struct {
	Detect       Span `json:"detect"`       // detected − onset
	Decide       Span `json:"decide"`       // decided − detected
	RollBack     Span `json:"rollBack"`     // rolled out − confirmed, of the last attempt
	Recover      Span `json:"recover"`      // recovered − detected
	RecoverOnset Span `json:"recoverOnset"` // recovered − onset
}

// Impact is what it cost.
type Impact struct {
	Known      bool   `json:"known"`
	Why        Text   `json:"why,omitempty"` // why it is not known at all
	From       Moment `json:"from,omitzero"`
	To         Moment `json:"to,omitzero"`
	All        Cost   `json:"all"`
	Components []Cost `json:"components,omitempty"`
	Text       Text   `json:"text"`               // in words: "2.3k of 29k requests failed (8%)"
	Reported   bool   `json:"reported,omitempty"` // From is when somebody reported it: when it began is not known
}

// HasBudget reports whether an error budget is known that may have been spent.
func (i Impact) HasBudget() bool {
	return slices.ContainsFunc(i.Components, func(c Cost) bool { return c.BudgetShare.Value.Known || c.BudgetShare.Query != "" })
}

// Downtime is how long a component concerned was over a trigger's limit or without
// an available pod, by the clock that the escalation runs on.
type Downtime struct {
	Down   Span   `json:"down"`           // surely
	NoData Span   `json:"noData"`         // of which nothing is known, apart
	From   Moment `json:"from,omitzero"`  // when the clock began to run; zero = it never did
	To     Moment `json:"to,omitzero"`    // when it stood for good; zero = it never ran, or still does
	Until  Moment `json:"until,omitzero"` // the clock still ran: counted up to the journal's last fact
	What   Text   `json:"what"`           // what is counted: "Without an available pod"
	Text   Text   `json:"text"`           // all of it in words: "8m40s, and 2m without data, between 03:07 and 03:18"
}

// Cost is the impact on one component, or on all: words for people, and the
// reading with its query.
type Cost struct {
	Component   Text   `json:"component,omitempty"`
	Failed      Figure `json:"failed"`
	Requests    Figure `json:"requests"`
	MinutesOver Figure `json:"minutesOver"`
	NoData      Figure `json:"noData"`
	BudgetShare Figure `json:"budgetShare"`
}

// Figure is one reading. Text is the value, or "unknown" with the reason.
type Figure struct {
	Text  Text  `json:"text"`
	Query Text  `json:"query,omitempty"`
	Value Value `json:"value"`
}

// Value is a reading as a report tells it: a figure of 0 stands there, and of what is
// not known there is none. A journal leaves both out.
type Value struct{ model.Reading }

// MarshalJSON writes the reading.
func (v Value) MarshalJSON() ([]byte, error) {
	out := struct {
		Known   bool     `json:"known"`
		Value   *float64 `json:"value"` // null = unknown
		AtLeast bool     `json:"atLeast"`
		At      Moment   `json:"at,omitzero"`
		Query   string   `json:"query,omitempty"`
		Why     string   `json:"why,omitempty"`
	}{v.Known, nil, v.AtLeast, Moment{v.At}, v.Query, v.Why}
	if v.Known {
		out.Value = &v.Reading.Value
	}
	return json.Marshal(out)
}

// Cause is what is suspected. It is for a person to confirm.
type Cause struct {
	Confirmed bool      `json:"confirmed"` // always false: no program can tell
	Suspects  []Culprit `json:"suspects,omitempty"`
	Later     []Culprit `json:"later,omitempty"` // changed after the onset: none of them is suspected
	Said      []Saying  `json:"said,omitempty"`  // what the pods that failed said last
	Diffs     []Diffed  `json:"diffs,omitempty"` // what was released
	Note      Text      `json:"note"`
}

// Culprit is a change shortly before the onset.
type Culprit struct {
	Component Text   `json:"component"`
	Version   Text   `json:"version"` // "1.42.0 (revision 42)"
	At        Moment `json:"at,omitzero"`
	By        Text   `json:"by,omitempty"`
	Why       Text   `json:"why,omitempty"` // the change-cause
	Text      Text   `json:"text"`          // "released 38s before the first bad sample"
}

// Saying is the end of a log of a pod that failed.
type Saying struct {
	Component Text   `json:"component"`
	Source    Text   `json:"source"` // whose log it is
	Lines     []Text `json:"lines"`
}

// Diffed is what a release changed that was rolled back: from the version that it went
// back to, to the one that failed.
type Diffed struct {
	Component Text   `json:"component"`
	From      Text   `json:"from"`
	To        Text   `json:"to"`
	Between   []Text `json:"between,omitempty"` // versions that were released in between: Lines are what all of them changed
	Lines     []Text `json:"lines"`
}

// Decision is why it was, or was not, rolled back.
type Decision struct {
	Verdict    Text   `json:"verdict"` // "roll back now"
	Text       Text   `json:"text"`    // the figure that it rests on
	Query      Text   `json:"query,omitempty"`
	NoRollback bool   `json:"noRollback"` // it was decided to end without one
	Overruled  bool   `json:"overruled"`
	Reason     Text   `json:"reason,omitempty"`
	Figure     Text   `json:"-"`                // Text, less what the limits that were broken say already
	Warned     []Item `json:"warned,omitempty"` // what the checks before a write said that was not plainly good, by component
	Answers    []Said `json:"answers,omitempty"`
	Overrides  []Said `json:"overrides,omitempty"` // preflight lines that were lifted
}

// Said is the operator's word, beside the figure.
type Said struct {
	At     Moment `json:"at,omitzero"`
	By     Text   `json:"by"`
	What   Text   `json:"what"`
	Answer Text   `json:"answer,omitempty"`
	Figure Text   `json:"figure,omitempty"`
	Reason Text   `json:"reason,omitempty"`
}

// Call is an escalation, and what the operator did about it.
type Call struct {
	At       Moment `json:"at"`
	Text     Text   `json:"text"`   // why
	Who      Text   `json:"who"`    // whom to call, and how
	Answer   Text   `json:"answer"` // called, not needed, open, not answered
	By       Text   `json:"by,omitempty"`
	Answered Moment `json:"answered,omitzero"`
	Reason   Text   `json:"reason,omitempty"`
}

// Try is one write of one attempt.
type Try struct {
	N         int    `json:"n"`
	Component Text   `json:"component"`
	Role      string `json:"role"` // release: another version; schema, switch, aid
	Method    Text   `json:"method"`
	Title     Text   `json:"title"` // "Roll back api from revision 3 to revision 1"
	From      Text   `json:"from"`
	To        Text   `json:"to"`
	By        Text   `json:"by"`
	Confirmed Moment `json:"confirmed,omitzero"`
	Written   Moment `json:"written,omitzero"`
	RolledOut Moment `json:"rolledOut,omitzero"`
	Took      Span   `json:"took"`
	Outcome   Text   `json:"outcome"`
	Command   Text   `json:"command,omitempty"` // the equal command
	Stays     []Text `json:"stays,omitempty"`   // what it did not bring back
}

// Proof is the verification.
type Proof struct {
	Text     Text   `json:"text"`             // "verified with 1 unknown"
	Limits   Text   `json:"limits"`           // as they are configured
	Checks   []Text `json:"checks,omitempty"` // as they stood at the end of the hold, each with its limit
	Accepted []Said `json:"accepted,omitempty"`
}

// Entry is one line of the timeline.
type Entry struct {
	At   Moment `json:"at"`
	When Text   `json:"-"` // the time of day; with its date on another day than the first line's
	By   Text   `json:"by,omitempty"`
	Kind string `json:"kind"` // seen, answer, choice, check, write, outcome, note, bad
	Text Text   `json:"text"`
}

// Kept is the evidence.
type Kept struct {
	Files    []Item `json:"files,omitempty"`
	Pictures []Text `json:"pictures,omitempty"` // paths, from the incident's folder
	Missing  []Item `json:"missing,omitempty"`
	Text     Text   `json:"text"` // "12 files, 3.4 MB"
}

// Item is one file, or something that could not be had.
type Item struct {
	Name Text `json:"name"`
	Text Text `json:"text"`
}

// Version is by what the incident was worked.
type Version struct {
	Hash     Text   `json:"hash,omitempty"`
	From     []Text `json:"from,omitempty"`
	Rollbook Text   `json:"rollbook,omitempty"`
}

// Action is one item of the checklist.
type Action struct {
	Row    string `json:"row,omitempty"` // of the runbook: P1
	Text   Text   `json:"text"`
	State  string `json:"state"` // open, to do, done, waived
	Owner  Text   `json:"owner,omitempty"`
	Due    Text   `json:"due,omitempty"`
	Link   Text   `json:"link,omitempty"`
	By     Text   `json:"by,omitempty"`
	At     Moment `json:"at,omitzero"`
	Reason Text   `json:"reason,omitempty"`
}

// Link is a document of the team's.
type Link struct {
	Name Text `json:"name"`
	URL  Text `json:"url"`
}

// Moment is a time that prints as UTC, or says that it is not known.
type Moment struct{ time.Time }

// MarshalJSON returns the time in UTC, wherever the report is made.
func (m Moment) MarshalJSON() ([]byte, error) { return m.UTC().MarshalJSON() }

func (m Moment) String() string {
	if m.IsZero() {
		return "unknown"
	}
	return m.UTC().Format("2006-01-02 15:04:05 UTC")
}

// Clock is the time of day alone, for tables.
func (m Moment) Clock() string {
	if m.IsZero() {
		return "unknown"
	}
	return m.UTC().Format("15:04:05")
}

// Minute is the time of day to the minute, for sentences.
func (m Moment) Minute() string {
	if m.IsZero() {
		return "a time that is not known"
	}
	return m.UTC().Format("15:04 UTC")
}

// Day is the date alone.
func (m Moment) Day() string { return m.UTC().Format("2006-01-02") }

// Span is how long something took; not Known with the reason.
type Span struct {
	Known   bool    `json:"known"`
	Seconds float64 `json:"seconds"`
	Why     Text    `json:"why,omitempty"`
}

// MarshalJSON writes null for seconds that are not known, and 0 where they are.
func (s Span) MarshalJSON() ([]byte, error) {
	out := struct {
		Known   bool     `json:"known"`
		Seconds *float64 `json:"seconds"`
		Why     Text     `json:"why,omitempty"`
	}{Known: s.Known, Why: s.Why}
	if s.Known {
		out.Seconds = &s.Seconds
	}
	return json.Marshal(out)
}

func (s Span) String() string {
	switch {
	case !s.Known && s.Why == "":
		return "unknown"
	case !s.Known:
		return "unknown (" + s.Why.String() + ")"
	case s.D() < time.Second:
		return "under 1s"
	}
	return model.Short(s.D())
}

// D is the span as a duration.
func (s Span) D() time.Duration { return time.Duration(s.Seconds * float64(time.Second)) }

// between is to − from, or why it is not known.
func between(from, to time.Time, noFrom, noTo string) Span {
	switch {
	case from.IsZero():
		return Span{Why: Text(noFrom)}
	case to.IsZero():
		return Span{Why: Text(noTo)}
	}
	return Span{Known: true, Seconds: max(0, to.Sub(from).Seconds())}
}
