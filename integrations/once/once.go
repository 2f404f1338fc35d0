// Package once sends a request once, whatever happens, and says what is known
// of it afterwards: a second message may be worse than none.
package once

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// A Client sends requests to one service. It is safe for concurrent use.
type Client struct {
	to     string
	limits Limits
	http   *http.Client
	redact *text.Redactor
}

// Limits bound each request.
type Limits struct {
	Time   time.Duration // when the caller's context does not
	Answer int64         // bytes of its body
}

// New makes a Client on client, whose redirects it does not follow. Errors name
// the service as to does, and keep what redact knows to themselves.
func New(to string, client *http.Client, redact *text.Redactor, limits Limits) *Client {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{to: to, limits: limits, http: &own, redact: redact}
}

// A Request is what is sent; the header's "User-Agent" is rollbook's.
type Request struct {
	Method string
	URL    string // may be a secret
	Header http.Header
	Body   []byte
}

// An Answer has a status, whatever it is.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // cut where it is too large
}

// Send sends r. Its error is a *model.SendError; the one about a success whose
// body broke off comes with the answer.
func (c *Client) Send(ctx context.Context, r Request) (Answer, error) {
	a, written, err := c.do(ctx, r, c.limits.Answer)
	if err == nil {
		return a, nil
	}
	e := &model.SendError{To: c.to, Why: c.redact.Line(err.Error()), Certain: !written, Later: true, Err: err}
	switch {
	case errors.Is(err, context.Canceled):
		e.Why = "cancelled"
	case errors.Is(err, context.DeadlineExceeded) && written:
		e.Why = "no answer in time"
	case errors.Is(err, context.DeadlineExceeded):
		e.Why = "no connection in time"
	}
	return a, e
}

// Ask gets what url says. A success is whole, or an error; of any other answer,
// the body may be cut.
func (c *Client) Ask(ctx context.Context, url string, header http.Header) (Answer, error) {
	a, _, err := c.do(ctx, Request{Method: http.MethodGet, URL: url, Header: header}, c.limits.Answer+1)
	switch {
	case errors.Is(err, context.Canceled):
		return Answer{}, fmt.Errorf("%s: %w", c.to, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return Answer{}, fmt.Errorf("%s: no answer in time: %w", c.to, context.DeadlineExceeded)
	case err != nil:
		return Answer{}, fmt.Errorf("%s: cannot connect: %s", c.to, c.redact.Line(err.Error()))
	case a.Status/100 == 2 && int64(len(a.Body)) > c.limits.Answer:
		return Answer{}, fmt.Errorf("%s: the answer is larger than %d MiB", c.to, c.limits.Answer>>20)
	}
	return a, nil
}

// do sends r and reads the answer up to most bytes. Once written, the service
// may have the request, whatever the error.
func (c *Client) do(ctx context.Context, r Request, most int64) (a Answer, written bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.Time)
	defer cancel()
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{}, false, plain(err)
	}
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	req.Header.Set("User-Agent", "rollbook")
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, wrote.Load(), plain(err)
	}
	defer resp.Body.Close()
	a = Answer{Status: resp.StatusCode, Header: resp.Header}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, most))
	if a.Status/100 != 2 {
		err = nil // the status says what became of it
	}
	return a, true, err
}

// plain takes the URL, which may be a secret, out of an error; the host is told
// already.
func plain(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
