package api

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var deployments = rows(columns(text("Name"), text("Ready"), text("Up-to-date"), text("Available"), text("Age"), wide("Containers"), wide("Images"), wide("Selector")),
	func(a *ages, o *appsv1.Deployment) []any {
		names, images := layout(o.Spec.Template.Spec.Containers)
		return []any{o.Name, fmt.Sprintf("%d/%d", o.Status.ReadyReplicas, deref(o.Spec.Replicas)), int64(o.Status.UpdatedReplicas),
			int64(o.Status.AvailableReplicas), a.of(o.CreationTimestamp), names, images, metav1.FormatLabelSelector(o.Spec.Selector)}
	})

var replicaSets = rows(columns(text("Name"), number("Desired"), number("Current"), number("Ready"), text("Age"), wide("Containers"), wide("Images"), wide("Selector")),
	func(a *ages, o *appsv1.ReplicaSet) []any {
		names, images := layout(o.Spec.Template.Spec.Containers)
		return []any{o.Name, int64(deref(o.Spec.Replicas)), int64(o.Status.Replicas), int64(o.Status.ReadyReplicas), a.of(o.CreationTimestamp),
			names, images, metav1.FormatLabelSelector(o.Spec.Selector)}
	})

var statefulSets = rows(columns(text("Name"), text("Ready"), text("Age"), wide("Containers"), wide("Images")),
	func(a *ages, o *appsv1.StatefulSet) []any {
		names, images := layout(o.Spec.Template.Spec.Containers)
		return []any{o.Name, fmt.Sprintf("%d/%d", o.Status.ReadyReplicas, deref(o.Spec.Replicas)), a.of(o.CreationTimestamp), names, images}
	})

var daemonSets = rows(columns(text("Name"), number("Desired"), number("Current"), number("Ready"), number("Up-to-date"), number("Available"),
	text("Node Selector"), text("Age"), wide("Containers"), wide("Images"), wide("Selector")),
	func(a *ages, o *appsv1.DaemonSet) []any {
		names, images := layout(o.Spec.Template.Spec.Containers)
		s := &o.Status
		return []any{o.Name, int64(s.DesiredNumberScheduled), int64(s.CurrentNumberScheduled), int64(s.NumberReady), int64(s.UpdatedNumberScheduled),
			int64(s.NumberAvailable), labels.FormatLabels(o.Spec.Template.Spec.NodeSelector), a.of(o.CreationTimestamp), names, images, metav1.FormatLabelSelector(o.Spec.Selector)}
	})

var controllerRevisions = rows(columns(text("Name"), text("Controller"), text("Revision"), text("Age")),
	func(a *ages, o *appsv1.ControllerRevision) []any {
		by := "<none>"
		if ref := metav1.GetControllerOf(o); ref != nil {
			by = strings.ToLower(ref.Kind)
			if group, _, ok := strings.Cut(ref.APIVersion, "/"); ok {
				by += "." + group
			}
			by += "/" + ref.Name
		}
		return []any{o.Name, by, o.Revision, a.of(o.CreationTimestamp)}
	})

func deref(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}

func layout(containers []corev1.Container) (names, images string) {
	var n, i []string
	for k := range containers {
		n, i = append(n, containers[k].Name), append(i, containers[k].Image)
	}
	return strings.Join(n, ","), strings.Join(i, ",")
}
