package config

import (
	"fmt"
	"strings"
)

// A Query is one of the team's own in PromQL, with the key where it stands.
type Query struct {
	Path, Text string
	Source     string // FILE:LINE
}

// Queries returns every query of the configuration.
func (c *Config) Queries() []Query {
	var all []Query
	add := func(at, path, text string) {
		if text == "" {
			return
		}
		q := Query{Path: path, Text: text}
		if o, ok := c.origins[at]; ok {
			q.Source = fmt.Sprintf("%s:%d", o.file, o.line)
		}
		all = append(all, q)
	}
	for _, k := range c.Components {
		path := componentPath(k.Name)
		add(path+".metrics.errors", path+".metrics.errors", k.Metrics.Errors)
		add(path+".metrics.p95", path+".metrics.p95", k.Metrics.P95)
		add(path+".metrics.requests", path+".metrics.requests", k.Metrics.Requests)
		for _, q := range k.Checks.PromQL {
			add(path+".checks.promql", path+".checks.promql "+quote(q.Name), q.Query)
		}
	}
	return all
}

// Unset returns what is wrong with the environment variables from which the
// configuration takes secrets: one that is not set is needed only when it is used.
func (c *Config) Unset(getenv func(string) string) []string {
	var all []string
	for _, s := range c.Settings() {
		if strings.HasSuffix(s.Path, "_env") && strings.TrimSpace(getenv(s.Value)) == "" {
			all = append(all, fmt.Sprintf("%s: %s: the environment variable %s is not set here", s.Source, s.Path, s.Value))
		}
	}
	return all
}
