package webhook

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"rollbook/integrations/sendtest"
	"rollbook/model"
)

func newSender(t *testing.T, base string, c *http.Client) sendtest.Sender {
	t.Helper()
	s, err := New(Config{Name: "chat", URL: base + "/hooks/" + sendtest.Canary, Token: sendtest.Canary}, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func good(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func TestContract(t *testing.T) {
	sendtest.Suite{New: newSender, Good: good, AnyAnswer: true}.Run(t)
}

func TestRequestGolden(t *testing.T) {
	for name, conf := range map[string]Config{
		"default": {},
		"own":     {Body: "{\"message\": {{json .Text}},\n \"all\": {{json .}}{{if eq .Kind \"resolved\"}}, \"color\": \"green\"{{end}}}"},
	} {
		srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "Bearer "+sendtest.Canary {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			sendtest.Golden(t, name+".json", body)
			_, _ = io.WriteString(w, `{"id":"17","url":"https://chat.example/17"}`)
		})
		conf.Name, conf.URL, conf.Token = "chat", srv.URL+"/hook", sendtest.Canary
		s, err := New(conf, srv.Client())
		if err != nil {
			t.Fatal(err)
		}
		m := sendtest.Message(model.MessageResolved)
		m.Ref, m.Status = "16", "resolved"
		got, err := s.Send(t.Context(), m)
		if err != nil || got != (model.Delivery{Ref: "17", URL: "https://chat.example/17"}) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestPlainText(t *testing.T) {
	srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "started: Errors" || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" || r.Header.Get("Authorization") != "" {
			t.Errorf("%q %v", body, r.Header)
		}
	})
	s, err := New(Config{Name: "chat", URL: srv.URL, Body: "{{.Kind}}: {{.Title}}", ContentType: "text/plain; charset=utf-8"}, srv.Client())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), model.Message{Kind: model.MessageStarted, Title: "Errors"}); err != nil {
		t.Error(err)
	}
}

// A mistake in the template is told when it is read, not in an incident.
func TestTemplateMistakes(t *testing.T) {
	for body, want := range map[string]string{
		`{{`:                                     "unclosed action",
		`{{.Texxt}}`:                             "can't evaluate field Texxt",
		`{"text": "{{.Text}}"}`:                  "write {{json .Text}}",
		`{"text": {{json .Text}}`:                "it is not JSON",
		`{{range 100000}}{{.}}{{$}}{{$}}{{end}}`: "larger than 4 MiB",
	} {
		if _, err := New(Config{Name: "chat", URL: "https://a.example/" + sendtest.Canary, Body: body}, http.DefaultClient); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	if _, err := New(Config{Name: "chat", URL: "https://a.example", ContentType: "json"}, http.DefaultClient); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{Name: "chat", URL: "https://a.example", ContentType: "a/b/c"}, http.DefaultClient); err == nil {
		t.Error("an odd content type is accepted")
	}
}

func TestNotAURL(t *testing.T) {
	for _, url := range []string{"", sendtest.Canary, "ftp://" + sendtest.Canary} {
		c := Config{Name: "a", URL: url, Token: sendtest.Canary}
		_, err := New(c, http.DefaultClient)
		if err == nil {
			t.Errorf("%q is accepted", url)
		}
		sendtest.Keeps(t, fmt.Sprint(err), fmt.Sprintf("%v %+v", c, c))
	}
}
