package shop

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// A workload is a Deployment or a StatefulSet as it was when it was found.
type workload struct {
	kind, namespace, name string
	generation            int64
	container             corev1.Container // the first of the template
}

func (w workload) String() string { return w.kind + " " + w.namespace + "/" + w.name }

// find reads a workload; an empty kind looks for a Deployment and then for a
// StatefulSet of that name.
func find(ctx context.Context, c kubernetes.Interface, kind, namespace, name string) (workload, error) {
	w := workload{kind: kind, namespace: namespace, name: name}
	if kind != "StatefulSet" {
		d, err := c.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			w.kind, w.generation, w.container = "Deployment", d.Generation, d.Spec.Template.Spec.Containers[0]
			return w, nil
		}
		if kind != "" || !apierrors.IsNotFound(err) {
			return w, fmt.Errorf("find Deployment %s/%s: %w", namespace, name, err)
		}
	}
	s, err := c.AppsV1().StatefulSets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return w, fmt.Errorf("find a workload %s/%s: %w", namespace, name, err)
	}
	w.kind, w.generation, w.container = "StatefulSet", s.Generation, s.Spec.Template.Spec.Containers[0]
	return w, nil
}

// status is what the controllers say of a workload.
type status struct {
	desired, updated, ready, total int32
	observed                       bool // of the present generation
	revision                       string
}

func (w workload) status(ctx context.Context, c kubernetes.Interface) (status, error) {
	if w.kind == "StatefulSet" {
		s, err := c.AppsV1().StatefulSets(w.namespace).Get(ctx, w.name, metav1.GetOptions{})
		if err != nil {
			return status{}, err
		}
		return status{*s.Spec.Replicas, s.Status.UpdatedReplicas, s.Status.ReadyReplicas, s.Status.Replicas,
			s.Status.ObservedGeneration >= s.Generation, s.Status.UpdateRevision}, nil
	}
	d, err := c.AppsV1().Deployments(w.namespace).Get(ctx, w.name, metav1.GetOptions{})
	if err != nil {
		return status{}, err
	}
	return status{*d.Spec.Replicas, d.Status.UpdatedReplicas, d.Status.AvailableReplicas, d.Status.Replicas,
		d.Status.ObservedGeneration >= d.Generation, d.Annotations["deployment.kubernetes.io/revision"]}, nil
}

// observed waits until the controller has made a revision of the present template.
func (w workload) observed(ctx context.Context, c kubernetes.Interface) error {
	return wait(ctx, "the revision of "+w.String(), func(ctx context.Context) (bool, error) {
		s, err := w.status(ctx, c)
		return s.observed && s.revision != "", err
	})
}

// ready waits until the rollout is over and all pods serve.
func (w workload) ready(ctx context.Context, c kubernetes.Interface) error {
	return wait(ctx, "the pods of "+w.String(), func(ctx context.Context) (bool, error) {
		s, err := w.status(ctx, c)
		return s.observed && s.updated == s.desired && s.ready == s.desired && s.total == s.desired, err
	})
}

func (w workload) scale(ctx context.Context, c kubernetes.Interface, n int32) error {
	body := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n)
	opts := metav1.PatchOptions{FieldManager: Manager}
	var err error
	if w.kind == "StatefulSet" {
		_, err = c.AppsV1().StatefulSets(w.namespace).Patch(ctx, w.name, types.MergePatchType, body, opts)
	} else {
		_, err = c.AppsV1().Deployments(w.namespace).Patch(ctx, w.name, types.MergePatchType, body, opts)
	}
	if err != nil {
		return fmt.Errorf("scale %s to %d: %w", w, n, err)
	}
	return nil
}
