// Package shop makes the workloads that are rolled back: the shop of the runbook
// with a history of good revisions, releases of it that are bad in a chosen way,
// and thousands of small workloads to measure with.
package shop

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
)

//go:embed shop.yaml
var manifests string

// Namespace is where the shop is by default; its database is in DataNamespace.
const (
	Namespace     = "production"
	DataNamespace = "data"
)

// Manager is the field manager of all releases.
const Manager = "gitlab-ci"

var create = metav1.CreateOptions{FieldManager: Manager}

// history are the releases before today's, oldest first. The manifests are the
// first revision of each workload.
var history = []struct {
	kind, workload string
	release        release
}{
	{"Deployment", "frontend", release{tag: "2.8.0", cause: "deploy 2.8.0, pipeline 4702"}},
	{"Deployment", "backend-python", release{tag: "1.41.0", env: map[string]string{"LOG_LEVEL": "warning"}, cause: "deploy 1.41.0, pipeline 4703"}},
	{"Deployment", "backend-rust", release{tag: "0.9.1", cause: "deploy 0.9.1, pipeline 4705"}},
	{"StatefulSet", "postgresql", release{tag: "15.8", cause: "PostgreSQL 15.8"}},
	{"Deployment", "backend-python", release{tag: "1.42.0", env: map[string]string{"DB_POOL_SIZE": "30"}, cause: "deploy 1.42.0, pipeline 4711"}},
}

// objects reads the manifests for a namespace. In any other than production the
// database is beside the services, so that shops do not share one.
func objects(namespace string) ([]runtime.Object, error) {
	var out []runtime.Object
	for _, doc := range strings.Split(manifests, "\n---\n") {
		o, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(doc), nil, nil)
		if err != nil {
			return nil, fmt.Errorf("read shop.yaml: %w", err)
		}
		m := o.(metav1.Object)
		if namespace != Namespace {
			m.SetNamespace(namespace)
		}
		out = append(out, o)
	}
	return out, nil
}

// Namespaces are those that a shop takes up.
func Namespaces(namespace string) []string {
	if namespace == Namespace {
		return []string{Namespace, DataNamespace}
	}
	return []string{namespace}
}

// Create makes the shop in a namespace, with its history, and waits until all of
// it is ready. The older revisions never had pods: they are released while the
// workloads have no replicas, which takes seconds instead of a rollout each.
func Create(ctx context.Context, c kubernetes.Interface, namespace string) error {
	for _, ns := range Namespaces(namespace) {
		o := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
		if _, err := c.CoreV1().Namespaces().Create(ctx, o, create); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("make namespace %s: %w", ns, err)
		}
	}
	objs, err := objects(namespace)
	if err != nil {
		return err
	}
	replicas := map[string]int32{}
	for _, o := range objs {
		if err := createOne(ctx, c, o, replicas); err != nil {
			m := o.(metav1.Object)
			return fmt.Errorf("make %T %s/%s: %w", o, m.GetNamespace(), m.GetName(), err)
		}
	}
	for _, h := range history {
		// Revisions a second apart, so that their creation times tell them apart.
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(400 * time.Millisecond):
		}
		w, err := find(ctx, c, h.kind, database(namespace, h.kind), h.workload)
		if err != nil {
			return err
		}
		if err := w.observed(ctx, c); err != nil {
			return err
		}
		if err := w.patch(ctx, c, h.release); err != nil {
			return err
		}
	}
	return start(ctx, c, namespace, replicas)
}

// database is where a workload of this kind is.
func database(namespace, kind string) string {
	if kind == "StatefulSet" && namespace == Namespace {
		return DataNamespace
	}
	return namespace
}

func createOne(ctx context.Context, c kubernetes.Interface, o runtime.Object, replicas map[string]int32) error {
	first := map[string]string{"kubernetes.io/change-cause": "first deploy, pipeline 4688"}
	none := int32(0)
	var err error
	switch o := o.(type) {
	case *corev1.ConfigMap:
		_, err = c.CoreV1().ConfigMaps(o.Namespace).Create(ctx, o, create)
	case *corev1.Secret:
		_, err = c.CoreV1().Secrets(o.Namespace).Create(ctx, o, create)
	case *corev1.Service:
		_, err = c.CoreV1().Services(o.Namespace).Create(ctx, o, create)
	case *appsv1.Deployment:
		replicas[o.Name], o.Spec.Replicas, o.Annotations = *o.Spec.Replicas, &none, first
		_, err = c.AppsV1().Deployments(o.Namespace).Create(ctx, o, create)
	case *appsv1.StatefulSet:
		replicas[o.Name], o.Spec.Replicas, o.Annotations = *o.Spec.Replicas, &none, first
		_, err = c.AppsV1().StatefulSets(o.Namespace).Create(ctx, o, create)
	default:
		err = errors.New("no case for this kind in package shop")
	}
	return err
}

// start gives the workloads their replicas and waits for them.
func start(ctx context.Context, c kubernetes.Interface, namespace string, replicas map[string]int32) error {
	var all []workload
	for name, n := range replicas {
		kind := "Deployment"
		if name == "postgresql" {
			kind = "StatefulSet"
		}
		w, err := find(ctx, c, kind, database(namespace, kind), name)
		if err != nil {
			return err
		}
		if err := w.observed(ctx, c); err != nil {
			return err
		}
		if err := w.scale(ctx, c, n); err != nil {
			return err
		}
		all = append(all, w)
	}
	for _, w := range all {
		if err := w.ready(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes the shop and all else that may lie in its namespaces, events
// too, and waits until it is gone. The namespaces stay: to end one takes longer.
func Delete(ctx context.Context, c kubernetes.Interface, namespace string) error {
	background, at := metav1.DeletePropagationBackground, int64(0)
	opts, list := metav1.DeleteOptions{PropagationPolicy: &background}, metav1.ListOptions{}
	now := metav1.DeleteOptions{GracePeriodSeconds: &at}
	for _, ns := range Namespaces(namespace) {
		svcs, err := c.CoreV1().Services(ns).List(ctx, list)
		if err != nil {
			return fmt.Errorf("clear namespace %s: %w", ns, err)
		}
		errs := []error{
			c.AppsV1().Deployments(ns).DeleteCollection(ctx, opts, list),
			c.AppsV1().StatefulSets(ns).DeleteCollection(ctx, opts, list),
			c.AppsV1().DaemonSets(ns).DeleteCollection(ctx, opts, list),
			c.AppsV1().ReplicaSets(ns).DeleteCollection(ctx, opts, list),
			c.AppsV1().ControllerRevisions(ns).DeleteCollection(ctx, opts, list),
			c.BatchV1().Jobs(ns).DeleteCollection(ctx, opts, list),
			c.AutoscalingV2().HorizontalPodAutoscalers(ns).DeleteCollection(ctx, opts, list),
			c.PolicyV1().PodDisruptionBudgets(ns).DeleteCollection(ctx, opts, list),
			c.CoreV1().ResourceQuotas(ns).DeleteCollection(ctx, opts, list),
			c.CoreV1().ConfigMaps(ns).DeleteCollection(ctx, opts, list),
			c.CoreV1().Secrets(ns).DeleteCollection(ctx, opts, list),
			c.CoordinationV1().Leases(ns).DeleteCollection(ctx, opts, list),
		}
		for _, s := range svcs.Items {
			errs = append(errs, c.CoreV1().Services(ns).Delete(ctx, s.Name, opts))
		}
		empty := 0
		err = wait(ctx, "the pods and ReplicaSets of "+ns+" to go", func(ctx context.Context) (bool, error) {
			if err := c.CoreV1().Pods(ns).DeleteCollection(ctx, now, list); err != nil {
				return false, err
			}
			p, err := c.CoreV1().Pods(ns).List(ctx, list)
			if err != nil {
				return false, err
			}
			r, err := c.AppsV1().ReplicaSets(ns).List(ctx, list)
			if err != nil {
				return false, err
			}
			if len(p.Items)+len(r.Items) > 0 {
				empty = 0
				return false, nil
			}
			// A controller that has not heard of it yet may make one more pod.
			empty++
			return empty == 5, nil
		})
		errs = append(errs, err, c.CoreV1().Events(ns).DeleteCollection(ctx, opts, list))
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("clear namespace %s: %w", ns, err)
		}
	}
	return nil
}

// Reset puts the shop back to its beginning.
func Reset(ctx context.Context, c kubernetes.Interface, namespace string) error {
	if err := Delete(ctx, c, namespace); err != nil {
		return err
	}
	return Create(ctx, c, namespace)
}

// wait polls until ok or a minute has passed; conflicts are tried again.
func wait(ctx context.Context, what string, ok func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		done, err := ok(ctx)
		if done && err == nil {
			return nil
		}
		if err != nil && !apierrors.IsConflict(err) && ctx.Err() == nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
