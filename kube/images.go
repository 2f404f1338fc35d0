package kube

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"rollbook/model"
	"rollbook/text"
)

// images returns the images of a template's containers that run as long as the pod
// does: the workload's own first, which has its name, then the others of the list, then
// the init containers that never end (sidecars).
func images(t *corev1.PodTemplateSpec, workload string) []string {
	out := make([]string, 0, len(t.Spec.Containers))
	own := -1
	add := func(c *corev1.Container) {
		image := intern(text.Line(c.Image))
		name := image[strings.LastIndexByte(image, '/')+1:]
		name, _, _ = strings.Cut(name, "@")
		name, _, _ = strings.Cut(name, ":")
		if own < 0 && workload != "" && (c.Name == workload || name == workload) {
			own = len(out)
		}
		out = append(out, image)
	}
	for i := range t.Spec.Containers {
		add(&t.Spec.Containers[i])
	}
	for i := range t.Spec.InitContainers {
		if p := t.Spec.InitContainers[i].RestartPolicy; p != nil && *p == corev1.ContainerRestartPolicyAlways {
			add(&t.Spec.InitContainers[i])
		}
	}
	if own > 0 {
		mine := out[own]
		out = slices.Insert(slices.Delete(out, own, own+1), 0, mine)
	}
	return out
}

// inFront puts those images first that tell; the others keep their order.
func inFront(all []string, tells func(string) bool) []string {
	if len(all) < 2 {
		return all
	}
	rank := func(image string) int {
		if tells(image) {
			return 0
		}
		return 1
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b string) int { return rank(a) - rank(b) })
	return all
}

// changedFirst puts those images first that the newest revision changed: of a pod with
// several containers the first may be a proxy that every revision has.
func (g *group) changedFirst(all []string, newest *replicas) []string {
	var last *replicas
	for _, r := range g.sets {
		if newest != nil && r.revision < newest.revision && len(r.images) > 0 && (last == nil || r.revision > last.revision) {
			last = r
		}
	}
	if last == nil {
		return all
	}
	return inFront(all, func(image string) bool { return !slices.Contains(last.images, image) })
}

// tellApart puts those images of each revision first that are not in all of them, and
// notes how many these are.
func tellApart(all []model.Candidate) {
	lists := make([][]string, len(all))
	for i := range all {
		lists[i] = all[i].Images
	}
	for i := range all {
		tells := func(image string) bool {
			return slices.ContainsFunc(lists, func(l []string) bool { return len(l) > 0 && !slices.Contains(l, image) })
		}
		all[i].Images = inFront(lists[i], tells)
		for _, image := range lists[i] {
			if tells(image) {
				all[i].Vary++
			}
		}
	}
}
