package cli

import (
	"slices"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"rollbook/config"
)

// What says where a secret is is found in whatever section it stands, by a pointer,
// in a list, and in an http_config.
func TestSecretsAreFound(t *testing.T) {
	at := func(name string) config.Secret { return config.Secret{Env: name} }
	web := &promconfig.HTTPClientConfig{BearerTokenFile: "/run/bearer"}
	cfg := &config.Config{
		Prometheus: config.Prometheus{TokenEnv: "PROM", HTTP: web},
		Notifications: config.Notifications{
			Slack:   []config.Hook{{URL: at("SLACK")}, {URL: at("SLACK2"), HTTP: &promconfig.HTTPClientConfig{BearerTokenFile: "/run/slack"}}},
			Webhook: []config.Webhook{{URL: at("HOOK"), Token: at("HOOKTOKEN")}},
		},
		Contacts: []config.Contact{{PagerDuty: &config.PagerDuty{Token: at("PD")}}},
	}
	got := secrets(cfg)
	for _, want := range []config.Secret{at("PROM"), at("SLACK"), at("SLACK2"), at("HOOK"), at("HOOKTOKEN"), at("PD"), {File: "/run/bearer"}, {File: "/run/slack"}} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not found", want)
		}
	}
}
