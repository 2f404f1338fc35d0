//go:build e2e

package cli

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// team makes the namespace's ConfigMap.
func team(t *testing.T, ns, text string) {
	t.Helper()
	kubectl(t, "-n", ns, "delete", "configmap", "rollbook", "--ignore-not-found")
	kubectl(t, "-n", ns, "create", "configmap", "rollbook", "--from-literal=rollbook.yaml="+text)
}

// plainly runs a command that needs no terminal, with no configuration file.
func plainly(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.Command(path, args...)
	cmd.Dir = home
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + home, "KUBECONFIG=" + env(t, "ROLLBOOK_CLUSTER")}
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

func contains(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q:\n%s", what, w, text)
		}
	}
}

// The team's limits and components come from the ConfigMap, the operator's own
// file stands above them, and what may not come from there changes nothing.
func TestConfigMap(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	check := func(args ...string) (string, int) {
		return plainly(t, append([]string{"config", "check", "-n", ns}, args...)...)
	}
	out, code := check()
	contains(t, "config check without one", out, "ConfigMap "+ns+"/rollbook: there is none")
	if code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	out, _ = check("--context", "nobody")
	contains(t, "config check without the right", out, "ConfigMap "+ns+"/rollbook may not be read: forbidden: ")
	out, _ = plainly(t, "doctor", "-n", ns, "--context", "nobody")
	contains(t, "doctor without the right", out, "may not be read: forbidden: ", "do: ask for the verb get on configmaps/rollbook")

	team(t, ns, "limits:\n  errors: {over: 5%, for: 30s}\n  p95: {over: 4s}\ncomponents:\n  - {name: shop-front, workload: deploy/frontend}\n  - {name: shop-api, workload: deploy/backend-python}\nlinks: {wiki: \"https://wiki.example/shop\"}\n")
	out, code = check()
	contains(t, "config check", out, "ConfigMap "+ns+"/rollbook is read", "limits.errors.for", "ConfigMap "+ns+"/rollbook:2", "shop-api")
	if code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	out, _ = plainly(t, append([]string{"doctor", "-n", ns}, prom(t)...)...)
	contains(t, "doctor", out, "ConfigMap "+ns+"/rollbook is read")

	m := open(t, 80, 24, "", "", append(prom(t), "-n", ns)...)
	m.sees(`shop-api +3/3 ✓ .*[0-9]ms `, 30*time.Second) // figures too
	m.never(`backend-rust`, time.Second)
	m.keys("c")
	m.sees(`https://wiki.example/shop`, 5*time.Second)
	m.sees(`Configuration from ConfigMap `+ns+`/rollbook`, time.Second)
	m.keys("Escape")
	bed(t, "POST", "/release", "namespace", ns, "workload", "backend-python", "kind", "errors")
	m.sees(`ROLL BACK NOW +errors over 5% for .* \(limit 30s\) on shop-api`, 2*time.Minute)
	m.kill()

	out, code = check("--config", filepath.Join(t.TempDir(), "none.yaml"))
	if code != 1 {
		t.Errorf("exit %d: %s", code, out)
	}
	own := open(t, 80, 24, "limits:\n  errors: {over: 5%, for: 25m}\n", "", append(prom(t), "-n", ns)...)
	own.sees(`backend-rust +2/2`, 30*time.Second) // --config is read alone
	own.kill()

	team(t, ns, "limits:\n  errors: {over: 5%, for: 30s}\nprometheus:\n  url: http://127.0.0.1:1\n")
	out, code = check()
	contains(t, "config check of a faulty one", out, "ConfigMap "+ns+"/rollbook:3:1: prometheus: may not be set in the ConfigMap")
	if code != 1 {
		t.Errorf("exit %d: %s", code, out)
	}
	out, code = plainly(t, "doctor", "-n", ns)
	contains(t, "doctor on a faulty one", out, "not used: ConfigMap "+ns+"/rollbook:3:1: prometheus")
	if code != 1 {
		t.Errorf("exit %d: %s", code, out)
	}
	faulty := open(t, 80, 24, "", "", append(prom(t), "-n", ns)...)
	faulty.sees(`not used: ConfigMap `+ns+`/rollbook:3:1:`, 30*time.Second)
	faulty.sees(`backend-rust +2/2`, 30*time.Second)
	faulty.never(`ROLL BACK NOW`, 5*time.Second) // the limits are still those of five minutes
	faulty.kill()

	// Who may not read it is not bothered with that.
	nobody := open(t, 80, 24, "", "", append(prom(t), "-n", ns, "--context", "nobody")...)
	nobody.sees(`(?i)forbidden`, 30*time.Second)
	nobody.never(`not used`, 3*time.Second)
}
