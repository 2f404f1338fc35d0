package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"rollbook/testbed/pods"
)

// Source keeps the counters of all pods and serves them to Prometheus. A pod
// counts while it is Ready.
type Source struct {
	mu   sync.Mutex
	live map[string]*served // by namespace/name
	seed map[string]*Counters
}

type served struct {
	pod      pods.Pod
	profile  Profile
	counters *Counters
	since    time.Time // counted up to here
}

// NewSource is a source without pods.
func NewSource() *Source {
	return &Source{live: map[string]*served{}, seed: map[string]*Counters{}}
}

func key(namespace, name string) string { return namespace + "/" + name }

// Changed takes in a pod as it is now.
func (s *Source) Changed(p pods.Pod) {
	profile, err := ProfileOf(p.Annotations)
	if err != nil {
		log.Printf("pod %s/%s: %v", p.Namespace, p.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, now := key(p.Namespace, p.Name), time.Now()
	if old := s.live[k]; old != nil && old.pod.UID == p.UID {
		old.advance(now)
		old.pod, old.profile = p, profile
		return
	}
	c := s.seed[p.UID]
	if c == nil {
		c = NewCounters(k)
	}
	delete(s.seed, p.UID)
	s.live[k] = &served{pod: p, profile: profile, counters: c, since: now}
}

// Gone forgets a pod.
func (s *Source) Gone(p pods.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.live[key(p.Namespace, p.Name)]; old != nil && old.pod.UID == p.UID {
		delete(s.live, key(p.Namespace, p.Name))
	}
}

func (v *served) advance(now time.Time) {
	if v.pod.Ready && v.pod.HTTP {
		v.counters.Advance(v.profile, v.since, now)
	}
	v.since = now
}

// Pods lists the pods known, in order.
func (s *Source) Pods() []pods.Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]pods.Pod, 0, len(s.live))
	for _, v := range s.live {
		out = append(out, v.pod)
	}
	pods.Sort(out)
	return out
}

// Handle adds the addresses that Prometheus asks, and the shop's health pages,
// which a probe may ask.
func (s *Source) Handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /targets", s.serveTargets)
	mux.HandleFunc("GET /metrics/{namespace}/{pod}", s.servePod)
	mux.HandleFunc("GET /kube-state", s.serveOwners)
	mux.HandleFunc("GET /health/{namespace}/{app}", s.serveHealth)
}

// targetLabels are the labels that Prometheus adds to each series of a pod.
func targetLabels(p pods.Pod) map[string]string {
	return map[string]string{
		"job": p.App, "instance": p.IP + ":8080",
		"namespace": p.Namespace, "pod": p.Name, "container": p.Container, "app": p.App,
	}
}

// serveTargets answers Prometheus' http_sd: each pod that has an address is a
// target, ready or not, as with a service discovery of pods.
func (s *Source) serveTargets(w http.ResponseWriter, r *http.Request) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{}
	for _, p := range s.Pods() {
		if p.IP == "" {
			continue
		}
		l := targetLabels(p)
		l["__metrics_path__"] = "/metrics/" + p.Namespace + "/" + p.Name
		groups = append(groups, group{[]string{r.Host}, l})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups)
}

func (s *Source) servePod(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	v := s.live[key(r.PathValue("namespace"), r.PathValue("pod"))]
	var body bytes.Buffer
	ready := v != nil && v.pod.Ready
	if ready {
		v.advance(time.Now())
		if v.pod.HTTP {
			v.counters.write(&body)
		} else {
			body.WriteString("# TYPE pg_up gauge\npg_up 1\n")
		}
	}
	s.mu.Unlock()
	if !ready {
		http.Error(w, "the pod is not ready", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = body.WriteTo(w)
}

// serveOwners is as much of kube-state-metrics as the queries need that lead from
// a pod to its workload.
func (s *Source) serveOwners(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	for _, o := range owners(s.Pods()) {
		fmt.Fprintf(w, "%s 1\n", o)
	}
}

// owners are the series of kube_pod_owner and kube_replicaset_owner.
func owners(ps []pods.Pod) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range ps {
		out = append(out, fmt.Sprintf(`kube_pod_owner{namespace=%q,pod=%q,owner_kind=%q,owner_name=%q,owner_is_controller="true"}`,
			p.Namespace, p.Name, p.OwnerKind, p.Owner))
	}
	for _, p := range ps {
		if k := key(p.Namespace, p.Owner); p.Deployment != "" && !seen[k] {
			seen[k] = true
			out = append(out, fmt.Sprintf(`kube_replicaset_owner{namespace=%q,replicaset=%q,owner_kind="Deployment",owner_name=%q,owner_is_controller="true"}`,
				p.Namespace, p.Owner, p.Deployment))
		}
	}
	return out
}

// serveHealth answers as the shop's own health page would: by one of the ready
// pods, in that pod's time, and with its chance of an error.
func (s *Source) serveHealth(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var able []Profile
	for _, v := range s.live {
		if v.pod.Ready && v.pod.HTTP && v.pod.Namespace == r.PathValue("namespace") && v.pod.App == r.PathValue("app") {
			able = append(able, v.profile)
		}
	}
	s.mu.Unlock()
	if len(able) == 0 {
		http.Error(w, "no pod is ready", http.StatusServiceUnavailable)
		return
	}
	p := able[rand.IntN(len(able))]
	select {
	case <-r.Context().Done():
		return
	case <-time.After(time.Duration(p.mean() * float64(time.Second))):
	}
	if rand.Float64() < p.Errors {
		http.Error(w, "error", http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "ok")
}
