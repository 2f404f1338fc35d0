package cluster

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// A probe is a Deployment that is made and deleted: when its pod has come and
// gone, the controllers, the scheduler, KWOK and the garbage collector all see
// the API server's changes.
type probe struct {
	client  kubernetes.Interface
	deleted bool
}

const (
	probeNamespace = metav1.NamespaceSystem
	probeName      = "testbed-probe"
)

// ready is asked again and again, and does the next step each time.
func (p *probe) ready(ctx context.Context) error {
	api := p.client.AppsV1().Deployments(probeNamespace)
	if p.deleted {
		pods, err := p.client.CoreV1().Pods(probeNamespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + probeName})
		if err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return errors.New("the garbage collector has not removed the probe's pod")
		}
		return nil
	}
	d, err := api.Get(ctx, probeName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		if _, err := api.Create(ctx, probeDeployment(), metav1.CreateOptions{}); err != nil {
			return err
		}
		return errors.New("the probe was just made")
	case err != nil:
		return err
	case d.Status.AvailableReplicas == 0:
		return errors.New("the controllers have not brought the probe up")
	}
	background := metav1.DeletePropagationBackground
	if err := api.Delete(ctx, probeName, metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
		return err
	}
	p.deleted = true
	return errors.New("the probe was just deleted")
}

func probeDeployment() *appsv1.Deployment {
	one, labels := int32(1), map[string]string{"app": probeName}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: probeName},
		Spec: appsv1.DeploymentSpec{
			Replicas: &one,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"testbed/behaviour": "quiet"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "probe", Image: "probe:1"}}},
			},
		},
	}
}
