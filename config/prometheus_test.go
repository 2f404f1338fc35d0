package config

import (
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"
)

func TestHTTPConfigInPrometheusWords(t *testing.T) {
	c, err := load(t, User, `
prometheus:
  url: https://prometheus.example/
  http_config:
    oauth2:
      client_id: &id rollbook
      client_secret_file: /run/secret
      token_url: https://login.example/token
      scopes: [a, b]
      endpoint_params: {audience: prometheus}
      grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer
      client_certificate_key_file: /run/key
      signature_algorithm: RS256
      claims: {n: 1, ok: true, who: [*id]}
    tls_config: {min_version: TLS12, insecure_skip_verify: false}
    follow_redirects: false
    proxy_url: http://proxy.example:3128
    no_proxy: 10.0.0.0/8
    http_headers:
      X-Scope-OrgID: {values: [shop]}
      X-Api-Key: {files: [/run/api-key]}
`)
	if err != nil {
		t.Fatal(err)
	}
	h := c.Prometheus.HTTP
	if c.Prometheus.Address.URL != "https://prometheus.example" || h.OAuth2.ClientID != "rollbook" || h.FollowRedirects || !h.EnableHTTP2 ||
		h.TLSConfig.MinVersion != promconfig.TLSVersions["TLS12"] || h.ProxyURL.Host != "proxy.example:3128" ||
		h.HTTPHeaders.Headers["X-Scope-OrgID"].Values[0] != "shop" || len(h.OAuth2.Scopes) != 2 {
		t.Errorf("%+v", h)
	}
	if _, err := promconfig.NewClientFromConfig(promconfig.HTTPClientConfig{TLSConfig: h.TLSConfig, HTTPHeaders: h.HTTPHeaders, ProxyConfig: h.ProxyConfig}, "test"); err != nil {
		t.Error(err)
	}
	var shown string
	for _, s := range c.Settings() {
		if s.Path == "prometheus.http_config" {
			shown = s.Value
		}
	}
	if !strings.Contains(shown, "client_secret_file: /run/secret") || strings.Contains(shown, "\n") {
		t.Errorf("shown as %q", shown)
	}
}

func TestToken(t *testing.T) {
	env := func(k string) string { return map[string]string{"TOKEN": " s3cret\n"}[k] }
	for _, tc := range []struct {
		in   Prometheus
		want promconfig.Authorization
		err  string
	}{
		{in: Prometheus{TokenEnv: "TOKEN"}, want: promconfig.Authorization{Type: "Bearer", Credentials: "s3cret"}},
		{in: Prometheus{TokenFile: "/run/token"}, want: promconfig.Authorization{Type: "Bearer", CredentialsFile: "/run/token"}},
		{in: Prometheus{TokenEnv: "OTHER"}, err: "the environment variable OTHER is not set"},
		{in: Prometheus{}},
	} {
		h, err := tc.in.HTTPConfig(env)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%+v: %v", tc.in, err)
			}
			continue
		}
		if err != nil || !h.FollowRedirects {
			t.Errorf("%+v: %+v, %v", tc.in, h, err)
		}
		if (h.Authorization == nil) != (tc.want == promconfig.Authorization{}) || h.Authorization != nil && *h.Authorization != tc.want {
			t.Errorf("%+v: %+v", tc.in, h.Authorization)
		}
		if tc.in.HTTP != nil {
			t.Error("the configuration itself now holds the token")
		}
	}
}
