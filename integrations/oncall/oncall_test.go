package oncall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
	o, err := New(Config{URL: base + "/oncall/", Grafana: "https://shop.grafana.example", Schedule: "shop primary", Token: sendtest.Canary}, c, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// grafana answers as OnCall documents, from a table of path and query; it fails
// the test on anything else.
func grafana(t *testing.T, authorization string, answers map[string]string) *httptest.Server {
	t.Helper()
	srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("X-Grafana-URL") != "https://shop.grafana.example" || r.Header.Get("User-Agent") != "rollbook" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		if r.Header.Get("Authorization") != authorization {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"detail":"Invalid token."}`)
			return
		}
		answer, known := answers[r.URL.RequestURI()]
		if !known {
			t.Errorf("unexpected: %s", r.URL)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, answer)
	})
	return srv
}

const (
	schedulesAt = "/oncall/api/v1/schedules/?name=shop+primary"
	shiftsAt    = "/oncall/api/v1/schedules/SBM7DV7BKFUYU/final_shifts?end_date=2026-11-25&start_date=2026-11-23"
	secondAt    = "/oncall/api/v1/schedules/SBM7DV7BKFUYU/final_shifts?end_date=2026-11-25&page=2&start_date=2026-11-23"

	schedules = `{"count":2,"next":null,"previous":null,"results":[
{"id":"OTHER","team_id":null,"name":"shop primary (old)","type":"web","on_call_now":["U0"],"time_zone":"UTC"},
{"id":"SBM7DV7BKFUYU","team_id":null,"name":"shop primary","type":"web","on_call_now":["U4DNY931HHJS5","U6RV9WPSL6DFW"],"time_zone":"Europe/Berlin"}],
"current_page_number":1,"page_size":50,"total_pages":1}`
)

// The names come from the shifts that run now; whoever is on call without one is
// named by the ID.
func TestOnCall(t *testing.T) {
	answers := map[string]string{
		schedulesAt: schedules,
		shiftsAt: `{"count":3,"next":"https://evil.example/?page=2","previous":null,"results":[
{"user_pk":"UOLD","user_email":"past@example.com","user_username":"past","shift_start":"2026-11-23T08:00:00Z","shift_end":"2026-11-24T14:30:00Z"},
{"user_pk":"U4DNY931HHJS5","user_email":"yesterday@example.com","user_username":"yesterday","shift_start":"2026-11-23T08:00:00Z","shift_end":"2026-11-24T08:00:00Z"},
{"user_pk":"U4DNY931HHJS5","user_email":"tomorrow@example.com","user_username":"tomorrow","shift_start":"2026-11-25T08:00:00Z","shift_end":"2026-11-25T20:00:00Z"},
{"user_pk":"UNEXT","user_email":"next@example.com","user_username":"next","shift_start":"2026-11-24T14:30:01Z","shift_end":"2026-11-25T08:00:00Z"}]}`,
		secondAt: `{"count":3,"next":null,"results":[
{"user_pk":"U4DNY931HHJS5","user_email":"maria@example.com","user_username":"maria\u001b[31m","shift_start":"2026-11-24T08:00:00Z","shift_end":"2026-11-24T20:00:00Z"}]}`,
	}
	for _, authorization := range []string{sendtest.Canary, "Bearer " + sendtest.Canary} {
		srv := grafana(t, authorization, answers)
		got, err := newClient(t, srv.URL, srv.Client()).OnCall(t.Context())
		want := []model.OnCall{
			{Name: "maria", How: "maria@example.com", Schedule: "shop primary", Source: Source, Until: time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)},
			{Name: "user U6RV9WPSL6DFW", Schedule: "shop primary", Source: Source},
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestNobody(t *testing.T) {
	srv := grafana(t, sendtest.Canary, map[string]string{
		schedulesAt: `{"next":null,"results":[{"id":"SBM7DV7BKFUYU","name":"shop primary","on_call_now":[]}]}`,
		shiftsAt:    `{"next":null,"results":[]}`,
	})
	got, err := newClient(t, srv.URL, srv.Client()).OnCall(t.Context())
	if err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
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
		{"wrong token", status(403, "", `{"detail":"Invalid token `+sendtest.Canary+`"}`), "look at the token", 2},
		{"401", status(401, "", ""), "401 Unauthorized", 2},
		{"404", status(404, "", "<html>"), "is the URL that of the OnCall API?", 1},
		{"429", status(429, "Retry-After: 30", ""), "it asks to wait 30 seconds", 1},
		{"500", status(500, "", sendtest.Canary), "500 Internal Server Error", 1},
		{"redirect", status(302, "Location: https://login.example/"+sendtest.Canary, ""), "which is not followed with a token", 1},
		{"no such schedule", status(200, "", `{"next":null,"results":[{"id":"X","name":"shop primary 2"}]}`), "there is no schedule of this name", 1},
		{"odd ID", status(200, "", `{"next":null,"results":[{"id":"../users","name":"shop primary"}]}`), "a schedule without an ID", 1},
		{"login page", status(200, "Content-Type: text/html", "<html>log in"), "the answer is not OnCall's", 1},
		{"another API", status(200, "", `{"hello":"world"}`), "the answer is not OnCall's", 1},
		{"endless pages", status(200, "", `{"next":"x","results":[{"id":"X","name":"y"}]}`), "more than 10 pages", maxPages},
		{"too large", func(w http.ResponseWriter, _ *http.Request) {
			part := []byte(strings.Repeat(" ", 1<<16))
			for n := 0; n < 2*maxAnswer; n += len(part) {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		}, "larger than 4 MiB", 1},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		}, "cannot connect", -1}, // a GET may be tried again by the transport
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, count := sendtest.Server(t, tc.handler)
			got, err := newClient(t, srv.URL, srv.Client()).OnCall(t.Context())
			if err == nil || got != nil || !strings.Contains(err.Error(), tc.says) || tc.count >= 0 && count() != tc.count {
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

func TestNotAURL(t *testing.T) {
	c := Config{URL: "oncall.example", Schedule: "shop", Token: sendtest.Canary}
	_, err := New(c, http.DefaultClient, func() time.Time { return at })
	if err == nil {
		t.Error("is accepted")
	}
	o := newClient(t, "https://oncall.example", http.DefaultClient)
	sendtest.Keeps(t, fmt.Sprint(err), fmt.Sprintf("%v %+v", c, c), fmt.Sprintf("%v %+v", o, o))
}
