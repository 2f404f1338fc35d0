//go:build e2e

package kube

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/engine/porttest"
	"rollbook/model"
)

// These tests run against a real API server: ROLLBOOK_CLUSTER is the path of a
// kubeconfig whose user may do all, ROLLBOOK_KUBECTL the kubectl to compare
// with. Each makes its own namespaces and deletes them.

func kubeconfig(t testing.TB) string {
	t.Helper()
	path := os.Getenv("ROLLBOOK_CLUSTER")
	if path == "" {
		t.Fatal("ROLLBOOK_CLUSTER is not set: make e2e starts a cluster and sets it")
	}
	return path
}

// client connects to the testbed; with changes flags before.
func client(t testing.TB, ns string, opt Options, with ...func(*Flags)) *Client {
	t.Helper()
	flags := &Flags{Kubeconfig: kubeconfig(t)}
	flags.Context.Namespace = ns
	for _, f := range with {
		f(flags)
	}
	opt.Now = time.Now
	c, err := Connect(flags, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryKubectl(t testing.TB, stdin string, args ...string) (string, error) {
	t.Helper()
	bin := os.Getenv("ROLLBOOK_KUBECTL")
	if bin == "" {
		bin = "kubectl"
	}
	cmd := exec.Command(bin, append([]string{"--kubeconfig", kubeconfig(t)}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String() + errs.String(), fmt.Errorf("kubectl %s: %w: %s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String(), nil
}

func kubectl(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	out, err := tryKubectl(t, stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func namespace(t testing.TB) string {
	t.Helper()
	b := make([]byte, 4)
	rand.Read(b)
	ns := "e2e-kube-" + hex.EncodeToString(b)
	kubectl(t, "", "create", "namespace", ns)
	t.Cleanup(func() { tryKubectl(t, "", "delete", "namespace", ns, "--wait=false") })
	return ns
}

// app is the Deployment that most tests use, as kubectl apply takes it.
func app(image string, extra ...string) string {
	return `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api","annotations":{` + annotationsOf(extra) + `}},
 "spec":{"replicas":2,"selector":{"matchLabels":{"app":"api"}},"template":{"metadata":{"labels":{"app":"api"}},
 "spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"api","image":"` + image + `","env":[{"name":"TOKEN","value":"of-` + image + `"}]}]}}}}`
}

func annotationsOf(extra []string) string {
	var out []string
	for i := 0; i+1 < len(extra); i += 2 {
		out = append(out, fmt.Sprintf("%q:%q", extra[i], extra[i+1]))
	}
	return strings.Join(out, ",")
}

// eventually waits until ok; within is for a machine that has nothing else to do.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	within = porttest.Patience(within)
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %s: %s", within, what)
}

// taken waits until the controller has taken up the Deployment's template: its
// ReplicaSet is there and both say the same revision.
func taken(t testing.TB, c *Client, ns string) (d *object, sets []*object) {
	t.Helper()
	eventually(t, 20*time.Second, "the controller takes up "+ns+"/api", func() bool {
		var err error
		if d, sets, err = c.read(context.Background(), model.Workload{Kind: model.Deployment, Namespace: ns, Name: "api"}); err != nil {
			return false
		}
		rs := runningOf(d, sets)
		if d.paused() {
			return true
		}
		return rs != nil && rs.Metadata.Annotations[annRevision] == d.Metadata.Annotations[annRevision] && bytes.Contains(d.Status, fmt.Appendf(nil, `"observedGeneration":%d`, d.Metadata.Generation))
	})
	return d, sets
}

func workloadIn(ns string) *model.Component {
	return &model.Component{ID: "api", Workload: model.Workload{Kind: model.Deployment, Namespace: ns, Name: "api"}}
}

// numbered is the revision of a number; zero, kubectl's default, for 0, and one that
// is not there for a number that nobody bears.
func numbered(t testing.TB, c *Client, comp *model.Component, n int64) model.Version {
	t.Helper()
	if n == 0 {
		return model.Version{}
	}
	h, err := NewUndo(c).Versions(context.Background(), comp, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range h.Candidates {
		if r.Short == strconv.FormatInt(n, 10) {
			return r.Version
		}
	}
	return model.Revision(comp.Workload.Name+"-gone", n)
}

// preflight runs it to its end.
func preflight(t testing.TB, c *Client, ns string, to int64) model.Preflight {
	t.Helper()
	var last model.Preflight
	NewUndo(c).Plan(context.Background(), workloadIn(ns), numbered(t, c, workloadIn(ns), to), func(p model.Preflight) { last = p })
	if !last.Done {
		t.Fatal("the preflight did not end")
	}
	return last
}

func line(t testing.TB, p model.Preflight, id string) model.Check {
	t.Helper()
	for _, ch := range p.Checks {
		if ch.ID == id {
			return ch
		}
	}
	t.Fatalf("no line %q in %+v", id, p.Checks)
	return model.Check{}
}
