//go:build e2e

package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/rest"

	"rollbook/engine/journal"
	"rollbook/engine/porttest"
	"rollbook/incident"
	"rollbook/model"
)

// The kill loop with the real ports: an API server, evidence, report, webhooks.
// What the process asks for passes through the test, which can kill it right
// before and right after a write, and counts.

// between is what stands between the process and the world.
type between struct {
	t     *testing.T
	proxy *httputil.ReverseProxy

	mu    sync.Mutex
	wrote []string       // what the API server took: "PATCH deployments/api"
	sent  map[string]int // messages that arrived, by path and kind
	trap  string
	kill  func()
	cuts  []cut // at which the connection is cut, in their order
	cutIt func()
}

// cut is a point at which a connection is cut, when so many writes are done.
type cut struct {
	at    string
	wrote int
}

func newBetween(t *testing.T, conf *rest.Config) (*between, string) {
	t.Helper()
	rt, err := rest.TransportFor(conf)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(conf.Host)
	if err != nil {
		t.Fatal(err)
	}
	b := &between{t: t, proxy: &httputil.ReverseProxy{FlushInterval: -1, Transport: rt, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}}
	b.proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	return b, srv.URL
}

// at kills the process when this is the point where it is to be killed.
func (b *between) at(point string) bool {
	b.mu.Lock()
	due, kill := b.trap == point, b.kill
	if due {
		b.trap = ""
	}
	if len(b.cuts) > 0 && b.cuts[0].at == point && len(b.wrote) >= b.cuts[0].wrote {
		due, kill, b.cuts = true, b.cutIt, b.cuts[1:]
	}
	b.mu.Unlock()
	if due {
		kill()
	}
	return due
}

func (b *between) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/chat/"):
		b.message(w, r)
	case changes(r):
		if b.at("write") {
			return // it never left
		}
		what := writeOf(r)
		rec := httptest.NewRecorder()
		// What has left is written, also when the process is killed meanwhile.
		b.proxy.ServeHTTP(rec, r.WithContext(context.WithoutCancel(r.Context())))
		if rec.Code < 300 {
			b.mu.Lock()
			b.wrote = append(b.wrote, what)
			b.mu.Unlock()
		}
		if b.at("written") {
			return // the answer was lost
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = io.Copy(w, rec.Body)
	default:
		b.proxy.ServeHTTP(w, r)
	}
}

// writeOf names what a request writes, and the number of replicas that it sets.
func writeOf(r *http.Request) string {
	what := r.Method + " " + path.Join(path.Base(path.Dir(r.URL.Path)), path.Base(r.URL.Path))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return what // killed while it sent
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var ops []struct {
		Op, Path string
		Value    any
	}
	_ = json.Unmarshal(body, &ops) // an apply has none
	for _, o := range ops {
		if o.Op != "test" && o.Path == "/spec/replicas" {
			what += fmt.Sprintf(" replicas=%v", o.Value)
		}
	}
	return what
}

// changes reports whether a request changes what an incident is about.
func changes(r *http.Request) bool {
	if r.Method == http.MethodGet || r.URL.Query().Get("dryRun") != "" {
		return false
	}
	for _, beside := range []string{"/leases", "/events", "/selfsubject"} {
		if strings.Contains(r.URL.Path, beside) {
			return false
		}
	}
	return true
}

func (b *between) message(w http.ResponseWriter, r *http.Request) {
	var m struct{ Kind string }
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed while it sent
	}
	if err := json.Unmarshal(body, &m); err != nil {
		b.t.Error(err)
	}
	if b.at("message") {
		return
	}
	b.mu.Lock()
	b.sent[strings.TrimPrefix(r.URL.Path, "/chat/")+" "+m.Kind]++
	b.mu.Unlock()
	b.at("messaged")
	w.WriteHeader(http.StatusOK)
}

// ahead is a point that the incident has yet to reach, in which so much is written and
// sent.
func (b *between) ahead(n, writes, messages int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.wrote) < writes:
		return []string{"write", "written"}[n]
	case len(b.sent) < messages:
		return []string{"message", "messaged"}[n]
	}
	return ""
}

func (b *between) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrote, b.sent = nil, map[string]int{}
}

// run runs the process until it ends or is killed.
func (b *between) run(vars []string, after time.Duration, trap string) (ended bool, acked int) {
	b.t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), vars...), &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	var once sync.Once
	byUs := false
	kill := func() { once.Do(func() { byUs = true; _ = cmd.Process.Kill() }) }
	b.mu.Lock()
	b.trap, b.kill = trap, kill
	b.mu.Unlock()
	if trap != "" || after == 0 {
		after = porttest.Patience(time.Minute)
	}
	timer := time.AfterFunc(after, kill)
	in := bufio.NewScanner(out)
	for in.Scan() {
		if n, err := strconv.Atoi(in.Text()); err == nil {
			acked = n
		}
	}
	err = cmd.Wait()
	timer.Stop()
	once.Do(func() {})
	if err != nil && !byUs {
		b.t.Fatalf("the process failed: %v\n%s", err, errs.String())
	}
	return err == nil, acked
}

// killStory is what is worked on in a kill loop, for each of its incidents.
type killStory struct {
	who              string // works on it: one of otherPrograms
	writes, messages int    // in all
	// begins makes what is broken, and returns how that is configured and how it is checked
	// at the end.
	begins func(t *testing.T, b *between, name string) (yaml string, complete func(*journal.Content))
	// first is where each incident is killed the first time; "" = anywhere, as later.
	first string
}

// undone is a rollback from its beginning to the closed incident.
func undone(bed *killBed) killStory {
	return killStory{who: killedName, writes: 1, messages: 2, begins: func(t *testing.T, b *between, name string) (string, func(*journal.Content)) {
		t.Helper()
		bed.breaks(t, name)
		return fmt.Sprintf("components:\n  - name: %s\n    workload: deploy/%s\n    checks: {up: false}\n"+
				"notifications:\n  webhook:\n    one: {url_env: KILL_HOOK_ONE}\n    two: {url_env: KILL_HOOK_TWO}\n", name, name),
			func(c *journal.Content) { b.complete(c, bed.get(t, name)) }
	}}
}

// killing works on incidents, one after the other, and kills and starts again
// whoever works on them, until there were enough kills.
func killing(t *testing.T, bed *killBed, story killStory) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("ROLLBOOK_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("ROLLBOOK_SEED=%d", seed)
	pick := rand.New(rand.NewPCG(seed, 3))
	b, server := newBetween(t, bed.rest(t))
	kubeconfig := bed.through(t, server)
	points := map[string]int{}
	incidents := 0
	for kills := 0; kills < bed.kills; incidents++ {
		name := fmt.Sprint("api-", incidents)
		yaml, complete := story.begins(t, b, name)
		dir, config := t.TempDir(), filepath.Join(t.TempDir(), "rollbook.yaml")
		if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		vars := []string{story.who + "=" + name, killedConfig + "=" + config, killedKube + "=" + kubeconfig, killedDir + "=" + dir,
			"KILL_HOOK_ONE=" + server + "/chat/one", "KILL_HOOK_TWO=" + server + "/chat/two"}
		b.reset()
		first := story.first
		for sure := 0; ; {
			after, trap := 50*time.Millisecond+time.Duration(pick.Int64N(int64(bed.within))), ""
			if pick.IntN(2) == 0 {
				trap = b.ahead(pick.IntN(2), story.writes, story.messages)
			}
			if first != "" {
				trap, first = first, ""
			} else if kills >= bed.kills {
				after, trap = 0, ""
			}
			ended, acked := b.run(vars, after, trap)
			sure = max(sure, acked)
			found, errs := journalsIn(dir)
			if len(errs) > 0 && sure > 0 || len(found) > 1 || sure > 0 && len(found[0].Facts) < sure {
				t.Fatalf("seed %d: %d facts were on disk; there are %d journals, %v", seed, sure, len(found), errs)
			}
			if ended {
				complete(found[0])
				break
			}
			kills++
			step := "before it began"
			if len(found) == 1 {
				step = stepOf(incident.Fold(found[0].Facts))
			}
			points[step]++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d kills in %d incidents, at %v", bed.kills, incidents, points)
}

// stepOf names where an incident is: in a recovery and in a drill, at its next step.
func stepOf(i incident.Incident) string {
	for n := range i.Procedures {
		if p := &i.Procedures[n]; p.Open() > 0 && p.Next() != nil {
			return p.Next().ID
		}
	}
	return i.Step.Name()
}

// complete checks an incident that was worked on to its end.
func (b *between) complete(c *journal.Content, d *appsv1.Deployment) {
	t, name := b.t, d.Name
	t.Helper()
	i := incident.Fold(c.Facts)
	if image := d.Spec.Template.Spec.Containers[0].Image; len(b.wrote) != 1 || image != "api:1" || d.Generation != 3 {
		t.Errorf("%s: written %v, runs %s at generation %d", name, b.wrote, image, d.Generation)
	}
	for what, n := range b.sent {
		if n > 1 {
			t.Errorf("%s: %s arrived %d times", name, what, n)
		}
	}
	for _, m := range i.Messages {
		_, hook, _ := strings.Cut(m.Message.Channel, "/")
		if arrived := b.sent[hook+" "+string(m.Message.Kind)]; m.State == incident.MessageOut && arrived != 1 {
			t.Errorf("%s: %s is sent in the journal, and arrived %d times", name, m.Message.Channel, arrived)
		}
	}
	md, err := os.ReadFile(i.Report.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Incident " + i.ID, "incident closed", "verified", "Rolled back " + name + " to ", "(revision 2) | ", "(revision 1) | "} {
		if !strings.Contains(string(md), want) {
			t.Errorf("%s: the report does not tell %q", name, want)
		}
	}
	if i.ReportStale() || i.Closed.IsZero() || i.Evidence[model.InFull].At.IsZero() {
		t.Errorf("%s: closed %s, report %+v, evidence %+v", name, i.Closed, i.Report, i.Evidence[model.InFull])
	}
}
