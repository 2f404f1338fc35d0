// Package pods keeps a picture of the pods that have traffic, from a watch.
package pods

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
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
	s := &store{known: map[string]Pod{}, changed: changed, gone: gone, synced: make(chan struct{})}
	r := cache.NewReflectorWithOptions(lw, &corev1.Pod{}, s, cache.ReflectorOptions{
		// After an outage on purpose the traffic goes on at once, not in half a minute.
		Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 1, Jitter: 0.5, Steps: math.MaxInt32, Cap: time.Second},
	})
	go r.RunWithContext(ctx)
	select {
	case <-s.synced:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// store is where the reflector puts what it hears. Only its goroutine calls it.
type store struct {
	known         map[string]Pod
	changed, gone func(Pod)
	synced        chan struct{}
	once          sync.Once
}

func (s *store) put(obj any) error {
	p, ok := obj.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("watch of pods: got a %T", obj)
	}
	now := From(p)
	if old, ok := s.known[key(now)]; ok && old.UID != now.UID {
		s.gone(old)
	}
	s.known[key(now)] = now
	s.changed(now)
	return nil
}

func key(p Pod) string { return p.Namespace + "/" + p.Name }

func (s *store) Add(obj any) error    { return s.put(obj) }
func (s *store) Update(obj any) error { return s.put(obj) }

func (s *store) Delete(obj any) error {
	p, ok := obj.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("watch of pods: got a %T", obj)
	}
	old := From(p)
	delete(s.known, key(old))
	s.gone(old)
	return nil
}

// Replace takes in a whole list: at the start, and after an outage too long to
// be caught up with.
func (s *store) Replace(objs []any, _ string) error {
	stale := s.known
	s.known = map[string]Pod{}
	for _, o := range objs {
		if p, ok := o.(*corev1.Pod); ok {
			now := From(p)
			if old, ok := stale[key(now)]; ok && old.UID == now.UID {
				delete(stale, key(now))
			}
		}
	}
	for _, old := range stale {
		s.gone(old)
	}
	for _, o := range objs {
		if err := s.put(o); err != nil {
			return err
		}
	}
	s.once.Do(func() { close(s.synced) })
	return nil
}

func (s *store) Resync() error { return nil }

// Sort orders pods by namespace and name.
func Sort(ps []Pod) {
	slices.SortFunc(ps, func(a, b Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}
