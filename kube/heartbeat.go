package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"rollbook/model"
)

// The heartbeat. A watch notices a dead peer only after 45 seconds, so the API
// server is asked every five; any answer counts, also "forbidden".
const (
	beatEvery = 5 * time.Second
	beatLimit = 3 * time.Second
	beatAgain = time.Second // after a failure
	beatsLost = 2           // failures in a row after which the connections are given up
)

// pulse is how it stands with the API server.
type pulse struct {
	mu     sync.Mutex
	trying time.Time // since when the attempts go on that had no answer yet
	err    string
	out    bool // logged out
}

func (p *pulse) begin(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trying.IsZero() {
		p.trying = at
	}
}

func (p *pulse) end(err string, loggedOut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.out = err, loggedOut
	if err == "" {
		p.trying = time.Time{}
	}
}

// connection is the pulse as the screen shows it. Trying is the beginning of
// the first attempt that had no answer, so that a black hole shows how long it
// has been one.
func (c *Client) connection(p *pulse) model.Connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	return model.Connection{To: hostOf(c.host), Trying: p.trying, Heard: c.heard(), Err: p.err, LoggedOut: p.out}
}

// beat asks the API server for a sign of life until ctx ends. changed is called
// when the pulse changed; restart when an answer came after a loss, so that
// watches on connections that no longer lead anywhere are begun anew. doubt has
// an element when a watch could not be begun: then the next beat does not wait.
func (c *Client) beat(ctx context.Context, p *pulse, doubt <-chan struct{}, changed, restart func()) {
	failures, lost := 0, false
	for ctx.Err() == nil {
		p.begin(c.now()) // told with the next observation: each one costs the screen a look
		status, err := c.ready(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := beatEvery
		if err == nil {
			p.end("", c.loggedOut(nil, status))
			failures = 0
			if lost {
				lost = false
				restart()
			}
		} else {
			p.end(c.transportWords(err, beatLimit), c.loggedOut(err, 0))
			wait = beatAgain
			if failures++; failures >= beatsLost {
				lost = true
				// A write may still get its answer over the old connection.
				if c.writing.Load() == 0 {
					c.dialer.CloseAll()
				}
			}
		}
		changed()
		early := doubt
		if failures > 0 {
			early = nil // it is known already
		}
		select {
		case <-ctx.Done():
		case <-early:
		case <-time.After(wait):
		}
	}
}

// ready is one beat. An answer of any kind is no error, but for a redirect, which
// the API server never sends.
func (c *Client) ready(ctx context.Context) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, beatLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.host+"/readyz", nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection can be used again
	if resp.StatusCode/100 == 3 {
		return 0, fmt.Errorf("%s answers with a redirect (%s): something on the way wants a login", hostOf(c.host), resp.Status)
	}
	return resp.StatusCode, nil
}
