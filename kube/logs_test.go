package kube

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/sandbox"
)

func TestLogsAreBoundedAndClean(t *testing.T) {
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/api/v1/namespaces/shop/pods/p/log" || q.Get("tailLines") != "7" || q.Get("container") != "c" || q.Get("previous") != "true" {
			t.Errorf("%s", r.URL)
		}
		fmt.Fprint(w, "plain\n\x1b[31mred\x1b[0m password=hunter22\r\n", strings.Repeat("x", 100_000), "\nlast")
	})
	var lines []string
	for l, err := range c.Logs(t.Context(), "shop", "p", LogOptions{Container: "c", Previous: true, Tail: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	if len(lines) != 4 || lines[0] != "plain" || lines[3] != "last" {
		t.Fatalf("%d lines: %.80q", len(lines), lines)
	}
	if strings.Contains(lines[1], "\x1b") || strings.Contains(lines[1], "hunter22") || !strings.HasPrefix(lines[1], "red") {
		t.Errorf("%q", lines[1])
	}
	if len(lines[2]) > logLine+20 || !strings.HasSuffix(lines[2], "(cut)") {
		t.Errorf("a line of %d bytes", len(lines[2]))
	}
}

func TestAFollowedLogOutlivesTheRequestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := sandbox.NewPipe()
		srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "one")
			w.(http.Flusher).Flush()
			time.Sleep(300 * time.Millisecond)
			fmt.Fprintln(w, "two")
		})}
		go func() { _ = srv.Serve(pipe) }()
		c := connectTo(t, "http://cluster.invalid", Options{Dial: pipe.Dial})
		c.limit = 100 * time.Millisecond
		var lines []string
		for l, err := range c.Logs(t.Context(), "shop", "p", LogOptions{Follow: true}) {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, l)
		}
		if len(lines) != 2 {
			t.Errorf("%q", lines)
		}
		c.HTTPClient().CloseIdleConnections()
		_ = srv.Close()
		time.Sleep(time.Minute) // timers of connections
	})
}

func TestLogErrorsKeepTheServersWords(t *testing.T) {
	c := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"kind":"Status","message":"previous terminated container \"c\" in pod \"p\" not found","code":400,"reason":"BadRequest"}`)
	})
	for _, err := range c.Logs(t.Context(), "shop", "p", LogOptions{Previous: true}) {
		if err == nil || !strings.Contains(err.Error(), `previous terminated container "c" in pod "p" not found`) {
			t.Errorf("%v", err)
		}
	}
}

func TestFindPrometheus(t *testing.T) {
	svc := func(ns, name, labels, ports string) string {
		return fmt.Sprintf(`{"metadata":{"namespace":%q,"name":%q,"labels":{%s}},"spec":{"ports":[%s]}}`, ns, name, labels, ports)
	}
	web := `{"name":"http-web","port":9090}`
	for _, tt := range []struct {
		name string
		in   map[string]string // by path
		want string
	}{
		{"stack", map[string]string{"/api/v1/namespaces/monitoring/services": svc("monitoring", "prometheus-operated", "", web) + "," + svc("monitoring", "kube-prometheus-stack-prometheus", "", web)}, "service:monitoring/kube-prometheus-stack-prometheus:9090"},
		{"community chart", map[string]string{"/api/v1/namespaces/monitoring/services": svc("monitoring", "prometheus-server", "", `{"name":"http","port":80}`)}, "service:monitoring/prometheus-server:80"},
		{"by label, anywhere", map[string]string{"/api/v1/services": svc("obs", "metrics", `"app.kubernetes.io/name":"prometheus"`, `{"name":"reloader","port":8080},`+web)}, "service:obs/metrics:9090"},
		{"tls", map[string]string{"/api/v1/services": svc("openshift", "prometheus-k8s", "", `{"name":"https-web","port":9091}`)}, "service:openshift/https:prometheus-k8s:9091"},
		{"none", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				asked++
				fmt.Fprintf(w, `{"items":[%s]}`, tt.in[r.URL.Path])
			})
			got, err := c.FindPrometheus(t.Context())
			if got != tt.want || (err == nil) != (tt.want != "") || asked > 3 {
				t.Errorf("%q %v after %d requests", got, err, asked)
			}
			if err != nil && (!strings.Contains(err.Error(), "prometheus-operated") || !strings.Contains(err.Error(), "all namespaces: none")) {
				t.Errorf("%v", err)
			}
		})
	}
}
