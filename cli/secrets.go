package cli

import (
	"net/url"
	"os"

	promconfig "github.com/prometheus/common/config"

	"rollbook/config"
	"rollbook/text"
)

// masked has everything masked that the configuration leads to: a pod's log or a
// server's answer may hold it as well. What the cluster is reached with, package
// kube makes known. One that cannot be read is none; whoever needs it says so.
func masked(cfg *config.Config) {
	for _, s := range secrets(cfg) {
		v, err := s.Read(os.Getenv)
		if err != nil {
			continue
		}
		text.Know(v)
		if u, err := url.Parse(v); err == nil && u.Host != "" {
			text.Know(u.RequestURI()) // all that a server logs of a webhook
		}
	}
}

// secrets are where the configuration says that secrets are.
func secrets(cfg *config.Config) []config.Secret {
	all := append(access(cfg.Prometheus.HTTP), config.Secret{Env: cfg.Prometheus.TokenEnv, File: cfg.Prometheus.TokenFile})
	add := func(h *promconfig.HTTPClientConfig, own ...config.Secret) {
		all = append(append(all, own...), access(h)...)
	}
	n := cfg.Notifications
	for _, hooks := range [][]config.Hook{n.Slack, n.Teams} {
		for _, h := range hooks {
			add(h.HTTP, h.URL)
		}
	}
	for _, s := range n.Statuspage {
		add(s.HTTP, s.Token)
	}
	for _, w := range n.Webhook {
		add(w.HTTP, w.URL, w.Token)
	}
	for _, g := range n.GitLab {
		add(g.HTTP, g.Token)
	}
	for _, k := range cfg.Contacts {
		if k.Grafana != nil {
			add(k.Grafana.HTTP, k.Grafana.Token)
		}
		if k.PagerDuty != nil {
			add(k.PagerDuty.HTTP, k.PagerDuty.Token)
		}
	}
	return all
}

// access are the secrets of an http_config, which names files alone.
func access(h *promconfig.HTTPClientConfig) []config.Secret {
	if h == nil {
		return nil
	}
	files := []string{h.BearerTokenFile}
	if h.BasicAuth != nil {
		files = append(files, h.BasicAuth.PasswordFile)
	}
	if h.Authorization != nil {
		files = append(files, h.Authorization.CredentialsFile)
	}
	if h.OAuth2 != nil {
		files = append(files, h.OAuth2.ClientSecretFile)
	}
	if h.HTTPHeaders != nil {
		for _, header := range h.HTTPHeaders.Headers {
			files = append(files, header.Files...)
		}
	}
	var all []config.Secret
	for _, f := range files {
		if f != "" {
			all = append(all, config.Secret{File: f})
		}
	}
	return all
}
