package cli

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollbook/config"
	"rollbook/integrations/sendtest"
	"rollbook/model"
)

// around is a configuration of everything that can be notified and asked, at one
// server.
func around(t *testing.T, base string) *config.Config {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(sendtest.Canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_HOOK", base+"/hooks/"+sendtest.Canary)
	t.Setenv("TEST_TOKEN", sendtest.Canary)
	t.Setenv("TEST_UNSET", "")
	cfg, err := config.Load(config.Source{Kind: config.User, Name: "test", Data: fmt.Appendf(nil, `
components:
  - name: frontend
    workload: deploy/frontend
    checks: {health: [{url: "%[1]s/health", expect: 200}, "%[1]s/broken"]}
notifications:
  slack: {incidents: {url_env: TEST_HOOK}, unset: {url_env: TEST_UNSET}}
  teams: {operations: {url_env: TEST_HOOK}}
  statuspage: {public: {page: kctbh9vrtdwd, url: %[1]s, token_file: %[2]s}}
  webhook: {chat: {url_env: TEST_HOOK, token_env: TEST_TOKEN}, broken: {url_env: TEST_HOOK, body: "{{.No}}"}}
  gitlab: {follow-up: {project: shop/shop, url: %[1]s, token_env: TEST_TOKEN}}
contacts:
  on_call:
    grafana: {url: %[1]s, schedule: shop, token_env: TEST_TOKEN}
    pagerduty: {url: %[1]s, schedule_ids: [P1], token_env: TEST_TOKEN}
  lead:
    pagerduty: {schedule_ids: [P1], token_env: TEST_UNSET}
`, base, token)})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// answers is the server for around, by GET only unless posts is set.
func answers(t *testing.T, posts bool) string {
	t.Helper()
	srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && !posts {
			t.Errorf("%s %s leaves", r.Method, r.URL)
		}
		switch p := r.URL.EscapedPath(); {
		case r.Method == http.MethodPost && strings.HasSuffix(p, "/issues"):
			_, _ = io.WriteString(w, `{"iid":14}`)
		case r.Method == http.MethodPost && strings.HasSuffix(p, "/incidents"):
			_, _ = io.WriteString(w, `{"id":"p31zjtct2jer"}`)
		case r.Method == http.MethodPost:
			_, _ = io.WriteString(w, "ok")
		case p == "/health":
		case p == "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case p == "/v1/pages/kctbh9vrtdwd":
			_, _ = io.WriteString(w, `{"id":"kctbh9vrtdwd","name":"Shop status"}`)
		case p == "/api/v4/projects/shop%2Fshop":
			w.WriteHeader(http.StatusUnauthorized)
		case p == "/api/v1/schedules/":
			_, _ = io.WriteString(w, `{"results":[{"id":"S1","name":"shop","on_call_now":["U1"]}]}`)
		case p == "/api/v1/schedules/S1/final_shifts":
			_, _ = io.WriteString(w, `{"results":[]}`)
		case p == "/oncalls":
			_, _ = io.WriteString(w, `{"oncalls":[]}`)
		default:
			t.Errorf("unexpected: %s %s", r.Method, r.URL)
		}
	})
	return srv.URL
}

func TestSenders(t *testing.T) {
	all := senders(around(t, answers(t, true)), false)
	usable := []string{"gitlab/follow-up", "slack/incidents", "statuspage/public", "teams/operations", "webhook/chat"}
	for name, s := range all {
		m := model.Message{Kind: model.MessageStarted, Incident: "i", Title: "Errors", Text: "Rolled back."}
		_, err := s.Send(t.Context(), m)
		sendtest.Keeps(t, fmt.Sprint(err), s.Preview(m), s.String(), fmt.Sprintf("%v %+v", s, s))
		if slices.Contains(usable, name) {
			if err != nil || !strings.HasPrefix(s.String(), name+" at 127.0.0.1:") || !strings.Contains(s.Preview(m), "Rolled back.") {
				t.Errorf("%s: %v, %v", s, err, s.Preview(m))
			}
			continue
		}
		var e *model.SendError
		if !errors.As(err, &e) || !e.Certain || !strings.HasPrefix(s.Preview(m), "cannot be sent: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(all) != len(usable)+2 {
		t.Errorf("%d senders", len(all))
	}
}

// Under --read-only nothing leaves, and each sender says so.
func TestReadOnlySendsNothing(t *testing.T) {
	for name, s := range senders(around(t, answers(t, false)), true) {
		_, err := s.Send(t.Context(), model.Message{Kind: model.MessageStarted, Incident: "i", Title: "Errors", Text: "x", Report: "# x"})
		var e *model.SendError
		if !errors.As(err, &e) || !e.Certain {
			t.Errorf("%s: %v", name, err)
		}
		if _, cannot := s.(unusable); !cannot && (!errors.Is(err, errReadOnly) || !strings.Contains(err.Error(), "no POST leaves")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The client that the configuration makes says as much as a plain one: it trusts
// whom http_config names, and knows when a request was written.
func TestConfiguredClient(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/cut" {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_HOOK", srv.URL+"/"+sendtest.Canary)
	t.Setenv("TEST_CUT", srv.URL+"/cut")
	cfg, err := config.Load(config.Source{Kind: config.User, Name: "test", Data: fmt.Appendf(nil, `
notifications:
  slack:
    good: {url_env: TEST_HOOK, http_config: &trusted {tls_config: {ca_file: %[1]s}}}
    cut: {url_env: TEST_CUT, http_config: *trusted}
    untrusted: {url_env: TEST_HOOK}
    no-ca: {url_env: TEST_HOOK, http_config: {tls_config: {ca_file: %[1]s.none}}}
`, ca)})
	if err != nil {
		t.Fatal(err)
	}
	all := senders(cfg, false)
	for name, want := range map[string]struct {
		certain bool
		says    string
	}{"slack/cut": {false, "it is not known whether it was sent"}, "slack/untrusted": {true, "certificate"}, "slack/no-ca": {true, "ca.pem.none"}} {
		_, err := all[name].Send(t.Context(), sendtest.Message(model.MessageStarted))
		var e *model.SendError
		if !errors.As(err, &e) || e.Certain != want.certain || !strings.Contains(e.Error(), want.says) {
			t.Errorf("%s: %v", name, err)
		}
		sendtest.Keeps(t, fmt.Sprint(err))
	}
	if _, err := all["slack/good"].Send(t.Context(), sendtest.Message(model.MessageStarted)); err != nil {
		t.Error(err)
	}
}

func TestGetOnly(t *testing.T) {
	var passed []string
	rt := GetOnly(roundTripper(func(r *http.Request) (*http.Response, error) {
		passed = append(passed, r.Method)
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}))
	for _, method := range []string{"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "get", "QUERY"} {
		resp, err := rt.RoundTrip(&http.Request{Method: method, Body: http.NoBody})
		if (err == nil) != slices.Contains([]string{"", "GET", "HEAD"}, method) || err != nil && !errors.Is(err, errReadOnly) {
			t.Errorf("%q: %v, %v", method, resp, err)
		}
	}
	if !reflect.DeepEqual(passed, []string{"", "GET", "HEAD"}) {
		t.Errorf("%q passed", passed)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The doctor tries what a GET can try, and tells one mistake from another.
func TestDoctorAroundTheCluster(t *testing.T) {
	base := answers(t, false)
	host := strings.TrimPrefix(base, "http://")
	var got []string
	for _, f := range aroundLines(t.Context(), around(t, base)) {
		text := f.text
		if i := strings.LastIndex(text, " in "); f.name == "health frontend" && i > 0 { // how long it took
			text = text[:i]
		}
		got = append(got, fmt.Sprintf("%d %s: %s", f.state, f.name, strings.ReplaceAll(text, host, "HOST")))
	}
	want := []string{
		"1 health frontend: http://HOST/health: 200",
		"3 health frontend: http://HOST/broken: 502",
		"4 gitlab/follow-up: gitlab/follow-up at HOST: 401 Unauthorized; the token is wrong, revoked or expired",
		"2 slack/incidents: configured, not tried: a webhook can only be tried by sending (slack/incidents at HOST)",
		"4 slack/unset: the environment variable TEST_UNSET is not set; export it, or name a file",
		"1 statuspage/public: statuspage/public at HOST: Shop status",
		"2 teams/operations: configured, not tried: a webhook can only be tried by sending (teams/operations at HOST)",
		"4 webhook/broken: body: body:1:2: executing \"body\" at <.No>: can't evaluate field No in type webhook.Fields",
		"2 webhook/chat: configured, not tried: a webhook can only be tried by sending (webhook/chat at HOST)",
		"1 on call: on_call: Grafana OnCall schedule shop at HOST: user U1",
		"3 on call: on_call: PagerDuty at HOST: nobody is on call now",
		"4 on call: lead: PagerDuty: the environment variable TEST_UNSET is not set; export it, or name a file",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	sendtest.Keeps(t, got...)
}
