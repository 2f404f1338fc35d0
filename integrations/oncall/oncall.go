// Package oncall asks Grafana OnCall (in Grafana Cloud: IRM) who is on call now.
//
// https://grafana.com/docs/oncall/latest/oncall-api-reference/
package oncall

import (
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
const Source = "Grafana OnCall"

// Config is one schedule.
type Config struct {
	URL      string // of the OnCall API, without /api/v1
	Grafana  string // the stack's URL (X-Grafana-URL); "" = not sent
	Schedule string // its name
	Token    string // a secret
}

// String names the schedule and keeps the token to itself.
func (c Config) String() string { return Source + " schedule " + text.Line(c.Schedule) }

// A Client asks for one schedule, by GET only. It is safe for concurrent use.
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
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s: its URL is none that begins with https://: Grafana shows it under OnCall, Settings", c)
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/api/v1")
	o := &Client{conf: c, to: c.String() + " at " + text.Line(u.Host), base: u.String(), now: now, redact: new(text.Redactor)}
	o.redact.Add(c.Token)
	o.once = once.New(o.to, client, o.redact, once.Limits{Time: 10 * time.Second, Answer: maxAnswer})
	return o, nil
}

// String names the schedule and the host.
func (c *Client) String() string { return c.to }

// maxPages bounds how many pages of a list are read.
const maxPages = 10

// page is one of a list's.
type page[T any] struct {
	Next    *string `json:"next"`
	Results []T     `json:"results"`
}

// id is what OnCall's IDs are made of, so that one cannot lead elsewhere.
var id = text.Pattern(`^[A-Za-z0-9_-]{1,64}$`)

type schedule struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	OnCallNow []string `json:"on_call_now"` // IDs of users
}

type shift struct {
	UserPK       string    `json:"user_pk"`
	UserEmail    string    `json:"user_email"`
	UserUsername string    `json:"user_username"`
	Start        time.Time `json:"shift_start"`
	End          time.Time `json:"shift_end"`
}

// OnCall returns who is on call now by the schedule; none is not an error. Their
// names come from the final shifts, which know of swaps and overrides.
func (c *Client) OnCall(ctx context.Context) ([]model.OnCall, error) {
	s, err := c.schedule(ctx)
	if err != nil {
		return nil, err
	}
	now := c.now()
	query := url.Values{
		// Whole days in the schedule's time zone: the neighbours cover any.
		"start_date": {now.UTC().AddDate(0, 0, -1).Format(time.DateOnly)},
		"end_date":   {now.UTC().AddDate(0, 0, 1).Format(time.DateOnly)},
	}
	shifts, err := list[shift](ctx, c, "/api/v1/schedules/"+s.ID+"/final_shifts", query)
	if err != nil {
		return nil, err
	}
	var all []model.OnCall
	named := map[string]bool{}
	for _, x := range shifts {
		if now.Before(x.Start) || !now.Before(x.End) || named[x.UserPK] || !slices.Contains(s.OnCallNow, x.UserPK) {
			continue
		}
		named[x.UserPK] = true
		who := model.OnCall{Name: c.redact.Line(x.UserUsername), How: c.redact.Line(x.UserEmail), Schedule: c.redact.Line(s.Name), Source: Source, Until: x.End}
		if who.Name == "" {
			who.Name = who.How
		}
		all = append(all, who)
	}
	for _, user := range s.OnCallNow {
		if !named[user] { // better an ID than nobody
			all = append(all, model.OnCall{Name: "user " + c.redact.Line(user), Schedule: c.redact.Line(s.Name), Source: Source})
		}
	}
	return all, nil
}

// schedule finds the schedule by its name: OnCall also returns those that merely
// hold the name.
func (c *Client) schedule(ctx context.Context) (schedule, error) {
	found, err := list[schedule](ctx, c, "/api/v1/schedules/", url.Values{"name": {c.conf.Schedule}})
	if err != nil {
		return schedule{}, err
	}
	for _, s := range found {
		if s.Name != c.conf.Schedule {
			continue
		}
		if !id().MatchString(s.ID) {
			return schedule{}, fmt.Errorf("%s: the answer is not OnCall's: a schedule without an ID", c.to)
		}
		return s, nil
	}
	return schedule{}, fmt.Errorf("%s: there is no schedule of this name; look how it is spelt, and whether the token may see it", c.to)
}

// list reads all pages of a list. The next page is asked for by its number: the
// address that an answer gives is not followed with a token.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	var all []T
	for n := 1; ; n++ {
		if n > maxPages {
			return nil, fmt.Errorf("%s: the list at %s has more than %d pages", c.to, path, maxPages)
		}
		if n > 1 {
			query.Set("page", fmt.Sprint(n))
		}
		data, err := c.get(ctx, path, query)
		if err != nil {
			return nil, err
		}
		var p page[T]
		if err := json.Unmarshal(data, &p); err != nil || p.Results == nil {
			return nil, fmt.Errorf("%s: the answer is not OnCall's; is the URL that of the OnCall API?", c.to)
		}
		all = append(all, p.Results...)
		if p.Next == nil || *p.Next == "" {
			return all, nil
		}
	}
}

// errAnswer is an answer that is no success.
type errAnswer struct {
	status int
	text   string
}

func (e errAnswer) Error() string { return e.text }

// get asks once; where the token is refused as OnCall takes it, once more as
// Grafana's service accounts are (Cloud's newer documents have "Bearer").
func (c *Client) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	data, err := c.ask(ctx, path, query, c.conf.Token)
	var refused errAnswer
	if errors.As(err, &refused) && (refused.status == http.StatusUnauthorized || refused.status == http.StatusForbidden) {
		again, second := c.ask(ctx, path, query, "Bearer "+c.conf.Token)
		if second == nil {
			return again, nil
		}
	}
	return data, err
}
