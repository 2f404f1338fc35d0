package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	promconfig "github.com/prometheus/common/config"
)

// Notifications are where messages go, each by the team's own name for it.
type Notifications struct {
	Slack      []Hook
	Teams      []Hook
	Statuspage []Statuspage
	Webhook    []Webhook
	GitLab     []GitLab
}

// A Hook is an incoming webhook of Slack, or a workflow of Teams. Its URL is a
// secret.
type Hook struct {
	Name string
	URL  Secret
	HTTP *promconfig.HTTPClientConfig // nil when not set
}

// A Statuspage is a page of Atlassian Statuspage.
type Statuspage struct {
	Name       string
	URL        string // "": Statuspage's own
	Page       string // its ID
	Components []string
	Outage     string // the components' state meanwhile; "": partial_outage
	Quiet      bool   // subscribers are not notified
	Token      Secret
	HTTP       *promconfig.HTTPClientConfig
}

// A Webhook takes a POST with a body of the team's own.
type Webhook struct {
	Name        string
	URL         Secret
	Token       Secret // may be none
	ContentType string // "": application/json
	Body        string // a Go template; "": the default
	HTTP        *promconfig.HTTPClientConfig
}

// A GitLab is a project that follow-up issues are created in.
type GitLab struct {
	Name         string
	URL          string // "": https://gitlab.com
	Project      string
	Labels       []string
	Confidential bool
	Token        Secret
	HTTP         *promconfig.HTTPClientConfig
}

var outages = []string{"degraded_performance", "partial_outage", "major_outage", "under_maintenance"}

func (d *decoder) notifications(v value) {
	n := &d.cfg.Notifications
	v.fields(
		field{name: "slack", set: named(&n.Slack, func(h *Hook) *string { return &h.Name }, d.hook)},
		field{name: "teams", set: named(&n.Teams, func(h *Hook) *string { return &h.Name }, d.hook)},
		field{name: "statuspage", set: named(&n.Statuspage, func(s *Statuspage) *string { return &s.Name }, func(v value, s *Statuspage) {
			before := d.count
			v.fields(append(d.secretFields("token", &s.Token),
				urlField("url", &s.URL),
				lineField("page", &s.Page, nil),
				linesField("components", &s.Components),
				lineField("outage", &s.Outage, func(word string) error {
					if !slices.Contains(outages, word) {
						return fmt.Errorf("%s is no state of a component; there are %s", quote(word), list(outages))
					}
					return nil
				}).as(Schema{Enum: outages}),
				boolField("quiet", &s.Quiet),
				d.httpField(&s.HTTP),
			)...)
			if d.count > before {
				return
			}
			oneSecret(v, "token", s.Token, true)
			if s.Page == "" {
				v.failKey("page is missing: the page's ID, which Statuspage shows under Manage account, API")
			}
		})},
		field{name: "webhook", set: named(&n.Webhook, func(w *Webhook) *string { return &w.Name }, func(v value, w *Webhook) {
			before := d.count
			v.fields(append(append(d.secretFields("url", &w.URL), d.secretFields("token", &w.Token)...),
				lineField("content_type", &w.ContentType, nil),
				field{name: "body", set: func(v value) {
					s, ok := v.text()
					if !ok {
						return
					}
					if strings.TrimSpace(s) == "" {
						v.fail("has no value")
						return
					}
					w.Body = s
					v.remember()
				}},
				d.httpField(&w.HTTP),
			)...)
			if d.count > before {
				return
			}
			oneSecret(v, "url", w.URL, true)
			oneSecret(v, "token", w.Token, false)
		})},
		field{name: "gitlab", set: named(&n.GitLab, func(g *GitLab) *string { return &g.Name }, func(v value, g *GitLab) {
			before := d.count
			v.fields(append(d.secretFields("token", &g.Token),
				urlField("url", &g.URL),
				lineField("project", &g.Project, nil),
				linesField("labels", &g.Labels),
				boolField("confidential", &g.Confidential),
				d.httpField(&g.HTTP),
			)...)
			if d.count > before {
				return
			}
			oneSecret(v, "token", g.Token, true)
			if g.Project == "" {
				v.failKey("project is missing, such as project: shop/frontend")
			}
		})},
	)
}

func (d *decoder) hook(v value, h *Hook) {
	before := d.count
	v.fields(append(d.secretFields("url", &h.URL), d.httpField(&h.HTTP))...)
	if d.count == before {
		oneSecret(v, "url", h.URL, true)
	}
}

func (d *decoder) httpField(to **promconfig.HTTPClientConfig) field {
	return field{name: "http_config", set: func(v value) { d.httpConfig(v, to) }}
}

// named reads a mapping from names to settings of one kind, and combines it with
// what was read before, by name. read is called only for a mapping that is one.
func named[T any](to *[]T, name func(*T) *string, read func(value, *T)) func(value) {
	return func(v value) {
		if v.sketch != nil {
			read(v.drawOthers(componentName), new(T))
			return
		}
		for _, e := range v.entries() {
			if !componentName.MatchString(e.name) {
				e.value.failKey("a name here is at most 63 letters, digits, - . and _")
				continue
			}
			switch e.value.node.(type) {
			case *ast.MappingNode, *ast.MappingValueNode, nil:
			default:
				e.value.fail("keys and values are meant here, not %s", describe(e.value.node))
				continue
			}
			i := slices.IndexFunc(*to, func(x T) bool { return *name(&x) == e.name })
			if i < 0 {
				i = len(*to)
				var x T
				*name(&x) = e.name
				*to = append(*to, x)
			}
			read(e.value, &(*to)[i])
			e.value.remember()
		}
	}
}

// linesField takes a list of lines.
func linesField(name string, to *[]string) field {
	return field{name: name, set: func(v value) {
		v.lines(to, lineOf(nil), func(value, string) {})
	}}
}

// lines reads a list of one line or more, each of which is drawn as of and may be
// refused by check.
func (v value) lines(to *[]string, of Schema, check func(item value, s string)) {
	if v.draws(Schema{Type: "array", MinItems: 1, Items: &of}) {
		return
	}
	var all []string
	before := v.d.count
	for _, item := range v.items() {
		if s, ok := item.line(); ok {
			check(item, s)
			all = append(all, s)
		}
	}
	switch {
	case v.d.count > before:
	case all == nil:
		v.failKey("has no value")
	default:
		*to = all
		v.remember()
	}
}

// settings lists n for config check: names and places of secrets only.
func (n Notifications) settings(some func(path, value string)) {
	secret := func(path, name string, s Secret) {
		some(path+"."+name+"_env", s.Env)
		some(path+"."+name+"_file", s.File)
	}
	access := func(path string, h *promconfig.HTTPClientConfig) {
		if h != nil {
			some(path+".http_config", compact(h))
		}
	}
	for _, group := range []struct {
		kind  string
		hooks []Hook
	}{{"slack", n.Slack}, {"teams", n.Teams}} {
		for _, h := range group.hooks {
			path := "notifications." + group.kind + "." + h.Name
			secret(path, "url", h.URL)
			access(path, h.HTTP)
		}
	}
	for _, s := range n.Statuspage {
		path := "notifications.statuspage." + s.Name
		some(path+".url", s.URL)
		some(path+".page", s.Page)
		some(path+".components", strings.Join(s.Components, ", "))
		some(path+".outage", s.Outage)
		if s.Quiet {
			some(path+".quiet", "true")
		}
		secret(path, "token", s.Token)
		access(path, s.HTTP)
	}
	for _, w := range n.Webhook {
		path := "notifications.webhook." + w.Name
		secret(path, "url", w.URL)
		secret(path, "token", w.Token)
		some(path+".content_type", w.ContentType)
		some(path+".body", w.Body)
		access(path, w.HTTP)
	}
	for _, g := range n.GitLab {
		path := "notifications.gitlab." + g.Name
		some(path+".url", g.URL)
		some(path+".project", g.Project)
		some(path+".labels", strings.Join(g.Labels, ", "))
		if g.Confidential {
			some(path+".confidential", "true")
		}
		secret(path, "token", g.Token)
		access(path, g.HTTP)
	}
}
