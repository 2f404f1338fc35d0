//go:build e2e

package cli

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"rollbook/engine/porttest"
)

// The contract of the ports on a real API server and a real Prometheus. Where
// the sandbox differs from these, the sandbox is wrong.
func TestContractOnTestbed(t *testing.T) {
	file := env(t, "ROLLBOOK_CLUSTER")
	cfg, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	p := &ported{kubeconfig: file, context: "testbed", prometheus: env(t, "ROLLBOOK_PROMETHEUS")}
	porttest.Run(t, func(t *testing.T, f func(*testing.T, *porttest.Bed)) {
		t.Parallel()
		b := p.bed(t, cfg)
		b.Past = "production"
		b.Users = []string{"viewer", "nopods", "nobody"}
		b.Listen = func(t *testing.T) porttest.Via {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			return porttest.Via{Listener: l, Server: "http://" + l.Addr().String()}
		}
		b.Shop = func(t *testing.T) string {
			t.Helper()
			id := make([]byte, 4)
			_, _ = rand.Read(id)
			ns := "contract-shop-" + hex.EncodeToString(id)
			bed(t, http.MethodPost, "/shop", "namespace", ns)
			t.Cleanup(func() {
				req, err := http.NewRequest(http.MethodDelete, env(t, "ROLLBOOK_TESTBED")+"/shop?namespace="+ns, nil)
				if err != nil {
					t.Fatal(err)
				}
				c := http.Client{Timeout: 30 * time.Second}
				if resp, err := c.Do(req); err == nil {
					resp.Body.Close()
				}
			})
			return ns
		}
		b.Release = func(t *testing.T, ns string, how porttest.How) {
			t.Helper()
			bed(t, http.MethodPost, "/release", "workload", "backend-python", "kind", string(how), "namespace", ns)
		}
		f(t, b)
	})
}
