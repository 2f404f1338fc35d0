// Package webhook sends messages to any service that takes a POST, with a body
// from a template of the team's own.
package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

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

// deadline bounds a message when the caller's context does not.
const deadline = 15 * time.Second

const maxAnswer = 64 << 10

// A Sender posts to one address. It is safe for concurrent use.
type Sender struct {
	to, url     string
	token       string
	contentType string
	body        *body
	http        *http.Client
	redact      *text.Redactor
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
		to: c.String() + " at " + text.Line(u.Host), url: u.String(), token: c.Token,
		contentType: cmp.Or(c.ContentType, "application/json"), redact: new(text.Redactor),
	}
	s.redact.AddURL(u)
	s.redact.Add(c.Token)
	kind, _, err := mime.ParseMediaType(s.contentType)
	if err != nil {
		return nil, fmt.Errorf("%s: content type %s: %w", c, text.Line(s.contentType), err)
	}
	if s.body, err = parse(cmp.Or(c.Body, DefaultBody), kind == "application/json" || strings.HasSuffix(kind, "+json")); err != nil {
		return nil, fmt.Errorf("%s: body: %s", c, s.redact.Line(err.Error()))
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.http = &own
	return s, nil
}

// String names the webhook and its host.
func (s *Sender) String() string { return s.to }

// Send posts m once; any answer of 2xx means that it was taken. Where the answer
// is JSON with "id" or "url", the receipt has them. Its error is a
// *model.SendError.
func (s *Sender) Send(ctx context.Context, m model.Message) (model.Receipt, error) {
	data, err := s.render(m)
	if err != nil {
		return model.Receipt{}, &model.SendError{To: s.to, Why: s.redact.Line(err.Error()), Certain: true}
	}
	status, header, answer, err := s.post(ctx, data)
	if err != nil {
		return model.Receipt{}, err
	}
	if status/100 != 2 {
		return model.Receipt{}, model.NotTaken(s.to, status, header.Get, s.explain(status, answer))
	}
	var made struct{ ID, URL string }
	_ = json.Unmarshal(answer, &made) // any answer will do
	return model.Receipt{Ref: s.redact.Line(made.ID), URL: s.redact.Line(made.URL)}, nil
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

// post sends data once, whatever happens: a second one might be a second
// message. Its error is a *model.SendError.
func (s *Sender) post(ctx context.Context, data []byte) (status int, header http.Header, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var written atomic.Bool // from here on, the service may have it
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(data))
	if err != nil {
		return 0, nil, nil, s.failed(err, false)
	}
	req.Header.Set("Content-Type", s.contentType)
	req.Header.Set("User-Agent", "rollbook")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, nil, nil, s.failed(err, written.Load())
	}
	defer resp.Body.Close()
	// The status says what became of it; a body that breaks off changes nothing.
	answer, _ = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, resp.Header, answer, nil
}

// failed is the error of a request without an answer.
func (s *Sender) failed(err error, written bool) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // its text holds the URL
	}
	e := &model.SendError{To: s.to, Why: s.redact.Line(err.Error()), Certain: !written, Later: true, Err: err}
	switch {
	case errors.Is(err, context.Canceled):
		e.Why = "cancelled"
	case errors.Is(err, context.DeadlineExceeded) && written:
		e.Why = "no answer in time"
	case errors.Is(err, context.DeadlineExceeded):
		e.Why = "no connection in time"
	}
	return e
}

// Preview is the body that will be sent, or why none can be.
func (s *Sender) Preview(m model.Message) string {
	data, err := s.render(m)
	if err != nil {
		return "cannot be sent: " + s.redact.Line(err.Error()) + "\n"
	}
	return strings.TrimRight(text.CleanLines(string(data)), "\n") + "\n"
}
