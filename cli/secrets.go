package cli

import (
	"net/url"
	"os"
	"reflect"

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

// secrets are where the configuration says that secrets are, in whatever section:
// found by their types, so that none can be left out.
func secrets(cfg *config.Config) []config.Secret {
	all := []config.Secret{{Env: cfg.Prometheus.TokenEnv, File: cfg.Prometheus.TokenFile}}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch x := v.Interface().(type) {
		case config.Secret:
			all = append(all, x)
			return
		case *promconfig.HTTPClientConfig:
			all = append(all, access(x)...)
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i))
				}
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k))
			}
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		}
	}
	walk(reflect.ValueOf(*cfg))
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
