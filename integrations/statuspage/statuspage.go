// Package statuspage keeps the incident on a page of Atlassian Statuspage:
// creates it, updates it, resolves it.
//
// https://developer.statuspage.io
package statuspage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollbook/integrations/once"
	"rollbook/model"
	"rollbook/text"
)

// DefaultURL is where Statuspage's API answers.
const DefaultURL = "https://api.statuspage.io"

// Config is one page.
type Config struct {
	Name       string // what the operator calls it
	URL        string // "" = DefaultURL
	Page       string // its ID
	Token      string // the API key; a secret
	Components []string
	Outage     string // the components' state while it lasts; "" = partial_outage
	Quiet      bool   // subscribers are not notified
}

// Outages are the states that a component may have, but for operational.
var Outages = []string{"degraded_performance", "partial_outage", "major_outage", "under_maintenance"}

// String names the page and keeps its key to itself.
func (c Config) String() string { return "statuspage/" + c.Name }

// id is what Statuspage's IDs are made of, so that one cannot lead elsewhere.
var id = text.Pattern(`^[A-Za-z0-9_-]{1,64}$`)

// limits allow an incident with all its updates.
var limits = once.Limits{Time: 15 * time.Second, Answer: 1 << 20}

// A Sender keeps incidents on one page. It is safe for concurrent use.
type Sender struct {
	conf   Config
	to     string
	base   string
	once   *once.Client
	redact *text.Redactor
}

// New makes a Sender on client, whose redirects it does not follow. It sends
// nothing.
func New(c Config, client *http.Client) (*Sender, error) {
	u, err := url.Parse(cmp.Or(c.URL, DefaultURL))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s: its URL is none that begins with https://", c)
	}
	if !id().MatchString(c.Page) {
		return nil, fmt.Errorf("%s: the page's ID is not one: Statuspage shows it under Manage account, API", c)
	}
	for _, k := range c.Components {
		if !id().MatchString(k) {
			return nil, fmt.Errorf("%s: a component's ID is not one: Statuspage shows it in the component's address", c)
		}
	}
	c.Outage = cmp.Or(c.Outage, "partial_outage")
	s := &Sender{conf: c, to: c.String() + " at " + text.Line(u.Host), base: strings.TrimRight(u.String(), "/"), redact: new(text.Redactor)}
	s.redact.Add(c.Token)
	s.once = once.New(s.to, client, s.redact, limits)
	return s, nil
}

// String names the page and the host.
func (s *Sender) String() string { return s.to }

type incident struct {
	Name         string            `json:"name,omitempty"`
	Status       string            `json:"status"`
	Body         string            `json:"body"`
	Components   map[string]string `json:"components,omitempty"`
	ComponentIDs []string          `json:"component_ids,omitempty"`
	Notify       bool              `json:"deliver_notifications"`
}

// incident is what m makes of the page's incident. Its error says what is
// missing in m.
func (s *Sender) incident(m model.Message) (incident, error) {
	i := incident{Body: plain(strings.TrimSpace(s.redact.Lines(m.Text))), Notify: !s.conf.Quiet}
	switch {
	case i.Body == "":
		return i, errors.New("the message is empty")
	case m.Kind == model.MessageStarted && m.Ref != "":
		return i, errors.New("the incident is on the page already; send an update")
	case m.Kind != model.MessageStarted && m.Ref == "":
		return i, errors.New("it is not known which of the page's incidents this is; send the first message, or update the page by hand")
	case m.Ref != "" && !id().MatchString(m.Ref):
		return i, errors.New("the reference is no incident's ID of Statuspage")
	}
	switch m.Kind {
	case model.MessageStarted:
		if i.Name = s.redact.Line(m.Title); i.Name == "" {
			return i, errors.New("the message has no title, which is the incident's name on the page")
		}
		i.Status = "investigating"
		i.ComponentIDs = s.conf.Components
		i.Components = s.states(s.conf.Outage)
	case model.MessageUpdated:
		if i.Status = cmp.Or(m.Status, model.StatusIdentified); i.Status != model.StatusIdentified && i.Status != model.StatusMonitoring {
			return i, fmt.Errorf("an update's status is identified or monitoring, not %s", text.Line(i.Status))
		}
	case model.MessageResolved:
		i.Status = "resolved"
		i.Components = s.states("operational")
	default:
		return i, errors.New("the message is neither the first, nor an update, nor the last of the incident")
	}
	return i, nil
}

// maxBody is Statuspage's bound for an update, in characters.
const maxBody = 25_000

// tag is what a page reads as HTML, of which it shows a few elements and drops
// the rest.
var tag = text.Pattern(`<([A-Za-z/!?])`)

// plain makes text read as it is, and fit.
func plain(body string) string {
	const shortened = "… (shortened)"
	body = tag().ReplaceAllString(body, "&lt;$1")
	if r := []rune(body); len(r) > maxBody {
		body = string(r[:maxBody-len([]rune(shortened))]) + shortened
	}
	return body
}

func (s *Sender) states(state string) map[string]string {
	all := map[string]string{}
	for _, k := range s.conf.Components {
		all[k] = state
	}
	return all
}

// Send creates the page's incident for the first message, whose receipt names it
// in Ref, and changes that for the others. Its error is a *model.SendError.
func (s *Sender) Send(ctx context.Context, m model.Message) (model.Delivery, error) {
	i, err := s.incident(m)
	if err != nil {
		return model.Delivery{}, &model.SendError{To: s.to, Why: err.Error(), Certain: true}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]incident{"incident": i}); err != nil {
		return model.Delivery{}, &model.SendError{To: s.to, Why: err.Error(), Certain: true, Err: err}
	}
	method, path := http.MethodPost, "/v1/pages/"+s.conf.Page+"/incidents"
	if m.Ref != "" {
		method, path = http.MethodPatch, path+"/"+m.Ref
	}
	answer, err := s.call(ctx, method, path, bytes.TrimSpace(b.Bytes()))
	if err != nil {
		return model.Delivery{}, err
	}
	if answer.Status/100 != 2 {
		return model.Delivery{}, s.refused(answer)
	}
	var made struct{ ID, Shortlink string }
	if json.Unmarshal(answer.Body, &made) != nil || !id().MatchString(made.ID) {
		return model.Delivery{}, &model.SendError{To: s.to, Why: fmt.Sprintf("it answered %d, but not in Statuspage's words", answer.Status)}
	}
	return model.Delivery{Ref: made.ID, URL: text.Line(made.Shortlink)}, nil
}

// Check asks for the page, by which the key and the ID are proved, and returns
// its name.
func (s *Sender) Check(ctx context.Context) (string, error) {
	answer, err := s.call(ctx, http.MethodGet, "/v1/pages/"+s.conf.Page, nil)
	if err != nil {
		return "", err
	}
	if answer.Status != http.StatusOK {
		return "", s.refused(answer)
	}
	var page struct{ ID, Name string }
	if json.Unmarshal(answer.Body, &page) != nil || page.ID == "" {
		return "", &model.SendError{To: s.to, Why: "the answer is not Statuspage's", Certain: true}
	}
	return s.redact.Line(page.Name), nil
}

// call sends one request, with a body if there is one.
func (s *Sender) call(ctx context.Context, method, path string, body []byte) (once.Answer, error) {
	header := http.Header{"Authorization": {"OAuth " + s.conf.Token}}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	return s.once.Send(ctx, once.Request{Method: method, URL: s.base + path, Header: header, Body: body})
}

// tooMany is Statuspage's own status, of old, for 429.
const tooMany = 420

func (s *Sender) refused(answer once.Answer) error {
	why := s.explain(answer.Status, answer.Body)
	if answer.Status == tooMany {
		answer.Status = http.StatusTooManyRequests
	}
	return model.NotTaken(s.to, answer.Status, answer.Header.Get, why)
}

// explain puts a refusal into words, with what to do about it.
func (s *Sender) explain(status int, answer []byte) string {
	why := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	if said := s.said(answer); said != "" {
		why += ": " + said
	}
	switch status {
	case http.StatusUnauthorized:
		return why + "; the API key is wrong or revoked"
	case http.StatusForbidden:
		return why + "; the API key may not change this page"
	case http.StatusNotFound:
		return why + "; there is no such page or incident: look at the page's ID, and whether the incident was deleted"
	case tooMany, http.StatusTooManyRequests:
		return why + "; Statuspage takes a request a second"
	}
	if status/100 == 3 {
		return why + "; a redirect, which is not followed: look at the URL"
	}
	return why
}

// said is the reason that Statuspage gives: {"error": "…"} or {"error": ["…"]}.
func (s *Sender) said(answer []byte) string {
	var e struct {
		Error any `json:"error"`
	}
	if json.Unmarshal(answer, &e) != nil {
		return ""
	}
	var words []string
	switch x := e.Error.(type) {
	case string:
		words = []string{x}
	case []any:
		for _, w := range x {
			words = append(words, fmt.Sprint(w))
		}
	}
	return text.Truncate(s.redact.Line(strings.Join(words, "; ")), 200)
}

// Preview is how m will look on the page, with what it changes there.
func (s *Sender) Preview(m model.Message) string {
	i, err := s.incident(m)
	if err != nil {
		return "cannot be sent: " + err.Error() + "\n"
	}
	head := i.Name
	if m.Ref != "" {
		head = "incident " + m.Ref
	}
	out := fmt.Sprintf("%s\n%s - %s\n", head, strings.ToUpper(i.Status[:1])+i.Status[1:], i.Body)
	for _, k := range s.conf.Components {
		if state, set := i.Components[k]; set {
			out += fmt.Sprintf("component %s: %s\n", k, strings.ReplaceAll(state, "_", " "))
		}
	}
	if !i.Notify {
		return out + "subscribers are not notified\n"
	}
	return out + "subscribers are notified\n"
}
