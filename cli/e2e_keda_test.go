//go:build e2e

package cli

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rollbook/kube"
	"rollbook/model"
	"rollbook/ways/scale"
)

// scaledObjects is the part of KEDA's CustomResourceDefinition that counts here.
const scaledObjects = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: scaledobjects.keda.sh}
spec:
  group: keda.sh
  scope: Namespaced
  names: {kind: ScaledObject, listKind: ScaledObjectList, plural: scaledobjects, singular: scaledobject, shortNames: [so]}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
`

const scaledByKEDA = `apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: %[1]s}
spec:
  replicas: 3
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: worker, image: "contract/worker:1"}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker, namespace: %[1]s}
spec: {scaleTargetRef: {name: worker}, minReplicaCount: 1, maxReplicaCount: 7, triggers: [{type: cron}]}
`

// What KEDA scales is stopped and brought back on a real API server, and kubectl sees
// afterwards what it saw before. KEDA itself is not there: its part is the annotation.
func TestKEDAOnTestbed(t *testing.T) {
	ns := fmt.Sprintf("keda-%d", time.Now().UnixNano())
	file := env(t, "ROLLBOOK_CLUSTER")
	kubectl := func(in string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(context.Background(), "kubectl", append([]string{"--kubeconfig", file}, args...)...)
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("kubectl %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	kubectl(scaledObjects, "apply", "-f", "-")
	kubectl("", "wait", "--for=condition=Established", "crd/scaledobjects.keda.sh")
	kubectl("", "create", "namespace", ns)
	t.Cleanup(func() { kubectl("", "delete", "namespace", ns, "--wait=false") })
	kubectl(fmt.Sprintf(scaledByKEDA, ns), "create", "-f", "-")
	asIs := func() string {
		return kubectl("", "-n", ns, "get", "deployment/worker", "scaledobject/worker", "-o",
			`jsonpath={range .items[*]}{.metadata.labels}{.metadata.annotations.autoscaling\.keda\.sh/paused-replicas}{.metadata.annotations.rollbook/before}{.spec}{"\n"}{end}`)
	}
	f := &kube.Flags{Kubeconfig: file}
	f.Context.Namespace = ns
	c, err := kube.Connect(f, kube.Options{Version: "e2e", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	m := scale.New(kube.NewApplier(c), scale.Options{Now: time.Now, By: "e2e"})
	comp := &model.Component{ID: "worker", Workload: model.Workload{Kind: model.Deployment, Namespace: ns, Name: "worker"}, Desired: 3}
	before := asIs()
	does := func(to model.Version) model.Plan {
		t.Helper()
		var pf model.Preflight
		m.Plan(t.Context(), comp, to, func(p model.Preflight) { pf = p })
		if len(pf.Plans) != 1 {
			t.Fatal(pf.Err)
		}
		for _, ch := range pf.Checks {
			if ch.State == model.CheckBlocked || ch.State == model.CheckUnknown {
				t.Errorf("%+v", ch)
			}
		}
		if _, err := m.Do(t.Context(), pf.Plans[0], nil); err != nil {
			t.Fatal(err)
		}
		return pf.Plans[0]
	}
	p := does(model.Replicas(0))
	if now := asIs(); !strings.Contains(now, `"replicas":0`) || !strings.HasPrefix(strings.Split(now, "\n")[1], "0{") {
		t.Errorf("not stopped, or not paused at 0:\n%s", now)
	}
	does(model.Replicas(1))
	if now := asIs(); !strings.HasPrefix(strings.Split(now, "\n")[1], "1{") {
		t.Errorf("not paused at 1:\n%s", now)
	}
	does(p.From)
	if now := asIs(); now != before {
		t.Errorf("not as before:\n%s\nbefore\n%s", now, before)
	}
}
