package kube

import (
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
)

// A ControllerRevision keeps its creation when it comes back under a new number: what
// served until then is not said to have ended before it began.
func TestServedUntilOfControllerRevisions(t *testing.T) {
	t0 := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	template := func(image string) map[string]json.RawMessage {
		return map[string]json.RawMessage{"template": json.RawMessage(`{"spec":{"containers":[{"name":"db","image":"` + image + `"}]}}`)}
	}
	rev := func(name string, number int64, age time.Duration) *object {
		return &object{Metadata: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(t0.Add(age))},
			Spec: template(name), Data: json.RawMessage(`{}`), Revision: number}
	}
	set := func(image string, at time.Duration) *object {
		when := metav1.NewTime(t0.Add(at))
		return &object{Metadata: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationUpdate, Time: &when,
			FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:template":{"f:spec":{}}}}`)}}}, Spec: template(image)}
	}
	for _, c := range []struct {
		name   string
		of     *object
		revs   []*object
		target int
		want   time.Duration // after t0; 0 = unknown
	}{
		{"the next one was made", set("c", 3*time.Hour), []*object{rev("a", 1, 0), rev("b", 2, 2*time.Hour), rev("c", 3, 3*time.Hour)}, 0, 2 * time.Hour},
		{"the next one came back, and runs", set("a", 3*time.Hour), []*object{rev("b", 2, time.Hour), rev("a", 3, 0)}, 0, 3 * time.Hour},
		{"the next one came back, and another runs", set("c", 4*time.Hour), []*object{rev("b", 2, time.Hour), rev("a", 3, 0), rev("c", 4, 4*time.Hour)}, 0, 4 * time.Hour},
		{"both came back", set("b", 5*time.Hour), []*object{rev("a", 3, 0), rev("b", 4, time.Hour)}, 0, 5 * time.Hour},
		{"it runs", set("b", time.Hour), []*object{rev("a", 1, 0), rev("b", 2, time.Hour)}, 1, 0},
	} {
		target := c.revs[c.target]
		p := &planned{workload: c.of, target: target, undoDetail: undoDetail{ToNumber: target.Revision}}
		var want time.Time
		if c.want != 0 {
			want = t0.Add(c.want)
		}
		if got := servedUntil(p, c.revs); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
}

// What a pipeline writes just before its release is not what the version before it read;
// what was there when that version began is, however soon it was replaced.
func TestWroteSince(t *testing.T) {
	t0 := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name           string
		at, began, end time.Duration
		want           bool
	}{
		{"after the release", time.Hour + time.Second, 0, time.Hour, true},
		{"with the release", time.Hour - 30*time.Second, 0, time.Hour, true},
		{"a minute before the release", time.Hour - time.Minute, 0, time.Hour, false},
		{"before it began, replaced at once", -time.Second, 0, 2 * time.Second, false},
		{"in the second it began, replaced at once", 0, 0, 2 * time.Second, false},
		{"between two releases in a minute", 5 * time.Second, 0, 10 * time.Second, true},
		{"it runs", time.Hour, 0, -1, false},
	} {
		var end time.Time
		if c.end >= 0 {
			end = t0.Add(c.end)
		}
		if got := wroteSince(t0.Add(c.at), t0.Add(c.began), end); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Whose image could not be pulled is told by the pod's name where that has the
// revision in it, and by the image elsewhere.
func TestFailedPull(t *testing.T) {
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "db", Image: "shop/db:1.4"}}}}
	const failed = `Failed to pull image "shop/db:1.4": not found`
	for _, c := range []struct {
		kind         model.Kind
		pod, message string
		want         bool
	}{
		{model.Deployment, "db-59d6bbd7bb-x2x", failed, true},
		{model.Deployment, "db-749d7b9678-x2x", failed, false},
		{model.StatefulSet, "db-1", failed, true},
		{model.StatefulSet, "db-1", `Failed to pull image "shop/db:1.40": not found`, false},
		{model.StatefulSet, "cache-1", failed, false},
		{model.DaemonSet, "db-x2x9k", failed, true},
		{model.DaemonSet, "db-x2x9k", "Error: ErrImage", false},
	} {
		p := &planned{Plan: model.Plan{Workload: model.Workload{Kind: c.kind, Name: "db"}, To: model.Version{Key: "db-59d6bbd7bb"}}}
		e := &corev1.Event{InvolvedObject: corev1.ObjectReference{Name: c.pod}, Message: c.message}
		if got := p.failedPull(e, template); got != c.want {
			t.Errorf("%s %s %q: %v", c.kind, c.pod, c.message, got)
		}
	}
}
