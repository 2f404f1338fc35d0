package statuspage

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"rollbook/integrations/sendtest"
	"rollbook/model"
)

var page = Config{Name: "public", Page: "kctbh9vrtdwd", Token: sendtest.Canary, Components: []string{"8kbf7d35c070"}}

func newSender(t *testing.T, base string, c *http.Client) sendtest.Sender {
	t.Helper()
	conf := page
	conf.URL = base + "/"
	s, err := New(conf, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const made = `{"id":"p31zjtct2jer","name":"x","status":"investigating","shortlink":"https://stspg.io/p31zjtct2jer","incident_updates":[]}`

func created(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, made)
}

func TestContract(t *testing.T) { sendtest.Suite{New: newSender, Good: created}.Run(t) }

// An incident is created, identified, monitored and resolved by the requests
// that Statuspage documents; each after the first names what the first got back.
func TestRequestsGolden(t *testing.T) {
	var name, want string
	srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got := r.Method + " " + r.URL.Path; got != want || r.Header.Get("Authorization") != "OAuth "+sendtest.Canary {
			t.Errorf("%s, want %s; %v", got, want, r.Header)
		}
		sendtest.Golden(t, name+".json", body)
		_, _ = io.WriteString(w, made)
	})
	s := newSender(t, srv.URL, srv.Client())
	const incidents = "/v1/pages/kctbh9vrtdwd/incidents"
	var ref string
	for _, step := range []struct {
		name string
		m    model.Message
		want string
	}{
		{"started", sendtest.Message(model.MessageStarted), "POST " + incidents},
		{"identified", model.Message{Kind: model.MessageUpdated, Text: "A bad release."}, "PATCH " + incidents + "/p31zjtct2jer"},
		{"monitoring", model.Message{Kind: model.MessageUpdated, Status: model.StatusMonitoring, Text: "Rolled back."}, "PATCH " + incidents + "/p31zjtct2jer"},
		{"resolved", sendtest.Message(model.MessageResolved), "PATCH " + incidents + "/p31zjtct2jer"},
	} {
		name, want = step.name, step.want
		step.m.Ref = ref
		got, err := s.Send(t.Context(), step.m)
		if err != nil || got != (model.Delivery{Ref: "p31zjtct2jer", URL: "https://stspg.io/p31zjtct2jer"}) {
			t.Fatalf("%s: %+v, %v", step.name, got, err)
		}
		ref = got.Ref
	}
}

// What the page could only misunderstand is not sent.
func TestNotSent(t *testing.T) {
	srv, count := sendtest.Server(t, created)
	s := newSender(t, srv.URL, srv.Client())
	for want, m := range map[string]model.Message{
		"send the first message":            {Kind: model.MessageResolved, Text: "x"},
		"is on the page already":            {Kind: model.MessageStarted, Title: "x", Text: "x", Ref: "p31"},
		"no incident's ID of Statuspage":    {Kind: model.MessageUpdated, Text: "x", Ref: "../../users"},
		"has no title":                      {Kind: model.MessageStarted, Text: "x"},
		"identified or monitoring, not odd": {Kind: model.MessageUpdated, Text: "x", Ref: "p31", Status: "odd"},
		"neither the first":                 {Text: "x", Ref: "p31"},
	} {
		_, err := s.Send(t.Context(), m)
		var e *model.SendError
		if !errors.As(err, &e) || !e.Certain || !strings.Contains(e.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if p := s.Preview(m); !strings.HasPrefix(p, "cannot be sent: ") || !strings.Contains(p, want) {
			t.Errorf("preview %q, want %q", p, want)
		}
	}
	if count() != 0 {
		t.Errorf("%d requests", count())
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		status int
		body   string
		says   string
		later  bool
	}{
		{401, `{"error":"Could not authenticate"}`, "Could not authenticate; the API key is wrong", false},
		{403, `{"error":"Forbidden"}`, "the API key may not change this page", false},
		{404, `{"error":"The requested resource could not be found."}`, "there is no such page or incident", false},
		{422, `{"error":["Name can't be blank","Status is not included in the list"]}`, "422 Unprocessable Entity: Name can't be blank; Status is not included", false},
		{420, `{"error":"Enhance your calm"}`, "420: Enhance your calm; Statuspage takes a request a second", true},
		{429, `{"error":"Too many requests"}`, "Statuspage takes a request a second", true},
	} {
		srv, _ := sendtest.Server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.body)
		})
		_, err := newSender(t, srv.URL, srv.Client()).Send(t.Context(), sendtest.Message(model.MessageStarted))
		var e *model.SendError
		if !errors.As(err, &e) || !e.Certain || e.Later != tc.later || !strings.Contains(e.Error(), tc.says) {
			t.Errorf("%d: %v, want %q", tc.status, err, tc.says)
		}
	}
}

func TestCheck(t *testing.T) {
	srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/pages/kctbh9vrtdwd" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if r.Header.Get("Authorization") != "OAuth "+sendtest.Canary {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"id":"kctbh9vrtdwd","name":"Shop\u001b[2J"}`)
	})
	name, err := newSender(t, srv.URL, srv.Client()).(*Sender).Check(t.Context())
	if err != nil || name != "Shop" {
		t.Errorf("%q, %v", name, err)
	}
	conf := page
	conf.URL, conf.Token = srv.URL, "wrong"
	s, err := New(conf, srv.Client())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("%v", err)
	}
}

func TestPreview(t *testing.T) {
	s := newSender(t, DefaultURL, http.DefaultClient)
	got := s.Preview(model.Message{Kind: model.MessageResolved, Ref: "p31zjtct2jer", Text: "Rolled back at 14:30 UTC."})
	want := "incident p31zjtct2jer\nResolved - Rolled back at 14:30 UTC.\ncomponent 8kbf7d35c070: operational\nsubscribers are notified\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNotAPage(t *testing.T) {
	for _, c := range []Config{{}, {Page: "../x"}, {Page: "a", URL: "b"}, {Page: "a", Components: []string{"b/c"}}} {
		c.Token = sendtest.Canary
		_, err := New(c, http.DefaultClient)
		if err == nil {
			t.Errorf("%v is accepted", c)
		}
		sendtest.Keeps(t, fmt.Sprint(err), fmt.Sprintf("%v %+v", c, c))
	}
}
