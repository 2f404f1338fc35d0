package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMessages starts the program as a user does, with everything wrong that can
// be wrong before the screen opens: each gives one clear message on standard
// error, nothing on standard output, and a non-zero exit.
func TestMessages(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("kubeconfig", `apiVersion: v1
kind: Config
current-context: prod
contexts: [{name: prod, context: {cluster: c, user: u, namespace: production}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
`)
	several := write("several", `apiVersion: v1
kind: Config
contexts: [{name: prod, context: {cluster: c, user: u}}, {name: dr, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
`)
	broken := write("broken", "apiVersion: [")
	typo := write("typo.yaml", "limits:\n  errors: {over: 5, for: 5m}\n")
	unknown := write("unknown.yaml", "limitz: {}\n")
	file := write("file", "")
	for _, c := range []struct {
		name string
		args []string
		kube string
		exit int
		want string
	}{
		{"no terminal", nil, good, 1, "needs a terminal"},
		{"unknown flag", []string{"--nonsense"}, good, 2, "unknown flag: --nonsense"},
		{"flag without its value", []string{"--context"}, good, 2, "--context"},
		{"odd timeout", []string{"--request-timeout", "soon"}, good, 2, "--request-timeout"},
		{"no kubeconfig", nil, filepath.Join(dir, "none"), 1, "kubeconfig"},
		{"named kubeconfig is not there", []string{"--kubeconfig", filepath.Join(dir, "none")}, good, 1, "none"},
		{"broken kubeconfig", nil, broken, 1, "kubeconfig"},
		{"unknown context", []string{"--context", "staging"}, good, 1, `context "staging" does not exist`},
		{"no current context", nil, several, 1, "give --context; there are dr, prod"},
		{"a command that is not there", []string{"dotcor"}, filepath.Join(dir, "none"), 2, "no such command: dotcor; did you mean doctor?"},
		{"a flag as a command", []string{"version"}, filepath.Join(dir, "none"), 2, "--version prints it"},
		{"a workload without its kind", []string{"frontend"}, filepath.Join(dir, "none"), 2, "deployment/frontend"},
		{"two workloads", []string{"deploy/a", "deploy/b"}, good, 2, "one workload at most"},
		{"odd workload", []string{"pod/a"}, good, 2, "pod"},
		{"odd Prometheus", []string{"--prometheus", "prometheus:9090"}, good, 2, "--prometheus"},
		{"config is not there", []string{"--config", filepath.Join(dir, "no.yaml")}, good, 1, "no.yaml"},
		{"config is a folder", []string{"--config", dir}, good, 1, "folder"},
		{"unit missing", []string{"--config", typo}, good, 1, "typo.yaml:2:"},
		{"unknown key", []string{"--config", unknown}, good, 1, "limits"},
		{"journal folder is a file", []string{"--journal-dir", file}, good, 1, "not a folder"},
		{"unknown command's argument", []string{"config", "chekc"}, good, 2, "init, check or schema"},
		{"doctor: unknown context", []string{"doctor", "--context", "staging"}, good, 1, `context "staging" does not exist`},
		{"doctor: nobody answers", []string{"doctor"}, good, 1, "checks failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), asProgram+"="+strings.Join(c.args, "\x1f"), "KUBECONFIG="+c.kube, "HOME="+dir, "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "KUBERNETES_SERVICE_HOST=")
			cmd.Dir = dir
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run() // the exit code is what counts
			if code := cmd.ProcessState.ExitCode(); code != c.exit {
				t.Errorf("exit %d, want %d", code, c.exit)
			}
			said := errs.String()
			if !strings.Contains(said, c.want) || !strings.HasPrefix(said, "rollbook: ") {
				t.Errorf("said %q, want %q in it", said, c.want)
			}
			if strings.Count(said, "rollbook: ") != 1 || strings.Contains(said, "Usage:") {
				t.Errorf("not one message: %q", said)
			}
			if out.Len() > 0 && c.args != nil && c.args[0] != "doctor" {
				t.Errorf("standard output: %q", out.String())
			}
			if strings.Contains(said, "goroutine") {
				t.Errorf("a panic: %s", said)
			}
		})
	}
}

// What a credential program says when it fails stands in doctor's table: what to do
// stands there.
func TestDoctorTellsWhatTheLoginSays(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plugin := write("sso", "#!/bin/sh\necho 'the session has expired. Run: cloud sso login' >&2\nexit 255\n")
	expired := write("expired", `apiVersion: v1
kind: Config
current-context: prod
contexts: [{name: prod, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: `+plugin+`, interactiveMode: IfAvailable}}}]
`)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"=doctor", "KUBECONFIG="+expired, "HOME="+dir, "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "KUBERNETES_SERVICE_HOST=")
	cmd.Dir = dir
	out, _ := cmd.Output() // it fails
	if !strings.Contains(string(out), "https://127.0.0.1:1 was not asked: the session has expired. Run: cloud sso login (sso, exit code 255)") {
		t.Errorf("%s", out)
	}
}
