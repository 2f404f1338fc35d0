package kube

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
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

// The ends of a few logs are read, of old pods the beginnings, too, and each is bounded.
func TestPodLogsSayWhatIsNew(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		pod, head := strings.Split(r.URL.Path, "/")[6], !q.Has("tailLines")
		mu.Lock()
		asked[fmt.Sprint(pod, " head=", head, " previous=", q.Get("previous"))]++
		mu.Unlock()
		if q.Get("limitBytes") == "" || q.Get("follow") != "" || !head && q.Get("tailLines") != "200" {
			t.Errorf("%s", r.URL)
		}
		switch {
		case pod == "old-2":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","reason":"Forbidden","message":"pods \"old-2\" is forbidden","code":403}`)
		case pod == "new":
			fmt.Fprint(w, "INFO: started\nINFO: pays by invoice\nERROR: cache 7 is cold\nERROR: no url, password=hunter22\n")
		case head:
			fmt.Fprint(w, "2026-11-29T06:00:30.5Z INFO: started\n")
		default:
			fmt.Fprint(w, "ERROR: cache 1 is cold\nGET / 200\n")
		}
	})
	made := time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC)
	of := model.PodLogs{Component: "api", Namespace: "shop", New: []model.PodLog{{Pod: "new", Container: "c", Previous: true}},
		Old: []model.PodLog{{Pod: "old-1", Container: "c", Started: made}, {Pod: "old-2", Container: "c"}}}
	said := c.PodLogs(t.Context(), of)
	if len(said.Lines) != 3 || said.Lines[2].Text != "pays by invoice" || said.Lines[0].Text != "no url, password=[redacted]" || !said.Lines[0].New || said.Lines[1].Text != "cache 7 is cold" || said.Lines[1].New {
		t.Errorf("%+v", said.Lines)
	}
	if said.Pods != 1 || said.Read != 4 || said.OldPods != 1 || said.OldRead != 3 || !strings.Contains(said.Err, "forbidden") {
		t.Errorf("%+v", said)
	}
	want := map[string]int{"new head=false previous=true": 1, "old-1 head=false previous=": 1, "old-1 head=true previous=": 1, "old-2 head=false previous=": 1, "old-2 head=true previous=": 1}
	if !maps.Equal(asked, want) {
		t.Errorf("asked %v", asked)
	}
	of.Old[0].Started = made.Add(-time.Hour) // the beginning of its log has gone
	if said := c.PodLogs(t.Context(), of); len(said.Lines) != 2 {
		t.Errorf("of a log without its beginning: %+v", said.Lines)
	}
	// Who may read no log of an old pod is told of nothing new.
	of.Old = of.Old[1:]
	for _, l := range c.PodLogs(t.Context(), of).Lines {
		if l.New {
			t.Errorf("compared with nothing: %+v", l)
		}
	}
}

func TestStamped(t *testing.T) {
	stamp := time.Date(2026, 11, 29, 6, 33, 1, 500_000_000, time.UTC)
	for line, want := range map[string]struct {
		at   time.Time
		rest string
	}{
		"2026-11-29T06:33:01.5Z ERROR: no url": {stamp, "ERROR: no url"},
		"2026-11-29T06:33:01.5Z ":              {stamp, ""},
		"2026-11-29T06:33:01.5Z   at main.go":  {stamp, "  at main.go"},
		"[redacted]":                           {rest: "[redacted]"},
		"cache is warm":                        {rest: "cache is warm"},
		"2026-11-29T06:3":                      {rest: "2026-11-29T06:3"}, // the log was cut there
		"":                                     {},
	} {
		if at, rest := Stamped(line); !at.Equal(want.at) || rest != want.rest {
			t.Errorf("%q: %v, %q", line, at, rest)
		}
	}
}

// What an old pod said in a line without a time is not new: its first word counts.
func TestPodLogsKeepALineWithoutATime(t *testing.T) {
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		switch pod := strings.Split(r.URL.Path, "/")[6]; {
		case pod == "new":
			fmt.Fprint(w, "ERROR broke\n")
		case !r.URL.Query().Has("tailLines"):
			fmt.Fprint(w, "2026-11-29T06:00:30.5Z started\nERROR broke\n")
		}
	})
	made := time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC)
	said := c.PodLogs(t.Context(), model.PodLogs{Namespace: "shop", New: []model.PodLog{{Pod: "new"}}, Old: []model.PodLog{{Pod: "old", Started: made}}})
	if len(said.Lines) != 1 || said.Lines[0].New {
		t.Errorf("%+v", said)
	}
}
