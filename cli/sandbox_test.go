package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/sandbox"
)

// asCommand is the program with these arguments and with traps around it: a
// kubeconfig, a configuration and a home that it must not read.
func asCommand(t *testing.T, args ...string) (cmd *exec.Cmd, tmp string) {
	t.Helper()
	home, tmp := t.TempDir(), t.TempDir()
	for _, f := range []string{"kubeconfig", "rollbook.yaml"} {
		if err := os.WriteFile(filepath.Join(home, f), []byte("]["), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd = exec.CommandContext(t.Context(), os.Args[0])
	cmd.Dir = home
	cmd.Env = []string{asProgram + "=" + strings.Join(args, "\x1f"), "HOME=" + home, "TMPDIR=" + tmp, "XDG_STATE_HOME=" + filepath.Join(home, "state"),
		"KUBECONFIG=" + filepath.Join(home, "kubeconfig"), "PATH=" + os.Getenv("PATH")}
	return cmd, tmp
}

func TestSandboxMessages(t *testing.T) {
	faulty := filepath.Join(t.TempDir(), "ours.yaml")
	if err := os.WriteFile(faulty, []byte("name: ours\nreleases:\n- {at: -8m, workload: frontend, imagee: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refusedFile, err := filepath.Abs(refused)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		exit int
		want []string
	}{
		{"no terminal", []string{"sandbox"}, 1, []string{"needs a terminal", "rollbook sandbox --serve"}},
		{"unknown scenario", []string{"sandbox", "--serve", "--scenario", "volcano"}, 1, []string{`"volcano"`, "crash-loop", "two-bad-releases", "random", "./volcano.yaml"}},
		{"no such file", []string{"sandbox", "--serve", "--scenario", "./volcano.yaml"}, 1, []string{"volcano.yaml", "no such file"}},
		{"refused by the cluster", []string{"sandbox", "--serve", "--scenario", refusedFile}, 1, []string{"refused.yaml: release hotel:1 of hotel", "spec.selector"}},
		{"faulty file", []string{"sandbox", "--serve", "--scenario", faulty}, 1, []string{"ours.yaml:3:", "imagee"}},
		{"another cluster", []string{"sandbox", "--context", "prod"}, 2, []string{"--context is of no use here"}},
		{"another Prometheus", []string{"sandbox", "--prometheus", "http://prod"}, 2, []string{"--prometheus is of no use here"}},
		{"another configuration", []string{"--config", "x.yaml", "sandbox"}, 2, []string{"--config is of no use here"}},
		{"an argument", []string{"sandbox", "errors"}, 2, []string{"no argument", `"errors"`}},
		{"list and serve", []string{"sandbox", "--list", "--serve"}, 2, []string{"--list goes with no other flag"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd, tmp := asCommand(t, c.args...)
			var said, out strings.Builder
			cmd.Stderr, cmd.Stdout = &said, &out
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.exit {
				t.Errorf("exit: %v, want %d", err, c.exit)
			}
			for _, w := range c.want {
				if !strings.Contains(said.String(), w) {
					t.Errorf("%q is not said: %s", w, said.String())
				}
			}
			if out.Len() > 0 {
				t.Errorf("standard output: %s", out.String())
			}
			nothingIn(t, tmp)
		})
	}
}

func nothingIn(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v %v", left, err)
	}
}

func TestSandboxList(t *testing.T) {
	cmd, _ := asCommand(t, "sandbox", "--list")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"crash-loop", "errors", "slow", "stuck-rollout", "no-metrics", "two-components", "two-bad-releases", "healed", "random"} {
		if !strings.Contains(string(out), "\n"+name+" ") && !strings.HasPrefix(string(out), name+" ") {
			t.Errorf("%s is not listed:\n%s", name, out)
		}
	}
}

// Served, it is a cluster for any client, and after each way of ending it
// nothing is left: no process, no port, no file.
func TestSandboxServes(t *testing.T) {
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(end.String(), func(t *testing.T) {
			t.Parallel()
			cmd, tmp := asCommand(t, "sandbox", "--serve", "--scenario", "errors")
			var said strings.Builder
			cmd.Stderr = &said
			vars, pipe := sandboxServed(t, cmd)
			addrs := looksAround(t, vars["KUBECONFIG"], vars["PROMETHEUS"])
			if err := cmd.Process.Signal(end); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, pipe)
			if err := cmd.Wait(); err != nil || said.Len() > 0 {
				t.Errorf("it ended with %v and said %q", err, said.String())
			}
			nothingIn(t, tmp)
			for _, addr := range addrs {
				if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
					_ = c.Close()
					t.Errorf("%s still answers", addr)
				}
			}
		})
	}
}

// sandboxServed starts a command that serves a sandbox, and returns what it
// prints to export and the rest of its output. It is killed with the test.
func sandboxServed(t *testing.T, cmd *exec.Cmd) (vars map[string]string, rest io.Reader) {
	t.Helper()
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	vars = map[string]string{}
	for lines := bufio.NewScanner(pipe); len(vars) < 2 && lines.Scan(); {
		if name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "="); ok {
			vars[name] = value
		}
	}
	if len(vars) < 2 {
		t.Fatalf("it printed %v", vars)
	}
	return vars, pipe
}

// looksAround asks a served sandbox as a stranger does, and returns its
// addresses.
func looksAround(t *testing.T, kubeconfig, prometheus string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for path, want := range map[string]fs.FileMode{kubeconfig: 0o600, filepath.Dir(kubeconfig): 0o700 | fs.ModeDir} {
		if st, err := os.Stat(path); err != nil || st.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", path, st.Mode(), err, want)
		}
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	apps, err := appsv1.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	list, err := apps.Deployments("production").List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 3 {
		t.Fatalf("%d Deployments, %v", len(list.Items), err)
	}
	get := func(url, token string) (int, string) {
		as := rest.AnonymousClientConfig(cfg)
		as.BearerToken = token
		client, err := rest.HTTPClientFor(as)
		if err != nil {
			t.Fatal(err)
		}
		defer client.CloseIdleConnections()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	if code, body := get(prometheus+"/api/v1/alerts", ""); code != 200 || !strings.Contains(body, `"HighErrorRate"`) || !strings.Contains(body, `"firing"`) {
		t.Errorf("alerts: %d %s", code, body)
	}
	if code, body := get(cfg.Host+"/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=up", cfg.BearerToken); code != 200 || !strings.Contains(body, `"success"`) {
		t.Errorf("through the API server: %d %s", code, body)
	}
	where, err := url.Parse(prometheus)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "wrong"} {
		if code, _ := get(cfg.Host+"/apis/apps/v1/deployments", token); code != http.StatusUnauthorized {
			t.Errorf("the API with the token %q: %d, want 401", token, code)
		}
		for _, path := range []string{"/api/v1/alerts", "/prometheus/api/v1/alerts", "/prometheus/0000/api/v1/alerts"} {
			if code, _ := get("http://"+where.Host+path, token); code != http.StatusNotFound {
				t.Errorf("Prometheus at %s with the token %q: %d, want 404", path, token, code)
			}
		}
	}
	return []string{strings.TrimPrefix(cfg.Host, "https://"), where.Host}
}

// What docs/sandbox.md shows is there, and works.
func TestSandboxIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := sandbox.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if row := "| `" + s.Name + "` | " + s.Title + " |"; !strings.Contains(string(text), row) {
			t.Errorf("docs/sandbox.md lacks %s", row)
		}
	}
	_, example, _ := strings.Cut(string(text), "```yaml\n")
	example, _, ok := strings.Cut(example, "```")
	file := filepath.Join(t.TempDir(), "example.yaml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := sandbox.Load(file); err != nil {
		t.Errorf("the example: %v", err)
	}
}
