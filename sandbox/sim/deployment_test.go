package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"rollbook/sandbox/store"
)

const (
	healthy   = "NewReplicaSetAvailable, MinimumReplicasAvailable"
	underWay  = "ReplicaSetUpdated, MinimumReplicasAvailable"
	timedOut  = "ProgressDeadlineExceeded, MinimumReplicasAvailable"
	allServed = "Ready Ready Ready"
)

func TestRollout(t *testing.T) {
	b := newBed(t)
	b.create(deployment(4, "shop:1"))
	b.passes(30 * time.Second)
	b.sees("revision 1: 4/4 updated 4 available 4, "+healthy, "1 shop:1: 4 Ready Ready Ready Ready")
	b.image("shop:2")
	b.passes(time.Second)
	b.sees("revision 2: 5/4 updated 2 available 3, "+underWay,
		"1 shop:1: 3 Ready Ready Ready Terminating", "2 shop:2: 2 ContainerCreating ContainerCreating")
	b.passes(time.Minute)
	b.sees("revision 2: 4/4 updated 4 available 4, "+healthy, "1 shop:1: 0", "2 shop:2: 4 Ready Ready Ready Ready")
	hash := func(n int64) string {
		for _, rs := range list[appsv1.ReplicaSet](b.sim, replicaSets, "") {
			if revisionOf(rs) == n {
				return rs.Name
			}
		}
		return ""
	}
	first, second := hash(1), hash(2)
	want := fmt.Sprintf(`1x Scaled up replica set %[1]s from 0 to 4
1x Scaled up replica set %[2]s from 0 to 1
1x Scaled down replica set %[1]s from 4 to 3
1x Scaled up replica set %[2]s from 1 to 2
1x Scaled down replica set %[1]s from 3 to 2
1x Scaled up replica set %[2]s from 2 to 3
1x Scaled down replica set %[1]s from 2 to 1
1x Scaled up replica set %[2]s from 3 to 4
1x Scaled down replica set %[1]s from 1 to 0`, first, second)
	if got := b.events("ScalingReplicaSet"); got != want {
		t.Errorf("events\n%s\nwant\n%s", got, want)
	}
	rs := get[appsv1.ReplicaSet](b.sim, replicaSets, "production", second)
	if rs.Annotations[annDesired] != "4" || rs.Annotations[annMaxReplicas] != "5" || rs.Annotations[annCause] != "to shop:2" {
		t.Errorf("annotations of the new ReplicaSet: %v", rs.Annotations)
	}
}

// A release that crashes leaves the old pods alone; an undo, as kubectl writes
// it, takes the crashing pod away first and reuses the old ReplicaSet.
func TestCrashAndUndo(t *testing.T) {
	b := newBed(t)
	b.images["shop:2"] = Behaviour{Start: 5 * time.Second, Crash: &Crash{Exit: 1, After: 2 * time.Second, Lines: []string{"KeyError: 'PAYMENT_URL'"}}}
	b.create(deployment(3, "shop:1"))
	b.passes(30 * time.Second)
	b.image("shop:2")
	b.passes(time.Minute)
	b.sees("revision 2: 4/3 updated 1 available 3, "+underWay, "1 shop:1: 3 "+allServed, "2 shop:2: 1 CrashLoopBackOff(3)")
	b.passes(6 * time.Minute)
	b.sees("revision 2: 4/3 updated 1 available 3, "+timedOut, "1 shop:1: 3 "+allServed, "2 shop:2: 1 CrashLoopBackOff(6)")
	for _, p := range list[corev1.Pod](b.sim, pods, "") {
		s := p.Status.ContainerStatuses[0]
		if s.RestartCount == 0 {
			continue
		}
		if last := s.LastTerminationState.Terminated; last == nil || last.ExitCode != 1 || last.Reason != "Error" {
			t.Errorf("last state %+v", last)
		}
		if want := fmt.Sprintf("back-off 5m0s restarting failed container=api pod=%s_production(%s)", p.Name, p.UID); s.State.Waiting.Message != want {
			t.Errorf("message %q, want %q", s.State.Waiting.Message, want)
		}
	}
	b.image("shop:1")
	if err := b.sim.Step(b.now); err != nil {
		t.Fatal(err)
	}
	b.sees("revision 3: 3/3 updated 3 available 3, "+healthy, "2 shop:2: 0 Terminating", "3 shop:1: 3 was 1 "+allServed)
	b.image("shop:2") // the undo of the undo brings the bad version back
	b.passes(time.Minute)
	b.sees("revision 4: 4/3 updated 1 available 3, "+underWay, "3 shop:1: 3 was 1 "+allServed, "4 shop:2: 1 was 2 CrashLoopBackOff(3)")
	b.image("shop:1")
	b.passes(time.Minute)
	b.sees("revision 5: 3/3 updated 3 available 3, "+healthy, "4 shop:2: 0 was 2", "5 shop:1: 3 was 1,3 "+allServed)
}

func TestPullFails(t *testing.T) {
	b := newBed(t)
	b.images["shop:2"] = Behaviour{PullFails: true}
	b.create(deployment(3, "shop:1"))
	b.passes(30 * time.Second)
	b.image("shop:2")
	b.passes(10 * time.Second)
	b.sees("revision 2: 4/3 updated 1 available 3, "+underWay, "1 shop:1: 3 "+allServed, "2 shop:2: 1 ImagePullBackOff")
	for reason, want := range map[string]string{
		"BackOff": `1x Back-off pulling image "shop:2"`,
		"Failed":  `1x Failed to pull image "shop:2": rpc error: code = NotFound`,
	} {
		if got := b.events(reason); !strings.Contains(got, want) {
			t.Errorf("%s: %s", reason, got)
		}
	}
}

func TestNeverReady(t *testing.T) {
	b := newBed(t)
	b.images["shop:2"] = Behaviour{NeverReady: true, Then: []Change{{From: b.now.Add(5 * time.Minute)}}}
	b.create(deployment(3, "shop:1"))
	b.passes(30 * time.Second)
	b.image("shop:2")
	b.passes(2*time.Minute + 10*time.Second)
	b.sees("revision 2: 4/3 updated 1 available 3, "+timedOut, "1 shop:1: 3 "+allServed, "2 shop:2: 1 Running")
	if got := b.events("Unhealthy"); got != "25x Readiness probe failed: HTTP probe failed with statuscode: 503" {
		t.Errorf("Unhealthy: %s", got)
	}
	b.passes(5 * time.Minute) // the cause goes away by itself
	b.sees("revision 2: 3/3 updated 3 available 3, "+healthy, "1 shop:1: 0", "2 shop:2: 3 "+allServed)
}

func TestRecreate(t *testing.T) {
	b := newBed(t)
	d := deployment(2, "shop:1")
	d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	b.create(d)
	b.passes(30 * time.Second)
	b.images["shop:2"] = Behaviour{PullFails: true}
	b.image("shop:2")
	b.passes(100 * time.Millisecond)
	b.sees("revision 1: 0/2 updated 0 available 0, NewReplicaSetAvailable, MinimumReplicasUnavailable", "1 shop:1: 0 Terminating Terminating")
	b.passes(time.Minute)
	b.sees("revision 2: 2/2 updated 2 available 0, ReplicaSetUpdated, MinimumReplicasUnavailable", "1 shop:1: 0", "2 shop:2: 2 ImagePullBackOff ImagePullBackOff")
	b.image("shop:1")
	b.passes(time.Minute)
	b.sees("revision 3: 2/2 updated 2 available 2, "+healthy, "2 shop:2: 0", "3 shop:1: 2 was 1 Ready Ready")
}

func TestPauseAndScale(t *testing.T) {
	b := newBed(t)
	b.create(deployment(2, "shop:1"))
	b.passes(30 * time.Second)
	b.change(func(d *appsv1.Deployment) { d.Spec.Paused = true })
	b.image("shop:2")
	b.passes(30 * time.Second)
	b.sees("revision 1: 2/2 updated 0 available 2, DeploymentPaused, MinimumReplicasAvailable", "1 shop:1: 2 Ready Ready")
	b.change(func(d *appsv1.Deployment) { *d.Spec.Replicas = 4 })
	b.passes(30 * time.Second)
	b.sees("revision 1: 4/4 updated 0 available 4, DeploymentPaused, MinimumReplicasAvailable", "1 shop:1: 4 Ready Ready Ready Ready")
	b.change(func(d *appsv1.Deployment) { d.Spec.Paused = false })
	b.passes(time.Minute)
	b.sees("revision 2: 4/4 updated 4 available 4, "+healthy, "1 shop:1: 0", "2 shop:2: 4 Ready Ready Ready Ready")
	b.change(func(d *appsv1.Deployment) { *d.Spec.Replicas = 0 })
	b.passes(30 * time.Second)
	b.sees("revision 2: 0/0 updated 0 available 0, "+healthy, "1 shop:1: 0", "2 shop:2: 0")
}

// Scaling in the middle of a rollout keeps the shares.
func TestScaleDuringRollout(t *testing.T) {
	b := newBed(t)
	b.images["shop:2"] = Behaviour{NeverReady: true}
	b.create(deployment(4, "shop:1"))
	b.passes(30 * time.Second)
	b.image("shop:2")
	b.passes(30 * time.Second)
	b.sees("revision 2: 5/4 updated 2 available 3, "+underWay, "1 shop:1: 3 "+allServed, "2 shop:2: 2 Running Running")
	b.change(func(d *appsv1.Deployment) { *d.Spec.Replicas = 8 })
	b.passes(30 * time.Second)
	b.sees("revision 2: 10/8 updated 4 available 6, "+underWay, "1 shop:1: 6 Ready Ready Ready Ready Ready Ready", "2 shop:2: 4 Running Running Running Running")
}

func TestHistoryLimit(t *testing.T) {
	b := newBed(t)
	d := deployment(1, "shop:1")
	two := int32(2)
	d.Spec.RevisionHistoryLimit = &two
	b.create(d)
	b.passes(30 * time.Second)
	for n := 2; n <= 5; n++ {
		b.image(fmt.Sprintf("shop:%d", n))
		b.passes(time.Minute)
	}
	b.sees("revision 5: 1/1 updated 1 available 1, "+healthy, "3 shop:3: 0", "4 shop:4: 0", "5 shop:5: 1 Ready")
}

// A deleted Deployment takes its ReplicaSets and pods along.
func TestGarbage(t *testing.T) {
	b := newBed(t)
	b.create(deployment(2, "shop:1"))
	b.passes(30 * time.Second)
	if err := b.sim.remove(deployments, b.shop()); err != nil {
		t.Fatal(err)
	}
	b.passes(10 * time.Second)
	if n := len(list[appsv1.ReplicaSet](b.sim, replicaSets, "")) + len(list[corev1.Pod](b.sim, pods, "")); n > 0 {
		t.Errorf("%d objects are left", n)
	}
}

func TestFenceposts(t *testing.T) {
	for _, tc := range []struct {
		replicas           int32
		surge, unavailable string
		wantSurge, wantOut int32
	}{
		{3, "25%", "25%", 1, 0}, {4, "25%", "25%", 1, 1}, {10, "25%", "25%", 3, 2}, {1, "0", "0", 0, 1},
		{5, "2", "1", 2, 1}, {2, "0", "5", 0, 2}, {10, "0%", "0%", 0, 1}, {3, "nonsense", "1", 0, 1},
	} {
		d := deployment(tc.replicas, "x")
		s, u := intstr.Parse(tc.surge), intstr.Parse(tc.unavailable)
		d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxSurge: &s, MaxUnavailable: &u}
		if surge, out := fenceposts(d); surge != tc.wantSurge || out != tc.wantOut {
			t.Errorf("%+v: got %d and %d", tc, surge, out)
		}
	}
}

func TestFormerRevisionsAreCut(t *testing.T) {
	list := ""
	for n := range 2000 {
		list = former(list, fmt.Sprint(n))
	}
	if len(list) > historyChars || !strings.HasSuffix(list, ",1998,1999") {
		t.Errorf("%d characters, ends %q", len(list), list[max(0, len(list)-20):])
	}
}

// As the kubelet: at once, then 10 s, then twice as long each time.
func TestBackOff(t *testing.T) {
	var b backOff
	at, got := time.Unix(0, 0), []float64{}
	for range 8 {
		w := b.failed(at)
		got = append(got, w.Seconds())
		at = at.Add(w + time.Second)
	}
	if want := fmt.Sprint([]float64{0, 10, 20, 40, 80, 160, 300, 300}); fmt.Sprint(got) != want {
		t.Errorf("waits %v, want %s", got, want)
	}
	if w := b.failed(at.Add(2*longestBackOff + time.Minute)); w != 0 {
		t.Errorf("after a long run it waits %v", w)
	}
}

// A Deployment that is made anew takes over what another left by a deletion with
// --cascade=orphan: its history goes on, and no pod is made twice.
func TestOrphansAreAdopted(t *testing.T) {
	b := newBed(t)
	b.create(deployment(2, "shop:1"))
	b.passes(time.Minute)
	b.image("shop:2")
	b.passes(time.Minute)
	if _, _, err := b.store.Delete(deployments, "production", "shop", store.Removal{Orphan: true}); err != nil {
		t.Fatal(err)
	}
	b.passes(time.Minute)
	for _, rs := range list[appsv1.ReplicaSet](b.sim, replicaSets, "") {
		if metav1.GetControllerOf(rs) != nil {
			t.Fatalf("%s is no orphan", rs.Name)
		}
	}
	b.create(deployment(2, "shop:3"))
	b.passes(2 * time.Minute)
	d, sets := b.shop(), list[appsv1.ReplicaSet](b.sim, replicaSets, "")
	for _, rs := range sets {
		if !metav1.IsControlledBy(rs, d) {
			t.Errorf("%s is not adopted", rs.Name)
		}
	}
	if n := len(list[corev1.Pod](b.sim, pods, "")); len(sets) != 3 || d.Annotations[annRevision] != "3" || n != 2 {
		t.Errorf("%d ReplicaSets, revision %s, %d pods", len(sets), d.Annotations[annRevision], n)
	}
}
