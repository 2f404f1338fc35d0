//go:build e2e

package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/sandbox/store"
)

// The kubectl of the machine against the API on a loopback port: no verb of the
// walk may be complained about. Without a kubectl these tests fail.

type kube struct {
	t     *testing.T
	flags []string
	dir   string
	store *store.Store
}

func newKube(t *testing.T) *kube {
	t.Helper()
	s := fill(t, time.Now)
	log := lines{{time.Now().Add(-time.Hour), "started"}, {time.Now().Add(-time.Minute), "ready"}}
	// Over TLS: kubectl sends no token over anything less.
	srv := httptest.NewUnstartedServer(Handler(Options{Store: s, Logs: log, Token: token, Now: time.Now}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: sandbox\ncontexts: [{name: sandbox, context: {cluster: c, user: you, namespace: production}}]\n" +
		"clusters: [{name: c, cluster: {server: '" + srv.URL + "', certificate-authority-data: " + ca + "}}]\nusers: [{name: you, user: {token: " + token + "}}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &kube{t: t, store: s, dir: dir, flags: []string{"--kubeconfig", config, "--cache-dir", filepath.Join(dir, "cache")}}
}

// run returns what kubectl prints; anything on stderr is a complaint.
func (k *kube) run(stdin string, args ...string) string {
	k.t.Helper()
	out, errs, err := k.try(stdin, args...)
	if err != nil || errs != "" {
		k.t.Errorf("kubectl %s: %v: %s%s", strings.Join(args, " "), err, out, errs)
	}
	return out
}

func (k *kube) try(stdin string, args ...string) (out, errs string, err error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kubectl", append(k.flags[:len(k.flags):len(k.flags)], args...)...)
	cmd.Env = append(os.Environ(), "HOME="+k.dir, "KUBECTL_EXTERNAL_DIFF=diff -u")
	cmd.Stdin = strings.NewReader(stdin)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

func (k *kube) want(out string, parts ...string) {
	k.t.Helper()
	for _, p := range parts {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), p) {
			k.t.Errorf("no %q in\n%s", p, out)
		}
	}
}

func TestKubectlReads(t *testing.T) {
	k := newKube(t)
	k.want(k.run("", "get", "pods"), "NAME READY STATUS RESTARTS AGE", "web-2-b 1/2 CrashLoopBackOff")
	k.want(k.run("", "get", "deploy,rs", "-o", "wide"), "deployment.apps/web 2/2 2 2", "replicaset.apps/web-1 0 0 0", "shop/web:2")
	k.want(k.run("", "get", "all"), "pod/web-2-a", "deployment.apps/web", "replicaset.apps/web-2")
	k.want(k.run("", "get", "events"), "Scaled up replica set web-2 to 2")
	k.want(k.run("", "events"), "Scaled up replica set web-2 to 2")
	k.want(k.run("", "get", "ns"), "production Active")
	k.want(k.run("", "get", "svc", "-A"), "monitoring prometheus ClusterIP")
	k.want(k.run("", "get", "cm", "settings", "-o", "jsonpath={.data.colour}"), "green")
	k.want(k.run("", "get", "pods", "-l", "app=web", "--field-selector", "spec.nodeName=node-1", "-o", "name"), "pod/web-2-a")
	k.want(k.run("", "get", "pods", "--chunk-size=1", "-o", "name"), "pod/web-2-a pod/web-2-b")
	k.want(k.run("", "get", "deploy", "web", "-o", "yaml", "--show-managed-fields"), "manager: kubectl-client-side-apply", "kind: Deployment")
	k.want(k.run("", "describe", "deployment", "web"), "Replicas: 2 desired | 2 updated", "NewReplicaSet: web-2 (2/2 replicas created)", "OldReplicaSets: web-1 (0/0 replicas created)", "Scaled up replica set web-2 to 2")
	k.want(k.run("", "describe", "pod", "web-2-b"), "Reason: CrashLoopBackOff", "Restart Count: 4")
	k.want(k.run("", "describe", "svc", "prometheus", "-n", "monitoring"), "Type: ClusterIP")
	k.want(k.run("", "logs", "web-2-a"), "started ready")
	k.want(k.run("", "logs", "web-2-b", "-c", "side", "--tail=1", "--timestamps"), "Z ready")
	k.want(k.run("", "api-resources", "--namespaced"), "deployments deploy apps/v1 true Deployment", "events ev events.k8s.io/v1")
	out, _, _ := k.try("", "version") // it warns of a server that is newer than it, as it would of a real one
	k.want(out, "Server Version: "+Version)
	k.want(k.run("", "auth", "can-i", "patch", "deployments"), "yes")
	k.want(k.run("", "auth", "can-i", "--list"), "*.*")
	k.want(k.run("", "auth", "whoami"), "Username you")
	k.want(k.run("", "get", "--raw", "/readyz"), "ok")
	if _, errs, err := k.try("", "get", "deploy", "none"); err == nil || !strings.Contains(errs, `Error from server (NotFound): deployments.apps "none" not found`) {
		t.Errorf("get of nothing: %v %s", err, errs)
	}
	if _, errs, err := k.try("", "get", "unicorns"); err == nil || !strings.Contains(errs, `the server doesn't have a resource type "unicorns"`) {
		t.Errorf("get of unicorns: %v %s", err, errs)
	}
}

func TestKubectlWatches(t *testing.T) {
	k := newKube(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kubectl", append(k.flags, "get", "deploy", "web", "--watch", "-o", "jsonpath={.spec.replicas}{'\\n'}")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf, seen := make([]byte, 256), ""
	for _, want := range []string{"2\n", "2\n4\n", "2\n4\n5\n"} {
		if want != "2\n" {
			k.want(k.run("", "scale", "deploy", "web", "--replicas", want[len(want)-2:len(want)-1]), "scaled")
		}
		for seen != want {
			n, err := out.Read(buf)
			if seen += string(buf[:n]); err != nil || !strings.HasPrefix(want, seen) {
				t.Fatalf("%v: %q, want %q", err, seen, want)
			}
		}
	}
	cancel()
	_ = cmd.Wait()
}

func TestKubectlWrites(t *testing.T) {
	k := newKube(t)
	manifest := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: api}}\n" +
		"  template:\n    metadata: {labels: {app: api}}\n    spec: {containers: [{name: api, image: 'shop/api:1'}]}\n"
	k.want(k.run(manifest, "apply", "-f", "-"), "deployment.apps/api created")
	k.want(k.run(manifest, "apply", "-f", "-"), "deployment.apps/api unchanged")
	next := strings.Replace(manifest, "api:1", "api:2", 1)
	out, errs, err := k.try(next, "diff", "-f", "-")
	if err == nil || errs != "exit status 1\n" && errs != "" {
		t.Errorf("diff: %v %s", err, errs)
	}
	k.want(out, "- - image: shop/api:1", "+ - image: shop/api:2")
	k.want(k.run(next, "apply", "-f", "-"), "deployment.apps/api configured")
	k.want(k.run(next, "apply", "--server-side", "-f", "-", "--force-conflicts"), "deployment.apps/api serverside-applied")
	k.want(k.run(next, "apply", "--server-side", "-f", "-", "--dry-run=server"), "serverside-applied (server dry run)")
	if _, errs, err := k.try(strings.Replace(manifest, "replicas:", "replicsa:", 1), "apply", "-f", "-"); err == nil || !strings.Contains(errs, `unknown field "spec.replicsa"`) {
		t.Errorf("a misspelt field: %v %s", err, errs)
	}
	k.want(k.run("", "scale", "deployment", "api", "--replicas=3"), "scaled")
	k.want(k.run("", "scale", "deployment", "api", "--replicas=4", "--current-replicas=3"), "scaled")
	k.want(k.run("", "get", "deploy", "api", "-o", "jsonpath={.spec.replicas} {.metadata.generation}"), "4 ")
	k.want(k.run("", "set", "image", "deployment/api", "api=shop/api:3"), "image updated")
	k.want(k.run("", "label", "deploy", "api", "a=b"), "labeled")
	k.want(k.run("", "annotate", "deploy", "api", "kubernetes.io/change-cause=a reason"), "annotated")
	k.want(k.run("", "patch", "deploy", "api", "--type=json", "-p", `[{"op":"replace","path":"/spec/replicas","value":2}]`), "patched")
	k.want(k.run("", "create", "configmap", "fresh", "--from-literal=a=b"), "created")
	k.want(k.run("", "create", "secret", "generic", "hush", "--from-literal=a=b"), "created")
	k.want(k.run("", "create", "namespace", "new"), "created")
	k.want(k.run("", "delete", "cm", "fresh", "--wait"), `configmap "fresh" deleted`)
	k.want(k.run("", "delete", "deploy", "api"), `deployment.apps "api" deleted`)
	k.want(k.run("", "rollout", "pause", "deployment/web"), "paused")
	k.want(k.run("", "rollout", "resume", "deployment/web"), "resumed")
	k.want(k.run("", "wait", "--for=jsonpath={.status.availableReplicas}=2", "deployment/web", "--timeout=5s"), "condition met")
}

func TestKubectlRollsBack(t *testing.T) {
	k := newKube(t)
	k.want(k.run("", "rollout", "history", "deployment/web"), "1 the first", "2 <none>")
	k.want(k.run("", "rollout", "history", "deployment/web", "--revision=1"), "Image: shop/web:1")
	k.want(k.run("", "rollout", "undo", "deployment/web", "--dry-run=server"), "rolled back (server dry run)")
	k.want(k.run("", "rollout", "undo", "deployment/web"), "deployment.apps/web rolled back")
	k.want(k.run("", "get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image} {.metadata.generation}"), "shop/web:1 2")
	k.want(k.run("", "rollout", "restart", "deployment/web"), "restarted")
	if _, errs, err := k.try("", "rollout", "undo", "deployment/web", "--to-revision=9"); err == nil || !strings.Contains(errs, "unable to find specified revision 9 in history") {
		t.Errorf("undo to nowhere: %v %s", err, errs)
	}
	u, err := k.store.Get(store.Deployments, "production", "web")
	if err != nil {
		t.Fatal(err)
	}
	u = u.DeepCopy()
	u.Object["status"].(map[string]any)["observedGeneration"] = u.GetGeneration()
	if _, err := k.store.UpdateStatus(store.Deployments, u, "test"); err != nil {
		t.Fatal(err)
	}
	k.want(k.run("", "rollout", "status", "deployment/web"), "successfully rolled out")
}

// kubectl asks for the older description of the API when it applies a List.
func TestKubectlAppliesAList(t *testing.T) {
	k := newKube(t)
	list := `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"},"data":{"x":"1"}},{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"two"}}]}`
	if out := k.run(list, "apply", "-f", "-"); !strings.Contains(out, "configmap/one created") || !strings.Contains(out, "configmap/two created") {
		t.Error(out)
	}
}
