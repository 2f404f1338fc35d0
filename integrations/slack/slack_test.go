package slack

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

const path = "/services/T00000000/B00000000/" + sendtest.Canary

func newSender(t *testing.T, base string, c *http.Client) sendtest.Sender {
	t.Helper()
	s, err := New(Config{Name: "incidents", URL: base + path}, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

func TestContract(t *testing.T) { sendtest.Suite{New: newSender, Good: ok}.Run(t) }

// The request is the one that Slack documents.
func TestRequestGolden(t *testing.T) {
	for _, kind := range []model.MessageKind{model.MessageStarted, model.MessageResolved} {
		srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodPost || r.URL.Path != path || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			sendtest.Golden(t, string(kind)+".json", body)
			ok(w, r)
		})
		if _, err := newSender(t, srv.URL, srv.Client()).Send(t.Context(), sendtest.Message(kind)); err != nil {
			t.Error(err)
		}
	}
}

// Each of Slack's documented errors says what to do.
func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		status int
		word   string
		says   string
		later  bool
	}{
		{400, "invalid_payload", "send it by hand", false},
		{400, "user_not_found", "make a new webhook", false},
		{403, "action_prohibited", "ask its administrator", false},
		{403, "posting_to_general_channel_denied", "make a webhook for another", false},
		{403, "invalid_token", "make a new one", false},
		{404, "channel_not_found", "the channel is gone; make a new webhook", false},
		{404, "no_service", "the webhook was removed or is disabled", false},
		{404, "no_team", "copy it again", false},
		{410, "channel_is_archived", "unarchive the channel", false},
		{429, "rate_limited", "one message a second", true},
	} {
		t.Run(tc.word, func(t *testing.T) {
			srv, _ := sendtest.Server(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.word)
			})
			_, err := newSender(t, srv.URL, srv.Client()).Send(t.Context(), sendtest.Message(model.MessageStarted))
			var e *model.SendError
			if !errors.As(err, &e) || !e.Certain || e.Later != tc.later ||
				!strings.Contains(e.Error(), tc.says) || !strings.Contains(e.Error(), fmt.Sprint(tc.status, " ", tc.word)) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
}

func TestLongMessages(t *testing.T) {
	s := newSender(t, "https://hooks.slack.com", http.DefaultClient).(*Sender)
	for name, text := range map[string]string{
		"many lines":     strings.Repeat("a line & more of it\n", 2000),
		"one line":       strings.Repeat("&<>", 50_000),
		"too many lines": strings.Repeat(strings.Repeat("x", 100)+"\n", 3000),
	} {
		data, err := s.payload(model.Message{Title: strings.Repeat("ä", 400), Text: text})
		if err != nil {
			t.Fatal(err)
		}
		p := decode(t, data)
		if len(p.Blocks) > maxBlocks || len([]rune(p.Blocks[0].Text.Text)) > maxHeader {
			t.Errorf("%s: %d blocks", name, len(p.Blocks))
		}
		for _, b := range p.Blocks[1:] {
			if len([]rune(b.Text.Text)) > maxSection {
				t.Errorf("%s: a section of %d", name, len([]rune(b.Text.Text)))
			}
			rest := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(b.Text.Text)
			if strings.ContainsAny(rest, "&<>") {
				t.Errorf("%s: cut within an escape", name)
			}
		}
	}
}

func TestNotAURL(t *testing.T) {
	for _, url := range []string{"", sendtest.Canary, "ftp://" + sendtest.Canary, "https:///" + sendtest.Canary, "https://a b/" + sendtest.Canary} {
		_, err := New(Config{Name: "a", URL: url}, http.DefaultClient)
		if err == nil {
			t.Errorf("%q is accepted", url)
		}
		sendtest.Keeps(t, fmt.Sprint(err), fmt.Sprintf("%v %+v", Config{URL: url}, Config{URL: url}))
	}
}
