package once_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rollbook/integrations/once"
	"rollbook/integrations/sendtest"
	"rollbook/model"
	"rollbook/text"
)

var limits = once.Limits{Time: time.Minute, Answer: 1 << 20}

// cut answers with status and the beginning of a body.
func cut(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "begun")
	}
}

// What senders share is proved by each one's contract; here is what they do
// not: an answer that broke off.
func TestBrokenOff(t *testing.T) {
	for _, status := range []int{200, 201, 307, 400, 503} {
		srv, count := sendtest.Server(t, cut(status))
		c := once.New("it", srv.Client(), new(text.Redactor), limits)
		a, err := c.Send(t.Context(), once.Request{Method: http.MethodPost, URL: srv.URL, Body: []byte("x")})
		var e *model.SendError
		if success := status/100 == 2; success != errors.As(err, &e) || success && (e.Certain || !e.Later) {
			t.Errorf("%d: %v", status, err)
		}
		if a.Status != status || string(a.Body) != "begun" || count() != 1 {
			t.Errorf("%d: %+v, %d requests", status, a, count())
		}
		a, err = c.Ask(t.Context(), srv.URL, nil)
		if success := status/100 == 2; success != (err != nil) || !success && a.Status != status {
			t.Errorf("%d: %+v, %v", status, a, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/refused") {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 2<<20))
	})
	c := once.New("it", srv.Client(), new(text.Redactor), limits)
	if a, err := c.Send(t.Context(), once.Request{Method: http.MethodPost, URL: srv.URL}); err != nil || len(a.Body) != 1<<20 {
		t.Errorf("%d bytes, %v", len(a.Body), err)
	}
	if _, err := c.Ask(t.Context(), srv.URL, nil); err == nil || err.Error() != "it: the answer is larger than 1 MiB" {
		t.Error(err)
	}
	if a, err := c.Ask(t.Context(), srv.URL+"/refused", nil); err != nil || a.Status != http.StatusForbidden {
		t.Errorf("%d, %v", a.Status, err)
	}
}

// What is handed over stays as it was: senders use both again.
func TestHandedOver(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	client, header := srv.Client(), http.Header{"Accept": {"text/plain"}}
	if _, err := once.New("it", client, new(text.Redactor), limits).Ask(t.Context(), srv.URL, header); err != nil {
		t.Error(err)
	}
	if client.CheckRedirect != nil || len(header) != 1 {
		t.Errorf("%v, redirects %v", header, client.CheckRedirect != nil)
	}
}
