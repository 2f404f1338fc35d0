package metrics

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	prom "github.com/prometheus/client_golang/api/prometheus/v1"

	"rollbook/text"
)

// counters are what others count requests by, of which rollbook has no preset:
// OpenTelemetry with its names of today and with Prometheus' older ones, gRPC, Spring,
// meshes and ingress controllers.
var counters = []string{
	"http_server_request_duration_seconds_count", "http_server_duration_milliseconds_count", "http.server.request.duration_count",
	"grpc_server_handled_total", "rpc_server_duration_milliseconds_count", "http_server_requests_seconds_count",
	"istio_requests_total", "response_total", "nginx_ingress_controller_requests", "traefik_service_requests_total", "envoy_cluster_upstream_rq",
}

// namespaceOf are the labels by which those say in which namespace a workload is: of its
// pods, and where something before it counts, of what it sends to.
var namespaceOf = []string{"namespace", "kubernetes_namespace", "k8s_namespace_name", "exported_namespace", "destination_workload_namespace"}

// otherCounters returns which of those have series of a namespace.
func (c *Client) otherCounters(ctx context.Context, namespace string) (found []string, err error) {
	names := make([]string, len(counters))
	for n, name := range counters {
		names[n] = strings.ReplaceAll(name, ".", `\.`)
	}
	var matches []string
	for _, label := range namespaceOf {
		matches = append(matches, "{"+matchers(fmt.Sprintf("__name__=~%q,%s=%q", strings.Join(names, "|"), label, namespace), c.opt.Match)+"}")
	}
	err = c.call(ctx, "", func(ctx context.Context) (warnings prom.Warnings, err error) {
		values, warnings, _, err := c.api.LabelValues(ctx, "__name__", matches, time.Time{}, time.Time{})
		for _, v := range values {
			if slices.Contains(counters, string(v)) {
				found = append(found, text.Line(string(v)))
			}
		}
		return warnings, err
	})
	slices.Sort(found)
	return found, err
}

// foundCounters says by what else the requests of the missing may be counted.
func (c *Client) foundCounters(ctx context.Context, l *Line, g *group) {
	for _, t := range g.targets {
		if !t.preset() || !g.newest[t.key].IsZero() {
			continue
		}
		if found, err := c.otherCounters(ctx, t.Workload.Namespace); err == nil && len(found) > 0 {
			l.Text += fmt.Sprintf("; namespace %s has %s: write queries of these into metrics (errors, p95, requests) of the component", t.Workload.Namespace, strings.Join(found, ", "))
		}
		return // the others of the group are asked for in the same namespace
	}
}
