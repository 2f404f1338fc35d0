package kube

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var deleteOptions = metav1.DeleteOptions{}

const sample = `apiVersion: v1
kind: Config
current-context: prod
clusters:
- {name: eu, cluster: {server: "https://10.0.0.1:6443"}}
- {name: here, cluster: {server: "https://localhost:6443"}}
users:
- {name: maria, user: {token: t}}
- name: plugin
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false, interactiveMode: IfAvailable}}
contexts:
- {name: prod, context: {cluster: eu, user: maria, namespace: shop}}
- {name: local, context: {cluster: here, user: plugin}}
- {name: dangling, context: {cluster: nowhere, user: maria}}
`

func flagsFor(t *testing.T, content string) *Flags {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", path)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	return &Flags{}
}

func TestConnectResolvesAsKubectlDoes(t *testing.T) {
	flags := flagsFor(t, sample)
	flags.Timeout = "7s"
	c, err := Connect(flags, Options{Version: "1.2", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if c.Context() != "prod" || c.Namespace() != "shop" || c.User() != "maria" || c.Server() != "https://10.0.0.1:6443" || c.LoopbackServer() {
		t.Errorf("%s %s %s %s", c.Context(), c.Namespace(), c.User(), c.Server())
	}
	if c.cfg.UserAgent != "rollbook/1.2" || c.http.Timeout != 0 || c.limit != 7*time.Second || c.cfg.QPS >= 0 {
		t.Errorf("%s %v %v", c.cfg.UserAgent, c.http.Timeout, c.limit)
	}
	flags.CurrentContext, flags.Context.Namespace, flags.AuthInfo.Impersonate = "local", "other", "root"
	if c, err = Connect(flags, Options{Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if c.Context() != "local" || c.Namespace() != "other" || !c.LoopbackServer() || c.cfg.Impersonate.UserName != "root" {
		t.Errorf("%+v", c)
	}
	if !c.cfg.ExecProvider.StdinUnavailable {
		t.Error("a plugin could take the terminal's input")
	}
}

func TestConnectSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		set          func(*Flags)
		kind         error
		words        []string
	}{
		{"no file", "", func(f *Flags) { f.Kubeconfig = "/no/such/file" }, ErrNoConfig, []string{"/no/such/file", "--kubeconfig"}},
		{"no current context", strings.Replace(sample, "current-context: prod", "current-context: ''", 1), nil, ErrNoContext, []string{"no context is current in ", "give --context; there are dangling, local, prod"}},
		{"an auth provider that is gone", strings.Replace(sample, "user: {token: t}", "user: {auth-provider: {name: gcp}}", 1), nil, ErrBadConfig, []string{"gke-gcloud-auth-plugin"}},
		{"another that is gone", strings.Replace(sample, "user: {token: t}", "user: {auth-provider: {name: azure}}", 1), nil, ErrBadConfig, []string{"github.com/Azure/kubelogin"}},
		{"empty", "", nil, ErrNoConfig, []string{"no kubeconfig found in ", "KUBECONFIG"}},
		{"unknown context", sample, func(f *Flags) { f.CurrentContext = "nope" }, ErrNoContext, []string{`context "nope" does not exist`, "get-contexts"}},
		{"hostile context", sample, func(f *Flags) { f.CurrentContext = "x\x1b[2J" }, ErrNoContext, []string{"does not exist"}},
		{"dangling", sample, func(f *Flags) { f.CurrentContext = "dangling" }, ErrBadConfig, []string{"nowhere", "kubectl config view"}},
		{"broken", "{", nil, ErrBadConfig, []string{"cannot be used"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			flags := flagsFor(t, tt.config)
			if tt.set != nil {
				tt.set(flags)
			}
			_, err := Connect(flags, Options{Now: time.Now})
			if !errors.Is(err, tt.kind) {
				t.Fatalf("got %v", err)
			}
			for _, w := range tt.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%q", err)
			}
		})
	}
}
