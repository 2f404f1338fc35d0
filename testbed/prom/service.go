package prom

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

// The service by which Prometheus is reached through the API server.
const (
	Namespace = "monitoring"
	Service   = "prometheus"
	Port      = 9090
)

// Publish makes the service. The API server proxies only to an address that a pod
// has, so there is a pod, played by KWOK, with the address ip; on ip and port a
// proxy to Prometheus must listen.
func Publish(ctx context.Context, c kubernetes.Interface, ip string, port int) error {
	fail := func(what string, err error) error {
		return fmt.Errorf("make %s %s/%s: %w", what, Namespace, Service, err)
	}
	labels := map[string]string{"app.kubernetes.io/name": "prometheus"}
	meta := metav1.ObjectMeta{Name: Service, Namespace: Namespace, Labels: labels}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
	if _, err := c.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return fail("namespace for", err)
	}
	pod := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "prometheus", Image: "prometheus/prometheus:v3"}},
	}}
	pod.Annotations = map[string]string{"testbed/behaviour": "quiet", "testbed/pod-ip": ip}
	if _, err := c.CoreV1().Pods(Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return fail("pod", err)
	}
	// No selector: the endpoints are written by hand below.
	svc := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		Ports: []corev1.ServicePort{{Name: "http", Port: Port, TargetPort: intstr.FromInt32(int32(port))}},
	}}
	if _, err := c.CoreV1().Services(Namespace).Create(ctx, svc, metav1.CreateOptions{}); err != nil {
		return fail("service", err)
	}
	slice := &discoveryv1.EndpointSlice{ObjectMeta: *meta.DeepCopy(), AddressType: discoveryv1.AddressTypeIPv4}
	slice.Labels[discoveryv1.LabelServiceName] = Service
	ready, name, target := true, "http", int32(port)
	slice.Ports = []discoveryv1.EndpointPort{{Name: &name, Port: &target}}
	slice.Endpoints = []discoveryv1.Endpoint{{
		Addresses:  []string{ip},
		Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: Namespace, Name: Service},
	}}
	if _, err := c.DiscoveryV1().EndpointSlices(Namespace).Create(ctx, slice, metav1.CreateOptions{}); err != nil {
		return fail("endpoints of", err)
	}
	return waitForPod(ctx, c, ip)
}

func waitForPod(ctx context.Context, c kubernetes.Interface, ip string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		p, err := c.CoreV1().Pods(Namespace).Get(ctx, Service, metav1.GetOptions{})
		if err == nil && p.Status.PodIP == ip {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the pod %s/%s did not get the address %s within 30 s: %w", Namespace, Service, ip, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
