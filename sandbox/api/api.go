// Package api serves a store as the Kubernetes API does over HTTP, as far as
// rollbook and kubectl use it in the walk: discovery, reading and watching,
// every kind of write and patch with its preconditions and errors, logs, access
// reviews, tables for `kubectl get`, and the service proxy to Prometheus.
// Whoever has the token may do everything that Options.May allows.
package api

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/sandbox/store"
)

// Options are what the handler is made of.
type Options struct {
	Store      *store.Store
	Logs       Logs
	Exec       Exec             // nil = no container has any command
	Prometheus http.Handler     // the service monitoring/prometheus; nil = nobody answers there
	Token      string           // "" = everybody
	User       string           // who has the token
	Now        func() time.Time // for ages; nil = time.Now

	// May reports whether the user may do something: a verb, such as patch, with a
	// resource, such as deployments or pods/exec; nil = everything.
	May func(verb, resource string) bool
}

type server struct {
	Options
	discovery *discovery
}

// Handler serves the API. It starts no goroutine; watches and followed logs end
// with their request.
func Handler(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.User == "" {
		o.User = "you"
	}
	if o.May == nil {
		o.May = func(string, string) bool { return true }
	}
	return &server{Options: o, discovery: discover()}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{server: s, w: w, r: r}
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it too
				panic(p)
			}
			c.fail(apierrors.NewInternalError(panicked(p)))
		}
	}()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache, private")
	if !s.knows(r.Header.Get("Authorization")) {
		c.fail(apierrors.NewUnauthorized("Unauthorized"))
		return
	}
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

func (s *server) knows(auth string) bool {
	if s.Token == "" {
		return true
	}
	kind, token, _ := strings.Cut(auth, " ")
	return strings.EqualFold(kind, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(s.Token)) == 1
}

// call is one request on its way.
type call struct {
	*server
	w       http.ResponseWriter
	r       *http.Request
	kind    *kind
	ns      string
	name    string
	sub     string
	rest    string // behind proxy
	out     media
	stream  bool // the answer has begun: an error can no longer be told
	warning []string
}

func (c *call) serve() error {
	switch path := c.r.URL.Path; {
	case strings.HasPrefix(path, "/api/") && path != "/api/", strings.HasPrefix(path, "/apis/") && path != "/apis/":
		return c.serveGroup()
	default:
		return c.serveOther(strings.TrimSuffix(path, "/"))
	}
}

// notServed is the answer to a path that leads nowhere.
func notServed() error {
	return apierrors.NewGenericServerResponse(http.StatusNotFound, "", noResource, "", "", 0, false)
}

func notAllowed() error {
	return apierrors.NewGenericServerResponse(http.StatusMethodNotAllowed, "", noResource, "", "", 0, false)
}

// fail answers with the Status of an error.
func (c *call) fail(err error) {
	if c.stream {
		panic(http.ErrAbortHandler) // cut off, so that the client does not take the half for the whole
	}
	st := statusOf(err)
	c.w.Header().Set("Cache-Control", "no-cache, private")
	if st.Details != nil && st.Details.RetryAfterSeconds > 0 {
		c.w.Header().Set("Retry-After", "1")
	}
	out := media{codec: jsonMedia()}
	if m, err := negotiate(c.r.Header.Get("Accept"), func(string) bool { return false }); err == nil {
		out = m
	}
	c.write(int(st.Code), out, st)
}

func statusOf(err error) *metav1.Status {
	st := apierrors.NewInternalError(err).ErrStatus
	if api := apierrors.APIStatus(nil); asStatus(err, &api) {
		st = api.Status()
	}
	if st.Code < 400 {
		st.Code = http.StatusInternalServerError
	}
	st.Status = metav1.StatusFailure
	st.SetGroupVersionKind(metav1.Unversioned.WithKind("Status"))
	return &st
}
