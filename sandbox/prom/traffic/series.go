package traffic

import (
	"math"
	"strconv"

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

// owners is the scrape of kube-state-metrics.
func (t *Traffic) owners(pods []Pod) prom.Scrape {
	old := t.owner
	t.owner = make(map[string]prom.Sample, len(old))
	out := prom.Scrape{Target: t.state, Took: took}
	add := func(name string, pairs ...string) {
		key := name
		for _, p := range pairs {
			key += "\x00" + p
		}
		if _, twice := t.owner[key]; twice {
			return
		}
		sample, known := old[key]
		if !known {
			sample = prom.Sample{Labels: t.state.Series(name, pairs...), Value: 1}
		}
		t.owner[key] = sample
		out.Samples = append(out.Samples, sample)
	}
	for _, p := range pods {
		add("kube_pod_owner", "namespace", p.Namespace, "pod", p.Name,
			"owner_kind", p.OwnerKind, "owner_name", p.Owner, "owner_is_controller", strconv.FormatBool(p.Owner != ""))
		if p.OwnerKind == "ReplicaSet" && p.Workload != p.Owner {
			add("kube_replicaset_owner", "namespace", p.Namespace, "replicaset", p.Owner,
				"owner_kind", "Deployment", "owner_name", p.Workload, "owner_is_controller", "true")
		}
	}
	return out
}
