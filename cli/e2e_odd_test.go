//go:build e2e

package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// twins are two Deployments whose pods cannot be told apart by their names, which are
// cut: one of them fails.
func twins(t *testing.T, ns string) (bad, good string) {
	t.Helper()
	begin := strings.Repeat("inventory-", 5) + "gateway-" // what is left of a pod's name, less its own five letters
	bad, good = begin+"-eu01", begin+"-us02"
	var all []any
	for name, errors := range map[string]string{bad: "0.3", good: "0"} {
		labels := map[string]string{"app": name, "testbed/traffic": "http"}
		all = append(all, map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name},
			"spec": map[string]any{"replicas": 2, "selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
				"metadata": map[string]any{"labels": labels, "annotations": map[string]string{"testbed/errors": errors}},
				"spec":     map[string]any{"containers": []any{map[string]string{"name": "api", "image": "inventory:1"}}}}}})
	}
	manifest, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": all})
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/twins.json"
	if err := os.WriteFile(file, manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "-n", ns, "apply", "-f", file)
	return bad, good
}

// The watch knows whose each pod is: one's errors are not the other's.
func TestPodsWhoseNamesAreCutAlike(t *testing.T) {
	t.Parallel()
	ns := emptyNamespace(t)
	twins(t, ns)
	m := open(t, 200, 40, quick, "", append(prom(t), "-n", ns)...)
	m.sees(`ROLL BACK NOW +errors over 5% .*gateway--eu01`, 2*time.Minute)
	m.sees(`ateway--eu01 .* (29|3\d)(\.\d)?% `, time.Second)
	m.sees(`ateway--us02 .* 0% `, time.Second)
	m.never(`(?m)ROLL BACK NOW.*us02|ateway--us02 .*✗`, 3*time.Second)
}
