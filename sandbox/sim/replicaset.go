package sim

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// syncReplicaSet makes or deletes pods until there are as many as wanted, and
// counts them.
func (m *Sim) syncReplicaSet(rs *appsv1.ReplicaSet) error {
	var active []*corev1.Pod
	terminating := int32(0)
	for _, p := range list[corev1.Pod](m, pods, rs.Namespace) {
		switch {
		case !ended(p) && adopts(rs, rs.Spec.Selector, p):
			return m.update(pods, adopted(p.DeepCopy(), rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet")))
		case !metav1.IsControlledBy(p, rs) || ended(p):
		case p.DeletionTimestamp != nil:
			terminating++
		default:
			active = append(active, p)
		}
	}
	if rs.DeletionTimestamp == nil {
		var err error
		if active, err = m.manage(rs, active); err != nil {
			return err
		}
	}
	s := appsv1.ReplicaSetStatus{ObservedGeneration: rs.Generation, Replicas: int32(len(active)),
		FullyLabeledReplicas: int32(len(active)), TerminatingReplicas: &terminating, Conditions: rs.Status.Conditions}
	for _, p := range active {
		if ready(p) {
			s.ReadyReplicas++
		}
		if m.available(p, rs.Spec.MinReadySeconds) {
			s.AvailableReplicas++
		}
	}
	if equality.Semantic.DeepEqual(s, rs.Status) {
		return nil
	}
	rs = rs.DeepCopy()
	rs.Status = s
	return m.updateStatus(replicaSets, rs)
}

// manage returns the active pods after it made or deleted what differs. Pods
// that were made now are in the store, but counted by the next sync.
func (m *Sim) manage(rs *appsv1.ReplicaSet, active []*corev1.Pod) ([]*corev1.Pod, error) {
	n := int(desired(rs.Spec.Replicas))
	for range n - len(active) {
		p := podOf(&rs.Spec.Template, rs.Namespace, m.podName(rs.Name), metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet")))
		if err := m.create(pods, p); err != nil {
			m.event(rs, "replicaset-controller", corev1.EventTypeWarning, "FailedCreate", "Error creating: %v", err)
			return active, err
		}
		m.event(rs, "replicaset-controller", corev1.EventTypeNormal, "SuccessfulCreate", "Created pod: %s", p.Name)
	}
	if len(active) <= n {
		return active, nil
	}
	active = m.byRank(active)
	for _, p := range active[:len(active)-n] {
		if err := m.terminate(p); err != nil {
			return active, err
		}
		m.event(rs, "replicaset-controller", corev1.EventTypeNormal, "SuccessfulDelete", "Deleted pod: %s", p.Name)
	}
	return active[len(active)-n:], nil
}

// byRank orders pods by who goes first: not assigned, pending, not ready, of
// several on a node, ready for less long, restarted more often, newer.
func (m *Sim) byRank(in []*corev1.Pod) []*corev1.Pod {
	out := slices.Clone(in)
	onNode := map[string]int{}
	for _, p := range in {
		if ready(p) {
			onNode[p.Spec.NodeName]++
		}
	}
	b := func(x bool) int {
		if x {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(out, func(x, y *corev1.Pod) int {
		return cmp.Or(
			cmp.Compare(b(x.Spec.NodeName != ""), b(y.Spec.NodeName != "")),
			cmp.Compare(b(x.Status.Phase == corev1.PodRunning), b(y.Status.Phase == corev1.PodRunning)),
			cmp.Compare(b(ready(x)), b(ready(y))),
			cmp.Compare(onNode[y.Spec.NodeName], onNode[x.Spec.NodeName]),
			readyAt(y).Compare(readyAt(x)),
			cmp.Compare(restarts(y), restarts(x)),
			y.CreationTimestamp.Time.Compare(x.CreationTimestamp.Time),
			cmp.Compare(x.Name, y.Name),
		)
	})
	return out
}

// podOf is a pod of a template.
func podOf(t *corev1.PodTemplateSpec, namespace, name string, owner *metav1.OwnerReference) *corev1.Pod {
	t = t.DeepCopy()
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: t.Labels, Annotations: t.Annotations,
			OwnerReferences: []metav1.OwnerReference{*owner}},
		Spec: t.Spec, Status: corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBurstable}}
	if owner.Kind == "ReplicaSet" {
		p.GenerateName = owner.Name + "-"
	}
	return p
}

// available says whether a pod has been ready for long enough.
func (m *Sim) available(p *corev1.Pod, minReady int32) bool {
	if !ready(p) {
		return false
	}
	from := readyAt(p).Add(time.Duration(minReady) * time.Second)
	if from.After(m.now) {
		m.due(from)
		return false
	}
	return true
}

func condition(p *corev1.Pod, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == t {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

func ready(p *corev1.Pod) bool {
	c := condition(p, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue
}

// readyAt is since when a pod is ready; zero while it is not.
func readyAt(p *corev1.Pod) time.Time {
	if c := condition(p, corev1.PodReady); c != nil && c.Status == corev1.ConditionTrue {
		return c.LastTransitionTime.Time
	}
	return time.Time{}
}

func restarts(p *corev1.Pod) (n int32) {
	for _, s := range p.Status.ContainerStatuses {
		n = max(n, s.RestartCount)
	}
	return n
}

func ended(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}
