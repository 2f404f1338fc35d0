//go:build e2e

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"rollbook/engine/porttest"
)

// asks is a credentials program that wants a password from the terminal and
// keeps nothing between two runs.
const asks = `#!/bin/sh
printf 'Password: ' >&2
read -r p || { echo 'nobody answers' >&2; exit 1; }
[ "$p" = secret ] || { echo 'wrong password' >&2; exit 1; }
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$TOKEN"
`

// asked is that it wants the password from the terminal. What it says when nobody
// answers, its last words, stands on the screen too, but not where a line begins.
const asked = `(?m)^Password:`

// withPlugin is the testbed's kubeconfig with such a program in the place of the
// admin's token.
func withPlugin(t *testing.T, mode api.ExecInteractiveMode) (kubeconfig string) {
	t.Helper()
	raw, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plugin := filepath.Join(dir, "asks")
	if err := os.WriteFile(plugin, []byte(asks), 0o700); err != nil {
		t.Fatal(err)
	}
	user := raw.AuthInfos[raw.Contexts["testbed"].AuthInfo]
	user.Exec = &api.ExecConfig{APIVersion: "client.authentication.k8s.io/v1", Command: plugin, InteractiveMode: mode,
		Env: []api.ExecEnvVar{{Name: "TOKEN", Value: user.Token}}}
	user.Token = ""
	raw.CurrentContext = "testbed"
	kubeconfig = filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*raw, kubeconfig); err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}

// A program that wants to ask gets the terminal by a key, and not before: until
// then it finds no input, and the screen stays whole.
func TestLoginWithTheTerminal(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	for _, mode := range []api.ExecInteractiveMode{api.IfAvailableExecInteractiveMode, api.AlwaysExecInteractiveMode} {
		m := open(t, 80, 24, quick, "", append(prom(t), "-n", ns, "--kubeconfig", withPlugin(t, mode))...)
		m.sees(`Log in with L: `, 20*time.Second)
		m.never(asked, 3*time.Second)
		m.keys("L")
		m.sees(asked, 5*time.Second)
		m.never(`▸1 Assess`, time.Second)
		m.types("nonsense")
		m.tmux("send-keys", "Enter")
		// Whatever waits for credentials may ask once more before the screen is back.
		for deadline := time.Now().Add(porttest.Patience(20 * time.Second)); ; {
			s := m.sees(`▸1 Assess|`+asked, 10*time.Second)
			if time.Now().After(deadline) {
				t.Fatalf("the screen does not come back:\n%s", s)
			}
			if !strings.Contains(s, "▸1 Assess") {
				m.tmux("send-keys", "Enter")
				time.Sleep(200 * time.Millisecond)
				continue
			}
			break
		}
		m.sees(`Log in with L: `, 10*time.Second)
		m.keys("L")
		m.sees(asked, 5*time.Second)
		m.tmux("send-keys", "C-c")
		m.sees(`▸1 Assess`, 10*time.Second)
		m.keys("L")
		m.sees(asked, 5*time.Second)
		m.types("secret")
		m.tmux("send-keys", "Enter")
		m.sees(`backend-python +3/3`, 20*time.Second)
		m.sees(`● live`, 5*time.Second)
		m.keys("L")
		m.sees(`L log in: the credentials are accepted`, 5*time.Second)
		m.keys("q")
		m.sees(`exit 0`, 5*time.Second)
	}
}
