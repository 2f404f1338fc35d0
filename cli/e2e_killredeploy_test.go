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
	killedRedeploy(t, killStory{writes: 3}, "", func(name string) []string {
		return []string{"PATCH configmaps/" + name, "PATCH deployments/" + name, "PATCH services/" + name}
	})
}

// TestRemakeKilledOnTheTestbed does so where the Deployment has to be deleted and made anew:
// killed between both, as each is at first, it is told as deleted, and then made.
func TestRemakeKilledOnTheTestbed(t *testing.T) {
	t.Parallel()
	killedRedeploy(t, killStory{writes: 2, first: "written"}, ", release: one", func(name string) []string {
		return []string{"DELETE deployments/" + name, "PATCH deployments/" + name}
	})
}

// killedRedeploy kills redeploys, which write what is wanted. labels are what the selector
// of the good release has more than that of the bad one, which is like it in all else but
// its image.
func killedRedeploy(t *testing.T, story killStory, labels string, want func(name string) []string) {
	t.Helper()
	conf, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	conf.CurrentContext = "testbed"
	bed := newKillBed(t, conf, emptyNamespace(t), max(4, tries()), 4*time.Second)
	halfWay := 0
	story.who, story.begins = killedName, func(t *testing.T, b *between, name string) (string, func(*journal.Content)) {
		t.Helper()
		git := bed.released(t, name, labels)
		return fmt.Sprintf("components:\n  - name: %s\n    workload: deploy/%s\n    checks: {up: false}\n    methods: [redeploy]\n"+
				"    redeploy: {repository: %q, manifests: deploy}\n", name, name, git),
			func(c *journal.Content) { halfWay += b.redeployed(c, bed, name, want(name)) }
	}
	killing(t, bed, story)
	t.Logf("%d were stopped half-way", halfWay)
}

// releasedObjects are the objects of a release, by the name of its component, its number,
// that of its configuration, and more labels.
const releasedObjects = `apiVersion: v1
kind: ConfigMap
metadata: {name: %[1]s}
data: {of: "%[3]d"}
---
apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {selector: {app: %[1]s}, ports: [{name: http, port: 80, targetPort: 808%[3]d}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s%[4]s}}
  template:
    metadata: {labels: {app: %[1]s%[4]s}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: api, image: "api:%[2]d"}]}
`

// released deploys a good release of a component and a bad one from a repository, and
// returns where that is.
func (b *killBed) released(t *testing.T, name, labels string) string {
	t.Helper()
	git := porttest.NewRepository(t)
	for n := 1; n <= 2; n++ {
		revision, config := fmt.Sprint(n), n
		if n == 2 && labels != "" {
			kubectl(t, "-n", b.namespace, "delete", "deploy/"+name)
			labels, revision, config = "", "1", 1
		}
		git.Write("deploy/all.yaml", fmt.Sprintf(releasedObjects, name, n, config, labels))
		git.Tag(fmt.Sprintf("v%d", n))
		kubectl(t, "-n", b.namespace, "apply", "--server-side", "--field-manager=rollbook", "-f", filepath.Join(git.Dir, "deploy/all.yaml"))
		b.settles(t, name, revision)
	}
	return git.Dir
}

// redeployed checks a redeploy that was worked on to its end, and returns how often it had
// stopped half-way.
func (b *between) redeployed(c *journal.Content, bed *killBed, name string, want []string) (halfWay int) {
	t := b.t
	t.Helper()
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
	for _, a := range i.Attempts {
		for _, w := range a.Writes {
			if w.State != incident.Stopped {
				continue
			}
			if halfWay++; !strings.Contains(w.Err, "left: ") || !strings.Contains(string(md), w.Err) {
				t.Errorf("%s: what was left is not told: %q", name, w.Err)
			}
		}
	}
	if want[0] == "DELETE deployments/"+name {
		if w := i.Attempts[0].Writes[0]; w.State != incident.Stopped || !strings.Contains(w.Err, "it is not there: deployment/"+name) {
			t.Errorf("%s: not told as deleted: %s %q", name, w.State, w.Err)
		}
	}
	return halfWay
}
