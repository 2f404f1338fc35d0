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
	kind   string // Content-Type of the body
	accept string // "" = application/json
	limit  time.Duration
}

// maxAnswer is the most of an answer that is read: a namespace of a thousand
// ReplicaSets has 20 MB.
const maxAnswer = 64 << 20

// unreached is an error of the transport: no answer came.
type unreached struct {
	err  error
	text string
}

func (e *unreached) Error() string { return e.text }
func (e *unreached) Unwrap() error { return e.err }

// do sends one request. The error is the API server's *apierrors.StatusError,
// or *unreached when there was no answer.
func (c *Client) do(ctx context.Context, r call) ([]byte, error) {
	limit := r.limit
	if limit == 0 {
		limit = readLimit
	}
	ctx, cancel, limit := c.within(ctx, limit)
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
		return nil, c.unreached(ctx, err, limit)
	}
	defer resp.Body.Close()
	c.hearWarnings(resp.Header)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.unreached(ctx, err, limit)
	}
	if resp.StatusCode >= 400 {
		return nil, statusError(r, resp, body)
	}
	return body, nil
}

func (c *Client) unreached(ctx context.Context, err error, limit time.Duration) error {
	if errors.Is(err, model.ErrReadOnly) {
		return err
	}
	if ctx.Err() != nil && !errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(ctx.Err(), err)
	}
	return &unreached{err: err, text: transportWords(err, hostOf(c.host), limit)}
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
	var st metav1.Status
	if json.Unmarshal(body, &st) == nil && st.Kind == "Status" && st.Message != "" {
		if st.Code == 0 {
			st.Code = int32(resp.StatusCode)
		}
		st.Message = text.Line(st.Message)
		return &apierrors.StatusError{ErrStatus: st}
	}
	first, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	if len(first) > 200 {
		first = first[:200]
	}
	e := apierrors.NewGenericServerResponse(resp.StatusCode, r.method, schema.GroupResource{}, "", string(first), 0, true)
	e.ErrStatus.Message = text.Line(fmt.Sprintf("%s %s: %s: %s", r.method, r.path, resp.Status, first))
	return e
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
