package gitlab

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

var project = Config{Name: "follow-up", Project: "shop/shop", Token: sendtest.Canary, Labels: []string{"incident", "p1"}, Confidential: true}

func newSender(t *testing.T, base string, c *http.Client) sendtest.Sender {
	t.Helper()
	conf := project
	conf.URL = base
	s, err := New(conf, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const issue = `{"id":84,"iid":14,"title":"x","web_url":"https://gitlab.example/shop/shop/-/issues/14"}`

func created(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, issue)
}

func TestContract(t *testing.T) { sendtest.Suite{New: newSender, Good: created}.Run(t) }

// The report is uploaded, then linked from the issue, by the requests that
// GitLab documents.
func TestRequestsGolden(t *testing.T) {
	const report = "# Report\n\nRolled back at 14:30 UTC.\n"
	n := 0
	srv, count := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("PRIVATE-TOKEN") != sendtest.Canary || r.Header.Get("User-Agent") != "rollbook" {
			t.Errorf("%v", r.Header)
		}
		n++
		switch {
		case n == 1 && r.Method == http.MethodPost && r.URL.EscapedPath() == "/api/v4/projects/shop%2Fshop/uploads":
			file, head, err := r.FormFile("file")
			if err != nil {
				t.Error(err)
				return
			}
			data, _ := io.ReadAll(file)
			if string(data) != report || head.Filename != "report-2026-11-24-1420-backend-python.md" {
				t.Errorf("%s: %q", head.Filename, data)
			}
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"id":5,"alt":"report","url":"/uploads/66dbcd21ec5d24ed6ea225176098d52b/report.md","full_path":"/-/project/1/uploads/x/report.md","markdown":"[report.md](/uploads/66dbcd21ec5d24ed6ea225176098d52b/report.md)"}`)
		case n == 2 && r.Method == http.MethodPost && r.URL.EscapedPath() == "/api/v4/projects/shop%2Fshop/issues":
			body, _ := io.ReadAll(r.Body)
			sendtest.Golden(t, "issue.json", body)
			created(w, r)
		default:
			t.Errorf("unexpected: %s %s", r.Method, r.URL)
		}
	})
	m := sendtest.Message(model.MessageResolved)
	m.Report = report
	got, err := newSender(t, srv.URL, srv.Client()).Send(t.Context(), m)
	if err != nil || got != (model.Delivery{Ref: "shop/shop#14", URL: "https://gitlab.example/shop/shop/-/issues/14"}) || count() != 2 {
		t.Errorf("%+v, %v, %d requests", got, err, count())
	}
}

// Without the attachment there is no issue, whatever became of the file.
func TestAttachmentFails(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		},
		"garbage": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "garbage") },
		"no link": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") },
		"500":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"cut": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv, count := sendtest.Server(t, h)
			m := sendtest.Message(model.MessageResolved)
			m.Report = "# Report"
			_, err := newSender(t, srv.URL, srv.Client()).Send(t.Context(), m)
			var e *model.SendError
			if !errors.As(err, &e) || !e.Certain || !strings.Contains(e.Error(), "attaching the report") || count() != 1 {
				t.Errorf("%v, %d requests", err, count())
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		status int
		body   string
		says   string
	}{
		{400, `{"message":{"title":["can't be blank"]}}`, "can't be blank"},
		{401, `{"message":"401 Unauthorized"}`, ": 401 Unauthorized; the token is wrong, revoked or expired"},
		{403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token."}`, "the token needs the scope api"},
		{404, `{"message":"404 Project Not Found"}`, "there is no such project"},
		{422, `{"message":"spam detected"}`, "spam detected"},
	} {
		srv, _ := sendtest.Server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.body)
		})
		_, err := newSender(t, srv.URL, srv.Client()).Send(t.Context(), sendtest.Message(model.MessageStarted))
		var e *model.SendError
		if !errors.As(err, &e) || !e.Certain || e.Later || !strings.Contains(e.Error(), tc.says) {
			t.Errorf("%d: %v, want %q", tc.status, err, tc.says)
		}
	}
}

// Text of a log must not give orders to GitLab, nor call people.
func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"/close":                    `\/close`,
		"  /assign me":              `\/assign me`,
		"@all see #1 and !2":        `\@all see \#1 and \!2`,
		"a_b *c* <script>":          `a\_b \*c\* \<script\>`,
		"1. first":                  `1\. first`,
		"- - -":                     `\- - -`,
		"https://a.example/x_y#z":   "https://a.example/x_y#z",
		"5.2% of <0.1 %":            `5.2% of \<0.1 %`,
		"---":                       `\---`,
		"-1 pods":                   "-1 pods",
		"| table |":                 `\| table \|`,
		"plain words, 0.02 percent": "plain words, 0.02 percent",
	} {
		if got := escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.EscapedPath() != "/api/v4/projects/shop%2Fshop" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		_, _ = io.WriteString(w, `{"id":1,"path_with_namespace":"shop/shop"}`)
	})
	name, err := newSender(t, srv.URL, srv.Client()).(*Sender).Check(t.Context())
	if err != nil || name != "shop/shop" {
		t.Errorf("%q, %v", name, err)
	}
}

func TestNotAProject(t *testing.T) {
	for _, c := range []Config{{}, {Project: "a", URL: "gitlab.example"}} {
		c.Token = sendtest.Canary
		_, err := New(c, http.DefaultClient)
		if err == nil {
			t.Errorf("%v is accepted", c)
		}
		sendtest.Keeps(t, fmt.Sprint(err), fmt.Sprintf("%v %+v", c, c))
	}
}

// A project's name cannot lead elsewhere, and the API's own address may be given.
func TestAddress(t *testing.T) {
	for project, want := range map[string]string{
		"17":            "/gitlab/api/v4/projects/17",
		"shop/web.site": "/gitlab/api/v4/projects/shop%2Fweb%2Esite",
		"../users?x#y":  "/gitlab/api/v4/projects/%2E%2E%2Fusers%3Fx%23y",
	} {
		for _, base := range []string{"/gitlab", "/gitlab/", "/gitlab/api/v4/"} {
			srv, _ := sendtest.Server(t, func(w http.ResponseWriter, r *http.Request) {
				if r.RequestURI != want {
					t.Errorf("%s, want %s", r.RequestURI, want)
				}
				_, _ = io.WriteString(w, `{}`)
			})
			s, err := New(Config{URL: srv.URL + base, Project: project}, srv.Client())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestReason(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"spam detected"}`: "spam detected",
		`{"message":{"title":["can't be blank","is too short"],"labels":["are too many"]}}`: "labels are too many; title can't be blank, is too short",
		`{"error":"insufficient_scope","error_description":"The request requires more."}`:   "The request requires more.",
		`{"error":"title is missing"}`: "title is missing",
		`{}`:                           "",
		`<html>`:                       "",
	} {
		if got := reason([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
