package config

import (
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// A Contact is whom to call, how, and when (runbook E1 to E3). Who is on call
// may be asked of Grafana and of PagerDuty; who and how are then what is shown
// when those do not answer.
type Contact struct {
	Role string // on_call, lead, exec, or the team's own word
	Who  string
	How  string
	When string

	Grafana   *Grafana   // nil: not asked
	PagerDuty *PagerDuty // nil: not asked
}

// A Grafana is a schedule of Grafana OnCall, or of IRM in Grafana Cloud.
type Grafana struct {
	URL      string // of the OnCall API
	Stack    string // the Grafana that it belongs to (X-Grafana-URL); "": not sent
	Schedule string // its name
	Token    Secret
	HTTP     *promconfig.HTTPClientConfig
}

// A PagerDuty says whose on-calls are meant: those of any of the schedules and of
// any of the escalation policies.
type PagerDuty struct {
	URL                string // "": PagerDuty's own
	Schedules          []string
	EscalationPolicies []string
	Token              Secret
	HTTP               *promconfig.HTTPClientConfig
}

func (d *decoder) contacts(v value) {
	for _, e := range v.entries() {
		if !d.checkName(e) {
			continue
		}
		i := slices.IndexFunc(d.cfg.Contacts, func(c Contact) bool { return c.Role == e.name })
		if i < 0 {
			i = len(d.cfg.Contacts)
			d.cfg.Contacts = append(d.cfg.Contacts, Contact{Role: e.name, When: defaultWhen[e.name]})
		}
		c := &d.cfg.Contacts[i]
		e.value.fields(
			lineField("who", &c.Who, nil),
			lineField("how", &c.How, nil),
			lineField("when", &c.When, nil),
			field{name: "grafana", private: true, set: func(v value) { d.grafana(v, &c.Grafana) }},
			field{name: "pagerduty", private: true, set: func(v value) { d.pagerDuty(v, &c.PagerDuty) }},
		)
		e.value.remember()
	}
}

func (d *decoder) grafana(v value, to **Grafana) {
	var g Grafana
	before := d.count
	v.fields(append(d.secretFields("token", &g.Token),
		urlField("url", &g.URL),
		urlField("grafana_url", &g.Stack),
		lineField("schedule", &g.Schedule, nil),
		d.httpField(&g.HTTP),
	)...)
	if d.count > before {
		return
	}
	oneSecret(v, "token", g.Token, true)
	switch {
	case g.URL == "":
		v.failKey("url is missing: that of the OnCall API, which Grafana shows under OnCall, Settings")
	case g.Schedule == "":
		v.failKey("schedule is missing: the name of the schedule to ask")
	case d.count == before:
		*to = &g
		v.remember()
	}
}

func (d *decoder) pagerDuty(v value, to **PagerDuty) {
	var p PagerDuty
	before := d.count
	v.fields(append(d.secretFields("token", &p.Token),
		urlField("url", &p.URL),
		linesField("schedule_ids", &p.Schedules),
		linesField("escalation_policies", &p.EscalationPolicies),
		d.httpField(&p.HTTP),
	)...)
	if d.count > before {
		return
	}
	oneSecret(v, "token", p.Token, true)
	switch {
	case len(p.Schedules)+len(p.EscalationPolicies) == 0:
		v.failKey("schedule_ids or escalation_policies is missing: without one, PagerDuty lists the whole company")
	case d.count == before:
		*to = &p
		v.remember()
	}
}

// asked fills in who and how for a contact that is asked for.
func (c *Contact) asked() {
	var who, how []string
	if g := c.Grafana; g != nil {
		who, how = append(who, "schedule "+g.Schedule+" in Grafana OnCall"), append(how, orElse(g.Stack, g.URL))
	}
	if p := c.PagerDuty; p != nil {
		who, how = append(who, "PagerDuty"), append(how, orElse(p.URL, "https://www.pagerduty.com"))
	}
	if c.Who == "" && who != nil {
		c.Who = "who is on call by " + strings.Join(who, " and ")
	}
	if c.How == "" && how != nil {
		c.How = strings.Join(how, ", ")
	}
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// settings lists c for config check.
func (c Contact) settings(add, some func(path, value string)) {
	path := "contacts." + c.Role
	add(path, c.Who+", "+c.How+", when: "+c.When)
	if g := c.Grafana; g != nil {
		some(path+".grafana.url", g.URL)
		some(path+".grafana.grafana_url", g.Stack)
		some(path+".grafana.schedule", g.Schedule)
		some(path+".grafana.token_env", g.Token.Env)
		some(path+".grafana.token_file", g.Token.File)
		if g.HTTP != nil {
			some(path+".grafana.http_config", compact(g.HTTP))
		}
	}
	if p := c.PagerDuty; p != nil {
		some(path+".pagerduty.url", p.URL)
		some(path+".pagerduty.schedule_ids", strings.Join(p.Schedules, ", "))
		some(path+".pagerduty.escalation_policies", strings.Join(p.EscalationPolicies, ", "))
		some(path+".pagerduty.token_env", p.Token.Env)
		some(path+".pagerduty.token_file", p.Token.File)
		if p.HTTP != nil {
			some(path+".pagerduty.http_config", compact(p.HTTP))
		}
	}
}
