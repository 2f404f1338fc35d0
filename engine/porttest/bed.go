package porttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// Content types of patches.
const (
	merge     = "application/merge-patch+json"
	strategic = "application/strategic-merge-patch+json"
)

// someone is who changes things beside rollbook.
const someone = "someone"

// ask sends a request as one who may do everything and decodes the answer.
func (b *Bed) ask(t *testing.T, method, path, kind, body string, into any) {
	t.Helper()
	raw, err := b.try(t, method, path, kind, body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		decode(t, raw, into)
	}
}

func decode(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
}

func (b *Bed) try(t *testing.T, method, path, kind, body string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.Server+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := (&http.Client{Transport: b.Transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, raw)
	}
	return raw, err
}

// deployment is as much of one as the tests look at.
type deployment struct {
	Metadata struct {
		UID, ResourceVersion string
		Generation           int64
		Annotations, Labels  map[string]string
		ManagedFields        []struct{ Manager string }
	}
	Spec struct {
		Replicas int
		Paused   bool
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Containers []struct{ Name, Image string }
			}
		}
	}
	Status struct{ ObservedGeneration int64 }
}

func (d *deployment) image() string { return d.Spec.Template.Spec.Containers[0].Image }

func (b *Bed) deployment(t *testing.T, ns, name string) *deployment {
	t.Helper()
	d := &deployment{}
	b.ask(t, http.MethodGet, path(ns, "deployments", name), "", "", d)
	return d
}

func path(ns, resource, name string) string {
	p := "/apis/apps/v1/namespaces/" + ns + "/" + resource
	if name != "" {
		p += "/" + name
	}
	return p
}

// patch changes a Deployment as someone else.
func (b *Bed) patch(t *testing.T, ns, name, kind, body string) {
	t.Helper()
	b.ask(t, http.MethodPatch, path(ns, "deployments", name)+"?fieldManager="+someone, kind, body, nil)
}

// namespace makes an empty one for this test.
func (b *Bed) namespace(t *testing.T) string {
	t.Helper()
	var o struct{ Metadata struct{ Name string } }
	b.ask(t, http.MethodPost, "/api/v1/namespaces", "application/json", `{"apiVersion":"v1","kind":"Namespace","metadata":{"generateName":"contract-"}}`, &o)
	ns := o.Metadata.Name
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if req, err := http.NewRequestWithContext(ctx, http.MethodDelete, b.Server+"/api/v1/namespaces/"+ns, nil); err == nil {
			if resp, err := (&http.Client{Transport: b.Transport}).Do(req); err == nil {
				resp.Body.Close()
			}
		}
	})
	return ns
}

const api = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api","annotations":{"kubernetes.io/change-cause":"first","team/of-old":"yes"}},
 "spec":{"replicas":2,"selector":{"matchLabels":{"app":"api"}},"template":{"metadata":{"labels":{"app":"api"}},
 "spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"api","image":"contract/api:1","env":[{"name":"MODE","value":"a"}]}]}}}}`

// released makes a namespace with the Deployment api, whose images 1, 2 …
// were released one after the other, each with its number as change-cause.
func (b *Bed) released(t *testing.T, images int) (ns string) {
	t.Helper()
	ns = b.namespace(t)
	b.ask(t, http.MethodPost, path(ns, "deployments", "")+"?fieldManager="+someone, "application/json", api, nil)
	b.taken(t, ns, "api")
	for i := 2; i <= images; i++ {
		b.patch(t, ns, "api", strategic, fmt.Sprintf(
			`{"metadata":{"annotations":{"kubernetes.io/change-cause":"image %[1]d","team/of-old":null,"team/new":"%[1]d"}},"spec":{"template":{"spec":{"containers":[{"name":"api","image":"contract/api:%[1]d"}]}}}}`, i))
		b.taken(t, ns, "api")
	}
	return ns
}

// taken waits until the controller has taken up the template: the newest
// ReplicaSet has the Deployment's revision.
func (b *Bed) taken(t *testing.T, ns, name string) {
	t.Helper()
	eventually(t, 30*time.Second, "the controller takes up "+ns+"/"+name, func() string {
		d := b.deployment(t, ns, name)
		if d.Status.ObservedGeneration != d.Metadata.Generation {
			return fmt.Sprintf("generation %d, observed %d", d.Metadata.Generation, d.Status.ObservedGeneration)
		}
		for _, rs := range b.sets(t, ns, name) {
			if r := rs.revision(); r != "" && r == d.Metadata.Annotations["deployment.kubernetes.io/revision"] && rs.image() == d.image() {
				return ""
			}
		}
		return "no ReplicaSet has its revision"
	})
}

// set is as much of a ReplicaSet as the tests look at.
type set struct {
	Metadata struct {
		Name, UID   string
		Annotations map[string]string
	}
	Spec struct {
		Replicas int
		Template struct {
			Spec struct {
				Containers []struct{ Image string }
			}
		}
	}
}

func (s *set) revision() string { return s.Metadata.Annotations["deployment.kubernetes.io/revision"] }
func (s *set) image() string    { return s.Spec.Template.Spec.Containers[0].Image }

// sets are the ReplicaSets of an app.
func (b *Bed) sets(t *testing.T, ns, app string) []*set {
	t.Helper()
	var list struct{ Items []*set }
	b.ask(t, http.MethodGet, path(ns, "replicasets", "")+"?labelSelector="+url.QueryEscape("app="+app), "", "", &list)
	return list.Items
}

func (b *Bed) setOf(t *testing.T, ns, app, revision string) *set {
	t.Helper()
	for _, s := range b.sets(t, ns, app) {
		if s.revision() == revision {
			return s
		}
	}
	t.Fatalf("no ReplicaSet of %s/%s has revision %s", ns, app, revision)
	return nil
}

func workload(ns, name string) model.Workload {
	return model.Workload{Kind: model.Deployment, Namespace: ns, Name: name}
}

func target(ns, name string) model.Target {
	return model.Target{ID: name, Workload: workload(ns, name)}
}

// eventually waits until ok says nothing more is missing.
func eventually(t *testing.T, within time.Duration, what string, ok func() (missing string)) {
	t.Helper()
	why := ""
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if why = ok(); why == "" {
			return
		}
	}
	t.Fatalf("not within %s: %s: %s", within, what, why)
}

// through connects by way of a server of the test's, which hands on to the API
// server what it does not answer itself.
func (b *Bed) through(t *testing.T, ns string, handle func(w http.ResponseWriter, r *http.Request, next http.Handler)) Client {
	t.Helper()
	via := b.proxy(t, handle)
	return b.Connect(t, ns, &via)
}

// proxy starts such a server.
func (b *Bed) proxy(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, next http.Handler)) Via {
	t.Helper()
	to, err := url.Parse(b.Server)
	if err != nil {
		t.Fatal(err)
	}
	next := &httputil.ReverseProxy{Transport: b.Transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Authorization") // the transport has its own
			r.Out.Header.Del("Accept-Encoding")
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
	via := b.Listen(t)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, next) })}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(via.Listener) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return via
}

// bodyOf reads a request's body and leaves it to be read again.
func bodyOf(t *testing.T, r *http.Request) []byte {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return raw
}

// limited is a context of a test's for calls that must not take long.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
