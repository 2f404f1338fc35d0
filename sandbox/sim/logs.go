package sim

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Line is one line of a container's log.
type Line struct {
	At   time.Time
	Text string
}

// LogQuery says which lines are asked for.
type LogQuery struct {
	Namespace, Pod, Container string
	Previous                  bool      // the life before the present one
	Since                     time.Time // zero = from the start
	Tail                      int       // the last so many; below zero = all
}

// kept is how far back a log reaches: a kubelet rotates too.
const kept = time.Hour

// Logs returns a container's lines up to now, oldest first; more says that it
// still runs. The lines of a second depend on the pod and the second alone:
// nothing is kept, and each reader reads the same. The error is what a kubelet
// answers.
func (m *Sim) Logs(q LogQuery, now time.Time) (lines []Line, more bool, err error) {
	m.mu.Lock()
	r, c, l, err := m.find(q)
	if err != nil {
		m.mu.Unlock()
		return nil, false, err
	}
	w := writer{m: m, pod: r.name, of: l, behaviour: m.behaves(c)}
	m.mu.Unlock()
	end, more := now, l.ended.IsZero()
	if !more {
		end = l.ended.Add(time.Second)
	}
	from := l.started
	for _, t := range []time.Time{q.Since, end.Add(-kept)} {
		if t.After(from) {
			from = t
		}
	}
	if q.Tail == 0 {
		return nil, more, nil
	}
	if early := end.Add(-time.Duration(q.Tail+60) * time.Second); q.Tail > 0 && early.After(from) {
		from = early // what the tail leaves out need not be made up
	}
	lines = w.lines(from, end)
	if q.Tail > 0 && len(lines) > q.Tail {
		lines = lines[len(lines)-q.Tail:]
	}
	return lines, more, nil
}

// find is the life whose log is asked for: the present one, or the last that
// ended, which a kubelet also shows while the container waits to start again.
func (m *Sim) find(q LogQuery) (*podRun, *container, life, error) {
	var r *podRun
	for _, x := range m.runs {
		if x.namespace == q.Namespace && x.name == q.Pod {
			r = x
		}
	}
	if r == nil {
		return nil, nil, life{}, fmt.Errorf("container %q in pod %q is waiting to start: ContainerCreating", q.Container, q.Pod)
	}
	i := slices.IndexFunc(r.containers, func(c *container) bool {
		return c.spec.Name == q.Container || q.Container == "" && len(r.containers) == 1
	})
	if i < 0 {
		return nil, nil, life{}, fmt.Errorf("container %s is not valid for pod %s", q.Container, q.Pod)
	}
	c := r.containers[i]
	switch {
	case q.Previous && c.phase == crashBackOff:
		return r, c, c.life, nil
	case q.Previous && c.last != nil:
		return r, c, *c.last, nil
	case q.Previous:
		return nil, nil, life{}, fmt.Errorf("previous terminated container %q in pod %q not found", c.spec.Name, q.Pod)
	case !c.life.started.IsZero():
		return r, c, c.life, nil
	case c.phase == pullFailed || c.phase == pullBackOff:
		return nil, nil, life{}, fmt.Errorf("container %q in pod %q is waiting to start: trying and failing to pull image", c.spec.Name, q.Pod)
	}
	return nil, nil, life{}, fmt.Errorf("container %q in pod %q is waiting to start: ContainerCreating", c.spec.Name, q.Pod)
}

// PodState is what a pod does for its customers.
type PodState struct {
	Namespace, Name, UID, IP, Node string
	App                            string // its label app
	Container                      string // the first
	OwnerKind, Owner               string // ReplicaSet, StatefulSet, DaemonSet
	Kind, Workload                 string // the Deployment, or the owner itself
	Replicas                       int    // that the workload wants; 0 = a DaemonSet, or nobody says
	Running                        bool   // its first container runs
	Serving                        bool   // and it is ready, and was not deleted
	Started                        time.Time
	Behaviour                      Behaviour // of its first container, now
}

// Pods lists the pods that have an address, in order of namespace and name.
func (m *Sim) Pods() []PodState {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []PodState
	for _, p := range list[corev1.Pod](m, pods, "") {
		r := m.runs[p.UID]
		if r == nil || len(r.containers) == 0 {
			continue
		}
		c := r.containers[0]
		s := PodState{Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), IP: r.ip, Node: r.node, App: p.Labels["app"], Container: c.spec.Name,
			Running: c.phase == running, Started: c.life.started, Behaviour: m.behaves(c).at(m.now)}
		s.Serving = s.Running && p.DeletionTimestamp == nil && ready(p)
		m.owned(&s, p)
		out = append(out, s)
	}
	return out
}

// owned fills in whose pod it is.
func (m *Sim) owned(s *PodState, p *corev1.Pod) {
	if o := metav1.GetControllerOf(p); o != nil {
		s.OwnerKind, s.Owner = o.Kind, o.Name
	}
	s.Kind, s.Workload = s.OwnerKind, s.Owner
	switch s.OwnerKind {
	case "StatefulSet":
		if o := get[appsv1.StatefulSet](m, statefulSets, p.Namespace, s.Owner); o != nil {
			s.Replicas = int(desired(o.Spec.Replicas))
		}
	case "ReplicaSet":
		rs := get[appsv1.ReplicaSet](m, replicaSets, p.Namespace, s.Owner)
		if rs == nil {
			return
		}
		s.Replicas = int(desired(rs.Spec.Replicas))
		if o := metav1.GetControllerOf(rs); o != nil {
			s.Kind, s.Workload = o.Kind, o.Name
			if d := get[appsv1.Deployment](m, deployments, p.Namespace, o.Name); d != nil {
				s.Replicas = int(desired(d.Spec.Replicas))
			}
		}
	}
}
