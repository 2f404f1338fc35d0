package sim

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rollbook/sandbox/store"
)

// autoscaleEvery is how often the real controller looks at an HPA.
const autoscaleEvery = 15 * time.Second

// syncAutoscaler does what the real controller does of an HPA where no metrics are served
// (kubernetes 1.37, podautoscaler/horizontal.go, reconcileAutoscaler): a target with 0
// replicas is left alone, another one is kept within the bounds.
func (m *Sim) syncAutoscaler(h *autoscalingv2.HorizontalPodAutoscaler) error {
	if at := m.looked[h.UID].Add(autoscaleEvery); at.After(m.now) {
		m.due(at)
		return nil
	}
	m.looked[h.UID] = m.now
	m.due(m.now.Add(autoscaleEvery))
	h = h.DeepCopy()
	was := h.Status.DeepCopy()
	gr, target, replicas := m.targetOf(h)
	if target == nil {
		m.condition(h, autoscalingv2.AbleToScale, corev1.ConditionFalse, "FailedGetScale", "the HPA controller was unable to get the target's current scale")
		return m.statusOf(h, was)
	}
	now := int32(1)
	if *replicas != nil {
		now = **replicas
	}
	low, want, reason := int32(1), now, ""
	if h.Spec.MinReplicas != nil {
		low = *h.Spec.MinReplicas
	}
	m.condition(h, autoscalingv2.AbleToScale, corev1.ConditionTrue, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
	switch {
	case now == 0:
		m.condition(h, autoscalingv2.ScalingActive, corev1.ConditionFalse, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
	case now > h.Spec.MaxReplicas:
		want, reason = h.Spec.MaxReplicas, "Current number of replicas above Spec.MaxReplicas"
	case now < low:
		want, reason = low, "Current number of replicas below Spec.MinReplicas"
	default: // the real one goes no further either
		h.Status.CurrentReplicas = now
		m.condition(h, autoscalingv2.ScalingActive, corev1.ConditionFalse, "FailedGetResourceMetric", "the HPA was unable to compute the replica count: no metrics are served here")
		return m.statusOf(h, was)
	}
	if want != now {
		*replicas = &want
		if err := m.write(gr, target, store.By{Manager: controllerManager, Sub: "scale"}); err != nil {
			return err
		}
		m.condition(h, autoscalingv2.AbleToScale, corev1.ConditionTrue, "SucceededRescale", fmt.Sprintf("the HPA controller was able to update the target scale to %d", want))
		m.event(h, "horizontal-pod-autoscaler", corev1.EventTypeNormal, "SuccessfulRescale", "New size: %d; reason: %s", want, reason)
		stamp := m.stamp()
		h.Status.LastScaleTime = &stamp
	}
	h.Status.CurrentReplicas, h.Status.DesiredReplicas = now, want
	return m.statusOf(h, was)
}

// targetOf returns a copy of what an HPA scales, and where its number stands; nil when it
// is not there.
func (m *Sim) targetOf(h *autoscalingv2.HorizontalPodAutoscaler) (schema.GroupResource, metav1.Object, **int32) {
	ref := h.Spec.ScaleTargetRef
	switch ref.Kind {
	case "Deployment":
		if d := get[appsv1.Deployment](m, deployments, h.Namespace, ref.Name); d != nil {
			d = d.DeepCopy()
			return deployments, d, &d.Spec.Replicas
		}
	case "StatefulSet":
		if s := get[appsv1.StatefulSet](m, statefulSets, h.Namespace, ref.Name); s != nil {
			s = s.DeepCopy()
			return statefulSets, s, &s.Spec.Replicas
		}
	}
	return schema.GroupResource{}, nil, nil
}

func (m *Sim) condition(h *autoscalingv2.HorizontalPodAutoscaler, of autoscalingv2.HorizontalPodAutoscalerConditionType, status corev1.ConditionStatus, reason, message string) {
	for n := range h.Status.Conditions {
		if c := &h.Status.Conditions[n]; c.Type == of {
			if c.Status != status {
				c.LastTransitionTime = m.stamp()
			}
			c.Status, c.Reason, c.Message = status, reason, message
			return
		}
	}
	h.Status.Conditions = append(h.Status.Conditions, autoscalingv2.HorizontalPodAutoscalerCondition{Type: of, Status: status, Reason: reason, Message: message, LastTransitionTime: m.stamp()})
}

func (m *Sim) statusOf(h *autoscalingv2.HorizontalPodAutoscaler, was *autoscalingv2.HorizontalPodAutoscalerStatus) error {
	if equality.Semantic.DeepEqual(&h.Status, was) {
		return nil
	}
	return m.updateStatus(autoscalers, h)
}
