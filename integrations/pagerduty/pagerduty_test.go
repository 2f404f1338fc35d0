package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollbook/integrations/sendtest"
	"rollbook/model"
)

var at = time.Date(2026, 11, 24, 14, 30, 0, 0, time.UTC)

func newClient(t *testing.T, base string, c *http.Client) *Client {
	t.Helper()
	p, err := New(Config{URL: base + "/", Schedules: []string{"PI7DH85"}, EscalationPolicies: []string{"PT20YPA"}, Token: sendtest.Canary}, c, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Two pages as PagerDuty documents them: the first to be called comes first, each
// person once, and only who is on call now.
func TestOnCall(t *testing.T) {
	srv, count := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/oncalls" || r.Header.Get("Authorization") != "Token token="+sendtest.Canary ||
			r.Header.Get("Accept") != "application/vnd.pagerduty+json;version=2" || r.Header.Get("User-Agent") != "rollbook" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		page := map[string]string{"0": "first.json", "100": "second.json"}[r.URL.Query().Get("offset")]
		want := "earliest=true&escalation_policy_ids[]=PT20YPA&include[]=users&limit=100&offset=" + r.URL.Query().Get("offset") + "&schedule_ids[]=PI7DH85"
		if got := strings.NewReplacer("%5B", "[", "%5D", "]").Replace(r.URL.RawQuery); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		data, err := os.ReadFile("testdata/" + page)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(data)
	})
	got, err := newClient(t, srv.URL, srv.Client()).OnCall(t.Context())
	want := []model.OnCall{
		{Name: "Tim Wright", How: "tim@example.com", Schedule: "Daily Engineering Rotation", Source: Source, Until: time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)},
		{Name: "Maria Lopez", How: "https://subdomain.pagerduty.com/users/PMARIA", Schedule: "Engineering Escalation Policy", Source: Source},
	}
	if err == nil {
		for i := range got {
			got[i].Until = got[i].Until.UTC()
		}
	}
	if err != nil || !reflect.DeepEqual(got, want) || count() != 2 {
		t.Errorf("%+v, %v, %d requests", got, err, count())
	}
}

func TestErrors(t *testing.T) {
	status := func(code int, header, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		says    string
		count   int
	}{
		{"400", status(400, "", `{"error":{"code":2001,"message":"Invalid Input Provided","errors":["Schedule not found."]}}`), "Invalid Input Provided; Schedule not found.; look at the IDs", 1},
		{"401", status(401, "", sendtest.Canary), "look at the API key", 1},
		{"403", status(403, "", `{"error":{"message":"Access Denied `+sendtest.Canary+`"}}`), "Access Denied", 1},
		{"429", status(429, "ratelimit-reset: 30", ""), "it asks to wait 30 seconds", 1},
		{"500", status(500, "", ""), "500 Internal Server Error", 1},
		{"redirect", status(302, "Location: https://login.example/"+sendtest.Canary, ""), "which is not followed with a key", 1},
		{"garbage", status(200, "", "<html>"), "the answer is not PagerDuty's", 1},
		{"another API", status(200, "", "{}"), "the answer is not PagerDuty's", 1},
		{"endless pages", status(200, "", `{"oncalls":[],"more":true}`), "more than 1000 are on call", maxPages},
		{"too large", func(w http.ResponseWriter, _ *http.Request) {
			part := []byte(strings.Repeat(" ", 1<<16))
			for n := 0; n < 2*maxAnswer; n += len(part) {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		}, "larger than 4 MiB", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, count := sendtest.Server(t, tc.handler)
			got, err := newClient(t, srv.URL, srv.Client()).OnCall(t.Context())
			if err == nil || got != nil || !strings.Contains(err.Error(), tc.says) || count() != tc.count {
				t.Errorf("%v, %v, %d requests; want %q", got, err, count(), tc.says)
			}
			sendtest.Keeps(t, fmt.Sprint(err), fmt.Sprintf("%+v", err))
		})
	}
}

func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv, _ := sendtest.Server(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := newClient(t, srv.URL, srv.Client()).OnCall(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNew(t *testing.T) {
	for _, c := range []Config{{}, {Schedules: []string{"P1"}, URL: "pagerduty.com"}} {
		c.Token = sendtest.Canary
		_, err := New(c, http.DefaultClient, func() time.Time { return at })
		if err == nil {
			t.Errorf("%v is accepted", c)
		}
		sendtest.Keeps(t, fmt.Sprint(err), fmt.Sprintf("%v %+v", c, c))
	}
}
