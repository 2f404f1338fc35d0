package kube

import (
	"iter"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"rollbook/model"
	"rollbook/text"
)

// images returns the images of a template's containers that run as long as the pod
// does, in its order: the containers, then the init containers that never end
// (sidecars).
func images(t *corev1.PodTemplateSpec) []string {
	out := make([]string, 0, len(t.Spec.Containers))
	for c := range lasting(t) {
		out = append(out, intern(text.Line(c.Image)))
	}
	return out
}

// ownImage returns the image of the container that has the workload's name, or whose
// image has it; "" where none has, or there is only one.
func ownImage(t *corev1.PodTemplateSpec, workload string) string {
	n, own := 0, ""
	for c := range lasting(t) {
		n++
		image := text.Line(c.Image)
		name := image[strings.LastIndexByte(image, '/')+1:]
		name, _, _ = strings.Cut(name, "@")
		name, _, _ = strings.Cut(name, ":")
		if own == "" && (c.Name == workload || name == workload) {
			own = image
		}
	}
	if n < 2 {
		return ""
	}
	return own
}

// lasting are the containers of a template that run as long as the pod does.
func lasting(t *corev1.PodTemplateSpec) iter.Seq[*corev1.Container] {
	return func(yield func(*corev1.Container) bool) {
		for i := range t.Spec.Containers {
			if !yield(&t.Spec.Containers[i]) {
				return
			}
		}
		for i := range t.Spec.InitContainers {
			c := &t.Spec.InitContainers[i]
			if p := c.RestartPolicy; p != nil && *p == corev1.ContainerRestartPolicyAlways && !yield(c) {
				return
			}
		}
	}
}

// namedBy returns which image names the versions of a workload that was read with its
// revisions.
func namedBy(w *object, revs []*object) string {
	now, err := typed(w.template())
	if err != nil {
		return ""
	}
	var others [][]string
	for _, r := range revs {
		if t, err := typed(r.template()); err == nil {
			others = append(others, images(t))
		}
	}
	return model.NamedBy(ownImage(now, w.Metadata.Name), images(now), others)
}

// tagOf returns the tag of an object's template.
func tagOf(o *object, by string) string {
	t, err := typed(o.template())
	if err != nil {
		return ""
	}
	return model.TagOf(images(t), by)
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
