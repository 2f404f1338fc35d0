// Package teams sends messages to Microsoft Teams through a workflow that begins
// with "When a Teams webhook request is received".
//
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
package teams

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollbook/integrations/once"
	"rollbook/model"
	"rollbook/text"
)

// Config is one workflow, which posts to one channel or chat.
type Config struct {
	Name string // what the operator calls it
	URL  string // a secret as a whole: its parameter sig is the key
}

// String names the workflow and keeps its URL to itself.
func (c Config) String() string { return "teams/" + c.Name }

var limits = once.Limits{Time: 15 * time.Second, Answer: 64 << 10}

// A Sender posts to one workflow. It is safe for concurrent use.
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
		return nil, fmt.Errorf("%s: what is given as its URL is none: it is the one that the workflow shows, and begins with https://", c)
	}
	s := &Sender{to: c.String() + " at " + text.Line(u.Host), url: u.String(), redact: new(text.Redactor)}
	s.redact.AddURL(u)
	s.once = once.New(s.to, client, s.redact, limits)
	return s, nil
}

// String names the workflow and its host.
func (s *Sender) String() string { return s.to }

// Send posts m once. A workflow gives no reference back, so the receipt is
// empty. Its error is a *model.SendError.
//
// A workflow takes the request (202) before it posts the card: that it was taken
// is all that can be known.
func (s *Sender) Send(ctx context.Context, m model.Message) (model.Delivery, error) {
	body, err := s.payload(m)
	if err != nil {
		return model.Delivery{}, &model.SendError{To: s.to, Why: err.Error(), Certain: true}
	}
	answer, err := s.once.Send(ctx, once.Request{
		Method: http.MethodPost, URL: s.url, Body: body,
		// Without the charset, Teams counts each character twice.
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
	})
	if err != nil {
		return model.Delivery{}, err
	}
	status, header, said := answer.Status, answer.Header, string(answer.Body)
	why := s.said(said)
	switch {
	case status/100 == 2 && strings.Contains(said, "delivery failed"):
		// The webhooks before the workflows put Teams' own refusal into a 200.
		return model.Delivery{}, &model.SendError{To: s.to, Why: why, Certain: true, Later: strings.Contains(said, "429")}
	case status/100 == 2 && strings.HasPrefix(header.Get("Content-Type"), "text/html"):
		return model.Delivery{}, &model.SendError{To: s.to, Why: "the answer is a page for browsers; is there a proxy before it?"}
	case status/100 == 2:
		return model.Delivery{}, nil
	}
	return model.Delivery{}, model.NotTaken(s.to, status, header.Get, explain(status, why))
}

// explain puts a refusal into words, with what to do about it.
func explain(status int, said string) string {
	why := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if said != "" {
		why += ": " + said
	}
	switch {
	case status/100 == 3:
		return why + "; a redirect, which is not followed: copy the workflow's URL again"
	case status == http.StatusBadRequest:
		return why + "; look whether the workflow is turned on and takes an adaptive card"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return why + "; copy the workflow's URL again, whole, and let anyone trigger it"
	case status == http.StatusNotFound || status == http.StatusGone:
		return why + "; the workflow was removed: make a new one"
	case status == http.StatusRequestEntityTooLarge:
		return why + "; shorten the message"
	}
	return why
}

// said is what an answer's body says, in one line.
func (s *Sender) said(body string) string {
	var e struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal([]byte(body), &e) == nil && e.Error.Message != "" {
		body = strings.TrimPrefix(e.Error.Code+": "+e.Error.Message, ": ")
	}
	body = strings.TrimSpace(body)
	if strings.HasPrefix(body, "<") { // a page says nothing in one line
		return ""
	}
	return text.Truncate(s.redact.Line(body), 200)
}
