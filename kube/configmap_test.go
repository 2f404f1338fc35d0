package kube

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// to is a client of a server that answers every request in the same way.
func to(t *testing.T, status int, body string) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/api/v1/namespaces/shop/configmaps/rollbook" {
			t.Errorf("unexpected %s %s", r.Method, r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	flags := flagsFor(t, sample)
	flags.ClusterInfo.Server = srv.URL
	c, err := Connect(flags, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfigMap(t *testing.T) {
	data, err := to(t, 200, `{"kind":"ConfigMap","data":{"rollbook.yaml":"limits: {}\n"}}`).ConfigMap(t.Context(), "rollbook")
	if err != nil || data["rollbook.yaml"] != "limits: {}\n" {
		t.Errorf("%q, %v", data, err)
	}
	for _, tc := range []struct {
		status int
		body   string
		kind   error
		words  string
	}{
		{404, `{"kind":"Status","code":404,"reason":"NotFound","message":"configmaps \"rollbook\" not found"}`, ErrNotFound, "not found"},
		{403, `{"kind":"Status","code":403,"reason":"Forbidden","message":"User \"maria\" cannot get resource \"configmaps\""}`, ErrForbidden, "forbidden: User"},
		{503, `busy`, nil, "503"},
		{200, `<html>`, nil, "cannot be read"},
	} {
		_, err := to(t, tc.status, tc.body).ConfigMap(t.Context(), "rollbook")
		if err == nil || !strings.Contains(err.Error(), tc.words) || tc.kind != nil && !errors.Is(err, tc.kind) {
			t.Errorf("%d: %v", tc.status, err)
		}
		if tc.kind == nil && (errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden)) {
			t.Errorf("%d would not be asked again: %v", tc.status, err)
		}
	}
}
