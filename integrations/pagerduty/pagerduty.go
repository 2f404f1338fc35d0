// Package pagerduty asks PagerDuty who is on call now.
//
// https://developer.pagerduty.com/api-reference, "List all of the on-calls"
package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollbook/integrations/once"
	"rollbook/model"
	"rollbook/text"
)

// Source is what model.OnCall.Source says.
const Source = "PagerDuty"

// DefaultURL is where PagerDuty's API answers; in the EU it is
// https://api.eu.pagerduty.com.
const DefaultURL = "https://api.pagerduty.com"

// Config says whose on-calls are meant: those of any of the schedules and of any
// of the policies.
type Config struct {
	URL                string // "" = DefaultURL
	Schedules          []string
	EscalationPolicies []string
	Token              string // an API key; a secret
}

// String names the service and keeps the key to itself.
func (c Config) String() string { return Source }

// A Client asks PagerDuty, by GET only. It is safe for concurrent use.
type Client struct {
	conf   Config
	to     string
	base   string
	now    func() time.Time
	once   *once.Client
	redact *text.Redactor
}

const maxAnswer = 4 << 20

// New makes a Client on client, whose redirects it does not follow. It sends
// nothing.
func New(c Config, client *http.Client, now func() time.Time) (*Client, error) {
	u, err := url.Parse(cmp.Or(c.URL, DefaultURL))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New(Source + ": its URL is none that begins with https://")
	}
	if len(c.Schedules)+len(c.EscalationPolicies) == 0 {
		// Without a filter, PagerDuty lists the whole company.
		return nil, errors.New(Source + ": neither a schedule nor an escalation policy is named")
	}
	p := &Client{conf: c, to: Source + " at " + text.Line(u.Host), base: strings.TrimRight(u.String(), "/"), now: now, redact: new(text.Redactor)}
	p.redact.Add(c.Token)
	p.once = once.New(p.to, client, p.redact, once.Limits{Time: 10 * time.Second, Answer: maxAnswer})
	return p, nil
}

// String names the service and the host.
func (c *Client) String() string { return c.to }

const (
	perPage  = 100 // PagerDuty's most
	maxPages = 10
)

type object struct {
	ID      string `json:"id"`
	Summary string `json:"summary"`
	Name    string `json:"name"`  // of a user, where it is included
	Email   string `json:"email"` // likewise
	Page    string `json:"html_url"`
}

type answer struct {
	OnCalls []struct {
		Policy   object    `json:"escalation_policy"`
		Level    int       `json:"escalation_level"`
		Schedule *object   `json:"schedule"`
		User     object    `json:"user"`
		Start    time.Time `json:"start"` // null = always
		End      time.Time `json:"end"`
	} `json:"oncalls"`
	More bool `json:"more"`
}

// OnCall returns who is on call now, the first to be called first; none is not
// an error. A person of several policies is listed once, at the first level.
func (c *Client) OnCall(ctx context.Context) ([]model.OnCall, error) {
	type ranked struct {
		level int
		id    string
		who   model.OnCall
	}
	var all []ranked
	for n := 0; ; n++ {
		if n == maxPages {
			return nil, fmt.Errorf("%s: more than %d are on call; name fewer schedules", c.to, maxPages*perPage)
		}
		a, err := c.page(ctx, n*perPage)
		if err != nil {
			return nil, err
		}
		now := c.now()
		for _, x := range a.OnCalls {
			if !x.Start.IsZero() && now.Before(x.Start) || !x.End.IsZero() && !now.Before(x.End) {
				continue // "earliest" gives the next one where nobody is on call now
			}
			schedule := x.Policy.Summary
			if x.Schedule != nil && x.Schedule.Summary != "" {
				schedule = x.Schedule.Summary
			}
			all = append(all, ranked{x.Level, x.User.ID, model.OnCall{
				Name:     c.redact.Line(cmp.Or(x.User.Name, x.User.Summary, "user "+x.User.ID)),
				How:      c.redact.Line(cmp.Or(x.User.Email, x.User.Page)),
				Schedule: c.redact.Line(schedule), Source: Source, Until: x.End,
			}})
		}
		if !a.More {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.level, b.level) })
	var out []model.OnCall
	seen := map[string]bool{}
	for _, r := range all {
		if r.id != "" && seen[r.id] {
			continue
		}
		seen[r.id] = true
		out = append(out, r.who)
	}
	return out, nil
}

func (c *Client) page(ctx context.Context, offset int) (answer, error) {
	query := url.Values{"earliest": {"true"}, "include[]": {"users"}, "limit": {fmt.Sprint(perPage)}, "offset": {fmt.Sprint(offset)}}
	for _, s := range c.conf.Schedules {
		query.Add("schedule_ids[]", s)
	}
	for _, p := range c.conf.EscalationPolicies {
		query.Add("escalation_policy_ids[]", p)
	}
	said, err := c.once.Ask(ctx, c.base+"/oncalls?"+query.Encode(), http.Header{
		"Authorization": {"Token token=" + c.conf.Token},
		"Accept":        {"application/vnd.pagerduty+json;version=2"},
	})
	if err != nil {
		return answer{}, err
	}
	if said.Status != http.StatusOK {
		return answer{}, fmt.Errorf("%s: %s", c.to, c.explain(said.Status, said.Body, said.Header))
	}
	var a answer
	if err := json.Unmarshal(said.Body, &a); err != nil || a.OnCalls == nil {
		return answer{}, fmt.Errorf("%s: the answer is not PagerDuty's; look at the URL", c.to)
	}
	return a, nil
}

// explain puts a refusal into words, with what to do about it.
func (c *Client) explain(status int, body []byte, header http.Header) string {
	why := fmt.Sprintf("%d %s", status, http.StatusText(status))
	var said struct {
		Error struct {
			Message string
			Errors  []string
		}
	}
	if json.Unmarshal(body, &said) == nil && said.Error.Message != "" {
		why += ": " + text.Truncate(c.redact.Line(strings.Join(append([]string{said.Error.Message}, said.Error.Errors...), "; ")), 200)
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return why + "; look at the API key"
	case status == http.StatusBadRequest || status == http.StatusNotFound:
		return why + "; look at the IDs of the schedules and policies"
	case status == http.StatusTooManyRequests:
		if after := header.Get("ratelimit-reset"); after != "" {
			return why + "; it asks to wait " + text.Truncate(text.Line(after), 40) + " seconds"
		}
	case status/100 == 3:
		return why + "; a redirect, which is not followed with a key: look at the URL"
	}
	return why
}
