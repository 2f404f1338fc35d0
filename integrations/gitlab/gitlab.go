// Package gitlab creates the follow-up issue of an incident, with its report
// attached.
//
// It asks three things of a large API, so it has no client library, which is the
// larger part of a small program.
//
// https://docs.gitlab.com/api/issues/#new-issue,
// https://docs.gitlab.com/api/project_markdown_uploads/#upload-a-file
package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollbook/integrations/once"
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

var limits = once.Limits{Time: 30 * time.Second, Answer: 4 << 20}

// GitLab's bounds, in characters.
const (
	maxTitle       = 255
	maxDescription = 1 << 20
)

// A Sender creates issues in one project. It is safe for concurrent use.
type Sender struct {
	conf    Config
	to      string
	project string // its address in the API
	once    *once.Client
	redact  *text.Redactor
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
	u.Path, u.RawPath, u.RawQuery, u.Fragment = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/api/v4"), "", "", ""
	s := &Sender{conf: c, to: fmt.Sprintf("%s at %s", c, text.Line(u.Host)), redact: new(text.Redactor)}
	s.redact.Add(c.Token)
	// With its dots escaped too, a name cannot lead elsewhere.
	s.project = u.String() + "/api/v4/projects/" + strings.ReplaceAll(url.PathEscape(c.Project), ".", "%2E")
	s.once = once.New(s.to, client, s.redact, limits)
	return s, nil
}

// String names the project and the host.
func (s *Sender) String() string { return s.to }

// Send attaches m.Report, if there is one, and creates the issue. Each is sent
// once. The receipt names the issue ("group/project#12"). Its error is a
// *model.SendError; one about the attachment means that there is no issue.
func (s *Sender) Send(ctx context.Context, m model.Message) (model.Delivery, error) {
	title := s.title(m)
	if title == "" {
		return model.Delivery{}, &model.SendError{To: s.to, Why: "the message has no title", Certain: true}
	}
	ctx, cancel := context.WithTimeout(ctx, limits.Time) // both requests together
	defer cancel()
	description := s.description(m)
	if m.Report != "" {
		link, err := s.attach(ctx, m)
		if err != nil {
			err.Why, err.Certain = "attaching the report: "+err.Why, true // at most a file was left, and no issue
			return model.Delivery{}, err
		}
		description = strings.TrimLeft(description+"\n\n"+link+"\n", "\n")
	}
	issue, err := s.create(ctx, draft{title, description, s.conf.Confidential, strings.Join(s.conf.Labels, ",")})
	if err != nil {
		return model.Delivery{}, err
	}
	return model.Delivery{Ref: fmt.Sprintf("%s#%d", s.conf.Project, issue.IID), URL: text.Line(issue.WebURL)}, nil
}

// Check asks for the project, by which the token and the address are proved, and
// returns its name. Whether the token may create issues shows only then.
func (s *Sender) Check(ctx context.Context) (string, error) {
	var p struct {
		Path string `json:"path_with_namespace"`
	}
	if err := s.call(ctx, http.MethodGet, "", "", nil, &p); err != nil {
		err.Certain = true // nothing is sent by asking
		return "", err
	}
	return s.redact.Line(p.Path), nil
}
