package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"rollbook/ui"
)

func newReplay(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "replay INCIDENT",
		Short: "Show an incident again, fact by fact, from its journal",
		Long: `Replay shows the walk's own screens as the journal tells them: . and , go to the
next fact and to the one before, } and { a minute on and back, < and > to the
start and to the end, 1-7 to when a step was first reached. Nothing can be
changed, and nothing is asked of a cluster or a network. What the journal does
not hold is said to be missing.

INCIDENT is a name as rollbook incidents lists it, the beginning of one, or
latest. A journal that is still being written is shown as far as it is now.`,
		Example: `  rollbook replay latest
  rollbook replay INC-20261123-0312`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("one incident is needed: a name, the beginning of one, or latest")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return completeIncidents(f, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			b, _, err := namedBook(f, args[0], cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			r, err := ui.NewReplay(b.Facts, b.Path)
			if err != nil {
				return fmt.Errorf("replay %s: %w", b.name, err)
			}
			if !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()) {
				return errors.New("a replay needs a terminal; without one, try: rollbook report " + b.name)
			}
			return ui.Run(cmd.Context(), ui.Options{Session: ui.Replaying(r), Start: time.Now()})
		},
	}
}
