package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollbook/sandbox"
)

// bedded is a kubeconfig of a sandbox that is there while the test runs.
func bedded(t *testing.T) string {
	t.Helper()
	s, err := sandbox.Start(t.Context(), sandbox.Options{Scenario: mustLoad(t, "errors"), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	text, err := s.Kubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t *testing.T, name string) *sandbox.Scenario {
	t.Helper()
	s, err := sandbox.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func configured(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rollbook.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is configured and not there is a failure, each with what to do.
func TestDoctorFailsOnWhatIsNotThere(t *testing.T) {
	kubeconfig := bedded(t)
	for _, tt := range []struct {
		name, config string
		want         []string
	}{
		{"workload", "components:\n- {name: api, workload: deploy/backend-pyton}\n",
			[]string{"✗ failed", "deployment/backend-pyton does not exist in namespace production; did you mean deployment/backend-python?", "components.api.workload"}},
		{"maintenance", "recovery: {maintenance: /nowhere/page.yaml}\n", []string{"✗ failed", "maintenance page", "stat /nowhere/page.yaml: no such file", "recovery.maintenance"}},
		{"pods", "components:\n- {name: frontend, workload: deploy/frontend, checks: {pods: app=nothing}}\n",
			[]string{"✓ ok       workload frontend", "✗ failed", "no pod has the labels app=nothing in namespace production", "components.frontend.checks.pods"}},
		{"health", "components:\n- {name: frontend, workload: deploy/frontend, checks: {health: [\"http://127.0.0.1:1/health\"]}}\n",
			[]string{"✗ failed", "connection refused", "checks.health of frontend"}},
		{"link", "links: {wiki: \"http://127.0.0.1:1/wiki\"}\n", []string{"✗ failed", "link wiki", "connection refused"}},
	} {
		out, _, err := runs(t, "doctor", "--kubeconfig", kubeconfig, "--config", configured(t, tt.config))
		if err == nil || !strings.Contains(err.Error(), "checks failed") {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, w := range tt.want {
			if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(w), " ")) {
				t.Errorf("%s: no %q in\n%s", tt.name, w, out)
			}
		}
	}
}

// Queries are parsed before an incident needs them, and what is not set is told.
func TestConfigCheckParsesQueries(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none")
	check := func(text string) (string, error) {
		out, _, err := runs(t, "config", "check", "--kubeconfig", nowhere, "--config", configured(t, text))
		return out, err
	}
	for query, want := range map[string]string{
		"sum(rate(foo[1m])":     ":4: components[api].metrics.errors: line 1, column 18 of the query: unclosed left parenthesis",
		"sum(rate(foo[$window]": "line 1, column 22 of the query: unclosed left parenthesis",
		"rate(foo)":             "line 1, column 6 of the query: expected type range vector",
		"fooo_rate(foo[1m])":    `line 1, column 1 of the query: unknown function with name "fooo_rate"`,
	} {
		if _, err := check("components:\n- name: api\n  workload: deploy/api\n  metrics: {requests: '1', errors: '" + query + "'}\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
	if out, err := check("components:\n- name: api\n  workload: deploy/api\n  metrics: {requests: '1', errors: 'sum(rate(foo[$window])) / 2'}\n"); err != nil || !strings.Contains(out, "$window") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := check("prometheus: {url: 'https://p.example', token_env: TEST_UNSET_TOKEN}\n")
	if err != nil || !strings.Contains(out, "prometheus.token_env: the environment variable TEST_UNSET_TOKEN is not set here") {
		t.Errorf("%v\n%s", err, out)
	}
}
