package cli

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollbook/config"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/model"
	"rollbook/sandbox"
	"rollbook/text"
)

// rehearsal holds the flags of rollbook drill.
type rehearsal struct {
	*flags
	fault, alert string
	sandbox      bool
	surprise     bool
	watch        string // the drill that is looked on at; "" = one is held
	alone        unattended
}

func newDrill(f *flags) *cobra.Command {
	r := &rehearsal{flags: f}
	cmd := &cobra.Command{
		Use:   "drill [KIND/NAME]",
		Short: "Rehearse a rollback on what is not production",
		Long: `Drill breaks a component on purpose, waits for the alert, and puts it back when it was
rolled back by the walk: the times are measured against five minutes. It is done only
where not_production of your own rollbook.yaml names context, server and namespace, all
three, or in the sandbox. However it ends, what it broke is owed: the next start, on any
machine that sees the cluster, offers to put it back.

With --unattended nobody is needed, nor a terminal: each step is taken by the key that
leads on, as soon as the figures ask for it, and what happens is printed. When it is
stopped, or given up, what it broke is put back first. The exit code is the outcome:

   0  rolled back and recovered within the target, the alert fired, and put back
  10  not so: the last line says why
  15  still broken: what is to be put back is printed
   1  no drill was held       2  it was called wrongly`,
		Example: `  rollbook drill deployment/api --context staging
  rollbook drill deployment/api --fault readiness --alert HighErrorRate
  rollbook drill --sandbox
  rollbook drill --surprise --context staging
  rollbook drill --watch                    in a second terminal, read-only
  rollbook drill deployment/api --unattended --junit drill.xml`,
		Args:              atMostOneWorkload,
		ValidArgsFunction: completeWorkloads(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.watch != "" {
				return watchDrill(cmd.Context(), f, r.watch, cmd.ErrOrStderr())
			}
			if r.sandbox {
				if err := ownFlags(cmd.Flags()); err != nil {
					return err
				}
			}
			return r.run(cmd.Context(), cmd.OutOrStdout(), args)
		},
	}
	cmd.Flags().StringVar(&r.fault, "fault", "", "by which it is broken: "+strings.Join(model.Faults(), ", ")+" (default drill.fault of rollbook.yaml, else "+model.Faults()[0]+")")
	cmd.Flags().StringVar(&r.alert, "alert", "", "name of the alert that is waited for (default drill.alert, else any about the component)")
	cmd.Flags().StringVar(&r.watch, "watch", "", "look on at a drill that somebody else holds, from its journal (--watch=NAME; default the newest that is open)")
	cmd.Flags().Lookup("watch").NoOptDefVal = newestDrill
	cmd.Flags().BoolVar(&r.surprise, "surprise", false, "pick component and fault by chance, and tell them at the end")
	cmd.Flags().BoolVar(&r.sandbox, "sandbox", false, "in the sandbox, with nothing installed")
	cmd.Flags().BoolVar(&r.alone.on, "unattended", false, "without a person and without a screen, for a pipeline")
	cmd.Flags().DurationVar(&r.alone.giveUp, "give-up", 20*time.Minute, "after which an unattended drill is given up, and put back")
	cmd.Flags().StringVar(&r.alone.junit, "junit", "", "file for the outcome of an unattended drill in JUnit's form")
	cmd.Flags().StringVar(&r.alone.json, "json", "", "file for the report of an unattended drill as JSON")
	_ = cmd.RegisterFlagCompletionFunc("fault", cobra.FixedCompletions(model.Faults(), cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	cmd.AddCommand(newDrillHistory(f))
	return cmd
}

func (r *rehearsal) run(ctx context.Context, out io.Writer, args []string) error {
	if r.fault != "" && model.Fault(r.fault).IsZero() {
		return usagef("--fault %s is none: there are %s", text.Line(r.fault), strings.Join(model.Faults(), ", "))
	}
	if err := r.alone.check(); err != nil {
		return err
	}
	if r.alone.on && r.surprise {
		return usagef("--surprise is for a person who does not know: it does not go with --unattended")
	}
	r.drill = r.settings
	play := walk
	if r.alone.on {
		given := ctx
		ctx = context.WithoutCancel(ctx)
		play = func(ctx context.Context, f *flags, args []string) error {
			return r.alone.hold(ctx, given, f, out, args)
		}
	}
	if !r.sandbox {
		return play(ctx, r.flags, args)
	}
	if len(args) == 0 && !r.surprise {
		args = []string{"deployment/backend-python"}
	}
	return (&exercise{flags: r.flags, scenario: sandbox.Drill, of: args, surprise: r.surprise, play: play, alone: r.alone.on}).run(ctx, out)
}

// settings returns the drill that the flags ask for, with the rest from rollbook.yaml.
func (r *rehearsal) settings(cfg *config.Config, c *kube.Client) *incident.Drill {
	x := cfg.Drill
	out := &incident.Drill{Fault: x.Fault, Alert: x.Alert, Target: x.Target, Healthy: x.Healthy, Refused: drillRefused(cfg, c)}
	if r.surprise {
		some := possibleFaults(cfg)
		out.Surprise, out.Chance, out.Fault = true, rand.Int64(), some[rand.IntN(len(some))] //nolint:gosec // a game, not a secret
	}
	if r.fault != "" {
		out.Fault = r.fault
	}
	if r.alert != "" {
		out.Alert = r.alert
	}
	return out
}

// possibleFaults returns the faults that need no setting, or have it.
func possibleFaults(cfg *config.Config) []string {
	return slices.DeleteFunc(slices.Clone(model.Faults()), func(f string) bool {
		return f == model.FaultEnv && cfg.Drill.Env == "" || f == model.FaultPatch && cfg.Drill.Patch == ""
	})
}

// drillRefused says why nothing may be broken on purpose where a client is, and what to add
// to the configuration if it should; "" when it may. That a context is called staging is
// not enough, nor that a cluster is local: the operator's own file must name context,
// server and namespace.
func drillRefused(cfg *config.Config, c *kube.Client) string {
	if c == nil {
		return "there is no cluster"
	}
	for _, p := range cfg.NotProduction {
		if says(p.Context) && says(p.Server) && p.Namespace != "" && glob(p.Context, c.Context()) && glob(p.Server, c.Server()) && glob(p.Namespace, c.Namespace()) {
			return ""
		}
	}
	return text.Line(fmt.Sprintf("no entry of not_production in your own rollbook.yaml names context, server and namespace of this place; "+
		"if it is none that anybody needs, add: not_production: [{context: %q, server: %q, namespace: %q}]", c.Context(), c.Server(), c.Namespace()))
}

// says reports whether a pattern says anything at all.
func says(pattern string) bool { return strings.Trim(pattern, "*?") != "" }
