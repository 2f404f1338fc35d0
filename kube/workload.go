package kube

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// Annotations of the Deployment controller and of kubectl.
const (
	annRevision    = "deployment.kubernetes.io/revision"
	annHistory     = "deployment.kubernetes.io/revision-history"
	annDesired     = "deployment.kubernetes.io/desired-replicas"
	annMaxReplicas = "deployment.kubernetes.io/max-replicas"
	annLastApplied = corev1.LastAppliedConfigAnnotation
	annCause       = "kubernetes.io/change-cause"
	annRestarted   = "kubectl.kubernetes.io/restartedAt"
	labelHash      = appsv1.DefaultDeploymentUniqueLabelKey
	labelRevision  = appsv1.ControllerRevisionHashLabelKey
)

// named makes a small struct fit into client-go's stores, which ask for a name
// and a namespace only.
type named struct {
	*metav1.ObjectMeta // the namespace alone; shared by all in it, and never written to
	name               string
}

var namespaces sync.Map // name → *metav1.ObjectMeta

func name(namespace, name string) named {
	m, ok := namespaces.Load(namespace)
	if !ok {
		m, _ = namespaces.LoadOrStore(namespace, &metav1.ObjectMeta{Namespace: namespace})
	}
	return named{m.(*metav1.ObjectMeta), name}
}

// GetName returns the object's name.
func (n named) GetName() string { return n.name }

// workload is what is kept of a Deployment, StatefulSet or DaemonSet: a line of
// the board, and what it is worked out from.
type workload struct {
	named
	line        *model.Component // the newest made of it; before the first, what comes from the workload alone
	revision    int64            // as the workload tells it; 0 = it does not
	created     time.Time
	unavailable time.Time // since when its Available condition is False
	timedOut    *failure  // it has exceeded its progress deadline
	failure     *failure  // pods cannot be created
	update      string    // newest revision's hash (StatefulSet, DaemonSet)
	setAt       time.Time // when the running template was set
	own         string    // its own image among several; "" = not known
}

// failure is a condition that tells of one.
type failure struct {
	since   time.Time
	message string
}

// replicas is what is kept of a ReplicaSet or a ControllerRevision.
type replicas struct {
	named
	owner    string // name of the workload that controls it
	kind     model.Kind
	revision int64
	hash     string
	since    int64    // its creation, in seconds since 1970
	failure  *failure // pods cannot be created
	reused   bool     // it has been the running one more than once
	images   []string // of its template
	cause    string
}

func (r *replicas) created() time.Time { return time.Unix(r.since, 0) }

// templateHash is over the template less pod-template-hash, by its typed form:
// the watch has no other. Unknown fields are not in it.
func templateHash(t *corev1.PodTemplateSpec) string {
	t2 := *t
	if _, ok := t.Labels[labelHash]; ok {
		t2.Labels = make(map[string]string, len(t.Labels))
		for k, v := range t.Labels {
			if k != labelHash {
				t2.Labels[k] = v
			}
		}
	}
	b, err := t2.Marshal()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

func base(kind model.Kind, m *metav1.ObjectMeta, t *corev1.PodTemplateSpec) *workload {
	by, at := templateOwner(m.ManagedFields)
	w := &workload{named: name(m.Namespace, m.Name), created: m.CreationTimestamp.Time, setAt: at, own: ownImage(t, m.Name)}
	w.line = &model.Component{
		Workload:     model.Workload{Kind: kind, Namespace: m.Namespace, Name: m.Name},
		UID:          string(m.UID),
		ChangeCause:  text.Line(m.Annotations[annCause]),
		Images:       images(t),
		TemplateHash: templateHash(t),
		Generation:   m.Generation,
		RevisionBy:   by,
		Owners:       owners(kind, m),
		Marks:        marks(m),
	}
	return w
}

// marks returns what a workload's labels say is switched off.
func marks(m *metav1.ObjectMeta) []model.Mark {
	out := model.Marks(m.Labels, m.Annotations)
	for n := range out {
		k := &out[n]
		for _, s := range []*string{(*string)(&k.Method), &k.What, &k.Plan, &k.By, &k.Incident, &k.To.Key, &k.To.Label, &k.To.Short, &k.To.Tag} {
			*s = clip(text.Line(*s), 200)
		}
		k.Objects = nil // for the method, which reads them itself
	}
	return out
}

func fromDeployment(d *appsv1.Deployment) *workload {
	w := base(model.Deployment, &d.ObjectMeta, &d.Spec.Template)
	c := w.line
	w.revision, _ = strconv.ParseInt(d.Annotations[annRevision], 10, 64)
	c.Paused = d.Spec.Paused
	c.Desired = count(d.Spec.Replicas, 1)
	c.Replicas, c.Updated = int(d.Status.Replicas), int(d.Status.UpdatedReplicas)
	c.Ready, c.Available = int(d.Status.ReadyReplicas), int(d.Status.AvailableReplicas)
	c.Terminating = count(d.Status.TerminatingReplicas, 0)
	c.Observed = d.Status.ObservedGeneration
	c.MinReady = time.Duration(d.Spec.MinReadySeconds) * time.Second
	for i := range d.Status.Conditions {
		x := &d.Status.Conditions[i]
		switch x.Type {
		case appsv1.DeploymentProgressing:
			c.Progressing = model.Condition{Status: string(x.Status), Reason: text.Line(x.Reason), Updated: x.LastUpdateTime.Time}
			if x.Status == corev1.ConditionFalse && x.Reason == "ProgressDeadlineExceeded" {
				w.timedOut = &failure{x.LastTransitionTime.Time, text.Line(cause(x.Message))}
			}
		case appsv1.DeploymentAvailable:
			if x.Status == corev1.ConditionFalse {
				w.unavailable = x.LastTransitionTime.Time
			}
		case appsv1.DeploymentReplicaFailure:
			if x.Status == corev1.ConditionTrue {
				w.failure = &failure{x.LastTransitionTime.Time, text.Line(cause(x.Message))}
			}
		}
	}
	return w
}

func fromStatefulSet(s *appsv1.StatefulSet) *workload {
	w := base(model.StatefulSet, &s.ObjectMeta, &s.Spec.Template)
	c := w.line
	c.Desired = count(s.Spec.Replicas, 1)
	c.Replicas, c.Updated = int(s.Status.Replicas), int(s.Status.UpdatedReplicas)
	c.Ready, c.Available = int(s.Status.ReadyReplicas), int(s.Status.AvailableReplicas)
	c.Observed = s.Status.ObservedGeneration
	c.MinReady = time.Duration(s.Spec.MinReadySeconds) * time.Second
	w.update = s.Status.UpdateRevision
	c.Ordered = s.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
	switch u := s.Spec.UpdateStrategy; {
	case u.Type == appsv1.OnDeleteStatefulSetStrategyType:
		c.OnDelete = true
		c.Hints = append(c.Hints, "update strategy OnDelete: a new template moves no pod until the pods are deleted")
	case u.RollingUpdate != nil && count(u.RollingUpdate.Partition, 0) > 0:
		c.Partition = count(u.RollingUpdate.Partition, 0)
		c.Hints = append(c.Hints, fmt.Sprintf("partition %d: pods with a lower ordinal keep the old template", *u.RollingUpdate.Partition))
	}
	return w
}

func fromDaemonSet(d *appsv1.DaemonSet) *workload {
	w := base(model.DaemonSet, &d.ObjectMeta, &d.Spec.Template)
	c := w.line
	c.Desired = int(d.Status.DesiredNumberScheduled)
	c.Replicas, c.Updated = int(d.Status.CurrentNumberScheduled), int(d.Status.UpdatedNumberScheduled)
	c.Ready, c.Available = int(d.Status.NumberReady), int(d.Status.NumberAvailable)
	c.Observed = d.Status.ObservedGeneration
	c.MinReady = time.Duration(d.Spec.MinReadySeconds) * time.Second
	if d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		c.OnDelete = true
		c.Hints = append(c.Hints, "update strategy OnDelete: a new template moves no pod until the pods are deleted")
	}
	return w
}

func fromReplicaSet(r *appsv1.ReplicaSet) *replicas {
	k := &replicas{named: name(r.Namespace, r.Name), kind: model.Deployment, since: r.CreationTimestamp.Unix(),
		reused: r.Annotations[annHistory] != "", hash: r.Labels[labelHash],
		cause: text.Line(r.Annotations[annCause])}
	k.revision, _ = strconv.ParseInt(r.Annotations[annRevision], 10, 64)
	if o := metav1.GetControllerOfNoCopy(r); o != nil && o.Kind == string(model.Deployment) {
		k.owner = intern(o.Name)
	}
	k.images = images(&r.Spec.Template)
	for i := range r.Status.Conditions {
		x := &r.Status.Conditions[i]
		if x.Type == appsv1.ReplicaSetReplicaFailure && x.Status == corev1.ConditionTrue {
			k.failure = &failure{x.LastTransitionTime.Time, text.Line(cause(x.Message))}
		}
	}
	return k
}

func fromControllerRevision(r *appsv1.ControllerRevision) *replicas {
	k := &replicas{named: name(r.Namespace, r.Name), revision: r.Revision, since: r.CreationTimestamp.Unix(),
		hash: r.Labels[labelRevision], reused: true}
	if k.hash == "" {
		k.hash = r.Name
	}
	if o := metav1.GetControllerOfNoCopy(r); o != nil {
		k.kind, k.owner = model.Kind(intern(o.Kind)), intern(o.Name)
	}
	var data struct {
		Spec struct{ Template corev1.PodTemplateSpec }
	}
	if json.Unmarshal(r.Data.Raw, &data) == nil { // one that cannot be read is told by the history
		k.images = images(&data.Spec.Template)
	}
	return k
}

func count(n *int32, none int) int {
	if n == nil {
		return none
	}
	return int(*n)
}
