package sim

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podStatus is what the kubelet says of a pod.
func (m *Sim) podStatus(p *corev1.Pod, r *podRun) *corev1.PodStatus {
	s := p.Status.DeepCopy()
	s.HostIP = hostIP(r.node, m.nodes())
	s.HostIPs = []corev1.HostIP{{IP: s.HostIP}}
	s.PodIP, s.PodIPs = r.ip, []corev1.PodIP{{IP: r.ip}}
	if s.StartTime == nil {
		at := m.stamp()
		s.StartTime = &at
	}
	s.InitContainerStatuses = nil
	for i := range p.Spec.InitContainers {
		c := &p.Spec.InitContainers[i]
		s.InitContainerStatuses = append(s.InitContainerStatuses, corev1.ContainerStatus{Name: c.Name, Image: full(c.Image), ImageID: imageID(c.Image), Ready: true,
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: *s.StartTime, FinishedAt: *s.StartTime}}})
	}
	s.ContainerStatuses, s.Phase = nil, corev1.PodRunning
	var unready []string
	for _, c := range r.containers {
		s.ContainerStatuses = append(s.ContainerStatuses, containerStatus(p, r, c))
		if !c.ready {
			unready = append(unready, c.spec.Name)
		}
		if c.life.started.IsZero() {
			s.Phase = corev1.PodPending
		}
		if c.phase == crashed && c.at.IsZero() {
			s.Phase = corev1.PodFailed
		}
	}
	yes := corev1.PodCondition{Status: corev1.ConditionTrue}
	serves := yes
	if len(unready) > 0 {
		serves = corev1.PodCondition{Status: corev1.ConditionFalse, Reason: "ContainersNotReady",
			Message: fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))}
	}
	old := s.Conditions
	s.Conditions = nil
	for _, c := range []struct {
		t corev1.PodConditionType
		c corev1.PodCondition
	}{{corev1.PodReadyToStartContainers, yes}, {corev1.PodInitialized, yes}, {corev1.PodReady, serves}, {corev1.ContainersReady, serves}, {corev1.PodScheduled, yes}} {
		c.c.Type, c.c.LastTransitionTime = c.t, m.stamp()
		for i := range old {
			if old[i].Type == c.t && old[i].Status == c.c.Status {
				c.c.LastTransitionTime = old[i].LastTransitionTime
			}
		}
		s.Conditions = append(s.Conditions, c.c)
	}
	return s
}

func containerStatus(p *corev1.Pod, r *podRun, c *container) corev1.ContainerStatus {
	started := c.phase == running
	s := corev1.ContainerStatus{Name: c.spec.Name, Image: c.spec.Image, Ready: c.ready, Started: &started, RestartCount: c.restarts}
	if !c.life.started.IsZero() {
		s.Image, s.ImageID, s.ContainerID = full(c.spec.Image), imageID(c.spec.Image), containerID(r, c, c.life.number)
	}
	if c.last != nil {
		s.LastTerminationState.Terminated = terminated(r, c, c.last)
	}
	wait := func(reason, format string, args ...any) {
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: fmt.Sprintf(format, args...)}
	}
	switch c.phase {
	case creating, pulling:
		wait("ContainerCreating", "")
		if c.backOff.wait > 0 {
			wait("ErrImagePull", "%s", pullError(c.spec.Image)) // it is tried again
		}
	case pullFailed:
		wait("ErrImagePull", "%s", pullError(c.spec.Image))
	case pullBackOff:
		wait("ImagePullBackOff", "Back-off pulling image %q: ErrImagePull: %s", c.spec.Image, pullError(c.spec.Image))
	case running:
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: whole(c.life.started)}
	case crashed:
		s.State.Terminated = terminated(r, c, &c.life)
	case crashBackOff:
		wait("CrashLoopBackOff", "back-off %s restarting failed container=%s pod=%s", c.at.Sub(c.life.ended), c.spec.Name, formatted(p))
		s.LastTerminationState.Terminated = terminated(r, c, &c.life)
	}
	return s
}

func terminated(r *podRun, c *container, l *life) *corev1.ContainerStateTerminated {
	reason := "Error"
	switch l.exit {
	case 0:
		reason = "Completed"
	case 137:
		reason = "OOMKilled"
	}
	return &corev1.ContainerStateTerminated{ExitCode: l.exit, Reason: reason, StartedAt: whole(l.started), FinishedAt: whole(l.ended), ContainerID: containerID(r, c, l.number)}
}

func whole(t time.Time) metav1.Time { return metav1.Time{Time: t.UTC().Truncate(time.Second)} }

func containerID(r *podRun, c *container, number int32) string {
	return fmt.Sprintf("containerd://%x", sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", r.uid, c.spec.Name, number)))
}

func imageID(image string) string {
	repo, _, _ := strings.Cut(image, ":")
	return fmt.Sprintf("%s@sha256:%x", full(repo), sha256.Sum256([]byte(image)))
}

func hostIP(node string, all []string) string {
	for i, n := range all {
		if n == node {
			return fmt.Sprintf("10.0.0.%d", 11+i)
		}
	}
	return "10.0.0.10"
}
