package metrics

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// Where a component has no series of the preset, the doctor names what counts its
// requests: of its namespace alone, and only while it has none.
func TestDoctorNamesOtherCounters(t *testing.T) {
	onEach(t, func(t *testing.T, on tried) {
		h := historyUntil(on.until, 20*time.Minute, 15*time.Second)
		rises := func(since time.Duration) (float64, bool) { return 10 * since.Seconds(), true }
		h.shard("shop-7c9f5d8-2kq4x", 0)
		h.add("grpc_server_handled_total", map[string]string{"namespace": "prod", "pod": "cart-7c9f5d8-2kq4x"}, rises)
		h.add("istio_requests_total", map[string]string{"destination_workload_namespace": "prod"}, rises)
		h.add("traefik_service_requests_total", map[string]string{"namespace": "ingress"}, rises)
		c := on.start(t, h).client(t)
		for _, tt := range []struct {
			of   []model.Target
			want string
		}{
			{[]model.Target{deploy("shop")}, "1 of 1 components"},
			{[]model.Target{deploy("shop"), deploy("cart")}, "1 of 2 components, not cart; namespace prod has grpc_server_handled_total, istio_requests_total: write queries of these into metrics (errors, p95, requests) of the component"},
		} {
			for _, l := range c.Check(t.Context(), tt.of) {
				if l.Name == "newest samples" && l.Text != tt.want || strings.Contains(l.Text, "traefik") {
					t.Errorf("%s: %q, want %q", l.Name, l.Text, tt.want)
				}
			}
		}
	})
}
