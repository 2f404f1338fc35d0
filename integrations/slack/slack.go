// Package slack sends messages through one of Slack's incoming webhooks.
//
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
package slack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollbook/integrations/once"
	"rollbook/model"
	"rollbook/text"
)

// Config is one webhook, which posts to one channel.
type Config struct {
	Name string // what the operator calls it
	URL  string // a secret as a whole
}

// String names the webhook and keeps its URL to itself.
func (c Config) String() string { return "slack/" + c.Name }

// limits are far above Slack's own answers, which are one word.
var limits = once.Limits{Time: 15 * time.Second, Answer: 16 << 10}

// A Sender posts to one webhook. It is safe for concurrent use.
type Sender struct {
	to     string
	url    string
	once   *once.Client
	redact *text.Redactor
}

// New makes a Sender on client, whose redirects it does not follow. It sends
// nothing.
func New(c Config, client *http.Client) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		// The URL is not repeated.
		return nil, fmt.Errorf("%s: what is given as its URL is none: it begins with https://hooks.slack.com/services/", c)
	}
	s := &Sender{to: c.String() + " at " + text.Line(u.Host), url: u.String(), redact: new(text.Redactor)}
	s.redact.AddURL(u)
	s.once = once.New(s.to, client, s.redact, limits)
	return s, nil
}

// String names the webhook and its host.
func (s *Sender) String() string { return s.to }

// Send posts m once. Slack gives no reference back, so the receipt is empty. Its
// error is a *model.SendError.
func (s *Sender) Send(ctx context.Context, m model.Message) (model.Delivery, error) {
	body, err := s.payload(m)
	if err != nil {
		return model.Delivery{}, &model.SendError{To: s.to, Why: err.Error(), Certain: true}
	}
	answer, err := s.once.Send(ctx, once.Request{
		Method: http.MethodPost, URL: s.url, Body: body,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
	})
	if err != nil {
		return model.Delivery{}, err
	}
	status, header, said := answer.Status, answer.Header, string(answer.Body)
	why := s.redact.Line(said)
	switch {
	case status == http.StatusOK && strings.TrimSpace(said) == "ok":
		return model.Delivery{}, nil
	case status/100 == 2:
		return model.Delivery{}, &model.SendError{To: s.to, Why: "the answer is not Slack's but " + kind(header, why) + "; is there a proxy before it?"}
	case status/100 == 3:
		return model.Delivery{}, model.NotTaken(s.to, status, header.Get, fmt.Sprintf("%d: a redirect, which is not followed; make a new webhook", status))
	}
	return model.Delivery{}, model.NotTaken(s.to, status, header.Get, explain(status, why))
}

// remedies are Slack's words and what to do about each.
var remedies = map[string]string{
	"invalid_payload":                   "Slack does not understand the message; send it by hand",
	"invalid_blocks":                    "Slack does not understand the message; send it by hand",
	"no_text":                           "the message is empty",
	"user_not_found":                    "the user that it posts to is gone; make a new webhook",
	"channel_not_found":                 "the channel is gone; make a new webhook",
	"channel_is_archived":               "unarchive the channel, or make a new webhook for another",
	"action_prohibited":                 "the workspace forbids this webhook to post there; ask its administrator",
	"posting_to_general_channel_denied": "only some may post to the general channel; make a webhook for another",
	"no_service":                        "the webhook was removed or is disabled; make a new one",
	"no_service_id":                     "the webhook's URL is not whole; copy it again",
	"no_team":                           "the workspace is gone, or the webhook's URL is not whole; copy it again",
	"team_disabled":                     "the workspace is disabled",
	"invalid_token":                     "the webhook was revoked, or its URL is not whole; make a new one",
	"rollup_error":                      "Slack has trouble",
	"rate_limited":                      "Slack takes about one message a second",
}

func explain(status int, said string) string {
	if do, known := remedies[said]; known {
		return fmt.Sprintf("%d %s: %s", status, said, do)
	}
	why := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if said != "" && !strings.HasPrefix(said, "<") { // a page says nothing in one line
		why += ": " + text.Truncate(said, 200)
	}
	return why
}

// kind says what an answer that is not Slack's is.
func kind(header http.Header, said string) string {
	if strings.HasPrefix(said, "<") || strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		return "a page for browsers"
	}
	if said == "" {
		return "empty"
	}
	return text.Truncate(said, 60)
}
