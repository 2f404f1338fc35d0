package kube

import (
	"context"
	"errors"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
)

// notSent marks a transport error of a request of which not a byte left.
type notSent struct{ error }

func (n notSent) Unwrap() error { return n.error }

// sendWrite sends a write once, and tells one of which not a byte left (notSent)
// from one without an answer.
func (c *Client) sendWrite(ctx context.Context, w call) ([]byte, error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	answer, err := c.do(ctx, w)
	var u *unreached
	if errors.As(err, &u) && !connected.Load() {
		return nil, notSent{err}
	}
	return answer, err
}

// refusal sorts a failed write: a clear "no" and a request that never left are
// ErrRefused; after anything else it may have been written.
//
// what and done say what did not happen: "deployment/api", "rolled back".
func (c *Client) refusal(what, done string, err error) error {
	not := what + " was not " + done
	var u *unreached
	var never notSent
	var st apierrors.APIStatus
	code := int32(0)
	if errors.As(err, &st) {
		code = st.Status().Code
	}
	switch {
	case errors.Is(err, model.ErrReadOnly):
		return model.Told(model.ErrReadOnly, err, "%s: rollbook runs read-only", not)
	case errors.As(err, &never):
		return model.Told(model.ErrRefused, err, "%s, the request never left: %s", not, words(never.error))
	case errors.As(err, &u):
		return model.Told(model.ErrLost, err, "the write to %s had no answer: %s: it may or may not have been done", what, u.text)
	case code/100 == 3:
		return model.Told(model.ErrLost, err, "the write to %s was answered with a redirect: %s: it may or may not have been done", what, words(err))
	case code >= 500 && !byWebhook(st.Status().Message):
		return model.Told(model.ErrLost, err, "the write to %s ended in an error of the server: %s: it may or may not have been done", what, words(err))
	}
	return model.Told(model.ErrRefused, err, "%s: %s", not, because(err))
}

// byWebhook recognises the 500 that stands for "admission could not be asked":
// then nothing was written.
func byWebhook(message string) bool {
	return strings.Contains(message, "failed calling webhook") || strings.Contains(message, "admission webhook")
}

// patiently repeats a call for as long as the API server says that it is overloaded,
// each time after as long as it asks for, while there is time. tell may be nil.
func (c *Client) patiently(ctx context.Context, tell func(model.Progress), call func() error) error {
	for {
		err := call()
		if !apierrors.IsTooManyRequests(err) {
			return err
		}
		wait := time.Second
		if s, ok := apierrors.SuggestsClientDelay(err); ok && s > 1 {
			wait = time.Duration(s) * time.Second
		}
		if end, ok := ctx.Deadline(); ok && c.now().Add(wait).After(end) {
			return model.Told(model.ErrRefused, err, "%s: it asks to wait %s: try again then", overloaded, model.Short(wait))
		}
		if tell != nil {
			tell(model.Progress{Text: overloaded + ": trying again in " + model.Short(wait)})
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// overloaded is what a 429 says.
const overloaded = "the API server is overloaded (429)"
