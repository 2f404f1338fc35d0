package sim

import (
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A rollout is one sync of a Deployment, in the order of the real controller's
// syncDeployment: what is written here is a copy, and each write is the last
// thing that a sync does with an object.
type rollout struct {
	m    *Sim
	d    *appsv1.Deployment
	was  appsv1.DeploymentStatus
	sets []*appsv1.ReplicaSet // its own
	new  *appsv1.ReplicaSet   // nil = none has the template
	old  []*appsv1.ReplicaSet
}

func (m *Sim) syncDeployment(d *appsv1.Deployment) error {
	r := &rollout{m: m, d: d.DeepCopy(), was: *d.Status.DeepCopy()}
	for _, rs := range list[appsv1.ReplicaSet](m, replicaSets, d.Namespace) {
		switch {
		case metav1.IsControlledBy(rs, d):
			r.sets = append(r.sets, rs.DeepCopy())
		case adopts(d, d.Spec.Selector, rs):
			return m.update(replicaSets, adopted(rs.DeepCopy(), d, appsv1.SchemeGroupVersion.WithKind("Deployment"))) // the next sync knows it
		}
	}
	r.new, r.old = split(r.d, r.sets)
	r.pausedCondition()
	switch {
	case d.DeletionTimestamp != nil:
		return r.writeStatus(r.status())
	case d.Spec.Paused || r.wasScaled():
		return r.sync()
	case rolling(d):
		return r.roll()
	}
	return r.recreate()
}

func (r *rollout) all() []*appsv1.ReplicaSet {
	all := slices.Clone(r.old)
	if r.new != nil {
		all = append(all, r.new)
	}
	return all
}

// sync scales, and rolls out nothing.
func (r *rollout) sync() error {
	if err := r.revise(false); err != nil {
		return err
	}
	if err := r.scale(); err != nil {
		return err
	}
	if r.d.Spec.Paused {
		if err := r.cleanUp(); err != nil {
			return err
		}
	}
	return r.writeStatus(r.status())
}

// wasScaled says whether the number of replicas was changed since the active
// ReplicaSets were scaled last.
func (r *rollout) wasScaled() bool {
	for _, rs := range r.all() {
		n, err := strconv.ParseInt(rs.Annotations[annDesired], 10, 32)
		if desired(rs.Spec.Replicas) > 0 && err == nil && int32(n) != desired(r.d.Spec.Replicas) {
			return true
		}
	}
	return false
}

// revise gives the newest ReplicaSet its number and annotations, makes it where
// there is none and create says so, and takes the number over to the
// Deployment.
func (r *rollout) revise(create bool) error {
	number := maxRevision(r.old) + 1
	if r.new != nil {
		if annotateNew(r.d, r.new, number, true) || r.new.Spec.MinReadySeconds != r.d.Spec.MinReadySeconds {
			r.new.Spec.MinReadySeconds = r.d.Spec.MinReadySeconds
			return r.m.update(replicaSets, r.new)
		}
		changed := r.numbered(r.new.Annotations[annRevision])
		if _, has := deadline(r.d); has && r.condition(appsv1.DeploymentProgressing) == nil {
			r.set(progressing(corev1.ConditionTrue, "FoundNewReplicaSet", fmt.Sprintf("Found new replica set %q", r.new.Name)))
			changed = true
		}
		return r.written(changed)
	}
	if !create {
		return nil
	}
	rs := r.replicaSet()
	n := newReplicas(r.d, total(r.old), 0)
	rs.Spec.Replicas = &n
	annotateNew(r.d, rs, number, false)
	err := r.m.create(replicaSets, rs)
	if apierrors.IsAlreadyExists(err) { // another template with the same hash
		if r.d.Status.CollisionCount == nil {
			r.d.Status.CollisionCount = new(int32)
		}
		*r.d.Status.CollisionCount++
		return r.written(true)
	}
	if err != nil {
		return err
	}
	r.new = rs
	if n > 0 {
		r.m.event(r.d, "deployment-controller", corev1.EventTypeNormal, "ScalingReplicaSet", "Scaled up replica set %s from 0 to %d", rs.Name, n)
	}
	r.numbered(strconv.FormatInt(number, 10))
	if _, has := deadline(r.d); has {
		r.set(progressing(corev1.ConditionTrue, "NewReplicaSetCreated", fmt.Sprintf("Created new replica set %q", rs.Name)))
	}
	return r.written(true)
}

// numbered notes the running revision on the Deployment.
func (r *rollout) numbered(number string) bool {
	if r.d.Annotations[annRevision] == number {
		return false
	}
	if r.d.Annotations == nil {
		r.d.Annotations = map[string]string{}
	}
	r.d.Annotations[annRevision] = number
	return true
}

// written writes what a sync noted on the way, before it goes on.
func (r *rollout) written(changed bool) error {
	if !changed {
		return nil
	}
	if err := r.m.updateStatus(deployments, r.d); err != nil {
		return err
	}
	r.was = *r.d.Status.DeepCopy()
	return nil
}

// replicaSet is a new one for the present template.
func (r *rollout) replicaSet() *appsv1.ReplicaSet {
	d, t := r.d, *r.d.Spec.Template.DeepCopy()
	hash := templateHash(&t, d.Status.CollisionCount)
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	t.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	selector := d.Spec.Selector.DeepCopy()
	if selector == nil {
		selector = &metav1.LabelSelector{}
	}
	if selector.MatchLabels == nil {
		selector.MatchLabels = map[string]string{}
	}
	selector.MatchLabels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	return &appsv1.ReplicaSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"},
		ObjectMeta: metav1.ObjectMeta{
			Name: d.Name + "-" + hash, Namespace: d.Namespace, Labels: t.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
		},
		Spec: appsv1.ReplicaSetSpec{MinReadySeconds: d.Spec.MinReadySeconds, Selector: selector, Template: t},
	}
}

// size scales a ReplicaSet; force writes its annotations although the size
// stays. It says whether the size changed.
func (r *rollout) size(rs *appsv1.ReplicaSet, n int32, force bool) (bool, error) {
	was := desired(rs.Spec.Replicas)
	if was == n && !force {
		return false, nil
	}
	rs.Spec.Replicas = &n
	if noted := annotateReplicas(r.d, rs); was == n && !noted {
		return false, nil
	}
	if err := r.m.update(replicaSets, rs); err != nil {
		return false, err
	}
	if was == n {
		return false, nil
	}
	way := "up"
	if n < was {
		way = "down"
	}
	r.m.event(r.d, "deployment-controller", corev1.EventTypeNormal, "ScalingReplicaSet", "Scaled %s replica set %s from %d to %d", way, rs.Name, was, n)
	return true, nil
}

// cleanUp deletes the oldest ReplicaSets beyond the limit of the history.
func (r *rollout) cleanUp() error {
	limit, has := historyLimit(r.d.Spec.RevisionHistoryLimit)
	if !has || len(r.old) <= limit {
		return nil
	}
	byNumber := slices.Clone(r.old)
	slices.SortFunc(byNumber, func(a, b *appsv1.ReplicaSet) int { return int(revisionOf(a) - revisionOf(b)) })
	for _, rs := range byNumber[:len(byNumber)-limit] {
		if rs.Status.Replicas != 0 || desired(rs.Spec.Replicas) != 0 || rs.Generation > rs.Status.ObservedGeneration {
			continue
		}
		if err := r.m.remove(replicaSets, rs); err != nil {
			return err
		}
	}
	return nil
}
