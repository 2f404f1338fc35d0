// Package pods keeps a picture of the pods that have traffic, from a watch.
package pods

import (
	"cmp"
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Label is carried by the pods that take part in the traffic. Its value is what
// they serve: http (requests and latencies) or none (only up).
const Label = "testbed/traffic"

// Pod is what the traffic needs to know of one.
type Pod struct {
	Namespace, Name string
	UID             string
	App             string // label app
	Container       string // the first
	IP              string
	HTTP            bool
	Ready           bool
	Annotations     map[string]string
	OwnerKind       string // ReplicaSet, StatefulSet …
	Owner           string
	Deployment      string // the ReplicaSet's owner, by its name less the hash
	Hash            string // pod-template-hash
}

// From reads a pod.
func From(p *corev1.Pod) Pod {
	out := Pod{
		Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), IP: p.Status.PodIP,
		App: p.Labels["app"], HTTP: p.Labels[Label] == "http", Annotations: p.Annotations,
		Hash: p.Labels["pod-template-hash"],
	}
	if len(p.Spec.Containers) > 0 {
		out.Container = p.Spec.Containers[0].Name
	}
	if o := metav1.GetControllerOf(p); o != nil {
		out.OwnerKind, out.Owner = o.Kind, o.Name
		if d, ok := strings.CutSuffix(o.Name, "-"+out.Hash); ok && o.Kind == "ReplicaSet" {
			out.Deployment = d
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			out.Ready = c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
		}
	}
	return out
}

// Watch tells changed of each pod that appears or changes and gone of each that
// vanishes, one call at a time, until ctx ends. It returns when it knows all pods.
func Watch(ctx context.Context, c kubernetes.Interface, changed, gone func(Pod)) error {
	selector := func(o *metav1.ListOptions) { o.LabelSelector = Label }
	api := c.CoreV1().Pods(metav1.NamespaceAll)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			selector(&o)
			return api.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			selector(&o)
			return api.Watch(ctx, o)
		},
	}
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: lw,
		ObjectType:    &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { changed(From(o.(*corev1.Pod))) },
			UpdateFunc: func(_, o any) { changed(From(o.(*corev1.Pod))) },
			DeleteFunc: func(o any) {
				if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
					o = last.Obj
				}
				if p, ok := o.(*corev1.Pod); ok {
					gone(From(p))
				}
			},
		},
	})
	go controller.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), controller.HasSynced) {
		return context.Cause(ctx)
	}
	return nil
}

// Sort orders pods by namespace and name.
func Sort(ps []Pod) {
	slices.SortFunc(ps, func(a, b Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}
