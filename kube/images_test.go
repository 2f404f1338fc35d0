package kube

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
)

func withImages(images ...string) corev1.PodTemplateSpec {
	always := corev1.ContainerRestartPolicyAlways
	var t corev1.PodTemplateSpec
	for _, i := range images {
		name, image, _ := strings.Cut(i, "=")
		switch name, how, _ := strings.Cut(name, "!"); how {
		case "":
			t.Spec.Containers = append(t.Spec.Containers, corev1.Container{Name: name, Image: image})
		case "init":
			t.Spec.InitContainers = append(t.Spec.InitContainers, corev1.Container{Name: name, Image: image})
		case "sidecar":
			t.Spec.InitContainers = append(t.Spec.InitContainers, corev1.Container{Name: name, Image: image, RestartPolicy: &always})
		}
	}
	return t
}

// A version bears one tag on the board, in its history and in a plan, in whatever order
// its containers stand and whichever of them a release changed.
func TestOneTagForAVersion(t *testing.T) {
	for _, tt := range []struct {
		name     string
		versions [][]string // the newest first
		want     string     // their tags
	}{
		{"one container", [][]string{{"app=shop/x:2"}, {"app=shop/x:1"}}, "2 1"},
		{"the sidecar last", [][]string{{"main=shop/api:3", "proxy=proxy:7"}, {"main=shop/api:2", "proxy=proxy:7"}}, "3 2"},
		{"the sidecar first", [][]string{{"proxy=proxy:7", "main=shop/api:3"}, {"proxy=proxy:7", "main=shop/api:2"}}, "3 2"},
		{"the sidecar alone changed, last", [][]string{{"main=shop/api:2", "proxy=proxy:7"}, {"main=shop/api:2", "proxy=proxy:6"}, {"main=shop/api:1", "proxy=proxy:6"}}, "2 2 1"},
		{"the sidecar alone changed, first", [][]string{{"proxy=proxy:7", "main=shop/api:2"}, {"proxy=proxy:6", "main=shop/api:2"}, {"proxy=proxy:6", "main=shop/api:1"}}, "2 2 1"},
		{"the sidecar alone ever changed", [][]string{{"main=shop/api:2", "proxy=proxy:7"}, {"main=shop/api:2", "proxy=proxy:6"}}, "7 6"},
		{"the order changed", [][]string{{"proxy=proxy:7", "main=shop/api:3"}, {"main=shop/api:2", "proxy=proxy:6"}}, "3 2"},
		{"its own by the container's name", [][]string{{"proxy=proxy:7", "api=shop/x:2"}, {"proxy=proxy:6", "api=shop/x:2"}, {"proxy=proxy:5", "api=shop/x:1"}}, "2 2 1"},
		{"none its own: what tells most apart", [][]string{{"nginx=nginx:8", "php=shop/php:3"}, {"nginx=nginx:8", "php=shop/php:2"}, {"nginx=nginx:7", "php=shop/php:1"}}, "3 2 1"},
		{"none its own: the first that does", [][]string{{"nginx=nginx:8", "php=shop/php:2"}, {"nginx=nginx:7", "php=shop/php:1"}}, "8 7"},
		{"what changed lately is not what names it", [][]string{{"nginx=nginx:8", "php=shop/php:2"}, {"nginx=nginx:7", "php=shop/php:2"}, {"nginx=nginx:7", "php=shop/php:1"}, {"nginx=nginx:7", "php=shop/php:0"}}, "2 2 1 0"},
		{"a sidecar of its own kind", [][]string{{"app=shop/x:1", "proxy!sidecar=proxy:2"}, {"app=shop/x:1", "proxy!sidecar=proxy:1"}}, "2 1"},
		{"a sidecar that is new", [][]string{{"app=shop/x:1", "proxy!sidecar=proxy:2"}, {"app=shop/x:1"}}, "2 1"},
		{"an init container that ends", [][]string{{"app=shop/x:1", "wait!init=busybox:2"}, {"app=shop/x:1", "wait!init=busybox:1"}}, "1 1"},
		{"a registry that moved", [][]string{{"proxy=proxy:7", "main=new/shop/api:2"}, {"proxy=proxy:6", "main=old:5000/shop/api:1"}}, "2 1"},
	} {
		for _, kind := range []model.Kind{model.Deployment, model.StatefulSet} {
			var items []item
			var revs []*object
			for n, list := range tt.versions {
				spec, number := withImages(list...), len(tt.versions)-n
				name, made := fmt.Sprint("api-", number), time.Duration(2+40*n)*time.Hour // the oldest are out of the board's Past
				o := revisionOf(t, name, fmt.Sprint(number), "", nil)
				o.Spec["template"] = rawJSON(t, spec)
				revs = append(revs, o)
				if kind == model.Deployment {
					r := replicaSet(name, fmt.Sprint(number), made)
					r.images = images(&spec)
					items = append(items, r)
				} else {
					items = append(items, setRevision(kind, name, int64(number), made, spec))
				}
			}
			now := withImages(tt.versions[0]...)
			if kind == model.Deployment {
				items = append(items, apiDeployment(func(d *appsv1.Deployment) {
					d.Spec.Template = now
					d.Annotations[annRevision] = fmt.Sprint(len(tt.versions))
				}))
			} else {
				items = append(items, fromStatefulSet(&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "api", UID: "u"},
					Spec: appsv1.StatefulSetSpec{Template: now}, Status: appsv1.StatefulSetStatus{UpdateRevision: revs[0].Metadata.Name}}))
			}
			w := answer(t, func(o map[string]any) { o["spec"].(map[string]any)["template"] = now })
			board := observed(items...)
			var history []string
			for n, v := range candidates(w, revs, nil) {
				history = append(history, v.Tag)
				if n == 0 {
					continue
				}
				p, err := makePlan("api", model.Workload{Kind: kind, Namespace: "production", Name: "api"}, w, revs[n], revs)
				if err != nil {
					t.Fatal(err)
				}
				if p.From.Tag != history[0] || p.To.Tag != v.Tag {
					t.Errorf("%s, %s: the plan is from %s to %s, the history has %s and %s", tt.name, kind, p.From.Tag, p.To.Tag, history[0], v.Tag)
				}
			}
			if got := strings.Join(history, " "); got != tt.want {
				t.Errorf("%s, %s: the history has %s, want %s", tt.name, kind, got, tt.want)
			}
			tags := map[string]string{}
			for n, r := range revs {
				tags[r.Metadata.Name] = history[n]
			}
			if got := board.Running(); got.Key != "api-"+fmt.Sprint(len(revs)) || got.Tag != history[0] {
				t.Errorf("%s, %s: the board has %s of %s, the history %s", tt.name, kind, got.Tag, got.Key, history[0])
			}
			if _, first, _ := strings.Cut(tt.versions[0][0], "="); board.Images[0] != first {
				t.Errorf("%s, %s: the board has %v, out of the template's order", tt.name, kind, board.Images)
			}
			if len(board.Past) == 0 {
				t.Errorf("%s, %s: no past", tt.name, kind)
			}
			for n := range board.Past {
				if got := board.Came(&board.Past[n]); got.Tag != tags[got.Key] {
					t.Errorf("%s, %s: the board has %s of %s, the history %s", tt.name, kind, got.Tag, got.Key, tags[got.Key])
				}
			}
		}
	}
}

// Rows of a history are told apart by the images that differ within it.
func TestHistoryIsToldApart(t *testing.T) {
	look := func(templates ...[]string) string {
		all := make([]model.Candidate, len(templates))
		for i, list := range templates {
			t := withImages(list...)
			all[i].Images = images(&t)
		}
		tellApart(all)
		var out []string
		for _, r := range all {
			out = append(out, strings.Join(r.Images[:r.Vary], "+")+" "+strings.Join(r.Images[r.Vary:], "+"))
		}
		return strings.Join(out, "; ")
	}
	if got := look([]string{"nginx=n:1", "php=p:3"}, []string{"nginx=n:1", "php=p:2"}); got != "p:3 n:1; p:2 n:1" {
		t.Error(got)
	}
	if got := look([]string{"nginx=n:2", "php=p:3", "log=l:1"}, []string{"nginx=n:1", "php=p:3", "log=l:1"}, []string{"nginx=n:1", "php=p:2", "log=l:1"}); got != "n:2+p:3 l:1; n:1+p:3 l:1; n:1+p:2 l:1" {
		t.Error(got)
	}
	if got := look([]string{"nginx=n:1", "php=p:3", "new!sidecar=s:1"}, []string{"nginx=n:1", "php=p:3"}); got != "s:1 n:1+p:3;  n:1+p:3" {
		t.Error(got)
	}
}
