package kube

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"rollbook/model"
)

// The readings of a workload are made of the objects as the API server has them:
// each case changes a rollout of three pods from v1 to v2 in one way.

var readAt = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func agoAt(ago time.Duration) metav1.Time { return metav1.NewTime(readAt.Add(-ago)) }

// podAt is a pod of a ReplicaSet or of a ControllerRevision's hash: made so long ago,
// and ready (or not) since so long ago.
func podAt(kind, owner, name string, made time.Duration, ready bool, since time.Duration) *corev1.Pod {
	yes := true
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: "uid-" + "x", CreationTimestamp: agoAt(made), Labels: map[string]string{},
		OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: owner, Controller: &yes}}}}
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: agoAt(made)},
		{Type: corev1.PodReady, Status: status, LastTransitionTime: agoAt(since)}}
	if kind != "ReplicaSet" {
		p.OwnerReferences[0].Name = "api"
		p.Labels[labelRevision] = owner
	} else {
		p.Labels[labelHash] = strings.TrimPrefix(owner, "api-")
	}
	return p
}

func observed(items ...item) *model.Component {
	v := newView(&Client{now: func() time.Time { return readAt }}, nil)
	for _, it := range items {
		v.link(it)
	}
	if b := v.observe().Board; len(b) == 1 {
		return b[0]
	}
	return nil
}

func apiDeployment(change func(*appsv1.Deployment)) *workload {
	three := int32(3)
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "api", UID: "u", Generation: 2, CreationTimestamp: agoAt(48 * time.Hour),
		Annotations: map[string]string{annRevision: "2"}}}
	d.Spec.Replicas = &three
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 4, UpdatedReplicas: 1, ReadyReplicas: 3, AvailableReplicas: 3}
	change(d)
	return fromDeployment(d)
}

func replicaSet(name, revision string, made time.Duration) *replicas {
	yes := true
	return fromReplicaSet(&appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: agoAt(made),
		Labels: map[string]string{labelHash: strings.TrimPrefix(name, "api-")}, Annotations: map[string]string{annRevision: revision},
		OwnerReferences: []metav1.OwnerReference{{Kind: "Deployment", Name: "api", Controller: &yes}}}})
}

// setRevision is a ControllerRevision, of a template where one is given.
func setRevision(kind model.Kind, name string, revision int64, made time.Duration, of ...corev1.PodTemplateSpec) *replicas {
	yes := true
	var data runtime.RawExtension
	for _, t := range of {
		data.Raw, _ = json.Marshal(map[string]any{"spec": map[string]any{"template": t}})
	}
	return fromControllerRevision(&appsv1.ControllerRevision{Data: data, Revision: revision, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: agoAt(made),
		Labels: map[string]string{labelRevision: name}, OwnerReferences: []metav1.OwnerReference{{Kind: string(kind), Name: "api", Controller: &yes}}}})
}

func keptPod(p *corev1.Pod) *pod { return fromPod(p, readAt) }

// Traffic goes to ready pods: that they are not available yet is another matter.
func TestReadyIsNotAvailable(t *testing.T) {
	recreated := func(ready int32, pods ...item) *model.Component {
		return observed(append(pods, replicaSet("api-v2", "2", 3*time.Minute), apiDeployment(func(d *appsv1.Deployment) {
			d.Spec.MinReadySeconds = 300
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: ready}
			d.Status.Conditions = []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionFalse, LastTransitionTime: agoAt(3 * time.Minute)},
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated"}}
		}))...)
	}
	c := recreated(2, keptPod(podAt("ReplicaSet", "api-v2", "a", 3*time.Minute, true, 2*time.Minute)),
		keptPod(podAt("ReplicaSet", "api-v2", "b", 3*time.Minute, true, 90*time.Second)), keptPod(podAt("ReplicaSet", "api-v2", "c", 3*time.Minute, false, 3*time.Minute)))
	if n, until := c.Waiting(); !c.NoneReady.IsZero() || n != 2 || !until.Equal(readAt.Add(3*time.Minute+30*time.Second)) {
		t.Errorf("none ready since %s, %d wait until %s", c.NoneReady, n, until)
	}
	c = recreated(0, keptPod(podAt("ReplicaSet", "api-v2", "a", 3*time.Minute, false, 3*time.Minute)))
	if n, _ := c.Waiting(); !c.NoneReady.Equal(readAt.Add(-3*time.Minute)) || n != 0 {
		t.Errorf("none ready since %s, %d wait", c.NoneReady, n)
	}
	// What was ready for a while tells when it was lost.
	c = recreated(0, keptPod(podAt("ReplicaSet", "api-v2", "a", 3*time.Minute, false, time.Minute)))
	if !c.NoneReady.Equal(readAt.Add(-time.Minute)) {
		t.Errorf("none ready since %s", c.NoneReady)
	}
}

// Where no condition of the cluster tells whether a rollout gets on, the time without
// a new ready pod does.
func TestRolloutWithoutAProgressDeadline(t *testing.T) {
	const day = 24 * time.Hour
	old := func(name string) item { return keptPod(podAt("ReplicaSet", "api-v1", name, 2*day, true, 2*day)) }
	fresh := func(name string, made time.Duration, ready bool, since time.Duration) item {
		return keptPod(podAt("ReplicaSet", "api-v2", name, made, ready, since))
	}
	deployed := func(begun time.Duration, change func(*appsv1.Deployment), pods ...item) *model.Component {
		return observed(append(pods, replicaSet("api-v1", "1", 2*day), replicaSet("api-v2", "2", begun), apiDeployment(change))...)
	}
	set := func(kind model.Kind, begun time.Duration, change func(*appsv1.StatefulSet), pods ...item) *model.Component {
		s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "api", Generation: 2}}
		three := int32(3)
		s.Spec.Replicas = &three
		s.Status = appsv1.StatefulSetStatus{ObservedGeneration: 2, UpdateRevision: "r2", Replicas: 3, UpdatedReplicas: 1, ReadyReplicas: 2, AvailableReplicas: 2}
		change(s)
		w := fromStatefulSet(s)
		if kind == model.DaemonSet {
			w = fromDaemonSet(&appsv1.DaemonSet{ObjectMeta: s.ObjectMeta, Status: appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 3,
				CurrentNumberScheduled: 3, UpdatedNumberScheduled: s.Status.UpdatedReplicas, NumberReady: s.Status.ReadyReplicas, NumberAvailable: s.Status.AvailableReplicas}})
			s := setRevision(kind, "r2", 2, begun)
			return observed(append(pods, setRevision(kind, "r1", 1, 2*day), s, w)...)
		}
		return observed(append(pods, setRevision(kind, "r1", 1, 2*day), setRevision(kind, "r2", 2, begun), w)...)
	}
	member := func(kind model.Kind, revision, name string, made time.Duration, ready bool, since time.Duration) item {
		return keptPod(podAt(string(kind), revision, name, made, ready, since))
	}
	same := func(*appsv1.Deployment) {}
	sameSet := func(*appsv1.StatefulSet) {}
	dying := podAt("DaemonSet", "r1", "api-lost", 2*day, false, time.Hour)
	dying.DeletionTimestamp = &metav1.Time{Time: readAt.Add(-time.Hour)}
	for name, c := range map[string]struct {
		of   *model.Component
		want time.Duration // since when nothing got ready; 0 = it is not counted
	}{
		"the new pod never gets ready": {deployed(15*time.Minute, same, old("a"), old("b"), old("c"), fresh("n", 15*time.Minute, false, 15*time.Minute)), 15 * time.Minute},
		"one got ready meanwhile": {deployed(15*time.Minute, same, old("a"), old("b"), fresh("m", 15*time.Minute, true, 12*time.Minute),
			fresh("n", 12*time.Minute, false, 12*time.Minute)), 12 * time.Minute},
		"the last one, which all wait for": {deployed(15*time.Minute, same, fresh("l", 15*time.Minute, true, 14*time.Minute),
			fresh("m", 15*time.Minute, true, 13*time.Minute), fresh("n", 13*time.Minute, false, 13*time.Minute)), 13 * time.Minute},
		"one that came days later": {deployed(2*day, same, fresh("l", 2*day, true, 2*day-time.Minute), fresh("n", 20*time.Minute, false, 20*time.Minute)), 0},
		"one that was ready once":  {deployed(time.Hour, same, fresh("l", time.Hour, true, 59*time.Minute), fresh("n", time.Hour, false, 20*time.Minute)), 0},
		"all new and ready":        {deployed(time.Hour, same, fresh("l", time.Hour, true, 59*time.Minute)), 0},
		"paused":                   {deployed(time.Hour, func(d *appsv1.Deployment) { d.Spec.Paused = true }, old("a"), fresh("n", time.Hour, false, time.Hour)), 0},
		"not observed yet":         {deployed(time.Hour, func(d *appsv1.Deployment) { d.Generation = 3 }, old("a"), fresh("n", time.Hour, false, time.Hour)), 0},
		"the cluster tells": {deployed(time.Hour, func(d *appsv1.Deployment) {
			d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated"}}
		}, old("a"), fresh("n", time.Hour, false, time.Hour)), 0},
		"statefulset": {set(model.StatefulSet, 20*time.Minute, sameSet, member(model.StatefulSet, "r2", "api-2", 20*time.Minute, false, 20*time.Minute),
			member(model.StatefulSet, "r1", "api-1", 2*day, true, 2*day)), 20 * time.Minute},
		"statefulset, what is left is below the partition": {set(model.StatefulSet, 20*time.Minute, func(s *appsv1.StatefulSet) {
			two := int32(2)
			s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &two}}
		}, member(model.StatefulSet, "r2", "api-2", 20*time.Minute, true, 19*time.Minute), member(model.StatefulSet, "r1", "api-1", 2*day, true, 2*day)), 0},
		"statefulset, OnDelete": {set(model.StatefulSet, 20*time.Minute, func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType
		}, member(model.StatefulSet, "r1", "api-1", 2*day, true, 2*day)), 0},
		"statefulset, scaled up days later": {set(model.StatefulSet, 2*day, sameSet, member(model.StatefulSet, "r2", "api-0", 2*day, true, 2*day-time.Minute),
			member(model.StatefulSet, "r2", "api-1", 30*time.Minute, false, 30*time.Minute)), 0},
		"daemonset": {set(model.DaemonSet, 20*time.Minute, sameSet, member(model.DaemonSet, "r2", "api-a", 20*time.Minute, false, 20*time.Minute),
			member(model.DaemonSet, "r1", "api-b", 2*day, true, 2*day)), 20 * time.Minute},
		"daemonset, what is left is on a lost node": {set(model.DaemonSet, 2*time.Hour, sameSet, member(model.DaemonSet, "r2", "api-a", 2*time.Hour, true, time.Hour), keptPod(dying)), 0},
	} {
		if c.of == nil {
			t.Errorf("%s: no line", name)
			continue
		}
		want := time.Time{}
		if c.want > 0 {
			want = readAt.Add(-c.want)
		}
		if !c.of.Unmoved.Equal(want) || c.of.Stuck != "" {
			t.Errorf("%s: unmoved since %s, want %s; stuck %q", name, c.of.Unmoved, want, c.of.Stuck)
		}
	}
	c := deployed(15*time.Minute, same, old("a"), fresh("n", 15*time.Minute, false, 15*time.Minute))
	if why, since := c.StuckAt(readAt); !strings.Contains(why, "10m, by rollbook's clock: no progress deadline is set") || !since.Equal(c.Unmoved) {
		t.Errorf("%q since %s", why, since)
	}
	if why, _ := c.StuckAt(c.Unmoved.Add(model.NoProgress - 1)); why != "" {
		t.Errorf("before the ten minutes: %q", why)
	}
	c.MinReady = time.Hour
	if why, _ := c.StuckAt(readAt); why != "" {
		t.Errorf("each pod has to be ready for an hour: %q", why)
	}
}

// Why a rollout does not get on is told by its new pods, where they tell it, else by the
// conditions of the workload.
func TestWhatARolloutIsStuckOn(t *testing.T) {
	condition := func(kind appsv1.DeploymentConditionType, status corev1.ConditionStatus, reason, message string) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) {
			d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: agoAt(2 * time.Minute)})
		}
	}
	late := condition(appsv1.DeploymentProgressing, corev1.ConditionFalse, "ProgressDeadlineExceeded", "")
	quota := condition(appsv1.DeploymentReplicaFailure, corev1.ConditionTrue, "FailedCreate", "exceeded quota: compute")
	crash := podAt("ReplicaSet", "api-v2", "n", 5*time.Minute, false, 5*time.Minute)
	crash.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "api", RestartCount: 6, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}}}
	slow := podAt("ReplicaSet", "api-v2", "n", 5*time.Minute, false, 5*time.Minute)
	for _, tt := range []struct {
		name   string
		pod    *corev1.Pod
		change func(*appsv1.Deployment)
		want   string
		since  time.Duration
		pods   bool
	}{
		{"nothing", slow, func(*appsv1.Deployment) {}, "", 0, false},
		{"a crash loop", crash, func(*appsv1.Deployment) {}, "1 new pod CrashLoopBackOff: exit 1, 6 restarts", 5 * time.Minute, true},
		{"a crash loop, and too late", crash, late, "1 new pod CrashLoopBackOff: exit 1, 6 restarts", 5 * time.Minute, true},
		{"too late", slow, late, "no new pod became ready within its progress deadline", 2 * time.Minute, false},
		{"no room", slow, quota, "pods cannot be created: exceeded quota: compute", 2 * time.Minute, false},
		{"not observed yet", crash, func(d *appsv1.Deployment) { d.Generation = 3 }, "", 0, false},
		{"none is wanted", crash, func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32) }, "", 0, false},
		{"all is there", crash, func(d *appsv1.Deployment) {
			d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = 3, 3, 3, 3
		}, "", 0, false},
	} {
		c := observed(replicaSet("api-v1", "1", 48*time.Hour), replicaSet("api-v2", "2", 6*time.Minute), keptPod(tt.pod), apiDeployment(tt.change))
		want := time.Time{}
		if tt.since > 0 {
			want = readAt.Add(-tt.since)
		}
		if c.Stuck != tt.want || !c.StuckSince.Equal(want) || c.StuckPods != tt.pods {
			t.Errorf("%s: stuck %q since %s, of the pods %v; want %q since %s", tt.name, c.Stuck, c.StuckSince, c.StuckPods, tt.want, want)
		}
	}
}

// A pod that has ended and was replaced is a leftover: no failing pod, and the last.
func TestLeftovers(t *testing.T) {
	evicted := podAt("ReplicaSet", "api-v2", "evicted", 72*time.Hour, false, 71*time.Hour)
	evicted.Status.Phase, evicted.Status.Reason, evicted.Status.Message = corev1.PodFailed, "Evicted", "The node was low on resource: ephemeral-storage."
	evicted.Status.Conditions = append(evicted.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: agoAt(70 * time.Hour)})
	look := func(replacements int) *model.Component {
		items := []item{replicaSet("api-v2", "2", 80*time.Hour), keptPod(evicted), apiDeployment(func(d *appsv1.Deployment) {
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: int32(replacements), AvailableReplicas: int32(replacements)}
		})}
		for n := range replacements {
			items = append(items, keptPod(podAt("ReplicaSet", "api-v2", fmt.Sprintf("p%d", n), 70*time.Hour, true, 70*time.Hour)))
		}
		return observed(items...)
	}
	c := look(3)
	if p := c.Pods[3]; !p.Leftover || p.Failing || p.State != "Evicted" || !p.ExitAt.Equal(readAt.Add(-70*time.Hour)) || c.Stuck != "" {
		t.Errorf("%+v, stuck %q", p, c.Stuck)
	}
	if p := look(2).Pods[0]; p.Leftover || !p.Failing || p.State != "Evicted" {
		t.Errorf("nothing is in its place: %+v", p)
	}
}

// What tells in a message is said, not the names and prefixes before it.
func TestCause(t *testing.T) {
	for message, want := range map[string]string{
		"back-off 5m0s restarting failed container=api pod=backend-python-7c9f66b9d7-2kq4x_production(0d5cbd9a-7a6a-4f3e-9b0e-0a4d2a0b7c1e)": "container api: back-off 5m0s restarting",
		`ReplicaSet "frontend-74c69b8fd9" has timed out progressing.`:                                                                        "",
		`Back-off pulling image "shop/api:9": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/shop/api:9": failed to resolve reference "docker.io/shop/api:9": docker.io/shop/api:9: not found`: "image shop/api:9: not found",
		`Back-off pulling image "shop/api:9"`: "image shop/api:9 cannot be pulled",
		`rpc error: code = Unknown desc = failed to pull and unpack image "r.example/shop/api:9": failed to resolve reference "r.example/shop/api:9": failed to do request: Head "https://r.example/v2/shop/api/manifests/9": dial tcp: lookup r.example on 10.0.0.10:53: no such host`: "dial tcp: lookup r.example on 10.0.0.10:53: no such host",
		`pods "frontend-74c69b8fd9-x2x9z" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10`:                                                                                                                                                    "exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10",
		`failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "serve": executable file not found in $PATH: unknown`:                                                                    `exec: "serve": executable file not found in $PATH`,
		"0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.":                                                                                                   "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports",
		`configmap "api-env" not found`: `configmap "api-env" not found`,
		"":                              "",
	} {
		if got := cause(message); got != want {
			t.Errorf("%s\n got %q\nwant %q", message, got, want)
		}
	}
}

// While the controllers number a template that was gone back to, a version is never
// told by the number of one and the image of another.
func TestVersionWhileItIsNumbered(t *testing.T) {
	set := func(name, revision, image string, made time.Duration) item {
		r := replicaSet(name, revision, made)
		r.images = []string{image}
		return r
	}
	deployment := func(observed int64, revision, image string) item {
		return apiDeployment(func(d *appsv1.Deployment) {
			d.Generation, d.Status.ObservedGeneration, d.Annotations[annRevision] = 3, observed, revision
			d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "api", Image: image}}
		})
	}
	const older, newer = "shop/api:1.41.0", "shop/api:1.42.0"
	bad := set("api-v2", "6", newer, time.Hour)
	for _, c := range []struct {
		name  string
		items []item
		want  string
	}{
		{"before it", []item{set("api-v1", "5", older, 26*time.Hour), bad, deployment(3, "6", newer)}, "1.42.0 (revision 6) of api-v2"},
		{"written", []item{set("api-v1", "5", older, 26*time.Hour), bad, deployment(2, "6", older)}, "1.42.0 (revision 6) of api-v2"},
		{"its ReplicaSet is numbered", []item{set("api-v1", "7", older, 26*time.Hour), bad, deployment(2, "6", older)}, "1.41.0 (revision 7) of api-v1"},
		{"and it is observed", []item{set("api-v1", "7", older, 26*time.Hour), bad, deployment(3, "6", older)}, "1.41.0 (revision 7) of api-v1"},
		{"numbered itself", []item{set("api-v1", "7", older, 26*time.Hour), bad, deployment(3, "7", older)}, "1.41.0 (revision 7) of api-v1"},
		{"its ReplicaSet is heard late", []item{set("api-v1", "5", older, 26*time.Hour), bad, deployment(3, "7", older)}, "revision 7 of "},
	} {
		got := observed(c.items...)
		if v := got.Running(); v.Full()+" of "+v.Key != c.want {
			t.Errorf("%s: %s of %s, want %s", c.name, v.Full(), v.Key, c.want)
		}
	}
}
