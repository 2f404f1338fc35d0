//go:build e2e

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"rollbook/model"
)

// A drill on the real API server: the alert goes from pending to firing in the real
// Prometheus, the program is killed twice, and afterwards the workload is field by field
// what it was.
func TestDrillOnTheTestbed(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	serves(t, ns)
	patch := filepath.Join(t.TempDir(), "drill.yaml")
	if err := os.WriteFile(patch, []byte("spec: {template: {metadata: {annotations: {testbed/errors: \"0.5\"}}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	drill := fmt.Sprintf("fault: patch, patch: %q, alert: HighErrorRate, healthy: 10s", patch)
	args := append([]string{"drill", "deployment/backend-python", "-n", ns}, prom(t)...)
	before := asReleased(t, ns)

	m := open(t, 80, 24, rehearsable(t, "another", drill), "", args...) // not listed
	m.sees(`No drill here: no entry of not_production`, time.Minute)
	m.keys("Enter")
	m.sees(`enter begin: no drill here`, 5*time.Second)
	m.keys("Escape", "q")

	dir := t.TempDir()
	m = open(t, 80, 24, rehearsable(t, ns, drill), dir, args...)
	m.sees(`Nothing is broken yet`, time.Minute)
	m.keys("Enter")
	m.sees(`▸ ○  break backend-python on purpose: a patch of your own`, time.Minute)
	if got := asReleased(t, ns); got != before {
		t.Errorf("it was written to before the confirmation: %s", got)
	}
	m.keys("Enter")
	m.confirm("y")
	m.sees(`OWED +backend-python is broken on purpose`, 30*time.Second)
	m.kill()

	m = open(t, 80, 24, rehearsable(t, ns, drill), dir, args...)
	m.sees(`Drill, begun`, time.Minute)
	m.sees(`✓ +the alert HighErrorRate fires`, 4*time.Minute)
	m.keys("Escape")
	m.sees(`ROLL BACK NOW`, 2*time.Minute)
	m.toConfirm()
	m.confirm("y")
	m.sees(`✓ rolled out after`, time.Minute)
	m.kill()

	m = open(t, 80, 24, rehearsable(t, ns, drill), dir, args...)
	m.sees(`✓ +roll it back, by the walk`, 3*time.Minute)
	m.sees(`▸ ○  put backend-python back`, 10*time.Second)
	m.keys("Enter")
	m.confirm("y")
	m.sees(`put backend-python back to what was there before`, time.Minute)
	m.keys("B")
	m.sees(`The drill is at its end`, time.Minute)
	if got := asReleased(t, ns); got != before {
		t.Errorf("it is not what it was: %s, before %s", got, before)
	}
	m.keys("Escape")
	m.gone(`OWED`, 10*time.Second)
}

// Broken by one machine, put back by another that has neither journal nor configuration:
// the cluster alone tells what is owed.
func TestDrillIsPutBackFromAnotherMachine(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	serves(t, ns)
	before := asReleased(t, ns)
	m := open(t, 80, 24, rehearsable(t, ns, "healthy: 10s"), "", append([]string{"drill", "deployment/backend-python", "--fault", model.FaultReadiness, "-n", ns}, prom(t)...)...)
	m.sees(`Nothing is broken yet`, time.Minute)
	m.keys("Enter")
	m.sees(`▸ ○  break backend-python on purpose: a readiness probe that fails`, time.Minute)
	m.keys("Enter")
	m.confirm("y")
	m.sees(`OWED +backend-python is broken on purpose`, 30*time.Second)
	m.kill()

	m = open(t, 80, 24, "", "", append(prom(t), "-n", ns)...)
	m.sees(`OWED +backend-python is broken on purpose`, time.Minute)
	m.keys("P")
	m.sees(`put back backend-python`, 10*time.Second)
	m.keys("Enter")
	m.sees(`type backend-python`, 2*model.LeaseLife) // the dead one's lock has to run out first
	m.confirm("backend-python")                      // nothing says here that it is no production
	m.gone(`OWED`, time.Minute)
	if got := asReleased(t, ns); got != before {
		t.Errorf("it is not what it was: %s, before %s", got, before)
	}
}

// rehearsable returns a configuration by which a namespace of the testbed may be broken.
func rehearsable(t *testing.T, namespace, drill string) string {
	t.Helper()
	conf, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	return quick + fmt.Sprintf("not_production: [{context: testbed, server: %q, namespace: %s}]\ndrill: {%s}\n",
		conf.Clusters[conf.Contexts["testbed"].Cluster].Server, namespace, drill)
}

// asReleased returns what a person or a pipeline has set of backend-python.
func asReleased(t *testing.T, ns string) string {
	t.Helper()
	return kubectl(t, "-n", ns, "get", "deployment/backend-python", "-o",
		`go-template={{.metadata.uid}} {{.metadata.labels}} {{.spec}} {{range $k, $v := .metadata.annotations}}{{if ne $k "deployment.kubernetes.io/revision"}}{{$k}}={{$v}} {{end}}{{end}}`)
}
