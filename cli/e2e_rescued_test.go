//go:build e2e

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"rollbook/engine"
	"rollbook/engine/journal"
	"rollbook/engine/porttest"
	"rollbook/engine/rescuetest"
	"rollbook/incident"
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
	killing(t, bed, killStory{rescuedName, len(wrote("", 0)), 0, func(t *testing.T, b *between, name string) (string, func(*journal.Content)) {
		t.Helper()
		bed.breaks(t, name)
		config, before := bed.rescuable(t, name)
		return config, func(c *journal.Content) { b.rescued(c, bed, name, before) }
	}})
}

// wrote is what a recovery of a component writes, sorted; the HPA has put its own number
// of replicas in the place of that so often.
func wrote(name string, rescaled int) (all []string) {
	for what, n := range map[string]int{
		"PATCH deployments/" + name:              7 + rescaled, // stopped, marked, undone, one pod, all, unmarked of the scale, of the page
		"PATCH horizontalpodautoscalers/" + name: 2,
		"PATCH configmaps/" + name + "-page":     1,
		"PATCH deployments/" + name + "-page":    1,
		"PATCH services/" + name:                 2,
		"DELETE configmaps/" + name + "-page":    1,
		"DELETE deployments/" + name + "-page":   1,
	} {
		all = append(all, slices.Repeat([]string{what}, n)...)
	}
	slices.Sort(all)
	return all
}

// rescueObjects are an HPA and a Service of a component, which have been there before.
const rescueObjects = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %[1]s, labels: {team: shop}}
spec:
  minReplicas: 2
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %[1]s}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: v1
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
	kubectl(t, "-n", b.namespace, "apply", "--server-side", "--field-manager=team", "-f", in("objects", rescueObjects))
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

// rescued checks a recovery that was worked on to its end.
func (b *between) rescued(c *journal.Content, bed *killBed, name, before string) {
	t := b.t
	t.Helper()
	if after := objects(t, bed.namespace, name, ""); after != before {
		t.Errorf("%s is not as before:\n%s\nbefore\n%s", name, after, before)
	}
	rescaled, _ := strconv.Atoi(kubectl(t, "-n", bed.namespace, "get", "events", "--field-selector", "reason=SuccessfulRescale,involvedObject.name="+name, "-o", "jsonpath={.items[*].count}"))
	all := slices.Sorted(slices.Values(b.wrote))
	if once := wrote(name, 0); !slices.Equal(all, once) {
		t.Errorf("%s: not each written once: %q, want %q; rescaled %d times", name, all, once, rescaled)
	}
	i := incident.Fold(c.Facts)
	if i.Closed.IsZero() || len(i.Owed()) > 0 || len(i.Waived) > 0 {
		t.Errorf("%s: closed %s, owed %+v, waived %+v", name, i.Closed, i.Owed(), i.Waived)
	}
	for _, s := range i.Procedure(incident.CourseRecovery).Steps {
		if s.State != incident.ItemDone {
			t.Errorf("%s: %s is %q: %s", name, s.ID, s.State, s.Reason)
		}
	}
}
