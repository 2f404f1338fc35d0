package ui

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// shells keeps which terminals on databases the screen has asked for, and given away.
type shells struct {
	find func(ctx context.Context, c *model.Component) (model.Shell, error)
	next *model.Shell // that was asked for, and waits for its turn
	lent int          // number of the last one that got the terminal
}

// lendTo runs a command by a shell of ours, which says where one is, and after a failure
// waits until its words were read: the screen covers them.
const lendTo = `exec 2>&1
trap : INT
printf 'rollbook: %s\nrollbook: what is done here is not known to rollbook; \\q or ctrl+d goes back\n\n' "$1"
shift
"$@"
code=$?
if [ $code != 0 ] && [ -t 0 ]; then
	printf '\nrollbook: it ended with %s; enter goes back ' $code
	read -r line
fi
exit $code`

// shellKey opens psql on the database of the component in focus.
func (s *scope) shellKey() Key {
	k := Key{Keys: []string{"p"}, Name: "psql", Acts: true, Hide: s.snap.SchemaWay(s.focus) == nil,
		Help: "psql on the component's database, with the terminal; the screen comes back after it, and the journal keeps that it was opened",
		Disabled: func(snap *incident.Snapshot) string {
			switch {
			case s.row() == nil:
				return "no component is seen yet"
			case s.shells.find == nil:
				return "the sandbox's database has no psql: y copies what it would be"
			}
			return incident.ShellBlocked(snap, s.row().c.ID)
		}}
	k.do = func() tea.Cmd {
		c, find, parent := s.row().c, s.shells.find, s.ctx
		s.hint = "looking for the way to the database of " + c.ID
		return func() tea.Msg {
			ctx, cancel := context.WithTimeout(parent, loadTime)
			defer cancel()
			found, err := find(ctx, c)
			return shellFoundMsg{c.ID, found, err}
		}
	}
	return k
}

// copyKey copies the command for psql.
func (c *choose) copyKey() Key {
	return Key{Keys: []string{"y"}, Name: "copy psql", Help: "copy the command for psql to the terminal's clipboard (OSC 52)",
		Disabled: func(*incident.Snapshot) string {
			if h := c.history(); h == nil || h.Psql == "" {
				return "there is no command for psql: no pod runs that has the newest code, and rollbook.yaml names none"
			}
			return ""
		},
		do: func() tea.Cmd {
			c.hint = "Sent to the clipboard, if the terminal allows it (in tmux: set-clipboard on)."
			return tea.SetClipboard(c.history().Psql)
		}}
}

// shellFoundMsg is the command that was looked for.
type shellFoundMsg struct {
	component string
	shell     model.Shell
	err       error
}

// deliver asks whether it is to be opened.
func (m shellFoundMsg) deliver(a *App) tea.Cmd {
	a.hint = ""
	if m.err != nil {
		box := &hintBox{pager{base: base{&a.scope}, title: "psql was not opened"}}
		box.lines = func(w int) []string { return a.pen.indent(m.err.Error(), w, " ") }
		return a.open(box)
	}
	return a.ask(dialog{title: "psql on the database of " + m.component, yes: "open it", quiet: true,
		text: []string{m.shell.Words, "", "What you do there rollbook neither sees nor takes back. The journal keeps that you opened it, and when. After it the schema is asked again."},
		act: func(int, string) tea.Cmd {
			a.shells.next = &m.shell
			return a.send(incident.OpenShell{Component: m.component, Command: m.shell.Words})
		}})
}

// lendShell gives the terminal away, when the journal has that it does.
func (a *App) lendShell() tea.Cmd {
	n := a.snap.Seen.Lent
	if n == a.shells.lent || a.shells.next == nil {
		return nil
	}
	x := a.shells.next
	a.shells.lent, a.shells.next = n, nil
	cmd := exec.Command("sh", append([]string{"-c", lendTo, "sh", x.Words}, x.Args...)...) //nolint:noctx // for as long as the operator works there
	return tea.ExecProcess(cmd, a.opt.lend(func(err error) tea.Msg { return shellLeftMsg{n, err} }))
}

// shellLeftMsg says that the terminal is back.
type shellLeftMsg struct {
	n   int
	err error
}

func (m shellLeftMsg) deliver(a *App) tea.Cmd {
	left := incident.LeaveShell{N: m.n}
	var exit *exec.ExitError
	switch {
	case errors.As(m.err, &exit):
		left.Err = fmt.Sprintf("it ended with %d", exit.ExitCode())
	case m.err != nil:
		left.Err = strings.TrimSpace(clean(m.err.Error()))
	}
	return a.send(left)
}
