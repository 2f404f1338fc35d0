package model

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MessageKind says at which point of an incident a message is sent. The zero
// value is none: nothing is sent by accident.
type MessageKind string

const (
	MessageStarted  MessageKind = "started"
	MessageUpdated  MessageKind = "updated"
	MessageResolved MessageKind = "resolved"
)

// The states of an update, in a status page's words (Message.Status).
const (
	StatusIdentified = "identified" // the default: what is wrong is known
	StatusMonitoring = "monitoring" // rolled back, being verified
)

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

// Public reports whether anybody may read what a channel of this kind is sent: a status
// page, or a webhook, which may lead anywhere.
func (k ChannelKind) Public() bool { return k == ChannelStatuspage || k == ChannelWebhook }

// A Message is what a draft is sent as. Its text is plain: lines, blank lines
// between paragraphs, "- " before the items of a list. Each sender puts it into
// its own markup and escapes what would be read as such.
type Message struct {
	Kind     MessageKind `json:"kind"`
	Channel  string      `json:"channel"`  // which sender: "slack/incidents"
	Incident string      `json:"incident"` // its ID
	Title    string      `json:"title"`    // one line
	Text     string      `json:"text"`
	Status   string      `json:"status,omitempty"` // of an update; "" = StatusIdentified
	Ref      string      `json:"ref,omitempty"`    // Delivery.Ref of an earlier message of this incident here
	Report   string      `json:"report,omitempty"` // Markdown, attached where the service takes files
}

// A Delivery is what a service said of a message that it took.
type Delivery struct {
	Ref string `json:"ref,omitempty"` // names it to that service later
	URL string `json:"url,omitempty"` // where people see it
}

// OnCall is somebody who is on call now.
type OnCall struct {
	Name     string    `json:"name"`
	How      string    `json:"how"` // to reach them, as far as the source says
	Schedule string    `json:"schedule"`
	Source   string    `json:"source"` // "Grafana OnCall", "PagerDuty"
	Until    time.Time `json:"until,omitzero"`
}

// SendError says what became of a message that was not taken. It holds no
// address but the host: a webhook's URL is a secret.
type SendError struct {
	To  string // "slack/incidents at hooks.slack.com"
	Why string // what happened and what to do, in one line, with the service's words
	// Certain: it was surely not sent. Otherwise it may have been, and the
	// operator is asked before it is sent again.
	Certain bool
	// Later: the same may succeed later, without a change.
	Later      bool
	RetryAfter time.Duration // as the service asked; 0 = it did not say
	Err        error         // the cause; may be nil
}

func (e *SendError) Error() string {
	s := e.To + ": not sent: " + e.Why
	if !e.Certain {
		s = e.To + ": it is not known whether it was sent: " + e.Why + "; look there before sending it again"
	}
	switch {
	case e.RetryAfter > 0:
		s += fmt.Sprintf("; it asks to wait %s", Short(e.RetryAfter))
	case e.Later && e.Certain:
		s += "; try again later"
	}
	return s
}

func (e *SendError) Unwrap() error { return e.Err }

// NotTaken returns the error of an answer that is no success. header gives the
// answer's headers, by which it says how long to wait.
//
// A refusal (4xx), a redirect, which is never followed, and 503 mean that it was
// not sent. Behind any other 5xx, such as a gateway that gave up, the message
// may have gone through.
func NotTaken(to string, status int, header func(string) string, why string) *SendError {
	return &SendError{
		To: to, Why: why,
		Certain:    status < 500 || status == 501 || status == 503,
		Later:      status == 408 || status == 425 || status == 429 || status >= 500 && status != 501,
		RetryAfter: RetryAfter(header),
	}
}

// longestWait bounds what a service may ask for: beyond it, its words count.
const longestWait = 24 * time.Hour

// RetryAfter returns how long the headers of an answer ask to wait (RFC 9110, 10.2.3);
// 0 = they do not, or for more seconds than a day has. A date there is taken against the
// answer's own, so that no clock is needed, and comes to a day at most.
func RetryAfter(header func(string) string) time.Duration {
	value := strings.TrimSpace(header("Retry-After"))
	if n, err := strconv.Atoi(value); err == nil {
		if n < 0 || n > int(longestWait/time.Second) {
			return 0
		}
		return time.Duration(n) * time.Second
	}
	const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"
	until, err := time.Parse(httpDate, value)
	if err != nil {
		return 0
	}
	now, err := time.Parse(httpDate, header("Date"))
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), longestWait)
}
