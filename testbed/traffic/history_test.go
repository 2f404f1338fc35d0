package traffic

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/testbed/pods"
)

func TestHistoryGoesOnIntoTheLiveCounters(t *testing.T) {
	live := pods.Pod{Namespace: "production", Name: "api-2-x", UID: "u", App: "api", Container: "c", IP: "10.0.0.2", HTTP: true, OwnerKind: "ReplicaSet", Owner: "api-2", Deployment: "api"}
	old := live
	old.Name, old.UID, old.Owner = "api-1-y", "", "api-1"
	s := NewSource()
	path := filepath.Join(t.TempDir(), "history")
	spans := []Span{{old, t0, t0.Add(30 * time.Minute)}, {live, t0.Add(30 * time.Minute), t0.Add(time.Hour)}}
	if err := s.WriteHistory(path, spans, func(p pods.Pod) []string { return Owners(p, "rule") }); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if !strings.HasSuffix(text, "# EOF\n") {
		t.Error("no end mark")
	}
	series := `http_requests_total{app="api",container="c",instance="10.0.0.2:8080",job="api",namespace="production",pod="api-2-x",method="GET",status="200"} `
	last, n := -1.0, 0
	for _, l := range strings.Split(text, "\n") {
		rest, ok := strings.CutPrefix(l, series)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
		if err != nil || v < last {
			t.Fatalf("%q after %f: %v", l, last, err)
		}
		last, n = v, n+1
	}
	if n != 121 {
		t.Errorf("%d samples in half an hour, want one each 15 s", n)
	}
	s.Changed(live)
	if got := s.live["production/api-2-x"].counters.requests[0][0]; got < last || got > last+1 {
		t.Errorf("the live counter starts at %f, the history ends at %f", got, last)
	}
	for _, want := range []string{
		"# TYPE up gauge\n", `kube_replicaset_owner{namespace="production",replicaset="api-1"`,
		`rule{namespace="production",workload="api",pod="api-1-y",workload_type="deployment"} 1 `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Count(text, "# TYPE kube_pod_owner ") != 1 {
		t.Error("a family is in several pieces")
	}
}

// A pod counts while it is ready, and no longer.
func TestSourceCountsOnlyWhileReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSource()
		p := pods.Pod{Namespace: "n", Name: "p", UID: "1", HTTP: true}
		count := func() float64 {
			time.Sleep(period * time.Second)
			s.Changed(p)
			return s.live["n/p"].counters.count
		}
		s.Changed(p)
		if c := count(); c != 0 {
			t.Errorf("%f requests while not ready", c)
		}
		p.Ready = true
		s.Changed(p)
		if c := count(); math.Abs(c-Default.RPS*period) > 1 {
			t.Errorf("%f requests while ready, want %f", c, Default.RPS*period)
		}
		other := p
		other.UID = "2"
		s.Gone(other)
		if len(s.Pods()) != 1 {
			t.Error("a pod of the same name that is gone took this one along")
		}
		s.Gone(p)
		if len(s.Pods()) != 0 {
			t.Error("the pod stayed")
		}
	})
}
