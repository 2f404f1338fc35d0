package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"rollbook/text"
)

// The ways in which Prometheus does not answer. They are sentinels: match them
// with errors.Is. The error that wraps them is an *Error.
var (
	ErrOff           = errors.New("no Prometheus")          // Options.Off: none is asked
	ErrUnreachable   = errors.New("cannot connect")         // no connection, no endpoints, TLS, DNS
	ErrTimeout       = errors.New("no answer in time")      // of ours, or Prometheus gave up evaluating
	ErrCredentials   = errors.New("wrong credentials")      // 401, 403
	ErrNotPrometheus = errors.New("not a Prometheus API")   // 404, HTML, a redirect to elsewhere
	ErrQuery         = errors.New("query refused")          // bad PromQL, or it would load too much
	ErrServer        = errors.New("Prometheus has trouble") // 5xx
	ErrAnswer        = errors.New("answer not usable")      // too large, incomplete, of another shape
)

// Error is a failed request in the operator's words. Its text is sanitised,
// redacted and names the host, never the URL: a URL may hold a password.
type Error struct {
	Kind  error  // one of the sentinels above
	To    string // host:port, or service:monitoring/prometheus:9090
	Why   string // what happened, and what to do about it
	Query string // the PromQL, where it is what failed; "" elsewhere
	Err   error  // the cause; may be nil
}

func (e *Error) Error() string {
	s := "Prometheus at " + e.To + ": " + e.Why
	if e.Query != "" {
		s += " in " + e.Query
	}
	return s
}

// Unwrap gives the sentinel and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// hopeless says whether further queries of the same round would fail alike, so
// that they need not be sent (each would use up its own time-out).
func hopeless(err error) bool {
	for _, k := range []error{ErrUnreachable, ErrTimeout, ErrCredentials, ErrNotPrometheus, ErrServer, context.Canceled} {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// errElsewhere is what CheckRedirect stops a redirect with.
type errElsewhere struct{ host string }

func (e errElsewhere) Error() string { return "redirected to " + e.host }

// failed turns what net/http says of a request without an answer into an Error.
func (r *reader) failed(ctx context.Context, err error) error {
	var already *Error
	if errors.As(err, &already) {
		return already // without the URL that net/http put around it
	}
	e := &Error{To: r.to, Err: scrub(err)}
	var elsewhere errElsewhere
	var dns *net.DNSError
	switch {
	case errors.Is(context.Cause(ctx), errOurTimeout):
		e.Kind, e.Why = ErrTimeout, fmt.Sprintf("no answer within %s", r.timeout)
	case errors.Is(err, context.Canceled):
		e.Kind, e.Why = context.Canceled, "cancelled"
	case errors.As(err, &elsewhere):
		e.Kind, e.Why = ErrNotPrometheus, "answers with a redirect to "+text.Line(elsewhere.host)+
			", which is not followed, so that no credentials go there: give the address that it ends at"
	case isTimeout(err):
		e.Kind, e.Why = ErrTimeout, "no answer in time"
	case errors.As(err, &dns):
		e.Kind, e.Why = ErrUnreachable, "cannot connect: the name "+text.Line(dns.Name)+" is not known here"
	default:
		e.Kind, e.Why = ErrUnreachable, "cannot connect: "+r.line(bare(err))
	}
	return e
}

// bare is the innermost text of a request's error: without the method and the
// URL, which holds the whole query.
func bare(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// scrub drops the *url.Error around a cause: its text holds the URL.
func scrub(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// answered turns an answer that is not a success into an Error. body is cut.
func (r *reader) answered(resp *http.Response, body []byte, query string) error {
	e := &Error{To: r.to}
	said, kind := r.said(body)
	status := fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	because := func(s string) string {
		if said == "" {
			return s
		}
		return s + ": " + said
	}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusProxyAuthRequired:
		e.Kind, e.Why = ErrCredentials, because("wrong credentials ("+status+")")
	case kind == "timeout":
		e.Kind, e.Why, e.Query = ErrTimeout, because("it gave up on the query"), query
	case kind == "bad_data" || kind == "execution" || code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		e.Kind, e.Why, e.Query = ErrQuery, because("it refuses the query ("+status+")"), query
	case code == http.StatusTooManyRequests:
		e.Kind, e.Why = ErrServer, because("too many requests ("+status+")")
	case code/100 == 3:
		e.Kind, e.Why = ErrNotPrometheus, "answers with a redirect ("+status+"), which is not followed: give the address that it ends at"
	case code/100 == 4:
		e.Kind, e.Why = ErrNotPrometheus, because("no Prometheus API there ("+status+" at "+text.Line(resp.Request.URL.Path)+")")
	case kind == "Status" && (code == http.StatusServiceUnavailable || code == http.StatusBadGateway || code == http.StatusInternalServerError):
		// The API server's own words: no endpoints, or the pod does not answer.
		e.Kind, e.Why = ErrUnreachable, because("cannot connect through the API server")
	case code/100 == 5:
		e.Kind, e.Why = ErrServer, because("it has trouble ("+status+")")
	default:
		e.Kind, e.Why = ErrNotPrometheus, because("unexpected answer ("+status+")")
	}
	return e
}

// said is the reason that an error's body gives, and its kind: Prometheus'
// errorType, or "Status" for one of the API server's own answers.
func (r *reader) said(body []byte) (why, kind string) {
	var b struct {
		ErrorType string `json:"errorType"`
		Error     string `json:"error"`
		Kind      string `json:"kind"`
		Message   string `json:"message"`
	}
	if json.Unmarshal(body, &b) == nil {
		switch {
		case b.ErrorType != "" || b.Error != "":
			return r.line(b.Error), b.ErrorType
		case b.Kind == "Status":
			return r.line(b.Message), "Status"
		}
		return "", ""
	}
	s := strings.TrimSpace(string(body))
	if strings.HasPrefix(s, "<") { // a page for a browser says nothing in one line
		return "", ""
	}
	return r.line(s), ""
}

// line makes text from outside fit for an error: one line, safe, short.
func (r *reader) line(s string) string {
	const most = 300
	if len(s) > 4*most {
		s = strings.ToValidUTF8(s[:4*most], "")
	}
	short := []rune(r.redactor.Line(s))
	if len(short) > most {
		return string(short[:most]) + "…"
	}
	return string(short)
}
