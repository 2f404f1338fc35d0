package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// The exit codes of rollbook watch. What went wrong with the watching itself is not known
// of the release either.
const (
	exitRollBack = 1
	exitUnknown  = 2
)

// watcher holds the flags of rollbook watch.
type watcher struct {
	*flags
	last          time.Duration
	format, onBad string
}

func newWatch(f *flags) *cobra.Command {
	w := &watcher{flags: f}
	cmd := &cobra.Command{
		Use:   "watch KIND/NAME",
		Short: "Watch a release beside its pipeline, and say whether to roll it back",
		Long: `Watch looks at a workload for some minutes after a release: at its pods, and at the
figures of the new ones beside those of the old. It ends as soon as a limit of
rollbook.yaml is passed for as long as the limit asks, by all pods or by the new ones
alone; else when --for is over. It changes nothing. The exit code is the verdict:

   0  good: all pods are of the release and ready, and its figures were there and fine
   1  roll back: the last line says why
   2  unknown: it could not be seen, had no traffic, is still being rolled out; the pods
      of before fail alike, so that a rollback alone would not help; or watch failed

With --on-bad open it does not end then, but opens the walk on the same workload.`,
		Example: `  rollbook watch deployment/api -n production --for 10m
  rollbook watch deployment/api --format json | jq -r .verdict`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("one workload is needed: KIND/NAME")
			}
			return atMostOneWorkload(cmd, args)
		},
		ValidArgsFunction: completeWorkloads(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := w.run(cmd.Context(), cmd.OutOrStdout(), args)
			var code exitCode
			if err == nil || errors.As(err, &code) {
				return err
			}
			say(cmd.ErrOrStderr(), err, "")
			return exitCode(exitUnknown)
		},
	}
	cmd.Flags().DurationVar(&w.last, "for", 10*time.Minute, "how long it is to go well")
	cmd.Flags().StringVar(&w.format, "format", "text", "text or json")
	cmd.Flags().StringVar(&w.onBad, "on-bad", "exit", "exit, or open the walk")
	for name, values := range map[string][]string{"format": {"text", "json"}, "on-bad": {"exit", "open"}} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	}
	return cmd
}

func (w *watcher) run(ctx context.Context, out io.Writer, args []string) error {
	switch {
	case !slices.Contains([]string{"text", "json"}, w.format):
		return usagef("--format %q: it is text or json", w.format)
	case !slices.Contains([]string{"exit", "open"}, w.onBad):
		return usagef("--on-bad %q: it is exit or open", w.onBad)
	case w.last <= 0:
		return usagef("--for %s: it needs some time", w.last)
	}
	if w.onBad == "open" && w.stage.ownTerminal() {
		if err := noScreen("--on-bad open", "--on-bad exit"); err != nil {
			return err
		}
	}
	v, err := w.watch(ctx, out, args)
	if err != nil {
		return err
	}
	if w.format == "json" {
		raw, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", raw)
	} else {
		fmt.Fprintf(out, "%s: %s\n", verdictWords[v.Verdict], v.Text)
	}
	switch v.Verdict {
	case verdictGood:
		return nil
	case verdictUnknown:
		return exitCode(exitUnknown)
	}
	if w.onBad == "open" {
		return walk(ctx, w.flags, args)
	}
	return exitCode(exitRollBack)
}

// The verdicts of rollbook watch.
const (
	verdictGood     = "good"
	verdictRollBack = "roll back"
	verdictUnknown  = "unknown"
)

var verdictWords = map[string]string{verdictGood: "GOOD", verdictRollBack: "ROLL BACK", verdictUnknown: "UNKNOWN"}

// watched holds the outcome of rollbook watch, as it is printed in JSON.
type watched struct {
	Component string    `json:"component"`
	Version   string    `json:"version,omitempty"`
	Verdict   string    `json:"verdict"` // good, roll back or unknown
	Text      string    `json:"text"`
	Since     time.Time `json:"since"`
	Seconds   float64   `json:"seconds"` // until it was decided
}

// watch watches to the end, and says on out meanwhile what changes, but for JSON.
func (w *watcher) watch(ctx context.Context, out io.Writer, args []string) (watched, error) {
	g, err := newGlance(ctx, w.flags, args, statusWait, func(cfg *config.Config, to *engine.Config) {
		to.Beside, to.IdlePoll = to.Settings.Focus, cfg.Limits.Poll
	})
	if err != nil {
		return watched{}, err
	}
	if w.format == "json" {
		out = io.Discard
	}
	for _, u := range g.unread {
		fmt.Fprintln(out, text.Line(u))
	}
	v := watchFor(ctx, g, out, w.last)
	if err := g.end(); err != nil {
		return watched{}, err
	}
	return v, nil
}

// sayEvery is how often rollbook watch says that nothing is new.
const sayEvery = time.Minute

// watchFor looks again and again until it is decided, the time is over or ctx ends.
func watchFor(ctx context.Context, g *glance, out io.Writer, last time.Duration) watched {
	on := incident.Watching{Component: g.focus, Since: time.Now(), For: last}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	said, at := "", time.Time{}
	for {
		s := g.e.Snapshot()
		c := s.Seen.Component(on.Component)
		if c != nil && c.OwnerName != "" && on.Owner == "" {
			on.Owner, on.Since = c.OwnerName, time.Now()
		}
		r := s.Beside(on)
		if ctx.Err() != nil && !r.Over {
			r.Over, r.Text = true, "it was stopped before the time was over: "+r.Text
		}
		if r.Over {
			v := watched{Component: on.Component, Verdict: verdictUnknown, Text: text.Line(r.Text), Since: on.Since.UTC(), Seconds: time.Since(on.Since).Seconds()}
			if c != nil {
				v.Version = c.Running().Full()
			}
			switch r.Good {
			case model.TriYes:
				v.Verdict = verdictGood
			case model.TriNo:
				v.Verdict = verdictRollBack
			}
			return v
		}
		if now := time.Now(); r.Text != said && now.Sub(at) > waitsEvery || now.Sub(at) >= sayEvery {
			said, at = r.Text, now
			fmt.Fprintf(out, "%s  %s\n", now.UTC().Format("15:04:05Z"), text.Line(r.Text))
		}
		select {
		case <-ctx.Done():
		case <-g.e.Changed():
		case <-tick.C:
		}
	}
}
