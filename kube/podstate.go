package kube

import (
	"fmt"
	"strings"
	"time"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// pod is what is kept of a Pod: little while nothing is wrong with it, for there
// are thousands of such.
type pod struct {
	named
	uid        string
	state      unique.Handle[string]
	controller unique.Handle[controller]
	containers *[]string // shared with all pods that have the same
	created    int64     // in seconds since 1970
	ill        *illness  // nil while it is ready and nothing speaks against it
	restarts   int32
	readyAt    uint32 // since when it has been ready, in seconds since 1970; 0 = it is not
	steady     uint32 // the same, of model.Pod.Steady; 0 = it is not ready
	ready      bool
	deleting   bool
	ended      bool // it will not run again

	// Of the view, under its lock.
	index int32 // in its group's pods
	in    *group
}

// controller is who made a pod, and from which template.
type controller struct {
	kind string // ReplicaSet, StatefulSet, DaemonSet …
	name string
	hash string // pod-template-hash or controller-revision-hash
}

// illness is what is kept of a pod that is not ready or has failed.
type illness struct {
	notReady  time.Time // since when it has not been ready; zero while it is
	once      bool      // it was ready before
	failing   bool      // a person should look
	bad       string    // why it will not get ready by itself, "" = it may
	container string    // that fails; "" = none
	exit      string
	exitAt    time.Time
	message   string
}

// fine is the illness of a pod that has none. It is never written to.
var fine = &illness{}

func (k *pod) illness() *illness {
	if k.ill == nil {
		return fine
	}
	return k.ill
}

// sick returns the illness to write to.
func (k *pod) sick() *illness {
	if k.ill == nil {
		k.ill = &illness{}
	}
	return k.ill
}

// fromPod keeps of a pod what is shown. now dates its last crash. What it reads
// must be in podMask.
func fromPod(p *corev1.Pod, now time.Time) *pod {
	k := &pod{named: name(p.Namespace, p.Name), uid: string(p.UID), created: p.CreationTimestamp.Unix(),
		deleting: p.DeletionTimestamp != nil, ready: podReady(p),
		ended: p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded}
	by := controller{hash: p.Labels[labelHash]}
	if o := metav1.GetControllerOfNoCopy(p); o != nil {
		by.kind, by.name = o.Kind, o.Name
	}
	if by.hash == "" {
		by.hash = p.Labels[labelRevision]
	}
	k.controller = unique.Make(by)
	k.containers = containerNames(p.Spec.Containers)
	state, restarts := podState(p)
	k.state, k.restarts = unique.Make(text.Line(state)), int32(restarts)
	switch c := condition(p, corev1.PodReady); {
	case c == nil:
	case k.ready:
		k.readyAt = uint32(c.LastTransitionTime.Unix())
		k.steady = steadySince(p, k.readyAt)
	default:
		k.sick().notReady = c.LastTransitionTime.Time
		k.sick().once = c.LastTransitionTime.Sub(placed(p)) > onceReady
	}
	k.judge(p, now)
	return k
}

// readySince is since when it has been ready; zero while it is not.
func (k *pod) readySince() time.Time {
	if k.readyAt == 0 {
		return time.Time{}
	}
	return time.Unix(int64(k.readyAt), 0)
}

// neverReady says whether it has not been ready yet and still may be.
func (k *pod) neverReady() bool { return !k.ready && !k.deleting && !k.ended && !k.illness().once }

// onceReady is how long after it was given to a node a pod's Ready condition became
// what it is, if it was another before. The kubelet writes the first one at once.
const onceReady = 5 * time.Second

// placed returns when a pod was given to a node, else when it was made.
func placed(p *corev1.Pod) time.Time {
	if c := condition(p, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionTrue && c.LastTransitionTime.After(p.CreationTimestamp.Time) {
		return c.LastTransitionTime.Time
	}
	return p.CreationTimestamp.Time
}

// steadySince is the newest of when a pod became ready and when a container of it
// started, in seconds since 1970. A container without probes that restarts leaves the
// pod not ready for less than a second, in which the former need not move.
func steadySince(p *corev1.Pod, ready uint32) uint32 {
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range list {
			if r := list[i].State.Running; r != nil {
				ready = max(ready, uint32(max(0, r.StartedAt.Unix())))
			}
		}
	}
	return ready
}

// shown returns the pod as a line of the board has it, without its revision.
func (k *pod) shown() model.Pod {
	by, ill := k.controller.Value(), k.illness()
	p := model.Pod{Name: k.name, UID: k.uid, Owner: by.name, State: k.state.Value(), Ready: k.ready, ReadySince: k.readySince(), Failing: ill.failing,
		Restarts: int(k.restarts), Exit: ill.exit, ExitAt: ill.exitAt, Message: ill.message, Started: time.Unix(k.created, 0),
		Deleting: k.deleting, Names: *k.containers, Bad: ill.container}
	if k.steady != 0 {
		p.Steady = time.Unix(int64(k.steady), 0)
	}
	if by.kind != "ReplicaSet" && by.hash != "" {
		p.Owner = by.hash
	}
	if p.Bad == "" && len(p.Names) > 0 {
		p.Bad = p.Names[0]
	}
	return p
}

// badReasons are the reasons that a container waits for and that a person has
// to look at.
var badReasons = map[string]bool{
	"CrashLoopBackOff": true, "ErrImagePull": true, "ImagePullBackOff": true, "InvalidImageName": true,
	"ErrImageNeverPull": true, "RegistryUnavailable": true, "ImageInspectError": true, "SignatureValidationFailed": true,
	"CreateContainerConfigError": true, "CreateContainerError": true, "RunContainerError": true,
	"PreCreateHookError": true, "PreStartHookError": true, "PostStartHookError": true,
}

// recently is how long a crash makes a pod that runs again a failing one.
const recently = 5 * time.Minute

// judge finds the container that fails, and why.
func (k *pod) judge(p *corev1.Pod, now time.Time) {
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range list {
			if k.container(&list[i], now) {
				return
			}
		}
	}
	switch c := condition(p, corev1.PodScheduled); {
	case p.Status.Phase == corev1.PodFailed:
		ill := k.sick()
		ill.failing = true
		ill.message = text.Lines(p.Status.Message)
		if c := condition(p, corev1.DisruptionTarget); c != nil {
			ill.exitAt = c.LastTransitionTime.Time
		} else if ill.notReady.After(p.CreationTimestamp.Time) {
			ill.exitAt = ill.notReady
		}
	case c != nil && c.Status == corev1.ConditionFalse:
		k.sick().failing = c.Reason == corev1.PodReasonUnschedulable
		k.sick().message = text.Lines(cause(c.Message))
	}
}

// container takes over what a container says of its failing; true when it is
// the one to look at.
func (k *pod) container(s *corev1.ContainerStatus, now time.Time) bool {
	end := s.LastTerminationState.Terminated
	if s.State.Terminated != nil {
		end = s.State.Terminated
	}
	crashed := end != nil && (end.ExitCode != 0 || end.Signal != 0)
	waiting := ""
	if w := s.State.Waiting; w != nil && badReasons[w.Reason] {
		waiting = w.Reason
	}
	again := crashed && s.RestartCount >= 2 && (!s.Ready || now.Sub(end.FinishedAt.Time) < recently)
	stopped := crashed && s.State.Terminated != nil && !k.deleting
	if waiting == "" && !again && !stopped {
		return false
	}
	ill := k.sick()
	ill.failing, ill.container = true, intern(s.Name)
	if crashed {
		ill.exit, ill.exitAt = exitText(end), end.FinishedAt.Time
		ill.message = text.Lines(strings.TrimSpace(end.Message))
	}
	if ill.message == "" && s.State.Waiting != nil {
		ill.message = text.Lines(cause(s.State.Waiting.Message))
	}
	switch {
	case waiting != "":
		ill.bad = intern(text.Line(waiting))
	case again:
		ill.bad = "restarting"
	}
	return true
}

func exitText(t *corev1.ContainerStateTerminated) string {
	s := fmt.Sprintf("exit %d", t.ExitCode)
	if t.Signal != 0 {
		s = fmt.Sprintf("signal %d", t.Signal)
	}
	if t.Reason != "" && t.Reason != "Error" && t.Reason != "Completed" {
		s += " " + text.Line(t.Reason)
	}
	return intern(s)
}

func condition(p *corev1.Pod, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == t {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

func podReady(p *corev1.Pod) bool {
	c := condition(p, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue
}

// podState is kubectl's STATUS column and its restarts, step by step as in
// Kubernetes' pkg/printers/internalversion/printers.go (printPod, 1.37).
func podState(p *corev1.Pod) (reason string, restarts int) {
	reason = string(p.Status.Phase)
	if p.Status.Reason != "" {
		reason = p.Status.Reason
	}
	if c := condition(p, corev1.PodScheduled); c != nil && c.Reason == corev1.PodReasonSchedulingGated {
		reason = corev1.PodReasonSchedulingGated
	}
	sidecar := map[string]bool{}
	for i := range p.Spec.InitContainers {
		ic := &p.Spec.InitContainers[i]
		sidecar[ic.Name] = ic.RestartPolicy != nil && *ic.RestartPolicy == corev1.ContainerRestartPolicyAlways
	}
	initializing, sidecarRestarts := false, 0
loop:
	for i := range p.Status.InitContainerStatuses {
		s := &p.Status.InitContainerStatuses[i]
		restarts += int(s.RestartCount)
		if sidecar[s.Name] {
			sidecarRestarts += int(s.RestartCount)
		}
		switch t, w := s.State.Terminated, s.State.Waiting; {
		case t != nil && t.ExitCode == 0:
			continue
		case sidecar[s.Name] && s.Started != nil && *s.Started:
			continue
		case t != nil:
			reason = "Init:" + endReason(t)
		case w != nil && w.Reason != "" && w.Reason != "PodInitializing":
			reason = "Init:" + w.Reason
		default:
			reason = fmt.Sprintf("Init:%d/%d", i, len(p.Spec.InitContainers))
		}
		initializing = true
		break loop
	}
	if c := condition(p, corev1.PodInitialized); !initializing || (c != nil && c.Status == corev1.ConditionTrue) {
		restarts = sidecarRestarts
		running, failed := false, ""
		for i := len(p.Status.ContainerStatuses) - 1; i >= 0; i-- {
			s := &p.Status.ContainerStatuses[i]
			restarts += int(s.RestartCount)
			switch t, w := s.State.Terminated, s.State.Waiting; {
			case w != nil && w.Reason != "":
				reason = w.Reason
			case t != nil:
				if reason = endReason(t); t.ExitCode != 0 {
					failed = reason
				}
			case s.Ready && s.State.Running != nil:
				running = true
			}
		}
		if reason == "Completed" {
			switch {
			case running && podReady(p):
				reason = "Running"
			case failed != "":
				reason = failed
			case running:
				reason = "NotReady"
			}
		}
	}
	ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	switch {
	case p.DeletionTimestamp != nil && p.Status.Reason == "NodeLost":
		reason = "Unknown"
	case p.DeletionTimestamp != nil && !ended:
		reason = "Terminating"
	}
	return reason, restarts
}

func endReason(t *corev1.ContainerStateTerminated) string {
	switch {
	case t.Reason != "":
		return t.Reason
	case t.Signal != 0:
		return fmt.Sprintf("Signal:%d", t.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", t.ExitCode)
}
