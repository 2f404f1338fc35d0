package shop

import (
	"context"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Bench is a namespace full of small workloads.
type Bench struct {
	Namespace   string
	Deployments int
	Pods        int // of each Deployment
}

// Create makes the Deployments, as many at a time as the API server bears, and
// waits until all pods run. Those that exist already stay.
func (b Bench) Create(ctx context.Context, config *rest.Config) error {
	// Protobuf: thousands of pods are listed again and again below.
	cfg := rest.CopyConfig(config)
	cfg.ContentType, cfg.AcceptContentTypes = "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf,application/json"
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: b.Namespace}}
	if _, err := c.CoreV1().Namespaces().Create(ctx, ns, create); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("bench: make namespace %s: %w", b.Namespace, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan int)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for i := range todo {
				d := b.deployment(i)
				if _, err := c.AppsV1().Deployments(b.Namespace).Create(ctx, d, create); err != nil && !apierrors.IsAlreadyExists(err) {
					cancel(fmt.Errorf("bench: make %s: %w", d.Name, err))
				}
			}
		})
	}
	for i := range b.Deployments {
		select {
		case todo <- i:
		case <-ctx.Done():
		}
	}
	close(todo)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return b.wait(ctx, c)
}

func (b Bench) deployment(i int) *appsv1.Deployment {
	name, n := fmt.Sprintf("service-%04d", i), int32(b.Pods)
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{"kubernetes.io/change-cause": "deploy 1.0.0"}},
		Spec: appsv1.DeploymentSpec{
			Replicas: &n,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"testbed/behaviour": "quiet"}},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "app", Image: "shop/" + name + ":1.0.0",
					Env: []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}},
				}}},
			},
		},
	}
}

// wait polls the Deployments, not the pods, which are fewer and smaller.
func (b Bench) wait(ctx context.Context, c kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		l, err := c.AppsV1().Deployments(b.Namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return fmt.Errorf("bench: wait for the pods: %w", err)
		}
		ready := 0
		for _, d := range l.Items {
			if d.Status.AvailableReplicas == *d.Spec.Replicas {
				ready++
			}
		}
		if ready >= b.Deployments {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("bench: %d of %d Deployments are ready: %w", ready, b.Deployments, context.Cause(ctx))
		case <-time.After(time.Second):
		}
	}
}
