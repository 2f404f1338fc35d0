package kube

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"rollbook/model"
	"rollbook/text"
)

// guard is where requests leave. In a read-only client it is an allow-list:
// what is not known to only read does not leave. It is the innermost wrapper,
// below authentication, so that nothing above it can go around it.
type guard struct {
	next     http.RoundTripper
	host     string // of the API server: the credentials go nowhere else
	base     string // path that the server's address carries, "" or "/k8s/clusters/c-1"
	readOnly bool
	heard    func() // called with each answer
	learnt   atomic.Pointer[string]
}

// RoundTrip sends a request, or refuses it: with ErrReadOnly, or because it is for
// somebody else.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err // its time was over before it had its credentials
	}
	if sent, ok := req.Context().Value(sentKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
	if req.URL.Host != g.host {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, fmt.Errorf("nothing is sent to %s: the credentials are for %s alone", text.Line(req.URL.Host), g.host)
	}
	path := strings.TrimPrefix(req.URL.Path, g.base)
	if req.Method == http.MethodPost && subresource(path) == "proxy" {
		// Queries go by POST first and by GET when that is not allowed; through
		// the API server a POST would need the verb create on services/proxy.
		return &http.Response{
			Status: "405 Method Not Allowed", StatusCode: http.StatusMethodNotAllowed,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
			Header: http.Header{"Allow": []string{"GET, HEAD"}, "Content-Type": []string{"text/plain"}},
			Body:   io.NopCloser(bytes.NewReader([]byte("through the API server only GET is sent"))),
		}, nil
	}
	if g.readOnly {
		if why := Refused(req.Method, path, req.Header); why != "" {
			if req.Body != nil {
				req.Body.Close()
			}
			return nil, fmt.Errorf("%w: %s", model.ErrReadOnly, why)
		}
	}
	g.learn(req)
	resp, err := g.next.RoundTrip(req)
	if err == nil && g.heard != nil {
		g.heard()
	}
	return resp, err
}

// learn has the credentials of a request masked in all that is shown or kept:
// those of the kubeconfig, of a token file or of a credential program. This is the
// one place that all of them pass, also when they are renewed.
func (g *guard) learn(req *http.Request) {
	given := req.Header.Get("Authorization")
	if last := g.learnt.Swap(&given); last != nil && *last == given {
		return
	}
	if _, pass, ok := req.BasicAuth(); ok {
		text.Know(pass)
	}
	if _, credentials, ok := strings.Cut(given, " "); ok {
		text.Know(credentials)
	}
}

// WrappedRoundTripper lets apimachinery find the connections below.
func (g *guard) WrappedRoundTripper() http.RoundTripper { return g.next }

// selfReviews are the only things that a read-only client creates: questions
// about itself, which the API server answers and keeps nothing of.
var selfReviews = map[string]bool{
	"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": true,
	"/apis/authorization.k8s.io/v1/selfsubjectrulesreviews":  true,
	"/apis/authentication.k8s.io/v1/selfsubjectreviews":      true,
}

// Refused says why a read-only client does not send a request; "" when it may
// leave. The path is the API's own, decoded, without a prefix of the server's
// address.
func Refused(method, path string, header http.Header) string {
	switch method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if selfReviews[path] {
			return ""
		}
		return "POST " + path
	default:
		return method + " " + path
	}
	if header.Get("Upgrade") != "" {
		return method + " " + path + " (upgraded to a two-way stream)"
	}
	sub := subresource(path)
	if sub != "proxy" && odd(path) {
		return method + " " + path + " (not a plain path)"
	}
	switch sub {
	case "exec", "attach", "portforward":
		// A WebSocket to these starts with a GET.
		return method + " " + path
	case "proxy":
		// A node's proxy leads to the kubelet, whose exec and run need no more than a GET.
		if !strings.Contains(path, "/pods/") && !strings.Contains(path, "/services/") {
			return method + " " + path
		}
		if odd(before(path, "/proxy")) {
			return method + " " + path + " (not a plain path)"
		}
	}
	return ""
}

// odd says whether a path has segments that a server could read in another way.
func odd(path string) bool {
	for s := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if s == "." || s == ".." || (s == "" && len(path) > 1) {
			return true
		}
	}
	return false
}

func before(s, sep string) string {
	head, _, _ := strings.Cut(s, sep)
	return head
}

// subresource is the part of an API path after an object's name:
// /api/v1/namespaces/N/pods/P/exec has exec. "" when there is none.
func subresource(path string) string {
	var seg []string
	for s := range strings.SplitSeq(path, "/") {
		if s != "" && s != "." {
			seg = append(seg, strings.ToLower(s))
		}
	}
	switch {
	case len(seg) > 2 && seg[0] == "api":
		seg = seg[2:]
	case len(seg) > 3 && seg[0] == "apis":
		seg = seg[3:]
	default:
		return ""
	}
	if len(seg) > 2 && seg[0] == "watch" {
		seg = seg[1:]
	}
	if len(seg) > 3 && seg[0] == "namespaces" {
		if sub := seg[2:]; len(sub) > 2 {
			return sub[2]
		}
		return ""
	}
	if len(seg) > 2 {
		return seg[2]
	}
	return ""
}
