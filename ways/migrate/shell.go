package migrate

import (
	"context"
	"os/exec"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

// Psql says how somebody comes to a component's database by hand. The zero value is psql,
// of Django its dbshell, in a pod of the version that runs.
type Psql struct {
	Command   []string
	Namespace string // of Pod; "" = the component's
	Pod       string // "" = one of the version that runs
	Container string // "" = the target's, or of a Pod its first
	Here      bool   // the command is run on the operator's machine
}

// psql returns what is run.
func (t *Target) psql() []string {
	switch {
	case len(t.Psql.Command) > 0:
		return t.Psql.Command
	case t.Tool == Django:
		return t.command("dbshell")
	}
	return []string{"psql"}
}

// psqlPlace returns the container in which it is run; none on the operator's machine.
func (t *Target) psqlPlace(c *model.Component, all map[string]place) (place, error) {
	at := place{Namespace: c.Workload.Namespace, Pod: t.Psql.Pod, Container: t.Psql.Container}
	if t.Psql.Namespace != "" {
		at.Namespace = t.Psql.Namespace
	}
	if at.Pod != "" || t.Psql.Here {
		return at, nil
	}
	at, err := newest(all, c)
	if t.Psql.Container != "" {
		at.Container = t.Psql.Container
	}
	return at, err
}

// psqlWords returns the command as it is shown; "" where there is no pod for it.
func (m *Migrate) psqlWords(t *Target, c *model.Component, all map[string]place) string {
	at, err := t.psqlPlace(c, all)
	if err != nil {
		return ""
	}
	return text.Line(m.psqlCommand(t, at))
}

// psqlCommand returns the command for a shell.
func (m *Migrate) psqlCommand(t *Target, at place) string {
	if t.Psql.Here {
		return words(t.psql())
	}
	return m.kubectl(at, "-it", t.psql())
}

// Shell returns the command with which somebody comes to a component's database by hand.
// The error says why there is none now.
func (m *Migrate) Shell(ctx context.Context, c *model.Component) (model.Shell, error) {
	none := func(err error) (model.Shell, error) {
		return model.Shell{}, model.Told(nil, err, "no psql on the database of %s: %s", c.ID, err)
	}
	t, err := m.target(c.ID)
	if err != nil {
		return none(err)
	}
	if m.ReadOnly {
		return none(model.Told(model.ErrReadOnly, nil, "rollbook runs read-only: start again without --read-only, or copy the command"))
	}
	var all map[string]place
	if !t.Psql.Here && t.Psql.Pod == "" {
		if all, err = m.places(ctx, &t, c.Workload); err != nil {
			return none(err)
		}
	}
	at, err := t.psqlPlace(c, all)
	if err != nil {
		return none(err)
	}
	program := "kubectl"
	if t.Psql.Here {
		program = t.psql()[0]
	} else if may := m.mayExec(ctx, at.Namespace, at.Pod); may.State == model.CheckBlocked {
		return none(model.Told(model.ErrRefused, nil, "%s: %s", may.Text, may.Do))
	}
	if _, err := exec.LookPath(program); err != nil {
		return none(model.Told(model.ErrRefused, err, "%s is not on this machine: copy the command, and run it where it is", text.Line(program)))
	}
	line := m.psqlCommand(&t, at)
	return model.Shell{Args: []string{"sh", "-c", line}, Words: text.Line(line)}, nil
}

// words returns a command for a shell.
func words(args []string) string {
	var out []string
	for _, a := range args {
		out = append(out, model.ShellWord(a))
	}
	return strings.Join(out, " ")
}
