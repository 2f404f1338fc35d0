package statuspage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"rollbook/model"
)

// deadline bounds a request when the caller's context does not.
const deadline = 15 * time.Second

// maxAnswer bounds the answer: an incident with all its updates.
const maxAnswer = 1 << 20

// call sends one request once, whatever happens: a second one might be a second
// incident. Its error is a *model.SendError.
func (s *Sender) call(ctx context.Context, method, path string, body []byte) (status int, header http.Header, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var written atomic.Bool // from here on, Statuspage may have it
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, s.failed(err, false)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "OAuth "+s.conf.Token)
	req.Header.Set("User-Agent", "rollbook")
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, nil, nil, s.failed(err, written.Load())
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && resp.StatusCode/100 == 2 {
		return 0, nil, nil, s.failed(err, true)
	}
	return resp.StatusCode, resp.Header, answer, nil
}

// failed is the error of a request without an answer.
func (s *Sender) failed(err error, written bool) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // the host is told already
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
