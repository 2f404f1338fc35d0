package ui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// Engine is what the screen needs of the engine: engine.Handle has exactly
// these methods. None of them may wait.
type Engine interface {
	// Snapshot is the newest; never nil.
	Snapshot() *incident.Snapshot
	// Changed has one element when there is a snapshot that was not fetched yet.
	Changed() <-chan struct{}
	// Send hands over an act of the operator.
	Send(do incident.Act)
	// Writing says whether a write is on its way to the API server right now.
	Writing() bool
}

// Viewer reads what the operator wants to look at and what is not part of the
// incident. It is called from a tea.Cmd only, with a context that has a
// deadline (Follow: that ends when the operator looks away). Text that it
// returns has passed the sanitiser.
type Viewer interface {
	// Logs reads the last `tail` lines of a container, of its previous run when
	// asked for.
	Logs(ctx context.Context, c *model.Component, pod, container string, previous bool, tail int) ([]model.LogLine, error)
	// Follow hands over the last `tail` lines and then each new one, until ctx
	// or the log ends. out may be called from another goroutine and never waits.
	Follow(ctx context.Context, c *model.Component, pod, container string, tail int, out func(lines []model.LogLine)) error
	// Manifest is the workload as YAML, without managedFields and secrets.
	Manifest(ctx context.Context, c *model.Component) (string, error)
	// Diff is the difference between what runs and the version of that key, one
	// change a line.
	Diff(ctx context.Context, c *model.Component, to string) (string, error)
	// Events are the newest events of the workload and its pods.
	Events(ctx context.Context, c *model.Component) (model.Events, error)
}

// changedMsg says that the engine has a newer snapshot.
type changedMsg struct{}

// waitChanged waits for the next snapshot. It is armed again by each
// changedMsg, so that there is never more than one waiting. (Program.Send
// would deadlock inside Update and hold the engine back outside it.)
func waitChanged(ctx context.Context, e Engine) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-e.Changed():
			if !ok {
				return nil
			}
			return changedMsg{}
		}
	}
}
