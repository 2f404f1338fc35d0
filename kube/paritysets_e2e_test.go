//go:build e2e

package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// TestParityOfStatefulSetsAndDaemonSets undoes one of two twins with kubectl and the
// other with rollbook, as TestParityWithKubectl does for Deployments.
func TestParityOfStatefulSetsAndDaemonSets(t *testing.T) {
	type step = func(t *testing.T, w model.Workload)
	apply := func(t *testing.T, w model.Workload) {
		kubectl(t, setManifest(w.Kind, "api:1"), "-n", w.Namespace, "apply", "-f", "-")
	}
	run := func(args ...string) step {
		return func(t *testing.T, w model.Workload) {
			all := append([]string{"-n", w.Namespace}, args...)
			for i, a := range all {
				all[i] = strings.ReplaceAll(a, "KIND", w.Kind.Resource())
			}
			kubectl(t, "", all...)
		}
	}
	patch := func(body string) step { return run("patch", "KIND", "api", "-p", body) }
	image := func(n int) step { return run("set", "image", "KIND/api", fmt.Sprintf("api=api:%d", n)) }
	annotate := func(k, v string) step { return run("annotate", "--overwrite", "KIND/api", k+"="+v) }
	broken := func(t *testing.T, w model.Workload) {
		patch(`{"spec":{"template":{"metadata":{"annotations":{"testbed/behaviour":"never-ready"}},"spec":{"containers":[{"name":"api","image":"api:bad"}]}}}}`)(t, w)
		eventually(t, time.Minute, "the first pods of the new template are there", func() bool {
			got := kubectl(t, "", "-n", w.Namespace, "get", w.Kind.Resource(), "api", "-o", "jsonpath={.status.updatedReplicas}{.status.updatedNumberScheduled}")
			return got == "1"
		})
	}
	settled := func(t *testing.T, w model.Workload) {
		kubectl(t, "", "-n", w.Namespace, "rollout", "status", w.Kind.Resource()+"/api", "--timeout=60s")
	}
	left := func(n int) step {
		return func(t *testing.T, w model.Workload) {
			eventually(t, time.Minute, fmt.Sprintf("%d revisions are left", n), func() bool {
				return len(strings.Fields(kubectl(t, "", "-n", w.Namespace, "get", "controllerrevisions", "-o", "name"))) == n
			})
		}
	}
	both := []model.Kind{model.StatefulSet, model.DaemonSet}
	gone := "api-gone is not in the history of api any more"
	for _, tt := range []struct {
		name  string
		kinds []model.Kind
		steps []step
		to    []int64 // undone one after the other; 0 = the default
		words string  // kubectl's, when there is nothing to write
		ours  string  // rollbook's, where they differ
	}{
		{name: "default", kinds: both, steps: []step{apply, image(2), image(3)}, to: []int64{0}},
		{name: "to the first", kinds: both, steps: []step{apply, image(2), image(3)}, to: []int64{1}},
		{name: "to the second", kinds: both, steps: []step{apply, image(2), image(3)}, to: []int64{2}},
		{name: "to the running one", kinds: both, steps: []step{apply, image(2), image(3)}, to: []int64{3}, words: "current template already matches revision 3"},
		{name: "equal template under another number", kinds: both, steps: []step{apply, image(2), image(1)}, to: []int64{3}, words: "current template already matches revision 3"},
		{name: "default after a return", kinds: both, steps: []step{apply, image(2), image(3), image(1)}, to: []int64{0}},
		{name: "a revision that does not exist", kinds: both, steps: []step{apply, image(2)}, to: []int64{7}, words: "unable to find specified revision 7 in history", ours: gone},
		{name: "a revision that moved", kinds: both, steps: []step{apply, image(2), image(1)}, to: []int64{1}, words: "unable to find specified revision 1 in history", ours: gone},
		{name: "no history", kinds: both, steps: []step{apply}, to: []int64{0}, words: "no last revision to roll back to"},
		{name: "to the only one", kinds: both, steps: []step{apply}, to: []int64{1}, words: "current template already matches revision 1"},
		{name: "three undos in a row", kinds: both, steps: []step{apply, image(2), image(3)}, to: []int64{0, 0, 0}},
		{name: "three undos, each further back", kinds: both, steps: []step{apply, image(2), image(3), image(4)}, to: []int64{3, 2, 1}},
		{name: "half rolled out", kinds: both, steps: []step{apply, settled, image(2), settled, broken}, to: []int64{0}},
		{name: "half rolled out, further back", kinds: both, steps: []step{apply, settled, image(2), settled, broken}, to: []int64{1}},
		{name: "OnDelete", kinds: both, steps: []step{apply, patch(`{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}`), image(2), image(3)}, to: []int64{1}},
		{name: "partition", kinds: both[:1], steps: []step{apply, settled, patch(`{"spec":{"updateStrategy":{"rollingUpdate":{"partition":1}}}}`), image(2), settled, image(3)}, to: []int64{0}},
		{name: "parallel", kinds: both[:1], steps: []step{func(t *testing.T, w model.Workload) {
			kubectl(t, strings.Replace(setManifest(w.Kind, "api:1"), `"spec":{`, `"spec":{"podManagementPolicy":"Parallel",`, 1), "-n", w.Namespace, "apply", "-f", "-")
		}, image(2)}, to: []int64{0}},
		{name: "surge", kinds: both[1:], steps: []step{apply, patch(`{"spec":{"updateStrategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0}}}}`), image(2)}, to: []int64{1}},
		{name: "pruned history", kinds: both, steps: []step{apply, patch(`{"spec":{"revisionHistoryLimit":1}}`), image(2), settled, image(3), settled, image(4), settled, left(2)}, to: []int64{0}},
		{name: "pruned history, a number that is gone", kinds: both, steps: []step{apply, patch(`{"spec":{"revisionHistoryLimit":1}}`), image(2), settled, image(3), settled, left(2)}, to: []int64{1},
			words: "unable to find specified revision 1 in history", ours: gone},
		{name: "annotations of one revision only", kinds: both, steps: []step{apply, annotate("kubernetes.io/change-cause", "one"), annotate("team/only-one", "x"), image(2), run("annotate", "KIND/api", "team/only-one-")}, to: []int64{1}},
		{name: "marks of ownership", kinds: both, steps: []step{apply, image(2), annotate("meta.helm.sh/release-name", "shop")}, to: []int64{1}},
		{name: "after a restart", kinds: both, steps: []step{apply, patch(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-24T01:00:00Z"}}}}}`)}, to: []int64{0}},
		{name: "a template with all kinds of fields", kinds: both, steps: []step{apply, patch(richSet), image(3)}, to: []int64{2}},
	} {
		for _, kind := range tt.kinds {
			t.Run(string(kind)+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				theirs := model.Workload{Kind: kind, Namespace: namespace(t), Name: "api"}
				ours := theirs
				ours.Namespace = namespace(t)
				c := client(t, ours.Namespace, Options{Version: "test"})
				for _, w := range []model.Workload{theirs, ours} {
					for _, s := range tt.steps {
						s(t, w)
						takenSet(t, c, w)
					}
				}
				for _, to := range tt.to {
					args := []string{"-n", theirs.Namespace, "rollout", "undo", kind.Resource() + "/api"}
					if to > 0 {
						args = append(args, fmt.Sprintf("--to-revision=%d", to))
					}
					out, err := tryKubectl(t, "", args...)
					said := undoneSet(t, c, ours, to)
					if tt.words != "" {
						if all := out + fmt.Sprint(err); !strings.Contains(all, tt.words) {
							t.Fatalf("kubectl did not say %q: %s", tt.words, all)
						}
						if want := cmp.Or(tt.ours, tt.words); !strings.Contains(said, want) {
							t.Errorf("rollbook did not say %q: %q", want, said)
						}
					} else if said != "" || err != nil {
						t.Fatalf("rollbook: %s, kubectl: %v", said, err)
					}
					compareSets(t, c, theirs, ours)
				}
			})
		}
	}
}

// richSet has no number above 2^53: the StatefulSet controller cannot read one back
// from its own revisions, and stands still.
var richSet = strings.ReplaceAll(rich, "9223372036854775807", "9007199254740991")

// A StatefulSet that stands still on such a number has a history all the same, and is
// brought back.
func TestUndoOfATemplateThatItsControllerCannotRead(t *testing.T) {
	w := model.Workload{Kind: model.StatefulSet, Namespace: namespace(t), Name: "api"}
	c := client(t, w.Namespace, Options{})
	kubectl(t, setManifest(w.Kind, "api:1"), "-n", w.Namespace, "apply", "-f", "-")
	takenSet(t, c, w)
	kubectl(t, "", "-n", w.Namespace, "patch", "statefulset", "api", "-p", rich)
	var h *model.History
	eventually(t, 10*time.Second, "it has both revisions", func() bool {
		var err error
		h, err = NewUndo(c).Versions(t.Context(), &model.Component{ID: "api", Workload: w}, time.Now())
		return err == nil && len(h.Candidates) == 2
	})
	if bad, good := h.Candidates[0], h.Candidates[1]; !strings.Contains(bad.Refused, "cannot be read") || good.Refused != "" || good.Images[0] != "api:1" {
		t.Errorf("%+v", h.Candidates)
	}
	if said := undoneSet(t, c, w, 1); said != "" {
		t.Fatal(said)
	}
	takenSet(t, c, w)
	kubectl(t, "", "-n", w.Namespace, "rollout", "status", "statefulset/api", "--timeout=60s")
}

// setManifest is a StatefulSet or a DaemonSet as kubectl apply takes it.
func setManifest(kind model.Kind, image string) string {
	spec := `"spec":{`
	if kind == model.StatefulSet {
		spec += `"serviceName":"api","replicas":2,`
	}
	return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":%q,"metadata":{"name":"api"},%s"selector":{"matchLabels":{"app":"api"}},
	 "template":{"metadata":{"labels":{"app":"api"}},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"api","image":%q}]}}}}`, kind, spec, image)
}

// takenSet waits until the controller has taken up the template: its
// ControllerRevision has the highest number.
func takenSet(t testing.TB, c *Client, w model.Workload) (o *object, revs []*object) {
	t.Helper()
	eventually(t, 20*time.Second, fmt.Sprintf("the controller takes up %s in %s", w, w.Namespace), func() bool {
		var err error
		if o, revs, err = c.read(context.Background(), w); err != nil {
			return false
		}
		running, top := runningOf(o, revs), int64(0)
		for _, r := range revs {
			top = max(top, r.Revision)
		}
		return running != nil && running.Revision == top && strings.Contains(string(o.Status), fmt.Sprintf(`"observedGeneration":%d`, o.Metadata.Generation))
	})
	return o, revs
}

// undoneSet rolls back as the program does; "" or why nothing was written.
func undoneSet(t *testing.T, c *Client, w model.Workload, to int64) string {
	t.Helper()
	comp := &model.Component{ID: "api", Workload: w}
	var last model.Preflight
	NewUndo(c).Plan(t.Context(), comp, numbered(t, c, comp, to), func(p model.Preflight) { last = p })
	if len(last.Plans) == 0 {
		return last.Err
	}
	if _, err := NewUndo(c).Do(t.Context(), last.Plans[0], nil); err != nil {
		return err.Error()
	}
	return ""
}

// compareSets fails when two twins differ in their templates, their annotations, or
// in their revisions: their names, numbers, annotations and what they hold.
func compareSets(t *testing.T, c *Client, theirs, ours model.Workload) {
	t.Helper()
	state := func(w model.Workload) map[string]any {
		o, revs := takenSet(t, c, w)
		here := func(in map[string]string) map[string]string {
			out := map[string]string{}
			for k, v := range in {
				out[k] = strings.ReplaceAll(v, w.Namespace, "NS")
			}
			return out
		}
		spec := map[string]any{}
		for k, raw := range o.Spec {
			spec[k], _ = tree(raw)
		}
		out := map[string]any{"spec": spec, "annotations": here(o.Metadata.Annotations)}
		for _, r := range revs {
			holds, err := tree(r.Data)
			if err != nil {
				t.Fatal(err)
			}
			out["revision "+strconv.FormatInt(r.Revision, 10)] = map[string]any{"name": r.Metadata.Name, "annotations": here(r.Metadata.Annotations), "data": holds}
		}
		return out
	}
	a, b := state(theirs), state(ours)
	if !reflect.DeepEqual(a, b) {
		x, _ := json.MarshalIndent(a, "", " ")
		y, _ := json.MarshalIndent(b, "", " ")
		t.Errorf("kubectl: %s\nrollbook: %s", x, y)
	}
}
