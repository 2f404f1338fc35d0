package sim

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// syncService keeps a Service's EndpointSlice: who answers for it now.
func (m *Sim) syncService(svc *corev1.Service) error {
	if len(svc.Spec.Selector) == 0 {
		return nil
	}
	name := svc.Name + "-sandbox"
	want := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: svc.Namespace,
			Labels:          map[string]string{discoveryv1.LabelServiceName: svc.Name, discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(svc, corev1.SchemeGroupVersion.WithKind("Service"))}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	selector := labels.SelectorFromSet(svc.Spec.Selector)
	var first *corev1.Pod
	for _, p := range list[corev1.Pod](m, pods, svc.Namespace) {
		if p.Status.PodIP == "" || ended(p) || !selector.Matches(labels.Set(p.Labels)) {
			continue
		}
		if first == nil {
			first = p
		}
		deleted := p.DeletionTimestamp != nil
		serving, ok := ready(p), ready(p) && !deleted
		node := p.Spec.NodeName
		want.Endpoints = append(want.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{p.Status.PodIP}, NodeName: &node,
			Conditions: discoveryv1.EndpointConditions{Ready: &ok, Serving: &serving, Terminating: &deleted},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: p.UID},
		})
	}
	for _, p := range svc.Spec.Ports {
		name, protocol, port := p.Name, p.Protocol, targetPort(&p, first)
		want.Ports = append(want.Ports, discoveryv1.EndpointPort{Name: &name, Protocol: &protocol, Port: &port})
	}
	old := get[discoveryv1.EndpointSlice](m, endpointSlices, svc.Namespace, name)
	if old == nil {
		return m.create(endpointSlices, want)
	}
	if equality.Semantic.DeepEqual(old.Endpoints, want.Endpoints) && equality.Semantic.DeepEqual(old.Ports, want.Ports) {
		return nil
	}
	now := old.DeepCopy()
	now.Endpoints, now.Ports = want.Endpoints, want.Ports
	return m.update(endpointSlices, now)
}

// targetPort is a Service's port at its pods.
func targetPort(p *corev1.ServicePort, pod *corev1.Pod) int32 {
	if p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal != 0 {
		return p.TargetPort.IntVal
	}
	if pod != nil {
		for _, c := range pod.Spec.Containers {
			if i := slices.IndexFunc(c.Ports, func(x corev1.ContainerPort) bool { return x.Name == p.TargetPort.StrVal }); i >= 0 {
				return c.Ports[i].ContainerPort
			}
		}
	}
	return p.Port
}
