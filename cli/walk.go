package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/charmbracelet/x/term"

	"rollbook/engine"
	"rollbook/kube"
	"rollbook/ui"
)

// walk opens the screen. Everything that can be wrong with flags, kubeconfig
// and configuration is said before; nothing is asked of the network before the
// first frame.
func walk(ctx context.Context, f *flags, args []string) error {
	start := time.Now()
	cfg, err := loadConfig(f)
	if err != nil {
		return err
	}
	quiet, err := hush()
	if err != nil {
		return err
	}
	defer quiet.restore()
	c, err := kube.Connect(f.kube, kube.Options{Version: version, ReadOnly: f.readOnly, Warn: quiet.note, Now: time.Now})
	if err != nil {
		return err
	}
	set, err := settings(cfg, c, f, args)
	if err != nil {
		return err
	}
	c.SetTargets(set.Components)
	prom, err := newPrometheus(f, cfg, c, set.Limits)
	if err != nil {
		return err
	}
	dirs, err := journalDirs(f, cfg)
	if err != nil {
		return err
	}
	if !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()) {
		return errors.New("the walk needs a terminal; without one, try: rollbook doctor")
	}
	open, trouble := openJournals(dirs)
	if trouble != nil {
		quiet.note(trouble.Error())
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	e := engine.New(engine.Config{Cluster: cluster{c}, Metrics: prom, Settings: set, Version: version, Host: host,
		Journals: dirs, Open: open, IdlePoll: cfg.Limits.PollIdle})
	said, err := show(ctx, e, ui.Options{Engine: e, Viewer: viewer{c}, Start: start}, func(ctx context.Context) {
		prom.search(ctx, cfg, c, set.Limits)
	})
	quiet.restore()
	if said != "" {
		fmt.Fprintln(os.Stderr, said)
	}
	if trouble != nil {
		fmt.Fprintln(os.Stderr, "rollbook:", trouble)
	}
	return err
}

// show runs the engine and what goes beside it for as long as the screen is
// open. A panic in any of them closes the screen first and is then told.
func show(ctx context.Context, e *engine.Engine, o ui.Options, beside func(context.Context)) (said string, err error) {
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
	go func() {
		if err := guarded(func() error { beside(work); return nil }); err != nil {
			close(err)
		}
	}()
	o.OnQuit = func(s string) { said = s }
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
