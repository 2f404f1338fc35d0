package sim

import (
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rollbook/sandbox/store"
)

var (
	deployments         = store.Deployments
	replicaSets         = store.ReplicaSets
	statefulSets        = store.StatefulSets
	daemonSets          = store.DaemonSets
	controllerRevisions = store.ControllerRevisions
	pods                = store.Pods
	nodes               = store.Nodes
	services            = store.Services
	endpointSlices      = store.EndpointSlices
	events              = store.Events
	autoscalers         = store.Autoscalers
)

// typed is an object of the store in Go's types, for as long as it stays the
// same version.
type typed struct {
	version string
	object  any
	used    int // the pass that asked for it last
}

// list returns the objects of a resource, of all namespaces for "". They are
// shared: copy what is changed.
func list[T any](m *Sim, gr schema.GroupResource, namespace string) []*T {
	items, _ := m.store.List(gr, namespace)
	out := make([]*T, 0, len(items))
	for _, u := range items {
		if o := typedOf[T](m, u); o != nil {
			out = append(out, o)
		}
	}
	return out
}

// get returns one object, nil = it is not there.
func get[T any](m *Sim, gr schema.GroupResource, namespace, name string) *T {
	u, err := m.store.Get(gr, namespace, name)
	if err != nil {
		return nil
	}
	return typedOf[T](m, u)
}

// typedOf converts an object. What cannot be converted was stored by somebody
// who sent nonsense: the controllers do not see it.
func typedOf[T any](m *Sim, u *unstructured.Unstructured) *T {
	uid, version := u.GetUID(), u.GetResourceVersion()
	if t, ok := m.typed[uid]; ok && t.version == version {
		if o, ok := t.object.(*T); ok {
			t.used = m.round
			m.typed[uid] = t
			return o
		}
	}
	o := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(unmanaged(u), o); err != nil {
		return nil
	}
	m.typed[uid] = typed{version, o, m.round}
	return o
}

// unmanaged returns an object's content without its managedFields: the store
// keeps them, a controller never looks at them, and of all that is in an object
// they take the longest to convert. The rest is shared.
func unmanaged(u *unstructured.Unstructured) map[string]any {
	meta, _ := u.Object["metadata"].(map[string]any)
	if _, has := meta["managedFields"]; !has {
		return u.Object
	}
	out := maps.Clone(u.Object)
	meta = maps.Clone(meta)
	delete(meta, "managedFields")
	out["metadata"] = meta
	return out
}

// prune forgets the typed objects that the last pass did not see.
func (m *Sim) prune() {
	for uid, t := range m.typed {
		if t.used < m.round {
			delete(m.typed, uid)
		}
	}
}

func untyped(o metav1.Object) (*unstructured.Unstructured, error) {
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: raw}
	u.SetGroupVersionKind(kindOf(o))
	return u, nil
}

// kindOf is an object's kind: decoded lists do not carry it.
func kindOf(o metav1.Object) schema.GroupVersionKind {
	switch o.(type) {
	case *appsv1.Deployment:
		return appsv1.SchemeGroupVersion.WithKind("Deployment")
	case *appsv1.ReplicaSet:
		return appsv1.SchemeGroupVersion.WithKind("ReplicaSet")
	case *appsv1.StatefulSet:
		return appsv1.SchemeGroupVersion.WithKind("StatefulSet")
	case *appsv1.DaemonSet:
		return appsv1.SchemeGroupVersion.WithKind("DaemonSet")
	case *appsv1.ControllerRevision:
		return appsv1.SchemeGroupVersion.WithKind("ControllerRevision")
	case *autoscalingv2.HorizontalPodAutoscaler:
		return autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler")
	case *corev1.Pod:
		return corev1.SchemeGroupVersion.WithKind("Pod")
	case *discoveryv1.EndpointSlice:
		return discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice")
	case *corev1.Event:
		return corev1.SchemeGroupVersion.WithKind("Event")
	}
	panic(fmt.Sprintf("sim: no kind for %T", o))
}

// taken takes what the store made of an object over into it: name, uid,
// version.
func taken(o metav1.Object, u *unstructured.Unstructured) {
	o.SetUID(u.GetUID())
	o.SetResourceVersion(u.GetResourceVersion())
	o.SetGeneration(u.GetGeneration())
	o.SetCreationTimestamp(u.GetCreationTimestamp())
}

// Who the parts of the control plane are in managedFields.
const (
	controllerManager = "kube-controller-manager"
	kubelet           = "kubelet"
	scheduler         = "kube-scheduler"
)

func (m *Sim) create(gr schema.GroupResource, o metav1.Object) error {
	u, err := untyped(o)
	if err != nil {
		return err
	}
	if u, err = m.store.Create(gr, u, store.By{Manager: managerOf(gr)}); err != nil {
		return err
	}
	taken(o, u)
	return nil
}

func (m *Sim) update(gr schema.GroupResource, o metav1.Object) error {
	return m.write(gr, o, store.By{Manager: managerOf(gr)})
}

func (m *Sim) updateStatus(gr schema.GroupResource, o metav1.Object) error {
	by := store.By{Manager: controllerManager, Sub: "status"}
	if gr == pods {
		by.Manager = kubelet
	}
	return m.write(gr, o, by)
}

func (m *Sim) write(gr schema.GroupResource, o metav1.Object, by store.By) error {
	u, err := untyped(o)
	if err != nil {
		return err
	}
	if u, err = m.store.Update(gr, u, by); err != nil {
		return err
	}
	taken(o, u)
	return nil
}

func managerOf(gr schema.GroupResource) string {
	if gr == events {
		return kubelet // most are
	}
	return controllerManager
}

// bind gives a pod its node.
func (m *Sim) bind(p *corev1.Pod, node string) error {
	p.Spec.NodeName = node
	return m.write(pods, p, store.By{Manager: scheduler})
}

// remove takes an object away at once, if it is still the same.
func (m *Sim) remove(gr schema.GroupResource, o metav1.Object) error {
	_, _, err := m.store.Delete(gr, o.GetNamespace(), o.GetName(), store.Removal{UID: o.GetUID()})
	return err
}

// terminate deletes a pod as the controllers do: its containers get the time
// that it asks for, and the kubelet takes it away.
func (m *Sim) terminate(p *corev1.Pod) error {
	grace := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if g := p.Spec.TerminationGracePeriodSeconds; g != nil {
		grace = *g
	}
	_, _, err := m.store.Delete(pods, p.Namespace, p.Name, store.Removal{UID: p.UID, Grace: grace})
	return err
}
