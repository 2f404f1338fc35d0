package sim

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// eventTTL is how long an API server keeps events.
const eventTTL = time.Hour

// recorder counts what is told again instead of telling it twice, as client-go's
// does.
type recorder struct {
	known map[string]string // what and of whom → the event's name
	last  int64
}

// subject is what an event is about.
type subject struct {
	ref       corev1.ObjectReference
	component string
	host      string
}

// event tells something of a workload or a pod.
func (m *Sim) event(o metav1.Object, component, kind, reason, format string, args ...any) {
	m.record(subject{ref: reference(o), component: component}, kind, reason, fmt.Sprintf(format, args...))
}

// podEvent tells something of a container, as the kubelet does.
func (m *Sim) podEvent(p *corev1.Pod, container, kind, reason, format string, args ...any) {
	ref := reference(p)
	ref.FieldPath = fmt.Sprintf("spec.containers{%s}", container)
	m.record(subject{ref: ref, component: "kubelet", host: p.Spec.NodeName}, kind, reason, fmt.Sprintf(format, args...))
}

func (m *Sim) record(s subject, kind, reason, message string) {
	if m.past {
		return
	}
	key := fmt.Sprintf("%s/%s/%s/%s/%s/%s", s.ref.Namespace, s.ref.UID, s.ref.FieldPath, s.component, reason, message)
	if name, ok := m.events.known[key]; ok {
		if old := get[corev1.Event](m, events, s.ref.Namespace, name); old != nil {
			e := old.DeepCopy()
			e.Count++
			e.LastTimestamp = m.stamp()
			m.note(m.update(events, e))
			return
		}
	}
	m.events.last = max(m.events.last+1, m.now.UnixNano())
	e := &corev1.Event{
		TypeMeta:       metav1.TypeMeta{APIVersion: "v1", Kind: "Event"},
		ObjectMeta:     metav1.ObjectMeta{Name: fmt.Sprintf("%s.%x", s.ref.Name, m.events.last), Namespace: s.ref.Namespace},
		InvolvedObject: s.ref, Reason: reason, Message: message, Type: kind, Count: 1,
		FirstTimestamp: m.stamp(), LastTimestamp: m.stamp(),
		Source:              corev1.EventSource{Component: s.component, Host: s.host},
		ReportingController: s.component, ReportingInstance: s.host,
	}
	m.note(m.create(events, e))
	m.events.known[key] = e.Name
}

// note drops an error of telling: what goes on matters more than the telling.
func (m *Sim) note(error) {}

// expire takes events away that are too old.
func (m *Sim) expire() {
	gone := map[string]bool{}
	for _, e := range list[corev1.Event](m, events, "") {
		at := e.LastTimestamp.Time
		if at.IsZero() {
			at = e.EventTime.Time
		}
		if at.IsZero() {
			at = e.CreationTimestamp.Time
		}
		if until := at.Add(eventTTL); until.After(m.now) {
			m.due(until)
			continue
		}
		m.note(m.remove(events, e))
		gone[e.Namespace+"/"+e.Name] = true
	}
	for key, name := range m.events.known {
		ns, _, _ := strings.Cut(key, "/")
		if gone[ns+"/"+name] {
			delete(m.events.known, key)
		}
	}
}

func reference(o metav1.Object) corev1.ObjectReference {
	gvk := kindOf(o)
	return corev1.ObjectReference{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Namespace: o.GetNamespace(), Name: o.GetName(),
		UID: o.GetUID(), ResourceVersion: o.GetResourceVersion()}
}
