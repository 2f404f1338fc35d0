package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/incident"
	"rollbook/status"
)

// statusWait is how long rollbook status waits for what it tells.
const statusWait = 20 * time.Second

func newStatus(f *flags) *cobra.Command {
	var format string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "status [KIND/NAME]",
		Short: "Say how it stands, in words, for screen readers and scripts",
		Long: `Status prints what the walk's screens show, without a screen: the verdict, the
components with their figures, the suspects, what is still to be put back, and, of
what fails or is named, the history and the checks before a rollback. It changes
nothing, takes no incident up and needs no terminal.

It waits until the first figures are there, and no longer than --wait; what could
not be read is said, and is never taken for good. The exit code is the verdict:

   0  nothing to do: nothing is over its limit, or a rollback is verified
  10  roll back now
  11  roll back within 10 minutes
  12  watch closely: over a limit, but not for long enough yet, or an alert fires
  13  rolled back, but it is no better, or worse
  14  rolled back; it settles, or is not proved yet
  15  nothing else to do, but something that was switched off is to be put back
  20  unknown: what decides could not be read, or only a person knows it
   1  status itself failed       2  it was called wrongly

--format json is described in docs/status.md.`,
		Example: `  rollbook status
  rollbook status deployment/frontend -n production
  rollbook status --format json | jq -r .verdict.headline`,
		Args:              atMostOneWorkload,
		ValidArgsFunction: completeWorkloads(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return usagef("--format %q: it is text or json", format)
			}
			d, err := stands(cmd.Context(), f, args, wait)
			if err != nil {
				return err
			}
			write := d.Text
			if format == "json" {
				write = d.JSON
			}
			if err := write(cmd.OutOrStdout()); err != nil {
				return err
			}
			if d.Verdict.Code != exitOK {
				return exitCode(d.Verdict.Code)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().DurationVar(&wait, "wait", statusWait, "how long to wait for what is told")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// stands returns how it stands.
func stands(ctx context.Context, f *flags, args []string, wait time.Duration) (status.Data, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	g, err := newGlance(ctx, f, args, wait, nil)
	if err != nil {
		return status.Data{}, err
	}
	now, then, unread := g.look(ctx)
	if err := g.end(); err != nil {
		return status.Data{}, err
	}
	return status.Of(now, then, append(unread, g.unread...)), nil
}

// newGlance begins to look at the cluster as the walk does, through a client that lets
// nothing leave that changes anything. It waits for the configuration in the cluster, but
// for no longer than half of wait. also changes what its engine is made of; nil = nothing.
func newGlance(ctx context.Context, f *flags, args []string, wait time.Duration, also func(*config.Config, *engine.Config)) (*glance, error) {
	cfg, err := loadConfig(f)
	if err != nil {
		return nil, err
	}
	masked(cfg)
	quiet, err := f.stage.quiet()
	if err != nil {
		return nil, err
	}
	g := &glance{quiet: quiet, searched: make(chan struct{}), ended: make(chan error, 1)}
	c, err := f.look(quiet)
	if err != nil {
		quiet.restore()
		return nil, err
	}
	cfg, mapErr := withConfigMapSoon(ctx, min(configMapWait, wait/2), f, cfg, c)
	if text, _, failed := configMapLine(c, mapErr); failed {
		g.unread = append(g.unread, text)
	}
	on := *f
	on.readOnly = true
	work, prom, err := worked(&on, cfg, c, args)
	if err != nil {
		quiet.restore()
		return nil, err
	}
	work.Leases, work.Checks, work.Glance = c, newChecks(c, prom), true
	if also != nil {
		also(cfg, &work)
	}
	g.e, g.prom, g.focus = engine.New(work), prom, work.Settings.Focus
	working, stop := context.WithCancel(ctx)
	g.stop = stop
	go func() { g.ended <- guarded(func() error { return g.e.Run(working) }) }()
	go func() {
		defer close(g.searched)
		if prom.found.Load() == nil {
			_ = guarded(func() error { return prom.find(working, c) })
		}
	}()
	return g, nil
}

// end ends the looking; the error is a panic of what looked.
func (g *glance) end() error {
	g.stop()
	err := <-g.ended
	g.quiet.restore()
	return err
}

// glance looks at what the walk would show, through an engine that keeps nothing.
type glance struct {
	e        *engine.Engine
	prom     *prometheus
	focus    string        // the one component that was asked about; "" = all
	searched chan struct{} // closed once Prometheus was looked for
	unread   []string      // what could not be read before it began

	quiet *quiet
	stop  context.CancelFunc
	ended chan error
}

// look returns what was seen first, and, where there is something to roll back or one
// component was asked about, what was seen with the histories and the preflights; nil
// where there is not. It returns when ctx ends at the latest, with what there is.
func (g *glance) look(ctx context.Context) (now, then *incident.Snapshot, unread []string) {
	now = g.until(ctx, g.read)
	i := &now.Incident
	if g.focus == "" && (i.ID == "" && len(i.Triggers) == 0 || i.End != nil || !i.Verified.IsZero()) {
		return now, nil, nil
	}
	switch {
	case now.Seen.LookingOn != "":
		if i.Furthest < incident.Choose {
			return now, nil, []string{"history and checks: another rollbook works on " + now.Seen.LookingOn + " and has not come to Choose"}
		}
		g.e.Send(incident.Goto{Step: incident.Choose})
	case i.Step == incident.Assess && i.Step.Blocked(now) != "":
		return now, nil, []string{"history and checks: " + i.Step.Blocked(now)}
	default:
		for step := i.Step; step < incident.Choose; step++ {
			g.e.Send(incident.Next{})
		}
		g.e.Send(incident.Goto{Step: incident.Choose})
		if g.focus != "" {
			g.e.Send(incident.Select{Component: g.focus, On: true})
		}
	}
	then = g.until(ctx, proposed)
	if now.Seen.LookingOn == "" {
		for _, c := range then.Incident.Choices {
			if c.To.IsZero() { // it holds up no other's checks
				g.e.Send(incident.Select{Component: c.Component})
			}
		}
		g.e.Send(incident.Next{})
		then = g.until(ctx, checked)
	}
	return now, then, nil
}

// until waits for a snapshot of which is is true, or the newest when ctx ends.
func (g *glance) until(ctx context.Context, is func(*incident.Snapshot) bool) *incident.Snapshot {
	searched := g.searched
	for {
		s := g.e.Snapshot()
		if is(s) {
			return s
		}
		select {
		case <-ctx.Done():
			return g.e.Snapshot()
		case <-g.e.Changed():
		case <-searched:
			searched = nil // heard once: it stays closed
		}
	}
}

// read reports whether the first board and its figures are there, or that they cannot
// be had.
func (g *glance) read(s *incident.Snapshot) bool {
	if s.Seen.Cluster.LoggedOut {
		return true
	}
	if s.Seen.Cluster.Heard.IsZero() || s.Seen.Reading || s.Seen.Identity.Cluster == "" || s.Seen.Searching || s.Seen.Resuming != "" ||
		len(s.Seen.Board) == 0 && s.Seen.Identity.ListPods == "" && s.Seen.Cluster.Err != "" {
		return false
	}
	if s.Seen.LookingOn != "" && s.Incident.ID == "" && s.Seen.JournalE == "" {
		return false
	}
	select {
	case <-g.searched:
	default:
		return false
	}
	m := s.Seen.Metrics
	to, off := g.prom.To()
	return m.To == to && m.Off == off && (off != "" || m.Err != "" || s.Seen.Figures != nil || len(s.Seen.Board) == 0)
}

// proposed reports whether the history of each choice was read, with its figures.
func proposed(s *incident.Snapshot) bool {
	if s.Incident.Step != incident.Choose {
		return false
	}
	for _, c := range s.Incident.Choices {
		h := s.Seen.History[c.Slot]
		if h.Pending() || s.Seen.LookingOn == "" && c.To.IsZero() && c.Why == "" {
			return false
		}
		if s.Seen.LookingOn == "" && s.SchemaWay(c.Component) != nil && s.Seen.History[incident.Schema(c.Component)].Pending() {
			return false
		}
	}
	return true
}

// checked reports whether each preflight is done, and who else is there is known.
func checked(s *incident.Snapshot) bool {
	if s.Incident.Step != incident.Confirm {
		return incident.Choose.Blocked(s) != "" // there is nothing to check
	}
	for _, c := range s.Incident.Open() {
		p, l := s.Seen.Preflight[c.Slot], s.Seen.Leases[c.Component]
		if p == nil || p.To != c.To.Key || !p.Done || l.At.IsZero() && l.Err == "" {
			return false
		}
	}
	return true
}
