package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	work, xdg := t.TempDir(), t.TempDir()
	kinds := func(sources []Source) (got []Kind) {
		for _, s := range sources {
			got = append(got, s.Kind)
		}
		return got
	}
	if got := Find("", work, xdg); got != nil {
		t.Errorf("nothing there: %v", got)
	}
	if got := Find("", "", ""); got != nil {
		t.Errorf("no folders: %v", got)
	}
	write(t, filepath.Join(work, FileName), "")
	if got := kinds(Find("", work, xdg)); !reflect.DeepEqual(got, []Kind{Folder}) {
		t.Errorf("a project's: %v", got)
	}
	user := write(t, filepath.Join(xdg, "rollbook", FileName), "")
	if got := kinds(Find("", work, xdg)); !reflect.DeepEqual(got, []Kind{Folder, User}) {
		t.Errorf("both: %v", got)
	}
	if got := Find("x.yaml", work, xdg); len(got) != 1 || got[0].Kind != Flag || got[0].Path != "x.yaml" {
		t.Errorf("--config: %v", got)
	}
	if got := kinds(Find("", filepath.Dir(user), xdg)); !reflect.DeepEqual(got, []Kind{User}) {
		t.Errorf("working in the user's folder makes it untrusted: %v", got)
	}
}

func TestUserDir(t *testing.T) {
	for _, tc := range []struct{ xdg, home, want string }{
		{"/x", "/home/a", "/x"}, {"", "/home/a", "/home/a/.config"}, {"relative", "/home/a", "/home/a/.config"}, {"", "", ""},
	} {
		env := map[string]string{"XDG_CONFIG_HOME": tc.xdg, "HOME": tc.home}
		if got := UserDir(func(k string) string { return env[k] }); got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	large := write(t, filepath.Join(dir, "large.yaml"), strings.Repeat("# large\n", 40_000))
	fifo := filepath.Join(dir, "fifo.yaml")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dangling, FileName)); err != nil {
		t.Fatal(err)
	}
	yml := t.TempDir()
	write(t, filepath.Join(yml, "rollbook.yml"), "")
	type test struct {
		name    string
		sources []Source
		want    string
	}
	tests := []test{
		{"missing", Find(filepath.Join(dir, "none.yaml"), "", ""), "none.yaml: cannot be read: file does not exist; write one with: rollbook config init"},
		{"folder", Find(dir, "", ""), "is a folder; a file is needed, such as rollbook.yaml in it"},
		{"large", Find(large, "", ""), "large.yaml: has 313 kB; a configuration has at most 256"},
		{"large ConfigMap", []Source{{Kind: Cluster, Name: "configmap", Data: make([]byte, maxSize+1)}}, "configmap: has 257 kB"},
		{"fifo", []Source{{Kind: Folder, Path: fifo}}, "is not a regular file"},
		{"device", Find("/dev/zero", "", ""), "is not a regular file"},
		{"dangling link", Find("", dangling, ""), "file does not exist"},
		{"other ending", Find("", yml, ""), "rollbook.yml: is not read under this name: rename it to rollbook.yaml"},
		{"odd name", Find("a\x1b]0;t.yaml", "", ""), `"a\x1b]0;t.yaml": cannot be read`},
	}
	if os.Getuid() != 0 {
		secret := write(t, filepath.Join(dir, "secret.yaml"), "")
		if err := os.Chmod(secret, 0); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, test{"forbidden", Find(secret, "", ""), "permission denied; it must be readable for you"})
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(tc.sources...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v\nwant %q", err, tc.want)
			}
		})
	}
}

// "--config <(decrypt file)" is a pipe.
func TestFlagMayBeAPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(fifo, []byte("limits: {min_requests: 7}\n"), 0o600) }()
	c := mustLoad(t, Find(fifo, "", "")...)
	if err := <-done; err != nil || c.Limits.MinRequests != 7 {
		t.Errorf("%v, %+v", err, c.Limits)
	}
}

func TestFilesCombine(t *testing.T) {
	cluster := Source{Kind: Cluster, Name: "configmap", Data: []byte(`
limits: {min_requests: 10, errors: {over: 4%}, p95: {over: 3s}}
links: {a: https://a.example, b: https://b.example}
`)}
	folder := Source{Kind: Folder, Name: "folder", Data: []byte(`
limits: {min_requests: 20, errors: {over: 3%}}
components:
  - name: shop
    workload: deploy/shop
    metrics: {preset: http, match: job="shop"}
    checks: {logs: 5, health: [https://shop.example/a, https://shop.example/b]}
  - {name: cart, workload: deploy/cart}
contacts:
  lead: {who: Maria, how: phone}
`)}
	user := Source{Kind: User, Name: "user", Data: []byte(`
limits: {min_requests: 30}
components:
  - {name: mine, workload: deploy/mine, namespace: sandbox}
  - name: shop
    metrics: {preset: none}
    checks: {health: [https://127.0.0.1/x]}
links: {b: https://mine.example, c: https://c.example}
contacts:
  lead: {how: chat}
not_production: [{context: staging-*}]
prometheus: {url: https://prometheus.example, token_env: TOKEN}
`)}
	for _, order := range [][]Source{{cluster, folder, user}, {user, folder, cluster}} {
		c := mustLoad(t, order...)
		if l := c.Limits; l.MinRequests != 30 || l.Errors != 0.03 || l.P95 != 3*time.Second || l.ErrorsFor != 5*time.Minute {
			t.Errorf("limits: %+v", l)
		}
		var names []string
		for _, comp := range c.Components {
			names = append(names, comp.Name)
		}
		if got := strings.Join(names, " "); got != "shop cart mine" {
			t.Errorf("order of the components: %s", got)
		}
		shop := c.Components[0]
		if shop.Workload.Name != "shop" || shop.Metrics.Preset != "none" || shop.Metrics.Match != nil || shop.Checks.Logs != 5 || len(shop.Checks.Health) != 1 {
			t.Errorf("shop: %+v", shop)
		}
		if want := []Link{{"a", "https://a.example"}, {"b", "https://mine.example"}, {"c", "https://c.example"}}; !reflect.DeepEqual(c.Links, want) {
			t.Errorf("links: %v", c.Links)
		}
		if want := []Contact{{Role: "lead", Who: "Maria", How: "chat", When: "the rollback does not resolve the issue"}}; !reflect.DeepEqual(c.Contacts, want) {
			t.Errorf("contacts: %v", c.Contacts)
		}
		sources := map[string]string{}
		for _, s := range c.Settings() {
			sources[s.Path] = s.Source
		}
		for path, want := range map[string]string{
			"limits.min_requests":             "user:2",
			"limits.errors.over":              "folder:2",
			"limits.errors.for":               "default",
			"limits.p95.over":                 "configmap:2",
			"components[shop].workload":       "folder:5",
			"components[shop].metrics.preset": "user:6",
			"components[shop].checks.logs":    "folder:7",
			"components[shop].checks.health":  "user:7",
			"components[cart].checks.logs":    "default",
			"components[cart].metrics.preset": "default",
			"links.a":                         "configmap:3",
			"links.b":                         "user:8",
			"prometheus.token_env":            "user:12",
			"prometheus.scrape_interval":      "default",
		} {
			if sources[path] != want {
				t.Errorf("%s is from %q, want %q", path, sources[path], want)
			}
		}
	}
}

// One shared file may not make another one's, or the operator's, mistake look
// like its own.
func TestMistakesNameTheirFile(t *testing.T) {
	_, err := Load(
		Source{Kind: Folder, Name: "folder", Data: []byte("verify: {errors: 6%}\ncomponents: [{name: a}]\n")},
		Source{Kind: User, Name: "user", Data: []byte("limits: {p95: {over: 100ms}}\n")},
	)
	want := `folder:1:18: verify.errors: verify.errors (6%) must be below limits.errors.over (5%), or every rollback would look good
user:1:22: limits.p95.over: verify.p95 (500ms) must be below limits.p95.over (100ms), or every rollback would look good
folder:2:21: components[a]: the workload is missing, such as workload: Deployment/a`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", "/home/maria")
	file := write(t, filepath.Join(dir, "c.yaml"), `
recovery: {maintenance: kubernetes/maintenance.yaml, overlay: /srv/overlay, restore: "https://wiki.example/restore"}
journal_dir: ~/incidents
prometheus:
  http_config:
    authorization: {credentials_file: token}
    tls_config: {ca_file: ../ca.pem}
`)
	c := mustLoad(t, Find(file, "", "")...)
	for got, want := range map[string]string{
		c.Recovery.Maintenance: filepath.Join(dir, "kubernetes/maintenance.yaml"),
		c.Recovery.Overlay:     "/srv/overlay",
		c.Recovery.Restore:     "https://wiki.example/restore", // no path
		c.JournalDir:           "/home/maria/incidents",
		c.Prometheus.HTTP.Authorization.CredentialsFile: filepath.Join(dir, "token"),
		c.Prometheus.HTTP.TLSConfig.CAFile:              filepath.Join(filepath.Dir(dir), "ca.pem"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestHashAndCommit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example"}, args...)...)
		cmd.Env = gitEnv(os.Environ())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	was := gitDeadline
	gitDeadline = time.Minute
	t.Cleanup(func() { gitDeadline = was })
	const text = "limits: {min_requests: 7}\n"
	file := write(t, filepath.Join(dir, "sub", FileName), text)
	version := func() Version {
		t.Helper()
		return mustLoad(t, Find("", filepath.Dir(file), "")...).Versions(context.Background())[0]
	}
	sum := sha256.Sum256([]byte(text))
	if v := version(); v.Commit != "" || v.Changed || v.Hash != hex.EncodeToString(sum[:]) {
		t.Errorf("no work tree: %+v", v)
	}
	git("init", "-q")
	if v := version(); v.Commit != "" {
		t.Errorf("no commit yet: %+v", v)
	}
	git("commit", "-q", "--allow-empty", "-m", "a")
	if v := version(); len(v.Commit) != 40 || !v.Changed {
		t.Errorf("not committed: %+v", v)
	}
	git("add", ".")
	git("commit", "-q", "-m", "b")
	if v := version(); len(v.Commit) != 40 || v.Changed {
		t.Errorf("committed: %+v", v)
	}
	// The folder's own settings must not be able to run anything.
	ran := filepath.Join(dir, "ran")
	git("config", "core.fsmonitor", "touch "+ran)
	write(t, file, text+"# changed\n")
	if v := version(); len(v.Commit) != 40 || !v.Changed {
		t.Errorf("changed: %+v", v)
	}
	if exists(ran) {
		t.Error("a command from the folder's git settings was run")
	}

	one := mustLoad(t, Source{Kind: Folder, Data: []byte(text)})
	two := mustLoad(t, Source{Kind: Folder, Data: []byte(text)}, Source{Kind: User, Data: []byte("")})
	if one.Hash != hex.EncodeToString(sum[:]) || two.Hash == one.Hash || len(two.Hash) != 64 {
		t.Errorf("hashes: %s, %s", one.Hash, two.Hash)
	}
}
