//go:build e2e

package kube

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/engine/porttest"
	"rollbook/model"
	"rollbook/ways/redeploy"
)

const (
	overlayBase = `resources: [all.yaml]
`
	overlayAll = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api, labels: {app: api}}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: api
        image: shop/api
        env: [{name: MODE, value: plain}]
        envFrom: [{configMapRef: {name: flags}}]
        ports: [{name: http, containerPort: 8080}]
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 1024Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
data: {of: "1"}
`
	overlayOne = `resources: [../../base]
images: [{name: shop/api, newTag: "1"}]
configMapGenerator: [{name: flags, literals: [invoice=off]}]
`
	overlayTwo = `resources: [../../base]
images: [{name: shop/api, newTag: "2"}]
configMapGenerator: [{name: flags, literals: [invoice=on]}]
patches:
- target: {kind: Deployment}
  patch: |-
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: TIMEOUT, value: "0"}}
    - {op: replace, path: /spec/replicas, value: 3}
- target: {kind: ConfigMap, name: plain}
  patch: |-
    - {op: replace, path: /data/of, value: "2"}
- target: {kind: Service}
  patch: |-
    - {op: add, path: /spec/ports/-, value: {name: admin, port: 81, targetPort: 8081}}
`
)

// overlays is a repository with the tags 1 and 2, and the commit of each.
func overlays(t *testing.T) (git *porttest.Repository, commits map[string]string) {
	t.Helper()
	git, commits = porttest.NewRepository(t), map[string]string{}
	git.Write("k/base/kustomization.yaml", overlayBase)
	git.Write("k/base/all.yaml", overlayAll)
	for n, overlay := range []string{overlayOne, overlayTwo} {
		tag := strconv.Itoa(n + 1)
		git.Write("k/overlays/prod/kustomization.yaml", overlay)
		commits[tag] = git.Tag(tag)
	}
	return git, commits
}

// checkedOut is the work tree of a tag, as kubectl is given it.
func checkedOut(t *testing.T, git *porttest.Repository, tag string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), tag)
	git.Git("worktree", "add", "--quiet", "--detach", dir, tag)
	return filepath.Join(dir, "k/overlays/prod")
}

// alike writes what differs from namespace to namespace, and by who wrote down what was
// applied last, in one way.
func alike(s, ns string) string {
	return strings.NewReplacer(ns, "NS", `\"annotations\":{},`, "").Replace(s)
}

// stored are all that an overlay made in a namespace, less what no two objects share.
func stored(t *testing.T, ns string, managers bool) map[string]any {
	t.Helper()
	var all struct{ Items []map[string]any }
	if err := json.Unmarshal([]byte(alike(kubectl(t, "", "-n", ns, "get", "deploy,svc,cm", "-o", "json", "--show-managed-fields"), ns)), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, o := range all.Items {
		meta := object2(o["metadata"])
		name := str(o["kind"]) + "/" + str(meta["name"])
		if name == "ConfigMap/kube-root-ca.crt" {
			continue
		}
		delete(o, "status")
		for _, k := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "namespace"} {
			delete(meta, k)
		}
		delete(object2(meta["annotations"]), annRevision) // of a controller that may not be there yet
		var entries []any
		for _, e := range list(meta["managedFields"]) {
			m := object2(e)
			delete(m, "time")
			if m["subresource"] == nil && m["manager"] != "kube-controller-manager" {
				entries = append(entries, m)
			}
		}
		if meta["managedFields"] = entries; !managers {
			delete(meta, "managedFields")
		}
		spec := object2(o["spec"])
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
		out[name] = o
	}
	return out
}

// forget takes out what kubectl applied last.
func forget(all map[string]any) {
	for _, o := range all {
		meta := object2(object2(o)["metadata"])
		notes := object2(meta["annotations"])
		if delete(notes, annLastApplied); len(notes) == 0 {
			delete(meta, "annotations")
		}
	}
}

// redeployer is the way back of api, from a repository.
func redeployer(t *testing.T, ns string, to redeploy.Target) redeploy.Redeploy {
	t.Helper()
	return redeploy.New(NewApplier(client(t, ns, Options{})), map[string]redeploy.Target{"api": to}, redeploy.Options{Now: time.Now, Rollout: Rollout, Temp: t.TempDir()})
}

func redeployPlan(t *testing.T, m redeploy.Redeploy, ns, tag, commit string) model.Preflight {
	t.Helper()
	var last model.Preflight
	m.Plan(context.Background(), workloadIn(ns), model.Version{Key: tag + "@" + commit}, func(p model.Preflight) { last = p })
	if !last.Done || len(last.Plans) != 1 {
		t.Fatalf("no plan: %s", last.Err)
	}
	return last
}

// TestRedeployParityWithKubectl brings one of two twins back to an earlier tag with
// kubectl apply -k --server-side and the other with rollbook, and compares all that is
// stored, field by field and with who owns each.
func TestRedeployParityWithKubectl(t *testing.T) {
	git, commits := overlays(t)
	one, two := checkedOut(t, git, "1"), checkedOut(t, git, "2")
	ssa := func(manager string, more ...string) []string {
		return append([]string{"apply", "--server-side", "--field-manager=" + manager}, more...)
	}
	for _, tt := range []struct {
		name     string
		deployed []string // how both were deployed
		manager  string
		force    bool
		managers bool // who owns what is compared too: where an unchanged object is not written, others own it as before
		forgets  bool // kubectl forgets what it applied last, where it is given another manager
		between  func(ns string)
	}{
		{name: "by the manager that deploys", deployed: ssa("kubectl"), manager: "kubectl", managers: true},
		{name: "as rollbook, which deployed before", deployed: ssa("rollbook"), manager: "rollbook", managers: true},
		{name: "as rollbook, over another manager", deployed: ssa("ci"), manager: "rollbook", force: true},
		{name: "as kubectl, over kubectl apply of the client", deployed: []string{"apply"}, manager: "kubectl", force: true},
		{name: "as rollbook, over kubectl apply of the client", deployed: []string{"apply"}, manager: "rollbook", force: true, forgets: true},
		{name: "after somebody's edit", deployed: ssa("kubectl"), manager: "kubectl", force: true, managers: true, between: func(ns string) {
			kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=shop/api:3")
		}},
		{name: "what was deleted is made again", deployed: ssa("kubectl"), manager: "kubectl", managers: true, between: func(ns string) {
			kubectl(t, "", "-n", ns, "delete", "cm/plain", "svc/api")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			theirs, ours := namespace(t), namespace(t)
			for _, ns := range []string{theirs, ours} {
				for _, dir := range []string{one, two} {
					kubectl(t, "", append(append([]string{"-n", ns}, tt.deployed...), "-k", dir)...)
				}
				if tt.between != nil {
					tt.between(ns)
				}
			}
			var force []string
			if tt.force {
				force = []string{"--force-conflicts"}
			}
			kubectl(t, "", append([]string{"-n", theirs}, append(ssa(tt.manager, force...), "-k", one)...)...)
			m := redeployer(t, ours, redeploy.Target{Repository: git.Dir, Overlay: "k/overlays/prod", Manager: tt.manager})
			pf := redeployPlan(t, m, ours, "1", commits["1"])
			conflict := false
			for _, ch := range pf.Checks {
				conflict = conflict || strings.HasPrefix(ch.ID, "conflict:") && ch.State == model.CheckBlocked && !ch.Hard
			}
			if conflict != tt.force {
				t.Errorf("conflict %v: %+v", conflict, pf.Checks)
			}
			r, err := m.Do(context.Background(), pf.Plans[0], nil)
			if err != nil || strings.Contains(r.Text, "left:") {
				t.Fatal(r.Text, err)
			}
			want, got := stored(t, theirs, tt.managers), stored(t, ours, tt.managers)
			if tt.forgets {
				forget(got)
				forget(want)
			}
			if !reflect.DeepEqual(got, want) {
				a, _ := json.MarshalIndent(want, "", " ")
				b, _ := json.MarshalIndent(got, "", " ")
				t.Errorf("kubectl made\n%s\nrollbook made\n%s", a, b)
			}
			if looked, err := m.Look(context.Background(), pf.Plans[0]); err != nil || looked.State != model.SettledDone || looked.By != "" {
				t.Errorf("%+v (%v)", looked, err)
			}
			c := client(t, ours, Options{})
			taken(t, c, ours)
		})
	}
	if out := git.Git("status", "--porcelain"); out != "" {
		t.Errorf("the work tree is not as it was: %s", out)
	}
}

// What an autoscaler has decided stays, whoever set replicas before.
func TestRedeployLeavesReplicasToAnHPA(t *testing.T) {
	git, commits := overlays(t)
	two := checkedOut(t, git, "2")
	for _, manager := range []string{"kubectl", "rollbook"} {
		ns := namespace(t)
		kubectl(t, "", "-n", ns, "apply", "--server-side", "-k", two)
		kubectl(t, "", "-n", ns, "autoscale", "deploy/api", "--min=2", "--max=9", "--cpu-percent=50")
		kubectl(t, "", "-n", ns, "scale", "deploy/api", "--replicas=7")
		m := redeployer(t, ns, redeploy.Target{Repository: git.Dir, Overlay: "k/overlays/prod", Manager: manager})
		pf := redeployPlan(t, m, ns, "1", commits["1"])
		if ch := line(t, pf, "hpa:api"); ch.State != model.CheckNote {
			t.Errorf("%+v", ch)
		}
		if r, err := m.Do(context.Background(), pf.Plans[0], nil); err != nil || strings.Contains(r.Text, "left:") {
			t.Fatal(r.Text, err)
		}
		if n := kubectl(t, "", "-n", ns, "get", "deploy/api", "-o", "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}"); n != "7 shop/api:1" {
			t.Errorf("as %s: %s", manager, n)
		}
	}
}

// An overlay that cannot be built, or reads from elsewhere, says so; nothing is written.
func TestRedeployOverlays(t *testing.T) {
	ns := namespace(t)
	kubectl(t, app("shop/api:2"), "-n", ns, "apply", "-f", "-")
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(outside, []byte(overlayAll), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ overlay, says string }{
		"no YAML":          {"resources: [", "the overlay k/overlays/prod cannot be built: kubectl: "},
		"a missing file":   {"resources: [nothing.yaml]", "nothing.yaml"},
		"a remote base":    {"resources: [\"https://git.invalid/shop/base?ref=v1\"]", "reads from outside the repository, which is off"},
		"a remote file":    {"resources: [\"https://git.invalid/all.yaml\"]", "reads from outside the repository, which is off"},
		"a file outside":   {"resources: [" + outside + "]", "cannot be built"},
		"no such workload": {"configMapGenerator: [{name: a, literals: [b=c]}]", "has no deployment/api"},
	} {
		git := porttest.NewRepository(t)
		git.Write("k/overlays/prod/kustomization.yaml", tt.overlay)
		commit := git.Tag("1")
		m := redeployer(t, ns, redeploy.Target{Repository: git.Dir, Overlay: "k/overlays/prod"})
		var last model.Preflight
		begun := time.Now()
		m.Plan(context.Background(), workloadIn(ns), model.Version{Key: "1@" + commit}, func(p model.Preflight) { last = p })
		if len(last.Plans) != 0 || !strings.Contains(last.Err, tt.says) || strings.Contains(last.Err, "\n") {
			t.Errorf("%s after %s: %s", name, time.Since(begun), last.Err)
		}
	}
}
