package cli

import (
	"context"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"rollbook/kube"
	"rollbook/sandbox"
)

// The help of a command has the flags that mean something there, and the commands
// those that a user calls.
func TestHelpHasWhatMeansSomething(t *testing.T) {
	for _, tt := range []struct {
		args      string
		has, lack []string
	}{
		{"incidents", []string{"--journal-dir", "--format"}, []string{"--as-group", "--context", "--kubeconfig", "--prometheus"}},
		{"report", []string{"--journal-dir"}, []string{"--token", "--context"}},
		{"replay", []string{"--journal-dir"}, []string{"--token", "--context"}},
		{"config init", []string{"--output"}, []string{"--token", "--context"}},
		{"config schema", []string{"--output"}, []string{"--token", "--context"}},
		{"config check", []string{"--context", "--config"}, nil},
		{"doctor", []string{"--context", "--prometheus"}, nil},
		{"sandbox", []string{"--scenario", "--namespace", "--read-only"}, []string{"--token", "--context", "--prometheus", "--config"}},
		{"", []string{"doctor", "sandbox", "--context"}, []string{"  keys "}},
	} {
		out, _, err := runs(t, append(strings.Fields(tt.args), "--help")...)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range tt.has {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q", tt.args, w)
			}
		}
		for _, w := range tt.lack {
			if strings.Contains(out, w) {
				t.Errorf("%s: %q", tt.args, w)
			}
		}
	}
	if out, _, err := runs(t, "__complete", "sandbox", "--scenario", ""); err != nil || !strings.Contains(out, "two-bad-releases\t") {
		t.Errorf("%v %s", err, out)
	}
}

// As a plugin it calls itself by both words, as one has to write it.
func TestHelpOfThePlugin(t *testing.T) {
	was := os.Args[0]
	t.Cleanup(func() { os.Args[0] = was })
	os.Args[0] = "/usr/local/bin/kubectl-rollbook"
	out, _, err := runs(t, "--help")
	if err != nil || !strings.Contains(out, "kubectl rollbook [KIND/NAME]") || !strings.Contains(out, "kubectl rollbook [command]") || strings.Contains(out, "kubectl [command]") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, _, err := runs(t, "version"); err == nil || !strings.Contains(err.Error(), "kubectl rollbook --version") {
		t.Error(err)
	}
}

// What a shell completes comes from the kubeconfig and from the cluster, where that
// answers.
func TestCompletionAsksTheCluster(t *testing.T) {
	onSandbox(t, "errors", func(t *testing.T, on *flags) {
		cmd := newRoot()
		cmd.SetContext(t.Context())
		for name, tt := range map[string]struct {
			complete completion
			args     []string
			want     string
		}{
			"workloads":     {completeWorkloads(on), nil, "deployment/backend-python deployment/backend-rust deployment/frontend"},
			"only one":      {completeWorkloads(on), []string{"deployment/frontend"}, ""},
			"of namespaces": {asking(on, func(ctx context.Context, c *kube.Client) ([]string, error) { return c.Namespaces(ctx) }), nil, "data default kube-system monitoring production"},
		} {
			got, directive := tt.complete(cmd, tt.args, "")
			if strings.Join(got, " ") != tt.want || directive != cobra.ShellCompDirectiveNoFileComp {
				t.Errorf("%s: %q %d", name, got, directive)
			}
		}
		if got := on.kube.Contexts(); len(got) != 1 || got[0] != sandbox.Context {
			t.Errorf("contexts: %q", got)
		}
		away := *on
		away.stage.dial = func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
		began := time.Now()
		if got, _ := completeWorkloads(&away)(cmd, nil, ""); len(got) > 0 || time.Since(began) > 2*completeWait {
			t.Errorf("without a cluster: %q after %s", got, time.Since(began))
		}
	})
}
