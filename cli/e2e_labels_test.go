//go:build e2e

package cli

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollbook/engine/porttest"
)

// scraper is another Prometheus that scrapes the testbed's pods, with labels of its own:
// relabel is what its job has beside where the pods are. It returns its address.
func scraper(t *testing.T, relabel string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env(t, "ROLLBOOK_PROMETHEUS_DIRECT")+"/api/v1/status/config", nil)
	if err != nil {
		t.Fatal(err)
	}
	config := answer(t, req)
	found := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(config)
		if m == nil {
			t.Fatalf("no %s in the testbed's configuration: %s", pattern, config)
		}
		return m[1]
	}
	dir := t.TempDir()
	text := fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %[1]s}\nscrape_configs:\n- job_name: pods\n  honor_labels: true\n  http_sd_configs: [{url: %q, refresh_interval: 1s}]\n%s",
		found(`scrape_interval: (\d+m?s)`), found(`(http://[^\s"\\]+/targets)`), relabel)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(env(t, "ROLLBOOK_PROMTOOL")), "prometheus"),
		"--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+addr, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(porttest.Patience(30 * time.Second)); ; time.Sleep(100 * time.Millisecond) {
		if resp, err := http.Get("http://" + addr + "/-/ready"); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + addr
			}
		}
		if time.Now().After(deadline) {
			out, _ := os.ReadFile(log.Name())
			t.Fatalf("it is not ready: %s", out)
		}
	}
}

// renamed is a rule that gives a label another name.
func renamed(from, to string) string {
	return fmt.Sprintf("  - {source_labels: [%[1]s], regex: \"(.+)\", target_label: %s}\n  - {regex: %[1]s, action: labeldrop}\n", from, to)
}

// doctor is what the doctor of the built program says.
func doctor(t *testing.T, ns, config string, args ...string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"doctor", "--kubeconfig", env(t, "ROLLBOOK_CLUSTER"), "-n", ns}, args...)
	if config != "" {
		args = append(args, "--config", configured(t, config))
	}
	out, _ := exec.Command(path, args...).CombinedOutput() // its exit code tells of the worst line
	return strings.Join(strings.Fields(string(out)), " ")
}

// Requests whose outcome no label tells are no requests without errors: it is unknown on
// the board and to the verdict, and the doctor names the labels that are there.
func TestOutcomeUnderAnotherName(t *testing.T) {
	t.Parallel()
	for label, known := range map[string]bool{"status_code": true, "verdict": false} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			ns := broken(t, "errors")
			at := scraper(t, "  metric_relabel_configs:\n"+renamed("status", label))
			m := open(t, 80, 24, quick, "", "-n", ns, "--prometheus", at)
			if known {
				m.sees(`ROLL BACK NOW +errors over 5% for .* on backend-python`, 2*time.Minute)
				return
			}
			m.sees(`backend-python .*\?.*\dms`, 2*time.Minute) // how fast it is, is known
			m.sees(`UNKNOWN, YOUR CALL`, 10*time.Second)
			m.never(`backend-python .* 0% |nothing is over its limit|ROLL BACK`, 40*time.Second)
			want := "no label with a status such as 200 or 5xx (http_requests_total has"
			if told := doctor(t, ns, "", "--prometheus", at); !strings.Contains(told, want) || !regexp.MustCompile(`http_requests_total has [^)]*\bverdict\b`).MatchString(told) {
				t.Errorf("the doctor does not say %q:\n%s", want, told)
			}
		})
	}
}

// Another cluster's pods of the same names, behind one Prometheus, are not this one's:
// unknown until it is said which is meant, and then as well as they are.
func TestTwoClustersBehindOnePrometheus(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	serves(t, ns)
	theirs := broken(t, "errors")
	at := scraper(t, fmt.Sprintf(`  relabel_configs:
  - {source_labels: [namespace], regex: "%[1]s|%[2]s", action: keep}
  - {source_labels: [namespace], regex: %[1]q, target_label: cluster, replacement: a}
  - {source_labels: [namespace], regex: %[2]q, target_label: cluster, replacement: b}
  - {target_label: namespace, replacement: %[1]q}
`, ns, theirs))
	m := open(t, 80, 24, quick, "", "-n", ns, "--prometheus", at)
	m.sees(`several clusters`, 2*time.Minute)
	m.sees(`UNKNOWN, YOUR CALL`, 10*time.Second)
	m.never(`ROLL BACK|nothing is over its limit`, 40*time.Second)
	if told, want := doctor(t, ns, "", "--prometheus", at), `series of several clusters (cluster: "a", "b"): name this one in prometheus.match, such as cluster="a"`; !strings.Contains(told, want) {
		t.Errorf("the doctor does not say %q:\n%s", want, told)
	}
	for cluster, want := range map[string]string{"a": `backend-python +\d/\d ✓ .* 0(\.\d+)?% +\S* *\d+ms`, "b": `pods that Prometheus tells of are not|UNKNOWN, YOUR CALL`} {
		m := open(t, 80, 24, quick+"prometheus: {match: 'cluster=\""+cluster+"\"'}\n", "", "-n", ns, "--prometheus", at)
		m.sees(want, 2*time.Minute)
		m.never(`ROLL BACK`, 10*time.Second)
	}
}

// The labels that name a pod are found where they have usual names, and are named in the
// configuration where they have not; the doctor says which are there.
func TestPodsUnderOtherLabels(t *testing.T) {
	t.Parallel()
	ns := broken(t, "errors")
	found := scraper(t, "  relabel_configs:\n"+renamed("namespace", "kubernetes_namespace")+renamed("pod", "kubernetes_pod_name"))
	own := scraper(t, "  relabel_configs:\n"+renamed("namespace", "place")+renamed("pod", "who"))
	const over = `ROLL BACK NOW +errors over 5% for .* on backend-python`
	open(t, 80, 24, quick, "", "-n", ns, "--prometheus", found).sees(over, 2*time.Minute)
	m := open(t, 80, 24, quick, "", "-n", ns, "--prometheus", own)
	m.sees(`UNKNOWN, YOUR CALL`, time.Minute)
	m.never(`ROLL BACK|nothing is over its limit`, 10*time.Second)
	if told := doctor(t, ns, "", "--prometheus", own); !regexp.MustCompile(`no labels of http_requests_total that name the pod and its namespace \(it has [^)]*\bplace\b[^)]*\bwho\b[^)]*\): name them in prometheus\.labels`).MatchString(told) {
		t.Errorf("the doctor does not name the labels:\n%s", told)
	}
	open(t, 80, 24, quick+"prometheus: {labels: {namespace: place, pod: who}}\n", "", "-n", ns, "--prometheus", own).sees(over, 2*time.Minute)
}
