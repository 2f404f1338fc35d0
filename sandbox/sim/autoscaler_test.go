package sim

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAutoscalerKeepsWithinItsBounds(t *testing.T) {
	b := newBed(t)
	d := deployment(4, "shop:1")
	b.create(d)
	low := int32(2)
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: d.Namespace},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name}, MinReplicas: &low, MaxReplicas: 3}}
	if err := b.sim.create(autoscalers, h); err != nil {
		t.Fatal(err)
	}
	scale := func(n int32) {
		t.Helper()
		d := get[appsv1.Deployment](b.sim, deployments, d.Namespace, d.Name).DeepCopy()
		d.Spec.Replicas = &n
		if err := b.sim.update(deployments, d); err != nil {
			t.Fatal(err)
		}
	}
	has := func(want int32, active string) {
		t.Helper()
		b.passes(2*autoscaleEvery + time.Second) // the first looks, the next one says
		if got := *get[appsv1.Deployment](b.sim, deployments, d.Namespace, d.Name).Spec.Replicas; got != want {
			t.Errorf("%d replicas, want %d", got, want)
		}
		said := ""
		for _, c := range get[autoscalingv2.HorizontalPodAutoscaler](b.sim, autoscalers, d.Namespace, "shop").Status.Conditions {
			if c.Type == autoscalingv2.ScalingActive {
				said = c.Reason
			}
		}
		if said != active {
			t.Errorf("ScalingActive says %q, want %q", said, active)
		}
	}
	has(3, "FailedGetResourceMetric")
	scale(0)
	has(0, "ScalingDisabled")
	has(0, "ScalingDisabled")
	scale(1)
	has(2, "FailedGetResourceMetric")
}
