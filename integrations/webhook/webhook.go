// Package webhook sends messages to any service that takes a POST, with a body
// from a template of the team's own.
package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollbook/integrations/once"
	"rollbook/model"
	"rollbook/text"
)

// Config is one address and what it is sent.
type Config struct {
	Name        string // what the operator calls it
	URL         string // taken as a secret as a whole
	Token       string // sent as "Authorization: Bearer"; "" = none
	Body        string // a template, see Fields; "" = DefaultBody
	ContentType string // "" = application/json
}

// String names the webhook and keeps its URL to itself.
func (c Config) String() string { return "webhook/" + c.Name }

var limits = once.Limits{Time: 15 * time.Second, Answer: 64 << 10}

// A Sender posts to one address. It is safe for concurrent use.
type Sender struct {
	to, url string
	header  http.Header // has the token
	body    *body
	once    *once.Client
	redact  *text.Redactor
}

// New makes a Sender on client, whose redirects it does not follow. It sends
// nothing, but tries the template.
func New(c Config, client *http.Client) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		// The URL is not repeated.
		return nil, fmt.Errorf("%s: what is given as its URL is none: it begins with https:// or http://", c)
	}
	s := &Sender{
		to: c.String() + " at " + text.Line(u.Host), url: u.String(), redact: new(text.Redactor),
		header: http.Header{"Content-Type": {cmp.Or(c.ContentType, "application/json")}},
	}
	s.redact.AddURL(u)
	s.redact.Add(c.Token)
	if c.Token != "" {
		s.header.Set("Authorization", "Bearer "+c.Token)
	}
	kind, _, err := mime.ParseMediaType(s.header.Get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("%s: content type %s: %w", c, text.Line(s.header.Get("Content-Type")), err)
	}
	if s.body, err = parse(cmp.Or(c.Body, DefaultBody), kind == "application/json" || strings.HasSuffix(kind, "+json")); err != nil {
		return nil, fmt.Errorf("%s: body: %s", c, s.redact.Line(err.Error()))
	}
	s.once = once.New(s.to, client, s.redact, limits)
	return s, nil
}

// String names the webhook and its host.
func (s *Sender) String() string { return s.to }

// Send posts m once; any answer of 2xx means that it was taken. Where the answer
// is JSON with "id" or "url", the receipt has them. Its error is a
// *model.SendError.
func (s *Sender) Send(ctx context.Context, m model.Message) (model.Delivery, error) {
	data, err := s.render(m)
	if err != nil {
		return model.Delivery{}, &model.SendError{To: s.to, Why: s.redact.Line(err.Error()), Certain: true}
	}
	answer, err := s.once.Send(ctx, once.Request{Method: http.MethodPost, URL: s.url, Header: s.header, Body: data})
	switch status := answer.Status; {
	case status == 0:
		return model.Delivery{}, err
	case status/100 != 2:
		return model.Delivery{}, model.NotTaken(s.to, status, answer.Header.Get, s.explain(status, answer.Body))
	}
	var made struct{ ID, URL string }
	_ = json.Unmarshal(answer.Body, &made) // any answer will do, also one that broke off
	return model.Delivery{Ref: s.redact.Line(made.ID), URL: s.redact.Line(made.URL)}, nil
}

func (s *Sender) render(m model.Message) ([]byte, error) {
	m.Title, m.Text, m.Report = s.redact.Line(m.Title), strings.TrimSpace(s.redact.Lines(m.Text)), s.redact.Lines(m.Report)
	if m.Title == "" && m.Text == "" {
		return nil, errors.New("the message is empty")
	}
	return s.body.render(m)
}

func (s *Sender) explain(status int, answer []byte) string {
	why := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if status/100 == 3 {
		return why + ": a redirect, which is not followed; give the address that it ends at"
	}
	said := strings.TrimSpace(string(answer))
	if said != "" && !strings.HasPrefix(said, "<") { // a page says nothing in one line
		why += ": " + text.Truncate(s.redact.Line(said), 200)
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		why += "; look at the token"
	case http.StatusNotFound, http.StatusGone:
		why += "; look at the URL"
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType:
		why += "; look at the body's template and its content type"
	}
	return why
}

// Preview is the body that will be sent, or why none can be.
func (s *Sender) Preview(m model.Message) string {
	data, err := s.render(m)
	if err != nil {
		return "cannot be sent: " + s.redact.Line(err.Error()) + "\n"
	}
	return strings.TrimRight(text.CleanLines(string(data)), "\n") + "\n"
}
