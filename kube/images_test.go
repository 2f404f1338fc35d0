package kube

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

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

// The image that a release changed is named first, else the workload's own; sidecars
// that run as init containers count.
func TestImageThatChanged(t *testing.T) {
	for name, c := range map[string]struct {
		before, now []string
		want        string
	}{
		"one container":               {[]string{"app=shop/api:1"}, []string{"app=shop/api:2"}, "shop/api:2"},
		"the second one":              {[]string{"nginx=nginx:1.27", "php=shop/php:1"}, []string{"nginx=nginx:1.27", "php=shop/php:2"}, "shop/php:2 nginx:1.27"},
		"the first one":               {[]string{"nginx=nginx:1.26", "php=shop/php:2"}, []string{"nginx=nginx:1.27", "php=shop/php:2"}, "nginx:1.27 shop/php:2"},
		"both":                        {[]string{"nginx=nginx:1.26", "php=shop/php:1"}, []string{"nginx=nginx:1.27", "php=shop/php:2"}, "nginx:1.27 shop/php:2"},
		"none: its own":               {[]string{"envoy=envoy:1", "main=shop/api:1"}, []string{"envoy=envoy:1", "main=shop/api:1"}, "shop/api:1 envoy:1"},
		"nothing before it: its own":  {nil, []string{"envoy=envoy:1", "api=shop/x:1"}, "shop/x:1 envoy:1"},
		"a sidecar":                   {[]string{"app=shop/api:1", "proxy!sidecar=proxy:1"}, []string{"app=shop/api:1", "proxy!sidecar=proxy:2"}, "proxy:2 shop/api:1"},
		"an init container that ends": {[]string{"app=shop/api:1", "wait!init=busybox:1"}, []string{"app=shop/api:1", "wait!init=busybox:2"}, "shop/api:1"},
		"a sidecar that is new":       {[]string{"app=shop/api:1"}, []string{"app=shop/api:1", "proxy!sidecar=proxy:2"}, "proxy:2 shop/api:1"},
	} {
		now := withImages(c.now...)
		set := func(name, revision string, list []string) item {
			r := replicaSet(name, revision, time.Hour)
			t := withImages(list...)
			r.images = images(&t, "api")
			return r
		}
		items := []item{set("api-v2", "2", c.now), apiDeployment(func(d *appsv1.Deployment) { d.Spec.Template = now })}
		if c.before != nil {
			items = append(items, set("api-v1", "1", c.before))
		}
		if got := strings.Join(observed(items...).Images, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Rows of a history are told apart by the images that differ within it.
func TestHistoryIsToldApart(t *testing.T) {
	look := func(templates ...[]string) string {
		all := make([]model.Candidate, len(templates))
		for i, list := range templates {
			t := withImages(list...)
			all[i].Images = images(&t, "web")
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
