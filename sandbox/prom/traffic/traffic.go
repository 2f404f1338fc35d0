package traffic

import (
	"errors"
	"fmt"
	"math"
	"time"

	"rollbook/sandbox/prom"
)

// Pod is what the traffic needs to know of one that there is.
type Pod struct {
	Namespace, Name, UID string
	App                  string // label app
	Container            string // the first
	IP                   string // "" = none yet, and no target
	Node                 string
	OwnerKind, Owner     string // the controller: ReplicaSet, StatefulSet, DaemonSet
	Workload             string // the Deployment's name, or the owner's
	Replicas             int    // that the workload wants

	HTTP    bool // it serves requests; else it exports only that it is up
	Quiet   bool // it exports nothing, and is no target
	Running bool
	Ready   bool      // and not on its way out
	Started time.Time // of the container; its counters begin anew with it
	Profile Profile
}

// Traffic keeps the counters of all pods.
type Traffic struct {
	pods  map[string]*served // by UID
	state *prom.Target       // kube-state-metrics
	owner map[ownership]prom.Sample
}

// served is a pod with what it has counted.
type served struct {
	Pod
	target   *prom.Target
	counters counters
	shares   [len(bounds)]float64 // of the profile, which seldom changes
	phase    float64
	until    time.Time // counted up to here
	samples  []prom.Sample
}

// New is Traffic without pods.
func New() *Traffic {
	return &Traffic{pods: map[string]*served{}, state: stateTarget(), owner: map[ownership]prom.Sample{}}
}

var (
	errNotReady = errors.New("server returned HTTP status 503 Service Unavailable")
	took        = 4 * time.Millisecond
)

// Scrape is what asking every pod, and kube-state-metrics, brings at a time. The
// load of a workload is shared by its ready pods: who is not ready gets none,
// and the others have more to do.
func (t *Traffic) Scrape(at time.Time, pods []Pod) []prom.Scrape {
	ready := map[string]int{}
	for _, p := range pods {
		if p.Ready {
			ready[p.key()]++
		}
	}
	old := t.pods
	t.pods = make(map[string]*served, len(pods))
	out := make([]prom.Scrape, 0, len(pods)+1)
	for _, p := range pods {
		s := old[p.UID]
		if s == nil {
			s = &served{until: at, phase: phase(p.Namespace + "/" + p.Name)}
		}
		if s.Profile != p.Profile {
			s.shares = p.Profile.shares()
		}
		if !s.Started.Equal(p.Started) {
			s.counters = counters{}
		}
		if s.Ready && p.Ready && p.HTTP {
			factor := 1.0
			if p.Replicas > 0 {
				factor = float64(p.Replicas) / float64(ready[p.key()])
			}
			s.counters.advance(p.Profile, &s.shares, factor, s.phase, s.until, at)
		}
		s.Pod, s.until = p, at
		t.pods[p.UID] = s
		if scrape, is := s.scrape(); is {
			out = append(out, scrape)
		}
	}
	return append(out, t.owners(pods))
}

// key is the workload.
func (p *Pod) key() string { return p.Namespace + "/" + p.OwnerKind + "/" + p.Workload }

// scrape is what asking the pod brings; a pod without an address is no target.
func (s *served) scrape() (prom.Scrape, bool) {
	if s.IP == "" || s.Quiet {
		return prom.Scrape{}, false
	}
	if s.target == nil || s.target.Labels["instance"] != s.instance() {
		s.target, s.samples = s.newTarget(), nil
	}
	out := prom.Scrape{Target: s.target, Took: took}
	switch {
	case !s.Running:
		out.Err = fmt.Errorf("Get %q: dial tcp %s: connect: connection refused", s.target.URL, s.instance())
	case !s.Ready:
		out.Err = errNotReady
	default:
		out.Samples = s.exported()
	}
	return out, true
}

// exported are the pod's series. Their labels are made once.
func (s *served) exported() []prom.Sample {
	if s.samples == nil {
		s.samples = s.series()
	}
	out := make([]prom.Sample, len(s.samples))
	copy(out, s.samples)
	if !s.HTTP {
		return out
	}
	i := 0
	set := func(v float64) { out[i].Value = v; i++ }
	for m := range methods {
		for st := range statuses {
			set(math.Floor(s.counters.requests[m][st]))
		}
	}
	for _, b := range s.counters.buckets {
		set(math.Floor(b))
	}
	set(math.Floor(s.counters.count)) // the bucket +Inf
	set(math.Floor(s.counters.count))
	set(s.counters.sum)
	return out
}
