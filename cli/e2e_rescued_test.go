//go:build e2e

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"rollbook/engine"
	"rollbook/engine/journal"
	"rollbook/engine/porttest"
	"rollbook/engine/rescuetest"
)

// The kill loop of a recovery on the testbed: scaled to 0, maintenance page, another
// version, one pod, all of them, with an HPA that acts.

func rescues(e *engine.Engine, name string) func() bool {
	o := &rescuetest.Operator{Engine: e, Component: name}
	return func() bool {
		s := e.Snapshot()
		return o.Act() && !s.Incident.ReportStale() && s.Seen.Reporting.IsZero()
	}
}

func TestRecoveryKilledOnTheTestbed(t *testing.T) {
	t.Parallel()
	conf, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	conf.CurrentContext = "testbed"
	bed := newKillBed(t, conf, emptyNamespace(t), max(8, tries()), 4*time.Second)
	killing(t, bed, killStory{who: rescuedName, writes: len(wrote("")), begins: func(t *testing.T, b *between, name string) (string, func(*journal.Content)) {
		t.Helper()
		bed.breaks(t, name)
		config, before := bed.rescuable(t, name)
		return config, func(c *journal.Content) { b.rescued(c, bed, name, before) }
	}})
}

// The connection is cut in each step of a recovery, before a write has left or before its
// answer is there: what is lost is looked for, and each object is written once.
func TestRecoveryWithLostConnections(t *testing.T) {
	t.Parallel()
	conf, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	conf.CurrentContext = "testbed"
	bed := newKillBed(t, conf, emptyNamespace(t), 0, 0)
	b, server := newBetween(t, bed.rest(t))
	line := porttest.NewLine(t, hostIn(t, server))
	bed.breaks(t, "api")
	yaml, before := bed.rescuable(t, "api")
	dir, config := t.TempDir(), filepath.Join(t.TempDir(), "rollbook.yaml")
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	b.reset()
	b.cuts = []cut{{"write", 0}, {"written", 3}, {"write", 5}, {"written", 7}, {"write", 8}, {"written", 10}, {"write", 12}, {"written", 15}}
	b.cutIt = func() {
		line.Stop()
		time.Sleep(time.Second)
		line.Start(t)
	}
	if ended, _ := b.run([]string{rescuedName + "=api", killedConfig + "=" + config, killedKube + "=" + bed.through(t, "http://"+line.Addr), killedDir + "=" + dir}, 0, ""); !ended {
		t.Fatal("it did not come to its end in time")
	}
	found, errs := journalsIn(dir)
	if len(found) != 1 || len(errs) > 0 || len(b.cuts) > 0 {
		t.Fatalf("%d journals, %v; not cut at %v", len(found), errs, b.cuts)
	}
	b.rescued(found[0], bed, "api", before)
}

// wrote is what a recovery of a component with two replicas writes, sorted.
func wrote(name string) []string {
	load, page := "PATCH deployments/"+name, name+"-page"
	return slices.Sorted(slices.Values([]string{
		load + " replicas=0", load, load, load + " replicas=1", load + " replicas=2", load, load, // with the page's mark, the undo, both marks taken off
		"PATCH horizontalpodautoscalers/" + name, "PATCH horizontalpodautoscalers/" + name,
		"PATCH services/" + name, "PATCH services/" + name,
		"PATCH configmaps/" + page, "PATCH deployments/" + page, "DELETE configmaps/" + page, "DELETE deployments/" + page,
	}))
}

// rescueHPA is an HPA of a component.
const rescueHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %[1]s, labels: {team: shop}}
spec:
  minReplicas: 2
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %[1]s}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
`

// rescueService is the Service before a component.
const rescueService = `apiVersion: v1
kind: Service
metadata: {name: %[1]s, labels: {team: shop}}
spec: {selector: {app: %[1]s}, ports: [{name: http, port: 80, targetPort: 8080}]}
`

// rescuePage is a maintenance page of a component, to which its Service is pointed.
const rescuePage = `apiVersion: v1
kind: ConfigMap
metadata: {name: %[1]s-page}
data: {index.html: back soon}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s-page}
spec:
  replicas: 1
  selector: {matchLabels: {app: %[1]s-page}}
  template:
    metadata: {labels: {app: %[1]s-page}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: page, image: "page:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: %[1]s, annotations: {team/page: "yes"}}
spec: {selector: {app: %[1]s-page}}
`

// rescuable gives a component what a recovery changes, and returns how it is configured
// and how its objects are.
func (b *killBed) rescuable(t *testing.T, name string) (config, before string) {
	t.Helper()
	in := func(what, text string) string {
		file := filepath.Join(t.TempDir(), what+".yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, text, name), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	kubectl(t, "-n", b.namespace, "apply", "--server-side", "--field-manager=team", "-f", in("objects", rescueHPA+"---\n"+rescueService))
	for end := time.Now().Add(porttest.Patience(time.Minute)); ; time.Sleep(100 * time.Millisecond) {
		if n := b.get(t, name).Status.AvailableReplicas; n == 2 { // the HPA has raised it
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s has no 2 pods: the HPA does not act", name)
		}
	}
	return fmt.Sprintf("components:\n  - name: %s\n    workload: deploy/%s\n    checks: {up: false}\nrecovery:\n  maintenance: %s\n  restore: https://wiki.example/restore\n",
		name, name, in("page", rescuePage)), objects(t, b.namespace, name, "api:2")
}

// objects returns all of a component as a person or a manifest has set it, with the image
// that it is to have after the rollback.
func objects(t *testing.T, ns, name, image string) string {
	t.Helper()
	var list struct{ Items []map[string]any }
	if err := json.Unmarshal([]byte(kubectl(t, "-n", ns, "get", "deployments,horizontalpodautoscalers,services,configmaps", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range list.Items {
		meta, _ := o["metadata"].(map[string]any)
		if is, _ := meta["name"].(string); is != name && is != name+"-page" {
			continue
		}
		for _, k := range []string{"resourceVersion", "generation", "managedFields", "creationTimestamp"} {
			delete(meta, k)
		}
		delete(o, "status")
		if notes, ok := meta["annotations"].(map[string]any); ok {
			delete(notes, "deployment.kubernetes.io/revision")
			if len(notes) == 0 {
				delete(meta, "annotations")
			}
		}
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.ReplaceAll(string(raw), `"image":"`+image+`"`, `"image":"api:1"`))
	}
	return strings.Join(out, "\n")
}

// rescaled is how often an HPA set its own number of replicas.
func rescaled(t *testing.T, ns, name string) (times int) {
	t.Helper()
	for _, n := range strings.Fields(kubectl(t, "-n", ns, "get", "events", "--field-selector", "reason=SuccessfulRescale,involvedObject.name="+name, "-o", "jsonpath={.items[*].count}")) {
		times += atoi(t, n)
	}
	return times
}

// rescued checks a recovery that was worked on to its end.
func (b *between) rescued(c *journal.Content, bed *killBed, name, before string) {
	t := b.t
	t.Helper()
	if after := objects(t, bed.namespace, name, ""); after != before {
		t.Errorf("%s is not as before:\n%s\nbefore\n%s", name, after, before)
	}
	all, once := slices.Sorted(slices.Values(b.wrote)), wrote(name)
	if again := "PATCH deployments/" + name + " replicas=2"; rescaled(t, bed.namespace, name) > 1 { // it was once, when the HPA was made
		// Killed between the number and the HPA, which was still held at one replica.
		other := func(s string) bool { return s == again }
		all, once = slices.DeleteFunc(all, other), slices.DeleteFunc(once, other)
	}
	if !slices.Equal(all, once) {
		t.Errorf("%s: not each written once: %q, want %q", name, all, once)
	}
	rescuedIn(t, c)
}
