//go:build e2e

package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/engine/porttest"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/metrics"
	"rollbook/model"
	reporting "rollbook/report"
)

// The evidence of a crash loop on a real API server: what the failing pods said is
// there, also after the undo has taken them away, and no Secret's data is.
func TestEvidenceOfACrashLoop(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	serves(t, ns)
	kubectl(t, "-n", ns, "create", "secret", "generic", "canary", "--from-literal=token=c4n4ry-s3cr3t-value")
	kubectl(t, "-n", ns, "set", "env", "deploy/backend-python", "--from=secret/canary")
	bed(t, "POST", "/release", "namespace", ns, "workload", "backend-python", "kind", "crash")
	flags := &kube.Flags{}
	flags.Kubeconfig, flags.CurrentContext, flags.Context.Namespace = env(t, "ROLLBOOK_CLUSTER"), "testbed", ns
	c, err := kube.Connect(flags, kube.Options{Version: "test", ReadOnly: true, Warn: func(string) {}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), porttest.Patience(2*time.Minute))
	defer cancel()
	boards := make(chan *model.Component, 1)
	go c.Watch(ctx, func(o model.Observation) {
		for _, k := range o.Board {
			if k.ID == "backend-python" {
				select {
				case <-boards:
				default:
				}
				boards <- k
			}
		}
	})
	until := func(what string, good func(*model.Component) bool) *model.Component {
		for {
			select {
			case k := <-boards:
				if good(k) {
					return k
				}
			case <-ctx.Done():
				t.Fatalf("never: %s", what)
			}
		}
	}
	crashing := func(k *model.Component) bool {
		return slices.ContainsFunc(k.Pods, func(p model.Pod) bool { return p.Failing && p.Restarts > 0 })
	}
	k := until("a pod that was restarted", crashing)
	onset := time.Now().Add(-time.Minute)
	p := &prometheus{}
	p.because("not looked for")
	m, err := metrics.New(metrics.Options{URL: env(t, "ROLLBOOK_PROMETHEUS_DIRECT"), Limits: model.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	p.found.Store(m)
	src := evidence{c: c, prom: p}
	dir := t.TempDir()
	collector := reporting.NewCollector(src.sources(), reporting.Bounds{}, time.Now)
	gather := func(at model.Moment, k *model.Component) model.Evidence {
		i := incident.Incident{ID: "INC-e2e", Onset: onset, Settings: incident.Settings{Limits: model.DefaultLimits()},
			Choices: []incident.Choice{{Slot: model.Release(k.ID), From: k.Running(), To: before(t, c, k)}}}
		if at == model.InFull { // as the engine does before it
			cost, err := cost{p}.Impact(ctx, model.ImpactOf{Targets: []model.Target{{ID: k.ID, Workload: k.Workload}}, From: onset, To: time.Now(),
				Limits: i.Settings.Limits, Objective: 0.999, Period: 30 * 24 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			i.Impact = incident.ImpactRecord{At: time.Now(), Impact: cost}
		}
		start := time.Now()
		e, err := collector.Gather(ctx, reporting.RequestOf(at, dir, &incident.Snapshot{Incident: i, Now: time.Now(), Seen: incident.Seen{Board: []*model.Component{k}}}))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s took %s: %d files, %d bytes, missing %q", at, time.Since(start).Round(time.Millisecond), e.Files, e.Bytes, e.Missing)
		return e
	}
	gather(model.AtOpening, k)
	best := time.Hour
	for range 3 { // other programs on the machine only make it longer
		start := time.Now()
		gather(model.AtConfirm, k)
		best = min(best, time.Since(start))
	}
	if best > porttest.Patience(1200*time.Millisecond) {
		t.Errorf("before the write it took %s", best)
	}
	gather(model.InFull, k)
	kubectl(t, "-n", ns, "rollout", "undo", "deploy/backend-python")
	for _, p := range k.Pods {
		if p.Failing {
			kubectl(t, "-n", ns, "wait", "--for=delete", "pod/"+p.Name, "--timeout=60s")
		}
	}
	e := gather(model.InFull, k) // asked for the pods that are gone by now
	if s := strings.Join(e.Missing, "\n"); !strings.Contains(s, "gone: pods ") {
		t.Errorf("does not say that the pods are gone: %s", s)
	}
	man, err := reporting.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range man.Files {
		names = append(names, f.Name)
	}
	for _, want := range []string{"-previous-", "events/backend-python-opened.txt", "objects/backend-python/deployment-backend-python.yaml",
		"objects/backend-python/replicaset-", "objects/backend-python/pod-", "objects/backend-python/secret-canary.yaml", "diff/backend-python-", "metrics/error-ratio.png", "metrics/up.csv", "impact.json", "configuration.json"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, want) }) {
			t.Errorf("lacks %s: %q", want, names)
		}
	}
	sums := exec.CommandContext(ctx, "sha256sum", "--quiet", "-c", reporting.SumsName)
	sums.Dir = filepath.Join(dir, reporting.Folder)
	if out, err := sums.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if b, err := os.ReadFile(path); err == nil && (strings.Contains(string(b), "c4n4ry-s3cr3t-value") || strings.Contains(string(b), "YzRuNHJ5LXMzY3IzdC12YWx1ZQ")) {
			t.Errorf("%s holds the Secret's data", path)
		}
		return nil
	})
	if keep := os.Getenv("KEEP_EVIDENCE"); keep != "" {
		if err := os.CopyFS(keep, os.DirFS(dir)); err != nil {
			t.Error(err)
		}
	}
}

// before is the revision before the running one.
func before(t *testing.T, c *kube.Client, k *model.Component) model.Version {
	t.Helper()
	h, err := kube.NewUndo(c).Versions(t.Context(), k, time.Now())
	if err != nil || len(h.Candidates) < 2 {
		t.Fatalf("%v: %+v", err, h)
	}
	return h.Candidates[1].Version
}
