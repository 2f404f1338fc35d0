package pods

import (
	"fmt"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func pod(name, uid string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, UID: types.UID(uid)}}
}

// After an outage the list is compared with what was known: a pod that went is
// told, and one that came back under the same name is another.
func TestReplace(t *testing.T) {
	var told []string
	s := &store{
		known: map[string]Pod{}, synced: make(chan struct{}),
		changed: func(p Pod) { told = append(told, fmt.Sprintf("+%s %s", p.Name, p.UID)) },
		gone:    func(p Pod) { told = append(told, fmt.Sprintf("-%s %s", p.Name, p.UID)) },
	}
	check := func(step string, err error, want ...string) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(told, want) {
			t.Errorf("%s: got %v, %v, want %v", step, told, err, want)
		}
		told = nil
	}
	check("start", s.Replace([]any{pod("a", "1"), pod("db-0", "2")}, ""), "+a 1", "+db-0 2")
	check("change", s.Update(pod("a", "1")), "+a 1")
	check("list", s.Replace([]any{pod("db-0", "2")}, ""), "-a 1", "+db-0 2")
	check("same name", s.Replace([]any{pod("db-0", "3")}, ""), "-db-0 2", "+db-0 3")
	check("delete missed", s.Add(pod("db-0", "4")), "-db-0 3", "+db-0 4")
	check("delete", s.Delete(pod("db-0", "4")), "-db-0 4")
	if err := s.Add(&corev1.Node{}); err == nil {
		t.Error("a node was taken for a pod")
	}
}

func TestFrom(t *testing.T) {
	yes := true
	p := pod("api-6c5f-x", "1")
	p.Labels = map[string]string{"app": "api", "pod-template-hash": "6c5f", Label: "http"}
	p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "api-6c5f", Controller: &yes}}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	got := From(p)
	if got.Deployment != "api" || got.Owner != "api-6c5f" || !got.Ready || !got.HTTP {
		t.Errorf("got %+v", got)
	}
	now := metav1.Now()
	p.DeletionTimestamp = &now
	if From(p).Ready {
		t.Error("a pod that is being deleted still serves")
	}
}
