package sim

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
)

// A podRun is what the kubelet knows of a pod beside its status: that has whole
// seconds only, and says nothing of what comes next.
type podRun struct {
	namespace, name, uid string
	node, ip             string
	containers           []*container
	gone                 time.Time // when a deleted one has ended; zero = it was not deleted
}

// syncPod assigns a pod to a node and lets its containers get on.
func (m *Sim) syncPod(p *corev1.Pod) error {
	if ended(p) && p.DeletionTimestamp == nil {
		return nil
	}
	if p.Spec.NodeName == "" {
		return m.schedule(p)
	}
	r := m.runs[p.UID]
	if r == nil {
		r = m.admit(p)
	}
	if p.DeletionTimestamp != nil {
		return m.end(p, r)
	}
	for _, c := range r.containers {
		m.advance(p, r, c)
	}
	s := m.podStatus(p, r)
	if equality.Semantic.DeepEqual(*s, p.Status) {
		return nil
	}
	p = p.DeepCopy()
	p.Status = *s
	return m.updateStatus(pods, p)
}

// schedule gives a pod the node that has the fewest.
func (m *Sim) schedule(p *corev1.Pod) error {
	if p.DeletionTimestamp != nil {
		return m.remove(pods, p)
	}
	count := map[string]int{}
	for _, o := range list[corev1.Pod](m, pods, "") {
		count[o.Spec.NodeName]++
	}
	best := ""
	for _, n := range m.nodes() {
		if best == "" || count[n] < count[best] {
			best = n
		}
	}
	p = p.DeepCopy()
	if best == "" {
		const why = "0/0 nodes are available."
		c := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: why}
		if old := condition(p, c.Type); old != nil && old.Status == c.Status {
			return nil
		}
		c.LastTransitionTime = m.stamp()
		p.Status.Conditions = []corev1.PodCondition{c}
		m.event(p, "default-scheduler", corev1.EventTypeWarning, "FailedScheduling", why)
		return m.updateStatus(pods, p)
	}
	if err := m.bind(p, best); err != nil {
		return err
	}
	m.event(p, "default-scheduler", corev1.EventTypeNormal, "Scheduled", "Successfully assigned %s/%s to %s", p.Namespace, p.Name, best)
	return nil
}

// nodes are the names of those that take pods, in order.
func (m *Sim) nodes() []string {
	var out []string
	for _, n := range list[corev1.Node](m, nodes, "") {
		if !n.Spec.Unschedulable {
			out = append(out, n.Name)
		}
	}
	return out
}

// admit takes a pod in that was assigned to its node.
func (m *Sim) admit(p *corev1.Pod) *podRun {
	r := &podRun{namespace: p.Namespace, name: p.Name, uid: string(p.UID), node: p.Spec.NodeName}
	m.ips[r.node]++
	n := m.ips[r.node]
	node := 1
	for i, name := range m.nodes() {
		if name == r.node {
			node = i + 1
		}
	}
	r.ip = fmt.Sprintf("10.244.%d.%d", node+n/250*16, 2+n%250)
	for i := range p.Spec.Containers {
		c := &container{spec: &p.Spec.Containers[i]}
		c.at = m.now.Add(m.between(300*time.Millisecond, 900*time.Millisecond, r.name+"/create"))
		r.containers = append(r.containers, c)
	}
	m.runs[p.UID] = r
	return r
}

// end lets a deleted pod's containers end, and then takes it away.
func (m *Sim) end(p *corev1.Pod, r *podRun) error {
	if r.gone.IsZero() {
		r.gone = m.now.Add(m.between(100*time.Millisecond, 200*time.Millisecond, r.name+"/end"))
		for _, c := range r.containers {
			if c.phase != running {
				continue
			}
			m.podEvent(p, c.spec.Name, corev1.EventTypeNormal, "Killing", "Stopping container %s", c.spec.Name)
			grace := 30 * time.Second
			if g := p.DeletionGracePeriodSeconds; g != nil {
				grace = time.Duration(*g) * time.Second
			}
			r.gone = m.now.Add(min(grace, m.between(600*time.Millisecond, 1800*time.Millisecond, r.name+"/end")))
		}
	}
	if r.gone.After(m.now) {
		m.due(r.gone)
		return nil
	}
	delete(m.runs, p.UID)
	return m.remove(pods, p)
}

// forget drops what is known of pods that are gone.
func (m *Sim) forget() {
	live := map[types.UID]bool{}
	for _, p := range list[corev1.Pod](m, pods, "") {
		live[p.UID] = true
	}
	for uid := range m.runs {
		if !live[uid] {
			delete(m.runs, uid)
		}
	}
	m.expire()
}
