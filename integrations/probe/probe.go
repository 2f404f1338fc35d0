// Package probe asks a component's health URL, as "curl -f URL" does, and says in
// an operator's words what came back or at which step it failed.
package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// Kind says how a probe ended. The zero value is not known.
type Kind int

const (
	Unknown        Kind = iota
	OK                  // the status that was asked for
	BadStatus           // another
	NoName              // DNS does not know the name, or does not answer
	Refused             // nothing listens there
	Unreachable         // no way there, or the connection broke off
	ConnectTimeout      // no connection in time
	AnswerTimeout       // a connection, but no whole answer in time
	TLSExpired
	TLSNotYetValid
	TLSAuthority // signed by nobody that is trusted here
	TLSHost      // for another host
	TLSHandshake // no common protocol, no TLS at all, a client certificate wanted
	Cancelled
)

// A Result is what one probe found.
type Result struct {
	At     time.Time // when it began
	Took   time.Duration
	Kind   Kind
	Status int // HTTP; 0 = there was no answer
	// State is yes only for the status that was asked for. It is unknown where
	// the fault may lie with this machine: no name, no way there, cancelled.
	State model.Tri
	Text  string // "404 in 35ms, expected 200"
	Err   error  // the cause; nil with an answer
}

// Options are what a Prober is made of.
type Options struct {
	// Now is the clock, which certificates are judged by too. Required.
	Now func() time.Time
	// TLS is for clients' certificates and further authorities; nil = the
	// system's.
	TLS *tls.Config
	// Proxy is http.Transport's; nil = by the environment, as curl does.
	Proxy func(*http.Request) (*url.URL, error)
}

// A Prober asks URLs. It is safe for concurrent use and keeps no connection, so
// that each probe tries name, connection and certificate anew.
type Prober struct {
	now  func() time.Time
	http *http.Client
}

// maxBody is how much of an answer is read: enough for a health page, and a
// stream that does not end is not waited for.
const maxBody = 64 << 10

// DefaultTimeout bounds a probe without one.
const DefaultTimeout = 5 * time.Second

// New makes a Prober.
func New(o Options) *Prober {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		conf = o.TLS.Clone()
	}
	conf.Time = o.Now
	proxy := o.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	return &Prober{now: o.Now, http: &http.Client{
		Transport: &http.Transport{
			Proxy: proxy, TLSClientConfig: conf, ForceAttemptHTTP2: true, DisableKeepAlives: true,
			MaxResponseHeaderBytes: maxBody,
		},
		// A redirect is an answer, with its status.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Probe asks h.URL once by GET. Without h.Status any status below 400 is good.
func (p *Prober) Probe(ctx context.Context, h model.Health) Result {
	if h.Timeout <= 0 {
		h.Timeout = DefaultTimeout
	}
	r := Result{At: p.now()}
	asked := ctx
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	var step atomic.Int32
	reach := func(s stage) { step.Store(int32(s)) }
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { reach(resolving) },
		ConnectStart:      func(string, string) { reach(connecting) },
		TLSHandshakeStart: func() { reach(shaking) },
		GotConn:           func(httptrace.GotConnInfo) { reach(waiting) },
	}), http.MethodGet, h.URL, nil)
	if err != nil {
		r.Err, r.Text = errors.New("not a URL"), "is not a URL"
		return r
	}
	req.Header.Set("User-Agent", "rollbook")
	resp, err := p.http.Do(req)
	if err == nil {
		defer resp.Body.Close()
		r.Status = resp.StatusCode
		reach(reading)
		_, err = io.CopyN(io.Discard, resp.Body, maxBody)
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	r.Took = p.now().Sub(r.At)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err // its text holds the URL, which is told already
		}
		r.Err = err
		if asked.Err() != nil && !errors.Is(asked.Err(), context.DeadlineExceeded) {
			r.Kind, r.Text = Cancelled, "cancelled"
			return r
		}
		p.failed(&r, req.URL.Hostname(), stage(step.Load()), h.Timeout)
		return r
	}
	answered(&r, h.Status)
	return r
}

// answered judges the status.
func answered(r *Result, expected int) {
	r.Kind, r.State, r.Text = OK, model.TriYes, fmt.Sprintf("%d in %s", r.Status, short(r.Took))
	switch {
	case expected == 0 && r.Status >= 400:
		r.Text += ", expected below 400"
	case expected != 0 && r.Status != expected:
		r.Text += fmt.Sprintf(", expected %d", expected)
	default:
		return
	}
	r.Kind, r.State = BadStatus, model.TriNo
}

// stage is how far a probe came.
type stage int32

const (
	starting stage = iota
	resolving
	connecting
	shaking
	waiting
	reading
)

// failed says what went wrong where.
func (p *Prober) failed(r *Result, host string, at stage, timeout time.Duration) {
	var dns *net.DNSError
	r.State = model.TriNo
	switch {
	case p.certificate(r, host):
	case errors.As(r.Err, &dns):
		r.Kind, r.State = NoName, model.TriUnknown
		switch {
		case dns.IsNotFound:
			r.Text = "the name " + text.Line(dns.Name) + " is not known to DNS here"
		case dns.IsTimeout:
			r.Text = "DNS did not answer for " + text.Line(dns.Name)
		default:
			r.Text = "DNS failed for " + text.Line(dns.Name) + ": " + text.Line(dns.Err)
		}
	case timedOut(r.Err) && at < waiting:
		r.Kind = ConnectTimeout
		r.Text = "no connection within " + short(timeout)
		switch at {
		case resolving:
			r.Kind, r.State, r.Text = NoName, model.TriUnknown, "DNS did not answer within "+short(timeout)
		case shaking:
			r.Text = "connected, but no TLS handshake within " + short(timeout)
		}
	case timedOut(r.Err):
		r.Kind, r.Text = AnswerTimeout, "connected, but no answer within "+short(timeout)
		if at == reading {
			r.Text = fmt.Sprintf("%d, but the answer did not end within %s", r.Status, short(timeout))
		}
	case refused(r.Err):
		r.Kind, r.Text = Refused, "connection refused: nothing listens there"
	case at == shaking:
		r.Kind, r.Text = TLSHandshake, "TLS handshake failed: "+text.Line(r.Err.Error())
	case at >= waiting:
		r.Kind, r.Text = Unreachable, "the connection broke off before the answer's end: "+text.Line(r.Err.Error())
	default:
		r.Kind, r.State, r.Text = Unreachable, model.TriUnknown, "no way there from here: "+text.Line(r.Err.Error())
	}
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// short is a duration as people say it: 35ms, 1.2s.
func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	return fmt.Sprintf("%.3gs", d.Seconds())
}
