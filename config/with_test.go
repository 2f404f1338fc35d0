package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The ConfigMap comes after the files were read, and stands below all of them.
func TestWithConfigMap(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), FileName), "limits:\n  errors: {over: 3%}\n")
	files, err := Load(Source{Kind: Folder, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("limits: nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	team := func(text string) Source {
		return Source{Kind: Cluster, Name: "ConfigMap production/rollbook", Data: []byte(text)}
	}
	all, err := files.With(team("limits:\n  errors: {over: 9%, for: 3m}\n  p95: {over: 4s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if l := all.Limits; l.Errors != 0.03 || l.ErrorsFor.String() != "3m0s" || l.P95.String() != "4s" {
		t.Errorf("%+v", l)
	}
	if files.Limits.P95.String() != "2s" || len(files.Sources) != 1 {
		t.Errorf("what was read before was changed: %+v", files.Limits)
	}
	if all.Hash == files.Hash || len(all.Sources) != 2 || all.Sources[0].Kind != Cluster {
		t.Errorf("%+v", all.Sources)
	}
	for text, want := range map[string]string{
		"limits:\n  errors: {over: 5}\n":               "ConfigMap production/rollbook:2:18: limits.errors.over",
		"prometheus:\n  url: http://evil.example\n":    "ConfigMap production/rollbook:1:1: prometheus: may not be set in the ConfigMap",
		"not_production:\n  - context: '*prod*'\n":     "ConfigMap production/rollbook:1:1: not_production: may not be set in the ConfigMap",
		"recovery:\n  maintenance: /tmp/evil.yaml\n":   "ConfigMap production/rollbook:1:1: recovery: may not be set in the ConfigMap",
		"recovery:\n  restore: https://evil.example\n": "ConfigMap production/rollbook:1:1: recovery: may not be set in the ConfigMap",
		"journal_dir: /tmp\n":                          "ConfigMap production/rollbook:1:1: journal_dir: may not be set in the ConfigMap",
	} {
		if _, err := files.With(team(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
