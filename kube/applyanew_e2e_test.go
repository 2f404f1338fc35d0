//go:build e2e

package kube

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"rollbook/model"
)

// What the API server says of a field that cannot be changed is recognised for each kind,
// and what may be deleted and made anew is tried with it.
func TestWhatCannotBeChanged(t *testing.T) {
	ns := namespace(t)
	a := NewApplier(client(t, ns, Options{}))
	owner := kubectl(t, "", "get", "ns", ns, "-o", "jsonpath={.metadata.uid}")
	const pod = `template: {metadata: {labels: {app: x}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: a, image: a}]}}`
	for _, c := range []struct {
		name, object, from, to string
		never                  string // "" = it may be
		orphan                 bool
	}{
		{name: "a Deployment's selector", object: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 0, selector: {matchLabels: {app: x}}, ` + pod + `}}`,
			from: "app: x", to: "app: b"},
		{name: "a DaemonSet's selector", object: `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x}, spec: {selector: {matchLabels: {app: x}}, ` + pod + `}}`,
			from: "app: x", to: "app: b"},
		{name: "a StatefulSet's service", object: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}, spec: {serviceName: one, replicas: 0, selector: {matchLabels: {app: x}}, ` + pod + `}}`,
			from: "one", to: "two", orphan: true},
		{name: "a StatefulSet's selector", object: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: other}, spec: {serviceName: one, replicas: 0, selector: {matchLabels: {app: x}}, ` + pod + `}}`,
			from: "app: x", to: "app: b"},
		{name: "and its volumes go with it", object: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: z}, spec: {serviceName: one, replicas: 0, persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}, selector: {matchLabels: {app: x}}, ` + pod + `}}`,
			from: "app: x", to: "app: b", never: "its volumes would be deleted with it"},
		{name: "a Service's address", object: `{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {app: x}, ports: [{port: 80}]}}`,
			from: "selector", to: "clusterIP: None, selector"},
		{name: "a Job's template", object: `{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: one}]}}}}`,
			from: "one", to: "two"},
		{name: "an immutable ConfigMap", object: `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, immutable: true, data: {a: one}}`, from: "one", to: "two"},
		{name: "an immutable Secret", object: `{apiVersion: v1, kind: Secret, metadata: {name: x}, immutable: true, stringData: {a: one}}`, from: "one", to: "two"},
		{name: "one with a finalizer", object: `{apiVersion: v1, kind: ConfigMap, metadata: {name: held, finalizers: [shop.example/held]}, immutable: true, data: {a: one}}`,
			from: "one", to: "two", never: "its finalizers"},
		{name: "one that has an owner", object: `{apiVersion: v1, kind: ConfigMap, metadata: {name: owned, ownerReferences: [{apiVersion: v1, kind: Namespace, name: ` + ns + `, uid: ` + owner + `, controller: true}]}, immutable: true, data: {a: one}}`,
			from: "one", to: "two", never: "it belongs to namespace/" + ns},
		{name: "one that is refused anew too", object: `{apiVersion: v1, kind: ConfigMap, metadata: {name: bad}, immutable: true, data: {a: one}}`,
			from: "a: one", to: "a b: two", never: "whether the API server takes it anew is not known"},
		{name: "a volume claim", object: `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x}, spec: {storageClassName: one, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`,
			from: "storageClassName: one", to: "storageClassName: two", never: "rollbook never deletes a PersistentVolumeClaim"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kubectl(t, c.object, "-n", ns, "apply", "--server-side", "--field-manager=rollbook", "-f", "-")
			raw, err := yaml.YAMLToJSON([]byte(strings.ReplaceAll(c.object, c.from, c.to)))
			if err != nil {
				t.Fatal(err)
			}
			var o model.Object
			var meta struct{ Metadata struct{ Name string } }
			if json.Unmarshal(raw, &o) != nil || json.Unmarshal(raw, &meta) != nil {
				t.Fatal(string(raw))
			}
			o.Namespace, o.Name = ns, meta.Metadata.Name
			r, err := a.Rehearse(t.Context(), model.Manifest{Object: o, Raw: raw, Manager: "rollbook"})
			if err != nil || r.Refused == "" || !r.Immutable || r.Anew == nil {
				t.Fatalf("refused %q, immutable %v, %+v (%v)", r.Refused, r.Immutable, r.Anew, err)
			}
			if r.Remade() != (c.never == "") || !strings.Contains(r.Anew.Never, c.never) || r.Anew.Orphan != c.orphan || r.Remade() && r.Anew.Costs == "" {
				t.Errorf("%+v: %s", *r.Anew, r.Refused)
			}
			if r.Remade() && (len(r.Changes) == 0 || r.Changes[0].To != "deleted and made anew" || r.After == nil) {
				t.Errorf("%+v", r.Changes)
			}
		})
	}
	kubectl(t, "", "-n", ns, "patch", "cm/held", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
}
