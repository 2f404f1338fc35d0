package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rollbook/engine/journal"
	"rollbook/replay"
	"rollbook/ui"
)

func newReplay(f *flags) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "replay INCIDENT",
		Short: "Show an incident again, fact by fact, from its journal",
		Long: `Replay shows the walk's own screens as the journal tells them: → and ← go to the
next fact and to the one before, ] and [ a minute on and back, home and end to the
start and to the end, 1-7 to when a step was first reached; space plays it, as it
happened, then 10 and 60 times as fast. Nothing can be
changed, and nothing is asked of a cluster or a network. What the journal does
not hold is said to be missing.

INCIDENT is a name as rollbook incidents lists it, the beginning of one, or
latest. A journal that is still being written grows on the screen: at its end (>)
the replay goes on with it.`,
		Example: `  rollbook replay latest
  rollbook replay INC-20261123-0312 --at 03:14`,
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
			r, err := replay.Open(journal.NewTail(b.Content), b.Path)
			if err != nil {
				return fmt.Errorf("replay %s: %w", b.name, err)
			}
			if _, of := r.At(); of == 0 {
				return fmt.Errorf("replay %s: there is no fact in its journal yet: %s", b.name, b.Path)
			}
			if from != "" {
				at, err := clockIn(from, b.Facts[0].At)
				if err != nil {
					return err
				}
				r.Goto(at)
			}
			if err := noScreen("a replay", "rollbook report "+b.name); err != nil {
				return err
			}
			return showAgain(cmd.Context(), r, ui.Options{Start: time.Now(), Session: ui.Replaying(r)})
		},
	}
	cmd.Flags().StringVar(&from, "at", "", "begin at this time (UTC) of the incident, such as 03:14 or 03:14:20, not at its first fact")
	return cmd
}

// clockIn returns when a clock in UTC showed a time on the day of begin, or on the
// next if that was more than half a day before: incidents go over midnight.
func clockIn(clock string, begin time.Time) (time.Time, error) {
	at, err := time.Parse(time.TimeOnly, clock)
	if err != nil {
		at, err = time.Parse("15:04", clock)
	}
	if err != nil {
		return time.Time{}, usagef("--at %q is no time of day; write 03:14 or 03:14:20, in UTC", clock)
	}
	day := begin.UTC().Truncate(24 * time.Hour)
	at = day.Add(at.Sub(at.Truncate(24 * time.Hour)))
	if begin.Sub(at) > 12*time.Hour {
		at = at.Add(24 * time.Hour)
	}
	return at, nil
}

// showAgain shows a journal for as long as the screen is open, and follows it
// meanwhile, should it still grow. A panic there closes the screen first and is
// then told.
func showAgain(ctx context.Context, r *replay.Reader, o ui.Options) error {
	ctx, end := context.WithCancelCause(ctx)
	var crash error
	var following sync.WaitGroup
	following.Go(func() {
		crash = guarded(func() error { r.Follow(ctx, followEvery, nil); return nil })
		end(crash)
	})
	o.Lend = lent.lend
	err := ui.Run(ctx, o)
	end(nil)
	following.Wait()
	if crash != nil {
		return crash
	}
	return err
}
