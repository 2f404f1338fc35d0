package kube

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSelected(t *testing.T) {
	pod := func(phase, ready, more string) string {
		return `{"metadata":{` + more + `},"status":{"phase":"` + phase + `","conditions":[{"type":"Ready","status":"` + ready + `"}]}}`
	}
	answer, status := "", http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/namespaces/production/pods" || r.URL.Query().Get("labelSelector") != "app=shop,tier!=test" {
			t.Errorf("asked for %s", r.URL)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer srv.Close()
	c := &Client{host: srv.URL, http: srv.Client(), now: time.Now, warn: func(string) {}}
	answer = `{"items":[` + strings.Join([]string{pod("Running", "True", ""), pod("Running", "False", ""), pod("Pending", "False", ""),
		pod("Running", "True", `"deletionTimestamp":"2026-11-23T03:12:00Z"`), pod("Succeeded", "False", "")}, ",") + `]}`
	if got := c.Selected(context.Background(), "production", "app=shop,tier!=test"); got.Ready != 1 || got.Total != 3 || got.Err != "" {
		t.Errorf("%+v", got)
	}
	answer = `{"metadata":{"continue":"x"},"items":[]}`
	if got := c.Selected(context.Background(), "production", "app=shop,tier!=test"); !strings.Contains(got.Err, "more than") {
		t.Errorf("%+v", got)
	}
	answer, status = `{"kind":"Status","message":"pods is forbidden","reason":"Forbidden","code":403}`, http.StatusForbidden
	if got := c.Selected(context.Background(), "production", "app=shop,tier!=test"); got.Err != "you may not list pods in production" {
		t.Errorf("%+v", got)
	}
}
