//go:build e2e

package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestParityWithKubectl undoes one of two twins with kubectl and the other with
// rollbook, and compares what became of them: the template value for value, the
// annotations but for the marks of ownership, and the revisions with what they
// hold.
func TestParityWithKubectl(t *testing.T) {
	apply := func(manifest string) func(*testing.T, string) {
		return func(t *testing.T, ns string) { kubectl(t, manifest, "-n", ns, "apply", "-f", "-") }
	}
	patch := func(body string) func(*testing.T, string) {
		return func(t *testing.T, ns string) { kubectl(t, "", "-n", ns, "patch", "deploy", "api", "-p", body) }
	}
	run := func(args ...string) func(*testing.T, string) {
		return func(t *testing.T, ns string) { kubectl(t, "", append([]string{"-n", ns}, args...)...) }
	}
	image := func(n int) func(*testing.T, string) {
		return run("set", "image", "deploy/api", fmt.Sprintf("api=api:%d", n))
	}
	broken := patch(`{"spec":{"template":{"metadata":{"annotations":{"testbed/behaviour":"never-ready"}},"spec":{"containers":[{"name":"api","image":"api:bad"}]}}}}`)
	cause := func(s string) func(*testing.T, string) {
		return run("annotate", "--overwrite", "deploy/api", "kubernetes.io/change-cause="+s)
	}
	mark := func(k, v string) func(*testing.T, string) {
		return run("annotate", "--overwrite", "deploy/api", k+"="+v)
	}
	left := func(n int) func(*testing.T, string) {
		return func(t *testing.T, ns string) {
			eventually(t, 20*time.Second, fmt.Sprintf("%d replicasets are left in %s", n, ns), func() bool {
				return len(strings.Fields(kubectl(t, "", "-n", ns, "get", "rs", "-o", "name"))) == n
			})
		}
	}
	type step = func(*testing.T, string)
	first := apply(app("api:1"))
	for _, tt := range []struct {
		name  string
		steps []step
		to    []int64 // undone one after the other
		words string  // kubectl's, when there is nothing to write
		ours  string  // rollbook's, where they differ: it names a revision by its ReplicaSet
		// paused: kubectl refuses where rollbook resumes in the same write
		differs bool
	}{
		{name: "default", steps: []step{first, image(2), image(3)}, to: []int64{0}},
		{name: "to the first", steps: []step{first, image(2), image(3)}, to: []int64{1}},
		{name: "to the second", steps: []step{first, image(2), image(3)}, to: []int64{2}},
		{name: "to the running one", steps: []step{first, image(2), image(3)}, to: []int64{3}, words: "current template already matches revision 3"},
		{name: "equal template under another number", steps: []step{first, image(2), image(1)}, to: []int64{3}, words: "current template already matches revision 3"},
		{name: "a revision that does not exist", steps: []step{first, image(2)}, to: []int64{7}, words: "unable to find specified revision 7 in history", ours: "api-gone is not in the history of api any more"},
		{name: "a revision that moved", steps: []step{first, image(2), image(1)}, to: []int64{1}, words: "unable to find specified revision 1 in history", ours: "api-gone is not in the history of api any more"},
		{name: "no history", steps: []step{first}, to: []int64{0}, words: `no rollout history found for deployment "api"`},
		{name: "three undos in a row", steps: []step{first, image(2), image(3)}, to: []int64{0, 0, 0}},
		{name: "half rolled out", steps: []step{first, image(2), broken}, to: []int64{0}},
		{name: "half rolled out, further back", steps: []step{first, image(2), broken}, to: []int64{1}},
		{name: "pruned history", steps: []step{first, patch(`{"spec":{"revisionHistoryLimit":1}}`), image(2), image(3), image(4), left(2)}, to: []int64{0}},
		{name: "pruned history, a number that is gone", steps: []step{first, patch(`{"spec":{"revisionHistoryLimit":1}}`), image(2), image(3), image(4), left(2)}, to: []int64{1}, words: "unable to find specified revision 1 in history", ours: "api-gone is not in the history of api any more"},
		{name: "no history kept", steps: []step{first, patch(`{"spec":{"revisionHistoryLimit":0}}`), image(2), left(1)}, to: []int64{0}, words: "no rollout history found"},
		{name: "annotations of one revision only", steps: []step{first, cause("one"), mark("team/only-one", "x"), image(2), run("annotate", "deploy/api", "team/only-one-")}, to: []int64{1}},
		{name: "annotation that the old revision lacks", steps: []step{first, image(2), mark("team/new", "y")}, to: []int64{1}},
		{name: "change causes", steps: []step{first, cause("one"), image(2), cause("two"), image(3)}, to: []int64{0}},
		{name: "scaled while it rolls out", steps: []step{first, broken, run("scale", "deploy/api", "--replicas=5")}, to: []int64{1}},
		{name: "made without apply", steps: []step{run("create", "deploy", "api", "--image=api:1"), image(2)}, to: []int64{0}},
		{name: "marks of ownership", steps: []step{first, image(2), mark("meta.helm.sh/release-name", "shop"), mark("argocd.argoproj.io/tracking-id", "shop:apps/Deployment:x/api")}, to: []int64{1}},
		{name: "a template with all kinds of fields", steps: []step{first, patch(rich), image(3)}, to: []int64{2}},
		{name: "paused", steps: []step{first, image(2), run("rollout", "pause", "deploy/api"), image(3)}, to: []int64{1}, differs: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			theirs, ours := namespace(t), namespace(t)
			c := client(t, ours, Options{Version: "test"})
			for _, ns := range []string{theirs, ours} {
				for _, s := range tt.steps {
					s(t, ns)
					taken(t, c, ns)
				}
			}
			for _, to := range tt.to {
				args := []string{"-n", theirs, "rollout", "undo", "deploy/api"}
				if to > 0 {
					args = append(args, fmt.Sprintf("--to-revision=%d", to))
				}
				out, err := tryKubectl(t, "", args...)
				said := undone(t, c, ours, to)
				if tt.words != "" {
					if all := out + fmt.Sprint(err); !strings.Contains(all, tt.words) {
						t.Fatalf("kubectl did not say %q: %s", tt.words, all)
					}
					if want := cmp.Or(tt.ours, tt.words); !strings.Contains(said, want) {
						t.Errorf("rollbook did not say %q: %q", want, said)
					}
				} else if said != "" {
					t.Fatalf("rollbook did not undo: %s", said)
				}
				if tt.differs {
					if err == nil || !strings.Contains(err.Error(), "cannot rollback a paused deployment") {
						t.Fatalf("kubectl on a paused deployment: %s %v", out, err)
					}
					resumed(t, c, ours)
					return
				}
				if err != nil && tt.words == "" {
					t.Fatal(err)
				}
				compare(t, c, theirs, ours)
			}
		})
	}
}

// rich is a template with fields of many kinds, a large number among them.
const rich = `{"spec":{"template":{"metadata":{"annotations":{"a":"<&>","n":"12345678901234567890"}},"spec":{
 "securityContext":{"runAsUser":2000000000,"fsGroup":2000000001},"tolerations":[{"key":"k","operator":"Exists","effect":"NoExecute","tolerationSeconds":9223372036854775807}],
 "volumes":[{"name":"c","configMap":{"name":"cfg","optional":true}},{"name":"e","emptyDir":{"sizeLimit":"1500Mi"}}],
 "containers":[{"name":"api","image":"api:2","args":["--x=<y>"],"resources":{"requests":{"cpu":"0.1","memory":"128974848"}},
  "readinessProbe":{"grpc":{"port":9000,"service":"s"},"timeoutSeconds":3},
  "env":[{"name":"E","value":"é\u0001"},{"name":"S","valueFrom":{"secretKeyRef":{"name":"s","key":"k","optional":true}}}],
  "volumeMounts":[{"name":"c","mountPath":"/c"}],"lifecycle":{"preStop":{"sleep":{"seconds":1}}}}]}}}}`

// undone rolls back as the program does; "" or why nothing was written.
func undone(t *testing.T, c *Client, ns string, to int64) string {
	t.Helper()
	pf := preflight(t, c, ns, to)
	if len(pf.Plans) == 0 {
		return pf.Err
	}
	_, err := NewUndo(c).Do(context.Background(), pf.Plans[0], nil)
	if err != nil {
		return err.Error()
	}
	return ""
}

func resumed(t *testing.T, c *Client, ns string) {
	t.Helper()
	d, sets := taken(t, c, ns)
	if d.paused() {
		t.Error("it is still paused")
	}
	for _, s := range sets {
		if strings.Contains(string(s.template()), "api:3") {
			t.Error("the pending template was released")
		}
	}
	if !strings.Contains(string(d.template()), "api:1") {
		t.Errorf("the template is not revision 1's: %s", d.template())
	}
}

// compare fails when two twins differ in anything that an undo touches.
func compare(t *testing.T, c *Client, theirs, ours string) {
	t.Helper()
	state := func(ns string) (tmpl any, ann map[string]string, revs map[string]any) {
		taken(t, c, ns)
		// The controller counts on after the template was taken up.
		time.Sleep(200 * time.Millisecond)
		d, sets := taken(t, c, ns)
		tmpl, _ = tree(d.template())
		ann = map[string]string{}
		for k, v := range d.Metadata.Annotations {
			if !keepsDeployments(k) || annotationsToSkip[k] {
				ann[k] = strings.ReplaceAll(v, ns, "NS")
			}
		}
		revs = map[string]any{}
		for _, s := range sets {
			raw, err := bare(s.template())
			if err != nil {
				t.Fatal(err)
			}
			v, _ := tree(raw)
			revs[s.Metadata.Annotations[annRevision]+" after "+s.Metadata.Annotations[annHistory]] = v
		}
		return tmpl, ann, revs
	}
	t1, a1, r1 := state(theirs)
	t2, a2, r2 := state(ours)
	for what, pair := range map[string][2]any{"template": {t1, t2}, "annotations": {a1, a2}, "revisions": {r1, r2}} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			x, _ := json.MarshalIndent(pair[0], "", " ")
			y, _ := json.MarshalIndent(pair[1], "", " ")
			t.Errorf("%s differ\nkubectl: %s\nrollbook: %s", what, x, y)
		}
	}
}
