package model

import "time"

// What an incident keeps of its close: evidence, impact, report, messages.

// EvidenceRecord is the evidence of one moment, as it was gathered last.
type EvidenceRecord struct {
	Evidence
	Err string // why nothing could be kept
}

// ImpactRecord is what the incident cost, as it was measured last.
type ImpactRecord struct {
	At     time.Time // zero = not measured yet
	Impact Impact
	Err    string // why the last measuring brought nothing
}

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

// MessageState is what became of a message. The zero value is: on its way, or
// waiting for its intent to be on disk.
type MessageState string

// The states of a message.
const (
	MessageSending MessageState = ""
	MessageOut     MessageState = "sent"
	MessageNotOut  MessageState = "failed" // surely not sent
	MessageUnsure  MessageState = "lost"   // it may have been sent
)

// MessageRecord is one message that the operator sent, or tried to.
type MessageRecord struct {
	N       int // from 1, in the order of their intents
	Message Message
	At      time.Time // of the intent
	By      string
	State   MessageState
	Done    time.Time // of the outcome
	Receipt Receipt
	Err     string
	Retry   time.Time // not before, as the service asked; zero = it did not say
}

// Message returns the record of that number, or nil.
func (i *Incident) Message(n int) *MessageRecord {
	if n < 1 || n > len(i.Messages) {
		return nil
	}
	return &i.Messages[n-1]
}

// Channel is somewhere that messages can go. Its address is a secret, and not
// here.
type Channel struct {
	ID   string      `json:"id"` // "slack/incidents"
	Kind ChannelKind `json:"kind"`
	Name string      `json:"name"`
	Host string      `json:"host,omitempty"` // where it goes to
}

// ChannelKind is which service a channel belongs to.
type ChannelKind string

// The kinds of channels.
const (
	ChannelSlack      ChannelKind = "slack"
	ChannelTeams      ChannelKind = "teams"
	ChannelStatuspage ChannelKind = "statuspage"
	ChannelWebhook    ChannelKind = "webhook"
	ChannelGitLab     ChannelKind = "gitlab" // follow-up issues
)

// Channel returns the channel of that ID, or nil.
func (s *Settings) Channel(id string) *Channel {
	for n := range s.Channels {
		if s.Channels[n].ID == id {
			return &s.Channels[n]
		}
	}
	return nil
}

// DownRecord is the clock of the downtime: what has been counted, and since when
// it counts now.
type DownRecord struct {
	Total time.Duration // closed runs, those without data among them
	Blind time.Duration // of these, without data
	Since time.Time     // of the run under way; zero = it stands
	Until time.Time     // of the last run's end: nothing is counted twice
	// Unseen: nothing is known about the run under way.
	Unseen bool
}

// Escalation is a rule for calling somebody that came true. It stays until it is
// answered.
type Escalation struct {
	ID     string    `json:"id"`   // "downtime", "data loss", "rollback/1"
	Text   string    `json:"text"` // why
	Who    string    `json:"who"`  // whom to call, and how
	At     time.Time `json:"at"`
	Answer string    `json:"answer,omitempty"` // EscalationCalled, EscalationNotNeeded; "" = open
	By     string    `json:"by,omitempty"`
	Done   time.Time `json:"done,omitzero"` // of the answer
	Reason string    `json:"reason,omitempty"`
}

// The answers to an escalation.
const (
	EscalationCalled    = "called"
	EscalationNotNeeded = "not needed"
)

// Escalation returns the one of that ID, or nil.
func (i *Incident) Escalation(id string) *Escalation {
	for n := range i.Escalations {
		if i.Escalations[n].ID == id {
			return &i.Escalations[n]
		}
	}
	return nil
}

// LeaseLife is how long a Lease counts after it was renewed, and LeaseRenew how
// often it is.
const (
	LeaseLife  = 60 * time.Second
	LeaseRenew = 15 * time.Second
)

// LeaseAsk is what is wanted of a workload's Lease. Without Force, Release or
// Look it is taken when it is free, expired or ours already, and renewed.
type LeaseAsk struct {
	Workload Workload
	Holder   string // "maria@laptop (INC-…)"
	Incident string
	Step     string // where its holder is
	Force    bool   // take it from whoever has it
	Release  bool   // give it back, if it is ours
	Look     bool   // write nothing
}

// Lease tells others who works on a workload. It is a courtesy, not a lock: what
// keeps two writes apart is the plan.
type Lease struct {
	Holder   string    `json:"holder,omitempty"` // "" = nobody
	Incident string    `json:"incident,omitempty"`
	Step     string    `json:"step,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Renewed  time.Time `json:"renewed,omitzero"` // on its holder's clock
	// From is who had it before it was taken by force.
	From string `json:"from,omitempty"`

	Mine    bool      `json:"-"`
	Expired bool      `json:"-"` // its holder has not renewed it for longer than it lasts
	At      time.Time `json:"-"` // of the last answer; zero = none yet
	Asking  time.Time `json:"-"` // since when the first answer is waited for; zero = it is there, or none is wanted
	Err     string    `json:"-"` // why it could not be taken or read; "" after a success
}

// Other says whether somebody else is known to be on it.
func (l Lease) Other() bool { return l.Holder != "" && !l.Mine && !l.Expired }

// OpenIncident is a journal of an earlier run that was not closed.
type OpenIncident struct {
	ID        string // its folder's name: unique
	Path      string
	Opened    time.Time
	Touched   time.Time // its last fact
	Step      Step
	Component string // the first of it
	Operator  string
	Abandoned bool // untouched for a day
}
