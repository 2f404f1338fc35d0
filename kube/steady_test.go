package kube

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A pod is as it is since it became ready or a container of it started, whichever came
// later; one that is not ready is not.
func TestPodIsSteadySince(t *testing.T) {
	at := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	pod := func(ready corev1.ConditionStatus, since time.Time, started ...time.Time) *corev1.Pod {
		p := &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.NewTime(since)}}}}
		for _, s := range started {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(s)}}})
		}
		return p
	}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		want time.Time
	}{
		"ready since":         {pod(corev1.ConditionTrue, at, at.Add(-time.Minute)), at},
		"a container started": {pod(corev1.ConditionTrue, at, at.Add(-time.Minute), at.Add(time.Hour)), at.Add(time.Hour)},
		"not ready":           {pod(corev1.ConditionFalse, at, at), time.Time{}},
	} {
		if got := fromPod(c.pod, at).shown().Steady; !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
