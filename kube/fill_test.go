package kube

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"rollbook/model"
)

// crowd is a namespace of many Deployments, and what an API server answers to a
// watch that begins with all there is, and to a list.
type crowd struct {
	streams, lists map[string][]byte // by resource, in protobuf
	old            bool              // it knows no such watches
	listOnly       bool              // nobody may watch
	events         []corev1.Event    // in the order of their names, as the API server has them
	asked          atomic.Int64      // lists of events
	changes        chan []byte       // more frames for the watch of the pods
}

const crowdPods = 5 // of each Deployment

// newCrowd makes the objects as a kubelet, a scheduler and controllers leave
// them: with managed fields, tolerations, a token's volume and all conditions.
func newCrowd(t testing.TB, deployments int) *crowd {
	t.Helper()
	at := metav1.NewTime(time.Now().Add(-10 * time.Minute).Truncate(time.Second))
	var loads appsv1.DeploymentList
	var sets appsv1.ReplicaSetList
	var pods corev1.PodList
	for n := range deployments {
		r := crowdSet(n, at)
		loads.Items, sets.Items = append(loads.Items, *crowdDeployment(n, at)), append(sets.Items, *r)
		for k := range crowdPods {
			pods.Items = append(pods.Items, *crowdPod(r, k, at))
		}
	}
	c := &crowd{streams: map[string][]byte{}, lists: map[string][]byte{}, changes: make(chan []byte)}
	for resource, list := range map[string]runtime.Object{"deployments": &loads, "replicasets": &sets, "pods": &pods,
		"statefulsets": &appsv1.StatefulSetList{}, "daemonsets": &appsv1.DaemonSetList{},
		"controllerrevisions": &appsv1.ControllerRevisionList{}, "events": &corev1.EventList{}} {
		var b bytes.Buffer
		if err := meta.EachListItem(list, func(o runtime.Object) error { b.Write(frame(t, "ADDED", o)); return nil }); err != nil {
			t.Fatal(err)
		}
		b.Write(frame(t, "BOOKMARK", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "99",
			Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"}}}))
		c.streams[resource] = b.Bytes()
		list.(metav1.ListInterface).SetResourceVersion("99")
		c.lists[resource] = protobuf(t, list)
	}
	return c
}

func uid(kind, n, k int) types.UID {
	return types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, n*100+k))
}

func crowdLabels(n int) map[string]string {
	return map[string]string{"app": fmt.Sprintf("service-%04d", n), "app.kubernetes.io/part-of": "shop", "team": "payments"}
}

func crowdTemplate(n int) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: crowdLabels(n), Annotations: map[string]string{"prometheus.io/scrape": "true"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: fmt.Sprintf("registry.example/shop/service-%04d:1.0.0", n),
			Env: []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}, {Name: "PORT", Value: "8080"}}}}}}
}

func managedBy(at metav1.Time, managers ...string) []metav1.ManagedFieldsEntry {
	var out []metav1.ManagedFieldsEntry
	for _, m := range managers {
		fields := `{"f:metadata":{"f:labels":{".":{},"f:app":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"x\"}":{}}},"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:env":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{}}},"f:dnsPolicy":{},"f:restartPolicy":{}}}}}`
		e := metav1.ManagedFieldsEntry{Manager: m, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", Time: &at, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields)}
		out = append(out, e)
	}
	return out
}

func crowdDeployment(n int, at metav1.Time) *appsv1.Deployment {
	count, name := int32(crowdPods), fmt.Sprintf("service-%04d", n)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "bench", UID: uid(1, n, 0), ResourceVersion: fmt.Sprint(n + 1), Generation: 1, CreationTimestamp: at,
			Labels: crowdLabels(n), Annotations: map[string]string{annRevision: "1", annCause: "deploy 1.0.0"}, ManagedFields: managedBy(at, "kubectl", "kube-controller-manager")},
		Spec: appsv1.DeploymentSpec{Replicas: &count, Selector: &metav1.LabelSelector{MatchLabels: crowdLabels(n)}, Template: crowdTemplate(n)},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: count, UpdatedReplicas: count, ReadyReplicas: count, AvailableReplicas: count,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: "True", LastUpdateTime: at, LastTransitionTime: at, Reason: "MinimumReplicasAvailable", Message: "Deployment has minimum availability."},
				{Type: appsv1.DeploymentProgressing, Status: "True", LastUpdateTime: at, LastTransitionTime: at, Reason: "NewReplicaSetAvailable", Message: "ReplicaSet has successfully progressed."}}},
	}
}

func controlledBy(kind, name string, id types.UID) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: id, Controller: &yes, BlockOwnerDeletion: &yes}}
}

func crowdSet(n int, at metav1.Time) *appsv1.ReplicaSet {
	count, hash := int32(crowdPods), fmt.Sprintf("%x", 0x7c9f0000+n)
	r := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("service-%04d-%s", n, hash), Namespace: "bench", UID: uid(2, n, 0), ResourceVersion: fmt.Sprint(n + 1), CreationTimestamp: at,
			Labels: crowdLabels(n), Annotations: map[string]string{annRevision: "1", annDesired: "5"}, ManagedFields: managedBy(at, "kube-controller-manager"),
			OwnerReferences: controlledBy("Deployment", fmt.Sprintf("service-%04d", n), uid(1, n, 0))},
		Spec:   appsv1.ReplicaSetSpec{Replicas: &count, Selector: &metav1.LabelSelector{MatchLabels: crowdLabels(n)}, Template: crowdTemplate(n)},
		Status: appsv1.ReplicaSetStatus{Replicas: count, ReadyReplicas: count, AvailableReplicas: count, ObservedGeneration: 1},
	}
	r.Labels[labelHash] = hash
	return r
}

func crowdPod(r *appsv1.ReplicaSet, k int, at metav1.Time) *corev1.Pod {
	name := fmt.Sprintf("%s-%05x", r.Name, k*7919+1)
	yes, seconds := true, int64(300)
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, GenerateName: r.Name + "-", Namespace: r.Namespace, UID: types.UID(string(r.UID)[:35] + fmt.Sprint(k)), ResourceVersion: r.ResourceVersion, CreationTimestamp: at,
			Labels: r.Labels, Annotations: map[string]string{"prometheus.io/scrape": "true"}, OwnerReferences: controlledBy("ReplicaSet", r.Name, r.UID),
			ManagedFields: managedBy(at, "kube-controller-manager", "kube-scheduler", "kubelet")},
		Spec: *r.Spec.Template.Spec.DeepCopy(),
		Status: corev1.PodStatus{Phase: corev1.PodRunning, HostIP: "10.0.0.7", PodIP: "10.244.3.9", PodIPs: []corev1.PodIP{{IP: "10.244.3.9"}}, StartTime: &at, QOSClass: corev1.PodQOSBestEffort,
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", Ready: true, Started: &yes, Image: "shop:1", ImageID: "sha256:00000000000000000000000000000000", ContainerID: "containerd://0000000000000000000000000000000000000000",
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}}}},
	}
	p.Spec.NodeName, p.Spec.ServiceAccountName = "node-1", "default"
	p.Spec.Tolerations = []corev1.Toleration{{Key: "node.kubernetes.io/not-ready", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &seconds}, {Key: "node.kubernetes.io/unreachable", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &seconds}}
	p.Spec.Volumes = []corev1.Volume{{Name: "kube-api-access", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}, {ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}}}}}}}}
	for _, c := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady, "PodReadyToStartContainers"} {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: c, Status: corev1.ConditionTrue, LastTransitionTime: at})
	}
	return p
}

// frame is one event of a watch as the API server writes it in protobuf.
func frame(t testing.TB, kind string, o runtime.Object) []byte {
	t.Helper()
	e := metav1.WatchEvent{Type: kind, Object: runtime.RawExtension{Raw: protobuf(t, o)}}
	b, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// ServeHTTP answers lists and watches, and refuses all else.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource, q := path.Base(r.URL.Path), r.URL.Query()
	if c.streams[resource] == nil {
		http.NotFound(w, r)
		return
	}
	first := q.Get("sendInitialEvents") == "true"
	switch {
	case resource == "events" && (first || q.Get("watch") != "" && q.Get("fieldSelector") == ""):
		http.NotFound(w, r) // all of them at once
		return
	case resource == "events" && q.Get("watch") == "":
		c.listEvents(w, r)
		return
	case q.Get("watch") == "":
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		_, _ = w.Write(c.lists[resource])
		return
	case c.listOnly:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"you cannot watch","reason":"Forbidden","code":403}`)
		return
	case first && c.old:
		http.Error(w, "sendInitialEvents is forbidden", http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf+";stream=watch")
	if first {
		_, _ = w.Write(c.streams[resource])
	}
	w.(http.Flusher).Flush()
	changes := c.changes
	if resource != "pods" {
		changes = nil
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case b := <-changes:
			_, _ = w.Write(b)
			w.(http.Flusher).Flush()
		}
	}
}

// listEvents answers with a page of the events that the field selector takes.
func (c *crowd) listEvents(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c.asked.Add(1)
	limit, err := strconv.Atoi(q.Get("limit"))
	selector, bad := fields.ParseSelector(q.Get("fieldSelector"))
	if err != nil || bad != nil || limit > 500 {
		http.Error(w, "a list of events without a limit, or one that is too large", http.StatusTeapot)
		return
	}
	list := &corev1.EventList{TypeMeta: metav1.TypeMeta{Kind: "EventList", APIVersion: "v1"}, ListMeta: metav1.ListMeta{ResourceVersion: "99"}}
	at, _ := strconv.Atoi(q.Get("continue"))
	for ; at < len(c.events) && len(list.Items) < limit; at++ {
		e := &c.events[at]
		if selector.Matches(fields.Set{"type": e.Type, "reason": e.Reason, "involvedObject.kind": e.InvolvedObject.Kind, "involvedObject.name": e.InvolvedObject.Name}) {
			list.Items = append(list.Items, *e)
		}
	}
	if at < len(c.events) {
		list.Continue = strconv.Itoa(at)
	}
	if strings.Contains(r.Header.Get("Accept"), "protobuf") {
		raw, err := list.Marshal()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		whole := &runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v1", Kind: "EventList"}, Raw: raw}
		b, _ := whole.Marshal()
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		_, _ = w.Write(append([]byte("k8s\x00"), b...))
		return
	}
	w.Header().Set("Content-Type", runtime.ContentTypeJSON)
	_ = json.NewEncoder(w).Encode(list)
}

// crowded is a client of a crowd.
func crowded(t testing.TB, c *crowd) *Client {
	t.Helper()
	srv := httptest.NewServer(c)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	t.Setenv("KUBECONFIG", "/dev/null")
	flags := &Flags{}
	flags.ClusterInfo.Server, flags.Context.Namespace = srv.URL, "bench"
	client, err := Connect(flags, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// fill watches until each of the conditions held, one after the other, and ends
// the watch. It returns what was seen when they did.
func fill(t testing.TB, c *Client, conditions ...func(model.Observation) bool) []model.Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var seen []model.Observation
	c.Watch(ctx, func(o model.Observation) {
		if len(seen) < len(conditions) && conditions[len(seen)](o) {
			if seen = append(seen, o); len(seen) == len(conditions) {
				cancel()
			}
		}
	})
	if len(seen) < len(conditions) {
		t.Fatalf("only %d of %d conditions held within a minute", len(seen), len(conditions))
	}
	return seen
}

func full(deployments int) func(model.Observation) bool {
	return func(o model.Observation) bool {
		if len(o.Board) != deployments {
			return false
		}
		for _, l := range o.Board {
			if len(l.Pods) != crowdPods || l.PodsNo != "" || l.Revision != 1 {
				return false
			}
		}
		return true
	}
}

// A namespace is read alike by watches that begin with all there is and by lists,
// and a change of one pod leaves all other lines what they were.
func TestFill(t *testing.T) {
	for _, old := range []bool{false, true} {
		t.Run(map[bool]string{false: "watches", true: "lists"}[old], func(t *testing.T) {
			c := newCrowd(t, 30)
			c.old = old
			at := metav1.Unix(time.Now().Unix(), 0)
			p := crowdPod(crowdSet(7, at), 2, at)
			p.ResourceVersion, p.Status.Phase, p.Status.Conditions = "100", corev1.PodFailed, nil
			const line = 7
			seen := fill(t, crowded(t, c), func(o model.Observation) bool {
				if !full(30)(o) {
					return false
				}
				go func() { c.changes <- frame(t, "MODIFIED", p) }()
				return true
			}, func(o model.Observation) bool { return o.Board[line].Pods[0].Failing })
			before, after := seen[0].Board, seen[1].Board
			for n := range before {
				if same := before[n] == after[n]; same != (n != line) {
					t.Errorf("%s: the same line: %v", before[n].ID, same)
				}
			}
			got := after[line].Pods[0]
			if got.Name != p.Name || got.UID != string(p.UID) || got.Owner != "service-0007-7c9f0007" || got.Revision != 1 || got.State != "Failed" ||
				len(got.Names) != 1 || got.Names[0] != "app" || got.Bad != "app" || got.Ready || !got.Started.Equal(p.CreationTimestamp.Time) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Who may list and not watch sees the board all the same, and is told how often it
// is read.
func TestBoardOfWhoMayNotWatch(t *testing.T) {
	c := newCrowd(t, 3)
	c.listOnly = true
	seen := fill(t, crowded(t, c), func(o model.Observation) bool { return full(3)(o) && !o.Reading && o.Identity.Polled > 0 })
	if got := seen[0].Identity.Polled; got != pollEvery {
		t.Errorf("read every %s", got)
	}
	if seen = fill(t, crowded(t, newCrowd(t, 3)), full(3)); seen[0].Identity.Polled != 0 {
		t.Error("watched, and told to be polled")
	}
}

// BenchmarkFill is the way from nothing to a board with all pods.
func BenchmarkFill(b *testing.B) {
	for _, n := range []int{1000, 3000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCrowd(b, n)
			client := crowded(b, c)
			b.ReportAllocs()
			for b.Loop() {
				fill(b, client, full(n))
			}
		})
	}
}
