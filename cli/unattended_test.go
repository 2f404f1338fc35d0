package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
	"rollbook/sandbox"
)

// lines is what a command prints, which is read while it runs.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// alone plays a drill without a person in the sandbox, to its end or until it is stopped
// once it says some words, and returns what it printed, its files and its error.
func alone(t *testing.T, fault, stopAt string) (out string, suite, report []byte, err error) {
	t.Helper()
	t.Parallel()
	said, files := &lines{}, t.TempDir()
	junit, doc := filepath.Join(files, "drill.xml"), filepath.Join(files, "drill.json")
	raise(t, 80, 24, func(ctx context.Context, s stage) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go func() {
			for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
				if stopAt != "" && strings.Contains(said.String(), stopAt) {
					stop()
				}
			}
		}()
		return (&rehearsal{flags: &flags{stage: s}, fault: fault, sandbox: true, alone: unattended{on: true, giveUp: 20 * time.Minute, junit: junit, json: doc}}).run(ctx, said, nil)
	}, func(m *played, tmp string, pipe *sandbox.Pipe) {
		m.scenario, m.left = &sandbox.Scenario{}, true
		synctest.Wait()
		m.connects(tmp, pipe)
		before := m.untilThere()
		for !strings.Contains(said.String(), "drill, done: put backend-python back") && len(m.ended) == 0 {
			time.Sleep(50 * time.Millisecond)
		}
		if strings.Contains(said.String(), "drill, done: put") {
			if after := m.asReleased(); after != before {
				t.Errorf("it is not what it was:\n%s\nbefore\n%s", after, before)
			}
		}
		err = <-m.ended
	})
	suite, _ = os.ReadFile(junit)
	report, _ = os.ReadFile(doc)
	return said.String(), suite, report, err
}

// untilThere returns what was released, once the sandbox's world is built.
func (m *played) untilThere() string {
	m.t.Helper()
	time.Sleep(10 * time.Second)
	return m.asReleased()
}

// A drill without a person, by each fault: broken, alerted, rolled back, verified, put back
// and closed, with the outcome as exit code, JUnit suite and report.
func TestScenarioUnattended(t *testing.T) {
	for _, fault := range model.Faults() {
		if fault == model.FaultPatch {
			continue // it needs a file of one's own
		}
		t.Run(fault, func(t *testing.T) {
			out, suite, doc, err := alone(t, fault, "")
			for _, want := range []string{"drill, done: break backend-python on purpose", "drill, done: put backend-python back", "incident closed", "to recover from its detection"} {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			var code exitCode
			if missed := strings.Contains(out, "\nMissed: "); missed != errors.As(err, &code) || missed && code != exitMissed || err != nil && !missed {
				t.Errorf("ended with %v", err)
			}
			read := struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
				Cases    []struct {
					Name string `xml:"name,attr"`
				} `xml:"testcase"`
			}{}
			if err := xml.Unmarshal(suite, &read); err != nil || read.Tests != 6 || len(read.Cases) != 6 || (read.Failures > 0) != strings.Contains(out, "\nMissed: ") {
				t.Errorf("%v %+v\n%s", err, read, suite)
			}
			var d struct{ Drill struct{ Component string } }
			if err := json.Unmarshal(doc, &d); err != nil || d.Drill.Component != "backend-python" {
				t.Errorf("%v: %.200s", err, doc)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// What cannot be broken is told at once, and nothing is.
func TestScenarioUnattendedCannotBreak(t *testing.T) {
	out, suite, _, err := alone(t, model.FaultPatch, "")
	if err == nil || !strings.Contains(err.Error(), "no drill was held: it cannot be broken: ") || strings.Contains(out, "written: backend-python") || !strings.Contains(out, "incident closed") {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(suite), "it cannot be broken") {
		t.Errorf("the suite: %s", suite)
	}
}

// Stopped from outside at any time, a drill puts back what it broke, closes and says that it
// has shown nothing.
func TestScenarioUnattendedStopped(t *testing.T) {
	for name, words := range map[string]string{"while it breaks": "confirmed: Break", "before the alert": "drill, done: break", "after the rollback": "rolled out: backend-python"} {
		t.Run(name, func(t *testing.T) {
			out, suite, _, err := alone(t, "", words)
			var code exitCode
			if !errors.As(err, &code) || code != exitMissed {
				t.Errorf("ended with %v", err)
			}
			for _, want := range []string{"given up: it was stopped from outside", "drill, done: put backend-python back", "incident closed", "\nMissed: "} {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if !strings.Contains(string(suite), "it was stopped from outside") {
				t.Errorf("the suite: %s", suite)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}
