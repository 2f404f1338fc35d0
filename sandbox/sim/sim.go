// Package sim is what goes on in the sandbox's cluster: the controllers'
// behaviour that matters for a rollback, and pods that start, crash, fail to
// pull, get ready and write logs. Nothing in it sleeps or runs by itself: Step
// does all that is due, so that days pass in milliseconds and tests can hold
// the clock. The same seed and the same steps give the same pods.
package sim

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rollbook/sandbox/store"
)

// Options are what a simulation is made of.
type Options struct {
	Store  *store.Store
	Behave Behave
	Seed   uint64 // of names, addresses and small delays
}

// Sim drives one store. Step is for one goroutine; Logs and Pods are safe
// beside it.
type Sim struct {
	store  *store.Store
	behave Behave
	seed   uint64

	mu     sync.Mutex
	past   bool // see Past
	now    time.Time
	next   time.Time // when the next thing is due; zero = nothing is
	seen   int64     // the store's version when there was nothing left to do
	rng    *rand.Rand
	typed  map[types.UID]typed
	round  int // of passes
	runs   map[types.UID]*podRun
	looked map[types.UID]time.Time // when an HPA was looked at last
	images map[string]bool         // node and image: which was pulled where
	ips    map[string]int          // node: the last address given
	events recorder
}

// New makes a simulation of what is in the store.
func New(o Options) *Sim {
	rng := rand.New(rand.NewPCG(o.Seed, 0x5eed)) //nolint:gosec // names of pods, not secrets
	return &Sim{store: o.Store, behave: o.Behave, seed: o.Seed, rng: rng,
		typed: map[types.UID]typed{}, runs: map[types.UID]*podRun{}, looked: map[types.UID]time.Time{}, images: map[string]bool{}, ips: map[string]int{},
		events: recorder{known: map[string]string{}}}
}

// passes is how often one step may go around: a rollout takes about three for
// each pod that is there to be made or taken away. What is left is done by the
// next step.
const passes = 1000

// Step does all that is due until now, which must not go back. The error says
// what the store did not take; it is no reason to stop: the next step tries
// again.
func (m *Sim) Step(now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
	if m.store.Version() == m.seen && (m.next.IsZero() || m.next.After(now)) {
		return nil
	}
	var all error
	for range passes {
		before := m.store.Version()
		m.next = time.Time{}
		m.round++
		all = m.pass()
		if m.store.Version() == before {
			m.seen = before
			break
		}
	}
	m.forget()
	m.prune()
	return all
}

// Past says whether what follows is long ago, for the releases of days before
// the opening: what is well starts and ends at once, and no events are told,
// since nobody would see them any more.
func (m *Sim) Past(long bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.past = long
}

// Next is when the next thing is due by itself; zero = nothing is.
func (m *Sim) Next() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.next
}

// due notes that something has to be done at a time.
func (m *Sim) due(at time.Time) {
	if at.After(m.now) && (m.next.IsZero() || at.Before(m.next)) {
		m.next = at
	}
}

// pass lets each controller and the kubelet look at everything once.
func (m *Sim) pass() error {
	var all []error
	note := func(what string, o metav1.Object, err error) {
		// Somebody else wrote in between, or deleted it: the next pass sees that.
		if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			all = append(all, fmt.Errorf("%s %s/%s: %w", what, o.GetNamespace(), o.GetName(), err))
		}
	}
	for _, d := range list[appsv1.Deployment](m, deployments, "") {
		note("deployment", d, m.syncDeployment(d))
	}
	for _, rs := range list[appsv1.ReplicaSet](m, replicaSets, "") {
		note("replicaset", rs, m.syncReplicaSet(rs))
	}
	for _, s := range list[appsv1.StatefulSet](m, statefulSets, "") {
		note("statefulset", s, m.syncStatefulSet(s))
	}
	for _, d := range list[appsv1.DaemonSet](m, daemonSets, "") {
		note("daemonset", d, m.syncDaemonSet(d))
	}
	for _, p := range list[corev1.Pod](m, pods, "") {
		note("pod", p, m.syncPod(p))
	}
	if !m.past {
		for _, s := range list[corev1.Service](m, services, "") {
			note("service", s, m.syncService(s))
		}
		for _, h := range list[autoscalingv2.HorizontalPodAutoscaler](m, autoscalers, "") {
			note("autoscaler", h, m.syncAutoscaler(h))
		}
	}
	return errors.Join(all...)
}

// stamp is the present time as objects keep it, in whole seconds.
func (m *Sim) stamp() metav1.Time { return metav1.Time{Time: m.now.UTC().Truncate(time.Second)} }

// share is a number from 0 to 1 that depends on the seed and the key alone.
func (m *Sim) share(key string) float64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", m.seed, key)
	return float64(h.Sum64()>>11) / (1 << 53)
}

// between is a time that depends on the seed and the key alone.
func (m *Sim) between(low, high time.Duration, key string) time.Duration {
	if m.past {
		return 0
	}
	return low + time.Duration(m.share(key)*float64(high-low))
}

// podName returns a name for a pod of an owner, as the API server makes it.
func (m *Sim) podName(owner string) string { return store.GenerateName(owner+"-", m.rng.IntN) }
