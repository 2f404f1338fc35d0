package sim

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// The reasons of a Deployment's Progressing condition that are asked for.
const (
	reasonAvailable = "NewReplicaSetAvailable"
	reasonTimedOut  = "ProgressDeadlineExceeded"
	reasonPaused    = "DeploymentPaused"
)

// status is what the Deployment's ReplicaSets amount to, with the conditions of
// the last one.
func (r *rollout) status() *appsv1.DeploymentStatus {
	d := r.d
	s := &appsv1.DeploymentStatus{ObservedGeneration: d.Generation, CollisionCount: d.Status.CollisionCount, Conditions: slices.Clone(d.Status.Conditions)}
	terminating := int32(0)
	for _, rs := range r.all() {
		s.Replicas += rs.Status.Replicas
		s.ReadyReplicas += rs.Status.ReadyReplicas
		s.AvailableReplicas += rs.Status.AvailableReplicas
		if rs.Status.TerminatingReplicas != nil {
			terminating += *rs.Status.TerminatingReplicas
		}
	}
	if r.new != nil {
		s.UpdatedReplicas = r.new.Status.Replicas
	}
	s.TerminatingReplicas = &terminating
	s.UnavailableReplicas = max(0, total(r.all())-s.AvailableReplicas)
	_, unavailable := fenceposts(d)
	c := appsv1.DeploymentCondition{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue,
		Reason: "MinimumReplicasAvailable", Message: "Deployment has minimum availability."}
	if s.AvailableReplicas < desired(d.Spec.Replicas)-unavailable {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
	}
	setCondition(s, c, r.m)
	return s
}

// progress is status with what is known of the rollout's progress, as in the
// controller's progress.go.
func (r *rollout) progress() *appsv1.DeploymentStatus {
	s := r.status()
	seconds, has := deadline(r.d)
	if !has {
		s.Conditions = without(s.Conditions, appsv1.DeploymentProgressing)
		return s
	}
	now := findCondition(r.d.Status.Conditions, appsv1.DeploymentProgressing)
	if s.Replicas == s.UpdatedReplicas && now != nil && now.Reason == reasonAvailable {
		return s // no rollout is under way
	}
	what := fmt.Sprintf("Deployment %q", r.d.Name)
	if r.new != nil {
		what = fmt.Sprintf("ReplicaSet %q", r.new.Name)
	}
	switch {
	case complete(r.d, s):
		setCondition(s, progressing(corev1.ConditionTrue, reasonAvailable, what+" has successfully progressed."), r.m)
	case moved(&r.was, s):
		c := progressing(corev1.ConditionTrue, "ReplicaSetUpdated", what+" is progressing.")
		if now != nil && now.Status == corev1.ConditionTrue {
			c.LastTransitionTime = now.LastTransitionTime
		}
		s.Conditions = without(s.Conditions, appsv1.DeploymentProgressing) // the same reason has to get a new time
		setCondition(s, c, r.m)
	case now != nil && now.Reason != reasonAvailable:
		late := now.LastUpdateTime.Add(time.Duration(seconds) * time.Second)
		if now.Reason == reasonTimedOut || late.Before(r.m.now) {
			setCondition(s, progressing(corev1.ConditionFalse, reasonTimedOut, what+" has timed out progressing."), r.m)
		} else {
			r.m.due(late.Add(time.Second))
		}
	}
	return s
}

// complete says that all pods are of the new template and available, and no
// others are left.
func complete(d *appsv1.Deployment, s *appsv1.DeploymentStatus) bool {
	n := desired(d.Spec.Replicas)
	return s.UpdatedReplicas == n && s.Replicas == n && s.AvailableReplicas == n && s.ObservedGeneration >= d.Generation
}

// moved says whether a rollout got on between two looks.
func moved(was, is *appsv1.DeploymentStatus) bool {
	return is.UpdatedReplicas > was.UpdatedReplicas || is.Replicas-is.UpdatedReplicas < was.Replicas-was.UpdatedReplicas ||
		is.ReadyReplicas > was.ReadyReplicas || is.AvailableReplicas > was.AvailableReplicas
}

// pausedCondition notes that a Deployment was paused or resumed, so that a
// resumed one does not run out of time at once.
func (r *rollout) pausedCondition() {
	if _, has := deadline(r.d); !has {
		return
	}
	c := r.condition(appsv1.DeploymentProgressing)
	if c != nil && c.Reason == reasonTimedOut {
		return
	}
	was := c != nil && c.Reason == reasonPaused
	switch {
	case r.d.Spec.Paused && !was:
		r.set(progressing(corev1.ConditionUnknown, reasonPaused, "Deployment is paused"))
	case !r.d.Spec.Paused && was:
		r.set(progressing(corev1.ConditionUnknown, "DeploymentResumed", "Deployment is resumed"))
	}
}

// writeStatus writes a status, if it says anything new.
func (r *rollout) writeStatus(s *appsv1.DeploymentStatus) error {
	if equality.Semantic.DeepEqual(r.was, *s) {
		return nil
	}
	r.d.Status = *s
	return r.m.updateStatus(deployments, r.d)
}

func (r *rollout) condition(t appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	return findCondition(r.d.Status.Conditions, t)
}

func (r *rollout) set(c appsv1.DeploymentCondition) { setCondition(&r.d.Status, c, r.m) }

func progressing(status corev1.ConditionStatus, reason, message string) appsv1.DeploymentCondition {
	return appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: status, Reason: reason, Message: message}
}

func findCondition(all []appsv1.DeploymentCondition, t appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range all {
		if all[i].Type == t {
			return &all[i]
		}
	}
	return nil
}

// setCondition sets a condition with the present time, unless status and reason
// stay; a new reason of the same status keeps the time of the transition.
func setCondition(s *appsv1.DeploymentStatus, c appsv1.DeploymentCondition, m *Sim) {
	old := findCondition(s.Conditions, c.Type)
	if old != nil && old.Status == c.Status && old.Reason == c.Reason {
		return
	}
	c.LastUpdateTime = m.stamp()
	if old != nil && old.Status == c.Status {
		c.LastTransitionTime = old.LastTransitionTime
	} else if c.LastTransitionTime.IsZero() {
		c.LastTransitionTime = m.stamp()
	}
	s.Conditions = append(without(s.Conditions, c.Type), c)
}

func without(all []appsv1.DeploymentCondition, t appsv1.DeploymentConditionType) []appsv1.DeploymentCondition {
	return slices.DeleteFunc(slices.Clone(all), func(c appsv1.DeploymentCondition) bool { return c.Type == t })
}
