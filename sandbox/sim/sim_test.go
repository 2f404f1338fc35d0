package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rollbook/sandbox/store"
)

// bed is a small cluster with three nodes, whose time the test moves.
type bed struct {
	t      *testing.T
	now    time.Time
	store  *store.Store
	sim    *Sim
	images map[string]Behaviour
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, now: time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC), images: map[string]Behaviour{}}
	b.store = store.New(func() time.Time { return b.now })
	b.store.Seed(1)
	b.sim = New(Options{Store: b.store, Behave: func(i string, _ map[string]string) Behaviour { return b.images[i] }, Seed: 1})
	make := func(gr schema.GroupResource, kind, name string) {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}}}
		if _, err := b.store.Create(gr, o, store.By{Manager: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []string{"production", "data", "kube-system"} {
		make(store.Namespaces, "Namespace", n)
	}
	for _, n := range []string{"node-1", "node-2", "node-3"} {
		make(nodes, "Node", n)
	}
	return b
}

// passes lets time pass, from one thing that is due to the next.
func (b *bed) passes(d time.Duration) {
	b.t.Helper()
	end := b.now.Add(d)
	for {
		if err := b.sim.Step(b.now); err != nil {
			b.t.Fatal(err)
		}
		next := b.sim.Next()
		if next.IsZero() || next.After(end) {
			break
		}
		b.now = next
	}
	b.now = end
	if err := b.sim.Step(b.now); err != nil {
		b.t.Fatal(err)
	}
}

func deployment(replicas int32, image string) *appsv1.Deployment {
	labels, deadline := map[string]string{"app": "shop"}, int32(120)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "production", Annotations: map[string]string{annCause: "first"}},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, ProgressDeadlineSeconds: &deadline, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "api", Image: image, ReadinessProbe: &corev1.Probe{PeriodSeconds: 5}}}}}},
	}
}

func (b *bed) create(d *appsv1.Deployment) {
	b.t.Helper()
	if err := b.sim.create(deployments, d); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) shop() *appsv1.Deployment {
	return get[appsv1.Deployment](b.sim, deployments, "production", "shop").DeepCopy()
}

func (b *bed) change(f func(d *appsv1.Deployment)) {
	b.t.Helper()
	d := b.shop()
	f(d)
	if err := b.sim.update(deployments, d); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) image(image string) {
	b.change(func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = image
		d.Annotations[annCause] = "to " + image
	})
}

// sees compares the state of the Deployment, its ReplicaSets and pods.
func (b *bed) sees(want ...string) {
	b.t.Helper()
	if got := b.state(); got != strings.Join(want, "\n") {
		b.t.Errorf("at %s\n got\n%s\nwant\n%s", b.now.Format("15:04:05"), got, strings.Join(want, "\n"))
	}
}

func (b *bed) state() string {
	d := b.shop()
	p := findCondition(d.Status.Conditions, appsv1.DeploymentProgressing)
	a := findCondition(d.Status.Conditions, appsv1.DeploymentAvailable)
	out := []string{fmt.Sprintf("revision %s: %d/%d updated %d available %d, %s, %s", d.Annotations[annRevision], d.Status.Replicas, *d.Spec.Replicas,
		d.Status.UpdatedReplicas, d.Status.AvailableReplicas, p.Reason, a.Reason)}
	sets := list[appsv1.ReplicaSet](b.sim, replicaSets, "")
	for n := int64(1); n < 20; n++ {
		for _, rs := range sets {
			if revisionOf(rs) != n {
				continue
			}
			var words []string
			line := fmt.Sprintf("%d %s: %d", n, rs.Spec.Template.Spec.Containers[0].Image, *rs.Spec.Replicas)
			if h := rs.Annotations[annHistory]; h != "" {
				line += " was " + h
			}
			for _, p := range list[corev1.Pod](b.sim, pods, "") {
				if metav1.IsControlledBy(p, rs) {
					words = append(words, podWord(p))
				}
			}
			slices.Sort(words)
			out = append(out, strings.Join(append([]string{line}, words...), " "))
		}
	}
	return strings.Join(out, "\n")
}

func podWord(p *corev1.Pod) string {
	s := p.Status.ContainerStatuses[0]
	word := string(p.Status.Phase)
	switch {
	case p.DeletionTimestamp != nil:
		return "Terminating"
	case s.State.Waiting != nil:
		word = s.State.Waiting.Reason
	case s.State.Terminated != nil:
		word = s.State.Terminated.Reason
	case s.Ready:
		word = "Ready"
	}
	if s.RestartCount > 0 {
		word += fmt.Sprintf("(%d)", s.RestartCount)
	}
	return word
}

func (b *bed) events(reason string) string {
	var out []string
	for _, e := range list[corev1.Event](b.sim, events, "") {
		if e.Reason == reason {
			out = append(out, fmt.Sprintf("%dx %s", e.Count, e.Message))
		}
	}
	return strings.Join(out, "\n")
}

// A long name is cut where a cluster cuts it: 58 characters and no dash of their
// own, so that who looks for a workload's pods by their names finds them here too.
func TestPodsOfALongName(t *testing.T) {
	b, d := newBed(t), deployment(2, "shop:1")
	d.Name = strings.Repeat("checkout-", 8) + "v" // 73 characters
	b.create(d)
	b.passes(time.Minute)
	set := list[appsv1.ReplicaSet](b.sim, replicaSets, "production")[0]
	for _, p := range list[corev1.Pod](b.sim, pods, "production") {
		if len(p.Name) != 63 || p.Name[:58] != set.Name[:58] || p.GenerateName != set.Name+"-" || !ready(p) {
			t.Errorf("a pod of %s is named %s", set.Name, p.Name)
		}
	}
}
