package api

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// Whatever is sent, the answer is no panic, an error is a Status with the code
// of the answer, and the next one is served.
func FuzzGarbage(f *testing.F) {
	for _, s := range []ask{
		{"GET", prod + "/pods?limit=1", "", "", ""},
		{"GET", prod + "/pods?watch=1&timeoutSeconds=1", "", "", "application/vnd.kubernetes.protobuf"},
		{"GET", prod + "/pods?continue=eyJydiI6MSwic3RhcnQiOiJhIn0", "", "", "application/json;as=Table;v=v1;g=meta.k8s.io"},
		{"GET", prod + "/pods?labelSelector=%00&fieldSelector=,,=", "", "", "*/*"},
		{"GET", prod + "/pods/web-2-a/log?tailLines=99999999999999999999", "", "", ""},
		{"GET", "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/%2e%2e/x", "", "", ""},
		{"GET", "/apis/apps/v1/namespaces//deployments/", "", "", ""},
		{"POST", prod + "/pods", "application/json", newPod, ""},
		{"POST", prod + "/pods", "application/yaml", "a: &a [*a]", ""},
		{"POST", prod + "/pods", "application/vnd.kubernetes.protobuf", "k8s\x00\x0a\x0f", ""},
		{"POST", prod + "/configmaps", "application/json", `{"metadata":null}`, ""},
		{"POST", prod + "/configmaps", "application/json", `{"metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:":1}}]}}`, ""},
		{"POST", "/api/v1/namespaces", "application/json", `{"metadata":{"generateName":"n"}}`, ""},
		{"POST", "/apis/events.k8s.io/v1/namespaces/production/events", "application/json", `{"metadata":{"name":"e"},"regarding":{"namespace":"x"}}`, ""},
		{"PUT", web, "application/json", `{"spec":null}`, "application/yaml"},
		{"PUT", web + "/scale", "application/json", `{"spec":{"replicas":1e9}}`, ""},
		{"PATCH", web, jsonPatch, `[{"op":"copy","from":"","path":"/spec/template"},{"op":"move","from":"/metadata","path":"/a"}]`, ""},
		{"PATCH", web, jsonPatch, `[{"op":"remove","path":"/metadata"}]`, ""},
		{"PATCH", web, jsonPatch, `[{"op":"add","path":"/spec/template/spec/containers/-1","value":null}]`, ""},
		{"PATCH", web, mergePatch, `{"metadata":"x","kind":7}`, ""},
		{"PATCH", web, strategicPatch, `{"spec":{"template":{"spec":{"containers":[{"$patch":"delete"}]}}},"$setElementOrder/x":1}`, ""},
		{"PATCH", web + "?fieldManager=m", applyPatch, "kind: Deployment\napiVersion: apps/v1\nmetadata: 7", ""},
		{"PATCH", web + "?fieldManager=m&force=1", applyPatch, "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: a}, {name: a}]}}}", ""},
		{"DELETE", prod + "/pods", "application/json", `{"gracePeriodSeconds":-1,"propagationPolicy":"x"}`, ""},
		{"DELETE", "/api/v1/namespaces/production", "", "", ""},
		{"OPTIONS", "*", "", "", ""},
		{"GET", "/openapi/v3/apis/apps/v1", "", "", ""},
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "application/json", `{"spec":[]}`, "a/b"},
	} {
		f.Add(s.method, s.path, s.kind, s.accept, []byte(s.body))
	}
	f.Fuzz(func(t *testing.T, method, target, kind, accept string, body []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil || method == "" || strings.ContainsAny(method, " \r\n\t") || method == http.MethodConnect {
			t.Skip("no HTTP server would read that")
		}
		synctest.Test(t, func(t *testing.T) { fuzzed(t, method, target, kind, accept, u, body) })
	})
}

// fuzzed asks in a bubble, where a watch ends when nothing else happens, however slow
// the machine is.
func fuzzed(t *testing.T, method, target, kind, accept string, u *url.URL, body []byte) {
	h, _ := newHandler(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // for watches
	defer cancel()
	r := (&http.Request{Method: method, URL: u, RequestURI: target, Host: "sandbox", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, ContentLength: int64(len(body))}).WithContext(ctx)
	r.Body = readCloser{bytes.NewReader(body)}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= http.StatusBadRequest && !strings.Contains(u.Path, "/proxy/") {
		checkStatus(t, w)
	}
	// An undeclared field in an apply is an internal error for the API server too.
	if w.Code == http.StatusInternalServerError && !strings.Contains(w.Body.String(), "failed to create typed patch object") {
		t.Errorf("an error of ours: %s", w.Body)
	}
	if w := (ask{method: "GET", path: "/version"}).do(h); w.Code != 200 {
		t.Errorf("then it was dead: %d", w.Code)
	}
	if w := (ask{method: "GET", path: "/api/v1/pods"}).do(h); w.Code != 200 {
		t.Errorf("then pods could not be listed: %d %s", w.Code, w.Body)
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func checkStatus(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	o, _, err := scheme.Codecs.UniversalDeserializer().Decode(w.Body.Bytes(), nil, nil)
	if err != nil {
		t.Fatalf("%d without a Status: %v: %q", w.Code, err, w.Body)
	}
	st, ok := o.(*metav1.Status)
	if !ok || int(st.Code) != w.Code || st.Status != metav1.StatusFailure || st.Message == "" {
		t.Errorf("%d with %v", w.Code, o)
	}
}
