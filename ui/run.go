package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/model"
)

// Options is what the screen is made of. Engine is required, if the session does
// not bring its own.
type Options struct {
	Engine Engine
	Viewer Viewer    // nil = logs, manifests and diffs are said not to be available
	Start  time.Time // when the program started: the clock before the first snapshot

	// Session is the way in which the incident is looked at; the zero value
	// works on one of a cluster.
	Session Session

	// WriteDeadline is how long a write may take: leaving waits at most so long
	// for its answer. 0 = 10 s.
	WriteDeadline time.Duration
	// OnQuit is called with what the operator should read after the screen is
	// closed ("" = nothing), before Run returns.
	OnQuit func(said string)

	// Login runs the program that the cluster's credentials come from, with the
	// terminal: it is called while the screen is away. nil = there is none.
	Login func() error
	// Shell returns the command with which somebody comes to a component's database by
	// hand. It is called from a tea.Cmd, with a deadline. nil = there is none.
	Shell func(ctx context.Context, c *model.Component) (model.Shell, error)
	// Lend is called before another program gets the terminal, and what it returns
	// when the screen has it back: an interrupt from the keyboard is meant for that
	// program. nil = nobody wants to know.
	Lend func() (back func())

	// Remind returns what the team has to do between incidents; "" = nothing. It is called
	// from a tea.Cmd when the first frame is long shown, and may read a disk. nil = nobody
	// reminds.
	Remind func() string

	// Signals are the ways in which the operator is called.
	Signals Signals

	// Env decides about colours and UTF-8; nil = the process's own (in Run).
	Env []string
	// Look overrules what Env says; for tests and flags.
	Look *Look

	// Input is where keys come from; nil = standard input.
	Input io.Reader
	// For tests: nil and zero mean the terminal's own.
	Output        io.Writer
	Width, Height int
	Program       []tea.ProgramOption
}

func (o *Options) writeDeadline() time.Duration {
	if o.WriteDeadline > 0 {
		return o.WriteDeadline
	}
	return 10 * time.Second
}

// lend lends the terminal, and returns what says so once the screen has it back.
func (o *Options) lend(done tea.ExecCallback) tea.ExecCallback {
	if o.Lend == nil {
		return done
	}
	back := o.Lend()
	return func(err error) tea.Msg {
		back()
		return done(err)
	}
}

// framesPerSecond is enough for eyes, and idles at a third of the default's
// load.
const framesPerSecond = 20

// Run shows the screen until the operator leaves or ctx ends. The terminal is
// restored in any case, also after a panic. Signals are not its concern: whoever
// waits for them ends ctx.
func Run(ctx context.Context, o Options) error {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	app := New(o)
	app.ctx = ctx
	err := runProgram(ctx, app, o)
	for len(app.over) > 0 {
		app.shut()
	}
	if o.OnQuit != nil {
		o.OnQuit(app.farewell)
	}
	return err
}

// runProgram runs a model on the terminal, or on what stands for it.
func runProgram(ctx context.Context, m tea.Model, o Options) error {
	opts := []tea.ProgramOption{tea.WithContext(ctx), tea.WithFPS(framesPerSecond), tea.WithEnvironment(o.Env),
		tea.WithoutSignalHandler()}
	if o.Input != nil {
		opts = append(opts, tea.WithInput(o.Input))
	}
	if o.Output != nil {
		opts = append(opts, tea.WithOutput(o.Output))
	}
	if o.Width > 0 && o.Height > 0 {
		opts = append(opts, tea.WithWindowSize(o.Width, o.Height))
	}
	_, err := tea.NewProgram(m, append(opts, o.Program...)...).Run()
	switch {
	case err == nil, errors.Is(err, tea.ErrInterrupted):
		return nil
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil
	}
	return fmt.Errorf("screen: %w", err)
}
