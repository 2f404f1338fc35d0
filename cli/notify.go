package cli

import (
	"context"
	"net/http"
	"os"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"

	"rollbook/config"
	"rollbook/integrations/gitlab"
	"rollbook/integrations/oncall"
	"rollbook/integrations/pagerduty"
	"rollbook/integrations/slack"
	"rollbook/integrations/statuspage"
	"rollbook/integrations/teams"
	"rollbook/integrations/webhook"
	"rollbook/model"
)

// A Sender sends a message to one place, once: it never tries again by itself.
// Errors of Send are *model.SendError.
type Sender interface {
	Send(context.Context, model.Message) (model.Delivery, error)
	Preview(model.Message) string // how it will look, as text
	String() string               // where it goes, without a secret
}

// senders makes what messages are sent by, by the names that they are configured
// under: "slack/incidents". It sends nothing. One that cannot be made is there
// too, and says why when it is used: a missing token must not keep the walk from
// opening. Secrets are read now.
func senders(cfg *config.Config, readOnly bool) map[string]Sender {
	all := map[string]Sender{}
	add := func(key string, h *promconfig.HTTPClientConfig, make func(*http.Client) (Sender, error)) {
		client, err := httpClient(h, readOnly, nil)
		var s Sender
		if err == nil {
			s, err = make(client)
		}
		if err != nil {
			s = unusable{key, strings.TrimPrefix(err.Error(), key+": ")}
		}
		all[key] = s
	}
	n := cfg.Notifications
	for _, x := range n.Slack {
		add("slack/"+x.Name, x.HTTP, func(c *http.Client) (Sender, error) {
			url, err := x.URL.Read(os.Getenv)
			if err != nil {
				return nil, err
			}
			return slack.New(slack.Config{Name: x.Name, URL: url}, c)
		})
	}
	for _, x := range n.Teams {
		add("teams/"+x.Name, x.HTTP, func(c *http.Client) (Sender, error) {
			url, err := x.URL.Read(os.Getenv)
			if err != nil {
				return nil, err
			}
			return teams.New(teams.Config{Name: x.Name, URL: url}, c)
		})
	}
	for _, x := range n.Statuspage {
		add("statuspage/"+x.Name, x.HTTP, func(c *http.Client) (Sender, error) {
			token, err := x.Token.Read(os.Getenv)
			if err != nil {
				return nil, err
			}
			return statuspage.New(statuspage.Config{Name: x.Name, URL: x.URL, Page: x.Page, Token: token,
				Components: x.Components, Outage: x.Outage, Quiet: x.Quiet}, c)
		})
	}
	for _, x := range n.Webhook {
		add("webhook/"+x.Name, x.HTTP, func(c *http.Client) (Sender, error) {
			url, err := x.URL.Read(os.Getenv)
			if err != nil {
				return nil, err
			}
			token, err := x.Token.Read(os.Getenv)
			if err != nil {
				return nil, err
			}
			return webhook.New(webhook.Config{Name: x.Name, URL: url, Token: token, Body: x.Body, ContentType: x.ContentType}, c)
		})
	}
	for _, x := range n.GitLab {
		add("gitlab/"+x.Name, x.HTTP, func(c *http.Client) (Sender, error) {
			token, err := x.Token.Read(os.Getenv)
			if err != nil {
				return nil, err
			}
			return gitlab.New(gitlab.Config{Name: x.Name, URL: x.URL, Project: x.Project, Token: token,
				Labels: x.Labels, Confidential: x.Confidential}, c)
		})
	}
	return all
}

// unusable stands for a sender that could not be made.
type unusable struct{ name, why string }

func (u unusable) String() string { return u.name }

func (u unusable) Send(context.Context, model.Message) (model.Delivery, error) {
	return model.Delivery{}, &model.SendError{To: u.name, Why: u.why, Certain: true}
}

func (u unusable) Preview(model.Message) string { return "cannot be sent: " + u.why + "\n" }

// onCaller says who is on call now.
type onCaller interface {
	OnCall(context.Context) ([]model.OnCall, error)
	String() string
}

// onCallSource is where to ask who is on call for a role of the contacts.
type onCallSource struct {
	Role string
	onCaller
}

// onCallSources makes what is asked for who is on call, in the order of the
// contacts. It sends nothing, and later only GET. As with senders, one that
// cannot be made says why when it is asked.
func onCallSources(cfg *config.Config) []onCallSource {
	var all []onCallSource
	add := func(role, name string, secret config.Secret, h *promconfig.HTTPClientConfig, make func(*http.Client, string) (onCaller, error)) {
		client, err := httpClient(h, true, nil)
		var token string
		if err == nil {
			token, err = secret.Read(os.Getenv)
		}
		var o onCaller
		if err == nil {
			o, err = make(client, token)
		}
		if err != nil {
			o = nobody{name, strings.TrimPrefix(err.Error(), name+": ")}
		}
		all = append(all, onCallSource{role, o})
	}
	for _, k := range cfg.Contacts {
		if g := k.Grafana; g != nil {
			add(k.Role, oncall.Source, g.Token, g.HTTP, func(c *http.Client, token string) (onCaller, error) {
				return oncall.New(oncall.Config{URL: g.URL, Grafana: g.Stack, Schedule: g.Schedule, Token: token}, c, time.Now)
			})
		}
		if p := k.PagerDuty; p != nil {
			add(k.Role, pagerduty.Source, p.Token, p.HTTP, func(c *http.Client, token string) (onCaller, error) {
				return pagerduty.New(pagerduty.Config{URL: p.URL, Schedules: p.Schedules, EscalationPolicies: p.EscalationPolicies, Token: token}, c, time.Now)
			})
		}
	}
	return all
}

// nobody stands for a source that could not be made.
type nobody struct{ name, why string }

func (n nobody) String() string { return n.name }

func (n nobody) OnCall(context.Context) ([]model.OnCall, error) {
	return nil, &model.SendError{To: n.name, Why: n.why, Certain: true}
}

// httpClient is the client of one integration. It keeps no connection open: one
// that the other side closed meanwhile would leave it unknown whether a message
// was sent. dial connects; nil = over the network.
func httpClient(h *promconfig.HTTPClientConfig, readOnly bool, dial dialer) (*http.Client, error) {
	access := promconfig.DefaultHTTPClientConfig
	if h != nil {
		access = *h
	} else {
		access.ProxyFromEnvironment = true // as curl and kubectl do
	}
	if err := access.Validate(); err != nil {
		return nil, err
	}
	how := []promconfig.HTTPClientOption{promconfig.WithUserAgent("rollbook"), promconfig.WithKeepAlivesDisabled()}
	if dial != nil {
		how = append(how, promconfig.WithDialContextFunc(dial))
	}
	rt, err := promconfig.NewRoundTripperFromConfig(access, "rollbook", how...)
	if err != nil {
		return nil, err
	}
	if readOnly {
		rt = GetOnly(rt)
	}
	return &http.Client{Transport: rt}, nil
}
