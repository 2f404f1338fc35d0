//go:build e2e

package kube

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// setImages returns the images of api's ReplicaSets by their names.
func setImages(t *testing.T, ns string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, l := range strings.Fields(kubectl(t, "", "-n", ns, "get", "rs", "-l", "app=api", "-o", `jsonpath={range .items[*]}{.metadata.name}={.spec.template.spec.containers[0].image}{"\n"}{end}`)) {
		name, image, _ := strings.Cut(l, "=")
		out[name] = image
	}
	return out
}

// setOf returns the name of the ReplicaSet that runs an image.
func setOf(t *testing.T, ns, image string) string {
	t.Helper()
	for name, has := range setImages(t, ns) {
		if has == image {
			return name
		}
	}
	t.Fatalf("no ReplicaSet of %s has %s", ns, image)
	return ""
}

// versionsByImage returns what the history says of each release of api.
func versionsByImage(t *testing.T, c *Client, ns string) map[string]model.Candidate {
	t.Helper()
	h, err := NewUndo(c).Versions(t.Context(), workloadIn(ns), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]model.Candidate{}
	for _, r := range h.Candidates {
		out[r.Images[0]] = r
	}
	return out
}

// Two ReplicaSets bear one number, as backups that were restored and edited
// annotations leave them (kubernetes#22270): what is chosen, planned and written is
// the one that was meant.
func TestTwoRevisionsOfOneNumber(t *testing.T) {
	for _, image := range []string{"api:1", "api:2"} {
		t.Run(image, func(t *testing.T) {
			t.Parallel()
			ns := namespace(t)
			c := client(t, ns, Options{})
			released(t, c, ns)
			kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=api:3")
			taken(t, c, ns)
			one, two := setOf(t, ns, "api:1"), setOf(t, ns, "api:2")
			kubectl(t, "", "-n", ns, "annotate", "--overwrite", "rs", one, annRevision+"=2")
			other := map[string]string{"api:1": two, "api:2": one}[image]
			all := versionsByImage(t, c, ns)
			if len(all) != 3 || all["api:1"].Short != "2" || all["api:2"].Short != "2" || all["api:1"].Key == all["api:2"].Key || all["api:3"].Ambiguous != "" {
				t.Fatalf("%+v", all)
			}
			to := all[image]
			if to.Ambiguous != other || to.Owner != to.Key || to.Current {
				t.Errorf("%+v", to)
			}
			var pf model.Preflight
			NewUndo(c).Plan(t.Context(), workloadIn(ns), to.Version, func(p model.Preflight) { pf = p })
			ch := line(t, pf, "revision.ambiguous")
			if ch.State != model.CheckBlocked || ch.Hard || !strings.Contains(ch.Text, to.Key) || !strings.Contains(ch.Text, other) {
				t.Errorf("%+v", ch)
			}
			p := pf.Plans[0]
			if p.To.Key != to.Key || p.Command != "" || len(p.Changes) == 0 || p.Changes[0].To != image {
				t.Errorf("%+v", p)
			}
			if _, err := NewUndo(c).Do(t.Context(), p, nil); err != nil {
				t.Fatal(err)
			}
			if got := imageOf(t, ns); got != image {
				t.Errorf("%s was written", got)
			}
			taken(t, c, ns)
			if now := versionsByImage(t, c, ns)[image]; !now.Current || now.Key != to.Key || now.Short != "4" {
				t.Errorf("afterwards: %+v", now)
			}
		})
	}
}

// A ReplicaSet without the annotation is listed, can be gone back to, and gets a
// number by that.
func TestRevisionWithoutANumber(t *testing.T) {
	ns := namespace(t)
	c := client(t, ns, Options{})
	released(t, c, ns)
	one := setOf(t, ns, "api:1")
	kubectl(t, "", "-n", ns, "annotate", "rs", one, annRevision+"-")
	to := versionsByImage(t, c, ns)["api:1"]
	if to.Key != one || to.Short != "–" || !strings.Contains(to.Label, one) || to.Ambiguous != "" || to.Refused != "" {
		t.Fatalf("%+v", to)
	}
	var pf model.Preflight
	NewUndo(c).Plan(t.Context(), workloadIn(ns), to.Version, func(p model.Preflight) { pf = p })
	if len(pf.Plans) != 1 || pf.Plans[0].Command != "" {
		t.Fatalf("kubectl has no word for it: %+v", pf)
	}
	if _, err := NewUndo(c).Do(t.Context(), pf.Plans[0], nil); err != nil {
		t.Fatal(err)
	}
	taken(t, c, ns)
	if now := versionsByImage(t, c, ns)["api:1"]; !now.Current || now.Key != one || now.Short != "3" || imageOf(t, ns) != "api:1" {
		t.Errorf("%+v", now)
	}
}

// Where old ReplicaSets bear the number of the running one, its controller gives it
// one of its own at once: the board finds the running one by its number all the same.
func TestBoardOfTwoRevisionsOfOneNumber(t *testing.T) {
	ns := namespace(t)
	c := client(t, ns, Options{})
	released(t, c, ns)
	kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=api:3")
	taken(t, c, ns)
	running := setOf(t, ns, "api:3")
	before := watching(t, client(t, ns, Options{}))
	for _, image := range []string{"api:1", "api:2"} {
		kubectl(t, "", "-n", ns, "annotate", "--overwrite", "rs", setOf(t, ns, image), annRevision+"=3")
	}
	for _, w := range []*watched{before, watching(t, client(t, ns, Options{}))} {
		eventually(t, 20*time.Second, "the board is right", func() bool {
			l := w.line("api")
			return l != nil && l.Revision == 4 && l.OwnerName == running && l.Available == 2 && len(l.Pods) == 2 &&
				!slices.ContainsFunc(l.Pods, func(p model.Pod) bool { return p.Owner != running || p.Revision != 4 })
		})
	}
	all := versionsByImage(t, c, ns)
	if now := all["api:3"]; !now.Current || now.Short != "4" || now.Ambiguous != "" || all["api:1"].Ambiguous != all["api:2"].Key {
		t.Errorf("%+v", all)
	}
}
