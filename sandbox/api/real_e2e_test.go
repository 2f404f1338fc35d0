//go:build e2e

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/sandbox/store"
)

// The same requests on a real API server: what the sandbox answers is compared
// with the original, not with what somebody remembers of it.

// real is a real API server with the shop in a namespace of its own.
type real struct {
	t    *testing.T
	cfg  *rest.Config
	http *http.Client
	ns   string
}

func newReal(t *testing.T) *real {
	t.Helper()
	file := os.Getenv("ROLLBOOK_CLUSTER")
	if file == "" {
		t.Fatal("ROLLBOOK_CLUSTER is not set: make e2e starts a cluster and sets it")
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &real{t: t, cfg: cfg, http: c}
	code, body := r.do(ask{method: "POST", path: "/api/v1/namespaces", body: `{"apiVersion":"v1","kind":"Namespace","metadata":{"generateName":"sandbox-api-"}}`})
	var ns struct{ Metadata struct{ Name string } }
	if err := json.Unmarshal(body, &ns); err != nil || code != 201 {
		t.Fatalf("%d %s", code, body)
	}
	t.Cleanup(func() { r.do(ask{method: "DELETE", path: "/api/v1/namespaces/" + ns.Metadata.Name}) })
	r.ns = ns.Metadata.Name
	for _, doc := range strings.Split(shop, "---\n") {
		o := object(t, doc)
		if o.GetNamespace() != "production" || o.GetKind() == "ReplicaSet" {
			continue
		}
		for _, res := range store.Resources {
			if res.GVK() == o.GroupVersionKind() {
				raw, err := json.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				path := "/apis/" + res.GV().String()
				if res.Group == "" {
					path = "/api/v1"
				}
				if code, body := r.do(ask{method: "POST", path: path + "/namespaces/production/" + res.Plural, body: string(raw)}); code != 201 {
					t.Fatalf("%d %s", code, body)
				}
			}
		}
	}
	return r
}

// here puts the test's namespace in place of the shop's.
func (r *real) here(s string) string {
	if r.ns == "" {
		return s
	}
	return strings.NewReplacer("namespaces/production", "namespaces/"+r.ns, `"namespace":"production"`, fmt.Sprintf(`"namespace":%q`, r.ns)).Replace(s)
}

func (r *real) do(a ask) (int, []byte) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, a.method, r.cfg.Host+r.here(a.path), strings.NewReader(r.here(a.body)))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("User-Agent", "tester/1")
	if a.kind != "" {
		req.Header.Set("Content-Type", a.kind)
	}
	if a.accept != "" {
		req.Header.Set("Accept", a.accept)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, body
}

func TestRealServerRefusesAlike(t *testing.T) {
	r := newReal(t)
	for _, tc := range refusals {
		t.Run(tc.name, func(t *testing.T) {
			if why := unlike[tc.name]; why != "" {
				t.Log("differs on purpose: " + why)
				return
			}
			code, body := r.do(tc.ask)
			tc.check(t, code, body)
		})
	}
}

func TestRealServerPatchesAlike(t *testing.T) {
	r := newReal(t)
	var fresh string
	for _, doc := range strings.Split(shop, "---\n") {
		if o := object(t, doc); o.GetKind() == "Deployment" {
			raw, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			fresh = string(raw)
		}
	}
	for _, tc := range patchCases {
		t.Run(tc.name, func(t *testing.T) {
			if why := unlike[tc.name]; why != "" {
				t.Log("differs on purpose: " + why)
				return
			}
			r.do(ask{method: "DELETE", path: web, body: `{"propagationPolicy":"Background"}`})
			if code, body := r.do(ask{method: "POST", path: apps + "/deployments", body: fresh}); code != 201 {
				t.Fatalf("%d %s", code, body)
			}
			var code int
			var body []byte
			for range 5 { // its controller writes, too
				_, raw := r.do(ask{method: "GET", path: web})
				var o struct {
					Metadata struct{ ResourceVersion string }
				}
				if err := json.Unmarshal(raw, &o); err != nil {
					t.Fatal(err)
				}
				if code, body = r.do(ask{method: "PATCH", path: tc.path, kind: tc.kind, body: strings.ReplaceAll(tc.body, "RV", o.Metadata.ResourceVersion)}); code == tc.code {
					break
				}
			}
			// The words of what is read are the controllers', those of errors the server's.
			if code != tc.code || code >= 400 && !strings.Contains(string(body), tc.words) {
				t.Errorf("%d %.600s\nwant %d with %s", code, body, tc.code, tc.words)
			}
		})
	}
}

// The columns of `kubectl get` are the server's.
func TestRealServerTablesAlike(t *testing.T) {
	r := newReal(t)
	h, _ := newHandler(t)
	columnsOf := func(code int, body []byte) string {
		var table metav1.Table
		if err := json.Unmarshal(body, &table); err != nil || code != 200 {
			t.Fatalf("%d %s", code, body)
		}
		var out []string
		for _, c := range table.ColumnDefinitions {
			out = append(out, fmt.Sprintf("%s/%s/%s/%d", c.Name, c.Type, c.Format, c.Priority))
		}
		return strings.Join(out, " ")
	}
	for _, k := range kinds {
		path := "/apis/" + k.GV().String() + "/" + k.Plural
		if k.Group == "" {
			path = "/api/v1/" + k.Plural
		}
		a := ask{method: "GET", path: path + "?limit=1", accept: "application/json;as=Table;v=v1;g=meta.k8s.io"}
		w := a.do(h)
		if got, want := columnsOf(w.Code, w.Body.Bytes()), columnsOf(r.do(a)); got != want {
			t.Errorf("%s\n\t%s\n\twant %s", k.GV().WithKind(k.Kind), got, want)
		}
	}
}

// unlike are the answers that differ from a real server's, and why.
var unlike = map[string]string{
	"nowhere":                "404 page not found, as text",
	"unknown group":          "404 page not found, as text",
	"attach":                 "it is served there",
	"exec without a command": "it is told in other words there",
}
