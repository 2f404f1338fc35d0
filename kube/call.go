package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"rollbook/model"
	"rollbook/text"
)

// call is one request whose answer is wanted as it came: JSON as the API server
// wrote it. client-go's own requests decode into types, and send a request
// again when the server asks for it; a write here is sent once.
type call struct {
	method string
	path   string // /apis/apps/v1/…, without the prefix of the server's address
	query  url.Values
	body   []byte
	kind   string        // Content-Type of the body
	accept string        // "" = application/json
	want   string        // kind that the answer must be of; "" = it is not looked at
	limit  time.Duration // 0 = that of the context, readLimit without one
}

// maxAnswer is the most of an answer that is read: a namespace of a thousand
// ReplicaSets has 20 MB.
const maxAnswer = 64 << 20

// unreached says that the API server did not answer: no answer came, or it was
// somebody else's.
type unreached struct {
	err  error
	text string
}

func (e *unreached) Error() string { return e.text }
func (e *unreached) Unwrap() error { return e.err }

// do sends one request. The error is the API server's *apierrors.StatusError,
// or *unreached when there was no answer of the API server's.
func (c *Client) do(ctx context.Context, r call) ([]byte, error) {
	limit := r.limit
	if _, given := ctx.Deadline(); limit == 0 && !given {
		limit = readLimit
	}
	begun := c.now()
	ctx, cancel := c.within(ctx, limit)
	defer cancel()
	target := c.host + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	accept := r.accept
	if accept == "" {
		accept = "application/json"
	}
	req.Header.Set("Accept", accept)
	if r.kind != "" {
		req.Header.Set("Content-Type", r.kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(ctx, err, begun)
	}
	defer resp.Body.Close()
	c.hearWarnings(resp.Header)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.unreached(ctx, err, begun)
	}
	if resp.StatusCode >= 300 {
		return nil, statusError(r, resp, body)
	}
	if why := r.notAnswered(body); why != "" {
		return nil, &unreached{err: errForeign, text: fmt.Sprintf("what answers at %s is not the API server: %s %s with %s", hostOf(c.host), r.method, r.path, why)}
	}
	return body, nil
}

// errForeign is an answer that is not the API server's: a page for browsers, an
// empty object of a proxy on the way.
var errForeign = errors.New("not an answer of the API server")

// notAnswered says what an answer is that is not what was asked for; "" when it is.
func (r *call) notAnswered(body []byte) string {
	if r.want == "" {
		return ""
	}
	var o struct{ Kind string }
	switch err := json.Unmarshal(body, &o); {
	case err != nil:
		return "something that is no JSON"
	case o.Kind == "":
		return "an object without a kind"
	case o.Kind != r.want:
		return "a " + text.Line(o.Kind) + " instead of a " + r.want
	}
	return ""
}

// unreached tells what came instead of an answer, and how long it was waited for:
// the caller may have given it less time than the call has.
func (c *Client) unreached(ctx context.Context, err error, begun time.Time) error {
	if errors.Is(err, model.ErrReadOnly) {
		return err
	}
	if ctx.Err() != nil && !errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(ctx.Err(), err)
	}
	return &unreached{err: err, text: c.transportWords(err, c.now().Sub(begun).Round(100*time.Millisecond))}
}

func (c *Client) hearWarnings(h http.Header) {
	parsed, _ := utilnet.ParseWarningHeaders(h["Warning"])
	for _, w := range parsed {
		if w.Code == 299 && w.Text != "" {
			c.warn(text.Line(w.Text))
		}
	}
}

// statusError keeps the API server's own words, without what is secret in them:
// whoever wraps the error prints them. Answers of a proxy on the way, which are no
// Status, are told by their code and first line.
func statusError(r call, resp *http.Response, body []byte) error {
	wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	var st metav1.Status
	if json.Unmarshal(body, &st) == nil && st.Kind == "Status" && st.Message != "" {
		if st.Code == 0 {
			st.Code = int32(resp.StatusCode)
		}
		st.Message = text.Line(st.Message)
		if wait > 0 {
			if st.Details == nil {
				st.Details = &metav1.StatusDetails{}
			}
			st.Details.RetryAfterSeconds = int32(min(wait, 3600))
		}
		return &apierrors.StatusError{ErrStatus: st}
	}
	first, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	if len(first) > 200 {
		first = first[:200]
	}
	e := apierrors.NewGenericServerResponse(resp.StatusCode, r.method, schema.GroupResource{}, "", string(first), max(0, wait), true)
	e.ErrStatus.Message = text.Line(fmt.Sprintf("%s %s: %s: %s", r.method, r.path, resp.Status, first))
	if to, err := url.Parse(resp.Header.Get("Location")); err == nil && to.Host != "" {
		e.ErrStatus.Message = fmt.Sprintf("%s %s: %s to %s, which is not followed", r.method, r.path, resp.Status, text.Line(to.Host))
	}
	return e
}

// gone reports that the API server itself says that an object of that name is not
// there; a 404 of a proxy on the way, or of a resource that it does not have, says
// nothing of the object.
func gone(err error, name string) bool {
	var st apierrors.APIStatus
	return apierrors.IsNotFound(err) && errors.As(err, &st) && st.Status().Details != nil && st.Status().Details.Name == name
}

func hostOf(server string) string {
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		return u.Host
	}
	return server
}

// Paths of the API.

func appsPath(namespace, resource, name string) string {
	return objectPath("/apis/apps/v1", namespace, resource, name)
}

func corePath(namespace, resource, name string) string {
	return objectPath("/api/v1", namespace, resource, name)
}

func objectPath(group, namespace, resource, name string) string {
	p := group
	if namespace != "" {
		p += "/namespaces/" + url.PathEscape(namespace)
	}
	p += "/" + resource
	if name != "" {
		p += "/" + url.PathEscape(name)
	}
	return p
}
