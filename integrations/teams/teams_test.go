package teams

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"rollbook/integrations/sendtest"
	"rollbook/model"
)

const path = "/workflows/0123456789abcdef/triggers/manual/paths/invoke"

func newSender(t *testing.T, base string, c *http.Client) sendtest.Sender {
	t.Helper()
	s, err := New(Config{Name: "operations", URL: base + path + "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=" + sendtest.Canary}, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func accepted(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }

func TestContract(t *testing.T) {
	sendtest.Suite{New: newSender, Good: accepted, AnyAnswer: true}.Run(t)
}

// The request is the one that Microsoft documents.
func TestRequestGolden(t *testing.T) {
	for _, kind := range []model.MessageKind{model.MessageStarted, model.MessageUpdated, model.MessageResolved} {
		srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodPost || r.URL.Path != path || r.URL.Query().Get("sig") != sendtest.Canary || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			sendtest.Golden(t, string(kind)+".json", body)
			accepted(w, r)
		})
		if _, err := newSender(t, srv.URL, srv.Client()).Send(t.Context(), sendtest.Message(kind)); err != nil {
			t.Error(err)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		name    string
		status  int
		kind    string
		body    string
		certain bool
		says    string
	}{
		{"workflow's own", 400, "application/json", `{"error":{"code":"TriggerInputSchemaMismatch","message":"The input body for trigger 'manual' did not match its schema."}}`, true, "TriggerInputSchemaMismatch: The input body"},
		{"turned off", 400, "application/json", `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"Could not execute workflow: it is not enabled."}}`, true, "look whether the workflow is turned on"},
		{"wrong key", 401, "application/json", `{"error":{"code":"DirectApiAuthorizationRequired","message":"The request must be authenticated only by Shared Access scheme."}}`, true, "copy the workflow's URL again"},
		{"removed", 404, "application/json", `{"error":{"code":"WorkflowNotFound","message":"The workflow could not be found."}}`, true, "the workflow was removed"},
		{"too large", 413, "", "", true, "shorten the message"},
		{"old webhook", 200, "text/plain", "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId x", true, "HTTP error 413"},
		{"login page", 200, "text/html; charset=utf-8", "<html>log in", false, "a page for browsers"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, _ := sendtest.Server(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			_, err := newSender(t, srv.URL, srv.Client()).Send(t.Context(), sendtest.Message(model.MessageStarted))
			var e *model.SendError
			if !errors.As(err, &e) || e.Certain != tc.certain || !strings.Contains(e.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
}

// Teams takes about 28 KB; the end is cut, and says so.
func TestSize(t *testing.T) {
	s := newSender(t, "https://prod.westeurope.logic.azure.com", http.DefaultClient).(*Sender)
	for name, text := range map[string]string{
		"many lines": strings.Repeat("- a line with \"quotes\" and *stars*\n", 3000),
		"one line":   strings.Repeat("東京", 50_000),
		"quotes":     strings.Repeat(strings.Repeat(`"`, 3000)+"\n", 20),
	} {
		data, err := s.payload(model.Message{Kind: model.MessageStarted, Title: strings.Repeat("ä", 5000), Text: text})
		if err != nil || len(data) > maxBody || len(data) < maxBody/4 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		blocks := m.Attachments[0].Content.Body
		if last := blocks[len(blocks)-1].Text; !strings.HasSuffix(last, shortened) {
			t.Errorf("%s: ends in %q", name, last)
		}
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"backend_python_v2":            "backend_python_v2",
		"_emphasis_ and __more__.":     `\_emphasis\_ and \_\_more\_\_.`,
		"*bold* [a](b) `c` ~d~":        "\\*bold\\* \\[a\\](b) \\`c\\` \\~d\\~",
		"# heading":                    `\# heading`,
		"> quote":                      `\> quote`,
		"- item":                       "- item",
		"https://a.example/x_y_z*[1]_": "https://a.example/x_y_z*[1]_",
	} {
		if got := escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestNotAURL(t *testing.T) {
	for _, url := range []string{"", sendtest.Canary, "ftp://" + sendtest.Canary} {
		_, err := New(Config{Name: "a", URL: url}, http.DefaultClient)
		if err == nil {
			t.Errorf("%q is accepted", url)
		}
		sendtest.Keeps(t, fmt.Sprint(err), fmt.Sprintf("%v %+v", Config{URL: url}, Config{URL: url}))
	}
}
