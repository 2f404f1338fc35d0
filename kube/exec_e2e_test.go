//go:build e2e

package kube

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// A command really runs, on this machine, as kubectl exec has it.
func TestExecInARealPod(t *testing.T) {
	ns := namespace(t)
	c := client(t, ns, Options{})
	kubectl(t, app("api:1"), "-n", ns, "apply", "-f", "-")
	kubectl(t, "", "-n", ns, "rollout", "status", "deploy/api", "--timeout=60s")
	w := model.Workload{Kind: model.Deployment, Namespace: ns, Name: "api"}
	pods, err := c.RunningPods(t.Context(), w)
	if err != nil || len(pods) == 0 || !pods[0].Ready || !strings.HasPrefix(pods[0].Name, pods[0].Owner+"-") {
		t.Fatalf("%+v: %v", pods, err)
	}
	pod, container := pods[0].Name, pods[0].Names[0]
	var got spoken
	code, err := c.Exec(t.Context(), ns, pod, container, []string{"sh", "-c", "echo one; echo two >&2; sleep 1; printf three; exit 5"}, got.line)
	if err != nil || code != 5 || !slices.Equal(got.out, []string{"one", "three"}) || !slices.Equal(got.errs, []string{"two"}) {
		t.Errorf("exit %d, %+v: %v", code, got, err)
	}
	out, err := tryKubectl(t, "", "-n", ns, "exec", pod, "-c", container, "--", "sh", "-c", "echo one; exit 5")
	if err == nil || !strings.Contains(out, "one") {
		t.Errorf("kubectl: %s %v", out, err)
	}
	got = spoken{}
	if code, err := c.Exec(t.Context(), ns, pod, container, []string{"seq", "20000"}, got.line); err != nil || code != 0 || len(got.out) != 20000 || got.out[19999] != "20000" {
		t.Errorf("exit %d, %d lines: %v", code, len(got.out), err)
	}
	if code, err := c.Exec(t.Context(), ns, pod, container, []string{"no-such-tool"}, got.line); code != 127 && !errors.Is(err, model.ErrRefused) {
		t.Errorf("without the tool: exit %d, %v", code, err)
	}
	if _, err := c.Exec(t.Context(), ns, "gone", container, []string{"true"}, got.line); !errors.Is(err, model.ErrRefused) {
		t.Errorf("without the pod: %v", err)
	}
	if ok, err := c.MayExec(t.Context(), ns, pod); !ok || err != nil {
		t.Errorf("may: %v %v", ok, err)
	}
	viewer := client(t, ns, Options{}, func(f *Flags) { f.CurrentContext = "viewer" })
	if ok, err := viewer.MayExec(t.Context(), ns, pod); ok || err != nil {
		t.Errorf("a viewer may: %v %v", ok, err)
	}
	if _, err := viewer.Exec(t.Context(), ns, pod, container, []string{"true"}, got.line); !errors.Is(err, model.ErrRefused) || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("as a viewer: %v", err)
	}
	begun := time.Now()
	quiet := spoken{}
	if code, err := c.Exec(t.Context(), ns, pod, container, []string{"sleep", "20"}, quiet.line); code != 0 || err != nil || time.Since(begun) < 19*time.Second {
		t.Errorf("one that says nothing for longer than a ping: exit %d after %s: %v", code, time.Since(begun), err)
	}
}
