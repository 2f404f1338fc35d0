// Package gitlab creates the follow-up issue of an incident, with its report
// attached.
package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"rollbook/model"
	"rollbook/text"
)

// DefaultURL is GitLab's own instance.
const DefaultURL = "https://gitlab.com"

// Config is one project.
type Config struct {
	Name         string // what the operator calls it
	URL          string // of the instance; "" = DefaultURL
	Project      string // "group/project" or its number
	Token        string // with the scope api; a secret
	Labels       []string
	Confidential bool
}

// String names the project and keeps the token to itself.
func (c Config) String() string { return "gitlab/" + c.Name }

// deadline bounds both requests together when the caller's context does not.
const deadline = 30 * time.Second

// maxAnswer bounds an answer, which the client would read to its end.
const maxAnswer = 4 << 20

// GitLab's bounds, in characters.
const (
	maxTitle       = 255
	maxDescription = 1 << 20
)

// A Sender creates issues in one project. It is safe for concurrent use.
type Sender struct {
	conf   Config
	to     string
	api    *api.Client
	redact *text.Redactor
}

// New makes a Sender on client, whose redirects it does not follow. It sends
// nothing.
func New(c Config, client *http.Client) (*Sender, error) {
	c.URL = cmp.Or(c.URL, DefaultURL)
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s: its URL is none that begins with https://", c)
	}
	if strings.TrimSpace(c.Project) == "" {
		return nil, fmt.Errorf("%s: the project is missing, such as group/project", c)
	}
	s := &Sender{conf: c, to: fmt.Sprintf("%s at %s", c, text.Line(u.Host)), redact: new(text.Redactor)}
	s.redact.Add(c.Token)
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Transport = bounded{cmp.Or(own.Transport, http.DefaultTransport)}
	// By default the client sends a POST up to six times: each may be an issue.
	s.api, err = api.NewClient(c.Token, api.WithBaseURL(u.String()), api.WithHTTPClient(&own), api.WithoutRetries(),
		api.WithUserAgent("rollbook"), api.WithURLWarningLogger(slog.New(slog.DiscardHandler)), api.WithCustomLimiter(unlimited{}))
	if err != nil {
		return nil, fmt.Errorf("%s: %s", c, s.redact.Line(err.Error()))
	}
	return s, nil
}

// String names the project and the host.
func (s *Sender) String() string { return s.to }

// unlimited is no limit: there are two requests in all, and the client's own
// would make the second one wait.
type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

// bounded cuts off answers that are too large.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// Send attaches m.Report, if there is one, and creates the issue. Each is sent
// once. The receipt names the issue ("group/project#12"). Its error is a
// *model.SendError; one about the attachment means that there is no issue.
func (s *Sender) Send(ctx context.Context, m model.Message) (model.Receipt, error) {
	title := s.title(m)
	if title == "" {
		return model.Receipt{}, &model.SendError{To: s.to, Why: "the message has no title", Certain: true}
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	description := s.description(m)
	if m.Report != "" {
		link, err := s.attach(ctx, m)
		if err != nil {
			return model.Receipt{}, err
		}
		description = strings.TrimLeft(description+"\n\n"+link+"\n", "\n")
	}
	labels := api.LabelOptions(s.conf.Labels)
	opt := &api.CreateIssueOptions{Title: &title, Description: &description}
	if len(labels) > 0 {
		opt.Labels = &labels
	}
	if s.conf.Confidential {
		opt.Confidential = &s.conf.Confidential
	}
	var written atomic.Bool
	issue, resp, err := s.api.Issues.CreateIssue(s.conf.Project, opt, api.WithContext(traced(ctx, &written)))
	if err != nil {
		return model.Receipt{}, s.failed("", resp, err, written.Load())
	}
	if issue == nil || issue.IID == 0 {
		return model.Receipt{}, &model.SendError{To: s.to, Why: "the answer is not GitLab's"}
	}
	return model.Receipt{Ref: fmt.Sprintf("%s#%d", s.conf.Project, issue.IID), URL: text.Line(issue.WebURL)}, nil
}

// attach uploads the report and returns the Markdown that links it.
func (s *Sender) attach(ctx context.Context, m model.Message) (string, error) {
	var written atomic.Bool
	file, resp, err := s.api.ProjectMarkdownUploads.UploadProjectMarkdown(s.conf.Project,
		strings.NewReader(s.redact.Lines(m.Report)), reportName(m), api.WithContext(traced(ctx, &written)))
	if err != nil {
		e := s.failed("attaching the report: ", resp, err, written.Load())
		e.Certain = true // at most a file was left, and no issue
		return "", e
	}
	// Sanitised only: a link must stay whole.
	link := text.Clean(file.Markdown)
	if link == "" {
		return "", &model.SendError{To: s.to, Why: "attaching the report: the answer is not GitLab's", Certain: true}
	}
	return link, nil
}

// traced notes when the request was written: from there on, GitLab may have it.
func traced(ctx context.Context, written *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
}

// Check asks for the project, by which the token and the address are proved, and
// returns its name. Whether the token may create issues shows only then.
func (s *Sender) Check(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	p, resp, err := s.api.Projects.GetProject(s.conf.Project, nil, api.WithContext(ctx))
	if err != nil {
		e := s.failed("", resp, err, false)
		return "", e
	}
	return s.redact.Line(p.PathWithNamespace), nil
}

// failed is the error of a request that did not succeed.
func (s *Sender) failed(what string, resp *api.Response, err error, written bool) *model.SendError {
	if resp != nil && resp.Response != nil && (resp.StatusCode < 200 || resp.StatusCode > 299) {
		return model.NotTaken(s.to, resp.StatusCode, resp.Header.Get, what+s.explain(resp.StatusCode, err))
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // the host is told already
	}
	e := &model.SendError{To: s.to, Why: what + s.redact.Line(err.Error()), Certain: !written, Later: true, Err: err}
	switch {
	case resp != nil:
		e.Why, e.Later = what+"the answer is not GitLab's", false
	case errors.Is(err, context.Canceled):
		e.Why = what + "cancelled"
	case errors.Is(err, context.DeadlineExceeded) && written:
		e.Why = what + "no answer in time"
	case errors.Is(err, context.DeadlineExceeded):
		e.Why = what + "no connection in time"
	}
	return e
}

// explain puts a refusal into words, with what to do about it.
func (s *Sender) explain(status int, err error) string {
	why := fmt.Sprintf("%d %s", status, http.StatusText(status))
	var said *api.ErrorResponse
	if errors.As(err, &said) && said.Message != "" && !strings.HasPrefix(said.Message, "failed to parse") {
		why += ": " + text.Truncate(s.redact.Line(said.Message), 200)
	}
	switch {
	case status == http.StatusUnauthorized:
		return why + "; the token is wrong, revoked or expired"
	case status == http.StatusForbidden:
		return why + "; the token needs the scope api, and its user the right to create issues"
	case status == http.StatusNotFound:
		return why + "; there is no such project, or the token's user may not see it"
	case status == http.StatusRequestEntityTooLarge:
		return why + "; it is larger than this GitLab takes"
	case status/100 == 3:
		return why + "; a redirect, which is not followed: look at the URL, and whether the project was moved"
	}
	return why
}
