//go:build e2e

package cli

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollbook/engine/journal"
	"rollbook/engine/porttest"
	"rollbook/incident"
)

// quickHold is the hold of quick: the shortest that may be configured.
const quickHold = 30 * time.Second

// span is some time of the test's.
type span struct{ from, to time.Time }

// holdBed is an incident at Verify, and what was done to it there.
type holdBed struct {
	t       *testing.T
	m       *terminal
	ns      string
	args    []string
	api     *porttest.Line // on the way to the API server
	figures *porttest.Line // and to Prometheus
	away    []span         // in which nobody could watch
	down    []span         // in which no pod was ready
}

// toVerify has a crash loop rolled back: the old pods serve all the time, so that
// there is nothing to wait for but the hold.
func toVerify(t *testing.T) *holdBed {
	t.Helper()
	h := &holdBed{t: t, ns: shop(t), api: porttest.NewLine(t, apiServer(t)), figures: porttest.NewLine(t, hostIn(t, env(t, "ROLLBOOK_PROMETHEUS_DIRECT")))}
	h.args = []string{"-n", h.ns, "--server", "https://" + h.api.Addr, "--prometheus", "http://" + h.figures.Addr}
	h.m = open(t, 80, 24, quick, "", h.args...)
	h.m.sees(`backend-python +3/3 ✓ .*\dms `, time.Minute)
	bed(t, "POST", "/release", "namespace", h.ns, "workload", "backend-python", "kind", "crash")
	h.m.sees(`ROLL BACK WITHIN 10 MINUTES`, 2*time.Minute)
	h.m.toConfirm()
	h.m.confirm("backend-python")
	h.m.sees(`✓ rolled out after`, time.Minute)
	h.m.keys("Enter")
	h.m.sees(`▸6 Verify`, 5*time.Second)
	return h
}

// apiServer is the testbed's, as host:port.
func apiServer(t *testing.T) string {
	t.Helper()
	return hostIn(t, kubectl(t, "config", "view", "-o", `jsonpath={.clusters[?(@.name=="testbed")].cluster.server}`))
}

func hostIn(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// incident is what the journal tells so far.
func (h *holdBed) incident() (incident.Incident, []incident.Fact) {
	h.t.Helper()
	paths, err := filepath.Glob(filepath.Join(h.m.dir, "*", "journal.jsonl"))
	if err != nil || len(paths) != 1 {
		h.t.Fatalf("%q, %v", paths, err)
	}
	c, err := journal.Read(paths[0])
	if err != nil {
		h.t.Fatal(err)
	}
	return incident.Fold(c.Facts), c.Facts
}

// holds waits until a hold has begun after a time and gone on for a while.
func (h *holdBed) holds(after time.Time, long time.Duration) time.Time {
	h.t.Helper()
	for deadline := time.Now().Add(porttest.Patience(time.Minute)); ; time.Sleep(100 * time.Millisecond) {
		i, _ := h.incident()
		if !i.Verified.IsZero() {
			h.t.Fatalf("verified at %s", i.Verified)
		}
		if began := i.Hold.Began; began.After(after) && time.Since(began) >= long {
			return began
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("no hold since %s: %+v", after, i.Hold)
		}
	}
}

// pods are the component's.
func (h *holdBed) pods() []string {
	return strings.Fields(kubectl(h.t, "-n", h.ns, "get", "pods", "-l", "app=backend-python", "-o", "jsonpath={.items[*].metadata.name}"))
}

// annotate tells the testbed how the pods behave from now on.
func (h *holdBed) annotate(how string) {
	h.t.Helper()
	kubectl(h.t, slices.Concat([]string{"-n", h.ns, "annotate", "pod"}, h.pods(), []string{how})...)
}

func (h *holdBed) readyUntil(n string) {
	h.t.Helper()
	for deadline := time.Now().Add(porttest.Patience(time.Minute)); ; time.Sleep(100 * time.Millisecond) {
		got := kubectl(h.t, "-n", h.ns, "get", "deploy", "backend-python", "-o", "jsonpath={.status.readyReplicas}")
		if got == n {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%s pods are ready, want %s", got, n)
		}
	}
}

// downs are ways in which all pods go down, and come back.
var downs = []struct {
	name     string
	down, up func(h *holdBed)
}{
	// The pods stay, and nothing in them restarts.
	{"not ready", func(h *holdBed) {
		h.annotate("testbed/behaviour=never-ready")
		for _, p := range h.pods() {
			now := time.Now().UTC().Format(time.RFC3339)
			status, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []map[string]string{
				{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": now},
				{"type": "ContainersReady", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": now}}}})
			if err != nil {
				h.t.Fatal(err)
			}
			kubectl(h.t, "-n", h.ns, "patch", "pod", p, "--subresource=status", "-p", string(status))
		}
	}, func(h *holdBed) { h.annotate("testbed/behaviour-") }},
	{"scaled to 0", func(h *holdBed) {
		kubectl(h.t, "-n", h.ns, "scale", "deploy/backend-python", "--replicas=0")
	}, func(h *holdBed) {
		kubectl(h.t, "-n", h.ns, "scale", "deploy/backend-python", "--replicas=3")
	}},
}

// aways are the reasons for which nobody watches.
var aways = []struct {
	name            string
	leave, comeBack func(h *holdBed, n int)
}{
	{"network", func(h *holdBed, n int) {
		porttest.Outages[n%3].Cut(h.t, h.api)
		porttest.Outages[n%3].Cut(h.t, h.figures)
	}, func(h *holdBed, n int) {
		porttest.Outages[n%3].End(h.t, h.api)
		porttest.Outages[n%3].End(h.t, h.figures)
	}},
	{"stopped", func(h *holdBed, _ int) { h.signal(syscall.SIGSTOP) }, func(h *holdBed, _ int) { h.signal(syscall.SIGCONT) }},
	{"killed", func(h *holdBed, _ int) { h.m.kill() }, func(h *holdBed, _ int) { h.m = open(h.t, 80, 24, quick, h.m.dir, h.args...) }},
}

func (h *holdBed) signal(s syscall.Signal) {
	h.t.Helper()
	if err := syscall.Kill(h.m.pid(), s); err != nil {
		h.t.Fatal(err)
	}
}

// since is when the last pods came back and somebody watched again.
func (h *holdBed) since() (at time.Time) {
	for _, s := range slices.Concat(h.away, h.down) {
		if s.to.After(at) {
			at = s.to
		}
	}
	return at
}

// try takes the pods down while nobody watches, for as long as the hold has to go on,
// and lets them come back before somebody watches again, or after that.
func (h *holdBed) try(n int, leave, comeBack func(*holdBed, int)) {
	h.t.Helper()
	how, late := downs[n%2], n/2%2 == 1
	began := h.holds(h.since(), 3*time.Second)
	away := span{from: time.Now()}
	leave(h, n)
	down := span{from: time.Now()}
	how.down(h)
	h.readyUntil("")
	up := func() {
		down.to = time.Now()
		how.up(h)
		h.readyUntil("3")
	}
	time.Sleep(time.Until(began.Add(quickHold - 5*time.Second)))
	if !late {
		up()
	}
	time.Sleep(time.Until(began.Add(quickHold + time.Second)))
	away.to = time.Now()
	comeBack(h, n)
	h.m.sees(`▸6 Verify`, 15*time.Second)
	if late {
		h.m.never(`VERIFIED`, 3*time.Second)
		up()
	}
	h.away, h.down = append(h.away, away), append(h.down, down)
	h.holds(h.since(), 0)
	i, _ := h.incident()
	if !slices.ContainsFunc(i.Timeline, func(e incident.Entry) bool {
		return e.At.After(away.from) && (strings.Contains(e.Text, "not watched for") || strings.Contains(e.Text, "hold reset"))
	}) {
		h.t.Errorf("it is not told: %+v", i.Timeline)
	}
}

// verified waits for the end of the hold, and looks at what it is made of.
func (h *holdBed) verified() {
	h.t.Helper()
	h.m.sees(`VERIFIED: green for`, 2*time.Minute)
	_, facts := h.incident()
	var began time.Time
	ends := 0
	for _, f := range facts {
		switch b := f.Body.(type) {
		case incident.HoldBegan:
			began = f.At
		case incident.HoldBroke, incident.Unwatched, incident.Unverified:
			began = time.Time{}
		case incident.WasVerified:
			ends++
			if began.IsZero() || f.At.Sub(began) < quickHold-10*time.Millisecond {
				h.t.Errorf("verified at %s, held since %s", f.At, began)
			}
			for _, s := range slices.Concat(h.away, h.down) {
				if s.from.Before(f.At) && s.to.After(began) {
					h.t.Errorf("verified at %s, held since %s, with %s to %s in it", f.At, began, s.from, s.to)
				}
			}
			for _, s := range h.down { // the cluster tells when a pod was ready again by the second
				if s.from.Before(f.At) && b.Recovered.Before(s.to.Truncate(time.Second)) {
					h.t.Errorf("recovered at %s, and no pod was ready until %s", b.Recovered, s.to)
				}
			}
		}
	}
	if ends != 1 {
		h.t.Errorf("verified %d times", ends)
	}
}

// In the hold all pods go down while the network is away, rollbook is stopped or
// killed: what nobody watched is not held, whether they have come back by then or not.
func TestHoldIsWatchedTime(t *testing.T) {
	t.Parallel()
	for k, away := range aways {
		t.Run(away.name, func(t *testing.T) {
			t.Parallel()
			h := toVerify(t)
			for n := range tries() {
				h.try(n+k, away.leave, away.comeBack)
				if t.Failed() {
					t.Fatalf("at try %d", n)
				}
				t.Logf("try %d: held again %s after it", n, time.Since(h.since()).Round(100*time.Millisecond))
			}
			h.verified()
		})
	}
}
