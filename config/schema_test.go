package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compiled is the schema as a validator of others reads it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSchema(&b); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rollbook.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rollbook.json") // judged by the schema of schemas, too
	if err != nil {
		t.Fatal(err)
	}
	if s.DraftVersion != 2020 {
		t.Errorf("draft %d", s.DraftVersion)
	}
	return s
}

// errNoYAML is of a file that an editor marks without a schema.
var errNoYAML = errors.New("no YAML")

// judge returns what the validator says of a file, or errNoYAML.
func judge(t *testing.T, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("%w: %w", errNoYAML, err)
	}
	plain, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoYAML, err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(instance)
}

// What the decoder takes the schema takes: an editor must not mark what is right.
func TestSchemaTakesWhatIsRight(t *testing.T) {
	s := compiled(t)
	for name, text := range map[string]string{
		"the example, as it is written":    string(example),
		"the example, all of it":           string(uncommented()),
		"empty sections":                   "limits:\nverify:\ncomponents:\nlinks:\ncontacts:\nnotifications:\n",
		"health as a URL, logs as lines":   "components:\n  - name: a\n    workload: deploy/a\n    checks:\n      health: [http://a.example/healthz, {url: http://b.example, expect: 204, timeout: 2s}]\n      logs: {lines: 5, bad: panic}\n",
		"merged mappings":                  "components:\n  - &a\n    name: a\n    workload: deploy/a\n  - <<: *a\n    name: b\n    workload: deploy/b\n",
		"a block of text for a line":       "contacts:\n  lead:\n    who: |\n      maria\n    how: phone\n    when: always\n",
		"access in the words of others":    "prometheus:\n  url: https://p.example\n  http_config:\n    tls_config: {ca_file: ca.pem, min_version: TLS12}\n    http_headers: {X-Scope: {values: [a]}}\n    oauth2: {client_id: a, client_secret_file: s, token_url: https://t.example, endpoint_params: {audience: x}}\n",
		"durations with several units":     "limits:\n  p95: {over: 500ms, for: 1m30s}\nverify: {p95: 100ms}\n",
		"a service through the API server": "prometheus: {url: \"service:monitoring/prometheus:9090\"}\n",
	} {
		if _, err := Load(Source{Kind: User, Name: FileName, Data: []byte(text)}); err != nil {
			t.Errorf("%s: the decoder does not take it: %v", name, err)
		}
		if err := judge(t, s, []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// onlyChecked are the mistakes that no schema of one file can show: what is odd in the
// text of a YAML file, what contradicts something else, and what a number with a unit
// comes to. rollbook config check tells them.
var onlyChecked = []string{"aliases", "bidi", "contradictions", "http-token-twice", "method-not-there", "missing", "no-methods", "shared-methods", "shared-notifications", "shared-redeploy", "twice-a-workload", "two-documents"}

// Each mistake that is known is found by the schema, but for those that only the whole
// configuration shows.
func TestSchemaFindsMistakes(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := judge(t, s, data) != nil
		if only := slices.Contains(onlyChecked, name); found == only {
			t.Errorf("%s: found by the schema: %v", name, found)
		}
	}
	for name, text := range map[string]string{
		"an unknown section":       "limitz: {}\n",
		"a share without a unit":   "limits: {errors: {over: 5}}\n",
		"a time without a unit":    "limits: {errors: {for: 300}}\n",
		"an address of no page":    "methods: {gitlab: {token_env: T, url: gitlab.example}}\n",
		"a secret in the file":     "notifications: {slack: {ops: {url: \"https://hooks.example/hunter2\"}}}\n",
		"a password in the file":   "prometheus: {http_config: {basic_auth: {username: a, password: hunter2}}}\n",
		"a component with no name": "components: [{workload: deploy/a}]\n",
		"a list for a mapping":     "limits: [1]\n",
		"a count out of bounds":    "limits: {min_requests: 0}\n",
		"a word of another list":   "components: [{name: a, workload: deploy/a, metrics: {preset: htp}}]\n",
		"an empty list of labels":  "notifications: {gitlab: {a: {token_env: T, project: a/b, labels: []}}}\n",
	} {
		if err := judge(t, s, []byte(text)); err == nil || errors.Is(err, errNoYAML) {
			t.Errorf("%s: not found", name)
		}
		if _, err := Load(Source{Kind: User, Name: FileName, Data: []byte(text)}); err == nil {
			t.Errorf("%s: the decoder takes it", name)
		}
	}
}
