// Package status tells how it stands, as text and as JSON: what the screen shows, for
// screen readers, serial consoles, chats and pipelines. It judges nothing itself: each
// verdict, mark and sentence is the one that the screen has.
package status

import (
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// Format is the number of the JSON's format. It is raised when a field goes away or
// means something else; a new field does not raise it.
const Format = 1

// Data is how it stands.
type Data struct {
	Format     int        `json:"format"`
	At         time.Time  `json:"at"`
	Place      Place      `json:"place"`
	Verdict    Verdict    `json:"verdict"`
	Unread     []string   `json:"unread"` // what could not be read, and why; empty = all was
	Incident   *Incident  `json:"incident,omitempty"`
	Left       []Left     `json:"left,omitempty"` // open incidents that nobody goes on with
	Debts      []Debt     `json:"debts"`
	Questions  []Question `json:"questions"`
	Components []Line     `json:"components"` // the worst first
	Suspects   []Suspect  `json:"suspects"`   // the likeliest first
	Histories  []History  `json:"histories"`
	Preflights []Checked  `json:"preflights"`
}

// Place is what is looked at, and by whom.
type Place struct {
	Context    string `json:"context"`
	Namespace  string `json:"namespace"`
	Server     string `json:"server,omitempty"`
	Production bool   `json:"production"`
	Operator   string `json:"operator"`
	Focus      string `json:"focus,omitempty"` // the one component that was asked about
	Prometheus string `json:"prometheus,omitempty"`
}

// Verdict is what the screen's headline says.
type Verdict struct {
	State    State  `json:"state"`
	Code     int    `json:"code"`     // the exit code
	Headline string `json:"headline"` // the sentence
}

// State is a verdict's name, which stays the same whatever its words.
type State string

// The states.
const (
	Nothing  State = "nothing to do"
	Now      State = "roll back now"
	Within   State = "roll back within 10 minutes"
	Watch    State = "watch closely"
	NoHelp   State = "rolled back, no better"
	Settling State = "rolled back, not proved"
	Owed     State = "something is to be put back"
	// NoRelease is over its limit, but nothing was released that could be rolled back.
	NoRelease State = "nothing to roll back"
	Unknown   State = "unknown"
)

// Codes are the exit codes. Those below 10 are left to what any program ends with: 1
// it failed, 2 it was called wrongly. Nothing but 0 is good, and what is not known is
// not.
var Codes = map[State]int{Nothing: 0, Now: 10, Within: 11, Watch: 12, NoHelp: 13, Settling: 14, Owed: 15, NoRelease: 16, Unknown: 20}

// Incident is one that is open here.
type Incident struct {
	ID       string    `json:"id"`
	Opened   time.Time `json:"opened"`
	Onset    time.Time `json:"onset,omitzero"`
	Operator string    `json:"operator"`
	Step     string    `json:"step"`
	Ended    string    `json:"ended,omitempty"`     // how; "" = it has not
	LookedOn bool      `json:"lookedOn"`            // another rollbook on this machine works on it
	Downtime float64   `json:"downtimeSeconds"`     // so far
	NotKnown float64   `json:"notKnownSeconds"`     // of which nothing was known
	Attempts int       `json:"attempts"`            // rollbacks that were confirmed
	Verified time.Time `json:"verified,omitzero"`   // zero = not yet
	Asks     string    `json:"asks,omitempty"`      // what waits for an answer on the screen
	Resumed  bool      `json:"fromEarlier"`         // it is the one that an earlier run left open
	Journal  string    `json:"journal,omitempty"`   // where it lies
	NotYours bool      `json:"abandoned,omitempty"` // nobody writes it any more
}

// Left is an open incident that nobody goes on with.
type Left struct {
	ID        string    `json:"id"`
	Touched   time.Time `json:"touched"`
	Component string    `json:"component,omitempty"`
	Operator  string    `json:"operator,omitempty"`
	Damage    string    `json:"damage,omitempty"`
}

// Debt is something that was switched off and not put back.
type Debt struct {
	Incident  string    `json:"incident"`
	Component string    `json:"component,omitempty"`
	What      string    `json:"what"`
	Since     time.Time `json:"since,omitzero"`
	By        string    `json:"by,omitempty"`
	Paying    bool      `json:"beingPutBack"`
	Unsure    bool      `json:"unsure"` // whether it was written is not known
}

// Question is one of the decision's questions with its answer.
type Question struct {
	ID     incident.Question `json:"id"`
	Title  string            `json:"title"`
	Answer model.Tri         `json:"answer"`
	By     string            `json:"by,omitempty"` // "" = a figure
	Text   string            `json:"text,omitempty"`
	Query  string            `json:"query,omitempty"`
	OnPath bool              `json:"onPath"` // the verdict rests on it
}

// Line is one component.
type Line struct {
	ID       string    `json:"id"`
	Workload string    `json:"workload"`
	Missing  string    `json:"missing,omitempty"` // why nothing is known of it
	Stopped  string    `json:"stopped,omitempty"` // on purpose, since when and by whom; "" = it is not
	Tag      string    `json:"tag,omitempty"`
	Revision int64     `json:"revision,omitempty"`
	Since    time.Time `json:"since,omitzero"` // when that was released
	By       string    `json:"by,omitempty"`
	Pods     Pods      `json:"pods"`
	Rollout  string    `json:"rollout,omitempty"` // why it does not get on; "" = nothing speaks for it
	Errors   Figure    `json:"errors"`
	P95      Figure    `json:"p95"`
	Alerts   []Alert   `json:"alerts,omitempty"`
	NoAlerts string    `json:"alertsUnread,omitempty"` // why they are not known
	Owners   []string  `json:"owners,omitempty"`       // who else writes it
	Notes    []string  `json:"notes,omitempty"`
}

// Pods are how many pods a component has, and those that fail.
type Pods struct {
	Desired     int       `json:"desired"`
	Ready       int       `json:"ready"`
	Available   int       `json:"available"`
	Updated     int       `json:"updated"`
	Terminating int       `json:"terminating"`
	NoneReady   time.Time `json:"noneReadySince,omitzero"`
	Failing     []Failing `json:"failing,omitempty"`
	Unread      string    `json:"unread,omitempty"` // why single pods are not known
}

// Failing is pods that fail for the same reason.
type Failing struct {
	Text  string    `json:"text"`
	Pods  []string  `json:"pods"`
	Last  time.Time `json:"last,omitzero"`
	Words []string  `json:"words,omitempty"` // the last ones of the newest
}

// Figure is an error ratio (0 to 1) or a latency in seconds.
type Figure struct {
	Known   bool      `json:"known"`
	Value   float64   `json:"value"`
	AtLeast bool      `json:"atLeast,omitempty"`
	Why     string    `json:"why,omitempty"` // when not known
	At      time.Time `json:"at,omitzero"`
	Limit   float64   `json:"limit"`
	Over    model.Tri `json:"over"`                 // now
	OverFor float64   `json:"overForSeconds"`       // so far
	Held    bool      `json:"held"`                 // over for as long as the trigger asks
	Trend   string    `json:"trend,omitempty"`      // rising, falling
	None    bool      `json:"notMeasured,omitzero"` // by configuration

	text string
}

// Alert is one that fires.
type Alert struct {
	Name     string    `json:"name"`
	Severity string    `json:"severity,omitempty"`
	Since    time.Time `json:"since"`
	Before   bool      `json:"longer,omitempty"` // since before that
}

// Suspect is a change that may be the cause.
type Suspect struct {
	Component string    `json:"component"`
	Version   string    `json:"version"`
	At        time.Time `json:"at"`
	Before    float64   `json:"beforeSeconds"` // the first bad sample; negative = after it
	Words     string    `json:"words"`
	By        string    `json:"by,omitempty"`
	Cause     string    `json:"changeCause,omitempty"`
	Later     bool      `json:"later"` // it came after the onset: it is no suspect
}

// History is the versions that a component can be brought to.
type History struct {
	Component string    `json:"component"`
	Err       string    `json:"error,omitempty"`
	NoFigures string    `json:"figuresUnread,omitempty"`
	Versions  []Version `json:"versions"`
	Proposed  string    `json:"proposed,omitempty"` // key of the version
	Why       string    `json:"why,omitempty"`      // why it is proposed, or why none is
	// Migrations says which came since the version that is proposed, or why that is not
	// known; "" = none are configured.
	Migrations string `json:"migrations,omitempty"`
}

// Version is one of them.
type Version struct {
	Key     string    `json:"key"`
	Label   string    `json:"label"`
	Tag     string    `json:"tag,omitempty"`
	Start   time.Time `json:"start,omitzero"`
	Guessed bool      `json:"startGuessed,omitempty"`
	By      string    `json:"by,omitempty"`
	Cause   string    `json:"changeCause,omitempty"`
	Images  []string  `json:"images,omitempty"`
	Current bool      `json:"current"`
	Mark    string    `json:"mark,omitempty"` // good, bad, crash loop, restart only, no data …
	Errors  Figure    `json:"errors"`
	P95     Figure    `json:"p95"`
	Refused string    `json:"refused,omitempty"` // why it cannot be chosen
}

// Checked is what the confirmation of a rollback would show.
type Checked struct {
	Component string         `json:"component"`
	From      string         `json:"from,omitempty"`
	To        string         `json:"to"`
	Command   string         `json:"command,omitempty"` // the equal one
	Changes   []model.Change `json:"changes,omitempty"`
	Stays     []string       `json:"stays,omitempty"` // what it does not bring back
	Checks    []model.Check  `json:"checks"`
	Err       string         `json:"error,omitempty"` // why there is no plan
	Unread    bool           `json:"unfinished,omitempty"`
}
