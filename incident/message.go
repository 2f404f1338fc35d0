package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

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
	N        int // from 1, in the order of their intents
	Message  model.Message
	At       time.Time // of the intent
	By       string
	State    MessageState
	Done     time.Time // of the outcome
	Delivery model.Delivery
	Err      string
	Retry    time.Time // not before, as the service asked; zero = it did not say
}

// Message returns the record of that number, or nil.
func (i *Incident) Message(n int) *MessageRecord {
	if n < 1 || n > len(i.Messages) {
		return nil
	}
	return &i.Messages[n-1]
}

// SendBlocked says why nothing can go to a channel now; "" when it can.
func SendBlocked(s *Snapshot, channel string) string {
	i := &s.Incident
	switch {
	case i.Settings.ReadOnly:
		return "read-only: nothing is sent"
	case i.Settings.Channel(channel) == nil:
		return "there is no channel " + channel
	case i.IsDrill() && i.Settings.Channel(channel).Kind.Public():
		return "this is a drill: nothing goes to what the public reads"
	case s.Seen.JournalE != "" && !i.WithoutJournal:
		return "the journal cannot be written: " + s.Seen.JournalE
	}
	for _, m := range i.Messages {
		if m.Message.Channel == channel && m.State == MessageSending {
			return "a message is on its way there"
		}
	}
	return ""
}

// SendAsks says what the operator must know before a message of a kind goes to a
// channel: that one did already, or may have. "" when none did.
func SendAsks(s *Snapshot, channel string, kind model.MessageKind) string {
	why := ""
	for _, m := range s.Incident.Messages {
		if m.Message.Channel != channel || m.Message.Kind != kind {
			continue
		}
		switch m.State {
		case MessageOut:
			why = "“" + string(kind) + "” was sent there " + ago(s.Now, m.Done)
		case MessageUnsure:
			why = "“" + string(kind) + "” may have been sent there " + ago(s.Now, m.At) + ": look there first"
		}
	}
	return why
}

// SendMessage sends one message to one channel, as it was edited. Again is the
// operator's word that it may go out though one of the same kind did, or may
// have.
type SendMessage struct {
	Channel     string
	Kind        model.MessageKind
	Title, Text string
	Status      string // of an update; "" = as drafted
	Again       bool
}

// decide begins a message, by the operator's key alone.
func (do SendMessage) decide(d *decider) {
	switch do.Kind {
	case model.MessageStarted, model.MessageUpdated, model.MessageResolved:
	default:
		return
	}
	if d.by == "" || do.Text == "" && do.Title == "" || SendBlocked(&d.s, do.Channel) != "" ||
		!do.Again && SendAsks(&d.s, do.Channel, do.Kind) != "" {
		return
	}
	if d.inc().ID == "" {
		d.open()
	}
	ref := ""
	for _, m := range d.inc().Messages {
		if m.Message.Channel == do.Channel && m.State == MessageOut && m.Delivery.Ref != "" {
			ref = m.Delivery.Ref
		}
	}
	n := len(d.inc().Messages) + 1
	d.fact(MessageIntended{N: n, Channel: do.Channel, Kind: do.Kind, Title: do.Title, Text: do.Text, Status: do.Status, Ref: ref})
	d.effect(SendOut{N: n})
}

// MessageIntended is written before a message goes out: without an outcome
// after it, it may have been sent.
type MessageIntended struct {
	N       int               `json:"n"`
	Channel string            `json:"channel"`
	Kind    model.MessageKind `json:"kind"`
	Title   string            `json:"title"`
	Text    string            `json:"text"`
	Status  string            `json:"status,omitempty"`
	Ref     string            `json:"ref,omitempty"` // of the earlier message that it follows
}

func (b MessageIntended) apply(i *Incident, f Fact) {
	i.Messages = with(i.Messages, MessageRecord{N: b.N, At: f.At, By: f.By, Message: model.Message{Kind: b.Kind,
		Channel: b.Channel, Incident: i.ID, Title: b.Title, Text: b.Text, Status: b.Status, Ref: b.Ref}})
}

func (b MessageIntended) entry(*Incident) (EntryKind, string) {
	return EntryWrite, fmt.Sprintf("sending to %s (%s): “%s”", b.Channel, b.Kind, oneLine(b.Title))
}

type SendOut struct{ N int }

func (x SendOut) run(r Runner) { r.SendOut(x) }

// Sent is what became of a message.
type Sent struct {
	N          int
	Delivery   *model.Delivery // set when it was sent
	Err        string          // surely not sent
	Lost       string          // it may have been sent
	RetryAfter time.Duration
}

// decide takes what became of a message.
func (do Sent) decide(d *decider) {
	m := d.inc().Message(do.N)
	if m == nil || m.State != MessageSending {
		return
	}
	switch {
	case do.Delivery != nil:
		d.fact(MessageSent{N: do.N, Ref: do.Delivery.Ref, URL: do.Delivery.URL})
		d.settleDone()
	case do.Lost != "":
		d.fact(MessageLost{N: do.N, Err: do.Lost})
	default:
		d.fact(MessageFailed{N: do.N, Err: do.Err, RetryAfter: do.RetryAfter})
	}
	if i := d.inc(); !i.Closed.IsZero() && !i.Report.At.IsZero() {
		d.effect(MakeReport{})
	}
}

// MessageSent is the service's yes.
type MessageSent struct {
	N   int    `json:"n"`
	Ref string `json:"ref,omitempty"`
	URL string `json:"url,omitempty"`
}

func (b MessageSent) apply(i *Incident, f Fact) {
	i.onMessage(b.N, func(m *MessageRecord) {
		m.State, m.Done, m.Delivery = MessageOut, f.At, model.Delivery{Ref: b.Ref, URL: b.URL}
	})
}

func (b MessageSent) entry(*Incident) (EntryKind, string) {
	text := fmt.Sprintf("message %d sent", b.N)
	if b.URL != "" {
		text += ": " + b.URL
	}
	return EntryOutcome, text
}

// MessageFailed is its no: nothing was sent.
type MessageFailed struct {
	N          int           `json:"n"`
	Err        string        `json:"err"`
	RetryAfter time.Duration `json:"retryAfter,omitempty"`
}

func (b MessageFailed) apply(i *Incident, f Fact) {
	i.onMessage(b.N, func(m *MessageRecord) {
		m.State, m.Done, m.Err = MessageNotOut, f.At, b.Err
		if b.RetryAfter > 0 {
			m.Retry = f.At.Add(b.RetryAfter)
		}
	})
}

func (b MessageFailed) entry(*Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("message %d: %s", b.N, b.Err)
}

// MessageLost is a message without an answer: it may have been sent.
type MessageLost struct {
	N   int    `json:"n"`
	Err string `json:"err"`
}

func (b MessageLost) apply(i *Incident, f Fact) {
	i.onMessage(b.N, func(m *MessageRecord) { m.State, m.Done, m.Err = MessageUnsure, f.At, b.Err })
}

func (b MessageLost) entry(*Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("message %d may or may not have been sent: %s", b.N, b.Err)
}

// onMessage changes one message, in a copy.
func (i *Incident) onMessage(n int, change func(*MessageRecord)) {
	i.Messages = slices.Clone(i.Messages)
	if m := i.Message(n); m != nil {
		change(m)
	}
}
