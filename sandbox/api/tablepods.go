package api

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var pods = rows(columns(text("Name"), text("Ready"), text("Status"), text("Restarts"), text("Age"), wide("IP"), wide("Node"), wide("Nominated Node"), wide("Readiness Gates")),
	func(a *ages, o *corev1.Pod) []any {
		ready, status, restarts, last := podCells(o)
		text := strconv.Itoa(restarts)
		if restarts > 0 && !last.IsZero() {
			text = fmt.Sprintf("%d (%s ago)", restarts, a.of(last))
		}
		gates := "<none>"
		if n := len(o.Spec.ReadinessGates); n > 0 {
			gates = fmt.Sprintf("%d/%d", metGates(o), n)
		}
		return []any{o.Name, fmt.Sprintf("%d/%d", ready, len(o.Spec.Containers)), status, text, a.of(o.CreationTimestamp),
			or(o.Status.PodIP, "<none>"), or(o.Spec.NodeName, "<none>"), or(o.Status.NominatedNodeName, "<none>"), gates}
	})

// podCells sums up a pod in kubectl's words.
func podCells(o *corev1.Pod) (ready int, status string, restarts int, last metav1.Time) {
	status = or(o.Status.Reason, string(o.Status.Phase))
	note := func(s *corev1.ContainerStatus) {
		restarts += int(s.RestartCount)
		if t := s.LastTerminationState.Terminated; t != nil && last.Before(&t.FinishedAt) {
			last = t.FinishedAt
		}
	}
	for i := range o.Status.InitContainerStatuses {
		s := &o.Status.InitContainerStatuses[i]
		note(s)
		switch {
		case s.State.Terminated != nil && s.State.Terminated.ExitCode == 0:
			continue
		case s.State.Terminated != nil:
			status = "Init:" + ended(s.State.Terminated)
		case s.State.Waiting != nil && s.State.Waiting.Reason != "" && s.State.Waiting.Reason != "PodInitializing":
			status = "Init:" + s.State.Waiting.Reason
		default:
			status = fmt.Sprintf("Init:%d/%d", i, len(o.Spec.InitContainers))
		}
		return ready, terminating(o, status), restarts, last
	}
	restarts, last = 0, metav1.Time{}
	running, failed := false, ""
	for i := len(o.Status.ContainerStatuses) - 1; i >= 0; i-- {
		s := &o.Status.ContainerStatuses[i]
		note(s)
		switch t := s.State.Terminated; {
		case s.State.Waiting != nil && s.State.Waiting.Reason != "":
			status = s.State.Waiting.Reason
		case t != nil:
			status = ended(t)
			if t.ExitCode != 0 {
				failed = status
			}
		case s.Ready && s.State.Running != nil:
			running = true
			ready++
		}
	}
	if status == "Completed" {
		switch {
		case running && isReady(o):
			status = "Running"
		case failed != "":
			status = failed
		case running:
			status = "NotReady"
		}
	}
	return ready, terminating(o, status), restarts, last
}

func ended(t *corev1.ContainerStateTerminated) string {
	switch {
	case t.Reason != "":
		return t.Reason
	case t.Signal != 0:
		return fmt.Sprintf("Signal:%d", t.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", t.ExitCode)
}

func terminating(o *corev1.Pod, status string) string {
	switch {
	case o.DeletionTimestamp == nil || o.Status.Phase == corev1.PodSucceeded || o.Status.Phase == corev1.PodFailed:
		return status
	case o.Status.Reason == "NodeLost":
		return "Unknown"
	}
	return "Terminating"
}

func isReady(o *corev1.Pod) bool { return condition(o, corev1.PodReady) }

func condition(o *corev1.Pod, kind corev1.PodConditionType) bool {
	for _, c := range o.Status.Conditions {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func metGates(o *corev1.Pod) (n int) {
	for _, g := range o.Spec.ReadinessGates {
		if condition(o, g.ConditionType) {
			n++
		}
	}
	return n
}
