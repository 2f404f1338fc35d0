//go:build e2e

package cli

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// recorder is a reverse proxy before the API server that keeps what passes.
type recorder struct {
	mu    sync.Mutex
	seen  []string         // "GET /api/v1/…"
	asked map[request]bool // what was answered, and whether all of it was forbidden
}

func (r *recorder) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.seen...)
}

// record starts the proxy and returns a kubeconfig that goes through it as the
// admin, who may do everything.
func record(t *testing.T) (kubeconfig string, r *recorder) {
	t.Helper()
	raw, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	x := raw.Contexts["testbed"]
	cluster := raw.Clusters[x.Cluster]
	target, err := url.Parse(cluster.Server)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cluster.CertificateAuthorityData)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	proxy.FlushInterval = -1
	r = &recorder{asked: map[request]bool{}}
	proxy.ModifyResponse = r.answered
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.seen = append(r.seen, req.Method+" "+req.URL.Path)
		r.mu.Unlock()
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	cluster.Server = srv.URL
	cluster.CertificateAuthorityData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	raw.CurrentContext = "testbed"
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*raw, kubeconfig); err != nil {
		t.Fatal(err)
	}
	return kubeconfig, r
}

// TestReadOnlyLetsNothingOut presses every key on every page, with Prometheus
// through the service proxy, and looks at what left the program.
func TestReadOnlyLetsNothingOut(t *testing.T) {
	t.Parallel()
	ns := broken(t, "errors")
	kubeconfig, seen := record(t)
	m := open(t, 80, 24, quick, "", "-n", ns, "--read-only", "--kubeconfig", kubeconfig, "--prometheus", env(t, "ROLLBOOK_PROMETHEUS_SERVICE"))
	m.sees(`read-only`, 10*time.Second)
	m.sees(`ROLL BACK NOW`, 3*time.Minute)
	every := strings.Split("a b d e f g h i j k l m n o p r s t u v w y z A J R / ? Space Tab Up Down Left Right Home End PageUp PageDown BTab BSpace DC IC F1 F2 F5 C-a C-d C-k C-l C-r C-u C-w 1 2 3 4 5 6 7", " ")
	for range 4 {
		for _, k := range every {
			m.keys(k)
			m.keys("Escape")
		}
		m.keys("Enter")
		time.Sleep(2 * time.Second)
		m.types("backend-python")
		m.keys("Enter")
		time.Sleep(time.Second)
	}
	onlyReads(t, seen)
	if image := kubectl(t, "-n", ns, "get", "deploy", "backend-python", "-o", "jsonpath={.spec.template.spec.containers[0].image}"); image != "shop/backend-python:1.43.0" {
		t.Errorf("the cluster runs %s", image)
	}
}

// onlyReads fails the test where a request was seen that could change something.
func onlyReads(t *testing.T, seen *recorder) {
	t.Helper()
	reviews := 0
	for _, r := range seen.list() {
		method, path, _ := strings.Cut(r, " ")
		switch {
		case method == "GET" || method == "HEAD":
			for _, sub := range []string{"/exec", "/attach", "/portforward"} {
				if strings.HasSuffix(path, sub) {
					t.Errorf("left: %s", r)
				}
			}
		case method == "POST" && strings.Contains(path, "/selfsubject"):
			reviews++
		default:
			t.Errorf("left: %s", r)
		}
	}
	if n := len(seen.list()); n < 20 || reviews == 0 {
		t.Errorf("only %d requests were seen, %d of them reviews: the recorder sees nothing", n, reviews)
	}
}
