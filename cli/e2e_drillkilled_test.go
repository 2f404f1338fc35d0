//go:build e2e

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"rollbook/engine"
	"rollbook/engine/journal"
	"rollbook/engine/rescuetest"
	"rollbook/incident"
)

// The kill loop of a drill, on the testbed and on a sandbox in a process of its own: killed
// anywhere, it goes on where it was, writes nothing twice, and leaves the workload field by
// field as it was.

func rehearses(e *engine.Engine, name string) func() bool {
	o := &rescuetest.Rehearser{Operator: rescuetest.Operator{Engine: e, Component: name}}
	return func() bool {
		s := e.Snapshot()
		return o.Act() && !s.Incident.ReportStale() && s.Seen.Reporting.IsZero()
	}
}

func TestDrillKilledOnTheTestbed(t *testing.T) {
	t.Parallel()
	conf, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	conf.CurrentContext = "testbed"
	bed := newKillBed(t, conf, emptyNamespace(t), max(8, tries()), 4*time.Second)
	killing(t, bed, rehearsed(bed))
}

func TestDrillKilledOnTheSandbox(t *testing.T) {
	t.Parallel()
	scenario := filepath.Join(t.TempDir(), "kill.yaml")
	if err := os.WriteFile(scenario, []byte(killScenario), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, _ := asCommand(t, "sandbox", "--serve", "--scenario", scenario)
	vars, rest := sandboxServed(t, cmd)
	defer func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, rest)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the sandbox ended with %v", err)
		}
	}()
	conf, err := clientcmd.LoadFromFile(vars["KUBECONFIG"])
	if err != nil {
		t.Fatal(err)
	}
	bed := newKillBed(t, conf, "production", max(50, tries()), 2500*time.Millisecond)
	killing(t, bed, rehearsed(bed))
}

// drillWrites is what a drill writes to a component: the fault with its mark, the undo, and
// the mark taken off.
func drillWrites(name string) []string {
	load := "PATCH deployments/" + name
	return []string{load, load, load}
}

// rehearsed is a drill from its beginning to the closed incident.
func rehearsed(bed *killBed) killStory {
	return killStory{who: drilledName, writes: len(drillWrites("")), begins: func(t *testing.T, b *between, name string) (string, func(*journal.Content)) {
		t.Helper()
		bed.releases(t, name)
		before := bed.asSet(t, name)
		patch := filepath.Join(t.TempDir(), "drill.yaml")
		if err := os.WriteFile(patch, []byte("spec: {template: {spec: {containers: [{name: api, image: \"api:2\"}]}}}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		config := fmt.Sprintf("components:\n  - name: %[1]s\n    workload: deploy/%[1]s\n    checks: {up: false}\n"+
			"not_production:\n  - {context: %[2]q, server: \"http://127.0.0.1*\", namespace: %[3]q}\ndrill: {fault: patch, patch: %[4]q}\n",
			name, bed.conf.CurrentContext, bed.namespace, patch)
		return config, func(c *journal.Content) {
			i := incident.Fold(c.Facts)
			if after := bed.asSet(t, name); after != before {
				t.Errorf("%s is not what it was:\n%s\nbefore\n%s", name, after, before)
			}
			if !slices.Equal(b.wrote, drillWrites(name)) {
				t.Errorf("%s: not each written once: %q, want %q", name, b.wrote, drillWrites(name))
			}
			if owed := i.Owed(); len(owed) > 0 || i.Closed.IsZero() || i.ReportStale() || i.Rehearsed() == nil || i.Rehearsed().PutBack.IsZero() {
				t.Errorf("%s: owed %+v, closed %s, report %+v, rehearsed %+v", name, owed, i.Closed, i.Report, i.Rehearsed())
			}
			if md, err := os.ReadFile(i.Report.Path); err != nil || !strings.Contains(string(md), "# Drill "+i.ID) {
				t.Errorf("%s: no report of a drill: %v", name, err)
			}
		}
	}}
}

// asSet returns all that a person or a manifest has set of a Deployment.
func (b *killBed) asSet(t *testing.T, name string) string {
	t.Helper()
	d := b.get(t, name)
	for k := range d.Annotations {
		if strings.HasPrefix(k, "deployment.kubernetes.io/") {
			delete(d.Annotations, k)
		}
	}
	raw, err := json.Marshal([]any{d.UID, d.Labels, d.Annotations, d.Spec})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
