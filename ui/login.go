package ui

import (
	"io"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// loggedInMsg is the end of a login.
type loggedInMsg struct{ err error }

// login is a login as something that gets the terminal. Whoever runs it knows
// where the terminal is.
type login func() error

func (f login) Run() error        { return f() }
func (login) SetStdin(io.Reader)  {}
func (login) SetStdout(io.Writer) {}
func (login) SetStderr(io.Writer) {}

func (a *App) loginKey() Key {
	return Key{Keys: []string{"L"}, Name: "log in", Hide: !a.snap.Seen.Cluster.LoggedOut, Now: true,
		Help: "run the program that the credentials come from, with the terminal; the screen comes back after it",
		Disabled: func(s *incident.Snapshot) string {
			switch {
			case a.opt.Login == nil:
				return "the credentials come from no program"
			case !s.Seen.Cluster.LoggedOut:
				return "the credentials are accepted"
			}
			return ""
		},
		do: func() tea.Cmd {
			return tea.Exec(login(a.opt.Login), a.opt.lend(func(err error) tea.Msg { return loggedInMsg{err} }))
		}}
}
