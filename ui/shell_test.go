package ui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollbook/incident"
	"rollbook/model"
)

// withShell is a program at the migrations of backend-python, whose database is reached by
// a script.
func withShell(t *testing.T, script string, err error) *terminal {
	e := newScripted(t, with(chosen(), reversible))
	m := runAs(t, Options{Engine: e, Shell: func(_ context.Context, c *model.Component) (model.Shell, error) {
		return model.Shell{Args: []string{"sh", "-c", script}, Words: "kubectl exec -it db -- psql # " + c.ID}, err
	}}, e, 80, 24)
	m.Keys("s")
	m.Sees("by hand (p opens, y copies): kubectl --context prod-eu -n production exec", "c api -- psql")
	return m
}

// lent is what the engine shows when it is on disk that the terminal is given away.
func lent() *incident.Snapshot {
	s := with(chosen(), reversible)
	s.Incident.Shells = []incident.Shell{{N: 1, Component: "backend-python", By: "maria"}}
	s.Seen.Lent = 1
	return s
}

// psql gets the terminal when the journal has that it does, and not before; its end is
// told. One that fails says so before the screen covers it.
func TestPsqlGetsTheTerminal(t *testing.T) {
	for name, x := range map[string]struct {
		exit string
		want incident.LeaveShell
	}{"it ends": {"0", incident.LeaveShell{N: 1}}, "it fails": {"2", incident.LeaveShell{N: 1, Err: "it ended with 2"}}} {
		t.Run(name, func(t *testing.T) {
			was := filepath.Join(t.TempDir(), "was")
			bubble(t, func(t *testing.T) {
				m := withShell(t, "touch '"+was+"'; exit "+x.exit, nil)
				m.Keys("p")
				m.Sees("psql on the database of backend-python", "kubectl exec -it db -- psql # backend-python", "enter open it", "rollbook neither sees nor takes back")
				m.does("\r", incident.OpenShell{Component: "backend-python", Command: "kubectl exec -it db -- psql # backend-python"}, nil)
				if _, err := os.Stat(was); err == nil {
					t.Error("it was opened before the journal had it")
				}
				m.engine.expect(x.want, nil)
				m.engine.show(lent())
				left := func() bool {
					m.engine.mu.Lock()
					defer m.engine.mu.Unlock()
					return len(m.engine.want) == 0
				}
				for tries := 0; !left() && tries < 200; tries++ { // a child's input that is no file is read until it ends
					m.Keys("z") // which means nothing here
				}
				if _, err := os.Stat(was); err != nil || !left() {
					t.Errorf("%v; its end was told: %v", err, left())
				}
				m.Sees("▸3 Choose")
				m.leaves()
			})
		})
	}
}

// Nothing is opened by esc, by who may not, nor where it is not found; and what a key does
// not do it says.
func TestPsqlIsNotOpened(t *testing.T) {
	t.Run("esc", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			m := withShell(t, "exit 9", nil)
			m.Keys("p")
			m.Keys("z")
			m.Sees("enter open it")
			m.Keys("\x1b")
			m.Sees("by hand (p opens, y copies)")
			m.leaves()
		})
	})
	t.Run("not found", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			m := withShell(t, "exit 9", errors.New("no psql on the database of backend-python: you may not run commands in pods of production: forbidden"))
			m.Keys("p")
			m.Sees("psql was not opened", "you may not run commands in", "pods of production: forbidden")
			m.Keys("\x1b")
			m.leaves()
		})
	})
	readOnly := with(chosen(), reversible)
	readOnly.Incident.Settings.ReadOnly = true
	a, r := recorded(readOnly)
	a.shells.find = func(context.Context, *model.Component) (model.Shell, error) { return model.Shell{}, nil }
	for _, k := range []string{"s", "p"} {
		pressed(a, k)
	}
	if len(r.sent) > 0 || !strings.Contains(a.hint, "p psql: read-only: nothing that could change the database is begun; copy the command") {
		t.Errorf("sent %v, says %q", r.sent, a.hint)
	}
}

// y copies psql's command on its page, and the brief everywhere else; ctrl+y always the brief.
func TestPsqlIsCopied(t *testing.T) {
	for key, want := range map[string]string{"y": "Sent to the clipboard", "ctrl+y": ""} {
		a, _ := recorded(with(chosen(), reversible))
		pressed(a, "s")
		pressed(a, key)
		if brief := len(a.over) > 0 && a.over[len(a.over)-1].Title() == briefTitle; a.hint != want && !strings.HasPrefix(a.hint, want) || brief != (want == "") {
			t.Errorf("%s: says %q, brief %v", key, a.hint, brief)
		}
	}
	a, _ := recorded(with(chosen(), reversible))
	pressed(a, "y")
	if len(a.over) == 0 || a.over[0].Title() != briefTitle {
		t.Error("y copies no brief where no command is shown")
	}
}
