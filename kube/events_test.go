package kube

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
)

var eventsAt = metav1.Unix(1_800_000_000, 0)

// crashing returns n warnings as a namespace of crash-looping pods has them: of a pod
// of the Deployments of a crowd, or, every other one, of a Job's pod that is on no
// board. They are in the order of their names; the one with the number k is of k
// seconds after eventsAt.
func crashing(n int) []corev1.Event {
	out := make([]corev1.Event, 0, n)
	for k := range n {
		pod := fmt.Sprintf("%s-%05x", crowdSet(k%3, eventsAt).Name, 1)
		if k%2 == 1 {
			pod = fmt.Sprintf("import-%d-x2kq9", k)
		}
		at := metav1.NewTime(eventsAt.Add(time.Duration(k) * time.Second))
		out = append(out, corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s.%016x", pod, (k*7919)%n), Namespace: "bench", UID: uid(9, k, 0),
				ResourceVersion: fmt.Sprint(k + 1), CreationTimestamp: at, ManagedFields: managedBy(at, "kubelet")},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "bench", Name: pod, APIVersion: "v1", FieldPath: "spec.containers{app}"},
			Reason:         "BackOff", Type: "Warning", Message: fmt.Sprintf("number %d: %s", k, strings.Repeat("back-off restarting failed container ", 8)),
			Source: corev1.EventSource{Component: "kubelet", Host: "node-1"}, FirstTimestamp: eventsAt, LastTimestamp: at, Count: 3,
		})
	}
	slices.SortFunc(out, func(a, b corev1.Event) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Of a namespace with ten thousand events the board has the newest of its workloads,
// whether they are watched or, where that is forbidden, listed again and again.
func TestBoardOfTenThousandEvents(t *testing.T) {
	for name, listOnly := range map[string]bool{"watched": false, "listed": true} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, 3)
			c.listOnly, c.events = listOnly, crashing(10_000)
			seen := fill(t, crowded(t, c), func(o model.Observation) bool { return full(3)(o) && !o.Reading && len(o.Events) == shownEvents })
			for k, e := range seen[0].Events {
				if want := fmt.Sprintf("number %d:", 10_000-2*(shownEvents-k)); !strings.HasPrefix(e.Message, want) || e.Component == "" {
					t.Fatalf("event %d is %+v, want %s", k, e, want)
				}
			}
		})
	}
}

// A list of ten thousand events leaves no more of them than are kept.
func TestListOfTenThousandEvents(t *testing.T) {
	c := newCrowd(t, 0)
	c.events = crashing(10_000)
	v := newView(crowded(t, c), nil)
	all, err := v.source("events", "bench", "type!=Normal").all(context.Background())
	if err != nil || len(all.Items) < keptEvents || len(all.Items) >= 2*keptEvents || all.ResourceVersion != "99" {
		t.Errorf("%d events of version %s, %v", len(all.Items), all.ResourceVersion, err)
	}
}

// Events that come while the board is watched push out the oldest, and first those of
// what is not on the board.
func TestEventsPushOutTheOldest(t *testing.T) {
	v := newView(&Client{now: time.Now}, nil)
	s := &source{v: v, resource: "events", namespace: "bench", items: map[string]item{}}
	sets := &source{v: v, resource: "replicasets", namespace: "bench", items: map[string]item{}}
	v.sources = []*source{s, sets}
	for n := range 3 {
		v.link(fromDeployment(crowdDeployment(n, eventsAt)))
		sets.set(fromReplicaSet(crowdSet(n, eventsAt)))
	}
	v.observe()
	for _, e := range crashing(6000) {
		s.set(fromEvent(&e))
		if len(s.items) >= 2*keptEvents {
			t.Fatalf("%d are kept", len(s.items))
		}
	}
	got := v.observe().Events
	if len(got) != shownEvents || !strings.HasPrefix(got[shownEvents-1].Message, "number 5998:") || !strings.HasPrefix(got[0].Message, "number 5400:") {
		t.Errorf("%d events, from %+v to %+v", len(got), got[0], got[len(got)-1])
	}
}

// All events of one component are the newest of its own, a page at a time, with how
// many were left out.
func TestEventsOfOneComponent(t *testing.T) {
	c := newCrowd(t, 3)
	c.events = crashing(10_000)
	comp := &model.Component{ID: "service-0000", Workload: model.Workload{Kind: model.Deployment, Namespace: "bench", Name: "service-0000"},
		OwnerName: crowdSet(0, eventsAt).Name}
	client := crowded(t, c)
	client.limit = time.Minute // twenty pages, on any machine
	got, err := client.Events(context.Background(), comp, 200)
	if err != nil || got.Unread != "" || len(got.List) != 200 || got.Older != 10_000/6+1-200 {
		t.Fatalf("%d events, %d older, unread %q, %v", len(got.List), got.Older, got.Unread, err)
	}
	for k, e := range got.List { // every sixth is one of its own
		if want := fmt.Sprintf("number %d:", 9996-6*(199-k)); !strings.HasPrefix(e.Message, want) || e.Component != comp.ID {
			t.Fatalf("event %d is %+v, want %s", k, e, want)
		}
	}
	if n := c.asked.Load(); n != 20 {
		t.Errorf("%d lists", n)
	}
}

// What was read counts when the rest does not come, and that it does not is said.
func TestEventsThatAreNotAllRead(t *testing.T) {
	c := newCrowd(t, 3)
	c.events = crashing(2000)
	comp := &model.Component{ID: "service-0000", Workload: model.Workload{Kind: model.Deployment, Namespace: "bench", Name: "service-0000"},
		OwnerName: crowdSet(0, eventsAt).Name}
	slices.Reverse(c.events) // its own come in the first pages
	for pages, want := range map[int64]string{0: "cannot be read", 2: ""} {
		client := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if c.asked.Load() < pages {
				c.listEvents(w, r)
				return
			}
			w.WriteHeader(http.StatusGone)
			_, _ = fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"The provided continue parameter is too old","reason":"Expired","code":410}`)
		})
		got, err := client.Events(context.Background(), comp, 50)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("after %d pages: %v", pages, err)
			}
			continue
		}
		if err != nil || len(got.List) != 50 || got.Older == 0 || !strings.Contains(got.Unread, "too old") {
			t.Errorf("after %d pages: %d events, %d older, unread %q, %v", pages, len(got.List), got.Older, got.Unread, err)
		}
	}
}

// BenchmarkEvents is the board of a namespace with ten thousand events, and all events
// of one of its components.
func BenchmarkEvents(b *testing.B) {
	c := newCrowd(b, 3)
	c.events = crashing(10_000)
	client := crowded(b, c)
	b.Run("board", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fill(b, client, func(o model.Observation) bool { return len(o.Events) == shownEvents })
		}
	})
	comp := &model.Component{ID: "service-0000", Workload: model.Workload{Kind: model.Deployment, Namespace: "bench", Name: "service-0000"}}
	b.Run("component", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Events(context.Background(), comp, 200); err != nil {
				b.Fatal(err)
			}
		}
	})
}
