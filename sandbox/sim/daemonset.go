package sim

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// syncDaemonSet keeps one pod on each node, and replaces those of an older
// template as many at a time as may be unavailable.
func (m *Sim) syncDaemonSet(d *appsv1.DaemonSet) error {
	h := m.history(d, "DaemonSet", d.Spec.Template.Labels)
	update, err := h.newest(&d.Spec.Template)
	if err != nil {
		return err
	}
	hash := update.Labels[appsv1.ControllerRevisionHashLabelKey]
	own := map[string]*corev1.Pod{} // by node
	for _, p := range list[corev1.Pod](m, pods, d.Namespace) {
		if metav1.IsControlledBy(p, d) && (own[p.Spec.NodeName] == nil || p.DeletionTimestamp == nil) {
			own[p.Spec.NodeName] = p
		}
	}
	s := d.Status.DeepCopy()
	*s = appsv1.DaemonSetStatus{ObservedGeneration: d.Generation, CollisionCount: s.CollisionCount, Conditions: s.Conditions}
	unavailable := int32(0)
	for _, node := range m.nodes() {
		s.DesiredNumberScheduled++
		p := own[node]
		if p == nil || p.DeletionTimestamp != nil || !m.available(p, d.Spec.MinReadySeconds) {
			unavailable++
		}
		if p == nil {
			continue
		}
		s.CurrentNumberScheduled++
		if ready(p) {
			s.NumberReady++
		}
		if m.available(p, d.Spec.MinReadySeconds) {
			s.NumberAvailable++
		}
		if hashOf(p) == hash {
			s.UpdatedNumberScheduled++
		}
	}
	s.NumberUnavailable = s.DesiredNumberScheduled - s.NumberAvailable
	if d.DeletionTimestamp == nil {
		if err := m.moveDaemons(d, hash, own, unavailable); err != nil {
			return err
		}
	}
	if err := h.cleanUp(d.Spec.RevisionHistoryLimit, update.Name); err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(*s, d.Status) {
		return nil
	}
	d = d.DeepCopy()
	d.Status = *s
	return m.updateStatus(daemonSets, d)
}

// moveDaemons makes what is missing and takes away what is old.
func (m *Sim) moveDaemons(d *appsv1.DaemonSet, hash string, own map[string]*corev1.Pod, unavailable int32) error {
	most := int32(1)
	if u := d.Spec.UpdateStrategy.RollingUpdate; u != nil && u.MaxUnavailable != nil {
		most = max(1, scaled(u.MaxUnavailable, int32(len(m.nodes())), true))
	}
	onDelete := d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
	for _, node := range m.nodes() {
		p := own[node]
		switch {
		case p == nil:
			p = podOf(&d.Spec.Template, d.Namespace, m.podName(d.Name), metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("DaemonSet")))
			if p.Labels == nil {
				p.Labels = map[string]string{}
			}
			p.GenerateName = d.Name + "-"
			p.Labels[appsv1.ControllerRevisionHashLabelKey] = hash
			p.Spec.NodeName = node
			if err := m.create(pods, p); err != nil {
				return err
			}
			m.event(d, "daemonset-controller", corev1.EventTypeNormal, "SuccessfulCreate", "Created pod: %s", p.Name)
		case onDelete || p.DeletionTimestamp != nil || hashOf(p) == hash:
		case !ready(p), unavailable < most: // one that does not serve is replaced in any case
			if ready(p) {
				unavailable++
			}
			if err := m.terminate(p); err != nil {
				return err
			}
			m.event(d, "daemonset-controller", corev1.EventTypeNormal, "SuccessfulDelete", "Deleted pod: %s", p.Name)
		}
	}
	return nil
}
