package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// What docs/pipelines shows can be copied: its commands have the flags that they name, its
// configuration is valid, and its Roles are there.
func TestPipelines(t *testing.T) {
	files, err := filepath.Glob("../docs/pipelines/*")
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	called := regexp.MustCompile(`(?:run: |- |^ +|\[)(rollbook,? (?:watch|drill).*)`)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		text := strings.ReplaceAll(string(raw), "20m\n    --journal-dir", "20m --journal-dir")
		for _, line := range strings.Split(text, "\n") {
			found := called.FindStringSubmatch(line)
			if found == nil {
				continue
			}
			n++
			words := strings.Fields(strings.NewReplacer(",", " ", "[", "", "]", "", `"`, "").Replace(found[1]))
			cmd, rest, err := newRoot().Find(words[1:])
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err == nil {
				err = cmd.Args(cmd, cmd.Flags().Args())
			}
			if err != nil || cmd.Name() != words[1] {
				t.Errorf("%s: %s: %v", file, strings.Join(words, " "), err)
			}
		}
		if n == 0 {
			t.Errorf("%s calls no rollbook", file)
		}
		for _, doc := range strings.Split(string(raw), "\n---\n") {
			var o struct {
				Kind    string
				RoleRef struct{ Name string }
				Data    map[string]string
			}
			if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if name := strings.TrimPrefix(o.RoleRef.Name, "rollbook-"); o.Kind == "RoleBinding" {
				if _, err := os.Stat("../docs/rbac/" + name + ".yaml"); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
			if text := o.Data["rollbook.yaml"]; text != "" {
				path := filepath.Join(t.TempDir(), "rollbook.yaml")
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := loadConfig(&flags{config: path}); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
}
