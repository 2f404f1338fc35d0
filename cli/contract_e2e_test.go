//go:build e2e

package cli

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/engine/porttest"
	"rollbook/ways/migrate"
	"rollbook/ways/migrate/migratetest"
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
		b := p.onTestbed(t, cfg)
		b.Past = "production"
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

// onTestbed is a bed whose users and addresses are the testbed's.
func (p *ported) onTestbed(t *testing.T, cfg *rest.Config) *porttest.Bed {
	t.Helper()
	b := p.bed(t, cfg)
	b.Users = []string{"viewer", "nopods", "nobody"}
	b.Listen = func(t *testing.T) porttest.Via {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return porttest.Via{Listener: l, Server: "http://" + l.Addr().String()}
	}
	return b
}

// The contract of any method, of what takes migrations back: the real tools on a real
// PostgreSQL, by exec in pods of a real API server.
func TestSchemaContractOnTestbed(t *testing.T) {
	file := env(t, "ROLLBOOK_CLUSTER")
	cfg, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	for name, tool := range map[string]struct {
		conf     config.Migrations
		run      []string // Python's arguments
		up, down string   // what they are followed by, and that by the migration
		at       string   // the statement that tells it
		now      string
		to, then string
	}{
		"alembic": {config.Migrations{Tool: config.ToolAlembic}, []string{"-m", "alembic"}, "upgrade", "downgrade",
			"SELECT version_num FROM alembic_version", "c3d4e5f6a1b2", "b2c3d4e5f6a1", "a1b2c3d4e5f6"},
		"django": {config.Migrations{Tool: config.ToolDjango, Apps: []string{"shop"}}, []string{"manage.py"}, "migrate shop", "migrate shop",
			"SELECT name FROM django_migrations ORDER BY id DESC LIMIT 1", "0003_index_names", "0002_add_email", "0001_initial"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, dir := migratetest.Postgres(t), migratetest.Project(t, name)
			var databases atomic.Int32
			porttest.RunSchema(t, func(t *testing.T, f func(*testing.T, *porttest.Bed, *porttest.Schema)) {
				t.Parallel()
				database := fmt.Sprintf("contract%d", databases.Add(1))
				migratetest.SQL(t, at, "postgres", "CREATE DATABASE "+database)
				url := migratetest.URL(at, database)
				bring := func(how, key string) {
					t.Helper()
					migratetest.Run(t, dir, url, slices.Concat([]string{migratetest.Python}, tool.run, strings.Fields(how), []string{key})...)
				}
				bring(tool.up, tool.now)
				// All pods of the bed have this machine's processes: a command is told from those
				// of the other pods by an option that does nothing.
				conf := tool.conf
				conf.Command = append([]string{migratetest.Python, "-X", "database=" + database}, tool.run...)
				p := &ported{kubeconfig: file, context: "testbed", prometheus: env(t, "ROLLBOOK_PROMETHEUS"), migrations: &conf}
				b := p.onTestbed(t, cfg)
				all := b.Methods
				b.Methods = func(t *testing.T, ns string, as porttest.Login) []engine.Method {
					out := all(t, ns, as)
					for _, m := range out {
						if m, is := m.(*migrate.Migrate); is {
							m.First = time.Minute // a slow machine's Python
						}
					}
					return out
				}
				f(t, b, &porttest.Schema{To: tool.to, Far: tool.then,
					Annotations: map[string]string{"testbed/workdir": dir}, Env: map[string]string{"DATABASE_URL": url},
					At:  func() string { return migratetest.SQL(t, at, database, tool.at) },
					Set: func(key string) { bring(tool.down, key) },
					ReadOnly: func(t *testing.T, ns string, via porttest.Via) engine.Method {
						return migrations(p.connect(t, ns, porttest.Login{Via: &via}), p.config(), true)
					}})
			})
		})
	}
}
