package sim

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// syncStatefulSet keeps a StatefulSet's pods: made in order, each when the one
// before is ready, and replaced from the last to the first. A pod of the wrong
// revision that does not get ready holds up all others (kubernetes#67250): that
// is the real behaviour too.
func (m *Sim) syncStatefulSet(s *appsv1.StatefulSet) error {
	kind := appsv1.SchemeGroupVersion.WithKind("StatefulSet")
	for _, r := range list[appsv1.ControllerRevision](m, controllerRevisions, s.Namespace) {
		if adopts(s, s.Spec.Selector, r) {
			return m.update(controllerRevisions, adopted(r.DeepCopy(), s, kind)) // the next sync knows it
		}
	}
	for _, p := range list[corev1.Pod](m, pods, s.Namespace) {
		if isMember(s, p.Name) && adopts(s, s.Spec.Selector, p) {
			return m.update(pods, adopted(p.DeepCopy(), s, kind))
		}
	}
	h := m.history(s, "StatefulSet", s.Spec.Template.Labels)
	update, err := h.newest(&s.Spec.Template)
	if err != nil {
		return err
	}
	st := s.Status.DeepCopy()
	st.ObservedGeneration, st.UpdateRevision = s.Generation, update.Name
	if h.find(st.CurrentRevision) == nil {
		st.CurrentRevision = update.Name
	}
	own := map[string]*corev1.Pod{}
	for _, p := range list[corev1.Pod](m, pods, s.Namespace) {
		if metav1.IsControlledBy(p, s) {
			own[p.Name] = p
		}
	}
	if s.DeletionTimestamp == nil {
		if err := m.moveStateful(s, h, st, own); err != nil {
			return err
		}
	}
	st.Replicas, st.ReadyReplicas, st.AvailableReplicas, st.CurrentReplicas, st.UpdatedReplicas = 0, 0, 0, 0, 0
	for _, p := range own {
		st.Replicas++
		if ready(p) {
			st.ReadyReplicas++
		}
		if m.available(p, s.Spec.MinReadySeconds) {
			st.AvailableReplicas++
		}
		switch {
		case p.DeletionTimestamp != nil:
		case hashOf(p) == st.UpdateRevision:
			st.UpdatedReplicas++
			if st.CurrentRevision == st.UpdateRevision {
				st.CurrentReplicas++
			}
		case hashOf(p) == st.CurrentRevision:
			st.CurrentReplicas++
		}
	}
	if n := desired(s.Spec.Replicas); st.UpdatedReplicas == n && st.ReadyReplicas == n && st.Replicas == n {
		st.CurrentRevision, st.CurrentReplicas = st.UpdateRevision, st.UpdatedReplicas
	}
	if err := h.cleanUp(s.Spec.RevisionHistoryLimit, st.CurrentRevision, st.UpdateRevision); err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(*st, s.Status) {
		return nil
	}
	s = s.DeepCopy()
	s.Status = *st
	return m.updateStatus(statefulSets, s)
}

// isMember reports whether a pod is one of a StatefulSet's, by its name.
func isMember(s *appsv1.StatefulSet, pod string) bool {
	number, ok := strings.CutPrefix(pod, s.Name+"-")
	n, err := strconv.Atoi(number)
	return ok && err == nil && n >= 0
}

// moveStateful does the next thing that there is to do, if any.
func (m *Sim) moveStateful(s *appsv1.StatefulSet, h *history, st *appsv1.StatefulSetStatus, own map[string]*corev1.Pod) error {
	n := int(desired(s.Spec.Replicas))
	ordered := s.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
	partition := 0
	if u := s.Spec.UpdateStrategy.RollingUpdate; u != nil && u.Partition != nil {
		partition = int(*u.Partition)
	}
	name := func(i int) string { return fmt.Sprintf("%s-%d", s.Name, i) }
	for i := range n {
		p := own[name(i)]
		switch {
		case p == nil:
			r := h.find(st.UpdateRevision)
			if i < partition && st.CurrentRevision != st.UpdateRevision {
				r = h.find(st.CurrentRevision)
			}
			if err := m.createStateful(s, r, name(i), i); err != nil {
				return err
			}
			if ordered {
				return nil
			}
		case ordered && (p.DeletionTimestamp != nil || !m.available(p, s.Spec.MinReadySeconds)):
			return nil
		}
	}
	for i := len(own) - 1; i >= n; i-- {
		p := own[name(i)]
		if p == nil || p.DeletionTimestamp != nil {
			if p != nil && ordered {
				return nil
			}
			continue
		}
		if err := m.deleteStateful(s, p); err != nil || ordered {
			return err
		}
	}
	if s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return nil
	}
	for i := n - 1; i >= partition; i-- {
		p := own[name(i)]
		switch {
		case p == nil || p.DeletionTimestamp != nil:
			return nil
		case hashOf(p) != st.UpdateRevision:
			return m.deleteStateful(s, p)
		case !m.available(p, s.Spec.MinReadySeconds):
			return nil
		}
	}
	return nil
}

func (m *Sim) createStateful(s *appsv1.StatefulSet, r *appsv1.ControllerRevision, name string, ordinal int) error {
	t, err := template(r)
	if err != nil {
		return err
	}
	p := podOf(t, s.Namespace, name, metav1.NewControllerRef(s, appsv1.SchemeGroupVersion.WithKind("StatefulSet")))
	p.GenerateName = s.Name + "-"
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	p.Labels[appsv1.ControllerRevisionHashLabelKey] = r.Name
	p.Labels[appsv1.StatefulSetPodNameLabel] = name
	p.Labels[appsv1.PodIndexLabel] = fmt.Sprint(ordinal)
	p.Spec.Hostname, p.Spec.Subdomain = name, s.Spec.ServiceName
	if err := m.create(pods, p); err != nil {
		return err
	}
	m.event(s, "statefulset-controller", corev1.EventTypeNormal, "SuccessfulCreate", "create Pod %s in StatefulSet %s successful", name, s.Name)
	return nil
}

func (m *Sim) deleteStateful(s *appsv1.StatefulSet, p *corev1.Pod) error {
	if err := m.terminate(p); err != nil {
		return err
	}
	m.event(s, "statefulset-controller", corev1.EventTypeNormal, "SuccessfulDelete", "delete Pod %s in StatefulSet %s successful", p.Name, s.Name)
	return nil
}

func hashOf(p *corev1.Pod) string { return p.Labels[appsv1.ControllerRevisionHashLabelKey] }
