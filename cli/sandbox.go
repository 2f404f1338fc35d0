package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollbook/config"
	"rollbook/incident"
	"rollbook/model"
	"rollbook/sandbox"
	"rollbook/ui"
)

// exercise is what the sandbox's own flags say.
type exercise struct {
	*flags
	scenario    string
	serve, list bool
	of          []string                                                 // the workload that is looked at; empty = all
	play        func(ctx context.Context, f *flags, args []string) error // nil = the walk
	alone       bool                                                     // it needs no screen
	surprise    bool                                                     // what is broken is picked by chance, not by the scenario
}

func newSandbox(f *flags) *cobra.Command {
	d := &exercise{flags: f}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Practise on an incident, with nothing installed",
		Long: `Sandbox opens the walk on an incident that is made up: a small cluster and its
Prometheus in this process, on ports of 127.0.0.1 that only a token opens. No
kubeconfig and no rollbook.yaml is read, and nothing stays when it is left.

A second terminal can look at the same incident with kubectl: the help (?) shows
the KUBECONFIG and Prometheus' address.`,
		Example: `  rollbook sandbox                          choose an incident
  rollbook sandbox --scenario slow
  rollbook sandbox --scenario ./ours.yaml   an incident of your own
  rollbook sandbox --serve                  for kubectl, curl and Grafana alone`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := ownFlags(cmd.Flags()); err != nil {
				return err
			}
			if d.list && (d.serve || d.scenario != "") {
				return usagef("--list goes with no other flag")
			}
			return d.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&d.scenario, "scenario", "", "name of a scenario, or file with one")
	_ = cmd.RegisterFlagCompletionFunc("scenario", completeScenarios) // fails only for a flag that is not there
	cmd.Flags().BoolVar(&d.serve, "serve", false, "no screen: print where it is, and run until it is stopped")
	cmd.Flags().BoolVar(&d.list, "list", false, "list the scenarios")
	return cmd
}

func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, err := sandbox.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, s := range all {
		out = append(out, s.Name+"\t"+s.Title)
	}
	return out, cobra.ShellCompDirectiveDefault | cobra.ShellCompDirectiveKeepOrder // or a file
}

// ofSandbox are the flags that mean something in the sandbox.
var ofSandbox = []string{"scenario", "sandbox", "fault", "alert", "surprise", "serve", "list", "unattended", "give-up", "junit", "json", "journal-dir", "read-only", "namespace", "request-timeout"}

// ownFlags refuses those that would lead out of the sandbox.
func ownFlags(set *pflag.FlagSet) (err error) {
	set.Visit(func(f *pflag.Flag) {
		if !slices.Contains(ofSandbox, f.Name) {
			err = usagef("--%s is of no use here: the sandbox has a cluster, a Prometheus and a configuration of its own", f.Name)
		}
	})
	return err
}

func (d *exercise) run(ctx context.Context, out io.Writer) error {
	if d.list {
		return listScenarios(out)
	}
	if d.scenario != "" { // a mistake in its name or file is said before all else
		if _, err := sandbox.Load(d.scenario); err != nil {
			return err
		}
	}
	if !d.serve && !d.alone && d.stage.ownTerminal() {
		if err := noScreen("the sandbox's screen", "rollbook sandbox --serve"); err != nil {
			return err
		}
	}
	r, err := newRoom(&d.stage)
	if err != nil {
		return err
	}
	defer r.clear()
	if err := d.begin(ctx, r); err != nil {
		if errors.Is(err, ui.ErrLeft) || ctx.Err() != nil {
			return nil
		}
		return err
	}
	if d.serve {
		fmt.Fprintf(out, "# The sandbox's scenario %s runs until it is stopped (Ctrl-C).\nexport KUBECONFIG=%s\nexport PROMETHEUS=%s\n",
			r.scenario.Name, r.kubeconfig(), r.bed.PrometheusURL())
		if _, err := os.Stat(r.configFile()); err == nil {
			fmt.Fprintf(out, "# Its ways back, for rollbook --config: %s\n", r.configFile())
		}
		<-r.bed.Context().Done()
		return r.bed.Err()
	}
	in, err := r.flags(d.flags)
	if err != nil {
		return err
	}
	if d.surprise { // the scenario's hints and its end are of another component
		about := &in.stage.practice.about
		about.Images, about.Hint = nil, nil
	}
	play := d.play
	if play == nil {
		play = walk
	}
	err = play(r.bed.Context(), in, d.of)
	return cmp.Or(r.bed.Err(), err) // the walk of a sandbox that failed has only been left
}

// begin opens the scenario that was named, or chosen on the opening screen. Its
// world is built while the walk is there to be seen; without a screen, there is
// something to see when it returns.
func (d *exercise) begin(ctx context.Context, r *room) error {
	if d.scenario != "" && !d.serve {
		return r.open(ctx, d.scenario)
	}
	all, err := sandbox.List()
	if err != nil {
		return err
	}
	if d.serve {
		if err := r.open(ctx, cmp.Or(d.scenario, all[0].Name)); err != nil {
			return err
		}
		return r.bed.Built(ctx)
	}
	choices := make([]ui.Choice, len(all))
	for i, s := range all {
		choices[i] = ui.Choice{Name: s.Name, Title: s.Title, Learn: s.Learn}
	}
	return ui.Pick(ctx, d.stage.screen, choices, func(picking context.Context, name string) error {
		return errors.Join(guarded(func() error { return r.open(ctx, name) }), picking.Err())
	})
}

func listScenarios(out io.Writer) error {
	all, err := sandbox.List()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, s := range all {
		fmt.Fprintf(t, "%s\t%s\n\t%s\n", s.Name, s.Title, s.Learn)
	}
	return t.Flush()
}

// room is where a sandbox is: a folder of its own, for this user alone, which
// goes when it is left.
type room struct {
	stage    *stage
	dir      string
	scenario *sandbox.Scenario
	bed      *sandbox.Sandbox
}

func newRoom(s *stage) (*room, error) {
	r := &room{stage: s}
	var signals held
	if s.ownTerminal() { // else the process's signals are not the sandbox's
		signals = hold() // before there is a folder
	}
	var err error
	if r.dir, err = os.MkdirTemp(s.temp, "rollbook-sandbox-"); err != nil { // mode 0700
		return nil, fmt.Errorf("the sandbox needs a folder for its kubeconfig: %w", err)
	}
	if signals != nil {
		signals.clearing(func() { _ = os.RemoveAll(r.dir) })
	}
	return r, nil
}

func (r *room) kubeconfig() string { return filepath.Join(r.dir, "kubeconfig") }

// open opens a scenario and writes the kubeconfig.
func (r *room) open(ctx context.Context, name string) (err error) {
	if r.scenario, err = sandbox.Load(name); err != nil {
		return err
	}
	if r.bed != nil { // the one before could not be written about
		r.bed.Close()
	}
	lavish()
	if r.bed, err = sandbox.Open(ctx, sandbox.Options{Scenario: r.scenario, Now: r.stage.now, Built: frugal, Listener: r.stage.listen, GitLab: r.stage.gitlab, Seed: r.stage.seed}); err != nil {
		return err
	}
	text, err := r.bed.Kubeconfig()
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.kubeconfig(), text, 0o600); err != nil {
		return fmt.Errorf("write the sandbox's kubeconfig: %w", err)
	}
	return r.furnish(ctx)
}

// furnish puts into the folder what the scenario's ways back need: a repository, a token,
// and the configuration that names them.
func (r *room) furnish(ctx context.Context) error {
	url, token := r.bed.GitLab()
	at := sandbox.Places{GitLab: url, TokenFile: filepath.Join(r.dir, "gitlab-token"), Repository: filepath.Join(r.dir, "shop")}
	text := r.scenario.Config(at)
	if text == "" {
		return nil
	}
	if err := os.WriteFile(at.TokenFile, []byte(token), 0o600); err != nil {
		return fmt.Errorf("write the token of the sandbox's GitLab: %w", err)
	}
	now := r.stage.now
	if now == nil {
		now = time.Now
	}
	if err := r.scenario.WriteRepository(ctx, at.Repository, now()); err != nil {
		return err
	}
	if err := os.WriteFile(r.configFile(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the sandbox's rollbook.yaml: %w", err)
	}
	return nil
}

// configFile is where the configuration of a scenario with more than one way back is.
func (r *room) configFile() string { return filepath.Join(r.dir, config.FileName) }

// config is the runbook's, but for the hold, with the scenario's ways back.
func (r *room) config() (*config.Config, error) {
	cfg, err := config.Defaults(), error(nil)
	if _, none := os.Stat(r.configFile()); none == nil {
		cfg, err = config.Load(config.Source{Kind: config.User, Name: "the sandbox's rollbook.yaml", Path: r.configFile()})
	}
	if err == nil {
		cfg.Verify.Hold, cfg.Drill.Healthy = practiceHold, practiceHold
		cfg.Drill.Fault, cfg.Drill.Env = model.FaultEnv, "FAIL_RATE=0.5"
		cfg.NotProduction = []config.Place{{Context: sandbox.Context, Server: "https://" + r.bed.Addr, Namespace: "*"}}
	}
	return cfg, err
}

// clear leaves nothing.
func (r *room) clear() {
	if r.bed != nil {
		r.bed.Close()
	}
	_ = os.RemoveAll(r.dir)
}

// flags are those of a walk in the sandbox.
func (r *room) flags(f *flags) (*flags, error) {
	in := &flags{prometheus: sandbox.PrometheusService, readOnly: f.readOnly, drill: f.drill, stage: f.stage}
	in.kube.Kubeconfig, in.kube.CurrentContext = r.kubeconfig(), sandbox.Context
	in.kube.Context.Namespace, in.kube.Timeout = f.kube.Context.Namespace, f.kube.Timeout
	cfg, err := r.config()
	if err != nil {
		return nil, err
	}
	p := &practice{config: cfg, journals: filepath.Join(r.dir, "incidents"), about: ui.Practice{
		Name: r.scenario.Name, Learn: r.scenario.Learn,
		Hint:   func(at incident.Step) string { return r.scenario.Hints.Of(int(at) + 1) },
		Images: r.scenario.End.Images, None: r.scenario.End.None, Schema: r.scenario.End.Schema, Building: func() bool { return !r.bed.IsBuilt() },
		Kubeconfig: in.kube.Kubeconfig, Prometheus: r.bed.PrometheusURL(),
	}}
	if f.journalDir != "" {
		abs, err := filepath.Abs(f.journalDir)
		if err != nil {
			return nil, fmt.Errorf("--journal-dir %s: %w", f.journalDir, err)
		}
		p.journals, p.about.JournalStays = abs, true
	}
	if _, none := os.Stat(r.configFile()); none == nil {
		p.about.Config = r.configFile()
	}
	in.journalDir = p.journals
	in.stage.practice = p
	return in, nil
}

// practice is what is otherwise in a walk in the sandbox.
type practice struct {
	config   *config.Config
	journals string
	about    ui.Practice
}

// practiceHold is the hold of Verify in the sandbox, so that nobody waits.
const practiceHold = 30 * time.Second
