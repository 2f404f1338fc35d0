//go:build e2e

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"rollbook/engine/journal"
	"rollbook/engine/porttest"
	"rollbook/incident"
)

// The kill loop of a redeploy on the testbed: a ConfigMap, a Service and a Deployment, one
// after the other.

// TestRedeployKilledOnTheTestbed kills it before, between and after its objects: each is
// written once in the end, and what was left is told.
func TestRedeployKilledOnTheTestbed(t *testing.T) {
	t.Parallel()
	conf, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	conf.CurrentContext = "testbed"
	bed := newKillBed(t, conf, emptyNamespace(t), max(4, tries()), 4*time.Second)
	killing(t, bed, killStory{killedName, 3, 0, func(t *testing.T, b *between, name string) (string, func(*journal.Content)) {
		t.Helper()
		git := bed.released(t, name, redeployed3)
		return fmt.Sprintf("components:\n  - name: %s\n    workload: deploy/%s\n    checks: {up: false}\n    methods: [redeploy]\n"+
			"    redeploy: {repository: %q, manifests: deploy}\n", name, name, git), func(c *journal.Content) { b.redeployed(c, bed, name) }
	}})
}

// redeployed3 are the objects of a release, by the name of its component and its number.
const redeployed3 = `apiVersion: v1
kind: ConfigMap
metadata: {name: %[1]s}
data: {of: "%[2]d"}
---
apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {selector: {app: %[1]s}, ports: [{name: http, port: 80, targetPort: %[3]d}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: api, image: "api:%[2]d"}]}
`

// released deploys a good release of a component and a bad one from a repository, and
// returns where that is.
func (b *killBed) released(t *testing.T, name, manifests string) string {
	t.Helper()
	git := porttest.NewRepository(t)
	for n := 1; n <= 2; n++ {
		git.Write("deploy/all.yaml", fmt.Sprintf(manifests, name, n, 8080+n))
		git.Tag(fmt.Sprintf("v%d", n))
		kubectl(t, "-n", b.namespace, "apply", "--server-side", "--field-manager=rollbook", "-f", filepath.Join(git.Dir, "deploy/all.yaml"))
		b.settles(t, name, fmt.Sprint(n))
	}
	return git.Dir
}

// redeployed checks a redeploy that was worked on to its end.
func (b *between) redeployed(c *journal.Content, bed *killBed, name string) {
	t := b.t
	t.Helper()
	want := []string{"PATCH configmaps/" + name, "PATCH deployments/" + name, "PATCH services/" + name}
	if got := slices.Sorted(slices.Values(b.wrote)); !slices.Equal(got, want) {
		t.Errorf("%s: not each written once: %q", name, got)
	}
	is := kubectl(t, "-n", bed.namespace, "get", "cm/"+name, "svc/"+name, "deploy/"+name, "-o",
		"jsonpath={.items[0].data.of} {.items[1].spec.ports[0].targetPort} {.items[2].spec.template.spec.containers[0].image}")
	if is != "1 8081 api:1" {
		t.Errorf("%s is %s", name, is)
	}
	i := incident.Fold(c.Facts)
	md, err := os.ReadFile(i.Report.Path)
	if err != nil {
		t.Fatal(err)
	}
	if i.Closed.IsZero() || i.ReportStale() {
		t.Errorf("%s: closed %s, report %+v", name, i.Closed, i.Report)
	}
	wrote := 0 // attempts that wrote something and not all
	for _, a := range i.Attempts {
		for _, w := range a.Writes {
			if w.State != incident.Stopped {
				continue
			}
			if wrote++; !strings.Contains(w.Err, "left: ") || !strings.Contains(string(md), w.Err) {
				t.Errorf("%s: what was left is not told: %q", name, w.Err)
			}
		}
	}
	t.Logf("%s: %d attempts, %d of which stopped half-way", name, len(i.Attempts), wrote)
}
