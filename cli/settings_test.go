package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"rollbook/config"
	"rollbook/incident"
	"rollbook/kube"
)

// What the recovery page is filled in with comes from the configuration, each key.
func TestRecoveryOfTheConfigurationIsTheIncidents(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kubeconfig := file("config", `{"apiVersion":"v1","kind":"Config","current-context":"prod",
		"clusters":[{"name":"prod","cluster":{"server":"https://prod.example"}}],
		"contexts":[{"name":"prod","context":{"cluster":"prod","namespace":"shop"}}]}`)
	c, err := kube.Connect(&kube.Flags{Kubeconfig: kubeconfig}, kube.Options{Version: "test", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Find(file("rollbook.yaml", `
recovery:
  maintenance: maintenance.yaml
  restore: https://wiki.example/restore
  steps:
    - text: choose the backup
    - {text: restore it, command: kubectl -n data exec postgresql-0 -- restore}
  overlay: overlays/prod
  replicas: 4
`), "", "")...)
	if err != nil {
		t.Fatal(err)
	}
	set, err := settings(cfg, c, &flags{}, nil)
	want := incident.Recovery{Maintenance: filepath.Join(dir, "maintenance.yaml"), Restore: "https://wiki.example/restore",
		Overlay: filepath.Join(dir, "overlays", "prod"), Replicas: 4,
		Steps: []incident.RestoreStep{{Text: "choose the backup"}, {Text: "restore it", Command: "kubectl -n data exec postgresql-0 -- restore"}}}
	if err != nil || !reflect.DeepEqual(set.Recovery, want) {
		t.Errorf("%+v, %v; want %+v", set.Recovery, err, want)
	}
}
