package traffic

import (
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"rollbook/sandbox/prom"
)

const port = "8080"

func (s *served) instance() string { return s.IP + ":" + port }

// newTarget is the pod as Prometheus' discovery of pods would find it.
func (s *served) newTarget() *prom.Target {
	url := "http://" + s.instance() + "/metrics"
	families := []prom.Family{{Name: "pg_up", Type: "gauge", Help: "Whether the database answers."}}
	if s.HTTP {
		families = []prom.Family{
			{Name: "http_requests_total", Type: "counter", Help: "Requests served, by method and status."},
			{Name: "http_request_duration_seconds", Type: "histogram", Help: "How long requests took."},
		}
	}
	return &prom.Target{
		Pool: "pods", URL: url, Families: families,
		Labels: map[string]string{
			"job": s.App, "instance": s.instance(),
			"namespace": s.Namespace, "pod": s.Name, "container": s.Container, "app": s.App,
		},
		Discovered: map[string]string{
			"__address__": s.instance(), "__scheme__": "http", "__metrics_path__": "/metrics", "job": "pods",
			"__meta_kubernetes_namespace":           s.Namespace,
			"__meta_kubernetes_pod_name":            s.Name,
			"__meta_kubernetes_pod_uid":             s.UID,
			"__meta_kubernetes_pod_ip":              s.IP,
			"__meta_kubernetes_pod_node_name":       s.Node,
			"__meta_kubernetes_pod_container_name":  s.Container,
			"__meta_kubernetes_pod_label_app":       s.App,
			"__meta_kubernetes_pod_controller_kind": s.OwnerKind,
			"__meta_kubernetes_pod_controller_name": s.Owner,
			// The port as a number stands in the container's spec.
			"__meta_kubernetes_pod_container_port_number": port,
		},
	}
}

// series are what the pod exports, in the order in which exported sets values.
func (s *served) series() []prom.Sample {
	var out []prom.Sample
	add := func(name string, pairs ...string) {
		out = append(out, prom.Sample{Labels: s.target.Series(name, pairs...)})
	}
	if !s.HTTP {
		add("pg_up")
		out[0].Value = 1
		return out
	}
	const duration = "http_request_duration_seconds"
	for _, m := range methods {
		for _, st := range statuses {
			add("http_requests_total", "method", m, "status", st)
		}
	}
	for _, b := range append(bounds[:], math.Inf(1)) {
		add(duration+"_bucket", "le", prom.Bound(b))
	}
	add(duration + "_count")
	add(duration + "_sum")
	return out
}

// stateTarget is as much of kube-state-metrics as the rules need that lead from
// a pod to its workload.
func stateTarget() *prom.Target {
	const address = "kube-state-metrics:" + port
	return &prom.Target{
		Pool: "kube-state-metrics", URL: "http://" + address + "/metrics",
		Labels:     map[string]string{"job": "kube-state-metrics", "instance": address},
		Discovered: map[string]string{"__address__": address, "__scheme__": "http", "__metrics_path__": "/metrics", "job": "kube-state-metrics"},
		Families: []prom.Family{
			{Name: "kube_pod_owner", Type: "gauge", Help: "Information about the Pod's owner."},
			{Name: "kube_replicaset_owner", Type: "gauge", Help: "Information about the ReplicaSet's owner."},
		},
	}
}

// ownership is who owns what, as one series of kube-state-metrics says it.
type ownership struct {
	metric, namespace, object string
	kind, owner, controller   string
}

// series is the set of labels that says so; of is the label of the object's name.
func (o *ownership) series(t *prom.Target, of string) labels.Labels {
	return t.Series(o.metric, "namespace", o.namespace, of, o.object, "owner_kind", o.kind, "owner_name", o.owner, "owner_is_controller", o.controller)
}

// owners is the scrape of kube-state-metrics.
func (t *Traffic) owners(pods []Pod) prom.Scrape {
	old := t.owner
	t.owner = make(map[ownership]prom.Sample, len(old))
	out := prom.Scrape{Target: t.state, Took: took}
	add := func(o ownership, of string) {
		if _, twice := t.owner[o]; twice {
			return
		}
		sample, known := old[o]
		if !known {
			sample = prom.Sample{Labels: o.series(t.state, of), Value: 1}
		}
		t.owner[o] = sample
		out.Samples = append(out.Samples, sample)
	}
	for i := range pods {
		p := &pods[i]
		add(ownership{"kube_pod_owner", p.Namespace, p.Name, p.OwnerKind, p.Owner, strconv.FormatBool(p.Owner != "")}, "pod")
		if p.OwnerKind == "ReplicaSet" && p.Workload != p.Owner {
			add(ownership{"kube_replicaset_owner", p.Namespace, p.Owner, "Deployment", p.Workload, "true"}, "replicaset")
		}
	}
	return out
}
