package config

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	promconfig "github.com/prometheus/common/config"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *decoder) prometheus(v value) {
	p := &d.cfg.Prometheus
	v.fields(
		field{name: "url", set: func(v value) {
			if v.draws(Schema{Type: "string", Pattern: addressPattern}) {
				return
			}
			s, ok := v.line()
			if !ok {
				return
			}
			a, err := ParseAddress(s)
			if err != nil {
				v.fail("%s", err)
				return
			}
			p.Address = a
			v.remember()
		}},
		durationField("scrape_interval", &p.ScrapeInterval, time.Second, 10*minute),
		matchField("match", &p.Match),
		field{name: "labels", set: func(v value) {
			v.fields(lineField("namespace", &p.Namespace, checkLabel).as(lineOf(plainLabel)), lineField("pod", &p.Pod, checkLabel).as(lineOf(plainLabel)))
		}},
		lineField("token_env", &p.TokenEnv, checkEnvName).as(lineOf(envName)),
		d.pathField("token_file", &p.TokenFile),
		field{name: "http_config", set: func(v value) { d.httpConfig(v, &p.HTTP) }},
	)
	if p.TokenEnv != "" && p.TokenFile != "" {
		v.failKey("has both token_env and token_file; keep one")
	}
	if h := p.HTTP; h != nil && (p.TokenEnv != "" || p.TokenFile != "") && (h.Authorization != nil || h.BasicAuth != nil || h.OAuth2 != nil) {
		v.failKey("has both a token and credentials in http_config; keep one")
	}
}

// checkLabel accepts the name of a label.
func checkLabel(s string) error {
	if !plainLabel.MatchString(s) {
		return fmt.Errorf("%s is not the name of a label, such as kubernetes_pod_name", quote(s))
	}
	return nil
}

// HTTPConfig returns what a client needs to reach p, in the words of
// prometheus/common, with the token that getenv holds. Its error names the
// variable that is missing.
func (p Prometheus) HTTPConfig(getenv func(string) string) (promconfig.HTTPClientConfig, error) {
	h := promconfig.DefaultHTTPClientConfig
	if p.HTTP != nil {
		h = *p.HTTP
	}
	switch {
	case p.TokenFile != "":
		h.Authorization = &promconfig.Authorization{Type: "Bearer", CredentialsFile: p.TokenFile}
	case p.TokenEnv != "":
		token := strings.TrimSpace(getenv(p.TokenEnv))
		if token == "" {
			return h, fmt.Errorf("prometheus.token_env: the environment variable %s is not set; export it, or use token_file", p.TokenEnv)
		}
		h.Authorization = &promconfig.Authorization{Type: "Bearer", Credentials: promconfig.Secret(token)}
	}
	return h, h.Validate()
}

// httpConfig reads a subtree in the words of prometheus/common. That package
// decodes with another YAML library, whose errors know no position in our file
// and repeat values. So the tree is first checked against the type's own tags,
// and what passes is handed over as JSON.
func (d *decoder) httpConfig(v value, to **promconfig.HTTPClientConfig) {
	if v.sketch != nil {
		v.drawOnce("http_config", func(v value) { d.drawShape(v, reflect.TypeFor[promconfig.HTTPClientConfig]()) })
		return
	}
	before := d.count
	plain := d.shape(v, reflect.TypeFor[promconfig.HTTPClientConfig]())
	if d.count > before {
		return
	}
	if plain == nil {
		v.fail("has no value")
		return
	}
	data, err := json.Marshal(plain)
	if err != nil {
		v.failKey("cannot be read")
		return
	}
	h, err := promconfig.LoadHTTPConfig(string(data))
	if err == nil {
		err = h.Validate()
	}
	if err != nil {
		v.failKey("%s", strings.TrimPrefix(printable(err.Error()), "yaml: "))
		return
	}
	for name, header := range headersOf(h) {
		if _, reserved := promconfig.ReservedHeaders[http.CanonicalHeaderKey(name)]; reserved {
			v.failKey("the header %s may not be set", quote(name))
			return
		}
		if len(header.Values) > 0 && secretHeader.MatchString(name) {
			v.failKey("a secret may not stand here: give the header %s by files", quote(name))
			return
		}
	}
	h.SetDirectory(d.dir())
	*to = h
	v.remember()
}

var secretHeader = regexp.MustCompile(`(?i)token|key|secret|auth|cookie|password`)

func headersOf(h *promconfig.HTTPClientConfig) map[string]promconfig.Header {
	if h.HTTPHeaders == nil {
		return nil
	}
	return h.HTTPHeaders.Headers
}

// inline says what to write instead of a key that holds a secret itself, or
// that names one in a secret manager, which rollbook has none of.
var inline = map[string]string{
	"password":               "password_file",
	"credentials":            "credentials_file, or token_env",
	"bearer_token":           "authorization: {credentials_file: …}, or token_env",
	"bearer_token_file":      "authorization: {credentials_file: …}",
	"client_secret":          "client_secret_file",
	"client_certificate_key": "client_certificate_key_file",
	"key":                    "key_file",
	"secrets":                "files",
	"proxy_connect_header":   "proxy_from_environment, or a proxy that needs none",
}

// shape checks a value against a Go type with yaml tags, and returns it as
// what encoding/json marshals.
func (d *decoder) shape(v value, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if v.node == nil {
		return nil
	}
	switch {
	case t == reflect.TypeFor[promconfig.URL]():
		s, ok := v.line()
		if ok {
			if err := checkURL(s); err != nil {
				v.fail("%s", err)
			}
		}
		return s
	case t == reflect.TypeFor[promconfig.TLSVersion]():
		s, ok := v.line()
		if _, known := promconfig.TLSVersions[s]; ok && !known {
			v.fail("is none of TLS10, TLS11, TLS12 and TLS13")
		}
		return s
	case t == reflect.TypeFor[promconfig.Headers]():
		t = reflect.TypeFor[map[string]promconfig.Header]()
	}
	switch t.Kind() {
	case reflect.Struct:
		return d.shapeStruct(v, t)
	case reflect.Map:
		m := map[string]any{}
		for _, e := range v.entries() {
			if secretParams[strings.ToLower(e.name)] || strings.Contains(strings.ToLower(e.name), "secret") {
				e.value.failKey("a secret may not stand here")
			}
			m[e.name] = d.shape(e.value, t.Elem())
		}
		return m
	case reflect.Slice:
		var all []any
		for _, item := range v.items() {
			all = append(all, d.shape(item, t.Elem()))
		}
		return all
	case reflect.Bool:
		var b bool
		boolField("", &b).set(v)
		return b
	case reflect.Interface:
		return d.shapeAny(v)
	case reflect.String:
		s, _ := v.line()
		return s
	}
	v.fail("is not supported by rollbook")
	return nil
}

// shapeAny is shape for a value of which nothing is known (claims of a token).
func (d *decoder) shapeAny(v value) any {
	switch n := v.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return d.shape(v, reflect.TypeFor[map[string]any]())
	case *ast.SequenceNode:
		return d.shape(v, reflect.TypeFor[[]any]())
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode:
		if i, ok := integer(n); ok {
			return i
		}
	case *ast.StringNode, *ast.LiteralNode:
		s, _ := v.text()
		return s
	}
	v.fail("text, a whole number, true or false is meant here")
	return nil
}

func (d *decoder) shapeStruct(v value, t reflect.Type) any {
	types := map[string]reflect.Type{}
	structFields(t, types)
	var known []string
	for name := range types {
		if inline[name] == "" && !strings.HasSuffix(name, "_ref") {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	m := map[string]any{}
	for _, e := range v.entries() {
		ft, ok := types[e.name]
		switch {
		case !ok:
			e.value.failKey("%s", unknownKey(e.name, v.path, known))
		case inline[e.name] != "":
			e.value.failKey("a secret may not stand here; use %s", inline[e.name])
		case strings.HasSuffix(e.name, "_ref"):
			e.value.failKey("there is no secret manager; use %s", strings.TrimSuffix(e.name, "_ref")+"_file")
		default:
			m[e.name] = d.shape(e.value, ft)
		}
	}
	return m
}

// structFields collects the keys of a struct by its yaml tags, those of inlined
// structs among them.
func structFields(t reflect.Type, into map[string]reflect.Type) {
	for f := range t.Fields() {
		tag, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case f.PkgPath != "" && !f.Anonymous || tag == "-":
		case strings.Contains(opts, "inline") && f.Type.Kind() == reflect.Struct:
			structFields(f.Type, into)
		case tag != "":
			into[tag] = f.Type
		}
	}
}

// dir returns the folder that relative paths in the source mean.
func (d *decoder) dir() string {
	if d.src.Path == "" {
		return ""
	}
	dir, err := filepath.Abs(filepath.Dir(d.src.Path))
	if err != nil {
		return filepath.Dir(d.src.Path)
	}
	return dir
}

// pathField takes a path: absolute, below the home ("~/"), or relative to the
// folder of the file that names it.
func (d *decoder) pathField(name string, to *string) field {
	return field{name: name, set: func(v value) {
		s, ok := v.line()
		if !ok {
			return
		}
		if rest, home := strings.CutPrefix(s, "~/"); home {
			h, err := os.UserHomeDir()
			if err != nil {
				v.fail("there is no home for ~/; write an absolute path")
				return
			}
			s = filepath.Join(h, rest)
		}
		if !filepath.IsAbs(s) {
			s = filepath.Join(d.dir(), s)
		}
		*to = filepath.Clean(s)
		v.remember()
	}}
}
