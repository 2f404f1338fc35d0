package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/kube"
	"rollbook/text"
	"rollbook/ui"
)

// A stage is where the walk is played. The zero value is the process's own
// terminal and network; a test brings others, and all else stays the same.
type stage struct {
	dial   dialer           // nil = over the network
	screen ui.Options       // what walk does not set itself
	listen net.Listener     // of the sandbox
	gitlab net.Listener     // of the sandbox's GitLab
	seed   uint64           // of the sandbox's names; 0 = others each time
	now    func() time.Time // of the sandbox; nil = time.Now
	temp   string           // in which the sandbox has its folder; "" = the system's

	// beside stands between the screen and its engine; nil = nothing does.
	beside   func(ui.Engine) ui.Engine
	practice *practice // nil = a cluster
}

// A dialer connects to an address.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// ownTerminal says whether the screen is the process's own terminal.
func (s *stage) ownTerminal() bool { return s.screen.Output == nil }

// quiet keeps foreign writers off the screen, where that is theirs too.
func (s *stage) quiet() (*quiet, error) {
	if s.ownTerminal() {
		return hush()
	}
	return &quiet{}, nil
}

// walk opens the screen. Everything that can be wrong with flags, kubeconfig
// and configuration is said before; nothing is asked of the network before the
// first frame.
func walk(ctx context.Context, f *flags, args []string) error {
	start := time.Now()
	if f.stage.practice == nil { // else when the sandbox is built
		frugal()
	}
	cfg, err := loadConfig(f)
	if err != nil {
		return err
	}
	quiet, err := f.stage.quiet()
	if err != nil {
		return err
	}
	defer quiet.restore()
	masked(cfg)
	c, err := kube.Connect(&f.kube, kube.Options{Version: version, ReadOnly: f.readOnly, Warn: quiet.note, Said: quiet.said, Now: time.Now,
		Dial: f.stage.dial, Stdin: true, Own: f.stage.practice != nil})
	if err != nil {
		return err
	}
	work, prom, err := worked(f, cfg, c, args)
	if err != nil {
		return err
	}
	if f.stage.ownTerminal() {
		if err := noScreen("the walk", "rollbook doctor"); err != nil {
			return err
		}
	}
	if f.stage.practice != nil {
		work.Journals = []string{f.stage.practice.journals}
	}
	screen := f.stage.screen
	screen.Viewer, screen.Start = viewer{c}, start
	if f.stage.practice == nil {
		screen.Shell = migrations(c, cfg, f.readOnly).Shell
		screen.Remind = func() string { return drillReminder(f, cfg, time.Now()) }
	}
	screen.Signals = ui.Signals(cfg.Signals)
	if c.Plugin() != "" {
		door, err := shutDoor()
		if err != nil {
			return err
		}
		screen.Input, screen.Login = door.in, func() error { return door.login(quiet, c) }
	}
	e := engine.New(closing(work, cfg, c, prom))
	screen.Engine = e
	if f.stage.beside != nil {
		screen.Engine = f.stage.beside(e)
	}
	if f.stage.practice != nil {
		screen.Session = ui.Sandbox(f.stage.practice.about)
	}
	said, err := show(ctx, e, screen,
		func(ctx context.Context) { prom.search(ctx, c) },
		func(ctx context.Context) { adopt(ctx, f, args, cfg, c, prom, e) })
	quiet.restore()
	if said != "" {
		fmt.Fprintln(os.Stderr, said)
	}
	for _, trouble := range e.Snapshot().Seen.Trouble {
		fmt.Fprintln(os.Stderr, "rollbook:", text.Line(trouble))
	}
	return err
}

// worked returns what an engine works with, of the walk as of what only looks at the
// cluster, and the Prometheus in it. Nothing is asked of the network.
func worked(f *flags, cfg *config.Config, c *kube.Client, args []string) (engine.Config, *prometheus, error) {
	none := engine.Config{}
	set, err := settings(cfg, c, f, args)
	if err != nil {
		return none, nil, err
	}
	c.SetTargets(set.Components)
	prom, err := newPrometheus(f, cfg, c, set.Limits)
	if err != nil {
		return none, nil, err
	}
	dirs, err := journalDirs(f, cfg)
	if err != nil {
		return none, nil, err
	}
	return engine.Config{Cluster: c, Methods: methods(c, cfg, f.readOnly, f.stage.dial), Metrics: prom, Settings: set, Version: version, Host: hostName(),
		Journals: dirs, IdlePoll: cfg.Limits.PollIdle, LookOn: lookOn}, prom, nil
}

// frugal lets the heap grow by half of what is in use, not by as much again,
// unless GOGC says otherwise. With 1,000 Deployments and 5,000 pods, of which 17
// MB are in use, that is 33 to 36 instead of 45 MB of the machine's memory; idle
// it is a collection every ten seconds or so, a thousandth of a core.
func frugal() { heapGrows(40) }

// lavish lets it grow by twice of what is in use for as long as a sandbox is
// built, which allocates 100 MB and keeps 20: that takes 0.57 s of a core instead
// of the usual 0.68, and 80 MB instead of 67.
func lavish() { heapGrows(200) }

func heapGrows(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// show runs the engine and what goes beside it for as long as the screen is
// open. A panic in any of them closes the screen first and is then told.
func show(ctx context.Context, e *engine.Engine, o ui.Options, beside ...func(context.Context)) (said string, err error) {
	screen, close := context.WithCancelCause(ctx)
	defer close(nil)
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	engineEnded := make(chan error, 1)
	go func() {
		err := guarded(func() error { return e.Run(work) })
		if err != nil {
			close(err)
		}
		engineEnded <- err
	}()
	for _, f := range beside {
		go func() {
			if err := guarded(func() error { f(work); return nil }); err != nil {
				close(err)
			}
		}()
	}
	o.OnQuit, o.Lend = func(s string) { said = s }, lent.lend
	err = ui.Run(screen, o)
	stop()
	if crash := <-engineEnded; crash != nil {
		err = crash
	}
	if cause := context.Cause(screen); err == nil && cause != nil && ctx.Err() == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return said, err
}

// guarded turns a panic into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v", r)
		}
	}()
	return f()
}
