package kube

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

func TestReadOnlyAllowList(t *testing.T) {
	const dep = "/apis/apps/v1/namespaces/prod/deployments/api"
	for _, tt := range []struct {
		method, path string
		header       string // "Name: value"
		leaves       bool
	}{
		{"GET", "/readyz", "", true},
		{"GET", "/version", "", true},
		{"GET", dep, "", true},
		{"HEAD", dep, "", true},
		{"GET", dep + "/scale", "", true},
		{"GET", "/apis/apps/v1/deployments", "", true},
		{"GET", "/api/v1/namespaces/prod/pods/p/log", "", true},
		{"GET", "/api/v1/namespaces/prod/pods/exec", "", true}, // a pod of that name
		{"GET", "/api/v1/namespaces/prod/pods/exec/log", "", true},
		{"GET", "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query", "", true},
		{"GET", "/api/v1/namespaces/monitoring/services/https:prometheus:web/proxy/api/v1/query", "", true},
		{"GET", "/api/v1/namespaces/prod/pods/p:8080/proxy/metrics", "", true},
		{"GET", "/api/v1/namespaces/prod/services/s/proxy/a//b", "", true}, // the service's own path
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "", true},
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "", true},
		{"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "", true},

		{"PATCH", dep, "", false},
		{"PUT", dep, "", false},
		{"DELETE", dep, "", false},
		{"DELETE", "/api/v1/namespaces/prod/pods", "", false},
		{"OPTIONS", dep, "", false},
		{"CONNECT", dep, "", false},
		{"TRACE", dep, "", false},
		{"get", dep, "", false},
		{"", dep, "", false},
		{"POST", "/apis/apps/v1/namespaces/prod/deployments", "", false},
		{"POST", "/api/v1/namespaces/prod/events", "", false},
		{"POST", "/api/v1/namespaces/prod/pods/p/eviction", "", false},
		{"POST", "/api/v1/namespaces/prod/pods/p/exec", "", false},
		{"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", "", false},
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/", "", false},
		{"POST", "/apis/authorization.k8s.io/v1/namespaces/prod/localsubjectaccessreviews", "", false},
		{"POST", "/x/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "", false},
		{"GET", "/api/v1/namespaces/prod/pods/p/exec", "", false},
		{"HEAD", "/api/v1/namespaces/prod/pods/p/exec", "", false},
		{"GET", "/api/v1/namespaces/prod/pods/p/EXEC", "", false},
		{"GET", "/api/v1/namespaces/prod/pods/p/attach", "", false},
		{"GET", "/api/v1/namespaces/prod/pods/p/portforward", "", false},
		{"GET", "/api/v1/namespaces/prod/pods/p/exec/", "", false},
		{"GET", "/api/v1//namespaces/prod/pods/p/exec", "", false},
		{"GET", "/api/v1/namespaces/prod/pods/x/../p/exec", "", false},
		{"GET", "/api/v1/./namespaces/prod/pods/p/exec", "", false},
		{"GET", "/api/v1/watch/namespaces/prod/pods/p/exec", "", false},
		{"GET", "/api/v1/nodes/n/proxy/exec/prod/p/c", "", false},
		{"GET", "/api/v1/nodes/n/proxy/metrics", "", false},
		{"GET", dep, "Upgrade: websocket", false},
		{"GET", "/api/v1/namespaces/prod/services/s/proxy/ws", "Upgrade: websocket", false},
	} {
		h := http.Header{}
		if name, value, ok := strings.Cut(tt.header, ": "); ok {
			h.Set(name, value)
		}
		if why := Refused(tt.method, tt.path, h); (why == "") != tt.leaves {
			t.Errorf("%s %s (%s): refused %q, want leaves %v", tt.method, tt.path, tt.header, why, tt.leaves)
		}
	}
}

// FuzzReadOnly holds the list against a second, cruder reading of it: whatever
// leaves is a GET or HEAD that does not end in a subresource that acts, or one
// of the three reviews.
func FuzzReadOnly(f *testing.F) {
	f.Add("GET", "/api/v1/namespaces/prod/pods/p/exec")
	f.Add("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
	f.Add("GET", "/api/v1/namespaces/a/services/b/proxy/c")
	f.Add("GET", "/api/v1/nodes/n/proxy/run/x")
	f.Fuzz(func(t *testing.T, method, path string) {
		if Refused(method, path, http.Header{}) != "" {
			return
		}
		switch method {
		case "GET", "HEAD":
		case "POST":
			if !selfReviews[path] {
				t.Fatalf("POST %q leaves", path)
			}
			return
		default:
			t.Fatalf("%s %q leaves", method, path)
		}
		// As the API server reads it: api/VERSION or apis/GROUP/VERSION, then
		// namespaces/N, then resource, name, subresource.
		seg := strings.Split(strings.Trim(path, "/"), "/")
		skip := map[string]int{"api": 2, "apis": 3}[seg[0]]
		if skip == 0 || len(seg) <= skip {
			return
		}
		seg = seg[skip:]
		if len(seg) > 1 && seg[0] == "namespaces" && len(seg) > 2 {
			seg = seg[2:]
		}
		if len(seg) > 2 && (seg[2] == "exec" || seg[2] == "attach" || seg[2] == "portforward" || (seg[2] == "proxy" && seg[0] == "nodes")) {
			t.Fatalf("%s %q leaves", method, path)
		}
	})
}

// serve connects a client to a handler of the test's.
func serve(t testing.TB, opt Options, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return connectTo(t, srv.URL, opt)
}

func connectTo(t testing.TB, server string, opt Options) *Client {
	t.Helper()
	t.Setenv("KUBECONFIG", "/dev/null")
	flags := &Flags{}
	flags.ClusterInfo.Server = server
	opt.Now = time.Now
	c, err := Connect(flags, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReadOnlyStandsWhereRequestsLeave(t *testing.T) {
	c := serve(t, Options{ReadOnly: true}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s left", r.Method, r.URL)
		}
		w.Write([]byte("{}"))
	})
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		req, _ := http.NewRequest(method, c.Server()+"/api/v1/namespaces/x/pods", strings.NewReader("{}"))
		resp, err := c.HTTPClient().Do(req)
		if err == nil {
			resp.Body.Close()
		}
		if (method == "GET") != (err == nil) || (err != nil && !errors.Is(err, model.ErrReadOnly)) {
			t.Errorf("%s: %v", method, err)
		}
	}
	err := c.core.Delete().Namespace("x").Resource("pods").Name("p").Body(&deleteOptions).Do(t.Context()).Error()
	if !errors.Is(err, model.ErrReadOnly) {
		t.Errorf("a client of client-go: %v", err)
	}
}

func TestPostToAProxyIsAnswered405(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		c := serve(t, Options{ReadOnly: readOnly}, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				t.Errorf("a POST left: %s", r.URL)
			}
			io.WriteString(w, "[]")
		})
		base, err := c.ServiceProxyURL("service:monitoring/prometheus:9090")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.HTTPClient().Post(base+"/api/v1/query", "application/x-www-form-urlencoded", strings.NewReader("query=up"))
		if err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
			t.Fatalf("%v %v", resp, err)
		}
		resp.Body.Close()
		if resp, err = c.HTTPClient().Get(base + "/api/v1/query?query=up"); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v %v", resp, err)
		}
		resp.Body.Close()
	}
}

func TestServersPathPrefixDoesNotHideAWrite(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it left") }))
	t.Cleanup(srv.Close)
	c := connectTo(t, srv.URL+"/k8s/clusters/c-1", Options{ReadOnly: true})
	for _, path := range []string{"/api/v1/namespaces/x/pods/p/exec", "/api/v1/nodes/n/proxy/run"} {
		if _, err := c.HTTPClient().Get(c.Server() + path); !errors.Is(err, model.ErrReadOnly) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestServiceProxyURL(t *testing.T) {
	c := connectTo(t, "https://k.example:6443/p", Options{})
	for in, want := range map[string]string{
		"service:monitoring/prometheus:9090":       "https://k.example:6443/p/api/v1/namespaces/monitoring/services/prometheus:9090/proxy",
		"service:monitoring/prometheus:web":        "https://k.example:6443/p/api/v1/namespaces/monitoring/services/prometheus:web/proxy",
		"service:monitoring/https:prometheus:9090": "https://k.example:6443/p/api/v1/namespaces/monitoring/services/https:prometheus:9090/proxy",
		"service:monitoring/prometheus":            "https://k.example:6443/p/api/v1/namespaces/monitoring/services/prometheus/proxy",
		"http://x":                                 "",
		"service:prometheus:9090":                  "",
		"service:a/b/c":                            "",
		"service:a/../b:1":                         "",
		"service:a/b:1?x":                          "",
		"service:/b:1":                             "",
		"service:a/ftp:b:1":                        "",
		"service:a/b:":                             "",
	} {
		got, err := c.ServiceProxyURL(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q %v", in, got, err)
		}
	}
}
