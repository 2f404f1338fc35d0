package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"rollbook/text"
)

// Plugin is the program that the kubeconfig's credentials come from; "" when
// they come from no program.
func (c *Client) Plugin() string {
	if c.cfg.ExecProvider == nil {
		return ""
	}
	return text.Line(c.cfg.ExecProvider.Command)
}

// aside is how long Login waits for the requests under way to be through with
// the credentials' program.
const aside = 2 * time.Second

// Login asks the API server once, so that the credentials' program runs again
// when it has to, and takes the time that its operator takes. give hands the
// terminal to that program and returns what takes it back. No other request
// leaves meanwhile: each would run the program too, which would then read the
// terminal beside the screen. What was not read for want of credentials is read
// at once after it. The error names the program and why it failed.
func (c *Client) Login(ctx context.Context, give func() (back func() error, err error)) (err error) {
	open := c.gate.shut(ctx, aside)
	defer open()
	back, err := give()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back()) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.host+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := c.gate.send(req, func() {})
	if err != nil {
		return fmt.Errorf("log in with %s: %s", c.Plugin(), c.transportWords(err, c.limit))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	// An answer of 401 had the program run once more; whether it brought
	// something better the next request shows.
	raise(c.retarget)
	return nil
}

// gate holds requests back, before they want credentials, while somebody logs in.
type gate struct {
	next    http.RoundTripper
	program bool // credentials come from a program

	mu     sync.Mutex
	opened chan struct{} // closed when a login ends; nil without one
	inside int           // requests without an answer yet
	left   chan struct{} // has an element when one of them ended
}

// RoundTrip sends the request when nobody logs in, or when that has ended.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.enter(req.Context()); err != nil {
		return nil, err
	}
	return g.send(req, g.leave)
}

// send sends a request, and calls left when it has its answer. The error is
// noCredentials when it did not get as far as to leave.
func (g *gate) send(req *http.Request, left func()) (*http.Response, error) {
	if !g.program {
		defer left()
		return g.next.RoundTrip(req)
	}
	// The program is run on the way, for as long as it takes: client-go does not end
	// it with the request.
	type answer struct {
		resp *http.Response
		err  error
	}
	answers := make(chan answer, 1)
	var sent atomic.Bool
	req = req.WithContext(context.WithValue(req.Context(), sentKey{}, &sent))
	go func() {
		defer left()
		resp, err := g.next.RoundTrip(req) //nolint:bodyclose // whoever takes the answer closes it
		answers <- answer{resp, err}
	}()
	got := func(a answer) (*http.Response, error) {
		if a.err != nil && !sent.Load() {
			a.err = &noCredentials{a.err, req.Context().Err() != nil}
		}
		return a.resp, a.err
	}
	select {
	case a := <-answers:
		return got(a)
	case <-req.Context().Done():
	}
	if sent.Load() {
		return got(<-answers) // it ends with its context
	}
	go func() {
		if a := <-answers; a.resp != nil {
			a.resp.Body.Close()
		}
	}()
	return nil, &noCredentials{context.Cause(req.Context()), true}
}

// noCredentials says why a request did not leave: the credentials' program brought
// nothing, or, slow, had not ended when the request's time was over.
type noCredentials struct {
	error
	slow bool
}

func (e *noCredentials) Unwrap() error { return e.error }

// sentKey is where a request's context holds an *atomic.Bool that says whether it
// has its credentials and leaves.
type sentKey struct{}

// WrappedRoundTripper lets apimachinery find the connections below.
func (g *gate) WrappedRoundTripper() http.RoundTripper { return g.next }

func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		opened := g.opened
		if opened == nil {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
			return fmt.Errorf("a login is under way: %w", ctx.Err())
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	g.inside--
	g.mu.Unlock()
	raise(g.left)
}

// shut lets no other request in, and waits until those inside have their answer,
// at most for the time given: what hangs in the network has its credentials.
func (g *gate) shut(ctx context.Context, wait time.Duration) (open func()) {
	opened := make(chan struct{})
	g.mu.Lock()
	g.opened = opened
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		g.mu.Lock()
		inside := g.inside
		g.mu.Unlock()
		if inside == 0 {
			break
		}
		select {
		case <-g.left:
			continue
		case <-ctx.Done():
		}
		break
	}
	return func() {
		g.mu.Lock()
		g.opened = nil
		g.mu.Unlock()
		close(opened)
	}
}

// loggedOut says whether the last sign of life shows that the credentials'
// program is to be run by its operator.
func (c *Client) loggedOut(err error, status int) bool {
	if c.cfg.ExecProvider == nil {
		return false
	}
	var none *noCredentials
	return status == http.StatusUnauthorized || errors.As(err, &none) && !none.slow
}
