package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/engine/porttest"
	"rollbook/kube"
	"rollbook/sandbox"
	"rollbook/sandbox/api"
	"rollbook/sandbox/schema"
)

// The contract of the ports on the sandbox, each test in a sandbox and a bubble
// of its own: minutes of it take no time.
func TestContract(t *testing.T) {
	porttest.Run(t, func(t *testing.T, f func(*testing.T, *porttest.Bed)) {
		t.Parallel()
		inSandbox(t, nil, func(t *testing.T, b *porttest.Bed, _ *ported) { f(t, b) })
	})
}

// inSandbox opens a sandbox in a bubble, whose pods have the commands of exec.
func inSandbox(t *testing.T, exec api.Exec, f func(*testing.T, *porttest.Bed, *ported)) {
	t.Helper()
	scenario, err := sandbox.Load("testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Minute) }) // timers of connections
		pipe := sandbox.NewPipe()
		s, err := sandbox.Start(t.Context(), sandbox.Options{Scenario: scenario, Listener: pipe, Seed: 1, Exec: exec, Warn: func(text string) { t.Error(text) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		kubeconfig, err := s.Kubeconfig()
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Dial = pipe.Dial
		file := filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
			t.Fatal(err)
		}
		p := &ported{kubeconfig: file, context: sandbox.Context, prometheus: sandbox.PrometheusService, dial: pipe.Dial}
		b := p.bed(t, cfg)
		b.Past = "production"
		b.Shop = func(*testing.T) string { return "production" }
		b.Listen = func(*testing.T) porttest.Via {
			other := sandbox.NewPipe()
			return porttest.Via{Listener: other, Server: "http://other.invalid", Dial: other.Dial}
		}
		b.Release = func(t *testing.T, ns string, how porttest.How) {
			t.Helper()
			body := `{"metadata":{"annotations":{"kubernetes.io/change-cause":"deploy ` + string(how) + `"}},
					"spec":{"template":{"spec":{"containers":[{"name":"api","image":"shop/backend-python:` + string(how) + `"}]}}}}`
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch,
				b.Server+"/apis/apps/v1/namespaces/"+ns+"/deployments/backend-python?fieldManager=gitlab-ci", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/strategic-merge-patch+json")
			resp, err := (&http.Client{Transport: b.Transport}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
		}
		f(t, b, p)
	})
}

// toolIn runs Alembic in each pod, for one schema. The code of contract/api:1 does not know
// what came with contract/api:2.
type toolIn struct{ *schema.Schema }

func (x toolIn) Exec(ctx context.Context, q api.ExecQuery, say func(bool, string)) (int, error) {
	switch q.Args[0] {
	case "alembic":
		return x.Alembic(ctx, len(x.All), q.Args[1:], say), nil
	case "sh": // which processes there are
		say(false, "api")
		return 0, nil
	}
	return 0, fmt.Errorf("exec: %q: executable file not found in $PATH", q.Args[0])
}

// The contract of any method, of what takes migrations back: by exec over the API.
func TestSchemaContract(t *testing.T) {
	porttest.RunSchema(t, func(t *testing.T, f func(*testing.T, *porttest.Bed, *porttest.Schema)) {
		t.Parallel()
		s := schema.New(schema.Migration{Key: "a1", Title: "users", SQL: []string{"DROP TABLE users;"}}, schema.Migration{Key: "b2", Title: "email", SQL: []string{"ALTER TABLE users DROP COLUMN email;"}},
			schema.Migration{Key: "c3", Title: "index", SQL: []string{"DROP INDEX users_name;"}})
		inSandbox(t, toolIn{s}, func(t *testing.T, b *porttest.Bed, p *ported) {
			p.migrations = &config.Migrations{Tool: config.ToolAlembic}
			f(t, b, &porttest.Schema{At: s.At, Set: s.Set, To: "b2", Far: "a1", ReadOnly: func(t *testing.T, ns string, via porttest.Via) engine.Method {
				return migrations(p.connect(t, ns, porttest.Login{Via: &via}), p.config(), true)
			}})
		})
	})
}

// undoer is the cluster with its undo.
type undoer struct {
	*kube.Client
	kube.Undo
}

// ported wires the ports as the program does.
type ported struct {
	kubeconfig, context, prometheus string
	dial                            func(ctx context.Context, network, address string) (net.Conn, error)
	migrations                      *config.Migrations // of api
}

func (p *ported) config() *config.Config {
	cfg := config.Defaults()
	if p.migrations != nil {
		cfg.Components = []config.Component{{Name: "api", Workload: config.Workload{Kind: "Deployment", Name: "api"}, Migrations: p.migrations}}
	}
	return cfg
}

func (p *ported) bed(t *testing.T, cfg *rest.Config) *porttest.Bed {
	t.Helper()
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &porttest.Bed{
		Server: strings.TrimSuffix(cfg.Host, "/"), Transport: transport,
		Connect: func(t *testing.T, ns string, via *porttest.Via) porttest.Client {
			c := p.connect(t, ns, porttest.Login{Via: via})
			return undoer{c, kube.NewUndo(c)}
		},
		Methods: func(t *testing.T, ns string, as porttest.Login) []engine.Method {
			cfg := p.config()
			if as.Repository != "" {
				cfg.Components = []config.Component{{Name: "api", Redeploy: &config.Redeploy{Repository: as.Repository, Manifests: "manifests", Manager: "deployer"}}}
			}
			cfg.Recovery.Maintenance = as.Page
			cfg.NotProduction = []config.Place{{Context: "*" + p.context + "*", Server: "http*", Namespace: ns}}
			if as.User != "" {
				cfg.NotProduction[0].Context = as.User
			}
			return methods(p.connect(t, ns, as), cfg, as.ReadOnly, nil)
		},
		Metrics: func(t *testing.T) engine.Metrics {
			t.Helper()
			defaults := config.Defaults()
			c := p.connect(t, "default", porttest.Login{})
			set, err := settings(defaults, c, &flags{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			m, err := newPrometheus(&flags{prometheus: p.prometheus}, defaults, c, set.Limits)
			if err != nil {
				t.Fatal(err)
			}
			return m
		},
	}
}

func (p *ported) connect(t *testing.T, ns string, as porttest.Login) *kube.Client {
	t.Helper()
	f := &kube.Flags{Kubeconfig: p.kubeconfig}
	f.CurrentContext, f.Context.Namespace = p.context, ns
	dial := p.dial
	if as.Via != nil {
		f.ClusterInfo.Server, dial = as.Via.Server, as.Via.Dial
	}
	if as.User != "" {
		f.CurrentContext = as.User
	}
	c, err := kube.Connect(f, kube.Options{Version: "contract", Now: time.Now, Dial: dial, ReadOnly: as.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.HTTPClient().CloseIdleConnections)
	return c
}
