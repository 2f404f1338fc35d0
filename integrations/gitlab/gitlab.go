// Package gitlab creates the follow-up issue of an incident, with its report
// attached.
//
// It and the way back by a job (ways/gitlabjob) ask a dozen things of a large API, so
// there is a small Client of its own and no library, which made the program 7 MB
// larger.
//
// https://docs.gitlab.com/api/issues/#new-issue,
// https://docs.gitlab.com/api/project_markdown_uploads/#upload-a-file
package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

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

// GitLab's bounds, in characters.
const (
	maxTitle       = 255
	maxDescription = 1 << 20
)

// A Sender creates issues in one project. It is safe for concurrent use.
type Sender struct {
	conf    Config
	project string // its path in the API
	client  *Client
}

// New makes a Sender on client, whose redirects it does not follow. It sends
// nothing.
func New(c Config, client *http.Client) (*Sender, error) {
	if strings.TrimSpace(c.Project) == "" {
		return nil, fmt.Errorf("%s: the project is missing, such as group/project", c)
	}
	to, err := NewClient(c.String(), c.URL, c.Token, client)
	if err != nil {
		return nil, err
	}
	// With its dots escaped too, a name cannot lead elsewhere.
	return &Sender{conf: c, client: to, project: "/projects/" + strings.ReplaceAll(url.PathEscape(c.Project), ".", "%2E")}, nil
}

// String names the project and the host.
func (s *Sender) String() string { return s.client.String() }

// Send attaches m.Report, if there is one, and creates the issue. Each is sent
// once. The receipt names the issue ("group/project#12"). Its error is a
// *model.SendError; one about the attachment means that there is no issue.
func (s *Sender) Send(ctx context.Context, m model.Message) (model.Delivery, error) {
	title := s.title(m)
	if title == "" {
		return model.Delivery{}, &model.SendError{To: s.client.String(), Why: "the message has no title", Certain: true}
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
	return s.client.redact.Line(p.Path), nil
}
