package gitlab

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollbook/integrations/once"
	"rollbook/text"
)

// DefaultURL is GitLab's own instance.
const DefaultURL = "https://gitlab.com"

var limits = once.Limits{Time: 30 * time.Second, Answer: 4 << 20}

// A Client asks one GitLab, with one token; nothing that it sends is sent a second
// time. It is safe for concurrent use.
type Client struct {
	to     string
	api    string // its address, with /api/v4
	token  string
	once   *once.Client
	redact *text.Redactor
}

// NewClient makes the Client of the GitLab at base ("" = DefaultURL) on client, whose
// redirects it does not follow. name is what errors call it. It sends nothing.
func NewClient(name, base, token string, client *http.Client) (*Client, error) {
	u, err := url.Parse(cmp.Or(base, DefaultURL))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s: its URL is none that begins with https://", name)
	}
	u.Path, u.RawPath, u.RawQuery, u.Fragment = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/api/v4"), "", "", ""
	c := &Client{to: fmt.Sprintf("%s at %s", name, text.Line(u.Host)), api: u.String() + "/api/v4", token: token, redact: new(text.Redactor)}
	c.redact.Add(token)
	c.once = once.New(c.to, client, c.redact, limits)
	return c, nil
}

// String names the GitLab and its host.
func (c *Client) String() string { return c.to }

// URL returns the address of a path of the API, such as "/projects/17".
func (c *Client) URL(path string) string { return c.api + path }

// Do sends one request, once, and returns whatever is answered. Its error is a
// *model.SendError. An answer of more than 4 MiB is cut.
func (c *Client) Do(ctx context.Context, method, path string, header http.Header, body []byte) (status int, answered http.Header, answer []byte, err error) {
	h := http.Header{"Accept": {"application/json"}}
	maps.Copy(h, header)
	h.Set("PRIVATE-TOKEN", c.token)
	a, err := c.once.Send(ctx, once.Request{Method: method, URL: c.URL(path), Header: h, Body: body})
	return a.Status, a.Header, a.Body, err
}

// Said puts an answer that is no success into words: its status, the reason that GitLab
// gives, and what is wrong with a token that it does not know.
func (c *Client) Said(status int, answer []byte) string {
	why := fmt.Sprintf("%d %s", status, http.StatusText(status))
	// GitLab repeats the status: "404 Project Not Found".
	said := strings.TrimPrefix(c.redact.Line(reason(answer)), fmt.Sprintf("%d ", status))
	if said != "" && said != http.StatusText(status) {
		why += ": " + text.Truncate(said, 200)
	}
	if status == http.StatusUnauthorized {
		why += "; the token is wrong, revoked or expired"
	}
	return why
}

// reason is the one that GitLab gives.
func reason(answer []byte) string {
	var e struct {
		Message     any    `json:"message"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(answer, &e) != nil {
		return ""
	}
	return cmp.Or(words(e.Message), e.Description, e.Error)
}

// words are what a message says, which has the fields that it is about, and
// those of what they hold: {"title": ["can't be blank"]}.
func words(message any) string {
	switch m := message.(type) {
	case nil:
		return ""
	case []any:
		all := make([]string, len(m))
		for i, x := range m {
			all[i] = words(x)
		}
		return strings.Join(all, ", ")
	case map[string]any:
		var all []string
		for _, field := range slices.Sorted(maps.Keys(m)) {
			all = append(all, field+" "+words(m[field]))
		}
		return strings.Join(all, "; ")
	}
	return fmt.Sprint(message)
}
