package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/integrations/sendtest"
	"rollbook/kube"
	"rollbook/text"
)

// canary is a secret by the place that it is planted at. Nothing in it looks like
// one: it is found by what it stands for, or not at all.
func canary(place string) string { return "canary-of-the-" + place }

const canaryScenario = `name: canary
title: secrets everywhere
learn: None of them is kept.
end: {images: {backend-python: "shop/backend-python:1.41.0"}}
releases:
- {at: -7m, workload: backend-python, image: "shop/backend-python:1.42.0", cause: "deploy --token=%[1]s", env: {DB_PASSWORD: %[2]s, GREETING: %[3]s}}
images:
  shop/backend-python:1.42.0:
    crash:
      exit: 1
      after: 1500ms
      log:
      - "connect password=%[4]s"
      - "> Authorization: Bearer %[4]s"
      - "dial postgres://shop:%[4]s@postgresql.data:5432/shop"
      - "GET https://payments.example/charge?token=%[4]s&id=1"
      - "the chat of %[5]s is at %[6]s"
      - "the header was %[7]s"
      - "the last of them"
`

const canaryConfig = `components:
  - {name: backend-python, workload: deploy/backend-python}
  - {name: frontend, workload: deploy/frontend}
  - {name: backend-rust, workload: deploy/backend-rust}
verify: {hold: 30s}
not_production: [{context: sandbox}]
prometheus:
  url: https://sandbox.invalid:443/api/v1/namespaces/monitoring/services/prometheus:9090/proxy
  token_file: %[1]s/kube-token
  http_config:
    tls_config: {insecure_skip_verify: true}
    http_headers: {X-Shop-Token: {files: [%[1]s/header]}}
notifications:
  slack: {incidents: {url_env: CANARY_HOOK}}
  webhook: {chat: {url_env: CANARY_HOOK, token_env: CANARY_TOKEN}}
  gitlab: {follow-up: {project: shop/shop, url: %[2]s, token_file: %[1]s/gitlab}}
contacts:
  on_call: {who: Ada, how: "+49 30 1", pagerduty: {url: %[2]s, schedule_ids: [P1], token_env: CANARY_TOKEN}}
`

// nest is where the canaries are, and all that was said by the program.
type nest struct {
	dir, journals, hook string
	masked              map[string]bool // what is kept, by its file's name, and whether something was to be masked in it

	mu   sync.Mutex
	said []string // what left in messages, and the screens
}

func (n *nest) note(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, s)
}

// ServeHTTP is a service that fails, and repeats in its answer all that it got.
func (n *nest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	n.note(string(body))
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, "cannot %s %s: %v: %s", r.Method, r.URL, r.Header, body)
}

// open is the real start with a configuration, on a sandbox.
func (n *nest) open(ctx context.Context, s stage) error {
	r, err := newRoom(&s)
	if err != nil {
		return err
	}
	defer r.clear()
	if err := r.open(ctx, filepath.Join(n.dir, "canary.yaml")); err != nil {
		return err
	}
	if err := n.plant(ctx, r.kubeconfig(), s); err != nil {
		return err
	}
	if url, token := r.bed.GitLab(); url != "" {
		defer n.overhears(&s, url, token)()
	}
	f := &flags{kube: kube.Flags{Kubeconfig: r.kubeconfig()}, config: filepath.Join(n.dir, "rollbook.yaml"), journalDir: n.journals, stage: s}
	return walk(ctx, f, nil)
}

// plant puts into the cluster what a scenario cannot say, and the cluster's own
// token into an annotation and where Prometheus' is.
func (n *nest) plant(ctx context.Context, kubeconfig string, s stage) error {
	conf, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(n.dir, "kube-token"), []byte(conf.BearerToken), 0o600); err != nil {
		return err
	}
	conf.Dial = s.dial
	c, err := kubernetes.NewForConfig(conf)
	if err != nil {
		return err
	}
	secrets := c.CoreV1().Secrets("production")
	old, err := secrets.Get(ctx, "backend-python-db", metav1.GetOptions{})
	if err != nil {
		return err
	}
	old.Data = map[string][]byte{"DATABASE_URL": []byte(canary("secret"))}
	old.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: `{"stringData":{"DATABASE_URL":"` + canary("secret") + `"}}`}
	if _, err := secrets.Update(ctx, old, metav1.UpdateOptions{}); err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
		"example.com/deployed-with": conf.BearerToken + " and " + canary("token")}}})
	if err != nil {
		return err
	}
	_, err = c.AppsV1().Deployments("production").Patch(ctx, "backend-python", types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// A secret that is planted wherever one may be comes out nowhere.
func TestNoCanaryIsKept(t *testing.T) {
	n := &nest{dir: t.TempDir(), journals: t.TempDir(), masked: map[string]bool{"api-current-opened.log": true, "api-current-confirm.log": true, "journal.jsonl": true,
		"report.md": false, "deployment-backend-python.yaml": true, "secret-backend-python-db.yaml": false, "stderr": false}}
	srv, failed := sendtest.Server(t, n.ServeHTTP)
	n.hook = srv.URL + "/services/" + canary("hook") + "?sig=" + canary("query")
	t.Setenv("CANARY_HOOK", n.hook)
	t.Setenv("CANARY_TOKEN", canary("token"))
	scenario := fmt.Sprintf(canaryScenario, canary("cause"), canary("env"), canary("greeting"), canary("log"), canary("token"), n.hook, canary("header"))
	n.play(t, scenario, fmt.Sprintf(canaryConfig, n.dir, srv.URL), map[string]string{"header": canary("header"), "gitlab": canary("gitlab")}, n.walked)
	if failed() < 4 {
		t.Errorf("only %d requests were sent to be refused", failed())
	}
}

// play plays a scenario with a configuration, and looks for what came out.
func (n *nest) play(t *testing.T, scenario, conf string, more map[string]string, walked func(*played)) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(n.journals, "cache"))
	more["canary.yaml"], more["rollbook.yaml"] = scenario, conf
	for name, data := range more {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stderr := os.Stderr
	errs, err := os.Create(filepath.Join(n.journals, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = errs
	defer func() { os.Stderr = stderr }()
	perform(t, filepath.Join(n.dir, "canary.yaml"), 200, 50, n.open, walked)
	for _, format := range []string{"md", "json"} {
		out, more, err := runs(t, "report", "latest", "--journal-dir", n.journals, "--format", format)
		if err != nil {
			t.Error(err)
		}
		n.note(out + more)
	}
	n.search(t)
}

// walked goes to the end, and looks at all that there is to see.
func (n *nest) walked(m *played) {
	look := func(key string, words ...string) {
		m.t.Helper()
		m.Keys(key)
		m.Waits(20*time.Second, words...)
		n.note(m.Screen())
	}
	m.Waits(20*time.Second, "ROLL BACK WITHIN 10 MINUTES", "CrashLoopBackOff")
	for _, page := range [][]string{{"d", "backend-python"}, {"l", "the last of them"}, {"e", "BackOff"}, {"m", "deployed-with"}, {"c", "Ada"}} {
		look(page[0], page[1])
		m.Keys(esc)
	}
	look(enter, "▸2 Decide")
	look(enter, "▸3 Choose", "★ good")
	look("d", "DB_PASSWORD")
	m.Keys(esc)
	look(enter, "▸4 Confirm", "type y to roll back")
	m.Keys("y")
	look(enter, "▸5 Roll back")
	m.Waits(2*time.Minute, "Rolled out. Verify proves that it worked")
	look(enter, "▸6 Verify")
	m.Waits(5*time.Minute, "VERIFIED")
	look(enter, "▸7 Close", "items are open")
	look(" ", "10 items are open")  // nobody was paged
	look(" ", "9 items are open")   // how severe it was is not known
	look(enter, "8 items are open") // the report is written
	look("M", "slack/incidents")
	for _, channel := range []string{"gitlab/follow-up", "slack/incidents", "webhook/chat"} {
		look("y", "In the clipboard")
		look(enter, "Send to "+channel)
		look("s", "500 Internal Server Error")
		m.Keys(down)
	}
	m.Keys(esc)
	m.ticks()
}

// search looks for each canary in all that was said and kept.
func (n *nest) search(t *testing.T) {
	token, err := os.ReadFile(filepath.Join(n.dir, "kube-token"))
	if err != nil || len(token) == 0 {
		t.Fatalf("the cluster's token: %v", err)
	}
	find := func(where string, b []byte) {
		for _, secret := range [][]byte{token, []byte(canary(""))} {
			if at := bytes.Index(b, secret); at >= 0 {
				t.Errorf("%s holds a secret: …%s", where, b[max(0, at-80):min(len(b), at+60)])
			}
		}
	}
	for _, s := range n.said {
		find("what was said", []byte(s))
	}
	missing := maps.Clone(n.masked)
	err = filepath.WalkDir(n.journals, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		find(path, b)
		if !missing[d.Name()] || bytes.Contains(b, []byte(text.Mask)) {
			delete(missing, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, mask := range missing {
		t.Errorf("%s is not there, or nothing had to be masked in it (%t)", name, mask)
	}
}
