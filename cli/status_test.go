package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/sandbox"
	"rollbook/status"
	"rollbook/ui"
)

// onSandbox calls f with the flags of a command on a scenario of the sandbox, in a
// bubble.
func onSandbox(t *testing.T, scenario string, f func(t *testing.T, on *flags)) {
	t.Helper()
	s, err := sandbox.Load(scenario)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Chdir(t.TempDir())
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(night))
		t.Cleanup(func() { time.Sleep(time.Minute) }) // timers of connections
		pipe := sandbox.NewPipe()
		bed, err := sandbox.Start(t.Context(), sandbox.Options{Scenario: s, Listener: pipe, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(bed.Close)
		kubeconfig, err := bed.Kubeconfig()
		if err != nil {
			t.Fatal(err)
		}
		on := &flags{journalDir: filepath.Join(dir, "journals"), stage: stage{dial: pipe.Dial, screen: ui.Options{Output: &bytes.Buffer{}}}}
		on.kube.Kubeconfig, on.kube.Timeout = filepath.Join(dir, "kubeconfig"), "0"
		if err := os.WriteFile(on.kube.Kubeconfig, kubeconfig, 0o600); err != nil {
			t.Fatal(err)
		}
		f(t, on)
	})
}

func standing(t *testing.T, on *flags, args ...string) status.Data {
	t.Helper()
	d, err := stands(t.Context(), on, args, statusWait)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What is printed of an incident under way, in both forms, whole. The JSON is what
// scripts rest on: a field that goes or means something else raises status.Format.
func TestGoldenStatus(t *testing.T) {
	onSandbox(t, "errors", func(t *testing.T, on *flags) {
		d := standing(t, on)
		for name, write := range map[string]func(*bytes.Buffer) error{
			"errors.txt":  func(b *bytes.Buffer) error { return d.Text(b) },
			"errors.json": func(b *bytes.Buffer) error { return d.JSON(b) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(b.String(), filepath.Dir(on.kube.Kubeconfig), "/home/maria/.kube")
			path := filepath.Join(home, "testdata", "status", name)
			if os.Getenv("UPDATE_GOLDEN") == "1" {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs; UPDATE_GOLDEN=1 writes it\n%s", path, got)
			}
		}
	})
}

// home is the folder of this package: tests change the working folder.
var home, _ = os.Getwd()

// Each scenario has the code that its verdict has, and no sign stands in the text.
func TestStatusCodes(t *testing.T) {
	for scenario, want := range map[string]status.State{
		"crash-loop": status.Within, "no-metrics": status.Unknown,
	} {
		t.Run(scenario, func(t *testing.T) {
			onSandbox(t, scenario, func(t *testing.T, on *flags) {
				d := standing(t, on)
				if d.Verdict.State != want || d.Verdict.Code != status.Codes[want] {
					t.Errorf("%+v, want %s", d.Verdict, want)
				}
				var b bytes.Buffer
				if err := d.Text(&b); err != nil || strings.ContainsAny(b.String(), "●✓✗⚠★○▸·▁█⣀…") {
					t.Errorf("%v\n%s", err, b.String())
				}
			})
		})
	}
}

// One component that is asked about is told with its history, also while it is well.
func TestStatusOfOneComponent(t *testing.T) {
	onSandbox(t, "errors", func(t *testing.T, on *flags) {
		d := standing(t, on, "deployment/frontend")
		if d.Verdict.State != status.Nothing || len(d.Components) != 1 || len(d.Histories) != 1 || len(d.Histories[0].Versions) != 4 {
			t.Errorf("%+v", d)
		}
	})
}

// What cannot be reached is unknown, and said.
func TestStatusOfWhatIsNotReached(t *testing.T) {
	onSandbox(t, "errors", func(t *testing.T, on *flags) {
		on.stage.dial = func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
		began := time.Now()
		d, err := stands(t.Context(), on, nil, 5*time.Second)
		if err != nil || d.Verdict.State != status.Unknown || len(d.Unread) == 0 || !strings.HasPrefix(d.Unread[0], "the cluster: ") {
			t.Errorf("%v %+v", err, d)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// An incident that an earlier run left open is told, one that another rollbook works on
// too, and neither is touched.
func TestStatusTouchesNoJournal(t *testing.T) {
	onSandbox(t, "errors", func(t *testing.T, on *flags) {
		work, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		e := opened(t, on)
		go func() { ended <- e.Run(work) }()
		reached(t, e, func(s *incident.Snapshot) bool {
			return incident.Assess.Blocked(s) == "" && len(s.Incident.Triggers) > 0
		})
		e.Send(incident.Next{})
		s := reached(t, e, func(s *incident.Snapshot) bool { return s.Seen.Journal != "" })
		id := s.Incident.ID

		d := standing(t, on)
		if d.Incident == nil || d.Incident.ID != id || !d.Incident.LookedOn || d.Verdict.State != status.Now {
			t.Errorf("while it is worked on: %+v %+v", d.Incident, d.Verdict)
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		before := contents(t, on.journalDir)
		d = standing(t, on)
		if d.Incident == nil || d.Incident.ID != id || d.Incident.LookedOn || d.Verdict.State != status.Now || len(d.Histories) == 0 || len(d.Preflights) == 0 {
			t.Errorf("after it was left: %+v %+v", d.Incident, d.Verdict)
		}
		if after := contents(t, on.journalDir); !maps.Equal(before, after) {
			t.Errorf("the journals are not as they were: %v, %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
		}
	})
}

// opened is an engine that keeps a journal.
func opened(t *testing.T, on *flags) *engine.Engine {
	t.Helper()
	cfg, err := loadConfig(on)
	if err != nil {
		t.Fatal(err)
	}
	c, err := kube.Connect(&on.kube, kube.Options{Now: time.Now, Dial: on.stage.dial})
	if err != nil {
		t.Fatal(err)
	}
	set, err := settings(cfg, c, on, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := *on
	p.prometheus = sandbox.PrometheusService
	prom, err := newPrometheus(&p, cfg, c, set.Limits)
	if err != nil {
		t.Fatal(err)
	}
	return engine.New(engine.Config{Cluster: c, Methods: methods(c, cfg, false, nil), Metrics: prom, Settings: set, Journals: []string{on.journalDir}, IdlePoll: cfg.Limits.PollIdle})
}

func reached(t *testing.T, e *engine.Engine, is func(*incident.Snapshot) bool) *incident.Snapshot {
	t.Helper()
	for range 600 {
		if s := e.Snapshot(); is(s) {
			return s
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("not reached")
	return nil
}

// contents are the files below a folder with what is in them.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The form of the JSON is told by its number.
func TestStatusFormat(t *testing.T) {
	var b bytes.Buffer
	if err := (status.Data{Format: status.Format}).JSON(&b); err != nil {
		t.Fatal(err)
	}
	var d struct{ Format int }
	if err := json.Unmarshal(b.Bytes(), &d); err != nil || d.Format != 1 {
		t.Errorf("%v %d", err, d.Format)
	}
	for _, args := range [][]string{{"status", "--format", "xml"}, {"status", "frontend"}, {"status", "a/b", "c/d"}} {
		if _, _, err := runs(t, args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
