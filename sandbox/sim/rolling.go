package sim

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// roll is one step of a rolling update, as in the controller's rolling.go: more
// of the new when there may be more, else less of the old when there may be
// less.
func (r *rollout) roll() error {
	if err := r.revise(true); err != nil || r.new == nil {
		return err
	}
	up, err := r.scaleNew()
	if err != nil || up {
		return r.rolled(err)
	}
	down, err := r.scaleOld()
	if err != nil || down {
		return r.rolled(err)
	}
	if complete(r.d, &r.d.Status) {
		if err := r.cleanUp(); err != nil {
			return err
		}
	}
	return r.rolled(nil)
}

func (r *rollout) rolled(err error) error {
	if err != nil {
		return err
	}
	return r.writeStatus(r.progress())
}

func (r *rollout) scaleNew() (bool, error) {
	now, n := desired(r.new.Spec.Replicas), desired(r.d.Spec.Replicas)
	if now == n {
		return false, nil
	}
	if now < n {
		n = newReplicas(r.d, total(r.all()), now)
	}
	return r.size(r.new, n, false)
}

// scaleOld takes old pods away: first those that are not available, wherever
// the new ones' own troubles leave room for it, then healthy ones as far as
// enough stay available.
func (r *rollout) scaleOld() (bool, error) {
	active := slices.DeleteFunc(slices.Clone(r.old), func(rs *appsv1.ReplicaSet) bool { return desired(rs.Spec.Replicas) == 0 })
	if len(active) == 0 {
		return false, nil
	}
	_, unavailable := fenceposts(r.d)
	least := desired(r.d.Spec.Replicas) - unavailable
	room := total(r.all()) - least - (desired(r.new.Spec.Replicas) - r.new.Status.AvailableReplicas)
	if room <= 0 {
		return false, nil
	}
	cleaned, err := r.takeAway(active, room, func(rs *appsv1.ReplicaSet) int32 {
		return desired(rs.Spec.Replicas) - rs.Status.AvailableReplicas
	})
	if err != nil {
		return false, err
	}
	var available int32
	for _, rs := range r.all() {
		available += rs.Status.AvailableReplicas
	}
	more, err := r.takeAway(active, available-least, func(rs *appsv1.ReplicaSet) int32 { return desired(rs.Spec.Replicas) })
	return cleaned+more > 0, err
}

// takeAway takes at most so many replicas off the ReplicaSets, oldest first,
// and off each what it may lose.
func (r *rollout) takeAway(sets []*appsv1.ReplicaSet, most int32, may func(*appsv1.ReplicaSet) int32) (taken int32, err error) {
	for _, rs := range sets {
		if taken >= most {
			break
		}
		n := min(may(rs), most-taken)
		if n <= 0 {
			continue
		}
		if _, err := r.size(rs, desired(rs.Spec.Replicas)-n, false); err != nil {
			return taken, err
		}
		taken += n
	}
	return taken, nil
}

// recreate takes all old pods away before it makes new ones.
func (r *rollout) recreate() error {
	if err := r.revise(false); err != nil {
		return err
	}
	scaledDown := false
	for _, rs := range r.old {
		down, err := r.size(rs, 0, false)
		if err != nil {
			return err
		}
		scaledDown = scaledDown || down
	}
	if scaledDown || r.oldPodsRun() {
		return r.rolled(nil)
	}
	if r.new == nil {
		if err := r.revise(true); err != nil || r.new == nil {
			return err
		}
	}
	if _, err := r.size(r.new, desired(r.d.Spec.Replicas), false); err != nil {
		return err
	}
	if complete(r.d, &r.d.Status) {
		if err := r.cleanUp(); err != nil {
			return err
		}
	}
	return r.rolled(nil)
}

func (r *rollout) oldPodsRun() bool {
	for _, rs := range r.old {
		if rs.Status.Replicas > 0 {
			return true
		}
		for _, p := range list[corev1.Pod](r.m, pods, r.d.Namespace) {
			if metav1.IsControlledBy(p, rs) && !ended(p) {
				return true
			}
		}
	}
	return false
}

// scale spreads a change of the number of replicas over the ReplicaSets.
func (r *rollout) scale() error {
	n := desired(r.d.Spec.Replicas)
	var active []*appsv1.ReplicaSet
	for _, rs := range r.all() {
		if desired(rs.Spec.Replicas) > 0 {
			active = append(active, rs)
		}
	}
	switch latest := r.latest(active); {
	case latest != nil:
		_, err := r.size(latest, n, false)
		return err
	case len(active) == 0:
		return nil
	case r.saturated():
		for _, rs := range r.old {
			if _, err := r.size(rs, 0, false); err != nil {
				return err
			}
		}
		return nil
	case !rolling(r.d):
		return nil
	}
	var allowed int32
	if n > 0 {
		surge, _ := fenceposts(r.d)
		allowed = n + surge
	}
	add, added := allowed-total(active), int32(0)
	slices.SortFunc(active, bySize(add > 0))
	sizes := make([]int32, len(active))
	for i, rs := range active {
		p := proportion(rs, r.d, add, added)
		sizes[i] = desired(rs.Spec.Replicas) + p
		added += p
	}
	sizes[0] = max(0, sizes[0]+add-added) // what rounding left over
	for i, rs := range active {
		if _, err := r.size(rs, sizes[i], true); err != nil {
			return err
		}
	}
	return nil
}

// latest is the only active ReplicaSet, or where none is active the newest.
func (r *rollout) latest(active []*appsv1.ReplicaSet) *appsv1.ReplicaSet {
	switch {
	case len(active) == 1:
		return active[0]
	case len(active) > 1:
		return nil
	case r.new != nil:
		return r.new
	case len(r.old) > 0:
		return r.old[len(r.old)-1]
	}
	return nil
}

func (r *rollout) saturated() bool {
	n := desired(r.d.Spec.Replicas)
	return r.new != nil && desired(r.new.Spec.Replicas) == n && r.new.Status.AvailableReplicas == n && !r.wasScaled()
}

// bySize puts the larger first; of the same size the newer first to add to, the
// older first to take from.
func bySize(newer bool) func(a, b *appsv1.ReplicaSet) int {
	return func(a, b *appsv1.ReplicaSet) int {
		if d := desired(b.Spec.Replicas) - desired(a.Spec.Replicas); d != 0 {
			return int(d)
		}
		if newer {
			return byAge(b, a)
		}
		return byAge(a, b)
	}
}

func total(sets []*appsv1.ReplicaSet) (n int32) {
	for _, rs := range sets {
		n += desired(rs.Spec.Replicas)
	}
	return n
}
